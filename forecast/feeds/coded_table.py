"""A coder's file as rows of cells: columns found by name, or (where the form has no header) by their number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forecast.feeds.cells import Cells
from forecast.feeds.coders import CODERS, Coder
from forecast.workspace.csv_text import Table, decoded, parse_csv
from forecast.workspace.problems import GOT_LISTED, TOLD_APART, Problem, Source, nearest, quoted, shown

Row = tuple[int, Sequence[str]]  # its line, and its cells


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
    if rows and rows[0][1][0].strip().casefold() == coder.columns[0].casefold():
        line, row = rows.pop(0)
        what, allowed = f"a row of column names, which {coder.title} does not have", "delete this line"
        problems.append(Problem(Source(file.name, line), what, shown(row[0]), allowed))
    needed = len(coder.columns)
    by_width: dict[int, list[Row]] = {}
    for pair in rows:
        by_width.setdefault(len(pair[1]), []).append(pair)
    right = tuple(by_width.pop(needed, ()))
    for found in by_width.values():
        problems += _of_another_width(found, len(rows), file.name, coder)
    places = {name: place for place, name in enumerate(coder.columns)}
    return CodedTable(file.name, 1, places, right), tuple(problems)


def _of_another_width(found: Sequence[Row], of: int, name: str, coder: Coder) -> Iterator[Problem]:
    """Report rows that have one wrong number of cells: each of a few, else once what they all are."""
    width, needed = len(found[0][1]), f"{len(coder.columns)} cells, parted by tabs, without a header"
    other = coder.others.get(width)
    if len(found) <= TOLD_APART and other is None:
        for line, row in found:
            got = f"{width} cells beginning with {shown(row[0])}"
            yield Problem(Source(name, line), f"a row that is not of {coder.title}", got, needed)
        return
    many = "every row has" if len(found) == of else f"{len(found):,} of {of:,} rows have"
    many = "the only row has" if of == 1 else many
    what = f"{many} {width} cell{'s' if width > 1 else ''}" + (f": that is {other}" if other else "")
    line, row = found[0]
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
    others = [one.title for one in CODERS.values() if one.has_header and set(one.needed) <= set(header)]
    known = set(header) & {*coder.columns, *coder.sometimes}
    if others:
        what = f"these are the columns of {others[0]}, not of {coder.title}"
    elif not known:
        what = f"the first row names no column of {coder.title}; the file has no header, or is another one"
    else:
        what = f"the columns that are needed of {coder.title} are missing"
    got = ", ".join(shown(cell) for cell in header[:GOT_LISTED]) + (", ..." if len(header) > GOT_LISTED else "")
    return Problem(where, what, got, f"needed are {quoted(coder.needed)}")
