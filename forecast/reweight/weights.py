"""How well a set of draws stands for the posterior: smoothed weights with their diagnostics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.inference.scaled import SMALLEST
from forecast.prior.trusted import past
from forecast.reweight.psis import NO_FIT, effective_size, pareto_k, smooth

Array = NDArray[np.float64]

MAX_PARETO_K = 0.7  # above it importance sampling is not to be trusted (Vehtari et al. 2024, section 3.2.4)
MIN_EFFECTIVE_SIZE = 400.0
# Probability that is added to a scenario's before its expectation is judged: how unevenly a draw in a million makes up
# a probability of next to nothing is no reason against a forecast whose finest digit is a tenth of a percent.
NEGLIGIBLE = 0.001
BELOW_ONE = float(np.nextafter(1.0, 0.0))


@dataclass(frozen=True)
class Weights:
    """Normalised weights (draws), their effective size, and the worst Pareto k of the weights and of each scenario."""

    weights: Array
    pareto_k: float
    effective_size: float

    @property
    def reliable(self) -> bool:
        """Whether the weights may be used; otherwise the evidence has to go into the sampler."""
        return not self.distrust

    @property
    def distrust(self) -> tuple[str, ...]:
        """Why the weights may not be used, each reason with its value and its limit."""
        k, size = self.pareto_k, self.effective_size
        reasons = []
        if k == NO_FIT:
            reasons.append("Pareto k of the weights is not known: no tail fits them")
        elif not k <= MAX_PARETO_K:
            reasons.append(f"Pareto k of the weights is {past(k, MAX_PARETO_K)}, above {MAX_PARETO_K:g}")
        if not size >= MIN_EFFECTIVE_SIZE:
            shown = past(size, MIN_EFFECTIVE_SIZE)
            reasons.append(f"effective size of the weights is {shown}, below {MIN_EFFECTIVE_SIZE:g}")
        return tuple(reasons)


def weigh_draws(log_ratios: Array, scenarios: Array) -> Weights:
    """Weigh draws by the evidence.

    Args:
        log_ratios: (draws,) log P(E | theta_d), less the log of what the proposal already had of it.
        scenarios: (scenarios, draws) P(s | E, theta_d): each one's expectation has a tail of its own.
    """
    weights, k = smooth(log_ratios)
    worst = max([k, *(pareto_k(log_ratios + np.log(share + NEGLIGIBLE)) for share in scenarios)])
    return Weights(weights, worst, effective_size(weights))


def no_false_certainty(means: Array, shares: Array, weights: Array) -> Array:
    """Keep averages (parts, ...) of shares that add up to one apart from 0 and 1 where they are neither.

    Args:
        means: averages, or quantiles, of the parts: in floating point what is very improbable may come out as 0, and
            what is very probable as 1.
        shares: (parts, draws), zero only where a part is impossible in a draw.
        weights: (draws,) of the draws.
    """
    possible = (shares[:, weights > 0.0] > 0.0).any(axis=1).reshape(-1, *(1,) * (means.ndim - 1))
    at_least = np.where(possible, np.maximum(means, SMALLEST), means)
    return np.asarray(np.minimum(at_least, BELOW_ONE) if possible.sum() > 1 else at_least)


def weighted_quantiles(values: Array, weights: Array, probabilities: Array) -> Array:
    """Compute quantiles (rows, probabilities) of values (rows, draws) under normalised weights (draws).

    The inverse of the weighted distribution function: the smallest value whose cumulative weight reaches p.
    """
    order = np.argsort(values, axis=1, kind="stable")
    cumulative = np.cumsum(weights[order], axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    last = values.shape[1] - 1
    places = [np.minimum(np.searchsorted(total, probabilities), last) for total in cumulative]
    return np.stack([row[place] for row, place in zip(ordered, places, strict=True)])
