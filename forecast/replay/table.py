"""The replay as files: every forecast of every open question on every date, own and others', for scoring."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from forecast.workspace.read_benchmarks import BASE_RATE, OWN
from forecast.workspace.records import Question, Workspace

COLUMNS = ("question", "forecaster", "time", "probability", "outcome", "opens", "closes", "topic")
VOID = "void"
OUTCOMES = {"yes": "1", "no": "0", None: VOID}  # an ambiguous question is not scored either

Row = Mapping[str, Any]


class Ended(NamedTuple):
    """When forecasts of a question end, and how it turned out: `1`, `0`, `void`, or nothing yet."""

    closes: date
    outcome: str


def replay_csv(workspace: Workspace, rows: Sequence[Row]) -> bytes:
    """Write forecasts in the columns that `forecast score` reads, by question, forecaster and date.

    A question is forecast on the dates from its opening until the day before it ended: the day on which it was
    resolved as of, or its last day. On each date a benchmark stands as last published by then
    since the opening. Outcomes are those known
    today: a forecast never saw them, its score has to.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for question in workspace.questions:
        ended = how_ended(workspace, question)
        found = [line for row in rows for line in _forecasts(workspace, question, ended, row)]
        for forecaster, day, probability in sorted(found):
            window = (question.opens.isoformat(), ended.closes.isoformat())
            writer.writerow([question.id, forecaster, day, probability, ended.outcome, *window, question.topic])
    return text.getvalue().encode()


def how_ended(workspace: Workspace, question: Question) -> Ended:
    """Return how a question ended by what is known now; undone resolutions do not count."""
    standing = [one for one in workspace.resolutions if one.subject == question.id and one.undone is None]
    if not standing:
        return Ended(question.by, "")
    return Ended(min(question.by, standing[-1].on), OUTCOMES[standing[-1].state])


def _forecasts(workspace: Workspace, question: Question, ended: Ended, row: Row) -> Iterator[tuple[str, str, float]]:
    day = date.fromisoformat(row["as_of"])
    if not question.opens <= day < ended.closes:
        return
    own = {one["id"]: one["probability"] for one in row.get("questions", ())}
    if question.id in own:
        yield OWN, row["as_of"], own[question.id]
    if question.base_rate is not None:
        yield BASE_RATE, row["as_of"], question.base_rate.probability
    for forecaster, probability in _standing(workspace, question, day).items():
        yield forecaster, row["as_of"], probability


def _standing(workspace: Workspace, question: Question, day: date) -> dict[str, float]:
    """Return the latest number of each forecaster by a day, none from before the question opened.

    A number given half a year earlier knew too little to stand for its author's opinion at the opening.
    """
    points = sorted(point for name in question.benchmarks for point in workspace.benchmarks[name].points)
    return {forecaster: probability for on, forecaster, probability in points if question.opens <= on <= day}


def replay_jsonl(rows: Sequence[Row]) -> bytes:
    """Write one line for each date: scenarios, questions, diagnostics, the digest of the draws."""
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows).encode()
