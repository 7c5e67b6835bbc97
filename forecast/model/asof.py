"""The network compiled for an as-of date: rows, history and reports together, ready for exact inference."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import log, prod
from operator import attrgetter
from threading import Lock
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from forecast.inference.scaled import SMALLEST
from forecast.inference.tape import NumpyMath, log_each
from forecast.model.causes import CausesRecipe, StartedRecipe, causes_recipes, family_values
from forecast.model.history import (
    HistoryRecipe,
    Known,
    active_items,
    history_recipe,
    history_tables,
    ruled_out,
    settle,
    suppose,
)
from forecast.model.layout import Layout
from forecast.model.reports import AlreadyRead, Copies, Report, alike, copies_alike, weigh
from forecast.model.rows import RowRecipe, row_recipe, row_table
from forecast.workspace.records import Item, ReportSource, Workspace

Array = NDArray[np.float64]
Scope = tuple[int, ...]
NOTHING: Mapping[int, Container[int]] = {}
MOST_HEARD = 2000  # reports, or tables of them, that are kept
MANY_COPIES = 8  # from so many on they are summed all at once, and their tables not kept


@dataclass(frozen=True, kw_only=True)
class AsOfNetwork:
    """Everything that is known on `known.as_of`, about the states on the date `on`.

    `fixed` are the logarithms of the factors that do not depend on theta: reports, added up where one's events are
    among another's, the maximum taken out into `log_fixed`. `alive[v]` are the states that event v can still be in: a
    reached event is never behind its current one, an observed constant is as observed, and an event whose past is
    impossible is in none. Factors are over alive states alone. Families of independent causes (`causes`) may have
    auxiliary variables, which are numbered after the events.
    """

    layout: Layout
    known: Known
    on: date
    rows: RowRecipe
    history: HistoryRecipe
    reports: tuple[Report, ...]
    fixed: tuple[tuple[Scope, Array], ...]
    log_fixed: float
    alive: tuple[range, ...]
    causes: tuple[CausesRecipe | StartedRecipe, ...]

    @cached_property
    def kinds(self) -> list[list[Report]]:
        """The reports, those that differ in the item alone together."""
        return alike(self.reports)

    @property
    def cards(self) -> tuple[int, ...]:
        """Number of states that each variable can still be in: the events, then auxiliary ones."""
        return tuple(len(states) for states in self.alive)

    @cached_property
    def families(self) -> tuple[tuple[Scope, ...], ...]:
        """Scopes of the factors that each event's row is made of: one over its parents and itself, or a chain's.

        The first holds the event as its last axis.
        """
        chains = {recipe.v: recipe.scopes for recipe in self.causes}
        rows = (((*parents, v),) for v, parents in enumerate(self.layout.parents))
        return tuple(chains.get(v, row) for v, row in enumerate(rows))

    @cached_property
    def scopes(self) -> tuple[Scope, ...]:
        """Scope of each factor of `factors`.

        Rows by event, then what speaks of the past and what was reported, then the links of chains.
        """
        families = self.families
        links = (scope for family in families for scope in family[1:])
        return (*(family[0] for family in families), *self.evidence_scopes, *links)

    def places(self, v: int) -> tuple[int, ...]:
        """Return the places in `scopes` of the factors that an event's row is made of, in the order of `families`."""
        before = len(self.layout.cards) + len(self.evidence_scopes) + sum(len(own) - 1 for own in self.families[:v])
        return (v, *range(before, before + len(self.families[v]) - 1))

    def needed_places(self, about: Collection[int]) -> list[int]:
        """Return the places in `scopes` of the factors that the evidence and some variables hang on.

        An event of which nothing is known, that is not asked about and that is no parent of one left in is summed to
        one: its family is left out (a barren node).

        Source: Shachter (1986), "Evaluating influence diagrams".
        """
        families, evidence, n_events = self.families, self.evidence_scopes, len(self.layout.cards)
        told = {*about, *self.known.observed, *(v for scope in evidence for v in scope)}
        told |= {v for v in range(n_events) if not self.cards[v]}
        needed = needed_families(families, told)
        own = {place for v in needed for place in self.places(v)}
        return sorted({*own, *range(n_events, n_events + len(evidence))})

    @cached_property
    def evidence_scopes(self) -> tuple[Scope, ...]:
        """Scope of each factor of the evidence: the reports', then those of histories that lie within no other.

        The past and the reports of the same events are weighed against each other as logarithms: either may be less
        probable than a double can hold.
        """
        scopes = [scope for scope, _ in self.fixed]
        for scope in sorted(filter(None, self.history.scopes), key=len, reverse=True):
            if not any(set(scope) <= set(wide) for wide in scopes):
                scopes.append(scope)
        return tuple(scopes)

    def home(self, scope: Scope) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
        """Say where what a history says of some events belongs among the factors of `evidence_scopes`.

        Returns the place of the factor, the order in which the history's axes stand there, and its shape there (alive
        states, 1 for events that it knows nothing of).
        """
        places = enumerate(self.evidence_scopes)
        place, wide = next((place, other) for place, other in places if set(scope) <= set(other))
        axes = tuple(sorted(range(len(scope)), key=lambda axis: wide.index(scope[axis])))
        return place, axes, tuple(len(self.alive[v]) if v in scope else 1 for v in wide)


