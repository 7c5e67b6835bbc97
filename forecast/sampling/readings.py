"""Statements as numbers: what was said, on the log-odds scale, and which implied probability it is a reading of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from forecast.model.layout import exposed_until
from forecast.workspace.names import horizon_on
from forecast.workspace.records import Expert, Network, Question, Resolved, Statement, Workspace
from forecast.workspace.statement_forms import LEAST_CODED_SD, is_read_at_opening, statement_form
from forecast.workspace.statement_forms.form import CountedCases, Numbers, StatedDistribution, StatedNumber

DEGREES_OF_FREEDOM = 4


def numbers(statement: Statement, experts: Mapping[str, Expert], network: Network) -> Numbers:
    """Turn a statement's reading into numbers on the log-odds scale. An editor's coding is never tighter than sd 1."""
    expert, form, reading = experts[statement.expert], statement_form(statement.reading), statement.reading
    sd = form.sd(reading, expert)
    sd = expert.default_sd if sd is None else sd
    scale = max(sd, LEAST_CODED_SD) if statement.coded_by is not None else sd
    window_days = (horizon_on(network, statement.date) - network.opens).days
    said: Numbers = form.numbers(reading, scale, window_days)
    if isinstance(said, StatedNumber | StatedDistribution):
        return replace(said, is_exact=expert.exact)
    return _by_its_day(said, statement, network) if isinstance(said, CountedCases) else said


def _by_its_day(count: CountedCases, statement: Statement, network: Network) -> CountedCases:
    """Put the cases of a reference class and the time that its target has on one scale.

    With A the exposure of the target's event, a case as long as the window has A(H), H the horizon of the day on which
    the count was made. The target has A(by), all from the opening on: counts are read there. Survival is exp(-rate *
    exposure) for both.

    Raises ValueError for a target whose event cannot move until its day.
    """
    about, exponent = statement.about, count.exponent
    if about.condition is None:
        return count
    event = network.events[about.condition.event]
    if about.by is not None:
        until = exposed_until(network, event.id, about.by)
        if until <= 0.0:
            msg = f"a count of '{event.id}' by {about.by}, until when its timing lets nothing happen"
            raise ValueError(msg)
        exponent *= exposed_until(network, event.id, horizon_on(network, statement.date)) / until
    stays = event.kind == "reached" and event.states[0] in about.condition.states and exponent != 1.0
    return replace(count, exponent=exponent, stays=stays)


def read_at(statement: Statement, network: Network) -> date | None:
    """Return the date whose knowledge the statement's author had; None: read at the opening, before any evidence."""
    return None if is_read_at_opening(statement, network.opens) else statement.date


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


# Between what the model implies and what was stated: written once, for arrays of draws and for PyMC's variables.


def reading_variance(scatters: Any, omega: Any, sd: Any, weight: Any) -> Any:
    """Compute the variance of a reading's noise in log-odds, (sd^2 + (scatters omega)^2) / weight.

    `sd` is the statement's own, `omega` its expert's extra noise, `scatters` 0 for an exact expert and else 1, `weight`
    the expert's. Arrays of any one shape.
    """
    extra = scatters * omega
    return (sd**2 + extra**2) / weight


def as_rated(bias: Any, slope: Any, is_biased: Any, implied: Any) -> Any:
    """Compute what somebody with a track record is expected to state: bias + slope * what the model implies.

    In log-odds; a difference of two (`is_biased` 0) has no bias, for a constant one cancels.
    """
    return bias * is_biased + slope * implied


def case_log_odds(xp: Any, log_none: Any) -> Any:
    """Compute the log-odds that a case of a count happens from ln P(it does not)."""
    return xp.log(-xp.expm1(log_none)) - log_none
