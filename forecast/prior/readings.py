"""Statements as numbers: what was said, on the log-odds scale, and which implied probability it is a reading of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from math import acos, cos, log, sqrt
from typing import assert_never

from forecast.workspace.records import (
    Count,
    Distribution,
    Expert,
    MoreLikelyThan,
    Network,
    Probability,
    Statement,
    Target,
    Times,
    Word,
)
from forecast.workspace.verbal import read_word

EDITORS = "editors"
DEGREES_OF_FREEDOM = 4
SD_CODED = 1.0  # at least: a number that somebody else put on an expert's words
DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class Stated:
    """`location` is a noisy reading of logit P(target), of its log, or of a difference of two such terms.

    `scale` is the sd of the noise in log-odds (Student t, 4 degrees of freedom); `against` is the term subtracted.
    """

    location: float
    scale: float
    of_odds: bool
    against: Target | None = None


@dataclass(frozen=True)
class StatedDistribution:
    """A probability for each state of the target's event, and the sd of each log-ratio coordinate."""

    probabilities: tuple[float, ...]
    scale: float


@dataclass(frozen=True)
class Counted:
    """`happened` of `of` cases, each with probability 1 - (1 - P(target))^exponent."""

    happened: int
    of: int
    exponent: float


@dataclass(frozen=True)
class Ordered:
    """The target was said to be likelier than `other`; `scale` is the logistic scale of a slip, in log-odds."""

    other: Target
    scale: float


Numbers = Stated | StatedDistribution | Counted | Ordered


def logit(probability: float) -> float:
    """Compute ln(p / (1 - p)) of a probability strictly between 0 and 1."""
    return log(probability) - log(1.0 - probability)


def t4_quantile(probability: float) -> float:
    """Compute the quantile of Student's t with 4 degrees of freedom (closed form: Shaw 2006, section 3)."""
    alpha = 4.0 * probability * (1.0 - probability)
    root = sqrt(alpha)
    size = 2.0 * sqrt(cos(acos(root) / 3.0) / root - 1.0)
    return size if probability >= 0.5 else -size


def interval_sd(low: float, high: float, level: float) -> float:
    """Compute the t scale whose central `level` interval is as wide as high - low (2.132 scales each way at 90 %)."""
    return (high - low) / (2.0 * t4_quantile((1.0 + level) / 2.0))


def numbers(statement: Statement, experts: Mapping[str, Expert], network: Network) -> Numbers:
    """Turn a statement's reading into numbers on the log-odds scale. An editor's coding is never tighter than sd 1."""
    expert = experts[statement.expert]
    coded_by_another = statement.coded_by is not None

    def scale(stated: float | None) -> float:
        sd = expert.default_sd if stated is None else stated
        return max(sd, SD_CODED) if coded_by_another else sd

    reading = statement.reading
    match reading:
        case Probability():
            return _probability(reading, scale)
        case Word():
            word = read_word(reading.term, reading.scale)
            return _probability(Probability(word.best, word.low, word.high, word.level, None), scale)
        case Times():
            sd = None
            if reading.low is not None and reading.high is not None:
                sd = interval_sd(log(reading.low), log(reading.high), reading.level)
            return Stated(log(reading.ratio), scale(sd), reading.of_odds, reading.against)
        case Count():
            return Counted(reading.happened, reading.of, _exponent(reading, network))
        case MoreLikelyThan():
            return Ordered(reading.other, scale(None))
        case Distribution():
            return StatedDistribution(tuple(reading.probabilities.values()), scale(reading.sd))
        case _:
            assert_never(reading)


def _probability(reading: Probability, scale: Callable[[float | None], float]) -> Stated:
    sd = reading.sd
    if reading.low is not None and reading.high is not None:
        sd = interval_sd(logit(reading.low), logit(reading.high), reading.level)
    return Stated(logit(reading.best), scale(sd), of_odds=True)


def _exponent(count: Count, network: Network) -> float:
    match count.per:
        case "window":
            return 1.0
        case "year":
            return DAYS_PER_YEAR / (network.horizon - network.opens).days
        case "opportunity":
            if count.opportunities is None:
                msg = "a count per opportunity needs the opportunities expected in the window"
                raise ValueError(msg)
            return 1.0 / count.opportunities


def read_at(statement: Statement, network: Network) -> date | None:
    """Return the date whose knowledge the statement's author had; None: read at the opening, before any evidence."""
    at_opening = statement.expert == EDITORS or isinstance(statement.reading, Count) or statement.date < network.opens
    return None if at_opening else statement.date