def needed_families(families: Sequence[Sequence[Scope]], told: Collection[int]) -> list[int]:
    """Return the places of the families that an answer hangs on.

    Args:
        families: scopes of the factors of each; the first one's last variable is its own.
        told: variables that are asked about, or that anything else speaks of.
    """
    left = list(range(len(families)))
    while True:
        parents = {(v, p) for v in left for scope in families[v] for p in scope}
        asked = {p for v, p in parents if p != families[v][0][-1]}
        kept = [v for v in left if families[v][0][-1] in told or families[v][0][-1] in asked]
        if kept == left:
            return left
        left = kept


def compile_asof(
    layout: Layout,
    items: Iterable[Item],
    sources: Mapping[str, ReportSource],
    as_of: date,
    watched_until: date | None,
    on: date | None = None,
    supposed: Mapping[int, Container[int]] = NOTHING,
) -> AsOfNetwork:
    """Compile the network as known on `as_of` (day included), for the states on the date `on` (default: horizon).

    `supposed`: events that are taken to come into one of some states on that very day (history.suppose).
    """
    active = active_items(items, as_of)
    known = settle(layout, active, as_of, watched_until)
    for v, states in supposed.items():
        known = suppose(layout, known, v, states)
    on = layout.horizon if on is None else on
    settled = _SETTLED.once((layout,), (known, on), lambda: _settled(layout, known, on))
    reports = weigh(layout, known, active, sources, on, settled.said if len(active) < MOST_HEARD else None)
    return _compiled(layout, known, on, settled, reports, alike(reports))


def _compiled(
    layout: Layout, known: Known, on: date, settled: _Settled, reports: tuple[Report, ...], kinds: list[list[Report]]
) -> AsOfNetwork:
    fixed, log_fixed = _fixed_factors(settled.alive, kinds)
    network = AsOfNetwork(
        layout=layout,
        known=known,
        on=on,
        rows=settled.rows,
        history=settled.history,
        reports=reports,
        fixed=fixed,
        log_fixed=log_fixed,
        alive=settled.alive,
        causes=settled.causes,
    )
    vars(network)["kinds"] = kinds  # the property of that name, which would sort them out again
    return network


class _Settled(NamedTuple):
    """What is compiled from what is settled alone, and what has been read of reports in its light."""

    rows: RowRecipe
    history: HistoryRecipe
    alive: tuple[range, ...]
    causes: tuple[CausesRecipe, ...]
    said: AlreadyRead


def _settled(layout: Layout, known: Known, on: date) -> _Settled:
    causes = causes_recipes(layout, known, on)
    highest = (recipe.highest for recipe in causes for _ in range(recipe.auxiliary))
    alive = (*_alive(layout, known, on), *(range(len(states)) for states in highest))
    history = _HISTORY.once((layout,), known, lambda: history_recipe(layout, known))  # whatever day is asked about
    return _Settled(row_recipe(layout, known, on), history, alive, causes, AlreadyRead({}, {}))


class Latest[T]:
    """The latest few results of a function: from one question to the next it is mostly the reports that differ.

    A result belongs to the very objects that it was made of (`of`; it holds them, so that no other object can take
    their place in memory) and to what is equal to `alike`.
    """

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._kept: list[tuple[tuple[object, ...], object, T]] = []

    def once(self, of: tuple[object, ...], alike: object, compute: Callable[[], T]) -> T:
        """Return what was computed of these objects, or compute it and keep it in the place of the oldest."""
        with self._lock:
            kept = list(self._kept)
        for objects, other, result in kept:
            if all(a is b for a, b in zip(objects, of, strict=True)) and other == alike:
                return result
        result = compute()
        with self._lock:
            self._kept = [(of, alike, result), *self._kept][: self._most]
        return result


