"""Scoring rules: a probability, probabilities of states, or a distribution against what happened. Lower is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.scoring.cells import Floats, Ints

Array = NDArray[np.float64]


def brier_score(p_event: ArrayLike, outcome: ArrayLike) -> Array:
    """Compute the Brier score (p - o)^2 of each forecast, from 0 to 1; a constant 1/2 scores .25.

    Half of the sum over both outcomes that Brier wrote down, which goes from 0 to 2.

    Args:
        p_event: (n,) probabilities that the event happens.
        outcome: (n,) 1 where it happened, 0 where it did not.

    Source: Brier (1950).
    """
    return np.asarray(np.square(np.asarray(p_event, dtype=float) - np.asarray(outcome, dtype=float)))


def log_score(p_event: ArrayLike, outcome: ArrayLike) -> Array:
    """Compute the logarithmic score -ln P(what happened) of each forecast; a constant 1/2 scores .693.

    Infinite for a forecast that had ruled out what happened.

    Args:
        p_event: (n,) probabilities that the event happens.
        outcome: (n,) 1 where it happened, 0 where it did not.

    Source: Good (1952).
    """
    p = np.asarray(p_event, dtype=float)
    with np.errstate(divide="ignore"):  # an infinite score is the score of a certainty that was wrong
        return np.asarray(-np.log(np.where(np.asarray(outcome) == 1, p, 1.0 - p)))


# By the name that they have in every table.
BINARY_SCORES: Mapping[str, Callable[[Any, Any], Array]] = {"brier": brier_score, "log": log_score}


def brier_sum(probabilities: Floats, outcome: Ints) -> Floats:
    """Compute the Brier score in its summed form, sum over states of (p - o)^2, from 0 to 2 (lower is better).

    For two states it is twice (p - o)^2.

    Args:
        probabilities: (n, K).
        outcome: (n,) the place of the state that came true.

    Source: Brier (1950).
    """
    happened = np.arange(probabilities.shape[1]) == outcome[:, np.newaxis]
    return np.asarray(np.square(probabilities - happened).sum(axis=1))


def ranked_probability_score(probabilities: Floats, outcome: Ints) -> Floats:
    """Compute the ranked probability score of ordered states, divided by K - 1: from 0 to 1 (lower is better).

    The mean of the Brier scores (0 to 1) of the K - 1 questions "at most state k".

    Args:
        probabilities: (n, K), the states in their order.
        outcome: (n,) the place of the state that came true.

    Source: Epstein (1969); divided as in Murphy (1971).
    """
    at_most = np.cumsum(probabilities, axis=1)[:, :-1]
    happened = np.arange(at_most.shape[1]) >= outcome[:, np.newaxis]
    return np.asarray(np.square(at_most - happened).mean(axis=1))


def crps_of_draws(draws: Floats, outcome: Floats) -> Floats:
    """Compute the CRPS of the empirical distribution of m draws, E|X - y| - E|X - X'| / 2.

    In its quantile form: 2/m times the sum of the pinball losses of the draws in order at levels (i - 1/2)/m. Nothing
    is corrected for the number of draws: the distribution that is scored is the one that was handed in.

    Args:
        draws: (n, m), rising along the last axis.
        outcome: (n,) what came true.

    Source: Laio and Tamea (2007); Jordan, Krueger and Lerch (2019), section 2.
    """
    m = draws.shape[1]
    return crps_of_quantiles(draws, (np.arange(m) + 0.5) / m, outcome)


def fair_crps_of_draws(draws: Floats, outcome: Floats) -> Floats:
    """Compute the fair CRPS of m draws: E|X - y| less half the mean distance of the m (m - 1) pairs of two draws.

    Its expectation is the CRPS of the distribution that independent draws come from, whatever their number. NaN of a
    single draw, which has no pair. Never negative.

    Args:
        draws: (n, m), rising along the last axis.
        outcome: (n,) what came true.

    Source: Ferro (2014); Ferro, Richardson and Weigel (2008).
    """
    m = draws.shape[1]
    if m == 1:
        return np.full(outcome.size, np.nan)
    off = draws - outcome[:, np.newaxis]
    # The distances of all pairs, from draws in order: each lies above i of them and below m - 1 - i.
    apart = off @ (2.0 * np.arange(m) - (m - 1.0)) / (m * (m - 1.0))
    # Two draws on either side of the outcome score 0, which rounding must not take below it.
    return np.asarray(np.maximum(np.abs(off).mean(axis=1) - apart, 0.0))


def crps_of_quantiles(quantiles: Floats, levels: Floats, outcome: Floats) -> Floats:
    """Compute twice the mean pinball loss over the levels, which approximates the CRPS.

    The nearer, the more levels there are and the more evenly they lie; at other levels it is another score. With the
    median and levels in pairs around it it is the weighted interval score.

    Args:
        quantiles: (n, m), rising along the last axis.
        levels: (m,) between 0 and 1.
        outcome: (n,) what came true.

    Source: Gneiting and Raftery (2007), section 6; Bracher, Ray, Gneiting and Reich (2021).
    """
    return np.asarray(2.0 * pinball_loss(quantiles, levels, outcome[:, np.newaxis]).mean(axis=1))


def pinball_loss(quantiles: Floats, levels: Floats, outcome: Floats) -> Floats:
    """Compute the pinball loss of quantiles at their levels, arrays that broadcast: level or 1 - level per unit off.

    Source: Koenker and Bassett (1978).
    """
    beyond = outcome - quantiles
    return np.where(beyond >= 0.0, levels * beyond, (levels - 1.0) * beyond)
