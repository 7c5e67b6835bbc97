"""Which numbers are one number but for the rounding of arithmetic: the one rule for all that groups or ranks."""

from __future__ import annotations

import numpy as np

from forecast.scores.cells import Floats, Ints, Mask

# .3 and .1 + .2 are 6e-17 apart. The resolution of double precision between -1 and 1, as in scikit-learn's isotonic
# regression; whoever writes fifteen decimals is still taken at their word.
ROUNDING = 1e-15


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
