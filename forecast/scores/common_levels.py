"""Quantiles of two forecasters on one question, scored at the levels that both state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.scores.alike import Stated
from forecast.scores.cells import Floats, Ints
from forecast.scores.runs import ranges


@dataclass(frozen=True)
class Side:
    """Forecasts of one side of several comparisons: k forecasts `row` (k,), each for as long as `weight` (k,).

    `at` (k,) is the comparison, from 0 to n - 1, that a forecast takes part in.
    """

    row: Ints
    at: Ints
    weight: Floats


@dataclass(frozen=True)
class AtCommonLevels:
    """Mean losses of both sides (n,), NaN where no level is common; `level` (c,) is one that `comparison` (c,) uses."""

    own: Floats
    others: Floats
    comparison: Ints
    level: Ints

    def levels(self, stated: Stated) -> dict[int, tuple[float, ...]]:
        """Return the levels that each comparison uses, rising, of those that have any."""
        starts = np.flatnonzero(np.diff(self.comparison, prepend=-1))
        used = np.split(stated.levels[self.level], starts[1:])
        return {at: tuple(one.tolist()) for at, one in zip(self.comparison[starts].tolist(), used, strict=False)}


def at_common_levels(stated: Stated, own: Side, others: Side, n: int) -> AtCommonLevels:
    """Compute time-weighted means of twice the pinball loss over the levels that all forecasts of both sides state.

    Args:
        stated: what the forecasts consist of, all quantiles.
        own: one side of n comparisons, all weights above 0.
        others: the other side.
        n: how many comparisons there are.
    """
    n_levels = max(stated.levels.size, 1)
    of_own, of_others = _entries(stated, own), _entries(stated, others)
    keys = [at * n_levels + stated.level[entry] for entry, at, _ in (of_own, of_others)]
    pairs, place, counts = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
    # A forecast states a level once: one that as many entries state as there are forecasts is common to all.
    n_forecasts = np.bincount(own.at, minlength=n) + np.bincount(others.at, minlength=n)
    common = counts == n_forecasts[pairs // n_levels]
    n_common = np.bincount(pairs[common] // n_levels, minlength=n)
    used = np.split(common[place], [keys[0].size])

    def mean(side: Side, entries: tuple[Ints, Ints, Floats], chosen: Ints) -> Floats:
        entry, at, weight = entries
        total = np.bincount(at[chosen], (weight * stated.loss[entry])[chosen], minlength=n)
        weights = np.bincount(side.at, side.weight, minlength=n) * n_common
        return np.where(n_common > 0, total / np.where(n_common > 0, weights, 1.0), np.nan)

    means = mean(own, of_own, np.flatnonzero(used[0])), mean(others, of_others, np.flatnonzero(used[1]))
    return AtCommonLevels(*means, pairs[common] // n_levels, pairs[common] % n_levels)


def _entries(stated: Stated, side: Side) -> tuple[Ints, Ints, Floats]:
    """Return the entries of a side's forecasts, and of each its comparison and weight."""
    width = stated.width[side.row]
    entry = ranges(stated.first[side.row], width)
    return entry, np.repeat(side.at, width), np.repeat(side.weight, width)
