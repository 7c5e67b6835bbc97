"""Weighted means of draws with their Monte Carlo standard errors, in few lines of numpy, many rows at once.

Draws of a chain hang on each other, so that a mean of them is less certain than one of as many independent draws. A
test holds these against ArviZ's and against repeated chains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.digits import UNITS
from forecast.posterior.weights import Weights, effective_size
from forecast.sampling.diagnostics import distrust, past
from forecast.sampling.settings import CHAINS

Array = NDArray[np.float64]

LEAST_A_CHAIN = 4  # draws: half a chain of fewer has no autocovariance
CONSTANT = 1e-12  # values that differ by less than this part of the largest are equal but for rounding
# Independent draws that the probability of a scenario must be worth: below it the error itself is hardly known.
LEAST_ESS_OF_SCENARIO = 100.0
FINEST = UNITS[0][0]  # digit of a probability that is ever printed
BLOCK = 32  # rows at a time: more do not fit into a processor's cache


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
        sizes: the effective sample size of each scenario's probability (forecast.posterior.mcse.averages), by name; the
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
