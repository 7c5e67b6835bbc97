"""A table of forecasts: who said what about which question. Read from CSV; all mistakes of a file in one run."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple

from forecast.workspace.csv_text import parted_otherwise
from forecast.workspace.files import read_outside
from forecast.workspace.odd_text import unfinished_merge
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, nearest, one_form, quoted, shown

NEEDED = ("expert", "question")
BESTS = ("probability", "best")  # one of them is needed; the second goes with low and high
OPTIONAL = ("low", "high", "level", "outcome", "date", "group", "weight")
COLUMNS = (*NEEDED, *BESTS, *OPTIONAL)
DEFAULT_LEVEL = 0.9  # of an interval whose row names none
OUTCOMES = {"0": 0, "0.0": 0, "1": 1, "1.0": 1}  # the second form is what a column with gaps is often saved as
UNIT_INTERVAL = "write a number between 0 and 1, with a point and without '%': 0.7, not 70 %"
# What 0 and 1 are read as. A convention: they have no log-odds, and nothing tells how much surer than one in a thousand
# somebody was who wrote them.
LEAST, MOST = 0.001, 0.999


@dataclass(frozen=True)
class Forecast:
    """One row: an expert's probability that a question resolves with yes, with an interval if one was given."""

    expert: str
    question: str
    best: float
    low: float | None
    high: float | None
    level: float
    outcome: int | None
    day: date | None
    group: str | None
    weight: float
    source: Source


@dataclass(frozen=True)
class ForecastTable:
    """The rows of a file. `questions` are in order of their first row, with the outcome where one is known."""

    path: str
    forecasts: tuple[Forecast, ...]
    questions: Mapping[str, int | None]
    warnings: tuple[Problem, ...]


def read_table(path: Path, today: date) -> ForecastTable:
    """Read a CSV file of forecasts: UTF-8, one header line, one forecast of an expert on a question in a line.

    Raises:
        WorkspaceProblems: the file holds mistakes; all of them, by line.
    """
    name = path.as_posix()
    rows, problems = _rows(path, name)
    header, columns, found = _columns(rows, name)
    problems += found if rows or not problems else []
    warnings = [problem for problem in problems if problem.severity == "warning"]
    certain: list[tuple[Source, int]] = []
    forecasts: list[Forecast] = []
    said: list[_Said] = []
    if columns:
        for line, row in rows[1:]:
            reader = _Row(Source(name, line), row, columns, len(header), today)
            if (forecast := reader.read()) is not None:
                forecasts.append(forecast)
            said.append(reader.said)
            problems += reader.problems
            certain += [(reader.source, reader.certain)] if reader.certain else []
        if len(rows) == 1:
            problems.append(Problem(Source(name, 1), "no forecasts", "a header alone", "write one row a forecast"))
        problems += _clashes(said)
    warnings += _read_as(certain)
    if errors := [problem for problem in problems if problem.severity == "error"]:
        raise WorkspaceProblems([*errors, *warnings])
    # What one row says of its question or its expert holds for all rows of them.
    outcomes = {row.question: row.outcome for row in said if row.outcome is not None}
    groups = {row.expert: row.group for row in said if row.group is not None}
    weights = {row.expert: row.weight for row in said if row.weight is not None}
    filled = (
        replace(
            forecast,
            outcome=outcomes.get(forecast.question),
            group=groups.get(forecast.expert),
            weight=weights.get(forecast.expert, 1.0),
        )
        for forecast in forecasts
    )
    questions = {forecast.question: outcomes.get(forecast.question) for forecast in forecasts}
    return ForecastTable(name, tuple(filled), questions, tuple(warnings))


def _read_as(certain: list[tuple[Source, int]]) -> list[Problem]:
    """Say once how many numbers were 0 or 1, at the first row that has one."""
    if not certain:
        return []
    total = sum(found for _, found in certain)
    got = f"{total} {'number' if total == 1 else 'numbers'} in {len(certain)} {'row' if len(certain) == 1 else 'rows'}"
    allowed = f"they are read as {LEAST:g} and {MOST:g}: a certainty has no log-odds"
    return [Problem(certain[0][0], "probabilities of 0 or 1", got, allowed, "warning")]


