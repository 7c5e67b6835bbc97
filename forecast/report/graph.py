"""Where the events and scenarios stand in the drawing of the network: causes on the left, what follows to the right."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from forecast.record.outcome import Outcome

NODE_WIDTH, NODE_HEIGHT = 164, 46
GAP_X, GAP_Y = 34, 12
MARGIN = 10
Edge = tuple[str, str]
Point = tuple[float, float]


class Placed(NamedTuple):
    """Columns (causes first) and rows of nodes, and the places where each edge bends between columns."""

    column: dict[str, float]
    row: dict[str, float]
    bends: dict[Edge, list[Point]]


def network_drawing(found: Outcome, events: list[dict[str, Any]], scenarios: list[dict[str, Any]]) -> dict[str, Any]:
    """Lay out the network: nodes with their place, their likeliest state and its probability; edges as smooth paths."""
    edges = [(f"event {p}", f"event {event.id}") for event in found.layout.events for p in event.parents]
    ruled = [
        (f"event {when}", f"scenario {rule.id}")
        for rule in found.workspace.scenarios
        for when in dict.fromkeys(condition.event for condition in rule.when)
    ]
    nodes = [_event_node(event) for event in events]
    nodes += [_scenario_node(row) for row in scenarios if row["id"] in {rule.id for rule in found.workspace.scenarios}]
    placed = place_nodes([str(node["key"]) for node in nodes], [*edges, *ruled])
    for node in nodes:
        node["x"], node["y"] = _at(placed.column[node["key"]], placed.row[node["key"]])
    where = {node["key"]: node for node in nodes}
    return {
        "width": max(node["x"] for node in nodes) + NODE_WIDTH + MARGIN,
        "height": max(node["y"] for node in nodes) + NODE_HEIGHT + MARGIN,
        "node_width": NODE_WIDTH,
        "node_height": NODE_HEIGHT,
        "nodes": nodes,
        "edges": [
            {
                "from": start,
                "to": end,
                "path": _path(where[start], where[end], placed.bends.get((start, end), [])),
                "rule": (start, end) in ruled,
            }
            for start, end in dict.fromkeys([*edges, *ruled])
        ],
    }


def _event_node(event: dict[str, Any]) -> dict[str, Any]:
    best = event["states"][event["likeliest"]]
    return {
        "key": f"event {event['id']}",
        "name": event["label"],
        "says": f"{best['state']} {best['shown']}",
        "bar": [state["probability"] for state in event["states"]],
        "role": event["role"],
        "colour": event["role"],
    }


def _scenario_node(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": f"scenario {row['id']}",
        "name": row["name"],
        "says": row["shown"],
        "bar": [row["probability"]],
        "role": "scenario",
        "colour": row["colour"],
    }


def _at(column: float, row: float) -> Point:
    return MARGIN + column * (NODE_WIDTH + GAP_X), MARGIN + row * (NODE_HEIGHT + GAP_Y)


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
    part = {key: {key} for key in keys}
    for start, end in edges:
        if part[start] is not part[end]:
            part[start] |= part[end]
            for key in part[end]:
                part[key] = part[start]
    found = {id(members): members for members in part.values() if len(members) > 1}
    return [[key for key in keys if key in members] for members in found.values()]


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
    found: dict[Edge, list[Point]] = {}
    for start in sorted(node for node in columns if node < len(keys)):
        for step in after[start]:
            points, node = [], step
            while node >= len(keys):
                points.append(_at(columns[node], rows[node]))
                node = after[node][0]
            found[keys[start], keys[node]] = points
    return found


def _path(start: dict[str, Any], end: dict[str, Any], bends: list[Point]) -> str:
    """Draw a smooth curve from the right side of a node to the left side of another, through its bends."""
    middle = NODE_HEIGHT / 2.0
    x, y = start["x"] + NODE_WIDTH, start["y"] + middle
    parts = [f"M{x:.0f} {y:.0f}"]
    for bend_x, bend_y in bends:
        # Straight across the width of the column it crosses, so that it passes between the nodes.
        parts.append(_curve(x, y, bend_x, bend_y + middle) + f"H{bend_x + NODE_WIDTH:.0f}")
        x, y = bend_x + NODE_WIDTH, bend_y + middle
    return "".join([*parts, _curve(x, y, end["x"], end["y"] + middle)])


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    half = (to_x - x) / 2.0
    return f"C{x + half:.0f} {y:.0f} {to_x - half:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"
