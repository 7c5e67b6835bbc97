"""Means of scores by group, with how many forecasts and questions they rest on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.scores.cells import Floats, Ints


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
