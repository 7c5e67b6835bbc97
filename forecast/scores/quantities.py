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


def crps_of_quantiles(quantiles: Floats, levels: Floats, outcome: Floats) -> Floats:
    """Compute twice the mean pinball loss over the levels, which approximates the CRPS.

    The nearer, the more levels there are and the more evenly they lie. With the median and levels in pairs around it it
    is the weighted interval score.

    Args:
        quantiles: (n, m), rising along the last axis.
        levels: (m,) between 0 and 1.
        outcome: (n,) what came true.

    Source: Gneiting and Raftery (2007), section 6; Bracher, Ray, Gneiting and Reich (2021).
    """
    beyond = outcome[:, np.newaxis] - quantiles
    return np.asarray(2.0 * np.where(beyond >= 0.0, levels * beyond, (levels - 1.0) * beyond).mean(axis=1))
