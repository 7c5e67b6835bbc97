"""Read `evidence/*.csv`: one item in a row, by the same rules as an item in YAML.

A row in which nothing can be wrong is taken by a short way, which a table of a hundred thousand rows needs; every
other row is written as the tree that YAML would give and goes the long way, which words its mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Literal

from forecast.workspace.columns import Columns, read_columns
from forecast.workspace.csv_text import Table, parse_csv
from forecast.workspace.files import COLUMN_MAP, EVIDENCE, TABLE, InputFiles
from forecast.workspace.frame import Frame, last_horizon
from forecast.workspace.names import chosen
from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar
from forecast.workspace.problems import Problem, Source, shown
from forecast.workspace.read_evidence import BEARINGS, SCENARIOS, EvidenceRead, Reading
from forecast.workspace.records import Bearing, Claim, Item, Likelihood, Settled, Support
from forecast.workspace.shapes import ISO_DAY, NAME_PATTERN, Choice
from forecast.workspace.yaml_text import resolve

NAME = re.compile(NAME_PATTERN.removeprefix("^").removesuffix("$"))


LONGEST_NAME, LONGEST_TEXT = 100, 20_000


NUMBER = re.compile(r"(?=.{1,30}$)([0-9]*\.?[0-9]+|[0-9]+\.)")


CREDIBILITIES = {"": 6, **{str(number): number for number in range(1, 7)}}


STRENGTHS = ("slight", "moderate", "strong", "very_strong")


DEFAULT_RHO = 0.9


AT_LEAST = "at_least="  # before a state in a cell of `for`


Built = Callable[[Source], Bearing]


WAYS = ("settled", "likelihood", "support", "claims", "for", "until")


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
        built = self.bearing(cells["event"], *[get(way, "") for way in WAYS])
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

    def _bearing(
        self, event: str, settled: str, likelihood: str, support: str, claims: str, favoured: str, until: str
    ) -> tuple[Built, bool, date | None] | None:
        """Return what makes the bearing at a place, whether it settles, and until when it weighs."""
        states = self.frame.names.states(event)
        one_of = [way for way in (settled, likelihood, support, claims) if way]
        if states is None or len(one_of) != 1 or (favoured and not support) or (until and (settled or claims)):
            return None
        day = _any_day(until)
        if until and day is None:
            return None
        if settled:
            return (lambda source: Settled(event, settled, source), True, None) if settled in states else None
        if claims:
            return (lambda source: Claim(event, claims, source), False, None) if claims in states else None
        if support:
            wanted = self._wanted(event, favoured)
            is_plain = support in STRENGTHS and wanted is not None and len(wanted) < len(states)
            return (lambda source: Support(event, support, wanted or (), day, source), False, day) if is_plain else None
        ratios = _ratios(likelihood)
        if ratios is None or set(ratios) != set(states) or not any(ratios.values()):
            return None
        in_order = {state: ratios[state] for state in states}
        return lambda source: Likelihood(event, in_order, day, source), False, day

    def _wanted(self, event: str, cell: str) -> tuple[str, ...] | None:
        named = split(cell.removeprefix(AT_LEAST))
        and_later = cell.startswith(AT_LEAST)
        is_plain = all(named) and not (and_later and len(named) > 1)
        return chosen(self.frame.names, event, Choice(tuple(named), and_later)) if is_plain else None


def split(cell: str) -> list[str]:
    """Return the parts of a cell that holds several, `a; b`; one `;` may end it."""
    return [part.strip() for part in cell.removesuffix(";").split(";")]


def pair(part: str) -> tuple[str, str]:
    """Return state and number of one part of a likelihood, `STATE=NUMBER`."""
    state, _, number = part.partition("=")
    return state.strip(), number.strip()


def _is_name(text: str) -> bool:
    return not text or (len(text) <= LONGEST_NAME and NAME.fullmatch(text) is not None)


def _any_day(cell: str) -> date | None:
    """Return a day that may lie in the future."""
    try:
        return date.fromisoformat(cell) if ISO_DAY.fullmatch(cell) else None
    except ValueError:
        return None


def _ratios(cell: str) -> dict[str, float] | None:
    """Return the numbers of a likelihood, or None where a part of it is not plainly STATE=NUMBER."""
    ratios: dict[str, float] = {}
    for state, number in map(pair, split(cell)):
        if not NUMBER.fullmatch(number) or state in ratios:
            return None
        ratios[state] = float(number)
    return ratios


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
