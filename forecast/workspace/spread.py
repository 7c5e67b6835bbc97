"""How wide a statement is: the sd, in log-odds, that its own numbers imply."""

from __future__ import annotations

import math

from forecast.workspace.records import Distribution, Expert, Probability, Reading, Times, Word
from forecast.workspace.verbal import read_word

LEAST_CODED_SD = 1.0  # log-odds; nobody puts a sharper number on somebody else's words


def t4_quantile(p: float) -> float:
    """Return the quantile of Student's t with 4 degrees of freedom, in closed form (Shaw 2006, section 3)."""
    alpha = 4 * p * (1 - p)
    q = math.cos(math.acos(math.sqrt(alpha)) / 3) / math.sqrt(alpha)
    return math.copysign(2 * math.sqrt(max(q - 1, 0.0)), p - 0.5)


def interval_sd(low: float, high: float, level: float) -> float:
    """Return the scale of the t with 4 degrees of freedom whose central `level` interval is as wide as low to high."""
    return (high - low) / (2 * t4_quantile((1 + level) / 2))


def logit(p: float) -> float:
    """Return the log-odds of a probability strictly between 0 and 1."""
    return math.log(p) - math.log1p(-p)


def stated_sd(reading: Reading, expert: Expert) -> float | None:
    """Return the sd that a reading implies, or its expert's own where it implies none; None for counts and orders.

    In log-odds; of a ratio of probabilities, in the logarithm of the ratio."""
    match reading:
        case Probability(low=low, high=high, level=level) if low is not None and high is not None:
            return interval_sd(logit(low), logit(high), level)
        case Times(low=low, high=high, level=level) if low is not None and high is not None:
            return interval_sd(math.log(low), math.log(high), level)
        case Word(term=term, scale=scale):
            word = read_word(term, scale)
            return interval_sd(logit(word.low), logit(word.high), word.level)
        case Probability(sd=sd) | Distribution(sd=sd):
            return sd if sd is not None else expert.default_sd
        case Times():
            return expert.default_sd
    return None
