"""Histories of a crowd or a market: points in time with a probability of yes, and their last values as a benchmark."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar, TypeGuard

from forecast.workspace.csv_text import ANY, NotJsonError, decoded, load_json
from forecast.workspace.feeds import Feed
from forecast.workspace.feeds.coded_table import day_of_seconds
from forecast.workspace.problems import Problem, Source, blank_at, nearest, quoted, shown
from forecast.workspace.read_benchmarks import COLUMNS
from forecast.workspace.records import Benchmark

# The elements of a list in a JSON file, each with the line on which it begins.

BLANK = re.compile(r"[ \t\n\r]*")


def read_json(content: bytes, path: str) -> tuple[str | None, Any, tuple[Problem, ...]]:
    """Return the text of a file (None where it is no JSON), what it holds, and the problems found."""
    text, problems = decoded(content, path)
    if problems and not text:
        return None, None, tuple(problems)
    try:
        return text, load_json(text, finite=False), tuple(problems)
    except NotJsonError as error:
        where = Source(path, error.line)
        if error.at is None:
            return None, None, (*problems, Problem(where, f"JSON that is not read: {error.what}"))
        if (blank := blank_at(text, error.at, where)) is not None:
            return None, None, (*problems, blank)
        at = text.rfind("\n", 0, error.at) + 1  # where its line begins
        got = text[max(at, error.at - 20) : error.at + 20].split("\n")[0].strip()
        problems.append(Problem(where, f"no JSON: {error.what}", shown(got), "a whole JSON file"))
    return None, None, tuple(problems)


def elements(text: str, keys: Sequence[str]) -> Iterator[tuple[int, Any]]:
    """Yield line and value of each element of the list behind `keys`, in a text that is JSON and holds it.

    Of a key that appears twice the last one counts, as in `json.loads`.
    """
    at = _skip(text, 0)
    for key in keys:
        at = dict(_entries(text, at))[key]
    line, counted = 1, 0
    for begin, value in _items(text, at):
        line, counted = line + text.count("\n", counted, begin), begin
        yield line, value


def _skip(text: str, at: int) -> int:
    match = BLANK.match(text, at)
    return match.end() if match else at


def _entries(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield the keys of an object, each with the place of its value."""
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = ANY.raw_decode(text, at)
        begin = _skip(text, _skip(text, at) + 1)
        yield key, begin
        at = _after(text, ANY.raw_decode(text, begin)[1])


def _items(text: str, at: int) -> Iterator[tuple[int, Any]]:
    """Yield the elements of a list, each with its place."""
    at = _skip(text, at + 1)
    while text[at] != "]":
        value, end = ANY.raw_decode(text, at)
        yield at, value
        at = _after(text, end)


def _after(text: str, at: int) -> int:
    """Return the place after a value and the comma behind it."""
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


# No such site is as old; seconds where milliseconds are meant fall into the first weeks of 1970.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
Row = tuple[date, str, float]


@dataclass(frozen=True)
class Point:
    """A probability of yes that was true from `seconds` (since 1970, UTC) on."""

    seconds: float
    probability: float
    source: Source


class Crowd(Feed):
    """A site with a crowd or a market: where its file holds the list of points, and which keys of a point are read.

    `per_second`: how many of its units of time a second has. `form`: what the file is, in words. `wrapped`: all may
    stand within this key. `same`: keys that have one value in the whole list, or it is of several questions.
    """

    is_evidence = False
    keys: ClassVar[tuple[str, ...]]
    time: ClassVar[str]
    probability: ClassVar[str]
    per_second: ClassVar[float] = 1.0
    form: ClassVar[str]
    wrapped: ClassVar[str | None] = None
    same: ClassVar[tuple[str, ...]] = ()


