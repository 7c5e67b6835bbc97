"""What the forecast says of questions of every kind, and the words for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Literal

import numpy as np

from forecast.ledger.outcome import Outcome
from forecast.posterior.by_date import QUESTION_QUANTILES, QuestionEstimate, question_probabilities
from forecast.posterior.kinds import (
    LEVELS,
    DateEstimate,
    JointEstimate,
    NumberEstimate,
    date_estimate,
    joint_estimates,
    number_estimates,
)
from forecast.workspace.records import (
    AnyQuestion,
    Condition,
    DatedCondition,
    DateQuestion,
    JointQuestion,
    NumberQuestion,
    OtherRule,
    Proposition,
    Question,
)

AnswerKind = Literal["event", "scenario", "date", "number"]


@dataclass(frozen=True, kw_only=True)
class RuleSplit:
    """The difference of somebody's number to the forecast in two parts, which add up to it.

    `other_rule`: what the forecast has for the rule that the number is about, less its answer to the question;
    `other_belief`: the number less what the forecast has for that rule.
    """

    forecaster: str
    other_rule: float
    other_belief: float


@dataclass(frozen=True, kw_only=True)
class RulePrice:
    """What the forecast has for another reading of a question, from the same draws; whose numbers are about it."""

    reading: str
    event: str
    states: tuple[str, ...]
    by: date
    resolves: str
    probability: float
    quantiles: Mapping[str, float]
    mcse: float
    splits: tuple[RuleSplit, ...]


@dataclass(frozen=True, kw_only=True)
class DayShare:
    """P(taken by the end of a day)."""

    day: date
    probability: float


@dataclass(frozen=True, kw_only=True)
class DateAnswer:
    """The day on which a step is taken: `dates` by level (None: after the last day), P(not by the last day).

    `quantiles` and `mcse` are of `missed` over draws; `taken`: the day, where it is settled.
    """

    dates: Mapping[str, date | None]
    missed: float
    quantiles: Mapping[str, float]
    mcse: float
    taken: date | None
    days: tuple[DayShare, ...]


@dataclass(frozen=True, kw_only=True)
class CaseShare:
    """A case that a number depends on, in words, and its probability."""

    case: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class BinShare:
    """P(low <= number < high); None: no bound."""

    low: float | None
    high: float | None
    probability: float


@dataclass(frozen=True, kw_only=True)
class NumberAnswer:
    """The distribution of a number: quantiles by level, mean with its quantiles over draws, cases and bins.

    `values` and `up_to`: P(number <= value) at values between which it is linear, for a drawing.
    """

    unit: str
    quantiles: Mapping[str, float]
    mean: float
    mean_quantiles: Mapping[str, float]
    mcse: float
    cases: tuple[CaseShare, ...]
    bins: tuple[BinShare, ...]
    values: tuple[float, ...]
    up_to: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class UnderCondition:
    """The condition of a question in words, with its day, and its probability (None once the question has ended)."""

    condition: str
    probability: float | None
    mcse: float | None


@dataclass(frozen=True)
class QuestionAnswers:
    """What the forecast says of questions, by their ids; of other readings by question and name."""

    events: Mapping[str, QuestionEstimate]
    readings: Mapping[tuple[str, str], QuestionEstimate]
    joints: Mapping[str, JointEstimate]
    dates: Mapping[str, DateEstimate]
    numbers: Mapping[str, NumberEstimate]

    @classmethod
    def of(cls, outcome: Outcome, questions: Sequence[AnyQuestion]) -> QuestionAnswers:
        """Compute the answers to questions from the draws of a forecast."""
        of = outcome.workspace, outcome.layout, outcome.as_of, outcome.posterior
        plain = [one for one in questions if isinstance(one, Question)]
        read = {(one.id, rule.name): under_rule(one, rule) for one in plain for rule in one.readings}
        told = question_probabilities(*of, [*plain, *read.values()])
        joints = joint_estimates(*of, [one for one in questions if isinstance(one, JointQuestion)])
        numbers = number_estimates(*of, [one for one in questions if isinstance(one, NumberQuestion)])
        return cls(
            {one.question: one for one in told[: len(plain)]},
            dict(zip(read, told[len(plain) :], strict=True)),
            {one.question: one for one in joints},
            {one.id: date_estimate(*of, one) for one in questions if isinstance(one, DateQuestion)},
            {one.question: one for one in numbers},
        )


def under_rule(question: Question, rule: OtherRule) -> Question:
    """Return the question that another reading of a question asks; its id is that of neither."""
    name = f"{question.id} by {rule.name}"
    return replace(question, id=name, about=rule.about, by=rule.by, readings=())


def over_draws(quantiles: Sequence[float]) -> dict[str, float]:
    """Return quantiles in the order of QUESTION_QUANTILES by their level, as a text."""
    return {str(level): value for level, value in zip(QUESTION_QUANTILES, quantiles, strict=True)}


def subject_of(question: AnyQuestion) -> tuple[AnswerKind, str | None, tuple[str, ...]]:
    """Return what a question is about: its kind, its event (None: a scenario, a number), the states asked about."""
    match question:
        case Question(about=about):
            return "event", about.event, tuple(about.states)
        case JointQuestion(about=about) if about.scenario is None:
            return "event", about.conditions[0].event, tuple(about.conditions[0].states)
        case JointQuestion(about=about):
            return "scenario", None, ()
        case DateQuestion(event=event, step=step):
            return "date", event, (step,)
    return "number", None, ()


def asked_in_words(question: AnyQuestion) -> str:
    """Say what a question asks, with the names of the files."""
    match question:
        case Question(about=about):
            return f"{about.event}: {' or '.join(about.states)}"
        case JointQuestion(about=about):
            return in_words(about)
        case DateQuestion(event=event, step=step):
            return f"the day on which {event} is {step} or later"
    return f"a number of {question.unit}"


def in_words(about: Proposition) -> str:
    """Say what a proposition is about, with the names of the files."""
    if about.scenario is not None:
        return f"scenario {about.scenario}"
    return " and ".join(map(_condition_in_words, about.conditions)) or "all other cases"


def _condition_in_words(one: Condition) -> str:
    on = f" on {one.held_by}" if isinstance(one, DatedCondition) else ""
    return f"{one.event}: {' or '.join(one.states)}{on}"


def under_condition(question: AnyQuestion, estimate: JointEstimate | None) -> UnderCondition | None:
    """Return the condition of a question, with its probability where there is an answer; None without a condition."""
    if not isinstance(question, JointQuestion) or question.given is None:
        return None
    return UnderCondition(
        condition=_on_its_day(question.given, question.by),
        probability=None if estimate is None else estimate.p_given,
        mcse=None if estimate is None else estimate.given_mcse,
    )


def _on_its_day(given: Proposition, by: date) -> str:
    """Say what a condition is and on which day it is read: those of the question's last day together."""
    own = [one for one in given.conditions if isinstance(one, DatedCondition)]
    rest = replace(given, conditions=tuple(one for one in given.conditions if one not in own))
    of_the_day = [f"{in_words(rest)} on {by}"] if rest != Proposition() else []
    return " and ".join([*map(_condition_in_words, own), *of_the_day])


