"""How wide a statement is: the sd, in log-odds, that its own numbers imply."""

from __future__ import annotations

import math

from forecast.workspace.fits import fit_quantiles, interval_sd, logit
from forecast.workspace.records import Distribution, Expert, Probability, Quantiles, Reading, Times, Word
from forecast.workspace.verbal import read_word

LEAST_CODED_SD = 1.0  # log-odds; nobody puts a sharper number on somebody else's words


def stated_sd(reading: Reading, expert: Expert) -> float | None:
    """Return the sd that a reading implies, or its expert's own where it implies none; None for counts and orders.

    In log-odds; of a ratio of probabilities, in the logarithm of the ratio."""
    match reading:
        case Probability(low=low, high=high, level=level) if low is not None and high is not None:
            return interval_sd(logit(low), logit(high), level)
        case Quantiles(points=points, fit=fit):
            return fit_quantiles(points, fit).scale
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
