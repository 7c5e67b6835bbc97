"""A written replay as series for charts."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

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
    for text in path.read_text(encoding="utf-8").splitlines():
        row: Mapping[str, Any] = json.loads(text)
        day = date.fromisoformat(row["as_of"])
        for one in row.get(kind, ()):
            levels = one["quantiles"]
            found.setdefault(one["id"], []).append((day, one["probability"], levels["0.05"], levels["0.95"]))
    return {name: Course(*zip(*points, strict=True)) for name, points in found.items()}


def forecaster_courses(root: Path) -> dict[str, dict[str, Points]]:
    """Read every forecaster's probabilities of every question, by question, then forecaster, by day."""
    path = root / TABLE
    if not path.exists():
        return {}
    found: dict[str, dict[str, list[tuple[date, float]]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            point = (date.fromisoformat(row["time"]), float(row["probability"]))
            found.setdefault(row["question"], {}).setdefault(row["forecaster"], []).append(point)
    return {
        question: {forecaster: tuple(sorted(points)) for forecaster, points in by_forecaster.items()}
        for question, by_forecaster in found.items()
    }
