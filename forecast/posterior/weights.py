"""Importance weights: smoothed, with their diagnostics."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.inference.scaled import SMALLEST, NotFiniteError
from forecast.sampling.diagnostics import past

Array = NDArray[np.float64]

# Log ratios that differ by less are equal but for rounding: the same sum of logs, added up in another order.
ROUNDING = 1e-9
MIN_TAIL = 5  # fewer draws in the tail than this cannot be fitted
NO_FIT = 100.0  # the k of a tail of which nothing is known: as bad as can be, and a number


class Smoothed(NamedTuple):
    """Normalised weights (draws) that sum to one, and the tail's Pareto k."""

    weights: Array
    pareto_k: float


def smooth(log_ratios: Array) -> Smoothed:
    """Smooth importance ratios: the largest are replaced by quantiles of a generalised Pareto fit to them.

    Args:
        log_ratios: (draws,) natural logs of target density over proposal density, up to a constant. A draw that the
            target rules out has -inf: its weight is zero, and the others are smoothed as if it were not there.

    Where fewer draws live than make a tail, or no tail fits, k is NO_FIT. Raises NotFiniteError for a ratio
    that is no number or infinite, and where no draw lives.

    Source: Vehtari, Simpson, Gelman, Yao and Gabry (2024), algorithm 1.
    """
    largest = log_ratios.max()
    if not np.isfinite(largest):
        msg = f"the largest log ratio of importance sampling is {largest}"
        raise NotFiniteError(msg)
    live = log_ratios > -np.inf
    if live.all():
        return _smooth_live(log_ratios)
    of_live, k = _smooth_live(log_ratios[live])
    weights = np.zeros(log_ratios.size)
    weights[live] = of_live
    return Smoothed(weights, k if _n_tail(of_live.size) >= MIN_TAIL else NO_FIT)


def _n_tail(n: int) -> int:
    return int(min(0.2 * n, 3.0 * sqrt(n)))


def _smooth_live(log_ratios: Array) -> Smoothed:
    n = log_ratios.size
    if np.ptp(log_ratios) < ROUNDING:
        return Smoothed(np.full(n, 1.0 / n), -np.inf)  # the proposal is the target
    shifted = log_ratios - log_ratios.max()
    n_tail = _n_tail(n)
    k = np.inf
    if n_tail >= MIN_TAIL:
        order = np.argsort(shifted, kind="stable")
        tail, cutoff = order[-n_tail:], np.exp(shifted[order[-n_tail - 1]])
        if shifted[tail[0]] > -ROUNDING:
            weights = np.exp(shifted)
            return Smoothed(weights / weights.sum(), -np.inf)  # the whole tail is at the largest ratio: there is none
        k, sigma = fit_generalised_pareto(np.exp(shifted[tail]) - cutoff)
        if np.isfinite(k):
            at = (np.arange(n_tail) + 0.5) / n_tail
            quantiles = sigma * np.expm1(-k * np.log1p(-at)) / k if k != 0.0 else -sigma * np.log1p(-at)
            shifted = shifted.copy()
            # No smoothed weight may exceed the largest raw one.
            shifted[tail] = np.minimum(np.log(quantiles + cutoff), 0.0)
    weights = np.exp(shifted - shifted.max())
    return Smoothed(weights / weights.sum(), min(float(k), NO_FIT))


def pareto_k(log_ratios: Array) -> float:
    """Estimate the tail index k of ratios by their logs (draws,), those of one expectation for instance.

    NO_FIT where no draw lives.
    """
    return smooth(log_ratios).pareto_k if (log_ratios > -np.inf).any() else NO_FIT


def effective_size(weights: Array) -> float:
    """Compute the effective sample size 1 / sum(weights^2) of normalised weights (Kong 1992)."""
    return float(1.0 / np.square(weights).sum())


def fit_generalised_pareto(ascending: Array) -> tuple[float, float]:
    """Fit a generalised Pareto distribution to positive ascending excesses; return (k, sigma).

    Source: Zhang and Stephens (2009), with the weak prior on k of Vehtari et al. (2024), appendix C.
    """
    n = ascending.size
    prior_strength, prior_centre = 3.0, 10.0
    quartile = ascending[int(n / 4 + 0.5) - 1]
    if quartile <= ascending[0]:
        return np.inf, np.nan  # so many ties at the bottom are no Pareto tail
    n_grid = 30 + int(sqrt(n))
    grid = 1.0 - np.sqrt(n_grid / (np.arange(1, n_grid + 1) - 0.5))
    grid = grid / (prior_strength * quartile) + 1.0 / ascending[-1]
    k_grid = np.log1p(-grid[:, np.newaxis] * ascending).mean(axis=1)
    profile = n * (np.log(-(grid / k_grid)) - k_grid - 1.0)
    weights = np.exp(profile - np.logaddexp.reduce(profile))
    kept = weights >= 10 * np.finfo(float).eps
    if not kept.any():
        return np.inf, np.nan  # excesses over so many orders of magnitude that the fit is lost to rounding
    grid, weights = grid[kept], weights[kept] / weights[kept].sum()
    centre = float((grid * weights).sum())
    k = float(np.log1p(-centre * ascending).mean())
    sigma = -k / centre
    return (n * k + prior_centre * 0.5) / (n + prior_centre), sigma


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
