"""Statements as numbers: what was said, on the log-odds scale, and which implied probability it is a reading of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from math import log
from typing import assert_never

from forecast.model.hazard import exposed_until
from forecast.workspace.fits import fit_quantiles, interval_sd, logit
from forecast.workspace.names import horizon_on
from forecast.workspace.records import (
    EDITORS,
    Count,
    Distribution,
    Expert,
    MoreLikelyThan,
    Network,
    Probability,
    Quantiles,
    Question,
    Resolved,
    Statement,
    Target,
    Times,
    Word,
    Workspace,
)
from forecast.workspace.statement_forms.registry import LEAST_CODED_SD
from forecast.workspace.verbal import read_word

DEGREES_OF_FREEDOM = 4
DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class StatedNumber:
    """`location` is a noisy reading of logit P(target), of its log, or of a difference of two such terms.

    `scale` is that of the noise in log-odds (Student t, 4 degrees of freedom; normal where `is_exact`); `against` is
    the term subtracted.
    """

    location: float
    scale: float
    of_odds: bool
    against: Target | None = None
    is_exact: bool = False


@dataclass(frozen=True)
class StatedDistribution:
    """A probability for each state of the target's event, and the sd of each log-ratio coordinate."""

    probabilities: tuple[float, ...]
    scale: float
    is_exact: bool = False


@dataclass(frozen=True)
class CountedCases:
    """`happened` of `of` cases, each with probability 1 - (1 - P(target))^exponent.

    `stays`: the target is that some steps are not taken, and each case has probability P(target)^exponent.
    """

    happened: int
    of: int
    exponent: float
    stays: bool = False


@dataclass(frozen=True)
class Ordered:
    """The target was said to be likelier than `other`; `scale` is the logistic scale of a slip, in log-odds."""

    other: Target
    scale: float


Numbers = StatedNumber | StatedDistribution | CountedCases | Ordered


def numbers(statement: Statement, experts: Mapping[str, Expert], network: Network) -> Numbers:
    """Turn a statement's reading into numbers on the log-odds scale. An editor's coding is never tighter than sd 1."""
    expert = experts[statement.expert]
    coded_by_another = statement.coded_by is not None

    def scale(stated: float | None) -> float:
        sd = expert.default_sd if stated is None else stated
        return max(sd, LEAST_CODED_SD) if coded_by_another else sd

    reading = statement.reading
    match reading:
        case Probability():
            return _probability(reading, scale, expert.exact)
        case Quantiles():
            fit = fit_quantiles(reading.points, reading.fit)
            return StatedNumber(fit.location, scale(fit.scale), of_odds=True, is_exact=expert.exact)
        case Word():
            word = read_word(reading.term, reading.scale)
            return _probability(Probability(word.best, word.low, word.high, word.level, None), scale, expert.exact)
        case Times():
            sd = None
            if reading.low is not None and reading.high is not None:
                sd = interval_sd(log(reading.low), log(reading.high), reading.level, exact=expert.exact)
            return StatedNumber(log(reading.ratio), scale(sd), reading.of_odds, reading.against, expert.exact)
        case Count():
            return _counted(reading, statement.about, network, statement.date)
        case MoreLikelyThan():
            return Ordered(reading.other, scale(None))
        case Distribution():
            return StatedDistribution(tuple(reading.probabilities.values()), scale(reading.sd), expert.exact)
        case _:
            assert_never(reading)


def _probability(reading: Probability, scale: Callable[[float | None], float], is_exact: bool) -> StatedNumber:
    sd = reading.sd
    if reading.low is not None and reading.high is not None:
        sd = interval_sd(logit(reading.low), logit(reading.high), reading.level, exact=is_exact)
    return StatedNumber(logit(reading.best), scale(sd), of_odds=True, is_exact=is_exact)


def _counted(count: Count, about: Target, network: Network, day: date) -> CountedCases:
    """Put the cases of a reference class and the time that its target has on one scale.

    With A the exposure of the target's event, a case as long as the window has A(H), H the horizon of the day on which
    the count was made; a year an average year's share of it, an opportunity one of so many equal parts. The target has
    A(by), all from the opening on: counts are read there. Survival is exp(-rate * exposure) for both.

    Raises ValueError for a target whose event cannot move until its day.
    """
    horizon = horizon_on(network, day)
    exponent = _share_of_window(count, (horizon - network.opens).days)
    condition = about.condition
    if condition is None:
        return CountedCases(count.happened, count.of, exponent)
    event = network.events[condition.event]
    if about.by is not None:
        until = exposed_until(network, event.id, about.by)
        if until <= 0.0:
            msg = f"a count of '{event.id}' by {about.by}, until when its timing lets nothing happen"
            raise ValueError(msg)
        exponent *= exposed_until(network, event.id, horizon) / until
    stays = event.kind == "reached" and event.states[0] in condition.states and exponent != 1.0
    return CountedCases(count.happened, count.of, exponent, stays)


def _share_of_window(count: Count, window_days: int) -> float:
    """Return the part of the window's exposure that a case has."""
    match count.per:
        case "window":
            return 1.0
        case "year":
            # An average year of the window, whatever the event's timing makes of its single years.
            return DAYS_PER_YEAR / window_days
        case "opportunity":
            if count.opportunities is None:
                msg = "a count per opportunity needs the opportunities expected in the window"
                raise ValueError(msg)
            return 1.0 / count.opportunities


def read_at(statement: Statement, network: Network) -> date | None:
    """Return the date whose knowledge the statement's author had; None: read at the opening, before any evidence."""
    at_opening = statement.expert == EDITORS or isinstance(statement.reading, Count) or statement.date < network.opens
    return None if at_opening else statement.date


def asks(statement: Statement, question: Question, network: Network) -> bool:
    """Say whether a question asks what a statement is about: the event, the same states and day, no condition.

    Without a day of its own a statement is about the horizon of the day on which it was made.
    """
    target, condition = statement.about, statement.about.condition
    if condition is None or target.given or condition.event != question.about.event:
        return False
    return (
        set(condition.states) == set(question.about.states)
        and (target.by or horizon_on(network, statement.date)) == question.by
    )


def question_outcome(workspace: Workspace, statement: Statement, as_of: date) -> Resolved | None:
    """Return the line that resolved, by a date, the question a statement is about.

    None where there is none, where the statement says itself how it turned out, and where it was made only once the
    outcome was known.
    """
    if statement.resolved is not None:
        return None
    asked = {question.id for question in workspace.questions if asks(statement, question, workspace.network)}
    lines = [line for line in workspace.resolutions if line.subject in asked and line.counts_on(as_of)]
    known = [line for line in lines if line.state is not None and statement.date < line.known]
    return known[-1] if known else None


def came_true(workspace: Workspace, statement: Statement, as_of: date) -> bool | None:
    """Say whether what was stated turned out so, as known on a date; None where it is open or void."""
    own = statement.resolved
    if own is None:
        line = question_outcome(workspace, statement, as_of)
        return None if line is None else line.state == "yes"
    if own.on > as_of or own.state is None:
        return None
    condition = statement.about.condition
    return own.state in (condition.states if condition else (statement.about.scenario,))
