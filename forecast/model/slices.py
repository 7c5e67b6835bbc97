"""The network through dates on the way: which states events are in then, and how they go on from there.

A condition by a date is about two days at once. The events that matter get a variable for each day on the way: up to
the first of them the rows are those of the network as of today, from then on those of a network in which the states of
that day are what is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from forecast.model.asof import AsOfNetwork
from forecast.model.causes import CausesRecipe
from forecast.model.history import Known, Path
from forecast.model.layout import Layout
from forecast.model.rows import CopiedRows, RowRecipe, StepRows, TimedRows, row_recipe


@dataclass(frozen=True, kw_only=True)
class Sliced:
    """A network with days on the way. `at[day, event]` is the variable of an event on such a day.

    The variable of an event on the last day is the event's own number, as in the network without them.
    """

    network: AsOfNetwork
    at: Mapping[tuple[date, int], int]


class CausesOnTheWayError(ValueError):
    """An event whose causes act each by itself has no rows that could go on from the states of a day; its id."""


def compile_through(network: AsOfNetwork, days: Sequence[date], about: Iterable[int]) -> Sliced:
    """Compile a network with days on the way.

    Args:
        network: compiled for a later date than all days.
        days: after today and before that date, in order.
        about: the events that are spoken of. These, those that reports or the past speak of, and what any of them
            descends from have states on the days; what the others do changes nothing that is read of them.

    What was reported is about the states on the last day, as in the network itself.

    Raises:
        CausesOnTheWayError: an event that matters is a `noisy_or` or `noisy_max`.
    """
    layout, known = network.layout, network.known
    dated = _dated_ancestors(network, about)
    for v in filter(layout.acts_by_cause, dated):
        raise CausesOnTheWayError(layout.events[v].id)
    at = {(day, v): len(layout.cards) + i for i, (day, v) in enumerate(product(days, dated))}
    variables = [*range(len(layout.cards)), *(v for _, v in at)]
    parents = [list(layout.parents[v]) for v in variables]
    for (day, v), place in at.items():
        parents[place] = [at.get((day, p), p) for p in layout.parents[v]]
    stretches: list[_Stretch] = []
    ends = [*days, network.on]
    for day, end in zip(days, ends[1:], strict=True):
        for v in dated:
            starts = [p for p in (*layout.parents[v], v) if p in dated]
            place = at.get((end, v), v)
            parents[place] += [at[day, p] for p in starts]
            stretches.append(_Stretch(v, place, tuple(starts), day, end))
    sliced = _layout(layout, variables, parents)
    reached = {stretch.place for stretch in stretches}
    others = [v for v in range(len(layout.cards)) if v not in reached and not layout.acts_by_cause(v)]
    parts = [_moved(layout, sliced, row_recipe(layout, known, network.on, others), {v: v for v in others})]
    parts.append(_moved(layout, sliced, row_recipe(layout, known, days[0], dated), {v: at[days[0], v] for v in dated}))
    parts += [part for stretch in stretches for part in _rows_from(layout, sliced, network, stretch)]
    events, auxiliary = network.alive[: len(layout.cards)], network.alive[len(layout.cards) :]
    made = replace(
        network,
        layout=sliced,
        rows=_joined(sliced, parts),
        alive=(*events, *(_alive(network, v) for _, v in at), *auxiliary),
        causes=tuple(_behind(recipe, len(layout.cards), len(at)) for recipe in network.causes),
    )
    return Sliced(network=made, at=at)


def _behind(recipe: CausesRecipe, events: int, copies: int) -> CausesRecipe:
    """Return a family whose auxiliary variables are numbered behind the copies of events."""
    scopes = tuple(tuple(v if v < events else v + copies for v in scope) for scope in recipe.scopes)
    return replace(recipe, scopes=scopes)


class _Stretch(NamedTuple):
    """An event from one day to the next: its variable on that, and whose states on the day its rows go on from."""

    v: int
    place: int
    starts: tuple[int, ...]  # its dated parents, then itself
    day: date
    end: date


def _dated_ancestors(network: AsOfNetwork, about: Iterable[int]) -> tuple[int, ...]:
    layout = network.layout
    found = {*about, *network.known.observed, *(v for scope in network.evidence_scopes for v in scope)}
    stack = list(found)
    while stack:
        new = set(layout.parents[stack.pop()]) - found
        found |= new
        stack += new
    return tuple(v for v in sorted(found) if layout.dated(v))


def _alive(network: AsOfNetwork, v: int) -> range:
    path = network.known.paths[v]
    cards = network.layout.cards[v]
    return range(path.on(path.until) if network.layout.events[v].kind == "reached" else 0, cards)


def _layout(layout: Layout, variables: Sequence[int], parents: Sequence[Sequence[int]]) -> Layout:
    """Return the layout of copies of events; theta stays where it is."""
    cards = tuple(layout.cards[v] for v in variables)
    sizes = [
        0 if layout.acts_by_cause(v) else cards[i] * prod(cards[p] for p in above)
        for i, (v, above) in enumerate(zip(variables, parents, strict=True))
    ]
    return replace(
        layout,
        events=tuple(layout.events[v] for v in variables),
        cards=cards,
        parents=tuple(map(tuple, parents)),
        offsets=tuple(layout.offsets[v] for v in variables),
        table_offsets=tuple(int(start) for start in np.cumsum([0, *sizes[:-1]])),
        n_table=sum(sizes),
    )


def _rows_from(layout: Layout, sliced: Layout, network: AsOfNetwork, stretch: _Stretch) -> Iterable[RowRecipe]:
    """Yield the rows of an event on a later day for each combination of states that it can go on from."""
    cards = [layout.cards[p] for p in stretch.starts]
    for states in product(*(_alive(network, p) for p in stretch.starts)):
        paths = {p: Path(state, (), stretch.day) for p, state in zip(stretch.starts, states, strict=True)}
        recipe = row_recipe(layout, Known(stretch.day, stretch.day, paths, {}), stretch.end, (stretch.v,))
        number = int(np.ravel_multi_index(states, cards))
        yield _moved(layout, sliced, recipe, {stretch.v: stretch.place}, (prod(cards), number))


def _moved(
    layout: Layout, sliced: Layout, recipe: RowRecipe, places: Mapping[int, int], start: tuple[int, int] = (1, 0)
) -> RowRecipe:
    """Move the rows of events to the tables of their variables, for the start-th of so many combinations of states."""
    to = np.zeros(layout.n_table, dtype=np.intp)
    n_starts, number = start
    for v, place in places.items():
        entries = np.arange(layout.n_rows(v) * layout.cards[v])
        row, state = np.divmod(entries, layout.cards[v])
        begin = layout.table_offsets[v]
        to[begin : begin + entries.size] = (
            sliced.table_offsets[place] + (row * n_starts + number) * layout.cards[v] + state
        )
    return replace(
        recipe,
        certain=to[recipe.certain],
        copied=replace(recipe.copied, table=to[recipe.copied.table]),
        steps=tuple(replace(group, table=tuple(to[at] for at in group.table)) for group in recipe.steps),
    )


def _joined(sliced: Layout, parts: Sequence[RowRecipe]) -> RowRecipe:
    """Return the rows of all parts as one recipe: groups of one kind are computed at once."""
    groups: dict[tuple[object, ...], list[StepRows | TimedRows]] = {}
    for group in (group for part in parts for group in part.steps):
        pieces = group.pieces.shape[1] if isinstance(group, TimedRows) else 0
        groups.setdefault((type(group).__name__, len(group.now), pieces), []).append(group)
    return RowRecipe(
        n_table=sliced.n_table,
        certain=np.concatenate([part.certain for part in parts]),
        copied=_stacked([part.copied for part in parts]),
        steps=tuple(_stacked(groups[kind]) for kind in sorted(groups, key=repr)),
    )


def _stacked[T: CopiedRows | StepRows | TimedRows](parts: Sequence[T]) -> T:
    first = parts[0]
    columns: dict[str, Any] = {}
    for name in (field.name for field in fields(first)):
        values = [getattr(part, name) for part in parts]
        if isinstance(values[0], tuple):
            columns[name] = tuple(np.concatenate(column) for column in zip(*values, strict=True))
        else:
            columns[name] = np.concatenate(values)
    return replace(first, **columns)
