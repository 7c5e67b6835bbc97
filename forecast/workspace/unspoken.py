"""Rows of conditional probability tables that no statement speaks about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from forecast.workspace.family_sizes import holds_causes
from forecast.workspace.records import Condition, Event, MoreLikelyThan, Statement, Target, Times

LISTED = 4  # rows that are written out; more are counted
MOST_ROWS = 2**15


@dataclass(frozen=True)
class Unspoken:
    """Rows of an event, by the states of its parents in order, of so many in all."""

    event: str
    rows: tuple[tuple[str, ...], ...]
    of: int

    def __str__(self) -> str:
        """Write how many of how many, and the first of them."""
        return self.told("")

    def told(self, whose: str) -> str:
        """Write it with whose rows these are, such as " of its table"."""
        if len(self.rows) == self.of:
            return f"nobody spoke about any of the {self.of} rows{whose}"
        listed = ", ".join(f"({', '.join(row)})" for row in self.rows[:LISTED])
        more = f" and {len(self.rows) - LISTED} more" if len(self.rows) > LISTED else ""
        return f"nobody spoke about {len(self.rows)} of the {self.of} rows{whose}, {listed}{more}"


def unspoken_rows(event: Event, events: Mapping[str, Event], statements: Sequence[Statement]) -> Unspoken:
    """Return the rows of an event with parents that no statement about it is conditioned on.

    A row in which what the event requires leaves one state alone is certain, and nobody has to speak about it.
    A statement speaks about the rows in which each parent that it names is in one of the states that it gives; one
    without a condition on a parent speaks about their average, and about none. Causes that act each by itself have no
    rows that could be spoken about; of more rows than anybody could wait for (`large_families`) none is listed.
    """
    states = [events[parent].states for parent in event.parents]
    if (n_rows := prod(map(len, states))) > MOST_ROWS or holds_causes(event):
        return Unspoken(event.id, (), n_rows)
    said = list(_conditions(event, statements))
    rows = tuple(
        row
        for row in product(*states)
        if not _is_certain(event, row)
        and not any(
            all(state in given.get(parent, (state,)) for parent, state in zip(event.parents, row, strict=True))
            for given in said
        )
    )
    return Unspoken(event.id, rows, n_rows)


def _is_certain(event: Event, row: Sequence[str]) -> bool:
    if not event.requires or event.kind == "reached":
        return False
    parents = dict(zip(event.parents, row, strict=True))
    return sum(not event.is_excluded(state, parents) for state in event.states) == 1


def _conditions(event: Event, statements: Iterable[Statement]) -> Iterator[dict[str, tuple[str, ...]]]:
    """Yield the states of parents under which an event is spoken about; one event may be named more than once."""
    for statement in statements:
        for target in _targets(statement):
            if target.condition is None or target.condition.event != event.id:
                continue
            given = _by_event(target.given)
            if named := {parent: given[parent] for parent in event.parents if parent in given}:
                yield named


def _by_event(given: Iterable[Condition]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for condition in given:
        before = found.get(condition.event, condition.states)
        found[condition.event] = tuple(state for state in condition.states if state in before)
    return found


def _targets(statement: Statement) -> Iterator[Target]:
    yield statement.about
    match statement.reading:
        case Times(against=second) | MoreLikelyThan(other=second):
            yield second
        case _:
            pass
