"""The beta distribution: its distribution function and quantiles, without a library that is slow to import."""

from __future__ import annotations

import math

from forecast.workspace.log_odds import expit

TINY = 1e-300  # stands for a zero denominator in the continued fraction, as its algorithm asks for
PRECISE = 1e-15  # relative; where the continued fraction ends
FARTHEST = 700.0  # log-odds beyond which a probability is no number any more
HALVINGS = 80  # of the range of log-odds: down to 1e-21


def beta_cdf(log_odds: float, a: float, b: float) -> float:
    """Return P(X <= expit(log_odds)) for X ~ Beta(a, b): the regularised incomplete beta function.

    Log-odds, so that points near 1 are as exact as points near 0. The number of steps grows with sqrt(max(a, b)).

    Source: the continued fraction of DLMF 8.17.22, evaluated by the method of Lentz (1976).
    """
    if expit(log_odds) > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_cdf(-log_odds, b, a)
    x, rest = expit(log_odds), expit(-log_odds)
    if x == 0.0:
        return 0.0
    log_front = a * math.log(x) + b * math.log(rest) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(log_front) / (a * _continued_fraction(x, a, b))


def _continued_fraction(x: float, a: float, b: float) -> float:
    value, c, d, m, change = 1.0, 1.0, 0.0, 0, 0.0
    while abs(change - 1.0) > PRECISE:
        for odd in (True, False):
            if odd:
                step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                m += 1
            else:
                step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            d = 1.0 / ((1.0 + step * d) or TINY)
            c = (1.0 + step / c) or TINY
            change = c * d
            value *= change
    return value


def beta_log_odds(level: float, a: float, b: float) -> float:
    """Return the log-odds of the quantile of Beta(a, b) at a level, by bisection."""
    low, high = -FARTHEST, FARTHEST
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if beta_cdf(middle, a, b) < level else (low, middle)
    return 0.5 * (low + high)
