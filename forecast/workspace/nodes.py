"""A light tree of what a YAML file says, in which every value knows its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

Plain = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value; `text` is how it is written."""

    value: Plain
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class MapNode:
    """A map of keys to values, in file order; keys are always text."""

    entries: dict[str, Node]
    key_lines: dict[str, int]
    line: int


Node = Scalar | ListNode | MapNode
Step = str | int


def plain(node: Node) -> Any:
    """Return the tree as dicts, lists and scalars."""
    match node:
        case Scalar(value=value):
            return value
        case ListNode(items=items):
            return [plain(item) for item in items]
        case MapNode(entries=entries):
            return {key: plain(value) for key, value in entries.items()}


def child(node: Node | None, step: Step) -> Node | None:
    """Return the value behind a key or an index, or None where there is none."""
    if isinstance(node, MapNode) and isinstance(step, str):
        return node.entries.get(step)
    if isinstance(node, ListNode) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None


def descend(node: Node, steps: Sequence[Step]) -> tuple[Node, tuple[Step, ...]]:
    """Walk down as far as the tree goes; steps that name nothing are skipped. Return the node and the steps taken."""
    taken: list[Step] = []
    for step in steps:
        below = child(node, step)
        if below is not None:
            node = below
            taken.append(step)
    return node, tuple(taken)


def line_at(node: Node, *steps: Step) -> int:
    """Return the line of the value at `steps`, or of the deepest value above it that exists."""
    return descend(node, steps)[0].line


def text_at(node: Node | None, *steps: Step) -> str | None:
    """Return the text at `steps`, or None where there is no text."""
    for step in steps:
        node = child(node, step)
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None


def replaced(node: Node, steps: tuple[Step, ...], value: Node | None) -> Node:
    """Return the tree with `value` at `steps`, or with nothing there (None); the value above must exist."""
    first, rest = steps[0], steps[1:]
    below = child(node, first)
    if rest:
        if below is None:
            raise ValueError(f"{steps} names nothing in the tree")
        value = replaced(below, rest, value)
    if isinstance(node, MapNode) and isinstance(first, str):
        others = {key: entry for key, entry in node.entries.items() if key != first or value is not None}
        return replace(node, entries=others if value is None else {**others, first: value})
    if isinstance(node, ListNode) and isinstance(first, int) and below is not None:
        items = list(node.items)
        items[first : first + 1] = [] if value is None else [value]
        return replace(node, items=tuple(items))
    raise ValueError(f"{steps} names nothing in the tree")
