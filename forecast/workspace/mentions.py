"""What the values of a file name: every place of its tree at which an event, a state, a source, ... is called.

These are the references that the readers check, as a list of places. Trees are of files without a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from forecast.workspace import files
from forecast.workspace.names import map_of
from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar, Step, child, text_at
from forecast.workspace.read_readings import SD_KEY
from forecast.workspace.read_targets import SECOND_TARGETS
from forecast.workspace.shapes.evidence import SCENARIOS


class Named(NamedTuple):
    """A name: of which kind, how it is called and, of a state, of which event (None where a table's rows say it)."""

    kind: str
    name: str
    event: str | None = None


class Mention(NamedTuple):
    """A place of a tree: a value, or the key of one; `cell` says that the text is written as in a table's column."""

    steps: tuple[Step, ...]
    is_key: bool
    named: Named | None
    cell: str | None = None


Mentions = Iterator[Mention]


@dataclass(frozen=True)
class _At:
    """A value with its place."""

    node: Node
    steps: tuple[Step, ...] = ()

    def below(self, *steps: Step) -> Iterator[_At]:
        """Yield what stands at some steps, if anything does."""
        node: Node | None = self.node
        for step in steps:
            node = child(node, step)
        if node is not None:
            yield _At(node, (*self.steps, *steps))

    def entries(self) -> Iterator[tuple[str, _At]]:
        """Yield the keys of a map with their values."""
        if isinstance(self.node, MapNode):
            for key, value in self.node.entries.items():
                yield key, _At(value, (*self.steps, key))

    def items(self) -> Iterator[_At]:
        """Yield the items of a list, or a value that stands alone."""
        if isinstance(self.node, ListNode):
            for place, item in enumerate(self.node.items):
                yield _At(item, (*self.steps, place))
        else:
            yield self

    def names(self, kind: str, event: str | None = None) -> Mentions:
        """Yield the names that a text, or a list of texts, holds."""
        for item in self.items():
            if isinstance(item.node, Scalar) and isinstance(item.node.value, str):
                yield Mention(item.steps, False, Named(kind, item.node.value, event))  # a field

    def named_by(self, key: str, kind: str, event: str | None = None) -> Mentions:
        """Yield the names behind a key of a map."""
        for value in self.below(key):
            yield from value.names(kind, event)

    def keys(self, kind: str, event: str | None = None) -> Mentions:
        """Yield the keys of a map as names."""
        for key, value in self.entries():
            yield Mention(value.steps, True, Named(kind, key, event))  # a field


def mentions(path: str, tree: Node) -> Mentions:
    """Yield every place of a file that names something."""
    top = _At(tree)
    if path in _FILES:
        yield from _FILES[path](top)
    elif path.startswith(files.STATEMENTS):
        for item in top.items():
            yield from _statement(item)
    elif path.endswith(files.COLUMN_MAP):
        yield from _column_map(top)
    elif path.startswith(files.EVIDENCE) and path not in (files.WATCH, files.GRADES):
        for item in top.items():
            yield from _evidence(item)


def _network(top: _At) -> Mentions:
    for events in top.below("events"):
        yield from events.keys("event")
        for event, at in events.entries():
            yield from at.named_by("parents", "event")
            yield from at.named_by("states", "state", event)
            yield from at.named_by("initial", "state", event)
            for states in at.below("counts", "states"):
                yield from states.keys("state", event)


def _scenarios(top: _At) -> Mentions:
    for item in top.items():
        yield from item.named_by("id", "scenario")
        for rule in item.below("when"):
            yield from _conditions(rule)


def _experts(top: _At) -> Mentions:
    yield from _top_keys(top, "expert")
    # Whoever states no group is a group of their own, which others may name.
    of_their_own = {name for name, entry in map_of(top.node).items() if child(entry, "group") is None}
    for _, entry in top.entries():
        for mention in entry.named_by("group", "expert"):
            if mention.named is not None and mention.named.name in of_their_own:
                yield mention


def _sources(top: _At) -> Mentions:
    yield from _top_keys(top, "source")


def _top_keys(top: _At, kind: str) -> Mentions:
    known = map_of(top.node)
    for mention in top.keys(kind):
        if mention.named is not None and mention.named.name in known:
            yield mention


def _questions(top: _At) -> Mentions:
    for item in top.items():
        yield from item.named_by("id", "question")
        for about in item.below("about"):
            yield from _target(about, None)


def _statement(item: _At) -> Mentions:
    yield from item.named_by("id", "statement")
    yield from item.named_by("expert", "expert")
    event = text_at(item.node, "about", "event")
    for about in item.below("about"):
        yield from _target(about, None)
    for steps in SECOND_TARGETS.values():
        for other in item.below(*steps):
            yield from _target(other, event)
    for shares in item.below("distribution"):
        for mention in shares.keys("state", event):
            if mention.named is not None and mention.named.name != SD_KEY:
                yield mention
    for resolved in item.below("resolved"):
        yield from resolved.named_by("state", "scenario" if event is None else "state", event)


def _target(target: _At, inherited: str | None) -> Mentions:
    event = text_at(target.node, "event") or inherited
    yield from target.named_by("event", "event")
    yield from target.named_by("scenario", "scenario")
    for states in target.below("state"):
        yield from _choice(states, event)
    for given in target.below("given"):
        yield from _conditions(given)


def _conditions(rule: _At) -> Mentions:
    yield from rule.keys("event")
    for event, states in rule.entries():
        yield from _choice(states, event)


def _choice(states: _At, event: str | None) -> Mentions:
    if isinstance(states.node, MapNode):
        yield from states.named_by("at_least", "state", event)
    else:
        yield from states.names("state", event)


def _evidence(item: _At) -> Mentions:
    yield from item.named_by("id", "item")
    yield from item.named_by("source", "source")
    yield from item.named_by("supersedes", "item")
    for parts in item.below("bears_on"):
        for part in parts.items():
            event = text_at(part.node, "event")
            yield from part.named_by("event", "event")
            yield from part.named_by("settled", "state", event)
            yield from part.named_by("claims", "state", event)
            for states in part.below("for"):
                yield from _choice(states, event)
            for ratios in part.below("likelihood"):
                yield from ratios.keys("state", event)
            for ratios in part.below(SCENARIOS):
                yield from ratios.keys("scenario")


def _column_map(top: _At) -> Mentions:
    """Yield what is the same in every row of a table, written as a cell of it would be."""
    for always in top.below("always"):
        for key, value in always.entries():
            if isinstance(value.node, Scalar) and isinstance(value.node.value, str):
                yield Mention(value.steps, False, None, key)  # a field


_FILES: dict[str, Callable[[_At], Mentions]] = {
    files.NETWORK: _network,
    files.SCENARIOS: _scenarios,
    files.EXPERTS: _experts,
    files.SOURCES: _sources,
    files.QUESTIONS: _questions,
}
