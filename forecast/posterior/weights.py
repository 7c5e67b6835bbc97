"""Importance weights: smoothed, with their diagnostics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.digits import UNITS, past
from forecast.inference.scaled import SMALLEST, NotFiniteError
from forecast.sampling.draws import distrust
from forecast.sampling.settings import CHAINS

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
        below = np.partition(shifted, n - n_tail - 1)[n - n_tail - 1]
        largest = np.flatnonzero(shifted >= below)  # those of the tail, and all that are as large as the last below it
        tail = largest[np.argsort(shifted[largest], kind="stable")[-n_tail:]]
        cutoff = np.exp(below)
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
    order = np.argsort(values, axis=1)  # whichever of equal values comes first, the quantile is their value
    cumulative = np.cumsum(weights[order], axis=1)
    last = values.shape[1] - 1
    places = np.stack([np.minimum(np.searchsorted(total, probabilities), last) for total in cumulative])
    return np.take_along_axis(values, np.take_along_axis(order, places, axis=1), axis=1)


# Weighted means of draws with their Monte Carlo standard errors, in few lines of numpy, many rows at once.
#
# Draws of a chain hang on each other, so that a mean of them is less certain than one of as many independent draws. A
# test holds these against ArviZ's and against repeated chains.

LEAST_A_CHAIN = 4  # draws: half a chain of fewer has no autocovariance
CONSTANT = 1e-12  # values that differ by less than this part of the largest are equal but for rounding
# Independent draws that the probability of a scenario must be worth: below it the error itself is hardly known.
LEAST_ESS_OF_SCENARIO = 100.0
FINEST = UNITS[0][0]  # digit of a probability that is ever printed
BLOCK = 32  # rows at a time: more do not fit into a processor's cache


def resampled(weights: Array) -> NDArray[np.intp]:
    """Return which draws stand for weighted ones with equal weight (draws): each as often as its weight says, in order.

    Systematically: with equal weights every draw is there once.
    """
    at = (np.arange(weights.size) + 0.5) / weights.size
    return np.minimum(np.searchsorted(np.cumsum(weights), at), weights.size - 1)


class Averages(NamedTuple):
    """Weighted means (rows), their Monte Carlo standard errors, and how many independent draws would be as certain.

    `ess` is the weighted variance of a row over the square of its error: it counts uneven weights and the chains'
    memory together.
    """

    mean: Array
    mcse: Array
    ess: Array


def averages(values: Array, weights: Array, mean: Array | None = None) -> Averages:
    """Average values (rows, draws) by normalised importance weights (draws).

    `mean` (rows), if it is known already: the last digit of a product hangs on how many rows it has.

    The error of the self-normalised mean is that of the mean of f_d = n w_d (g_d - mean), by the delta method. Draws
    lie chain after chain, as stage 1 writes them. Values that are the same in all draws have no error, and the weights'
    own effective size.

    Raises ValueError as `ess` does.

    Source: Geweke (1989), theorem 2, for the terms; `ess` for the error of their mean.
    """
    mean = values @ weights if mean is None else mean
    parts = [_errors(values[i : i + BLOCK], weights, mean[i : i + BLOCK]) for i in range(0, mean.size, BLOCK)]
    errors, sizes = (np.concatenate(part) for part in zip(*parts, strict=True)) if parts else (mean, mean)
    return Averages(mean, errors, sizes)


def _errors(values: Array, weights: Array, mean: Array) -> tuple[Array, Array]:
    off = values - mean[:, np.newaxis]
    errors = standard_error(off * weights)
    variance = np.square(off) @ weights
    # What is alike in all draws of any weight is known: its error is none, or rounding.
    varying = np.sqrt(variance) > CONSTANT * np.abs(values).max(axis=1)
    sizes = variance / np.square(np.where(varying, errors, 1.0))
    return np.where(varying, errors, 0.0), np.where(varying, sizes, effective_size(weights))


def quantile_errors(values: Array, levels: Sequence[float]) -> tuple[float, ...]:
    """Compute the Monte Carlo standard error of each quantile of values (draws), which all weigh the same.

    Half the way between the quantiles that lie one error of the level below and above it: the error of the share of
    draws that are at most the quantile, which counts the chains' memory. Raises ValueError as `ess` does.

    Source: Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), section 4.2, with the normal distribution of that
    share in place of the beta.
    """
    at = np.quantile(values, levels)
    below = (values[np.newaxis, :] <= at[:, np.newaxis]).astype(float)
    errors = averages(below, np.full(values.size, 1.0 / values.size)).mcse
    around = [np.quantile(values, np.clip([p - e, p + e], 0.0, 1.0)) for p, e in zip(levels, errors, strict=True)]
    return tuple(float(high - low) / 2.0 for low, high in around)


def deviations(values: Array, weights: Array) -> Array:
    """Return w_d (g_d - mean) of values (rows, draws): what `standard_error` takes.

    The difference of two means over the same draws has the difference of their deviations.
    """
    return np.asarray(weights * (values - (values @ weights)[:, np.newaxis]))


def standard_error(terms: Array, samples: int = 1) -> Array:
    """Compute the Monte Carlo standard error of the sum over draws of each row of terms (rows, draws).

    Args:
        terms: contributions of the draws, chain after chain (CHAINS of equal length).
        samples: so many samples of CHAINS chains each lie one after the other, each from a distribution of its own;
            their errors are independent.

    n sd(terms) / sqrt(ess(terms)): that of n times their mean. Raises ValueError as `ess` does.
    """
    per_sample = terms.reshape(len(terms) * samples, terms.shape[1] // samples)
    n = per_sample.shape[1]
    spread = per_sample.std(axis=1, ddof=min(1, n - 1))
    errors = n * spread / np.sqrt(ess(per_sample))
    return np.asarray(np.sqrt(np.square(errors.reshape(-1, samples)).sum(axis=1)))


def ess(draws: Array, chains: int = CHAINS) -> Array:
    """Compute the effective sample size for the mean of each row of draws (rows, draws), chain after chain.

    Geyer's initial monotone sequence of autocorrelations that count within and between split chains. A row without any
    variation counts every draw. So do fewer than four draws a chain: they tell nothing of a memory.

    Raises ValueError where the draws are not chains of equal length.

    Source: Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), section 3; Geyer (1992), section 3.3.
    """
    length, rest = divmod(draws.shape[1], chains)
    if length < LEAST_A_CHAIN:
        return np.full(len(draws), float(draws.shape[1]))
    if rest:
        msg = f"{draws.shape[1]} draws are not {chains} chains of equal length"
        raise ValueError(msg)
    n = length // 2
    by_chain = draws.reshape(-1, chains, length)
    halves = np.concatenate([by_chain[:, :, :n], by_chain[:, :, -n:]], axis=1)
    means = halves.mean(axis=2)
    covariance = _autocovariance(halves - means[:, :, np.newaxis])
    variance = covariance[:, 0] + means.var(axis=1, ddof=1)
    constant = variance == 0.0
    within = covariance[:, 0] * n / (n - 1.0)
    correlation = 1.0 - (within[:, np.newaxis] - covariance) / np.where(constant, 1.0, variance)[:, np.newaxis]
    correlation[:, 0] = 1.0
    total = float(2 * chains * n)
    # Below this more than n log10(n) independent draws would be claimed for chains that swing back and forth.
    times = np.maximum(_autocorrelation_time(correlation), 1.0 / np.log10(total))
    return np.where(constant, total, total / times)


def _autocovariance(centred: Array) -> Array:
    """Return the autocovariance by lag (rows, lags), averaged over chains, of centred chains (rows, chains, draws)."""
    n = centred.shape[2]
    padded = _fast_length(2 * n)  # room for every lag: the transform goes round in a circle
    spectrum = np.fft.rfft(centred, padded, axis=2)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).mean(axis=1)
    return np.asarray(np.fft.irfft(power, padded, axis=1)[:, :n] / n)


def _fast_length(least: int) -> int:
    """Return the smallest 2^a 3^b 5^c that is at least so large: of such lengths transforms are fast."""
    best = 1 << (least - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            best = min(best, three << max(0, (-(-least // three) - 1).bit_length()))
            three *= 3
        five *= 5
    return best


def _autocorrelation_time(correlation: Array) -> Array:
    """Sum autocorrelations (rows, lags) over the lags while sums of two neighbours are positive, made to fall."""
    # The last lag is that of a single pair of draws.
    n_pairs = max(1, (correlation.shape[1] - 1) // 2)
    even, odd = correlation[:, 0 : 2 * n_pairs : 2], correlation[:, 1 : 2 * n_pairs : 2]
    pairs = even + odd
    positive = np.logical_and.accumulate(pairs > 0.0, axis=1)
    counted = np.minimum(positive.sum(axis=1), n_pairs - 1)
    falling = np.minimum.accumulate(pairs, axis=1)
    inside = np.arange(n_pairs) < counted[:, np.newaxis]
    # The first lag after them still counts where it is positive (the improvement of 2021, for chains that swing).
    after = np.maximum(even[np.arange(len(even)), counted], 0.0)
    return np.asarray(-1.0 + 2.0 * np.where(inside, falling, 0.0).sum(axis=1) + after)


def reasons(
    diagnostics: Mapping[str, float], weights: Weights, sizes: Mapping[str, float], errors: Mapping[str, float]
) -> tuple[str, ...]:
    """Say why a forecast is not reliable, each reason with its value and its limit; empty where it is.

    Args:
        diagnostics: of the fit that the draws come from (forecast.sampling.settings).
        weights: those of the draws.
        sizes: the effective sample size of each scenario's probability (`averages`), by name; the
            smallest of those that are too small is named.
        errors: their Monte Carlo standard errors: a probability that is known to its finest digit needs no more draws.
    """
    doubts = [*distrust(diagnostics), *weights.distrust]
    uncertain = [size for size in sizes if not 2.0 * errors[size] <= FINEST]
    name = min(uncertain, key=lambda one: sizes[one], default=None)
    if name is not None and not sizes[name] >= LEAST_ESS_OF_SCENARIO:
        shown = past(sizes[name], LEAST_ESS_OF_SCENARIO)
        doubts.append(f"ESS of '{name}' is {shown}, below {LEAST_ESS_OF_SCENARIO:g}")
    return tuple(doubts)


def not_reliable(why: Sequence[str]) -> str:
    """Say in one sentence that a forecast is not reliable, and why; empty where nothing speaks against it."""
    return f"The forecast is not reliable: {'; '.join(why)}." if why else ""
