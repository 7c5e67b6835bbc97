"""The columns of the table of forecasts of `forecast score` and `forecast pool`, and their cells (docs/table.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecast.scoring.cells import Where
from forecast.workspace.problems import Problem, Source, nearest, quoted, shown

COLUMNS = (
    *("question", "forecaster", "time", "probability", "outcome", "opens", "closes", "value"),
    *("scheduled_close", "topic", "state", "order", "quantile"),
    *("low", "high", "level", "group", "weight"),
)
SECOND_NAMES = {"forecaster": "expert", "time": "date", "probability": "best"}
NAMES = (*COLUMNS, *SECOND_NAMES.values())


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
        self.paths.append(path)
        self.headings.append(second)
        where = Source(path, header_line)
        self.problems += _twice(header, where)
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


def _twice(header: Sequence[str], where: Source) -> list[Problem]:
    return [
        Problem(where, f"column {shown(column)} appears twice", "", "each column stands once")
        for column in NAMES
        if list(header).count(column) > 1
    ]


def _not_used(header: Sequence[str], where: Source) -> list[Problem]:
    return [
        Problem(
            where,
            f"column {shown(column)} is not used",
            "",
            f"columns are {quoted(COLUMNS)}{nearest(column, NAMES)}",
            "warning",
        )
        for column in header
        if column and column not in NAMES
    ]
