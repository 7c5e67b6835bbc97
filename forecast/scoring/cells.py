"""Cells of a table, column by column: each different text is looked at once, whatever the number of rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.workspace.csv_text import Header
from forecast.workspace.numbers import number_in, why_no_number
from forecast.workspace.problems import Problem, Source, is_slip, nearest, one_form, quoted, shown

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
    value = number_in(text)
    if value is None:
        hint = why_no_number(text)
        raise FaultError(f"{column} is not a number", shown(text), f"{allowed}; {hint}" if hint else allowed)
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
        if column == "known" and text.casefold() in ("true", "false", "yes", "no"):
            allowed = "since when everybody could know the outcome; how it turned out stands in 'outcome'"
            raise FaultError(f"{column} is no time", shown(text), allowed) from None
        raise FaultError(f"{column} is not an ISO 8601 date or date-time", shown(text), UTC_FORMS) from None
    if read.utcoffset():
        raise FaultError(f"{column} is not in UTC", shown(text), f"convert it; {UTC_FORMS}")
    return (read.replace(tzinfo=UTC) - EPOCH) // MICROSECOND


DAY = timedelta(days=1)


def value(column: str, text: str) -> float:
    """Read a finite number, or a date or date-time in UTC as days since 1970."""
    if is_moment(text):
        return moment(column, text) * MICROSECOND / DAY
    return number(column, text, "write a number, with a point, or a date such as 2026-03-01")


def is_moment(text: str) -> bool:
    """Say whether a text is a date or a date-time; digits alone are a number."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return not text.isdecimal()


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


# Rows grouped: sorted into runs of equal keys, numbers that are one but for rounding, means by group.

# .3 and .1 + .2 are 6e-17 apart. The resolution of double precision between -1 and 1, as in scikit-learn's isotonic
# regression; whoever writes fifteen decimals is still taken at their word.
ROUNDING = 1e-15


def runs(keys: Sequence[NDArray[Any]]) -> tuple[Ints, Mask]:
    """Return the stable order of rows by keys, the first key first, and where in that order a new key begins.

    Args:
        keys: each (n,).

    Returns:
        order (n,), and starts (n,), true where a key differs from the one before.
    """
    order = np.lexsort(tuple(reversed(keys)))
    starts = np.zeros(order.size, dtype=bool)
    starts[:1] = True
    for key in keys:
        there = key[order]
        starts[1:] |= there[1:] != there[:-1]
    return order, starts


def ranges(first: Ints, width: Ints) -> Ints:
    """Return `first`, `first` + 1, ... up to `width` places of each (n,), one after the other."""
    return np.repeat(first - (np.cumsum(width) - width), width) + np.arange(int(width.sum()))


def new_points(ordered: Floats) -> Mask:
    """Say where a new point begins among rising numbers (n,): ROUNDING or more above the first one of the point.

    A point is nowhere wider than ROUNDING, however many numbers follow each other closely.

    Source: the rule of scikit-learn's isotonic regression for equal x.
    """
    begins = np.ones(ordered.size, dtype=bool)
    begins[1:] = np.diff(ordered) >= ROUNDING
    place = np.arange(ordered.size)
    while True:
        first = ordered[np.maximum.accumulate(np.where(begins, place, 0))]
        beyond = ordered - first >= ROUNDING
        if not beyond.any():
            return begins
        # Of a point that got too wide, what lies beyond its first number begins a new one: once more from there.
        beyond[1:] &= ~beyond[:-1]
        begins |= beyond


def points(numbers: Floats) -> Ints:
    """Return the point (n,) of each number, 0, 1, 2, ... from the lowest one on: equal for what is one number."""
    different, inverse = np.unique(numbers, return_inverse=True)
    return (np.cumsum(new_points(different)) - 1)[inverse]


@dataclass(frozen=True)
class Means:
    """Of g groups (g,): means, NaN of nothing; how many scores, and how many of them are infinite or undefined."""

    mean: Floats
    n: Ints
    infinite: Ints


