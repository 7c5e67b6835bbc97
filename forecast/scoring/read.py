"""Read the table of forecasts of `forecast score` and `forecast pool` (docs/table.md), from CSV files or from columns.

All mistakes of all files are reported in one run. Every column that is there is checked, whichever command reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.scoring.cells import (
    EPOCH,
    MICROSECOND,
    NAMES,
    TO_SCORE,
    CodedColumn,
    ColumnsOfFiles,
    FaultError,
    Floats,
    Ints,
    Mask,
    Use,
    coded,
    has_zone,
    level,
    moments,
    number,
    parsed,
    probability,
    value,
    weight,
)
from forecast.scoring.rows import Forecasts, Rows, assembled, clashes, left_out
from forecast.workspace.csv_text import CsvTable, parse_csv
from forecast.workspace.files import read_outside
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, look_alikes, shown

if TYPE_CHECKING:
    from pandas import DataFrame

TIMES = ("time", "opens", "closes", "scheduled_close", "known", "end_time")
NOTHING = {"None", "nan", "NaT", "<NA>"}  # what a cell of a pandas table without content is called
VALUE_OR_PROBABILITY = "write a probability, or a value"
PARSERS: Mapping[str, Callable[[str, str], float]] = {
    "probability": probability,
    "value": value,
    "quantile": level,
    "order": number,
    "low": probability,
    "high": probability,
    "level": level,
    "weight": weight,
}


def read_forecasts(
    paths: Sequence[Path],
    *,
    ordered: bool = False,
    base: Path | None = None,
    today: date | None = None,
    around: bool = False,
) -> Forecasts:
    """Read CSV files of forecasts as one table; `ordered`: options of states are in the order of their first rows.

    Messages name each path relative to `base` if it is given, else as it is. What was said after `today` is a mistake.
    `around` mistakes the rest is read, as long as there is any: they stand among the warnings, as errors.

    Raises:
        WorkspaceProblems: the files hold mistakes; all of them, by file and line.
    """
    rows, out, problems = _read(paths, TO_SCORE, ordered=ordered, base=base, today=today)
    if not around or out.all():
        refuse(problems)
    return assembled(rows, out, tuple(sorted(problems)))


def from_columns(columns: Mapping[str, Any] | DataFrame, *, ordered: bool = False) -> Forecasts:
    """Take a pandas table, or a mapping of columns, with the columns that a file has.

    None and NaN are empty cells; days and moments may be dates, datetimes or their texts. Messages count the rows from
    1 as the lines of `table`.

    Raises:
        WorkspaceProblems: the table holds mistakes, all of them.
    """
    header = tuple(map(str, columns))
    texts = {name: [_text(cell) for cell in columns[name]] for name in header if name in NAMES}
    lengths = {len(cells) for cells in texts.values()} or {0}
    if len(lengths) != 1:
        msg = f"columns have different lengths: {sorted(lengths)}"
        raise ValueError(msg)
    (n,) = lengths
    gathered = ColumnsOfFiles(TO_SCORE)
    gathered.add("table", header, 0, range(1, n + 1), lambda place: texts[header[place]])
    rows, out, problems = _checked(gathered, ordered, None)
    refuse(problems)
    return assembled(rows, out, tuple(sorted(problems)))


def read_rows(
    paths: Sequence[Path], use: Use, *, ordered: bool = False, base: Path | None = None, today: date | None = None
) -> tuple[Rows, list[Problem]]:
    """Return the rows of CSV files as one table, and all that is wrong in them, mistakes and warnings."""
    rows, _, problems = _read(paths, use, ordered=ordered, base=base, today=today)
    return rows, problems


def _read(
    paths: Sequence[Path], use: Use, *, ordered: bool, base: Path | None, today: date | None
) -> tuple[Rows, Mask, list[Problem]]:
    gathered = ColumnsOfFiles(use)
    for path in paths:
        name = (path if base is None else path.relative_to(base)).as_posix()
        table, problems = parse_csv(read_outside(path, name), name)
        gathered.problems += problems
        if table is None:
            continue
        lines = [line for line, _ in table.rows]
        gathered.add(name, table.header, table.header_line, lines, partial(_cells_at, table))
        if not table.rows and not gathered.problems:
            got, allowed = "a header alone", "write one row a forecast"
            gathered.problems.append(Problem(Source(name, 1), "no forecasts", got, allowed))
    return _checked(gathered, ordered, today)


def refuse(problems: Sequence[Problem]) -> None:
    """Raise WorkspaceProblems with all of them if any is a mistake."""
    if any(problem.severity == "error" for problem in problems):
        raise WorkspaceProblems(problems)


def _cells_at(table: CsvTable, place: int) -> list[str]:
    return [cells[place] for _, cells in table.rows]


def _text(cell: object) -> str:
    text = str(cell)
    return "" if text in NOTHING and not isinstance(cell, str) else text


def _checked(gathered: ColumnsOfFiles, ordered: bool, today: date | None) -> tuple[Rows, Mask, list[Problem]]:
    """Return the rows, which of them (n,) cannot be used, and all that is wrong."""
    reader = _TableReader(gathered)
    reader.files(gathered)
    rows = reader.rows(ordered, gathered.use)
    reader.one_statement_a_row()
    reader.intervals(rows)
    reader.zones()
    reader.look_alikes()
    if today is not None:
        reader.not_after(today, rows)
    problems = [*gathered.problems, *reader.problems]
    found = tuple(clashes(rows, gathered.use)) if len(rows) else ()
    return rows, left_out(rows, found), problems + [clash.problem for clash in found]


class _TableReader:
    """Parses columns, keeping what is wrong in each row by itself."""

    def __init__(self, gathered: ColumnsOfFiles) -> None:
        self.where = gathered.where
        self.headings = tuple(gathered.headings)
        self.cells: Mapping[str, CodedColumn] = {name: coded(column) for name, column in gathered.cells.items()}
        self.wrong: Mask = np.zeros(len(self.where), dtype=bool)
        self.problems: list[Problem] = []

    def look_alikes(self) -> None:
        """Warn of names that a person takes for one and that are two: each would be scored by itself."""
        for column in ("question", "forecaster", "state"):
            cells = self.cells[column]
            for name, other, strange in look_alikes(cells.texts):
                row = int(np.argmax(cells.codes == cells.texts.index(name)))
                what = f"{self._heading(column, row)} {shown(name)} looks like {shown(other)} and is another one"
                allowed = "write both alike if one is meant"
                self.problems.append(Problem(self.where[row], what, strange, allowed, "warning"))

    def rows(self, ordered: bool, use: Use) -> Rows:
        """Read every column."""
        for column in use.filled:
            for row in np.flatnonzero(~self.cells[column].filled).tolist():
                name = self._heading(column, row)
                self._problem(row, f"{name} is empty", "nothing", f"each row names its {name}")
        time, time_known = self._moments("time")
        opens, opens_known = self._moments("opens")
        closes, closes_known = self._moments("closes")
        scheduled, scheduled_known = self._moments("scheduled_close")
        public, public_known = self._moments("known")
        until, until_known = self._moments("end_time")
        numbers = {column: self._numbers(column) for column in PARSERS}
        return Rows(
            where=self.where,
            headings=self.headings,
            cells=self.cells,
            time=time,
            time_known=time_known,
            opens=opens,
            opens_known=opens_known,
            closes=closes,
            closes_known=closes_known,
            scheduled=scheduled,
            scheduled_known=scheduled_known,
            public=public,
            public_known=public_known,
            until=until,
            until_known=until_known,
            probability=numbers["probability"],
            value=numbers["value"],
            level=numbers["quantile"],
            order=numbers["order"],
            low=numbers["low"],
            high=numbers["high"],
            interval_level=numbers["level"],
            weight=numbers["weight"],
            ordered=ordered,
            wrong=self.wrong,
        )

    def files(self, gathered: ColumnsOfFiles) -> None:
        """Mark the rows that a mistake of their file concerns: one with it in its line, all where it is the header's.

        Of a file that is no UTF-8 those with a letter that could not be read, too.
        """
        found = {problem.source for problem in gathered.problems if problem.severity == "error"}
        if not found:
            return
        headers = [
            Source(path, line) in found for path, line in zip(self.where.paths, gathered.header_lines, strict=True)
        ]
        self.wrong |= np.array(headers, dtype=bool)[self.where.files]
        for row in range(len(self.where)):
            self.wrong[row] |= self.where[row] in found
        for column in self.cells.values():
            self.wrong |= np.array(["\ufffd" in text for text in column.texts], dtype=bool)[column.codes]

    def one_statement_a_row(self) -> None:
        """Every row says a probability or a value; a value has no state, a probability no quantile."""
        said = {name: self.cells[name].filled for name in ("probability", "value", "state", "quantile")}
        for mask, what, got, allowed in (
            (
                ~said["probability"] & ~said["value"],
                "the row has no forecast",
                "nothing",
                "write a probability, or a value",
            ),
            (said["value"] & said["state"], "a value of a state", "both", "a state has a probability"),
            (said["probability"] & said["quantile"], "a probability of a quantile", "both", "a quantile has a value"),
        ):
            for row in np.flatnonzero(mask).tolist():
                self._problem(row, what, got, allowed)

    def intervals(self, rows: Rows) -> None:
        """An interval has two ends and holds its probability."""
        low, high = self.cells["low"].filled, self.cells["high"].filled
        for row in np.flatnonzero(low != high).tolist():
            self._problem(row, "half an interval", f"{'low' if low[row] else 'high'} alone", "write low and high")
        for row in np.flatnonzero((low | high) & self.cells["value"].filled).tolist():
            self._problem(row, "an interval around a value", "low and high", "a value has quantiles")
        # A comparison with NaN, of a cell that is empty or wrong, is never true.
        off = (rows.low > rows.probability) | (rows.probability > rows.high) | (rows.low >= rows.high)
        for row in np.flatnonzero(off & ~np.isnan(rows.low + rows.probability + rows.high)).tolist():
            got = f"{rows.low[row]:g}, {rows.probability[row]:g}, {rows.high[row]:g}"
            name = self._heading("probability", row)
            self._problem(row, f"the interval does not hold its {name}", got, f"low <= {name} <= high, and low < high")

    def zones(self) -> None:
        """Date-times without a zone are refused beside others with one; alone they are read as UTC, with a warning."""
        without: list[tuple[int, str]] = []
        any_zone = False
        for column in TIMES:
            cells = self.cells[column]
            zones = [has_zone(text) for text in cells.texts]
            any_zone |= True in zones
            bare = np.array([zone is False for zone in zones], dtype=bool)
            without += [(row, column) for row in np.flatnonzero(bare[cells.codes]).tolist()]
        if any_zone:
            for row, column in without:
                got = f"{shown(self.cells[column][row])}, and other rows have a zone"
                name = self._heading(column, row)
                self._problem(row, f"{name} has no time zone", got, "all times are UTC; end each with Z")
        elif without:
            row, column = min(without)
            got = f"{shown(self.cells[column][row])} and {len(without) - 1} more" if without[1:] else ""
            what, allowed = "a date-time without a time zone is read as UTC", "end it with Z to say so"
            self.problems.append(Problem(self.where[row], what, got, allowed, "warning"))

    def not_after(self, today: date, rows: Rows) -> None:
        """No forecast was made after today."""
        tomorrow = EPOCH + timedelta(days=(today - EPOCH.date()).days + 1)
        for row in np.flatnonzero(rows.time_known & (rows.time >= (tomorrow - EPOCH) // MICROSECOND)).tolist():
            what = f"{self._heading('time', row)} lies in the future"
            self._problem(row, what, self.cells["time"][row], f"today is {today}")

    def _heading(self, column: str, row: int) -> str:
        return self.headings[self.where.file(row)].get(column, column)

    def _problem(self, row: int, what: str, got: str, allowed: str) -> None:
        self.wrong[row] = True
        self.problems.append(Problem(self.where[row], what, got, allowed))

    def _faults(self, column: str, faults: Mapping[int, FaultError]) -> None:
        codes = self.cells[column].codes
        for row in np.flatnonzero(np.isin(codes, list(faults))).tolist():
            fault = faults[int(codes[row])]
            what = self._heading(column, row) + fault.what.removeprefix(column)
            self._problem(row, what, fault.got, fault.allowed)

    def _numbers(self, column: str) -> Floats:
        read = parsed(self.cells[column], partial(PARSERS[column], column))
        self._faults(column, read.faults)
        return read.numbers

    def _moments(self, column: str) -> tuple[Ints, Mask]:
        microseconds, known, faults = moments(column, self.cells[column])
        self._faults(column, faults)
        return microseconds, known