class _Heard:
    """Tables of single reports, by what they are made of: from one question to the next most reports are the same."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], tuple[object, object]] = {}

    def once[T](self, of: Array, alike: tuple[object, ...], compute: Callable[[], T]) -> T:
        """Return what was computed of an array (that very one) and what is equal to `alike`, or compute and keep it."""
        key = (id(of), *alike)
        kept = self._kept.get(key)
        if kept is not None:
            return cast("T", kept[1])
        made = compute()
        if len(self._kept) >= MOST_HEARD:
            self._kept.clear()
        self._kept[key] = of, made  # with the array, so that no other one takes its place in memory
        return made


HEARD = _Heard()
_SETTLED: Latest[_Settled] = Latest(4)
_HISTORY: Latest[HistoryRecipe] = Latest(4)
LARGEST_KEPT = 20_000_000  # bytes of one block of draws
_ROWS: Latest[list[list[Array]]] = Latest(16)  # blocks
_HISTORIES: Latest[list[Array]] = Latest(16)


def _of_draws[T](latest: Latest[T], recipes: tuple[object, ...], theta: Array, n: int, compute: Callable[[], T]) -> T:
    """Return what was computed of recipes on the same draws, of `n` numbers each; only of draws nobody can write to."""
    base = theta.base if isinstance(theta.base, np.ndarray) else theta  # of a file, a buffer is no array
    if base.flags.writeable or 8 * n * theta.shape[1] > LARGEST_KEPT:
        return compute()
    return latest.once((*recipes, base), (theta.ctypes.data, theta.shape, theta.strides), compute)


def _alive(layout: Layout, known: Known, on: date) -> tuple[range, ...]:
    alive, impossible = [], ruled_out(layout, known)
    for v, card in enumerate(layout.cards):
        states = range(card)
        if layout.events[v].kind == "reached":
            path = known.paths[v]
            states = states[path.on(min(path.until, on)) :]
        for seen in known.observed.get(v, ()):
            states = states[states.index(seen) :][:1] if seen in states else states[:0]
        alive.append(states[:0] if v in impossible else states)
    return tuple(alive)


def compile_opening(
    layout: Layout, on: date | None = None, supposed: Mapping[int, Container[int]] = NOTHING
) -> AsOfNetwork:
    """Compile the network at the opening, before any evidence: where the prior is read."""
    return compile_asof(layout, (), {}, layout.opens, None, on, supposed)


def compile_workspace(
    layout: Layout,
    workspace: Workspace,
    as_of: date,
    on: date | None = None,
    supposed: Mapping[int, Container[int]] = NOTHING,
) -> AsOfNetwork:
    """Compile a workspace's network as of a date; an as-of date after the horizon sees the horizon."""
    return compile_asof(layout, workspace.items, workspace.sources, as_of, workspace.watched_until, on, supposed)


class OtherDays:
    """The networks of one as-of date about the states on other days.

    Many reports are not told apart again where it is the same ones that are copies of each other (`Copies`).
    """

    def __init__(self, workspace: Workspace, network: AsOfNetwork) -> None:
        self._workspace, self._network = workspace, network
        items = active_items(workspace.items, network.known.as_of)
        layout, known = network.layout, network.known
        many = len(items) >= MOST_HEARD
        self._copies = Copies(layout, known, items, workspace.sources, network.on, network.kinds) if many else None

    def on(self, day: date) -> AsOfNetwork:
        """Compile the network about the states on a day; of reports that differ in name alone it may hold one."""
        layout, known = self._network.layout, self._network.known
        kinds = None if self._copies is None else self._copies.on(day)
        if kinds is None:
            return compile_workspace(layout, self._workspace, known.as_of, on=day)
        settled = _SETTLED.once((layout,), (known, day), lambda: _settled(layout, known, day))
        return _compiled(layout, known, day, settled, tuple(same[0] for same in kinds), kinds)


