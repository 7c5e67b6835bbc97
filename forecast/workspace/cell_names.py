"""Names within the cells of a table of evidence, and where the cells stand in its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from forecast.workspace.mentions import Named
from forecast.workspace.plain_rows import AT_LEAST

WHOLE = {
    "id": "item",
    "supersedes": "item",
    "source": "source",
    "event": "event",
    "settled": "state",
    "claims": "state",
}
STATES = ("settled", "claims", "for", "likelihood")  # columns whose cells name states of the row's event
CELL = re.compile(r'("(?:[^"]|"")*"|[^,"\r\n][^,\r\n]*|)(,|\r?\n|\Z)')


class Cell(NamedTuple):
    """The place of a cell's content in the text of a table, quotes around it left out."""

    begin: int
    end: int


def cells_of(text: str) -> Iterator[list[Cell]]:
    """Yield the cells of each row of a table that `parse_csv` reads without a problem, blank lines as one cell."""
    row: list[Cell] = []
    for found in CELL.finditer(text):
        begin, end = found.span(1)
        is_quoted = end - begin >= len('""') and text[begin] == '"'
        row.append(Cell(begin + is_quoted, end - is_quoted))
        if found[2] != ",":
            yield row
            row = []


def names_in(column: str, cell: str, event: str | None) -> Iterator[tuple[int, int, Named]]:
    """Yield begin, end and meaning of each name in a cell of a column."""
    if column in WHOLE:
        yield from _one(cell, 0, WHOLE[column], event if WHOLE[column] == "state" else None)
    elif column == "for" and cell.strip().startswith(AT_LEAST):
        begin = cell.index(AT_LEAST) + len(AT_LEAST)
        yield from _one(cell[begin:], begin, "state", event)
    elif column in ("for", "likelihood"):
        begin = 0
        for part in cell.split(";"):
            yield from _one(part.partition("=")[0], begin, "state", event)
            begin += len(part) + 1


def _one(text: str, offset: int, kind: str, event: str | None) -> Iterator[tuple[int, int, Named]]:
    name = text.strip()
    if name:
        begin = offset + len(text) - len(text.lstrip())
        yield begin, begin + len(name), Named(kind, name, event)
