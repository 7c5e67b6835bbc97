"""Plain pools of the probabilities that several people gave to one question. No expert is told from another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def effective_number(weights: Array) -> float:
    """Compute (sum w)^2 / sum w^2 (Kong 1992): the number of forecasts for equal weights, fewer for unequal ones."""
    return float(weights.sum() ** 2 / np.square(weights).sum())


def extremising_factor(n: float) -> float:
    """Compute by how much the mean log-odds of n forecasts are stretched; 1 for one forecast, sqrt(3) for many.

    The published n (sqrt(3n^2 - 3n + 1) - 2) / (n^2 - n - 1) multiplied out, so that it has a value for every n >= 1.

    Source: Neyman and Roughgarden (2022), Are You Smarter Than a Random Expert?
    """
    return 3.0 * n / (sqrt(3.0 * n * n - 3.0 * n + 1.0) + 2.0)


def mean(p_event: Array, weights: Array) -> float:
    """Compute the weighted mean of probabilities (n,)."""
    return float(np.average(p_event, weights=weights))


def median(p_event: Array, weights: Array) -> float:
    """Compute the weighted median of probabilities (n,): half of the weight is on either side of it.

    Where exactly half of the weight ends, the mean of the two probabilities next to that place.
    """
    order = np.argsort(p_event, kind="stable")
    below = np.cumsum(weights[order])
    half = 0.5 * below[-1]
    # Sums of weights are not exact; a half that is missed by rounding alone is a half.
    rounding = 1e-12 * below[-1]
    first, last = np.searchsorted(below, [half - rounding, half + rounding])
    return float(0.5 * (p_event[order[first]] + p_event[order[last]]))


def mean_log_odds(p_event: Array, weights: Array) -> float:
    """Compute the probability whose log-odds are the weighted mean of those of the probabilities (n,)."""
    return _probability(_mean_logit(p_event, weights))


def extremised(p_event: Array, weights: Array) -> float:
    """Compute the mean log-odds, stretched away from 1/2 by the factor for the effective number of forecasts."""
    return _probability(extremising_factor(effective_number(weights)) * _mean_logit(p_event, weights))


def _mean_logit(p_event: Array, weights: Array) -> float:
    return float(np.average(np.log(p_event) - np.log1p(-p_event), weights=weights))


def _probability(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-logit)))


# By the name that they have in every table.
PLAIN_POOLS: Mapping[str, Callable[[Array, Array], float]] = {
    "mean": mean,
    "median": median,
    "mean_log_odds": mean_log_odds,
    "extremised": extremised,
}
