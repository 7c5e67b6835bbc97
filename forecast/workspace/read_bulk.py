"""Read `evidence/*.csv`: one item in a row, by the same rules as an item in YAML.

A row in which nothing can be wrong is taken by a short way, which a table of a hundred thousand rows needs; every
other row is written as the tree that YAML would give and goes the long way, which words its mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from forecast.workspace.columns import Columns, read_columns
from forecast.workspace.csv_text import Table, parse_csv
from forecast.workspace.files import COLUMN_MAP, EVIDENCE, TABLE, InputFiles
from forecast.workspace.frame import Frame
from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar
from forecast.workspace.plain_rows import AT_LEAST, PlainRows, pair, split
from forecast.workspace.problems import Problem, Source, shown
from forecast.workspace.read_evidence import EvidenceRead, Reading
from forecast.workspace.shapes.evidence import BEARINGS, SCENARIOS
from forecast.workspace.yaml_text import resolve

ITEM_KEYS = ("id", "reported", "happened", "source", "credibility", "group", "rho", "headline", "url", "why")
LATER_KEYS = ("retracted", "supersedes")
BEARING_KEYS = ("event", *BEARINGS, "for", "until")
NO_COLUMN = f", '{SCENARIOS}'"  # the way that no cell can go
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


def read_bulk(table: Table, columns: Columns, path: str, frame: Frame) -> EvidenceRead:
    """Read the rows of a table of evidence. Cells without content are as if they were not there."""
    reading, plain = Reading(path, frame), PlainRows(frame)
    for number, (line, row) in enumerate(table.rows, 1):
        cells = {key: row[place].strip() for key, place in columns.places.items()}
        cells.update(columns.always)
        source = Source(path, line)
        item = plain.item(cells, source)
        if item is not None:
            reading.add_right(item)
            continue
        before = len(reading.problems)
        reading.problems += _unreadable(cells, source)
        reading.add(as_node(cells, line), number)
        reading.problems[before:] = map(_of_a_row, reading.problems[before:])
    return reading.result()


def as_node(cells: dict[str, str], line: int) -> Node:
    """Return the tree of a row: what YAML would give for an item that bears on one event, all on one line."""
    bearing = {key: _value(key, cells[key], line) for key in BEARING_KEYS if cells.get(key)}
    item: dict[str, Node] = {key: _value(key, cells[key], line) for key in ITEM_KEYS if cells.get(key)}
    item["bears_on"] = ListNode((_map(bearing, line),), line)
    item.update({key: _value(key, cells[key], line) for key in LATER_KEYS if cells.get(key)})
    return _map(item, line)


def _value(key: str, cell: str, line: int) -> Node:
    if key == "likelihood":
        parts = dict(pair(part) for part in split(cell) if "=" in part)
        return _map({state: Scalar(resolve(number), number, line) for state, number in parts.items()}, line)
    if key == "for" and cell.startswith(AT_LEAST):
        state = cell.removeprefix(AT_LEAST).strip()
        return _map({"at_least": Scalar(state, state, line)}, line)
    if key == "for" and ";" in cell:
        return ListNode(tuple(Scalar(state, state, line) for state in split(cell)), line)
    return Scalar(resolve(cell) if key in NUMBERS else cell, cell, line)


def _map(entries: dict[str, Node], line: int) -> MapNode:
    return MapNode(entries, dict.fromkeys(entries, line), line)


def _unreadable(cells: dict[str, str], source: Source) -> Iterator[Problem]:
    """Report parts of a likelihood that are no pair, and states that stand twice: a tree cannot hold them."""
    cell = cells.get("likelihood", "")
    if not cell:
        return
    subject = f"item {shown(cells['id'])}" if cells.get("id") else "an item without id"
    states: set[str] = set()
    for part in split(cell):
        state, number = pair(part)
        if not state or not number:
            what = f"{subject}: likelihood is not readable"
            yield Problem(source, what, shown(part), "STATE=NUMBER; STATE=NUMBER, one for every state")
        elif state in states:
            yield Problem(source, f"{subject}: likelihood: state {shown(state)} stands twice", "", "once each")
        states.add(state)


def _of_a_row(problem: Problem) -> Problem:
    # A row bears on one event: the place in a list of events would only be in the way.
    what = problem.what.replace(": bears_on[1].", ": ", 1).replace(": bears_on[1]", "", 1)
    return replace(problem, what=what, allowed=problem.allowed.replace(NO_COLUMN, ""))
