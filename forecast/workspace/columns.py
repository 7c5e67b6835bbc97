"""Which column of a table of evidence holds what: its header, or the map `NAME.columns.yaml` beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from forecast.workspace.csv_text import Table
from forecast.workspace.cursor import Cursor
from forecast.workspace.evidence_forms.registry import CELLS, KEYS_ON_EVENT, OTHERS
from forecast.workspace.nodes import Node, Scalar, child
from forecast.workspace.problems import Problem, Source, nearest, one_form, quoted, shown
from forecast.workspace.shapes import Name, Shape, Text, hold


class ColumnMapShape(Shape):
    """Which columns of a table of evidence are read, by key, and what is the same in every row."""

    format: Literal[1] | None = None
    columns: dict[Name, Text]
    always: Annotated[dict[Name, Text | int | float], Field(default_factory=dict)]


KEYS = (
    *("id", "reported", "happened", "source", "credibility", "group", "rho", "headline", "url", "why"),
    *("event", *CELLS, "retracted", "supersedes"),
)


NEEDED = ("id", "reported", "source", "headline", "event")


@dataclass(frozen=True)
class Columns:
    """Where each key stands: `places` are indices of cells, `always` what is the same in every row."""

    places: Mapping[str, int]
    always: Mapping[str, str] = field(default_factory=dict)


def read_columns(
    table: Table, path: str, node: Node | None, map_path: str, today: date
) -> tuple[Columns | None, tuple[Problem, ...]]:
    """Return the columns of a table, by its map if there is one, and the problems. None where no row can be read."""
    problems: list[Problem] = []
    header: dict[str, int] = {}
    for place, name in enumerate(table.header):
        if name in header:
            what = f"column {shown(name)} stands twice"
            problems.append(Problem(Source(path, table.header_line), what, "", "a column has a name of its own"))
        header.setdefault(name, place)
    if node is None:
        columns, found = _by_name(header, Source(path, table.header_line))
    else:
        columns, found = _by_map(header, path, node, map_path, today)
    problems += found
    known = {*columns.places, *columns.always}
    missing = [key for key in NEEDED if key not in known]
    if not known & set(KEYS_ON_EVENT):
        missing.append(" or ".join(KEYS_ON_EVENT))
    where = Source(path, table.header_line)
    for key in missing:
        allowed = f"columns are {quoted(header)}" + ("" if node is None else f"; the map is {map_path}")
        problems.append(Problem(where, f"no column holds {key}", "", allowed))
    return (None if missing else columns), tuple(problems)


def _by_name(header: Mapping[str, int], where: Source) -> tuple[Columns, list[Problem]]:
    problems = [
        Problem(
            where, f"unknown column {shown(name)}", "", f"{_hint(name)}columns are {quoted(KEYS)}{nearest(name, KEYS)}"
        )
        for name in header
        if name not in KEYS
    ]
    return Columns({key: place for key, place in header.items() if key in KEYS}), problems


def _hint(name: str) -> str:
    where = "evidence on scenarios stands in YAML, or is imported as a matrix (--format ach); "
    return where if name in OTHERS else ""


def _by_map(
    header: Mapping[str, int], path: str, node: Node, map_path: str, today: date
) -> tuple[Columns, list[Problem]]:
    at = Cursor.over(node, map_path, "column map")
    checked = hold(ColumnMapShape, at, today)
    problems, shape = list(checked.problems), checked.shape
    if shape is None:
        return Columns({}), problems
    for part, names in (("columns", shape.columns), ("always", shape.always)):
        for key in names:
            where = at.at(part).key(key)
            if key not in KEYS:
                allowed = f"{_hint(key)}keys are {quoted(KEYS)}{nearest(key, KEYS)}"
                problems.append(where.problem(f"unknown key {shown(key)}", "", allowed))
            elif part == "always" and key in shape.columns:
                what = f"{shown(key)} is both a column and always the same"
                problems.append(where.problem(what, "", "one of them"))
    columns = {key: one_form(name) for key, name in shape.columns.items()}
    for key, name in columns.items():
        if name not in header:
            allowed = f"columns are {quoted(header)}{nearest(name, tuple(header))}"
            problems.append(at.at("columns", key).problem(f"{path} has no column {shown(name)}", "", allowed))
    places = {key: header[name] for key, name in columns.items() if name in header and key in KEYS}
    # As it is written: a cell of the table would be text too.
    written = {key: child(child(node, "always"), key) for key in shape.always if key in KEYS}
    return Columns(places, {key: one.text for key, one in written.items() if isinstance(one, Scalar)}), problems
