"""Scores of distributions of a number, in its unit. Lower is better."""

from __future__ import annotations

import numpy as np

from forecast.scores.cells import Floats


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
