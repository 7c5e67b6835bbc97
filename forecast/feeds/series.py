"""Points in time as a benchmark series: the last value of each UTC day, added to what the file holds already."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date

from forecast.feeds.cells import day_of_seconds
from forecast.feeds.crowds import Point
from forecast.workspace.problems import Problem
from forecast.workspace.read_benchmarks import COLUMNS
from forecast.workspace.records import Benchmark

Row = tuple[date, str, float]


def last_of_days(points: Iterable[Point], today: date) -> tuple[dict[date, Point], tuple[Problem, ...]]:
    """Return the last point of each day before `today`, which is not over yet, by day; and days with two last values.

    The order of the points is of no matter.
    """
    last: dict[date, Point] = {}
    problems: dict[date, Problem] = {}
    for point in sorted(points, key=lambda one: (one.seconds, one.source)):
        day = day_of_seconds(point.seconds)
        if day >= today:
            continue
        before = last.get(day)
        problems.pop(day, None)
        if before is not None and before.seconds == point.seconds and before.probability != point.probability:
            got, allowed = (
                f"{before.probability!r} and {point.probability!r}",
                f"the other at {before.source}; keep one",
            )
            problems[day] = Problem(point.source, f"two values at the last moment of {day}", got, allowed)
        last[day] = point
    return last, tuple(problems[day] for day in sorted(problems))


def merged(
    before: Benchmark | None, forecaster: str, new: dict[date, Point]
) -> tuple[tuple[Row, ...], tuple[Problem, ...]]:
    """Return the rows of a series with new ones, by day and forecaster; a day that had another value is a problem."""
    rows = {(day, who): value for day, who, value in (before.points if before else ())}
    problems = []
    for day, point in new.items():
        known = rows.setdefault((day, forecaster), point.probability)
        if known != point.probability and before is not None:
            what = f"{forecaster} on {day} is another value than in {before.source.path}"
            allowed = f"{known!r}; take that row out first if it was wrong"
            problems.append(Problem(point.source, what, repr(point.probability), allowed))
    return tuple((day, who, value) for (day, who), value in sorted(rows.items())), tuple(problems)


def as_csv(rows: Iterable[Row]) -> bytes:
    """Return a series as the file that a workspace reads; probabilities keep every digit."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((day.isoformat(), who, repr(value)) for day, who, value in rows)
    return text.getvalue().encode()