def factors(
    network: AsOfNetwork, theta: Array, drawn: tuple[list[Array], Array] | None = None
) -> tuple[list[Array], Array]:
    """Compute the factors of all draws.

    Args:
        network: the compiled network.
        theta: (n_theta, draws).
        drawn: logarithms of the reports' factors (*alive states, draws or 1), in the order of `network.fixed`, and a
            log offset (draws), where each draw has reliabilities of its own (compiled.reliability); None: every source
            at its prior mean.

    Returns:
        The factors in the order of `network.scopes`, each (*alive states of its scope, draws or 1), and a log offset
        (draws) to add to the log of their product.
    """
    families = [
        [full[alive_slices(network.alive, scope)] for scope, full in zip(scopes, made, strict=True)]
        for scopes, made in zip(network.families, family_tables(network, theta), strict=True)
    ]
    links = [link for family in families for link in family[1:]]
    fixed = [table[..., np.newaxis] for _, table in network.fixed]
    reported, offset = (fixed, np.full(theta.shape[1], network.log_fixed)) if drawn is None else drawn
    evidence, spent = evidence_factors(network, theta, reported)
    return [*(family[0] for family in families), *evidence, *links], offset + spent


def family_tables(network: AsOfNetwork, theta: Array) -> list[list[Array]]:
    """Compute the factors of each event's row over all states, in the order of `families`, for theta (n_theta, draws).

    Factors are (*states of the scope, draws).
    """
    recipes = (network.layout, network.rows, network.causes)
    return _of_draws(_ROWS, recipes, theta, network.rows.n_table, lambda: _family_tables(network, theta))


def _family_tables(network: AsOfNetwork, theta: Array) -> list[list[Array]]:
    layout = network.layout
    table = row_table(network.rows, theta)
    chains = {recipe.v: family_values(NumpyMath, recipe, theta) for recipe in network.causes}
    made = []
    for v, card in enumerate(layout.cards):
        start, shape = layout.table_offsets[v], (*(layout.cards[p] for p in layout.parents[v]), card)
        made.append(chains[v] if v in chains else [table[start : start + prod(shape)].reshape(*shape, theta.shape[1])])
    return made


def evidence_factors(network: AsOfNetwork, theta: Array, reported: Sequence[Array]) -> tuple[list[Array], Array]:
    """Compute the factors of the evidence, in the order of `evidence_scopes`: logs are added, then taken out of logs.

    `reported` are the logarithms of the reports' factors. Returns arrays (*alive states, draws or 1), their maximum in
    each draw 1, and the log of what was taken out (draws).
    """
    by_place, spent = history_logs(network, theta)
    arrays = []
    for place in range(len(network.evidence_scopes)):
        log_table = sum(by_place.get(place, ()), start=reported[place] if place < len(reported) else 0.0)
        factor, taken_out = scaled_factor(log_table)
        spent += taken_out
        arrays.append(factor)
    return arrays, spent


def history_logs(network: AsOfNetwork, theta: Array) -> tuple[dict[int, list[Array]], Array]:
    """Compute what is known of the past, as logarithms (*alive states or 1, draws) by place in `evidence_scopes`.

    Also that of it which no state depends on (draws).
    """
    history = network.history
    of_events = _of_draws(_HISTORIES, (history,), theta, history.constant.size, lambda: history_tables(history, theta))
    return placed(network, of_events, theta.shape[1])


def placed(network: AsOfNetwork, of_events: Sequence[Array], n_draws: int) -> tuple[dict[int, list[Array]], Array]:
    """Put the tables of a network's history (`history_tables`) in their places, as `history_logs` returns them."""
    spent = np.zeros(n_draws)
    logs: dict[int, list[Array]] = {}
    for scope, log_table in zip(network.history.scopes, of_events, strict=True):
        if not scope:
            spent += log_table
            continue
        home, axes, shape = network.home(scope)
        alive = log_table[alive_slices(network.alive, scope)].transpose(*axes, len(axes))
        logs.setdefault(home, []).append(alive.reshape(*shape, -1))
    return logs, spent


def scaled_factor(log_table: Array | float) -> tuple[Array, Array]:
    """Return a factor (*states, draws or 1), its maximum in each draw 1, and the log of what was taken out."""
    log_table = np.asarray(log_table)
    peak = log_table.reshape(-1, log_table.shape[-1]).max(axis=0, initial=-np.inf)
    finite = np.where(peak > -np.inf, peak, 0.0)
    factor = np.ascontiguousarray(np.exp(log_table - finite))
    # Less than a double holds is not nothing: a zero means that a state is impossible.
    factor[(factor == 0.0) & (log_table > -np.inf)] = SMALLEST
    return factor, finite


def alive_slices(alive: Sequence[range], scope: Scope) -> tuple[slice, ...]:
    """Return the slices that cut the states that are alive out of a table over all states of a scope."""
    return tuple(slice(alive[v].start, alive[v].stop) for v in scope)


