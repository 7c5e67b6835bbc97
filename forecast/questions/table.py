"""Every question with its probability today, what others say, its base rate, and how it ended."""

from __future__ import annotations

from typing import Any

from forecast.questions.standing import latest_numbers, resolution_on, status_on
from forecast.record.outcome import Outcome
from forecast.reweight.questions import QUESTION_QUANTILES, QuestionEstimate, question_probabilities
from forecast.workspace.records import Question, Resolved

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
