"""A coder's file as rows of cells, read as days and numbers; what is not readable is a problem at its line and column.

Columns are found by name, or (where the form has no header) by their number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import ClassVar

from forecast.workspace.csv_text import Table, decoded, parse_csv
from forecast.workspace.feeds.registry import Feed, feeds_of
from forecast.workspace.problems import GOT_LISTED, TOLD_APART, Problem, Source, nearest, quoted, shown
from forecast.workspace.wording import MONTHS

ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T][\d:.]+)?", re.ASCII)
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{6})?", re.ASCII)
CLOCK = re.compile(r"\d{8}([01]\d|2[0-3])([0-5]\d)[0-5]\d", re.ASCII)
WORDED = re.compile(r"(\d{1,2}) ([A-Za-z]+) (\d{4})", re.ASCII)
WHOLE = re.compile(r"(\d{1,15})(?:\.0*)?", re.ASCII)  # 1.0 where a program held the column as decimal numbers
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)

DayReader = Callable[[str], date]
Span = tuple[date, date]
Deaths = tuple[int, int, int]
Row = tuple[int, Sequence[str]]  # its line, and its cells


class CodedRow:
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
        match = WHOLE.fullmatch(self.text(column))
        if match is None:
            self.refuse(column, "is no count", "a whole number, 0 or more")
            return None
        return int(match[1])

    def code(self, column: str) -> str:
        """Return a cell as text, a whole number without its decimals: `3.0` and `3` are one code."""
        cell = self.text(column)
        match = WHOLE.fullmatch(cell)
        return cell if match is None else match[1]

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
    match = CLOCK.fullmatch(cell)
    return None if match is None else 4 * int(match[1]) + int(match[2]) // 15


@lru_cache(maxsize=50_000)
def iso_or_worded_day(cell: str) -> date:
    """Return the day of `2026-05-03` or `03 May 2026`, in English. Raises ValueError."""
    if (match := WORDED.fullmatch(cell)) is None:
        return iso_day(cell)
    return date(int(match[3]), MONTHS.index(match[2].capitalize()) + 1, int(match[1]))


def day_of_seconds(seconds: float) -> date:
    """Return the UTC day of a time in seconds since 1970. Raises ValueError outside the years 1 to 9999."""
    try:
        return datetime.fromtimestamp(seconds, UTC).date()
    except (OverflowError, OSError) as error:
        raise ValueError(seconds) from error


def _day(match: re.Match[str] | None) -> date:
    if match is None:
        raise ValueError("another form of date")
    return date(*map(int, match.groups()))


class Coder(Feed):
    """A coder of incidents, and how a row of its table is read. What a cell does not hold is reported, and None.

    `columns` are those of its files, as published and in their order, `sometimes` those of older and wider files,
    `needed` what is read of them, `key` what names an incident. `others`: what a table without a header is that has
    another number of columns. `is_daily`: the coder adds rows in every quarter of an hour; a quarter, or a day, without
    any is missing.
    """

    is_evidence = True
    columns: ClassVar[tuple[str, ...]]
    sometimes: ClassVar[tuple[str, ...]] = ()
    needed: ClassVar[tuple[str, ...]]
    key: ClassVar[str]
    has_header: ClassVar[bool] = True
    others: ClassVar[Mapping[int, str]] = MappingProxyType({})
    counts_deaths: ClassVar[bool] = True
    is_daily: ClassVar[bool] = False

    def span(self, row: CodedRow) -> Span | None:
        """Return the first and the last day of an incident."""
        raise NotImplementedError(self.title, row)

    def added(self, row: CodedRow) -> date | None:
        """Return the day on which a row was made, None where that is not said."""
        del row
        return None

    def deaths(self, row: CodedRow) -> Deaths | None:
        """Return the low, best and high number of fatalities, of a coder that counts them."""
        raise NotImplementedError(self.title, row)

    def doubt(self, row: CodedRow) -> str | None:
        """Return what is uncertain about a row."""
        del row
        return None

    def quarter(self, row: CodedRow) -> int | None:
        """Return the quarter of an hour, 0 to 95, in which a row was made, None where that is not said."""
        del row
        return None


def names(text: str) -> tuple[str, ...]:
    """Return the words of a text, as names of columns."""
    return tuple(text.split())


@dataclass(frozen=True)
class File:
    """A file as it was given: its name in messages, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class CodedTable:
    """The rows of a file, each with its line, and where each column stands."""

    name: str
    header_line: int
    places: dict[str, int]
    rows: tuple[Row, ...]

    def cells(self, problems: list[Problem]) -> Iterator[CodedRow]:
        """Yield each row; what is wrong in its cells is added to `problems`."""
        for line, row in self.rows:
            yield CodedRow(row, self.places, Source(self.name, line), problems)