class _Said(NamedTuple):
    """What rows can contradict each other in; known also of a row with other mistakes."""

    source: Source
    expert: str
    question: str
    outcome: int | None
    group: str | None
    weight: float | None


Row = tuple[int, list[str]]  # the line it begins in, its cells


def _rows(path: Path, name: str) -> tuple[list[Row], list[Problem]]:
    """Return all rows that are not blank, as far as the file can be read."""
    content = read_outside(path, name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = content.count(b"\n", 0, wrong.start) + 1
        return [], [Problem(Source(name, line), "the file is not UTF-8", "", "save it as UTF-8")]
    if (merge := unfinished_merge(text, name, quotes=True)) is not None:
        return [], [merge]
    rows: list[Row] = []
    line = 1
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            stripped = [one_form(cell.strip()) for cell in cells]
            if any(stripped):
                rows.append((line, stripped))
            line = reader.line_num + 1  # a quoted cell may go over several lines
    except csv.Error as wrong:
        # A row that is no CSV hides where the next one begins: what follows is not read.
        return rows, [Problem(Source(name, line), "the row is not CSV", str(wrong), 'quote a cell as "a, b"')]
    return rows, []


def _columns(rows: list[Row], name: str) -> tuple[list[str], dict[str, int], list[Problem]]:
    """Return the header, where each known column stands (empty if a needed one is missing), and what is wrong."""
    if not rows:
        allowed = f"the first row names the columns, {quoted([*NEEDED, BESTS[0]])} at least"
        return [], {}, [Problem(Source(name, 1), "the table is empty", "no rows", allowed)]
    line, header = rows[0]
    source = Source(name, line)
    if (parted := parted_otherwise(tuple(header))) is not None:
        return header, {}, [Problem(source, f"cells are parted by {parted}", shown(header[0]), "commas")]
    problems = [
        Problem(source, f"column {shown(column)} stands twice", "", "each column stands once")
        for column in COLUMNS
        if header.count(column) > 1
    ]
    strangers = [column for column in header if column and column not in COLUMNS]
    missing = [column for column in NEEDED if column not in header]
    if not set(BESTS) & set(header):
        missing.append(BESTS[0])
    for column in missing:
        near = nearest(column, strangers)
        got = f"columns {quoted(header)}{near}"
        problems.append(Problem(source, f"column '{column}' is missing", got, f"columns are {quoted(COLUMNS)}"))
    for column in [] if missing else strangers:
        allowed = f"columns are {quoted(COLUMNS)}{nearest(column, COLUMNS)}"
        problems.append(Problem(source, f"column {shown(column)} is not used", "", allowed, "warning"))
    return header, {} if missing else {column: header.index(column) for column in COLUMNS if column in header}, problems


class _Row:
    """Reads one row, keeping what is wrong with it."""

    def __init__(self, source: Source, cells: list[str], columns: Mapping[str, int], width: int, today: date) -> None:
        self.source, self.cells, self.columns, self.width, self.today = source, cells, columns, width, today
        self.problems: list[Problem] = []
        self.certain = 0  # how many of its numbers are 0 or 1
        self.said = _Said(source, "", "", None, None, None)

    def read(self) -> Forecast | None:
        """Return the forecast, or None if anything in the row is wrong."""
        if len(self.cells) != self.width:
            cells = f"{len(self.cells)} {'cell' if len(self.cells) == 1 else 'cells'}"
            self._wrong("the row does not fit the header", cells, f"the header has {self.width}")
            return None
        expert, question = (self._name(column) for column in NEEDED)
        outcome, day, group = self._outcome(), self._day(), self._cell("group") or None
        weight = self._number("weight", partial(_between, 0.0, math.inf, "a weight is a positive number"))
        self.said = _Said(self.source, expert, question, outcome, group, weight)
        best = self._best()
        low, high = self._ends(best)
        level = self._number("level", partial(_between, 0.0, 1.0, "a level lies between 0 and 1, such as 0.9"))
        self._ordered(best, low, high)
        if self.problems or best is None:
            return None
        level, weight = level or DEFAULT_LEVEL, weight or 1.0
        return Forecast(expert, question, best, low, high, level, outcome, day, group, weight, self.source)

    def _cell(self, column: str) -> str:
        return self.cells[self.columns[column]] if column in self.columns else ""

    def _wrong(self, what: str, got: str = "", allowed: str = "") -> None:
        self.problems.append(Problem(self.source, what, got, allowed))

    def _name(self, column: str) -> str:
        if not self._cell(column):
            self._wrong(f"{column} is empty", "nothing", f"each row names its {column}")
        return self._cell(column)

    def _best(self) -> float | None:
        given = [column for column in BESTS if self._cell(column)]
        if len(given) == 1:
            return self._sure(self._number(given[0], _probability), LEAST, MOST)
        got = "both" if given else "nothing"
        self._wrong("the row needs one probability", got, "write it under 'probability' or under 'best'")
        return None

    def _ends(self, best: float | None) -> tuple[float | None, float | None]:
        """Return the interval; an end at 0 or 1 leaves a best value that lies further out inside."""
        low, high = (self._number(column, _probability) for column in ("low", "high"))
        least, most = (LEAST, MOST) if best is None else (min(LEAST, best), max(MOST, best))
        return self._sure(low, least, most), self._sure(high, least, most)

    def _sure(self, number: float | None, least: float, most: float) -> float | None:
        """Return what 0 and 1 are read as, and any other number as it is."""
        if number not in {0.0, 1.0}:
            return number
        self.certain += 1
        return most if number else least

    def _number(self, column: str, fault: Callable[[float], str]) -> float | None:
        """Return the number of a cell, None where it is empty or wrong. `fault` says what is allowed if it is wrong."""
        if not (text := self._cell(column)):
            return None
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        # float() also takes 1_0 and words such as nan.
        if "_" in text or math.isnan(number):
            self._wrong(f"{column} is not a number", shown(text), UNIT_INTERVAL if column in _PROBABILITIES else "")
        elif allowed := fault(number):
            self._wrong(f"{column} is out of range", text, allowed)
        else:
            return number
        return None

    def _ordered(self, best: float | None, low: float | None, high: float | None) -> None:
        if any(self._cell(column) for column in ("low", "high")) and not all(map(self._cell, ("low", "high"))):
            self._wrong("half an interval", "low alone" if self._cell("low") else "high alone", "write low and high")
        if best is not None and low is not None and high is not None and not (low <= best <= high and low < high):
            self._wrong("the interval does not hold its best", f"{low:g}, {best:g}, {high:g}", "low <= best <= high")

    def _outcome(self) -> int | None:
        text = self._cell("outcome")
        if text and text not in OUTCOMES:
            self._wrong("outcome is neither 0 nor 1", shown(text), "1 is yes, 0 is no, empty is not known")
        return OUTCOMES.get(text)

    def _day(self) -> date | None:
        if not (text := self._cell("date")):
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or day.isoformat() != text:
            self._wrong("date is not a date", shown(text), "dates are written YYYY-MM-DD")
        elif day > self.today:
            self._wrong("date lies in the future", text, f"today is {self.today}")
        return day


_PROBABILITIES = {*BESTS, "low", "high"}


def _probability(number: float) -> str:
    return "" if 0.0 <= number <= 1.0 else UNIT_INTERVAL


def _between(low: float, high: float, allowed: str, number: float) -> str:
    return "" if low < number < high else allowed


def _clashes(rows: list[_Said]) -> Iterator[Problem]:
    """Find what rows say against each other: a forecast given twice, two outcomes, two groups, two weights."""
    pairs: dict[tuple[str, str], _Said] = {}
    only: dict[tuple[str, str], tuple[_Said, object]] = {}
    for row in rows:
        if row.expert and row.question and (first := pairs.setdefault((row.expert, row.question), row)) is not row:
            what = f"expert {shown(row.expert)} answers question {shown(row.question)} twice"
            yield Problem(row.source, what, f"first at line {first.source.line}", "keep the latest forecast")
        for whose, name, field, value in (
            ("question", row.question, "outcomes", row.outcome),
            ("expert", row.expert, "groups", row.group),
            ("expert", row.expert, "weights", row.weight),
        ):
            if name and value is not None:
                first, before = only.setdefault((name, field), (row, value))
                if before != value:
                    got = f"{shown(value)}, at line {first.source.line} {shown(before)}"
                    yield Problem(row.source, f"{whose} {shown(name)} has two {field}", got, "keep one")
