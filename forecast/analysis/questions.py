"""Every question with its probability today, what others say, its base rate, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from forecast.ledger.outcome import Outcome
from forecast.posterior.by_date import QUESTION_QUANTILES, QuestionEstimate, question_probabilities
from forecast.workspace.records import Question, Resolved, Workspace

Status = Literal["later", "open", "due", "resolved", "void", "ambiguous"]


def resolution_on(resolutions: Sequence[Resolved], subject: str, day: date) -> Resolved | None:
    """Return the line about a question that counts on a day, if there is one."""
    counting = [line for line in resolutions if line.subject == subject and line.counts_on(day)]
    return counting[-1] if counting else None


def status_on(question: Question, resolution: Resolved | None, day: date) -> Status:
    """Say where a question is on a day; `due`: its last day is over, and nobody has resolved it."""
    if resolution is not None:
        return "ambiguous" if resolution.is_ambiguous else "resolved" if resolution.state is not None else "void"
    if day < question.opens:
        return "later"
    return "due" if day > question.by else "open"


def latest_numbers(workspace: Workspace, question: Question, day: date) -> dict[str, tuple[date, float]]:
    """Return the latest (day, probability) of each forecaster that is not after a day, in order of the names."""
    points = [
        (when, who, probability)
        for name in question.benchmarks
        for when, who, probability in workspace.benchmarks[name].points
        if when <= day
    ]
    latest = {who: (when, probability) for when, who, probability in sorted(points)}
    return dict(sorted(latest.items()))


FORECAST = ("open", "due")  # where a question still has a probability


@dataclass(frozen=True, kw_only=True)
class Other:
    """The latest number of somebody else."""

    forecaster: str
    date: date
    probability: float


@dataclass(frozen=True, kw_only=True)
class Base:
    """A base rate, where it was published, and why it is one."""

    probability: float
    publisher: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a question ended: in which state, on which day, since when that is known, and where it can be read."""

    state: str | None
    on: date
    known: date
    source: str | None
    note: str | None


@dataclass(frozen=True, kw_only=True)
class QuestionStatus:
    """A dated question, what the forecast and others say of it, and how it ended.

    `probability`, `quantiles`, `mcse` and `is_decided` are None once it is resolved.
    """

    question: str
    text: str
    topic: str
    event: str
    states: tuple[str, ...]
    opens: date
    by: date
    status: Status
    probability: float | None
    quantiles: Mapping[str, float] | None
    mcse: float | None
    is_decided: bool | None
    benchmarks: tuple[Other, ...]
    base_rate: Base | None
    resolution: Ending | None
    caution: str | None


def question_table(outcome: Outcome) -> tuple[QuestionStatus, ...]:
    """Describe the questions of an outcome's workspace as of its date, in file order; those that open later not."""
    workspace, day = outcome.workspace, outcome.as_of
    ended = {question.id: resolution_on(workspace.resolutions, question.id, day) for question in workspace.questions}
    status = {question.id: status_on(question, ended[question.id], day) for question in workspace.questions}
    open_ones = [question for question in workspace.questions if status[question.id] in FORECAST]
    estimates = question_probabilities(workspace, outcome.layout, day, outcome.posterior, open_ones)
    by_id = {estimate.question: estimate for estimate in estimates}
    return tuple(
        _described(outcome, question, status[question.id], ended[question.id], by_id.get(question.id))
        for question in workspace.questions
        if status[question.id] != "later"
    )


def _described(
    outcome: Outcome, question: Question, status: Status, ended: Resolved | None, estimate: QuestionEstimate | None
) -> QuestionStatus:
    quantiles = None
    if estimate is not None:
        quantiles = {str(level): value for level, value in zip(QUESTION_QUANTILES, estimate.quantiles, strict=True)}
    return QuestionStatus(
        question=question.id,
        text=question.question,
        topic=question.topic,
        event=question.about.event,
        states=tuple(question.about.states),
        opens=question.opens,
        by=question.by,
        status=status,
        probability=None if estimate is None else estimate.probability,
        quantiles=quantiles,
        mcse=None if estimate is None else estimate.mcse,
        is_decided=None if estimate is None else estimate.is_decided,
        benchmarks=tuple(
            Other(forecaster=who, date=when, probability=probability)
            for who, (when, probability) in latest_numbers(outcome.workspace, question, outcome.as_of).items()
        ),
        base_rate=_base_rate(question),
        resolution=_ending(ended),
        caution=question.caution,
    )


def _base_rate(question: Question) -> Base | None:
    base = question.base_rate
    if base is None:
        return None
    return Base(probability=base.probability, publisher=base.publication.publisher, why=base.why)


def _ending(line: Resolved | None) -> Ending | None:
    if line is None:
        return None
    return Ending(state=line.state, on=line.on, known=line.known, source=line.url, note=line.note)
