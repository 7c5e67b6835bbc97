"""Rows grouped: sorted into runs of equal keys, numbers that are one but for rounding, means by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.scoring.cells import Floats, Ints, Mask

# .3 and .1 + .2 are 6e-17 apart. The resolution of double precision between -1 and 1, as in scikit-learn's isotonic
# regression; whoever writes fifteen decimals is still taken at their word.
ROUNDING = 1e-15


def runs(keys: Sequence[NDArray[Any]]) -> tuple[Ints, Mask]:
    """Return the stable order of rows by keys, the first key first, and where in that order a new key begins.

    Args:
        keys: each (n,).

    Returns:
        order (n,), and starts (n,), true where a key differs from the one before.
    """
    order = np.lexsort(tuple(reversed(keys)))
    starts = np.zeros(order.size, dtype=bool)
    starts[:1] = True
    for key in keys:
        there = key[order]
        starts[1:] |= there[1:] != there[:-1]
    return order, starts


def ranges(first: Ints, width: Ints) -> Ints:
    """Return `first`, `first` + 1, ... up to `width` places of each (n,), one after the other."""
    return np.repeat(first - (np.cumsum(width) - width), width) + np.arange(int(width.sum()))


def new_points(ordered: Floats) -> Mask:
    """Say where a new point begins among rising numbers (n,): ROUNDING or more above the first one of the point.

    A point is nowhere wider than ROUNDING, however many numbers follow each other closely.

    Source: the rule of scikit-learn's isotonic regression for equal x.
    """
    begins = np.ones(ordered.size, dtype=bool)
    begins[1:] = np.diff(ordered) >= ROUNDING
    place = np.arange(ordered.size)
    while True:
        first = ordered[np.maximum.accumulate(np.where(begins, place, 0))]
        beyond = ordered - first >= ROUNDING
        if not beyond.any():
            return begins
        # Of a point that got too wide, what lies beyond its first number begins a new one: once more from there.
        beyond[1:] &= ~beyond[:-1]
        begins |= beyond


def points(numbers: Floats) -> Ints:
    """Return the point (n,) of each number, 0, 1, 2, ... from the lowest one on: equal for what is one number."""
    different, inverse = np.unique(numbers, return_inverse=True)
    return (np.cumsum(new_points(different)) - 1)[inverse]


@dataclass(frozen=True)
class Means:
    """Of g groups (g,): means, NaN of nothing; how many scores, and how many of them are infinite or undefined."""

    mean: Floats
    n: Ints
    infinite: Ints


def means(scores: Floats, group: Ints, n_groups: int) -> Means:
    """Average scores within groups. A mean that holds infinite scores of both signs, or an undefined one, is NaN.

    Args:
        scores: (n,) scores; undefined ones are NaN.
        group: (n,) of each score, from 0 to n_groups - 1.
        n_groups: g.
    """
    n = np.bincount(group, minlength=n_groups)
    with np.errstate(invalid="ignore"):  # inf - inf is the undefined mean that is promised
        total = np.bincount(group, scores, minlength=n_groups)
    infinite = np.bincount(group[~np.isfinite(scores)], minlength=n_groups)
    return Means(np.where(n > 0, total / np.maximum(n, 1), np.nan), n, infinite)


def different(group: Ints, member: Ints, n_groups: int) -> Ints:
    """Count the different members (n,) of each group (n,): (g,)."""
    n_members = int(member.max(initial=0)) + 1
    return np.bincount(np.unique(group * n_members + member) // n_members, minlength=n_groups)
