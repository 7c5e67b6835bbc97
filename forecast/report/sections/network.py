"""The event network as a drawing, causes on the left and what follows to the right, and what-ifs on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple
from unicodedata import east_asian_width

from forecast.analysis.pairs import PairTable
from forecast.analysis.worlds import NOTHING_SUPPOSED, WorldsTable
from forecast.ledger.outcome import Outcome
from forecast.plain import spread
from forecast.report.section import Section, Subject, part
from forecast.report.sections.events import EventRow, events
from forecast.report.sections.judgement import ScenarioRow, scenario_rows

NODE_WIDTH, NODE_HEIGHT = 164, 46  # of a node whose name takes one line
GAP_X, GAP_Y = 34, 12
MOVES = 0.1  # of a scenario: what moves none by that has no row in the table of single what-ifs
MARGIN = 10
LINE, MOST_LINES = 15, 3  # of a name: height of a line, and how many there may be
NAME_ROOM = (NODE_WIDTH - 26) / 13  # of a line, in ems of its font
WIDE, NARROW = "mwMW@%—…", "iljtfrI.,:;'’|!()[] "
Edge = tuple[str, str]
Point = tuple[float, float]


class Placed(NamedTuple):
    """Columns (causes first) and rows of nodes, and the columns and rows where each edge bends between them."""

    column: dict[str, float]
    row: dict[str, float]
    bends: dict[Edge, list[Point]]


@dataclass(frozen=True, kw_only=True)
class DrawnNode:
    """A node: its place, its likeliest state with the probability, the share of every state, and its look.

    `lines`: the name as it fits; `says_short`: what it says, the same; `causes`: the names of what it depends on.
    """

    name: str
    lines: Sequence[str]
    says: str
    says_short: str
    causes: Sequence[str]
    bar: Sequence[float]
    role: str
    colour: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class DrawnEdge:
    """An edge as a smooth path, the places of its two nodes, and whether it leads to a scenario whose rule names it."""

    path: str
    start: int
    end: int
    rule: bool


@dataclass(frozen=True, kw_only=True)
class NetworkDrawing:
    """The drawing: its size, that of a node, nodes and edges."""

    width: float
    height: float
    node_width: int
    node_height: int
    nodes: Sequence[DrawnNode]
    edges: Sequence[DrawnEdge]


def network_drawing(outcome: Outcome, rows: Sequence[EventRow], scenarios: Sequence[ScenarioRow]) -> NetworkDrawing:
    """Lay out the network: nodes with their place, their likeliest state and its probability; edges as smooth paths."""
    edges = [(f"event {p}", f"event {event.id}") for event in outcome.layout.events for p in event.parents]
    ruled = [
        (f"event {when}", f"scenario {rule.id}")
        for rule in outcome.workspace.scenarios
        for when in dict.fromkeys(condition.event for condition in rule.when)
    ]
    named = {rule.id for rule in outcome.workspace.scenarios}
    keys = [*(f"event {row.id}" for row in rows), *(f"scenario {row.id}" for row in scenarios if row.id in named)]
    placed = place_nodes(keys, [*edges, *ruled])
    names = {f"event {row.id}": row.label for row in rows} | {f"scenario {row.id}": row.name for row in scenarios}
    lines = {key: fitted_lines(names[key]) for key in keys}
    # All nodes are as high as the highest: the rows that they are placed in are.
    more = LINE * (max((len(parts) for parts in lines.values()), default=1) - 1)
    at = {key: _at(placed.column[key], placed.row[key], more) for key in keys}
    causes: dict[str, list[str]] = {key: [] for key in keys}
    for start, end in dict.fromkeys([*edges, *ruled]):
        causes[end].append(names[start])

    def drawn(key: str) -> dict[str, Any]:
        return {"lines": lines[key], "causes": causes[key], "x": at[key][0], "y": at[key][1]}

    nodes = [_event_node(row, drawn(f"event {row.id}")) for row in rows]
    nodes += [_scenario_node(row, drawn(f"scenario {row.id}")) for row in scenarios if row.id in named]
    place = {key: i for i, key in enumerate(keys)}
    return NetworkDrawing(
        width=max(node.x for node in nodes) + NODE_WIDTH + MARGIN,
        height=max(node.y for node in nodes) + NODE_HEIGHT + more + MARGIN,
        node_width=NODE_WIDTH,
        node_height=NODE_HEIGHT + more,
        nodes=nodes,
        edges=[
            DrawnEdge(
                path=_path(
                    at[start],
                    at[end],
                    [_at(*bend, more) for bend in placed.bends.get((start, end), [])],
                    (NODE_HEIGHT + more) / 2.0,
                ),
                start=place[start],
                end=place[end],
                rule=(start, end) in ruled,
            )
            for start, end in dict.fromkeys([*edges, *ruled])
        ],
    )


def _event_node(row: EventRow, drawn: Mapping[str, Any]) -> DrawnNode:
    best = row.states[row.likeliest]
    shares = [state.probability for state in row.states]
    room = NAME_ROOM - _ems(f" {best.shown}")
    short = best.state if _ems(best.state) <= room else f"{_cut(best.state, room)}…"
    return DrawnNode(
        name=row.label,
        says=f"{best.state} {best.shown}",
        says_short=f"{short} {best.shown}",
        bar=shares,
        role=row.role,
        colour=row.role,
        **drawn,
    )


def _scenario_node(row: ScenarioRow, drawn: Mapping[str, Any]) -> DrawnNode:
    return DrawnNode(
        name=row.name,
        says=row.shown,
        says_short=row.shown,
        bar=[row.probability],
        role="scenario",
        colour=row.colour,
        **drawn,
    )


def _ems(text: str) -> float:
    """Return about how wide a text in bold is, in ems, rather too much than too little: fonts differ."""
    return sum(
        1.05
        if east_asian_width(sign) in "WF"
        else 1.0
        if sign in WIDE
        else 0.4
        if sign in NARROW
        else 0.82
        if sign.isupper()
        else 0.68
        for sign in text
    )


def _cut(text: str, room: float) -> str:
    """Return the beginning of a text that fits beside an ellipsis, at least its first sign."""
    end = next((n for n in range(1, len(text) + 1) if _ems(text[:n]) > room - 1.0), len(text) + 1)
    return text[: max(end - 1, 1)]


def fitted_lines(name: str) -> list[str]:
    """Break a name into at most MOST_LINES lines that fit into a node: between words, and within one that is too long.

    What does not fit at all ends in an ellipsis.
    """
    lines = [""]
    for word in name.split():
        rest = f"{lines[-1]} {word}" if lines[-1] else word
        if _ems(rest) <= NAME_ROOM:
            lines[-1] = rest
            continue
        if lines[-1]:
            lines.append("")
        while _ems(word) > NAME_ROOM:
            end = next(n for n in range(1, len(word) + 1) if _ems(word[:n]) > NAME_ROOM) - 1
            lines[-1], word = word[:end], word[end:]
            lines.append("")
        lines[-1] = word
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], f"{_cut(lines[MOST_LINES - 1], NAME_ROOM)}…"]
    return lines


def _at(column: float, row: float, more: float) -> Point:
    """Return the place of a node that is `more` higher than one whose name takes one line."""
    return MARGIN + column * (NODE_WIDTH + GAP_X), MARGIN + row * (NODE_HEIGHT + more + GAP_Y)


def place_nodes(keys: list[str], edges: list[Edge]) -> Placed:
    """Place the nodes in layers (Sugiyama, Tagawa and Toda 1981), the connected parts below each other."""
    from fast_sugiyama import from_edges

    column: dict[str, float] = {}
    row: dict[str, float] = {}
    bends: dict[Edge, list[Point]] = {}
    below = 0.0
    for names in _connected(keys, edges):
        # Each part by itself: the library numbers the bends of one part with numbers of nodes in another.
        number = {key: i for i, key in enumerate(names)}
        own = [(number[start], number[end]) for start, end in edges if start in number]
        ((positions, _, _, segments),) = from_edges(own)
        columns, rows = _grid(positions, len(names))
        rows = {node: at + below for node, at in rows.items()}
        for node, key in enumerate(names):
            column[key], row[key] = columns[node], rows[node]
        bends |= _bends(names, segments, columns, rows)
        below = max(rows.values()) + 1.5
    for i, key in enumerate(key for key in keys if key not in column):  # events on their own
        column[key], row[key] = float(i % 5), below + i // 5
    return Placed(column, row, bends)


def _connected(keys: list[str], edges: list[Edge]) -> list[list[str]]:
    """Return the connected parts of more than one node, each in the order of the keys, as are the parts."""
    of = {key: {key} for key in keys}
    for start, end in edges:
        if of[start] is not of[end]:
            of[start] |= of[end]
            for key in of[end]:
                of[key] = of[start]
    several = {id(members): members for members in of.values() if len(members) > 1}
    return [[key for key in keys if key in members] for members in several.values()]


def _grid(positions: Any, n_nodes: int) -> tuple[dict[int, float], dict[int, float]]:
    """Turn positions into columns and rows; within a column a node takes a whole row, a bend half of one."""
    levels = sorted({y for _, (_, y) in positions}, reverse=True)
    columns = {node: float(levels.index(y)) for node, (_, y) in positions}
    layers: dict[float, list[tuple[float, int]]] = defaultdict(list)
    for node, (x, _) in positions:
        layers[columns[node]].append((x, node))
    rows: dict[int, float] = {}
    for layer in layers.values():
        at = 0.0
        for _, node in sorted(layer):
            half = 0.5 if node < n_nodes else 0.2
            rows[node] = at + half - 0.5
            at += 2 * half
    tallest = max(rows.values())
    for layer in layers.values():
        members = [node for _, node in layer]
        shift = (tallest - max(rows[node] for node in members)) / 2.0
        rows.update({node: rows[node] + shift for node in members})
    return columns, rows


def _bends(
    keys: list[str], segments: Any, columns: dict[int, float], rows: dict[int, float]
) -> dict[Edge, list[Point]]:
    """Follow each edge through the places where it crosses a layer."""
    after: dict[int, list[int]] = defaultdict(list)
    for start, end in segments:
        after[start].append(end)
    bends: dict[Edge, list[Point]] = {}
    for start in sorted(node for node in columns if node < len(keys)):
        for step in after[start]:
            points, node = [], step
            while node >= len(keys):
                points.append((columns[node], rows[node]))
                node = after[node][0]
            bends[keys[start], keys[node]] = points
    return bends


def _path(start: Point, end: Point, bends: list[Point], middle: float) -> str:
    """Draw a smooth curve from the right side of a node to the left side of another, through its bends.

    `middle` is half the height of a node.
    """
    x, y = start[0] + NODE_WIDTH, start[1] + middle
    parts = [f"M{x:.0f} {y:.0f}"]
    for bend_x, bend_y in bends:
        # Straight across the width of the column it crosses, so that it passes between the nodes.
        parts.append(_curve(x, y, bend_x, bend_y + middle) + f"H{bend_x + NODE_WIDTH:.0f}")
        x, y = bend_x + NODE_WIDTH, bend_y + middle
    return "".join([*parts, _curve(x, y, end[0], end[1] + middle)])


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    half = (to_x - x) / 2.0
    return f"C{x + half:.0f} {y:.0f} {to_x - half:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"


@dataclass(frozen=True, kw_only=True)
class NetworkShown:
    """What the section of the network shows."""

    drawing: NetworkDrawing


class NetworkSection(Section):
    """The event network."""

    id, title, group, place = "network", "Event network", "Explore", 70

    @classmethod
    def shown(cls, subject: Subject) -> NetworkShown:
        """Return the drawing."""
        return NetworkShown(drawing=network_drawing(subject.outcome, events(subject), scenario_rows(subject)))


@part
def what_if(subject: Subject) -> WorldsTable:
    """Return the what-ifs, as the page's script reads them."""
    return subject.material.answers.worlds


