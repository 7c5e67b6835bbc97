"""A light tree of what a file says, in which every value knows its line; and the cursor that readers walk along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from forecast.workspace.problems import Problem, Severity, Source

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


def text(value: str) -> Scalar:
    """Return a text as a node."""
    return Scalar(value, value, 1)


def mapping(entries: Mapping[str, Node], line: int = 1) -> MapNode:
    """Return a map that stands on one line as a node."""
    return MapNode(dict(entries), dict.fromkeys(entries, line), line)


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


FORMAT = "format"  # a reserved key of every map of names


class Cursor(NamedTuple):  # of tuples many can be made: one for each value that is looked at
    """A value: its tree, the file and line where it stands, and the subject with which a message about it begins."""

    node: Node
    path: str
    subject: str
    line: int

    @classmethod
    def over(cls, node: Node, path: str, subject: str = "") -> Cursor:
        """Return the cursor at a tree of a file."""
        return cls(node, path, subject, node.line)

    @property
    def source(self) -> Source:
        """The place in the file."""
        return Source(self.path, self.line)

    def problem(self, what: str, got: str = "", allowed: str = "", severity: Severity = "error") -> Problem:
        """Return a problem here; `what` reads on from the subject, behind a colon."""
        return Problem(self.source, f"{self.subject}: {what}", got, allowed, severity)

    def at(self, *steps: Step) -> Cursor:
        """Return the value at some steps, or the deepest value above it that exists; the subject stays."""
        node, taken = descend(self.node, steps)
        return Cursor(node, self.path, self.subject, node.line) if taken else self

    def key(self, name: str) -> Cursor:
        """Return a value of a map with the line of its key; the map itself where there is no such key."""
        if not isinstance(self.node, MapNode) or name not in self.node.entries:
            return self
        return Cursor(self.node.entries[name], self.path, self.subject, self.node.key_lines[name])

    def called(self, subject: str) -> Cursor:
        """Return the same place with another subject."""
        return Cursor(self.node, self.path, subject, self.line)

    def under(self, part: str) -> Cursor:
        """Return the same place with a subject that names a part."""
        return Cursor(self.node, self.path, f"{self.subject}: {part}", self.line)

    def child(self, *steps: Step) -> Node | None:
        """Return the tree at some steps, None where there is none."""
        node: Node | None = self.node
        for step in steps:
            node = child(node, step)
        return node

    def text(self, *steps: Step) -> str | None:
        """Return the text at some steps, None where there is no text."""
        return text_at(self.node, *steps)

    def has(self, key: str) -> bool:
        """Say whether this is a map with a key."""
        return isinstance(self.node, MapNode) and key in self.node.entries

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a map, none of anything else."""
        return tuple(self.node.entries) if isinstance(self.node, MapNode) else ()

    def named(self) -> dict[str, Cursor]:
        """Return the entries of a map of names, without its format."""
        return {name: self.at(name) for name in self.keys if name != FORMAT}

    def items(self) -> tuple[Cursor, ...]:
        """Return the items of a list, or a single map as the only one."""
        nodes = self.node.items if isinstance(self.node, ListNode) else ()
        nodes = (self.node,) if isinstance(self.node, MapNode) else nodes
        return tuple(Cursor(node, self.path, self.subject, node.line) for node in nodes)

    def items_at(self, *steps: Step) -> tuple[Cursor, ...]:
        """Return the items at some steps; none where nothing stands there."""
        node = self.child(*steps)
        return () if node is None else Cursor.over(node, self.path, self.subject).items()

    def scalars(self) -> Iterator[Cursor]:
        """Yield the single values of a list, or a value that stands alone."""
        for node in self.node.items if isinstance(self.node, ListNode) else (self.node,):
            if isinstance(node, Scalar):
                yield Cursor(node, self.path, self.subject, node.line)

    def texts(self) -> Iterator[tuple[str, Cursor]]:
        """Yield the texts of a list, or a text that stands alone, each with its place."""
        for one in self.scalars():
            if isinstance(one.node, Scalar) and isinstance(one.node.value, str):
                yield one.node.value, one
