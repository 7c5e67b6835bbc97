"""A coder's file as rows of cells, read as days and numbers; what is not readable is a problem at its line and column.

Columns are found by name, or (where the form has no header) by their number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import comb
from types import MappingProxyType
from typing import ClassVar

from forecast.workspace.csv_text import CsvTable, decoded, parse_csv, parted_otherwise
from forecast.workspace.feeds import Feed, feeds_of
from forecast.workspace.numbers import number_in
from forecast.workspace.problems import (
    GOT_LISTED,
    TOLD_APART,
    Problem,
    Severity,
    Source,
    choice,
    near,
    nearest,
    one_form,
    quoted,
    shown,
)
from forecast.workspace.wording import MONTHS

ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?)?", re.ASCII)
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{6})?", re.ASCII)
CLOCK = re.compile(r"\d{8}([01]\d|2[0-3])([0-5]\d)[0-5]\d", re.ASCII)
WORDED = re.compile(r"(\d{1,2}) ([A-Za-z]+) (\d{4})", re.ASCII)
WHOLE = re.compile(r"(\d{1,15})(?:\.0*)?", re.ASCII)  # 1.0 where a program held the column as decimal numbers

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
            self.refuse(column, "is not a count", "a whole number, 0 or more")
            return None
        return int(match[1])

    def code(self, column: str) -> str:
        """Return a cell as text, a whole number without its decimals: `3.0` and `3` are one code."""
        cell = self.text(column)
        match = WHOLE.fullmatch(cell)
        return cell if match is None else match[1]

    def number(self, column: str) -> float | None:
        """Return a finite number, or None and say so."""
        number = number_in(self.text(column))
        if number is None:
            self.refuse(column, "is no number", "a finite number")
        return number

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
    return date(*map(int, match.groups()[:3]))


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
    if not text.strip() and not problems:
        return None, (Problem(Source(file.name, 1), "the file is empty", "", f"the rows that {coder.title} added"),)
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
    width, needed = len(rows[0][1]), f"{len(coder.columns)} cells, separated by tabs, without a header"
    other = coder.others.get(width)
    if len(rows) <= TOLD_APART and other is None:
        for line, row in rows:
            got = f"{width} cells beginning with {shown(row[0])}"
            yield Problem(Source(name, line), f"a row that is not of {coder.title}", got, needed)
        return
    many = "every row has" if len(rows) == of else f"{len(rows):,} of {of:,} rows have"
    many = "the only row has" if of == 1 else many
    line, row = rows[0]
    parted = parted_otherwise((row[0],)) or ("commas" if width == 1 and "," in row[0] else None)
    what = f"{many} {width} cell{'s' if width > 1 else ''}" + (f": that is {other}" if other else "")
    what = f"cells are separated by {parted}" if parted else what
    yield Problem(Source(name, line), what, f"a row beginning with {shown(row[0])}", f"{coder.title} has {needed}")


def _column_problems(table: CsvTable, name: str, coder: Coder) -> Iterator[Problem]:
    """Report what is missing or appears twice; and as a warning what is not known, as coders add columns."""
    where, header = Source(name, table.header_line), table.header
    if not set(coder.needed) & set(header):
        yield _of_another_coder(header, where, coder)
        return
    yield from table.columns(name).repeated()
    unknown = [name for name in dict.fromkeys(header) if name not in coder.columns and name not in coder.sometimes]
    if len(unknown) > TOLD_APART:
        what, allowed = f"{len(unknown)} columns are not read", f"{coder.title} has {len(coder.columns)} columns"
        yield Problem(where, what, quoted(unknown), allowed, "warning")
    else:
        missing = {near(column, header) for column in coder.needed if column not in header}  # named with these below
        for column in (column for column in unknown if column not in missing):
            allowed = f"{coder.title} has {len(coder.columns)} columns{nearest(column, coder.columns)}"
            yield Problem(where, f"column {shown(column)} is not read", "", allowed, "warning")
    for column in coder.needed:
        if column not in header:
            allowed = f"columns are {quoted(header)}{nearest(column, header)}"
            yield Problem(where, f"{coder.title} has a column {shown(column)}, which is missing", "", allowed)


def _of_another_coder(header: Sequence[str], where: Source, coder: Coder) -> Problem:
    """Report a first row that has none of the columns that are needed: no header, or that of somebody else's table."""
    others = [
        coder.title for coder in feeds_of(Coder).values() if coder.has_header and set(coder.needed) <= set(header)
    ]
    known = set(header) & {*coder.columns, *coder.sometimes}
    if others:
        what = f"these are the columns of {others[0]}, not of {coder.title}"
    elif {name.casefold() for name in header} >= {name.casefold() for name in coder.needed}:
        what = f"the columns of {coder.title} are written in other letters, capitals for small ones"
    elif not known:
        what = f"the first row names no column of {coder.title}; the file has no header, or is another one"
    else:
        what = f"the columns that are needed of {coder.title} are missing"
    got = ", ".join(shown(cell) for cell in header[:GOT_LISTED]) + (", ..." if len(header) > GOT_LISTED else "")
    return Problem(where, what, got, f"needed are {quoted(coder.needed)}")


