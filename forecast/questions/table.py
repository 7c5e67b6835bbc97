"""Every question with its probability today, what others say, its base rate, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from forecast.record.outcome import Outcome
from forecast.reweight.questions import QUESTION_QUANTILES, QuestionEstimate, question_probabilities
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


Row = dict[str, Any]
FORECAST = ("open", "due")  # where a question still has a probability


def question_table(found: Outcome) -> list[Row]:
    """Describe the questions of an outcome's workspace as of its date, in file order.

    Those that open later are left out. Each row: question (its id), text, topic, event, states, opens, by, status
    (standing.Status), `probability`, `quantiles`, `mcse` and `is_decided` (None once it is resolved), `benchmarks`
    (forecaster, date, probability), `base_rate` (probability, publisher, why; None without), `resolution` (None
    without) and `caution`.
    """
    workspace, day = found.workspace, found.as_of
    ended = {question.id: resolution_on(workspace.resolutions, question.id, day) for question in workspace.questions}
    status = {question.id: status_on(question, ended[question.id], day) for question in workspace.questions}
    asked = [question for question in workspace.questions if status[question.id] in FORECAST]
    estimates = question_probabilities(workspace, found.layout, day, found.posterior, asked)
    by_id = {estimate.question: estimate for estimate in estimates}
    return [
        {
            "question": question.id,
            "text": question.question,
            "topic": question.topic,
            "event": question.about.event,
            "states": list(question.about.states),
            "opens": question.opens.isoformat(),
            "by": question.by.isoformat(),
            "status": status[question.id],
            **_probability(by_id.get(question.id)),
            "benchmarks": [
                {"forecaster": who, "date": when.isoformat(), "probability": probability}
                for who, (when, probability) in latest_numbers(workspace, question, day).items()
            ],
            "base_rate": _base_rate(question),
            "resolution": _resolution(ended[question.id]),
            "caution": question.caution,
        }
        for question in workspace.questions
        if status[question.id] != "later"
    ]


def _probability(estimate: QuestionEstimate | None) -> Row:
    if estimate is None:
        return {"probability": None, "quantiles": None, "mcse": None, "is_decided": None}
    quantiles = {str(level): value for level, value in zip(QUESTION_QUANTILES, estimate.quantiles, strict=True)}
    return {
        "probability": estimate.probability,
        "quantiles": quantiles,
        "mcse": estimate.mcse,
        "is_decided": estimate.is_decided,
    }


def _base_rate(question: Question) -> Row | None:
    base = question.base_rate
    if base is None:
        return None
    return {"probability": base.probability, "publisher": base.publication.publisher, "why": base.why}


def _resolution(line: Resolved | None) -> Row | None:
    if line is None:
        return None
    days = {"on": line.on.isoformat(), "known": line.known.isoformat()}
    return {"state": line.state, **days, "source": line.url, "note": line.note}
