"""The cells of a coder's row as days and numbers; what is not readable is a problem at its line and column."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache

from forecast.workspace.problems import Problem, Source, shown

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
          "november", "december")  # fmt: skip
ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T][\d:.]+)?", re.ASCII)
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{6})?", re.ASCII)
CLOCK = re.compile(r"\d{8}([01]\d|2[0-3])([0-5]\d)[0-5]\d", re.ASCII)
WORDED = re.compile(r"(\d{1,2}) ([A-Za-z]+) (\d{4})", re.ASCII)
WHOLE = re.compile(r"(\d{1,15})(?:\.0*)?", re.ASCII)  # 1.0 where a program held the column as decimal numbers
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)

DayReader = Callable[[str], date]


class Cells:
    """One row: `places` are the indices of columns by name. Mistakes are gathered in `problems`."""

    def __init__(self, row: Sequence[str], places: Mapping[str, int], source: Source, problems: list[Problem]) -> None:
        self.row, self.places, self.source, self.problems = row, places, source, problems

    def text(self, column: str) -> str:
        """Return a cell without the blanks around it; an absent column is empty."""
        return self.row[self.places[column]].strip() if column in self.places else ""

    def day(self, column: str, read: DayReader, allowed: str) -> date | None:
        """Return a day, or None and say so."""
        try:
            return read(self.text(column))
        except ValueError:
            self.refuse(column, "is not a date", allowed)
            return None

    def whole(self, column: str) -> int | None:
        """Return a whole number from 0 on, or None and say so."""
        found = WHOLE.fullmatch(self.text(column))
        if found is None:
            self.refuse(column, "is no count", "a whole number, 0 or more")
            return None
        return int(found[1])

    def code(self, column: str) -> str:
        """Return a cell as text, a whole number without its decimals: `3.0` and `3` are one code."""
        cell = self.text(column)
        found = WHOLE.fullmatch(cell)
        return cell if found is None else found[1]

    def number(self, column: str) -> float | None:
        """Return a finite number, or None and say so."""
        cell = self.text(column)
        if not NUMBER.fullmatch(cell):
            self.refuse(column, "is no number", "a finite number")
            return None
        return float(cell)

    def refuse(self, column: str, what: str, allowed: str) -> None:
        """Report a cell."""
        self.problems.append(Problem(self.source, f"{column} {what}", shown(self.text(column)), allowed))


@lru_cache(maxsize=50_000)
def iso_day(cell: str) -> date:
    """Return the day of `2026-05-03` or `2026-05-03 00:00:00.000`. Raises ValueError."""
    return _day(ISO.fullmatch(cell))


@lru_cache(maxsize=50_000)
def compact_day(cell: str) -> date:
    """Return the day of `20260503` or `20260503141500`. Raises ValueError."""
    return _day(COMPACT.fullmatch(cell))


@lru_cache(maxsize=50_000)
def compact_quarter(cell: str) -> int | None:
    """Return the quarter of an hour, 0 to 95, of `20260503141500`; None where no time of day is written."""
    found = CLOCK.fullmatch(cell)
    return None if found is None else 4 * int(found[1]) + int(found[2]) // 15


@lru_cache(maxsize=50_000)
def iso_or_worded_day(cell: str) -> date:
    """Return the day of `2026-05-03` or `03 May 2026`, in English. Raises ValueError."""
    if (found := WORDED.fullmatch(cell)) is None:
        return iso_day(cell)
    return date(int(found[3]), MONTHS.index(found[2].casefold()) + 1, int(found[1]))


def day_of_seconds(seconds: float) -> date:
    """Return the UTC day of a time in seconds since 1970. Raises ValueError outside the years 1 to 9999."""
    try:
        return datetime.fromtimestamp(seconds, UTC).date()
    except (OverflowError, OSError) as error:
        raise ValueError(seconds) from error


def _day(found: re.Match[str] | None) -> date:
    if found is None:
        raise ValueError("another form of date")
    return date(*map(int, found.groups()))