def date_answer(estimate: DateEstimate) -> DateAnswer:
    """Return the distribution of a date by its levels."""
    return DateAnswer(
        dates={str(level): day for level, day in zip(LEVELS, estimate.dates, strict=True)},
        missed=estimate.missed,
        quantiles=over_draws(estimate.quantiles),
        mcse=estimate.mcse,
        taken=estimate.taken,
        days=tuple(DayShare(day=day, probability=p) for day, p in zip(estimate.days, estimate.by_day, strict=True)),
    )


def number_answer(question: NumberQuestion, estimate: NumberEstimate) -> NumberAnswer:
    """Return the distribution of a number by its levels, with its cases and bins in words."""
    edges = (None, *question.bins, None)
    bins = zip(pairwise(edges), estimate.bins, strict=True) if question.bins else ()
    whole = estimate.distribution
    # A jump is drawn as the line between the two points at its value.
    drawn = zip(np.repeat(whole.values, 2), np.stack([whole.before, whole.up_to], axis=1).ravel(), strict=True)
    points = list(dict.fromkeys((float(value), float(p)) for value, p in drawn))
    return NumberAnswer(
        unit=question.unit,
        quantiles={str(level): value for level, value in zip(LEVELS, estimate.quantiles, strict=True)},
        mean=estimate.mean,
        mean_quantiles=over_draws(estimate.mean_quantiles),
        mcse=estimate.mcse,
        cases=tuple(
            CaseShare(case=in_words(case.about), probability=p)
            for case, p in zip(question.cases, estimate.cases, strict=True)
        ),
        bins=tuple(BinShare(low=low, high=high, probability=p) for (low, high), p in bins),
        values=tuple(value for value, _ in points),
        up_to=tuple(p for _, p in points),
    )