def read_points(content: bytes, path: str, crowd: Crowd, now: float) -> tuple[tuple[Point, ...], tuple[Problem, ...]]:
    """Return the points of a file in file order, and what is wrong in it. `now` is in seconds since 1970."""
    text, value, problems = read_json(content, path)
    if text is None:
        return (), problems
    keys, wrong_form = _place(value, crowd, path)
    if wrong_form is not None:
        return (), (*problems, wrong_form)
    points: list[Point] = []
    wrong_points = list(problems)
    same: dict[str, object] = {}
    for line, entry in elements(text, keys):
        source = Source(path, line)
        if not isinstance(entry, dict):
            wrong_points.append(Problem(source, "not a point of a history", shown(entry), "a JSON object"))
            continue
        wrong = [*_missing(entry, crowd, source), *_other(entry, crowd, same, source)]
        point = None if wrong else _point(entry, crowd, source, now, wrong)
        wrong_points += wrong
        if point is not None:
            points.append(point)
    if not points and not wrong_points:
        wrong_points.append(Problem(Source(path, 1), "the history is empty", "", "at least one point"))
    return tuple(points), tuple(wrong_points)


def _missing(entry: dict[str, object], crowd: Crowd, source: Source) -> Iterator[Problem]:
    for key in (crowd.time, crowd.probability):
        if key not in entry:
            allowed = f"keys are {quoted(entry)}{nearest(key, tuple(entry))}"
            yield Problem(source, f"a point without {shown(key)}", "", allowed)


def _other(entry: dict[str, object], crowd: Crowd, same: dict[str, object], source: Source) -> Iterator[Problem]:
    for key in crowd.same:
        value = entry.get(key)
        if same.setdefault(key, value) != value:
            what = f"{key} differs from the points before: points of several questions or answers"
            yield Problem(source, what, shown(value), f"{shown(same[key])} alone, one file for each")


def _point(entry: dict[str, object], crowd: Crowd, source: Source, now: float, wrong: list[Problem]) -> Point | None:
    time, probability = entry[crowd.time], entry[crowd.probability]
    if isinstance(probability, list) and len(probability) == 1:
        probability = probability[0]
    seconds = _seconds(time, crowd.per_second)
    if seconds is None:
        wrong.append(
            Problem(source, f"{crowd.time} is not a time", shown(time), "a number, or ISO 8601 with its offset")
        )
    elif not EARLIEST <= seconds <= now:
        allowed = f"a time since 2000, not in the future, with {crowd.per_second:g} a second"
        wrong.append(Problem(source, f"{crowd.time} is not a time of a history", shown(time), allowed))
    share = float(probability) if _is_number(probability) and 0.0 <= probability <= 1.0 else None
    if share is None:
        what = f"{crowd.probability} is not a probability"
        wrong.append(Problem(source, what, shown(probability), "one number from 0 to 1"))
    return None if wrong or seconds is None or share is None else Point(seconds, share, source)


def _seconds(time: Any, per_second: float) -> float | None:
    if _is_number(time):
        return float(time) / per_second
    if not isinstance(time, str):
        return None
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return None
    return moment.astimezone(UTC).timestamp() if moment.tzinfo else None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _in(value: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _place(value: Any, crowd: Crowd, path: str) -> tuple[tuple[str, ...], Problem | None]:
    """Return the keys that lead to the list of points, and what is wrong where there is none or it is of no use."""
    inner = _in(value, (crowd.wrapped,)) if crowd.wrapped else None
    before = (crowd.wrapped,) if crowd.wrapped and isinstance(inner, dict) else ()
    keys, where = (*before, *crowd.keys), Source(path, 1)
    kind = _in(value, (*before, "type"))
    if crowd.wrapped and kind not in (None, "binary"):
        return keys, Problem(where, "the question is not binary", shown(kind), "a benchmark is a probability of yes")
    if not isinstance(_in(value, keys), list):
        there = _in(value, before)
        got = f"keys are {quoted(there)}" if isinstance(there, dict) else shown(there)
        return keys, Problem(where, f"no list at {'.'.join(keys) or 'the top'}", got, crowd.form)
    return keys, None


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
            what = f"{forecaster} on {day} differs from the value in {before.source.path}"
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
