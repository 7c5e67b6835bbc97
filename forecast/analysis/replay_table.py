"""The replay as files: every forecast of every open question on every date, written and read back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from forecast.analysis.replay_day import Replayed, ReplayLine
from forecast.plain import as_data
from forecast.workspace.csv_text import parse_csv
from forecast.workspace.json_text import load_json
from forecast.workspace.problems import Problem, Source, WorkspaceProblems
from forecast.workspace.read_benchmarks import BASE_RATE, OWN
from forecast.workspace.records import Question, Workspace

COLUMNS = ("question", "forecaster", "time", "probability", "outcome", "opens", "closes", "topic")
VOID = "void"
OUTCOMES = {"yes": "1", "no": "0", None: VOID}  # an ambiguous question is not scored either


class Ended(NamedTuple):
    """When forecasts of a question end, and how it turned out: `1`, `0`, `void`, or nothing yet."""

    closes: date
    outcome: str


def replay_csv(workspace: Workspace, rows: Sequence[Replayed]) -> bytes:
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
        lines = [line for row in rows for line in _forecasts(workspace, question, ended, row)]
        for forecaster, day, probability in sorted(lines):
            window = (question.opens.isoformat(), ended.closes.isoformat())
            writer.writerow([question.id, forecaster, day, probability, ended.outcome, *window, question.topic])
    return text.getvalue().encode()


def how_ended(workspace: Workspace, question: Question) -> Ended:
    """Return how a question ended by what is known now; undone resolutions do not count."""
    standing = [
        resolution
        for resolution in workspace.resolutions
        if resolution.subject == question.id and resolution.undone is None
    ]
    if not standing:
        return Ended(question.by, "")
    return Ended(min(question.by, standing[-1].on), OUTCOMES[standing[-1].state])


def _forecasts(
    workspace: Workspace, question: Question, ended: Ended, row: Replayed
) -> Iterator[tuple[str, str, float]]:
    day, written = row.as_of, row.as_of.isoformat()
    if not question.opens <= day < ended.closes:
        return
    own = {share.id: share.probability for share in row.questions} if isinstance(row, ReplayLine) else {}
    if question.id in own:
        yield OWN, written, own[question.id]
    if question.base_rate is not None:
        yield BASE_RATE, written, question.base_rate.probability
    for forecaster, probability in _standing(workspace, question, day).items():
        yield forecaster, written, probability


def _standing(workspace: Workspace, question: Question, day: date) -> dict[str, float]:
    """Return the latest number of each forecaster by a day, none from before the question opened.

    A number given half a year earlier knew too little to stand for its author's opinion at the opening.
    """
    points = sorted(point for name in question.benchmarks for point in workspace.benchmarks[name].points)
    return {forecaster: probability for on, forecaster, probability in points if question.opens <= on <= day}


def replay_jsonl(rows: Sequence[Replayed]) -> bytes:
    """Write one line for each date: scenarios, questions, diagnostics, the digest of the draws."""
    return "".join(json.dumps(as_data(row), ensure_ascii=False, allow_nan=False) + "\n" for row in rows).encode()


# What a value of another kind than `forecast backtest` writes ends in.
WRONG = (AttributeError, KeyError, TypeError, ValueError)
TABLE, LINES = "reports/replay.csv", "reports/replay.jsonl"

Points = tuple[tuple[date, float], ...]


@dataclass(frozen=True)
class Course:
    """A probability over as-of dates, with the 5 % and 95 % quantiles of its distribution on each."""

    days: tuple[date, ...]
    probability: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def scenario_courses(root: Path) -> dict[str, Course]:
    """Read each scenario's course off the replay of a workspace; empty where nothing has been replayed."""
    return _courses(root, "scenarios")


def question_courses(root: Path) -> dict[str, Course]:
    """Read the course of each question's own forecast, on the dates on which it was open."""
    return _courses(root, "questions")


def _courses(root: Path, kind: str) -> dict[str, Course]:
    path = root / LINES
    if not path.exists():
        return {}
    courses: dict[str, list[tuple[date, float, float, float]]] = {}
    for number, text in enumerate(_text(path, LINES).removesuffix("\n").split("\n"), 1):
        try:
            row: Mapping[str, Any] = load_json(text)
            day = date.fromisoformat(row["as_of"])
            for share in row.get(kind, ()):
                levels = share["quantiles"]
                middle, low, high = map(_probability, (share["probability"], levels["0.05"], levels["0.95"]))
                courses.setdefault(_name(share["id"]), []).append((day, middle, low, high))
        except WRONG as error:
            raise _not_as_written(LINES, number, error) from None
    return {name: Course(*zip(*points, strict=True)) for name, points in courses.items()}


def forecaster_courses(root: Path) -> dict[str, dict[str, Points]]:
    """Read every forecaster's probabilities of every question, by question, then forecaster, by day."""
    path = root / TABLE
    if not path.exists():
        return {}
    series: dict[str, dict[str, list[tuple[date, float]]]] = {}
    table, problems = parse_csv(_text(path, TABLE).encode(), TABLE)
    if table is None or problems:
        raise WorkspaceProblems(problems)
    for number, cells in table.rows:
        row = dict(zip(table.header, cells, strict=True))
        try:
            point = (date.fromisoformat(row["time"]), _probability(float(row["probability"])))
            series.setdefault(row["question"], {}).setdefault(row["forecaster"], []).append(point)
        except WRONG as error:
            raise _not_as_written(TABLE, number, error) from None
    return {
        question: {forecaster: tuple(sorted(points)) for forecaster, points in by_forecaster.items()}
        for question, by_forecaster in series.items()
    }


def _text(path: Path, name: str) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_as_written(name, content.count(b"\n", 0, error.start) + 1, error) from None


def _probability(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        msg = f"{value} is not a probability"
        raise ValueError(msg)
    return value


def _name(value: object) -> str:
    if not isinstance(value, str):
        msg = "an id that is no text"
        raise TypeError(msg)
    return value


def _not_as_written(path: str, line: int, error: Exception) -> WorkspaceProblems:
    got = f"no {error}" if isinstance(error, KeyError) else str(error)
    what, allowed = "not as a replay writes it", "`forecast backtest` writes the file again"
    return WorkspaceProblems([Problem(Source(path, line), what, got, allowed)])