# Which rows of coders' tables count: the conditions of `--where`, and whether the files hold the whole window.

FORM = re.compile(r"\s*([^<>=]+?)\s*(<=|>=|=)\s*(.+?)\s*")
WHOLE_HINT = "--whole says that the files hold all of the window, and that nothing happened there"
QUARTERS = 96  # of an hour, in a day
# Part of the quarters that may be missing with a warning. A convention: now and then the coder itself adds none,
# and a count that lacks so few rows is not another count.
GAPS = 0.1
CHANCE = 1e-3  # below it a stretch without rows is told of


@dataclass(frozen=True)
class RowCondition:
    """A cell that is a value, or a number that is bounded."""

    column: str
    sign: str
    value: str

    def __str__(self) -> str:
        return f"{self.column}{self.sign}{self.value}"


def condition(text: str) -> RowCondition:
    """Read a condition. Raises ValueError where the text is none."""
    match = FORM.fullmatch(one_form(text))
    if match is None or (match[2] != "=" and number_in(match[3]) is None):
        msg = f"{shown(text)} is not a condition; write COLUMN=VALUE, COLUMN<=NUMBER or COLUMN>=NUMBER"
        raise ValueError(msg)
    return RowCondition(match[1], match[2], match[3])


class Selection:
    """Conditions at work: several values of one column are alternatives, all else must hold together."""

    def __init__(self, conditions: Sequence[RowCondition]) -> None:
        self.conditions = conditions
        self.values: dict[str, set[str]] = {}
        for condition in conditions:
            if condition.sign == "=":
                self.values.setdefault(condition.column, set()).add(condition.value)
        self.bounds = [condition for condition in conditions if condition.sign != "="]
        self.met: dict[str, set[str]] = {column: set() for column in self.values}  # what the rows have there

    def column_problems(self, table: CodedTable) -> Iterator[Problem]:
        """Report conditions on columns that a table does not have."""
        for column in dict.fromkeys(condition.column for condition in self.conditions):
            if column not in table.places:
                where = Source(table.name, table.header_line)
                yield Problem(where, f"--where: no column {shown(column)}", "", choice("columns", column, table.places))

    def takes(self, cells: CodedRow) -> bool:
        """Say whether a row is meant; a bounded cell that is no number is reported."""
        is_meant = True
        for column, wanted in self.values.items():
            cell = one_form(cells.text(column))
            self.met[column].add(cell)
            is_meant = is_meant and cell in wanted
        for bound in self.bounds:
            number = cells.number(bound.column)
            holds = number is not None and (
                number <= float(bound.value) if bound.sign == "<=" else number >= float(bound.value)
            )
            is_meant = is_meant and holds
        return is_meant

    def unmet(self, where: Source, severity: Severity) -> Iterator[Problem]:
        """Report values that no row has: a misspelt country would otherwise be a count of 0."""
        for condition in self.conditions:
            if condition.sign == "=" and condition.value not in self.met[condition.column]:
                allowed = choice(f"values of {condition.column}", condition.value, sorted(self.met[condition.column]))
                yield Problem(where, f"--where: no row has {condition}", "", allowed, severity)


