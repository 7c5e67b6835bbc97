"""The scale that statements are read on: log-odds, and Student's t with 4 degrees of freedom in closed form."""

from __future__ import annotations

import math


def logit(p: float) -> float:
    """Return the log-odds of a probability strictly between 0 and 1."""
    return math.log(p) - math.log1p(-p)


def expit(log_odds: float) -> float:
    """Return the probability of some log-odds."""
    if log_odds < 0.0:
        odds = math.exp(log_odds)
        return odds / (1.0 + odds)
    return 1.0 / (1.0 + math.exp(-log_odds))


def t4_quantile(p: float) -> float:
    """Return the quantile of Student's t with 4 degrees of freedom, in closed form (Shaw 2006, section 3)."""
    alpha = 4 * p * (1 - p)
    q = math.cos(math.acos(math.sqrt(alpha)) / 3) / math.sqrt(alpha)
    return math.copysign(2 * math.sqrt(max(q - 1, 0.0)), p - 0.5)


def t4_cdf(t: float) -> float:
    """Return the distribution function of Student's t with 4 degrees of freedom, in closed form.

    With s = t / sqrt(4 + t^2) it is 1/2 + 3 s / 4 - s^3 / 4: the integral of the density 3 / (8 (1 + t^2 / 4)^(5/2)).
    """
    s = t / math.hypot(2.0, t)
    return 0.5 + s * (3.0 - s * s) / 4.0


def interval_sd(low: float, high: float, level: float) -> float:
    """Return the scale of the t with 4 degrees of freedom whose central `level` interval is as wide as low to high."""
    return (high - low) / (2 * t4_quantile((1 + level) / 2))
