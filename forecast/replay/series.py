"""A written replay as series for charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from forecast.workspace.csv_text import parse_csv
from forecast.workspace.json_text import load_json
from forecast.workspace.problems import Problem, Source, WorkspaceProblems

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
    found: dict[str, list[tuple[date, float, float, float]]] = {}
    for number, text in enumerate(_text(path, LINES).removesuffix("\n").split("\n"), 1):
        try:
            row: Mapping[str, Any] = load_json(text)
            day = date.fromisoformat(row["as_of"])
            for one in row.get(kind, ()):
                levels = one["quantiles"]
                middle, low, high = map(_probability, (one["probability"], levels["0.05"], levels["0.95"]))
                found.setdefault(_name(one["id"]), []).append((day, middle, low, high))
        except WRONG as error:
            raise _not_as_written(LINES, number, error) from None
    return {name: Course(*zip(*points, strict=True)) for name, points in found.items()}


def forecaster_courses(root: Path) -> dict[str, dict[str, Points]]:
    """Read every forecaster's probabilities of every question, by question, then forecaster, by day."""
    path = root / TABLE
    if not path.exists():
        return {}
    found: dict[str, dict[str, list[tuple[date, float]]]] = {}
    table, problems = parse_csv(_text(path, TABLE).encode(), TABLE)
    if table is None or problems:
        raise WorkspaceProblems(problems)
    for number, cells in table.rows:
        row = dict(zip(table.header, cells, strict=True))
        try:
            point = (date.fromisoformat(row["time"]), _probability(float(row["probability"])))
            found.setdefault(row["question"], {}).setdefault(row["forecaster"], []).append(point)
        except WRONG as error:
            raise _not_as_written(TABLE, number, error) from None
    return {
        question: {forecaster: tuple(sorted(points)) for forecaster, points in by_forecaster.items()}
        for question, by_forecaster in found.items()
    }


def _text(path: Path, name: str) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_as_written(name, content.count(b"\n", 0, error.start) + 1, error) from None


def _probability(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        msg = f"{value} is no probability"
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