class Coverage:
    """Remembers when rows were added, if the coder adds some every day, and else when incidents were."""

    def __init__(self, coder: Coder) -> None:
        self.coder = coder
        self.days: set[date] = set()
        self.spans: set[Span] = set()  # of a coder that need not have rows every day
        self.quarters: dict[date, set[int | None]] = {}  # None: a row that does not say its time of day

    def add(self, cells: CodedRow, span: Span, added: date | None) -> None:
        """Note a row."""
        if not self.coder.is_daily:
            self.days.update(span)
            self.spans.add(span)
        elif added is not None:
            self.days.add(added)
            self.quarters.setdefault(added, set()).add(self.coder.quarter(cells))

    def doubts(self, wanted_first: date, wanted_last: date, where: Source) -> Iterator[Problem]:
        """Report what is missing of a window: a problem, or for a few quarters of an hour a warning."""
        rows = "rows added" if self.coder.is_daily else "rows"
        if not self.days:
            yield Problem(where, "the files hold no rows", "", WHOLE_HINT)
            return
        first, last = min(self.days), max(self.days)
        if first > wanted_first or last < wanted_last:
            what, got = "the files hold only a part of the window", f"{rows} from {first} to {last}"
            yield Problem(where, what, got, f"from {wanted_first} to {wanted_last}; {WHOLE_HINT}")
        if self.coder.is_daily:
            number = (wanted_last - wanted_first).days + 1
            window = [wanted_first + timedelta(days=day) for day in range(number)]
            yield from self._missing_days([day for day in window if first < day < last], where)
            yield from self._missing_quarters([day for day in window if day in self.days], where)
        else:
            yield from self._quiet_days(max(first, wanted_first), min(last, wanted_last), where)

    def _quiet_days(self, first: date, last: date, where: Source) -> Iterator[Problem]:
        """Warn of the longest stretch without a row where the other days have so many that it can hardly be chance.

        Of n days k have rows. Were each choice of k days equally probable, one of the k + 1 stretches before, between
        and behind them would have g days or more with at most (k + 1) C(n - g, k) / C(n, k) (Bonferroni).
        """
        steps = Counter[int]()
        for begin, end in self.spans:
            if begin <= last and end >= first:
                steps[max(begin, first).toordinal()] += 1
                steps[min(end, last).toordinal() + 1] -= 1
        edges = sorted(steps)
        with_rows, longest, since, at_once = 0, (0, 0), first.toordinal(), 0
        for edge in [*edges, last.toordinal() + 1]:
            if at_once:
                with_rows += edge - since
            else:
                longest = max(longest, (edge - since, -since))
            at_once, since = at_once + steps[edge], edge
        quiet, number = longest[0], (last - first).days + 1
        others = number - quiet
        if quiet and (with_rows + 1) * comb(others, with_rows) < CHANCE * comb(number, with_rows):
            begin = date.fromordinal(-longest[1])
            what = f"no rows from {begin} to {begin + timedelta(days=quiet - 1)}, of whatever place"
            got = f"rows on {with_rows:,} of the other {others:,} days"
            yield Problem(where, what, got, f"the count may be too small; {WHOLE_HINT}", "warning")

    def _missing_days(self, inside: Sequence[date], where: Source) -> Iterator[Problem]:
        missing = [str(day) for day in inside if day not in self.days]
        if missing:
            what = f"{_days(len(missing))} of the window {_have(len(missing))} no rows"
            yield Problem(where, what, _listed(missing), f"{self.coder.title} adds rows every day; {WHOLE_HINT}")

    def _missing_quarters(self, days: Sequence[date], where: Source) -> Iterator[Problem]:
        untimed = [str(day) for day in days if None in self.quarters[day]]
        if untimed:
            what = (
                f"{_days(len(untimed))} of the window {_have(len(untimed))} rows without a time of day, "
                "so a missing quarter of an hour would not be noticed"
            )
            yield Problem(where, what, _listed(untimed), "", "warning")
        missing = {day: QUARTERS - len(self.quarters[day]) for day in days if None not in self.quarters[day]}
        lacking, number = [day for day in missing if missing[day]], sum(missing.values())
        if lacking:
            of = QUARTERS * len(missing)
            quarters = f"{number:,} of {of:,} quarters of an hour"
            what = f"{quarters} {_have(number)} no rows, on {_days(len(lacking))} of the window"
            got = _listed([f"{day} lacks {missing[day]} of {QUARTERS}" for day in lacking])
            allowed = f"{self.coder.title} adds rows every 15 minutes"
            if number > GAPS * of:
                yield Problem(where, what, got, f"{allowed}; {WHOLE_HINT}")
            else:
                yield Problem(where, what, got, f"{allowed}; the count may be too small", "warning")


def _listed(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _days(number: int) -> str:
    return f"{number:,} day" if number == 1 else f"{number:,} days"


def _have(number: int) -> str:
    return "has" if number == 1 else "have"