def read_coded(file: File, coder: Coder) -> tuple[CodedTable | None, tuple[Problem, ...]]:
    """Return the table of a file, and what is wrong in its form; None where columns that are needed are missing."""
    if not coder.has_header:
        return _by_number(file, coder)
    table, problems = parse_csv(file.content, file.name)
    if table is None:
        return None, problems
    of_columns = tuple(_column_problems(table, file.name, coder))
    if any(problem.severity == "error" for problem in of_columns):
        return None, (*problems, *of_columns)
    places = {name: place for place, name in enumerate(table.header)}
    return CodedTable(file.name, table.header_line, places, table.rows), (*problems, *of_columns)


def _by_number(file: File, coder: Coder) -> tuple[CodedTable | None, tuple[Problem, ...]]:
    # Quotes mean nothing in this form: a cell ends at its tab.
    text, problems = decoded(file.content, file.name)
    rows = [(line, row.removesuffix("\r").split("\t")) for line, row in enumerate(text.split("\n"), 1) if row.strip()]
    if rows and rows[0][1][0].strip().casefold() == coder.columns[0].casefold():
        line, row = rows.pop(0)
        what, allowed = f"a row of column names, which {coder.title} does not have", "delete this line"
        problems.append(Problem(Source(file.name, line), what, shown(row[0]), allowed))
    needed = len(coder.columns)
    by_width: dict[int, list[Row]] = {}
    for pair in rows:
        by_width.setdefault(len(pair[1]), []).append(pair)
    right = tuple(by_width.pop(needed, ()))
    for of_width in by_width.values():
        problems += _of_another_width(of_width, len(rows), file.name, coder)
    places = {name: place for place, name in enumerate(coder.columns)}
    return CodedTable(file.name, 1, places, right), tuple(problems)


def _of_another_width(rows: Sequence[Row], of: int, name: str, coder: Coder) -> Iterator[Problem]:
    """Report rows that have one wrong number of cells: each of a few, else once what they all are."""
    width, needed = len(rows[0][1]), f"{len(coder.columns)} cells, parted by tabs, without a header"
    other = coder.others.get(width)
    if len(rows) <= TOLD_APART and other is None:
        for line, row in rows:
            got = f"{width} cells beginning with {shown(row[0])}"
            yield Problem(Source(name, line), f"a row that is not of {coder.title}", got, needed)
        return
    many = "every row has" if len(rows) == of else f"{len(rows):,} of {of:,} rows have"
    many = "the only row has" if of == 1 else many
    what = f"{many} {width} cell{'s' if width > 1 else ''}" + (f": that is {other}" if other else "")
    line, row = rows[0]
    yield Problem(Source(name, line), what, f"a row beginning with {shown(row[0])}", f"{coder.title} has {needed}")


def _column_problems(table: Table, name: str, coder: Coder) -> Iterator[Problem]:
    """Report what is needed and missing, or stands twice; and as a warning what is not known, as coders add columns."""
    where, header = Source(name, table.header_line), table.header
    if not set(coder.needed) & set(header):
        yield _of_another_coder(header, where, coder)
        return
    for column in dict.fromkeys(header):
        if header.count(column) > 1:
            yield Problem(where, f"column {shown(column)} stands twice", "", "a column has a name of its own")
    unknown = [name for name in dict.fromkeys(header) if name not in coder.columns and name not in coder.sometimes]
    if len(unknown) > TOLD_APART:
        what, allowed = f"{len(unknown)} columns are not read", f"{coder.title} has {len(coder.columns)} columns"
        yield Problem(where, what, quoted(unknown), allowed, "warning")
    else:
        for column in unknown:
            allowed = f"{coder.title} has {len(coder.columns)} columns{nearest(column, coder.columns)}"
            yield Problem(where, f"column {shown(column)} is not read", "", allowed, "warning")
    for column in coder.needed:
        if column not in header:
            allowed = f"columns are {quoted(header)}{nearest(column, header)}"
            yield Problem(where, f"{coder.title} has a column {shown(column)}, which is missing", "", allowed)


def _of_another_coder(header: Sequence[str], where: Source, coder: Coder) -> Problem:
    """Report a first row that has none of the columns that are needed: no header, or that of somebody else's table."""
    others = [one.title for one in feeds_of(Coder).values() if one.has_header and set(one.needed) <= set(header)]
    known = set(header) & {*coder.columns, *coder.sometimes}
    if others:
        what = f"these are the columns of {others[0]}, not of {coder.title}"
    elif not known:
        what = f"the first row names no column of {coder.title}; the file has no header, or is another one"
    else:
        what = f"the columns that are needed of {coder.title} are missing"
    got = ", ".join(shown(cell) for cell in header[:GOT_LISTED]) + (", ..." if len(header) > GOT_LISTED else "")
    return Problem(where, what, got, f"needed are {quoted(coder.needed)}")
