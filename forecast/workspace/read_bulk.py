"""Read `evidence/*.csv`: one item in a row, by the same rules as an item in YAML.

A row in which nothing can be wrong is taken by a short way, which a table of a hundred thousand rows needs; every
other row is written as the tree that YAML would give and goes the long way, which words its mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from forecast.workspace.csv_text import CsvTable, parse_csv
from forecast.workspace.evidence_forms.form import Built
from forecast.workspace.evidence_forms.registry import CELLS, FORM_OF_CELL, KEYS_ON_EVENT, ON_EVENT, OTHERS
from forecast.workspace.files import COLUMN_MAP, EVIDENCE, TABLE, InputFiles
from forecast.workspace.names import Frame, last_horizon
from forecast.workspace.nodes import Cursor, ListNode, Node, Scalar, child, mapping
from forecast.workspace.problems import Problem, Source, nearest, one_form, quoted, shown
from forecast.workspace.read_evidence import EvidenceRead, EvidenceReading
from forecast.workspace.records import CANNOT_BE_JUDGED, DEFAULT_RHO, Item
from forecast.workspace.shapes import ISO_DAY, NAME_PATTERN, Name, Shape, Text, hold
from forecast.workspace.yaml_text import resolve


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
    table: CsvTable, path: str, node: Node | None, map_path: str, today: date
) -> tuple[Columns | None, tuple[Problem, ...]]:
    """Return the columns of a table, by its map if there is one, and the problems. None where no row can be read."""
    of_file = table.columns(path)
    problems = of_file.repeated()
    header = {name: table.header.index(name) for name in dict.fromkeys(table.header)}
    if node is None:
        columns = Columns({key: place for key, place in header.items() if key in KEYS})
        found = of_file.unknown(KEYS, _hint)
    else:
        columns, found = _by_map(header, path, node, map_path, today)
    problems += found
    known = {*columns.places, *columns.always}
    missing = [key for key in NEEDED if key not in known]
    if not known & set(KEYS_ON_EVENT):
        missing.append(" or ".join(KEYS_ON_EVENT))
    for key in missing:
        allowed = f"columns are {quoted(header)}" + ("" if node is None else f"; the map is {map_path}")
        problems.append(Problem(of_file.where, f"no column holds {key}", "", allowed))
    return (None if missing else columns), tuple(problems)


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


NAME = re.compile(NAME_PATTERN.removeprefix("^").removesuffix("$"))
LONGEST_NAME, LONGEST_TEXT = 100, 20_000
CREDIBILITIES = {"": CANNOT_BE_JUDGED, **{str(number): number for number in range(1, CANNOT_BE_JUDGED + 1)}}


class PlainRows:
    """Reads rows against one frame, and keeps what it has looked at."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.day = cache(self._day)
        self.bearing = cache(self._bearing)
        self.sources = frozenset(frame.names.sources or ())

    def item(self, cells: Mapping[str, str], source: Source) -> Item | None:
        """Return the item of a row, or None where anything in it may be wrong."""
        get, network = cells.get, self.frame.network
        reported = self.day(cells["reported"])
        credibility, reporter = CREDIBILITIES.get(get("credibility", "")), cells["source"]
        if reported is None or network is None or credibility is None or reporter not in self.sources:
            return None
        built = self.bearing(cells["event"], *[get(key, "") for key in CELLS])
        if built is None or reported < network.opens:
            return None
        make, settles, until = built
        happened, retracted = self._optional(get("happened", "")), self._optional(get("retracted", ""))
        if happened is False or retracted is False or (until is not None and until < reported):
            return None
        if (happened is not None and not network.opens <= happened <= reported) or (retracted or reported) < reported:
            return None
        if settles and (happened or reported) > last_horizon(network):
            return None
        names = cells["id"], get("group", ""), get("supersedes", "")
        texts = cells["headline"], get("url", ""), get("why", "")
        if not names[0] or not all(map(_is_name, names)) or not texts[0] or get("rho"):
            return None
        if max(map(len, texts)) > LONGEST_TEXT:
            return None
        return Item(
            id=names[0],
            reported=reported,
            happened=happened,
            report_source=reporter,
            credibility=credibility,
            group=names[1] or None,
            rho=DEFAULT_RHO,
            headline=texts[0],
            url=texts[1] or None,
            why=texts[2],
            bears_on=(make(source),),
            retracted=retracted,
            supersedes=names[2] or None,
            source=source,
        )

    def _optional(self, cell: str) -> date | Literal[False] | None:
        """Return the day of a cell, None where it is empty, False where it is wrong."""
        if not cell:
            return None
        return self.day(cell) or False

    def _day(self, cell: str) -> date | None:
        if not ISO_DAY.fullmatch(cell):
            return None
        try:
            day = date.fromisoformat(cell)
        except ValueError:
            return None
        return day if day <= self.frame.today else None

    def _bearing(self, event: str, *cells: str) -> tuple[Built, bool, date | None] | None:
        """Return what makes the bearing at a place, whether it settles, and until when it weighs."""
        said = dict(zip(CELLS, cells, strict=True))
        forms = [form for form in ON_EVENT if said[form.key]]
        if self.frame.names.states(event) is None or len(forms) != 1:
            return None
        form, until = forms[0], _any_day(said["until"])
        own = {form.key, *form.beside, *(("until",) if form.may_end else ())}
        if any(cell for key, cell in said.items() if key not in own) or (said["until"] and until is None):
            return None
        built = form.plain(said, event, until, self.frame)
        return None if built is None else (built, form.settles, until)


