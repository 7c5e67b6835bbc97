"""A coder's file as rows of cells: columns found by name, or (where the form has no header) by their number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forecast.feeds.cells import Cells
from forecast.feeds.coders import Coder
from forecast.workspace.csv_text import Table, decoded, parse_csv
from forecast.workspace.problems import Problem, Source, nearest, quoted, shown


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
    rows: tuple[tuple[int, Sequence[str]], ...]

    def cells(self, problems: list[Problem]) -> Iterator[Cells]:
        """Yield each row; what is wrong in its cells is added to `problems`."""
        for line, row in self.rows:
            yield Cells(row, self.places, Source(self.name, line), problems)


def read_coded(file: File, coder: Coder) -> tuple[CodedTable | None, tuple[Problem, ...]]:
    """Return the table of a file, and what is wrong in its form; None where columns that are needed are missing."""
    if not coder.has_header:
        return _by_number(file, coder)
    table, problems = parse_csv(file.content, file.name)
    if table is None:
        return None, problems
    found = tuple(_column_problems(table, file.name, coder))
    if any(problem.severity == "error" for problem in found):
        return None, (*problems, *found)
    places = {name: place for place, name in enumerate(table.header)}
    return CodedTable(file.name, table.header_line, places, table.rows), (*problems, *found)


def _by_number(file: File, coder: Coder) -> tuple[CodedTable | None, tuple[Problem, ...]]:
    # Quotes mean nothing in this form: a cell ends at its tab.
    text, problems = decoded(file.content, file.name)
    rows = [(line, row.removesuffix("\r").split("\t")) for line, row in enumerate(text.split("\n"), 1) if row.strip()]
    needed = len(coder.columns)
    for line, row in rows:
        if len(row) != needed:
            got = f"{len(row)} cells beginning with {shown(row[0])}"
            allowed = f"{needed} cells, parted by tabs, without a header"
            problems.append(Problem(Source(file.name, line), f"a row that is not of {coder.title}", got, allowed))
    places = {name: place for place, name in enumerate(coder.columns)}
    return CodedTable(file.name, 1, places, tuple(pair for pair in rows if len(pair[1]) == needed)), tuple(problems)


def _column_problems(table: Table, name: str, coder: Coder) -> Iterator[Problem]:
    """Report what is needed and missing, or stands twice; and as a warning what is not known, as coders add columns."""
    where, header = Source(name, table.header_line), table.header
    for column in dict.fromkeys(header):
        if header.count(column) > 1:
            yield Problem(where, f"column {shown(column)} stands twice", "", "a column has a name of its own")
        if column not in coder.columns and column not in coder.sometimes:
            allowed = f"{coder.title} has {len(coder.columns)} columns{nearest(column, coder.columns)}"
            yield Problem(where, f"column {shown(column)} is not read", "", allowed, "warning")
    for column in coder.needed:
        if column not in header:
            allowed = f"columns are {quoted(header)}{nearest(column, header)}"
            yield Problem(where, f"{coder.title} has a column {shown(column)}, which is missing", "", allowed)
