"""Runs of equal keys after a stable sort: what a group-by is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.scores.cells import Ints, Mask


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
