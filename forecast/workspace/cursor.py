"""A value of a file with its place and its name in messages: what a reader walks along, and where it reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar, Step, child, descend, text_at
from forecast.workspace.problems import Problem, Severity, Source

FORMAT = "format"  # a reserved key of every map of names


@dataclass(frozen=True, slots=True)
class Cursor:
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
        return replace(self, subject=subject)

    def under(self, part: str) -> Cursor:
        """Return the same place with a subject that names a part."""
        return replace(self, subject=f"{self.subject}: {part}")

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
