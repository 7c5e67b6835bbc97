"""Cells of a table, column by column: each different text is looked at once, whatever the number of rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.workspace.problems import Source, one_form, shown

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
UTC_FORMS = "write 2026-03-01, 2026-03-01T12:00:00Z or 2026-03-01T12:00:00+00:00"


class FaultError(Exception):
    """What is wrong with the text of a cell, what was got and what is allowed."""

    def __init__(self, what: str, got: str, allowed: str) -> None:
        super().__init__(what)
        self.what, self.got, self.allowed = what, got, allowed


@dataclass(frozen=True)
class CodedColumn:
    """One column: `texts` are the different cells, stripped, in order of their first row; `codes` (n,) points there."""

    texts: tuple[str, ...]
    codes: Ints

    @property
    def filled(self) -> Mask:
        """(n,) whether the cell holds anything."""
        return np.array([text != "" for text in self.texts], dtype=bool)[self.codes]

    def __getitem__(self, row: int) -> str:
        """Return the text of a row."""
        return self.texts[int(self.codes[row])]


@dataclass(frozen=True)
class Parsed:
    """Numbers of a column: (n,), NaN where the cell is empty or wrong; `faults` by the code of the wrong text."""

    numbers: Floats
    faults: Mapping[int, FaultError]


def coded(cells: Sequence[str]) -> CodedColumn:
    """Take the cells of a column apart into different texts and where they stand."""
    if not any(cells):  # most tables have few of the columns
        return CodedColumn(("",) if cells else (), np.zeros(len(cells), dtype=np.int64))
    seen: dict[str, int] = {}
    # Only different cells are stripped; most columns have few of them.
    code_of = {cell: seen.setdefault(one_form(cell.strip()), len(seen)) for cell in dict.fromkeys(cells)}
    return CodedColumn(tuple(seen), np.fromiter(map(code_of.__getitem__, cells), dtype=np.int64, count=len(cells)))


def parsed(cells: CodedColumn, parse: Callable[[str], float]) -> Parsed:
    """Parse every different text once; `parse` raises a FaultError for what it cannot read."""
    numbers, faults = np.full(len(cells.texts), math.nan), {}
    for code, text in enumerate(cells.texts):
        if text:
            try:
                numbers[code] = parse(text)
            except FaultError as fault:
                faults[code] = fault
    return Parsed(numbers[cells.codes] if len(cells.texts) else np.empty(0), faults)


def number(column: str, text: str, allowed: str = "write a number, with a point") -> float:
    """Read a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    # float() also takes 1_0 and words such as nan.
    if "_" in text or not math.isfinite(value):
        raise FaultError(f"{column} is not a number", shown(text), allowed)
    return value


def probability(column: str, text: str) -> float:
    """Read a probability, 0 and 1 included."""
    allowed = "write a number from 0 to 1, with a point and without '%': 0.7, not 70 %"
    value = number(column, text, allowed)
    if not 0.0 <= value <= 1.0:
        raise FaultError(f"{column} is out of range", text, allowed)
    return value


def level(column: str, text: str) -> float:
    """Read the level of a quantile or an interval, strictly between 0 and 1."""
    value = number(column, text)
    if not 0.0 < value < 1.0:
        example = "0.05" if column == "quantile" else "0.9"
        raise FaultError(f"{column} is out of range", text, f"a level lies between 0 and 1, such as {example}")
    return value


def weight(column: str, text: str) -> float:
    """Read a weight, above 0."""
    value = number(column, text)
    if value <= 0.0:
        raise FaultError(f"{column} is out of range", text, "a weight is a positive number")
    return value


def moment(column: str, text: str) -> int:
    """Read a date (its 00:00 UTC) or a date-time as microseconds since 1970.

    A date-time without a zone is read as UTC; `has_zone` says whether a text is one.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise FaultError(f"{column} is not an ISO 8601 date or date-time", shown(text), UTC_FORMS) from None
    if read.utcoffset():
        raise FaultError(f"{column} is not in UTC", shown(text), f"convert it; {UTC_FORMS}")
    return (read.replace(tzinfo=UTC) - EPOCH) // MICROSECOND


def has_zone(text: str) -> bool | None:
    """Say whether a date-time names its zone. None for a date, which needs none, and for what is no date-time."""
    try:
        date.fromisoformat(text)
    except ValueError:
        try:
            return datetime.fromisoformat(text).tzinfo is not None
        except ValueError:
            return None
    return None


def moments(column: str, cells: CodedColumn) -> tuple[Ints, Mask, Mapping[int, FaultError]]:
    """Return microseconds since 1970 (n,), where they are known (n,), and the faults by the code of their text."""
    microseconds, known, faults = np.zeros(len(cells.texts), dtype=np.int64), np.zeros(len(cells.texts), dtype=bool), {}
    for code, text in enumerate(cells.texts):
        if text:
            try:
                microseconds[code], known[code] = moment(column, text), True
            except FaultError as fault:
                faults[code] = fault
    return microseconds[cells.codes], known[cells.codes], faults


def written(microseconds: int) -> str:
    """Return a moment as a message shows it: the date alone at 00:00 UTC."""
    when = EPOCH + int(microseconds) * MICROSECOND
    return when.date().isoformat() if when.time() == datetime.min.time() else when.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Where:
    """The place of each row: `paths`, and (n,) which of them and the line."""

    paths: tuple[str, ...]
    files: Ints
    lines: Ints

    def __len__(self) -> int:
        return self.lines.size

    def __getitem__(self, row: int) -> Source:
        return Source(self.paths[self.files[row]], int(self.lines[row]))

    def file(self, row: int) -> int:
        """Return which of the paths a row is in."""
        return int(self.files[row])

    def seen_from(self, row: int, other: int) -> str:
        """Name the place of another row, as a message about `row` does."""
        line = f"line {self.lines[other]}"
        return line if self.files[row] == self.files[other] else f"{line} of {self.paths[self.files[other]]}"