def _fixed_factors(
    alive: Sequence[range], kinds: Iterable[Sequence[Report]]
) -> tuple[tuple[tuple[Scope, Array], ...], float]:
    logs: dict[Scope, Array] = {}
    spent = 0.0
    for copies in copies_alike(kinds):
        if copies[0][0].is_spent:
            spent += sum(map(len, copies)) * log(copies[0][0].noise)
            continue
        if len(copies) < MANY_COPIES:
            tables = [(*heard_logs(alive, same[0]), float(len(same))) for same in copies]
        else:
            told = np.array([same[0].informative for same in copies])
            tables = [(*sum_of_copies(alive, copies, told, 1.0 - told, log_each), 1.0)]
        for scope, table, times in tables:
            if table.size:  # else nothing is alive any more, which the rows say already
                logs[scope] = logs.get(scope, 0.0) + times * table
    total, fixed = spent, []
    for scope, table in _merged(logs).items():
        peak = float(table.max(initial=-np.inf))
        if peak > -np.inf:
            total += peak
            table = table - peak
        if scope:
            fixed.append((scope, table))
    return tuple(fixed), total


def heard_logs(alive: Sequence[range], report: Report) -> tuple[Scope, Array]:
    """Return the log of a report's table at the prior mean of its source, over the events that it tells apart.

    It is empty where an event can be in no state any more.
    """
    states = alive_slices(alive, report.scope)

    def compute() -> tuple[Scope, Array]:
        # A report that excludes a state has log probability minus infinity there.
        table = log_each(report.table[states])
        return _varying(report.scope, table) if table.size else (report.scope, table)

    alike = (report.scope, report.noise, report.informative, *((of.start, of.stop) for of in states))
    return HEARD.once(report.said, alike, compute)


def sum_of_copies(
    alive: Sequence[range],
    copies: Sequence[Sequence[Report]],
    told: Array,
    untold: Array,
    log: Callable[[Array], Array],
) -> tuple[Scope, Array]:
    """Return the sum of the log tables of kinds of reports that differ as copies alone (`copies_alike`), at once.

    Args:
        alive: states by event.
        copies: the kinds; each counts as often as it has reports.
        told: probability that a report of each kind is informative (kinds, or kinds and nodes of its source).
        untold: the rest to one.
        log: the logarithm.

    Returns:
        The events that they tell apart, and an array (*alive states of these), after an axis of the nodes if there
        are any; it is empty where an event can be in no state any more.
    """
    report = max((same[0] for same in copies), key=attrgetter("kept"))
    scope, table = heard_logs(alive, report)
    said = report.said[alive_slices(alive, report.scope)]
    if not table.size:
        return scope, said
    said = said[tuple(slice(None) if v in scope else 0 for v in report.scope)]
    told, untold = (values.reshape(*values.shape, *(1,) * said.ndim) for values in (told, untold))
    times = np.array([float(len(same)) for same in copies]).reshape(-1, *(1,) * (told.ndim - 1))
    with np.errstate(divide="ignore"):  # a report that excludes a state has log probability minus infinity there
        # Not a product of matrices: its order of summation is another one on another processor.
        return scope, np.asarray((times * log(told * said + untold * report.noise)).sum(axis=0))


def _varying(scope: Scope, table: Array) -> tuple[Scope, Array]:
    """Drop the events that a worn-off report no longer tells apart: fewer events make smaller cliques."""
    axes = varying_axes(table)
    flat = tuple(slice(None) if axis in axes else 0 for axis in range(len(scope)))
    return tuple(scope[axis] for axis in axes), table[flat]


def varying_axes(table: Array) -> tuple[int, ...]:
    """Return the axes along which a table is not constant."""
    return tuple(
        axis
        for axis, size in enumerate(table.shape)
        if size and (table != table[(*(slice(None),) * axis, slice(1))]).any()
    )


def wider_scope(scope: Scope, others: Iterable[Scope]) -> Scope | None:
    """Return the first of some scopes that holds all events of a scope and more."""
    return next((other for other in others if set(scope) < set(other)), None)


def _merged(logs: dict[Scope, Array]) -> dict[Scope, Array]:
    """Add each table to one over more events, if there is one."""
    merged: dict[Scope, Array] = {}
    for scope in sorted(logs, key=lambda scope: (-len(scope), scope)):
        wider = wider_scope(scope, merged)
        if wider is None:
            merged[scope] = logs[scope]
            continue
        shape = [size if v in scope else 1 for v, size in zip(wider, merged[wider].shape, strict=True)]
        merged[wider] = merged[wider] + logs[scope].reshape(shape)
    return merged