def means(scores: Floats, group: Ints, n_groups: int) -> Means:
    """Average scores within groups. A mean that holds infinite scores of both signs, or an undefined one, is NaN.

    Args:
        scores: (n,) scores; undefined ones are NaN.
        group: (n,) of each score, from 0 to n_groups - 1.
        n_groups: g.
    """
    n = np.bincount(group, minlength=n_groups)
    with np.errstate(invalid="ignore"):  # inf - inf is the undefined mean that is promised
        total = np.bincount(group, scores, minlength=n_groups)
    infinite = np.bincount(group[~np.isfinite(scores)], minlength=n_groups)
    return Means(np.where(n > 0, total / np.maximum(n, 1), np.nan), n, infinite)


def different(group: Ints, member: Ints, n_groups: int) -> Ints:
    """Count the different members (n,) of each group (n,): (g,)."""
    n_members = int(member.max(initial=0)) + 1
    return np.bincount(np.unique(group * n_members + member) // n_members, minlength=n_groups)


# The columns of the table of forecasts of `forecast score` and `forecast pool`, and their cells (docs/table.md).

COLUMNS = (
    *("question", "forecaster", "time", "probability", "outcome", "opens", "closes", "value"),
    *("scheduled_close", "known", "end_time", "topic", "state", "order", "quantile"),
    *("low", "high", "level", "group", "weight"),
)
SECOND_NAMES = {"forecaster": "expert", "time": "date", "probability": "best", "known": "resolved"}
# As exports of platforms call `known`, which counts under one name.
KNOWN_NAMES = (
    *("resolution_date", "resolution_time", "resolved_at", "resolved_date", "resolve_time", "actual_resolve_time"),
    *("known_at", "known_date", "known_time"),
)
NAMES = (*COLUMNS, *SECOND_NAMES.values(), *KNOWN_NAMES)


DECIDING = ("known", "end_time", "scheduled_close")  # they say which forecasts count, and for how long


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a command needs of a table: `columns` in its header, one of `said` there too, and `filled` in every row.

    `windows`: each question has an opening and a close.
    """

    columns: tuple[str, ...]
    said: tuple[str, ...]
    filled: tuple[str, ...]
    windows: bool


TO_SCORE = Use(
    columns=("question", "forecaster", "time", "outcome", "opens", "closes"),
    said=("probability", "value"),
    filled=("question", "forecaster", "time"),
    windows=True,
)
TO_POOL = Use(
    columns=("question", "forecaster"), said=("probability",), filled=("question", "forecaster"), windows=False
)


def names_of(column: str) -> tuple[str, ...]:
    """Return the names under which a column may stand."""
    return (column, SECOND_NAMES[column]) if column in SECOND_NAMES else (column,)


class ColumnsOfFiles:
    """The cells of several files, column by column, and what is wrong with their headers.

    `headings` has, for each file, the columns that stand there under their second name alone.
    """

    def __init__(self, use: Use) -> None:
        self.use = use
        self.problems: list[Problem] = []
        self.cells: dict[str, list[str]] = {name: [] for name in COLUMNS}
        self.headings: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.header_lines: list[int] = []
        self.files: list[int] = []
        self.lines: list[int] = []

    @property
    def where(self) -> Where:
        """The place of each row."""
        return Where(tuple(self.paths), np.array(self.files, dtype=np.int64), np.array(self.lines, dtype=np.int64))

    def add(
        self,
        path: str,
        header: Sequence[str],
        header_line: int,
        lines: Sequence[int],
        cells_at: Callable[[int], Sequence[str]],
    ) -> None:
        """Add a file, unless a column is missing. `cells_at` gives the cells below a place in its header."""
        second = {name: other for name, other in SECOND_NAMES.items() if other in header and name not in header}
        as_exported = [name for name in header if name in KNOWN_NAMES]
        if as_exported and not set(names_of("known")) & set(header):
            second["known"] = as_exported[0]
            header = ["known" if name == as_exported[0] else name for name in header]
        self.paths.append(path)
        self.header_lines.append(header_line)
        self.headings.append(second)
        where = Source(path, header_line)
        self.problems += Header(header, where).repeated(NAMES)
        if missing := self._missing(header, where):
            self.problems += missing
            return
        self.problems += _not_used(header, where)
        for column, cells in self.cells.items():
            under_names = [cells_at(header.index(name)) for name in names_of(column) if name in header]
            if len(under_names) > 1:
                cells += self._either(column, path, lines, *under_names)
            else:
                cells += under_names[0] if under_names else [""] * len(lines)
        self.files += [len(self.paths) - 1] * len(lines)
        self.lines += lines

    def _missing(self, header: Sequence[str], where: Source) -> list[Problem]:
        strangers = [column for column in header if column and column not in NAMES]
        missing = [column for column in self.use.columns if not set(names_of(column)) & set(header)]
        if not {name for column in self.use.said for name in names_of(column)} & set(header):
            missing.append(self.use.said[0])
        if not any(column in NAMES or nearest(column, sorted(NAMES)) for column in header):
            what = "the first row names no column of a table of forecasts; the file has no header, or is another one"
            return [Problem(where, what, quoted(header), f"needed are {quoted(missing)}")]
        problems = []
        for column in missing:
            near = next(filter(None, (nearest(name, strangers) for name in names_of(column))), "")
            second = f", and may be called '{SECOND_NAMES[column]}'" if column in SECOND_NAMES else ""
            what, allowed = f"column '{column}' is missing", f"it is needed{second}{near}"
            problems.append(Problem(where, what, quoted(header), allowed))
        return problems

    def _either(
        self, column: str, path: str, lines: Sequence[int], first: Sequence[str], second: Sequence[str]
    ) -> list[str]:
        """Return the cells of a column that stands there under both its names; a row fills one of them."""
        one, other = names_of(column)
        merged = []
        for line, cell, twin in zip(lines, first, second, strict=True):
            if cell.strip() and twin.strip():
                allowed = f"write it under '{one}' or under '{other}'"
                self.problems.append(Problem(Source(path, line), f"the row needs one {column}", "both", allowed))
            merged.append(cell if cell.strip() else twin)
        return merged


def _not_used(header: Sequence[str], where: Source) -> list[Problem]:
    """Tell of columns that are not read; one that would say which forecasts count, and is misspelt, is a mistake."""
    deciding = {name: column for column in DECIDING for name in (*names_of(column), *_exported_names(column))}
    taken = {column for name, column in deciding.items() if name in header}
    meant: dict[str, str] = {}
    for column in header:
        slips = [name for name, of in deciding.items() if of not in taken and _is_meant(column, name)]
        if column and column not in NAMES and slips:
            meant[column] = slips[0]
    mistakes = [
        Problem(where, f"unknown column {shown(column)}", "", f"did you mean '{name}'? It says which forecasts count")
        for column, name in meant.items()
    ]
    return mistakes + [
        Problem(
            where,
            f"column {shown(column)} is not used",
            "",
            f"columns are {quoted(COLUMNS)}{nearest(column, (*COLUMNS, *SECOND_NAMES.values()))}",
            "warning",
        )
        for column in header
        if column and column not in meant and (column not in NAMES or column in KNOWN_NAMES)
    ]


def _exported_names(column: str) -> tuple[str, ...]:
    return KNOWN_NAMES if column == "known" else ()


def _is_meant(written: str, name: str) -> bool:
    """Say whether a heading is a name of a column in other letters, or with a slip."""
    plain = "_".join(written.casefold().replace("-", " ").replace("_", " ").split())
    return is_slip(plain, name) or sorted(plain.split("_")) == sorted(name.split("_"))
