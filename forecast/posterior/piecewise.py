"""Distributions whose distribution function is linear between points, with jumps where a value has mass; mixtures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PiecewiseLinear:
    """A distribution by its distribution function at rising values.

    `values` (n,); `before` (n,) = P(X < value) and `up_to` (n,) = P(X <= value). It is linear from `up_to` of a value
    to `before` of the next; the first `before` is 0 and the last `up_to` is 1.
    """

    values: Array
    before: Array
    up_to: Array

    @classmethod
    def of_points(cls, points: Sequence[tuple[float, float]]) -> PiecewiseLinear:
        """Return the distribution with some quantiles: (level, value), levels rising from 0 to 1, values not falling.

        Where a value stands at several levels it has the mass between them.
        """
        levels, stated = (np.array(axis, dtype=float) for axis in zip(*points, strict=True))
        values, first = np.unique(stated, return_index=True)
        last = np.append(first[1:], stated.size) - 1
        return cls(values, levels[first], levels[last])

    def up_to_each(self, at: Array) -> Array:
        """Return P(X <= x) for each x (m,)."""
        place = np.searchsorted(self.values, at, side="right") - 1
        return self._between(at, place)

    def before_each(self, at: Array) -> Array:
        """Return P(X < x) for each x (m,)."""
        place = np.searchsorted(self.values, at, side="left") - 1
        return self._between(at, place)

    def _between(self, at: Array, place: NDArray[np.intp]) -> Array:
        """Follow the line that begins at the value of each place; 0 left of the first value, 1 right of the last."""
        if self.values.size == 1:
            return np.where(place < 0, 0.0, 1.0)
        here = np.clip(place, 0, self.values.size - 2)
        width = self.values[here + 1] - self.values[here]
        part = (at - self.values[here]) / width
        # The rounded line must not end above the value that it ends at.
        line = self.up_to[here] + part * (self.before[here + 1] - self.up_to[here])
        inside = np.where(part >= 1.0, self.before[here + 1], np.minimum(line, self.before[here + 1]))
        return np.where(place < 0, 0.0, np.where(place >= self.values.size - 1, 1.0, inside))

    def below(self, value: float) -> float:
        """Return P(X < value)."""
        return float(self.before_each(np.array([value]))[0])

    def quantile(self, level: float) -> float:
        """Return the smallest value that is not exceeded with probability `level`, above 0 and at most 1."""
        place = min(int(np.searchsorted(self.up_to, level)), self.values.size - 1)
        if place == 0 or self.before[place] < level:
            return float(self.values[place])
        start, rise = self.up_to[place - 1], self.before[place] - self.up_to[place - 1]
        part = (level - start) / rise
        return float(self.values[place - 1] + part * (self.values[place] - self.values[place - 1]))

    @property
    def mean(self) -> float:
        """The mean: of each line the middle of its ends, of each jump its value."""
        middles = (self.values[1:] + self.values[:-1]) / 2.0
        return float(middles @ (self.before[1:] - self.up_to[:-1]) + self.values @ (self.up_to - self.before))


def mixture(parts: Sequence[PiecewiseLinear], shares: Array) -> PiecewiseLinear:
    """Return the mixture of distributions by their shares (parts,), which add up to one; exact.

    The mixture of distribution functions that are linear between their values is linear between the values of all.
    """
    values = np.unique(np.concatenate([part.values for part in parts]))
    before = np.sum([share * part.before_each(values) for part, share in zip(parts, shares, strict=True)], axis=0)
    up_to = np.sum([share * part.up_to_each(values) for part, share in zip(parts, shares, strict=True)], axis=0)
    # Rounding must not make a distribution function fall, or end elsewhere than at 1.
    both = np.maximum.accumulate(np.stack([before, up_to], axis=1).ravel())
    both[-1] = 1.0
    return PiecewiseLinear(values, np.minimum(both[::2], 1.0), np.minimum(both[1::2], 1.0))