@dataclass(frozen=True, kw_only=True)
class AskedWorlds:
    """What the script computes with: the what-ifs, and `pair_events`: "event.event" -> [state][state] -> all events."""

    table: WorldsTable = spread()
    pair_events: PairTable


def asked_worlds(subject: Subject) -> AskedWorlds:
    """Return what the page's script computes with."""
    return AskedWorlds(table=what_if(subject), pair_events=subject.material.answers.pair_events)


@dataclass(frozen=True, kw_only=True)
class ToldWorld:
    """A state that moves a scenario: its event, and of each scenario (learned, imposed) in words."""

    event: str
    state: str
    scenarios: Sequence[tuple[str, str]]


def _moving(table: WorldsTable) -> set[tuple[str, str]]:
    """Return the names of events and states that move a scenario by MOVES, learned or imposed."""
    found = set()
    for v, event in enumerate(table.events):
        before = table.before.get(str(v), table.now)
        for x, state in enumerate(event.states):
            pairs = [(table.learned.get(f"{v}.{x}"), table.now), (table.imposed.get(f"{v}.{x}"), before)]
            steps = [
                abs(after - at)
                for world, base in pairs
                if world is not None
                for after, at in zip(world.scenarios, base.scenarios, strict=True)
            ]
            if max(steps, default=0) >= MOVES * table.unit:
                found.add((event.label, state))
    return found