def _is_name(text: str) -> bool:
    return not text or (len(text) <= LONGEST_NAME and NAME.fullmatch(text) is not None)


def _any_day(cell: str) -> date | None:
    """Return a day that may lie in the future."""
    try:
        return date.fromisoformat(cell) if ISO_DAY.fullmatch(cell) else None
    except ValueError:
        return None


ITEM_KEYS = ("id", "reported", "happened", "source", "credibility", "group", "rho", "headline", "url", "why")
LATER_KEYS = ("retracted", "supersedes")
NO_COLUMN = f", {quoted(OTHERS)}"  # the ways that no cell can go
NO_ID = "an item without id"
NUMBERS = frozenset(("credibility", "rho"))


def read_tables(
    found: InputFiles, trees: Mapping[str, Node], frame: Frame
) -> tuple[list[EvidenceRead], tuple[Problem, ...]]:
    """Read every table of evidence, by its column map in `trees` if there is one; problems of whole tables apart."""
    read: list[EvidenceRead] = []
    problems: list[Problem] = []
    tables = found.tables()
    for path, map_path in tables.items():
        table, more = parse_csv(found.contents[path], path)
        problems += more
        if table is None or (map_path in found.contents and map_path not in trees):
            continue
        columns, more = read_columns(table, path, trees.get(map_path), map_path, frame.today)
        problems += more
        if columns is not None:
            read.append(read_bulk(table, columns, path, frame))
    for map_path in found.contents:
        if map_path.startswith(EVIDENCE) and map_path.endswith(COLUMN_MAP) and map_path not in tables.values():
            allowed = f"it stands beside {map_path.removesuffix(COLUMN_MAP)}{TABLE}"
            problems.append(Problem(Source(map_path, 1), "a column map without its table", "", allowed))
    return read, tuple(problems)


def read_bulk(table: CsvTable, columns: Columns, path: str, frame: Frame) -> EvidenceRead:
    """Read the rows of a table of evidence. Cells without content are as if they were not there."""
    reading, plain = EvidenceReading(frame), PlainRows(frame)
    for number, (line, row) in enumerate(table.rows, 1):
        cells = {key: row[place].strip() for key, place in columns.places.items()}
        cells.update(columns.always)
        item = plain.item(cells, Source(path, line))
        if item is not None:
            reading.add_right(item)
            continue
        before = len(reading.problems)
        at = Cursor.over(as_node(cells, line), path, f"item {shown(cells['id'])}" if cells.get("id") else NO_ID)
        reading.problems += [problem for form in ON_EVENT for problem in form.unreadable(cells, at)]
        reading.add(at, number)
        reading.problems[before:] = map(_of_a_row, reading.problems[before:])
    return reading.result()


def as_node(cells: Mapping[str, str], line: int) -> Node:
    """Return the tree of a row: what YAML would give for an item that bears on one event, all on one line."""
    bearing = {key: _value(key, cells[key], line) for key in ("event", *CELLS) if cells.get(key)}
    item: dict[str, Node] = {key: _value(key, cells[key], line) for key in ITEM_KEYS if cells.get(key)}
    item["bears_on"] = ListNode((mapping(bearing, line),), line)
    item.update({key: _value(key, cells[key], line) for key in LATER_KEYS if cells.get(key)})
    return mapping(item, line)


def _value(key: str, cell: str, line: int) -> Node:
    if (form := FORM_OF_CELL.get(key)) is not None:
        return form.node(key, cell, line)
    return Scalar(resolve(cell) if key in NUMBERS else cell, cell, line)


def _of_a_row(problem: Problem) -> Problem:
    # A row bears on one event: the place in a list of events would only be in the way.
    what = problem.what.replace(": bears_on[1].", ": ", 1).replace(": bears_on[1]", "", 1)
    return replace(problem, what=what, allowed=problem.allowed.replace(NO_COLUMN, ""))
