"""Tables of forecasts in CSV to arrays: every mistake of every file in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.scores.assembled import assembled
from forecast.scores.cells import (
    Cells,
    FaultError,
    Floats,
    Ints,
    Mask,
    coded,
    has_zone,
    level,
    moments,
    number,
    parsed,
    probability,
)
from forecast.scores.clashes import clashes
from forecast.scores.places import Where
from forecast.scores.rows import Rows
from forecast.scores.table import Forecasts
from forecast.workspace.csv_text import parse_csv
from forecast.workspace.files import read_outside
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, nearest, quoted, shown

if TYPE_CHECKING:
    from pandas import DataFrame

NEEDED = ("question", "forecaster", "time", "outcome", "opens", "closes")
SAID = ("probability", "value")  # one of them is needed
OPTIONAL = ("scheduled_close", "topic", "state", "order", "quantile")
COLUMNS = ("question", "forecaster", "time", "probability", "outcome", "opens", "closes", "value", *OPTIONAL)
TIMES = ("time", "opens", "closes", "scheduled_close")
NOTHING = {"None", "nan", "NaT", "<NA>"}  # what a cell of a pandas table without content is called


def read_forecasts(paths: Sequence[Path], *, ordered: bool = False, base: Path | None = None) -> Forecasts:
    """Read CSV files of forecasts as one table; `ordered`: options of states are in the order of their first rows.

    Messages name each path relative to `base` if it is given, else as it is.

    Raises:
        WorkspaceProblems: the files hold mistakes; all of them, by file and line.
    """
    problems: list[Problem] = []
    columns: dict[str, list[str]] = {name: [] for name in COLUMNS}
    names, files, lines = [], [], []
    for place, path in enumerate(paths):
        name = (path if base is None else path.relative_to(base)).as_posix()
        names.append(name)
        table, found = parse_csv(read_outside(path, name), name)
        problems += found
        if table is None:
            continue
        places, of_header = _columns(table.header, Source(name, table.header_line))
        problems += of_header
        if not places:
            continue
        if not table.rows and not problems:
            problems.append(Problem(Source(name, 1), "no forecasts", "a header alone", "write one row a forecast"))
        for column, cells in columns.items():
            at = places.get(column)
            cells += [""] * len(table.rows) if at is None else [row[at] for _, row in table.rows]
        lines += [line for line, _ in table.rows]
        files += [place] * len(table.rows)
    where = Where(tuple(names), np.array(files, dtype=np.int64), np.array(lines, dtype=np.int64))
    return _forecasts(columns, where, problems, ordered)


def from_columns(columns: Mapping[str, Any] | DataFrame, *, ordered: bool = False) -> Forecasts:
    """Take a pandas table, or a mapping of columns, with the columns that a file has.

    None and NaN are empty cells; days and moments may be dates, datetimes or their texts. Messages count the rows from
    1 as the lines of `table`.

    Raises:
        WorkspaceProblems: the table holds mistakes, all of them.
    """
    header = tuple(map(str, columns))
    places, problems = _columns(header, Source("table", 0))
    texts = {name: [_text(cell) for cell in columns[name]] for name in header if name in COLUMNS}
    lengths = {len(cells) for cells in texts.values()} or {0}
    if len(lengths) != 1:
        msg = f"columns have different lengths: {sorted(lengths)}"
        raise ValueError(msg)
    (n,) = lengths
    filled = {name: texts[name] if name in texts and places else [""] * n for name in COLUMNS}
    where = Where(("table",), np.zeros(n, dtype=np.int64), np.arange(1, n + 1))
    return _forecasts(filled, where, problems, ordered)


def _text(cell: object) -> str:
    text = str(cell)
    return "" if text in NOTHING and not isinstance(cell, str) else text


def _columns(header: Sequence[str], source: Source) -> tuple[dict[str, int], list[Problem]]:
    """Return where each known column stands (empty if a needed one is missing), and what is wrong."""
    problems = [
        Problem(source, f"column {shown(column)} stands twice", "", "each column stands once")
        for column in COLUMNS
        if list(header).count(column) > 1
    ]
    strangers = [column for column in header if column and column not in COLUMNS]
    missing = [column for column in NEEDED if column not in header]
    if not set(SAID) & set(header):
        missing.append(SAID[0])
    for column in missing:
        near = nearest(column, strangers)
        problems.append(Problem(source, f"column '{column}' is missing", quoted(header), f"it is needed{near}"))
    for column in [] if missing else strangers:
        allowed = f"columns are {quoted(COLUMNS)}{nearest(column, COLUMNS)}"
        problems.append(Problem(source, f"column {shown(column)} is not used", "", allowed, "warning"))
    return {} if missing else {column: header.index(column) for column in COLUMNS if column in header}, problems


def _forecasts(columns: Mapping[str, Sequence[str]], where: Where, problems: list[Problem], ordered: bool) -> Forecasts:
    cells = {name: coded(column) for name, column in columns.items()}
    rows, found = _rows(cells, where, ordered)
    problems += found
    if len(where):
        problems += clashes(rows)
    if any(problem.severity == "error" for problem in problems):
        raise WorkspaceProblems(problems)
    return assembled(rows, tuple(sorted(problems)))


@dataclass
class _Reader:
    """Parses columns, keeping what is wrong with them."""

    cells: Mapping[str, Cells]
    where: Where
    problems: list[Problem]
    wrong: Mask  # (n,) rows with a mistake of their own

    def faults(self, column: str, faults: Mapping[int, FaultError]) -> None:
        codes = self.cells[column].codes
        for row in np.flatnonzero(np.isin(codes, list(faults))):
            fault = faults[int(codes[row])]
            self.problem(int(row), fault.what, fault.got, fault.allowed)

    def problem(self, row: int, what: str, got: str, allowed: str) -> None:
        self.wrong[row] = True
        self.problems.append(Problem(self.where[row], what, got, allowed))

    def numbers(self, column: str) -> Floats:
        parse = {
            "probability": probability,
            "quantile": level,
            "value": lambda text: number("value", text),
            "order": lambda text: number("order", text),
        }[column]
        found = parsed(self.cells[column], parse)
        self.faults(column, found.faults)
        return found.numbers

    def moments(self, column: str) -> tuple[Ints, Mask]:
        found, known, faults = moments(column, self.cells[column])
        self.faults(column, faults)
        return found, known

    def needed(self, column: str) -> None:
        for row in np.flatnonzero(~self.cells[column].filled):
            self.problem(int(row), f"{column} is empty", "nothing", f"each row names its {column}")


def _rows(cells: Mapping[str, Cells], where: Where, ordered: bool) -> tuple[Rows, list[Problem]]:
    reader = _Reader(cells, where, [], np.zeros(len(where), dtype=bool))
    for column in ("question", "forecaster", "time"):
        reader.needed(column)
    time, time_known = reader.moments("time")
    opens, opens_known = reader.moments("opens")
    closes, closes_known = reader.moments("closes")
    scheduled, scheduled_known = reader.moments("scheduled_close")
    rows = Rows(
        where=where,
        cells=cells,
        time=time,
        time_known=time_known,
        opens=opens,
        opens_known=opens_known,
        closes=closes,
        closes_known=closes_known,
        scheduled=scheduled,
        scheduled_known=scheduled_known,
        probability=reader.numbers("probability"),
        value=reader.numbers("value"),
        level=reader.numbers("quantile"),
        order=reader.numbers("order"),
        ordered=ordered,
        wrong=reader.wrong,
    )
    _one_of(reader)
    _zones(reader)
    return rows, reader.problems


def _one_of(reader: _Reader) -> None:
    """Every row says a probability or a value; a value has no state, a probability no quantile."""
    said = {name: reader.cells[name].filled for name in ("probability", "value", "state", "quantile")}
    for mask, what, got, allowed in (
        (~said["probability"] & ~said["value"], "the row says nothing", "nothing", "write a probability, or a value"),
        (said["probability"] & said["value"], "the row says two things", "a probability and a value", "write one"),
        (said["value"] & said["state"], "a value of a state", "both", "a state has a probability"),
        (said["probability"] & said["quantile"], "a probability of a quantile", "both", "a quantile has a value"),
    ):
        for row in np.flatnonzero(mask):
            reader.problem(int(row), what, got, allowed)


def _zones(reader: _Reader) -> None:
    """Date-times without a zone are refused beside others with one; alone they are read as UTC, with a warning."""
    without: list[tuple[int, str]] = []
    any_zone = False
    for column in TIMES:
        cells = reader.cells[column]
        zones = [has_zone(text) for text in cells.texts]
        any_zone |= True in zones
        bare = np.array([zone is False for zone in zones], dtype=bool)
        without += [(int(row), column) for row in np.flatnonzero(bare[cells.codes])]
    if any_zone:
        for row, column in without:
            got = f"{shown(reader.cells[column][row])}, and other rows have a zone"
            reader.problem(row, f"{column} has no time zone", got, "all times are UTC; end each with Z")
    elif without:
        row, column = min(without)
        got = f"{shown(reader.cells[column][row])} and {len(without) - 1} more" if without[1:] else ""
        what, allowed = "a date-time without a time zone is read as UTC", "end it with Z to say so"
        reader.problems.append(Problem(reader.where[row], what, got, allowed, "warning"))