@dataclass(frozen=True, kw_only=True)
class WhatIfShown:
    """What the section of what-ifs shows: the table without a script, and how many events it leaves out.

    `paired`: how many events can be supposed together with another.
    """

    what_if: WorldsTable
    paired: int
    told: Sequence[ToldWorld]
    quiet: int
    least_shown: str


class WhatIfSection(Section):
    """What the scenarios and events would be if an event were so."""

    id, title, group, place = "what-if", "What if", "Explore", 80
    entries: ClassVar[Mapping[str, int]] = {"what_if": 1000}

    @classmethod
    def shown(cls, subject: Subject) -> WhatIfShown:
        """Return the table, without states that move no scenario by MOVES."""
        table = what_if(subject)
        moving = _moving(table)
        events = {event for event, _ in moving}
        told = [
            ToldWorld(event=row.event, state=row.state, scenarios=list(zip(row.learned, row.imposed, strict=True)))
            for row in table.rows
            if (row.state == NOTHING_SUPPOSED and row.event in events) or (row.event, row.state) in moving
        ]
        return WhatIfShown(
            what_if=table,
            paired=len({event for pair in asked_worlds(subject).pair_events for event in pair.split(".")}),
            told=told,
            quiet=len({row.event for row in table.rows} - events),
            least_shown=f"{100 * MOVES:.0f} points",
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the table, and every event given two others."""
        return {"what_if": asked_worlds(subject)}
