"""Statements as numbers: what was said, on the log-odds scale, and which implied probability it is a reading of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from math import exp, log, sqrt
from typing import Any

from forecast.model.layout import exposed_until
from forecast.workspace.names import horizon_on
from forecast.workspace.records import Expert, Network, Question, Reading, Resolved, Statement, Workspace
from forecast.workspace.statement_forms import LEAST_CODED_SD, is_read_at_opening, statement_form
from forecast.workspace.statement_forms.form import CountedCases, Numbers, StatedDistribution, StatedNumber

DEGREES_OF_FREEDOM = 4


# Several people who put numbers on the same words differ by an sd kappa (log-odds), ln kappa normal about ln 0.65: what
# is known of it before any remark was coded twice. Surveyed readers of one word of probability differ by a scale of 0.5
# to 0.9 (that of a t, by the middle half of their answers; the middle half of the words in
# forecast/data/verbal_probability.csv). A coder has the context too, which tells more, and chooses the words, which
# tells less. Not half-normal: coders who agree to the last digit would make kappa zero.
MEDIAN_CODER, SD_LOG_CODER = 0.65, 0.35
CODER_VARIANCE = exp(2.0 * log(MEDIAN_CODER) + 2.0 * SD_LOG_CODER**2)  # its mean: what a lone coding is taken to hold


def numbers(statement: Statement, experts: Mapping[str, Expert], network: Network) -> Numbers:
    """Turn a statement's reading into numbers on the log-odds scale. An editor's coding is never tighter than sd 1.

    Of several codings the mean of the locations. The variance of one coding holds the expert's doubt and the coder's;
    of m codings the coder's part is an mth, and more where they lie far apart. The expert's stays what it is: coders
    are no further experts.
    """
    codings = coded_numbers(statement, experts, network)
    if len(codings) < 2:
        return _numbers(statement, statement.reading, experts, network)
    share = 1.0 / len(codings)
    one = sum(coding.scale**2 for coding in codings) * share
    location = sum(coding.location for coding in codings) * share
    apart = sum((coding.location - location) ** 2 for coding in codings)
    variance = one - CODER_VARIANCE + of_coders(share, CODER_VARIANCE, apart)
    return replace(codings[0], location=location, scale=sqrt(variance))


def coded_numbers(statement: Statement, experts: Mapping[str, Expert], network: Network) -> tuple[StatedNumber, ...]:
    """Return what each coder read a statement's words as; empty where the expert gave the number, and of no number."""
    if statement.coded_by is None:
        return ()
    read = (_numbers(statement, reading, experts, network) for reading in statement.readings)
    return tuple(one for one in read if isinstance(one, StatedNumber))


def _numbers(statement: Statement, reading: Reading, experts: Mapping[str, Expert], network: Network) -> Numbers:
    """Turn one coder's reading (or the expert's own) into numbers on the log-odds scale."""
    expert, form = experts[statement.expert], statement_form(reading)
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


def reading_variance(scatters: Any, omega: Any, sd: Any, weight: Any, beyond: Any = None) -> Any:
    """Compute the variance of a reading's noise in log-odds, (sd^2 + beyond + (scatters omega)^2) / weight.

    `sd` is the statement's own, `omega` its expert's extra noise, `scatters` 0 for an exact expert and else 1, `weight`
    the expert's. `beyond` is what its coders add to sd^2, where that is learned. Arrays of any one shape.
    """
    extra = scatters * omega
    own = sd**2 if beyond is None else sd**2 + beyond
    return (own + extra**2) / weight


def of_coders(share: Any, variance: Any, apart: Any) -> Any:
    """Compute the part of coders in the variance of the mean of a remark's codings.

    The errors of m coders of one remark are a multivariate t with 4 degrees of freedom and the variance kappa^2, as
    some remarks leave more open than others. Given the contrasts between the codings, the mean of the errors is a t
    with the variance (4 kappa^2 + apart) / ((3 + m) m). Of one coding that is kappa^2.

    Args:
        share: 1 / m; 0 where the expert gave the number, which no coder adds to.
        variance: kappa^2 (log-odds).
        apart: sum of squares of the codings about their mean, deviations of the coders taken out.
    """
    return share**2 * (DEGREES_OF_FREEDOM * variance + apart) / (1.0 + (DEGREES_OF_FREEDOM - 1.0) * share)


def log_of_contrasts(xp: Any, m: Any, kappa: Any, apart: Any) -> Any:
    """Compute the log density of the contrasts between m codings of one remark, up to a constant that m decides.

    In an orthonormal basis they are a multivariate t of m - 1 dimensions with 4 degrees of freedom and the sd `kappa`;
    `apart` is their sum of squares.
    """
    square = apart / kappa**2 / DEGREES_OF_FREEDOM
    return -(m - 1.0) * xp.log(kappa) - (DEGREES_OF_FREEDOM + m - 1.0) / 2.0 * xp.log1p(square)


def as_rated(bias: Any, slope: Any, is_biased: Any, implied: Any) -> Any:
    """Compute what somebody with a track record is expected to state: bias + slope * what the model implies.

    In log-odds; a difference of two (`is_biased` 0) has no bias, for a constant one cancels.
    """
    return bias * is_biased + slope * implied


def case_log_odds(xp: Any, log_none: Any) -> Any:
    """Compute the log-odds that a case of a count happens from ln P(it does not)."""
    return xp.log(-xp.expm1(log_none)) - log_none
