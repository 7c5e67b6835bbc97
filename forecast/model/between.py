"""The state on a date between now and the horizon, given the states at the horizon: what watching will have shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import reduce
from itertools import pairwise, product
from math import exp, expm1, prod
from operator import add
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.inference.tape import NumpyMath
from forecast.model.asof import AsOfNetwork, Scope, alive_slices
from forecast.model.causes import CausesRecipe, StartedRecipe, brought_about, by_parent, causes_recipe, chain
from forecast.model.history import Known, Path, RowOfCauses, acting
from forecast.model.layout import (
    Layout,
    Piece,
    Spans,
    changed_hazard,
    exposed_between,
    is_constant,
    mean_hazard,
    pieces_of_change,
    steps_taken,
)
from forecast.model.rows import CopiedRows, RowRecipe, StepRows, TimedRows, row_recipe

Array = NDArray[np.float64]
PartOf = Callable[[tuple[int, ...]], int]


def watched_events(network: AsOfNetwork) -> tuple[int, ...]:
    """Return the dated events: of a constant nothing need ever be seen."""
    return tuple(v for v in range(len(network.layout.cards)) if network.layout.dated(v))


def leaf_scope(network: AsOfNetwork, v: int, day: date) -> Scope | None:
    """Return what the state of a dated event on a day hangs on: itself at the horizon, and its parents unless it is so.

    None where its row is a chain, and so has no table over all its parents (`seen_chain`, `seen_status`).
    """
    if _is_as_at_the_end(network, v, day):
        return (v,)
    return None if _is_chain(network, v) else (*network.layout.parents[v], v)


def _is_as_at_the_end(network: AsOfNetwork, v: int, day: date) -> bool:
    """Say whether the state on the day is that of the horizon: nothing lies between, or nothing can change."""
    seen = min(network.known.paths[v].until, network.on)
    return day >= network.on or seen >= network.on or len(network.alive[v]) == 1


def _is_chain(network: AsOfNetwork, v: int) -> bool:
    return len(network.families[v]) > 1


def between_table(network: AsOfNetwork, v: int, day: date, theta: Array) -> Array:
    """Compute P(state of v on a day | its state and its parents' states at the horizon).

    Args:
        network: compiled for the horizon.
        v: a dated event whose row is no chain.
        day: after today and not after the horizon.
        theta: (n_theta, draws).

    Returns:
        (*alive states of `leaf_scope`, alive states on the day, draws), summing to one over the states on the day.

    A parent that is to move does so at a date of the rest of the window that is distributed as in the rows (for a
    status: uniform, whatever the parent's timing). A status is redrawn or keeps its state over each of the two spans,
    from the row of what its parents then are. A step of a reached event has a hazard that its parents and its timing
    decide, and the steps before and after the day are taken by two pure birth processes. The table is multiplied by
    the row, so the forecast at the horizon is untouched.
    """
    layout, path = network.layout, network.known.paths[v]
    alive = network.alive[v]
    if _is_as_at_the_end(network, v, day):
        return np.broadcast_to(np.eye(len(alive))[..., np.newaxis], (len(alive), len(alive), theta.shape[1]))
    seen = min(path.until, network.on)
    parents = [network.alive[p] for p in layout.parents[v]]
    table = np.zeros((*(len(states) for states in parents), len(alive), len(alive), theta.shape[1]))
    spans = (day - seen).days, (network.on - day).days
    for places in product(*(range(len(states)) for states in parents)):
        configuration = tuple(states[place] for states, place in zip(parents, places, strict=True))
        now = _as_known(network, v, configuration, seen)
        if layout.events[v].kind == "status":
            rows = _row(layout, v, now, theta), _row(layout, v, configuration, theta)
            joint = _status(layout, v, rows, path.on(seen), spans)
        else:
            joint = _reached(layout, _changes(network, v, now, configuration, seen), alive, day, theta)
        total = joint.sum(axis=1, keepdims=True)
        # A state that the row excludes has no past; any table that sums to one serves.
        table[places] = np.divide(joint, total, out=np.full_like(joint, 1.0 / len(alive)), where=total > 0.0)
    return table


def paths_table(
    network: AsOfNetwork, v: int, days: Sequence[date], theta: Array, n_parts: int, part_of: PartOf
) -> Array:
    """Compute P(part | state of v and its parents' states at the horizon), the parts sharing out the states on days.

    Args:
        network: compiled for the horizon.
        v: an event; a constant is in one state on all days.
        days: after today and before the horizon, ascending.
        theta: (n_theta, draws).
        n_parts: number of parts.
        part_of: the part of the states on the days, followed by that at the horizon.

    Returns:
        (*alive states of the parents, alive states of v, parts, draws), summing to one over the parts. Of one day it is
        `between_table`. A reached event goes on through the days as one pure birth process, the hazard of each step
        until a day that of the day alone; a status is redrawn or keeps its state over each of the spans.
    """
    layout, path, alive = network.layout, network.known.paths.get(v), network.alive[v]
    seen = network.on if path is None else min(path.until, network.on)
    parents = [network.alive[p] for p in layout.parents[v]]
    table = np.zeros((*(len(states) for states in parents), len(alive), n_parts, theta.shape[1]))
    for places in product(*(range(len(states)) for states in parents)):
        configuration = tuple(states[place] for states, place in zip(parents, places, strict=True))
        if path is None or not days or seen >= network.on or len(alive) == 1:
            for x, state in enumerate(alive):
                table[(*places, x, part_of((state,) * (len(days) + 1)))] = 1.0
            continue
        now = _as_known(network, v, configuration, seen)
        if layout.events[v].kind == "status":
            rows = _row(layout, v, now, theta), _row(layout, v, configuration, theta)
            moves = _status_moves(layout, v, rows, path.on(seen), [(day - seen).days for day in (*days, network.on)])
        else:
            moves = _reached_moves(layout, _changes(network, v, now, configuration, seen), alive, days, theta)
        joint = table[places]
        for taken, chance in _walks(moves, ((), np.ones(theta.shape[1]))):
            states = tuple(alive[x] for x in taken)
            joint[taken[-1], part_of(states)] += chance
        total = joint.sum(axis=1, keepdims=True)
        # A state that the row excludes has no past; any table that sums to one serves.
        table[places] = np.divide(joint, total, out=np.full_like(joint, 1.0 / n_parts), where=total > 0.0)
    return table


_Moves = Sequence[Array]  # of each span (states before, states after, draws), the first from the state of today alone


def _walks(moves: _Moves, walk: tuple[tuple[int, ...], Array]) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Yield every course through the spans that has any probability, with its probability (draws)."""
    taken, chance = walk
    if not moves:
        yield walk
        return
    for x, step in enumerate(moves[0][taken[-1] if taken else 0]):
        if step.any():
            yield from _walks(moves[1:], ((*taken, x), chance * step))


def _reached_moves(
    layout: Layout, changes: Sequence[_Change], alive: range, days: Sequence[date], theta: Array
) -> _Moves:
    """Return what a reached event does over each span, states counted from the current one."""
    n, draws = len(alive), theta.shape[1]
    hazards = []
    for k in range(alive.start, alive.stop - 1):
        ways = [(change, _rates(layout, change, k, theta)) for change in changes]
        until = [reduce(add, (_hazard_until(layout, change, day, rate) for change, rate in ways)) for day in days]
        until.append(reduce(add, (_hazard_when(layout, change, "any day", days[0], rate) for change, rate in ways)))
        # Survival never rises with time; what is below zero is rounding.
        hazards.append([np.maximum(after - before, 0.0) for before, after in pairwise([np.zeros(draws), *until])])
    moves = []
    for span in range(len(days) + 1):
        move = np.zeros((n, n, draws))
        for y in range(n):
            for x, chance in enumerate(_taken([of_step[span] for of_step in hazards[y:]], draws), y):
                move[y, x] = chance
        moves.append(move)
    return moves


def _status_moves(layout: Layout, v: int, rows: tuple[Array, Array], current: int, ends: Sequence[int]) -> _Moves:
    """Return what a status does over each span; `ends` are days from today, the last that of the horizon."""
    eye, persistence = np.eye(layout.cards[v])[..., np.newaxis], layout.events[v].persistence_days
    now, then = rows
    moves = []
    for before, end in pairwise([0, *ends]):
        days = end - before
        stays = exp(-days / persistence) if persistence else 0.0
        # On the last span the parents are as they are at the horizon, as in `_status`.
        moved = 1.0 if end == ends[-1] else (end - _age(days, persistence)) / ends[-1]
        drawn = (1.0 - moved) * now + moved * then
        moves.append(stays * eye + (1.0 - stays) * drawn[np.newaxis])
    return [moves[0][[current]], *moves[1:]]


def seen_chain(network: AsOfNetwork, v: int, day: date, theta: Array) -> list[Array]:
    """Compute the factors of a reached event whose row is a chain, with its state on a day.

    Each cause brings the step about by the day, by the horizon, or not at all, and the earliest counts: a chain over
    three states. In the order of `network.families`, over alive states, draws last; the first has another axis before
    the draws for the state on the day. Arguments as in `between_table`, the day before the horizon.
    """
    recipe = _causes_of(network, v)

    def states(change: _Change) -> list[Array]:
        hazards = _rates(network.layout, change, network.alive[v].start, theta)
        until = _hazard_until(network.layout, change, day, hazards)
        # Survival never rises with time; what is below zero is rounding.
        after = np.maximum(_hazard_when(network.layout, change, "any day", day, hazards) - until, 0.0)
        return [np.exp(-until - after), -np.exp(-until) * np.expm1(-after), -np.expm1(-until)]

    leak, parts = _by_cause(network, recipe, states)
    end, *links = _chained(leak, parts)
    seen = np.zeros((*end.shape[:2], 2, 2, end.shape[-1]))
    for state, (at_end, on_day) in enumerate(((0, 0), (1, 0), (1, 1))):
        seen[:, :, at_end, on_day] = end[:, :, state]
    return [seen, *links]


def seen_status(
    network: AsOfNetwork, v: int, day: date, theta: Array, free: int
) -> tuple[list[tuple[Scope, Array]], list[int]]:
    """Compute what takes the place of the factors of a status whose row is a chain, with its state on a day.

    The state is drawn anew by the day and by the horizon, or kept. What the causes bring about is a chain each time: as
    the parents are known (before they move), as they will be for the last draw by the day, and for that by the horizon;
    the ends are variables of their own. Returns scopes with their arrays (over alive states, draws last), and the
    numbers of states of the variables from `free` on, the first of which is the state on the day. Arguments as in
    `between_table`, the day before the horizon. Its state at the horizon is that of the row only where the parents stay
    as they are known: `forecast.analysis.watch` restores the margins.
    """
    layout, paths, path = network.layout, network.known.paths, network.known.paths[v]
    recipe = _causes_of(network, v)
    seen, n = min(path.until, network.on), layout.cards[v]
    days = (day - seen).days, (network.on - day).days
    persistence = layout.events[v].persistence_days
    stays = [exp(-span / persistence) if persistence else 0.0 for span in days]
    moved = _moved_before_redraw(days, persistence)
    leak, parts = by_parent(recipe, brought_about(NumpyMath, recipe, theta))
    then, now = [], []
    for p, part in zip(layout.parents[v], parts, strict=True):
        alive = alive_slices(network.alive, (p,))[0]
        known = [paths[p].on(seen)] * len(network.alive[p]) if p in paths else alive
        then.append([state[alive] for state in part])
        now.append([state[known] for state in part])
    ends = by_horizon, by_day, before = range(free + 1, free + 4)
    first = max(variable for scope in recipe.scopes for variable in scope) - recipe.auxiliary + 1
    factors, fresh = [], free + 4
    for end, tables in zip(ends, (_chained(leak, then), _chained(leak, then), _chained(leak, now)), strict=True):
        names = {v: end} | {first + k: fresh + k for k in range(recipe.auxiliary)}
        fresh += recipe.auxiliary
        for scope, table in zip(recipe.scopes, tables, strict=True):
            factors.append((tuple(names.get(variable, variable) for variable in scope), table))
    eye = np.eye(n)
    drawn = moved * eye[:, np.newaxis] + (1.0 - moved) * eye[np.newaxis]
    on_day = stays[0] * eye[path.on(seen)] + (1.0 - stays[0]) * drawn
    at_end = stays[1] * eye[np.newaxis] + (1.0 - stays[1]) * eye[:, np.newaxis]
    factors += [((by_day, before, free), on_day[..., np.newaxis]), ((by_horizon, free, v), at_end[..., np.newaxis])]
    return factors, [n] * (fresh - free)


def _causes_of(network: AsOfNetwork, v: int) -> CausesRecipe:
    """Return the family of an event whose causes act each by itself."""
    return next(recipe for recipe in network.causes if isinstance(recipe, CausesRecipe) and recipe.v == v)


def _chained(leak: Sequence[Array], parts: Sequence[Sequence[Array]]) -> list[Array]:
    """Return a chain's tables, that of the event first."""
    ends, links = chain(NumpyMath, leak, parts)
    return [np.stack([np.stack(np.broadcast_arrays(*row), axis=-2) for row in ends]), *links]


def row_when(network: AsOfNetwork, c: int, v: int, state: int, day: date, theta: Array) -> list[Array]:
    """Compute the rows of a reached event if a parent is in a state on a day: a cause that comes early acts for longer.

    Args:
        network: compiled for the horizon.
        c: a reached event; v: one of its parents, reached too.
        state: of v on the day.
        day: after today and before the horizon.
        theta: (n_theta, draws).

    Returns:
        The factors of the row in the order of `network.families`: (*alive states of the scope, draws). Where v gets to
        its state at the horizon by the day, the change of the parents comes before the day; where v has not moved by
        then, after it; otherwise nothing is known of its date. Within that span it is distributed as in the rows
        themselves. Causes that act each by itself have dates of their own: only that of v is known better.
    """
    layout, known = network.layout, network.known
    path, mover = known.paths[c], known.paths[v]
    seen, alive = min(path.until, network.on), network.alive[c]
    current = mover.on(min(mover.until, network.on))

    def hazard(change: _Change, final: int, k: int) -> Array:
        when = "any day" if final == current else _WHEN.get((state == final, state == current), "any day")
        when = when if v in change.movers or not layout.acts_by_cause(c) else "any day"
        return _hazard_when(layout, change, when, day, _rates(layout, change, k, theta))

    if _is_chain(network, c):
        recipe = _causes_of(network, c)
        k = alive.start

        def states(change: _Change) -> list[Array]:
            return steps_taken(NumpyMath, [hazard(change, change.final, k)])

        return _chained(*_by_cause(network, recipe, states))
    parents = [network.alive[p] for p in layout.parents[c]]
    table = np.zeros((*(len(states) for states in parents), len(alive), theta.shape[1]))
    for places in product(*(range(len(states)) for states in parents)):
        configuration = tuple(states[place] for states, place in zip(parents, places, strict=True))
        final = configuration[layout.parents[c].index(v)]
        changes = _changes(network, c, _as_known(network, c, configuration, seen), configuration, seen)
        hazards = [
            reduce(add, (hazard(change, final, k) for change in changes)) for k in range(alive.start, alive.stop - 1)
        ]
        table[places] = np.stack(_taken(hazards, theta.shape[1]))
    return [table]


# By whether the parent has its state at the horizon on the day, and whether it still has the state of today.
_WHEN = {(True, False): "by the day", (False, True): "after the day"}


@dataclass(frozen=True)
class _Change:
    """An event whose parents change from what is known today to a configuration at the horizon, or one of its causes.

    `rows` of theta before and after, None where no cause acts; `movers`: the parents that have to move; `seen`: the
    last day known; `final`: the state of the parent whose cause it is.
    """

    v: int
    rows: tuple[int | None, int | None]
    movers: tuple[int, ...]
    seen: date
    on: date
    final: int = 0

    def pieces(self, layout: Layout, start: date, stop: date, until: date) -> tuple[Piece, ...]:
        """Cut the dates of the change between two days; exposures of the event are those until a third."""
        days = (float((day - layout.opens).days) for day in (self.seen, self.on, start, stop, until))
        return pieces_of_change(layout, self.v, self.movers, Spans(*days))


def _as_known(network: AsOfNetwork, v: int, configuration: Sequence[int], seen: date) -> tuple[int, ...]:
    """Return the parents' states as they are known, undated ones as in the configuration."""
    paths, parents = network.known.paths, network.layout.parents[v]
    return tuple(paths[p].on(seen) if p in paths else state for p, state in zip(parents, configuration, strict=True))


def _changes(network: AsOfNetwork, v: int, now: Sequence[int], then: Sequence[int], seen: date) -> list[_Change]:
    """Return the change of an event's parents; where its causes act each by itself, the leak's and each parent's."""
    layout = network.layout
    parents = layout.parents[v]
    if not layout.acts_by_cause(v):
        movers = tuple(p for p, before, after in zip(parents, now, then, strict=True) if before != after)
        return [_Change(v, (layout.row(v, tuple(now)), layout.row(v, tuple(then))), movers, seen, network.on)]
    return [
        _Change(v, (0, 0), (), seen, network.on),
        *(
            _cause(network, v, place, before, after, seen)
            for place, (before, after) in enumerate(zip(now, then, strict=True))
        ),
    ]


def _cause(network: AsOfNetwork, v: int, place: int, before: int, after: int, seen: date) -> _Change:
    layout = network.layout
    rows = layout.cause(v, place, before), layout.cause(v, place, after)
    movers = (layout.parents[v][place],) if before != after else ()
    return _Change(v, rows, movers, seen, network.on, after)


def _by_cause(
    network: AsOfNetwork, recipe: CausesRecipe, states: Callable[[_Change], list[Array]]
) -> tuple[list[Array], list[list[Array]]]:
    """Return what `states` gives for the leak, and for each parent by state: (alive states of the parent, draws)."""
    v, paths = recipe.v, network.known.paths
    seen = min(paths[v].until, network.on)
    leak, parts = states(_Change(v, (0, 0), (), seen, network.on)), []
    for place, p in enumerate(network.layout.parents[v]):
        before = (paths[p].on(seen) if p in paths else None for _ in network.alive[p])
        changes = (
            _cause(network, v, place, x if now is None else now, x, seen)
            for x, now in zip(network.alive[p], before, strict=True)
        )
        parts.append([np.stack(of_state) for of_state in zip(*map(states, changes), strict=True)])
    return leak, parts


def _rates(layout: Layout, change: _Change, k: int, theta: Array) -> tuple[Array, Array]:
    """Return the hazards of step k over the window before a change and after it (draws)."""
    now, then = (
        np.zeros(theta.shape[1]) if row is None else theta[layout.theta_index(change.v, row, k)] for row in change.rows
    )
    return now, then


def _row(layout: Layout, v: int, configuration: tuple[int, ...], theta: Array) -> Array:
    """Return the probabilities (states, draws) of a row of an event that is not reached."""
    states = range(layout.cards[v])
    if layout.acts_by_cause(v):
        causes = [[layout.theta_index(v, cause, x) for x in states] for cause in acting(layout, v, configuration)]
        return np.concatenate(RowOfCauses(False, np.array(causes, dtype=np.intp)).numbers(theta))
    return theta[layout.theta_index(v, layout.row(v, configuration), 0) :][: len(states)]


def _hazard_when(layout: Layout, change: _Change, when: str, day: date, hazards: tuple[Array, Array]) -> Array:
    """Compute the cumulative hazard until the horizon of a step whose parents move by a day, after it, or on any day.

    `hazards` are those over the whole window, before the change and after it.
    """
    seen, on = change.seen, change.on
    if is_constant(layout, [change.v, *change.movers]):
        part, rest = (day - seen).days / (on - seen).days, exposed_between(layout, change.v, seen, on)
        now, then = (rest * hazard for hazard in hazards)
        if when == "by the day":
            return np.asarray(mean_hazard(NumpyMath, part * now, part * then) + (1.0 - part) * then)
        if when == "after the day":
            return np.asarray(part * now + mean_hazard(NumpyMath, (1.0 - part) * now, (1.0 - part) * then))
        return np.asarray(mean_hazard(NumpyMath, now, then))
    ends = {"by the day": (seen, day), "after the day": (day, on)}.get(when, (seen, on))
    # Where the change cannot come within these days, nothing comes of the case, and any date serves.
    pieces = change.pieces(layout, *ends, on) or change.pieces(layout, seen, on, on)
    total = sum(piece.weight for piece in pieces)
    shares = [piece._replace(weight=piece.weight / total) for piece in pieces]
    return np.asarray(changed_hazard(NumpyMath, *hazards, shares))


def _status(layout: Layout, v: int, rows: tuple[Array, Array], current: int, spans: tuple[int, int]) -> Array:
    """P(state at the horizon, state on the day) of a status, up to a factor: (states, states, draws)."""
    n = layout.cards[v]
    persistence = layout.events[v].persistence_days
    now, then = rows
    stays = [exp(-days / persistence) if persistence else 0.0 for days in spans]
    moved = _moved_before_redraw(spans, persistence)
    drawn = (1.0 - moved) * now + moved * then
    first = stays[0] * np.eye(n)[current][:, np.newaxis] + (1.0 - stays[0]) * drawn
    last = stays[1] * np.eye(n)[:, :, np.newaxis] + (1.0 - stays[1]) * then[:, np.newaxis]
    return np.asarray(last * first)


def _moved_before_redraw(spans: tuple[int, int], persistence: float | None) -> float:
    """Return the probability that parents which move by the horizon had done so at the last redraw before the day.

    Their date is uniform over both spans; the redraw's age has an exponential distribution cut off at the first span.
    """
    days, rest = spans
    return (days - _age(days, persistence)) / (days + rest)


def _age(days: int, persistence: float | None) -> float:
    """Return the mean age of the last redraw on the last of some days, given that there was one."""
    # e^-x / (1 - e^-x), which does not overflow where a status is redrawn many times a day.
    return persistence + days * exp(-days / persistence) / expm1(-days / persistence) if persistence else 0.0


def _reached(layout: Layout, changes: Sequence[_Change], alive: range, day: date, theta: Array) -> Array:
    """P(state at the horizon, state on the day) of a reached event, both counted from the current one."""
    n = len(alive)
    joint = np.zeros((n, n, theta.shape[1]))
    before, after = [], []
    for k in range(alive.start, alive.stop - 1):
        rates = [_rates(layout, change, k, theta) for change in changes]
        ways = list(zip(changes, rates, strict=True))
        whole = reduce(add, (_hazard_when(layout, change, "any day", day, rate) for change, rate in ways))
        until = reduce(add, (_hazard_until(layout, change, day, rate) for change, rate in ways))
        before.append(until)
        # Survival never rises with time; what is below zero is rounding.
        after.append(np.maximum(whole - until, 0.0))
    taken = _taken(before, theta.shape[1])
    for y in range(n):
        for x, chance in enumerate(_taken(after[y:], theta.shape[1]), y):
            joint[x, y] = taken[y] * chance
    return joint


def _hazard_until(layout: Layout, change: _Change, day: date, hazards: tuple[Array, Array]) -> Array:
    """Compute the cumulative hazard until a day, if the parents move on a date of the span until the horizon.

    With an even pace the change comes after the day with probability 1 - part, and is otherwise uniform before it.
    `hazards` are those over the whole window, before the change and after it.
    """
    seen, on = change.seen, change.on
    if is_constant(layout, [change.v, *change.movers]):
        part, rest = (day - seen).days / (on - seen).days, exposed_between(layout, change.v, seen, on)
        now, then = (rest * hazard for hazard in hazards)
        quiet, moved = np.exp(-part * now), np.exp(-mean_hazard(NumpyMath, part * now, part * then))
        return np.asarray(-np.log((1.0 - part) * quiet + part * moved))
    pieces = change.pieces(layout, seen, day, day)
    later = max(0.0, 1.0 - sum(piece.weight for piece in pieces))  # what is below zero is rounding
    quiet_exposure = exposed_between(layout, change.v, seen, day)
    return np.asarray(changed_hazard(NumpyMath, *hazards, [*pieces, Piece(later, quiet_exposure, 0.0, 0.0)]))


def _taken(hazards: Sequence[Array], draws: int) -> list[Array]:
    """Return P(0, 1, .. steps are taken); a step without any hazard lacks what it requires, and ends the way."""
    possible = next((k for k, hazard in enumerate(hazards) if not hazard.any()), len(hazards))
    taken = steps_taken(NumpyMath, hazards[:possible]) if possible else [np.ones(draws)]
    return [*taken, *(np.zeros(draws) for _ in hazards[possible:])]


# The network through dates on the way: which states events are in then, and how they go on from there.
#
# A condition by a date is about two days at once. The events that matter get a variable for each day on the way: up
# to the first of them the rows are those of the network as of today, from then on those of a network in which the
# states of that day are what is known.


@dataclass(frozen=True, kw_only=True)
class Sliced:
    """A network with days on the way. `at[day, event]` is the variable of an event on such a day.

    The variable of an event on the last day is the event's own number, as in the network without them.
    """

    network: AsOfNetwork
    at: Mapping[tuple[date, int], int]


LARGEST_STARTED = 4096  # entries of the table of an event whose causes act each by itself, from day to day


class CausesOnTheWayError(ValueError):
    """An event has too many causes that act each by itself to go on from the states of a day; its id."""


def compile_through(network: AsOfNetwork, days: Sequence[date], about: Iterable[int]) -> Sliced:
    """Compile a network with days on the way.

    Args:
        network: compiled for a later date than all days.
        days: after today and before that date, in order.
        about: the events that are spoken of. These, those that reports or the past speak of, and what any of them
            descends from have states on the days; what the others do changes nothing that is read of them.

    What was reported is about the states on the last day, as in the network itself.

    Raises:
        CausesOnTheWayError: an event that matters is a `noisy_or` or `noisy_max` of too many parents.
    """
    layout, known = network.layout, network.known
    dated = _dated_ancestors(network, about)
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
    for v in filter(layout.acts_by_cause, dated):
        if prod(layout.cards[variables[p]] for p in (*parents[v], v)) > LARGEST_STARTED:
            raise CausesOnTheWayError(layout.events[v].id)
    reached = {stretch.place for stretch in stretches}
    others = [v for v in range(len(layout.cards)) if v not in reached and not layout.acts_by_cause(v)]
    parts = [_moved(layout, sliced, row_recipe(layout, known, network.on, others), {v: v for v in others})]
    parts.append(_moved(layout, sliced, row_recipe(layout, known, days[0], dated), {v: at[days[0], v] for v in dated}))
    parts += [part for stretch in stretches for part in _rows_from(layout, sliced, network, stretch)]
    causes, auxiliary = _causes_through(network, sliced, at, stretches)
    made = replace(
        network,
        layout=sliced,
        rows=_joined(sliced, parts),
        alive=(*network.alive[: len(layout.cards)], *(_alive(network, v, day) for day, v in at), *auxiliary),
        causes=causes,
    )
    return Sliced(network=made, at=at)


def _causes_through(
    network: AsOfNetwork, sliced: Layout, at: Mapping[tuple[date, int], int], stretches: Sequence[_Stretch]
) -> tuple[tuple[CausesRecipe | StartedRecipe, ...], list[range]]:
    """Return the families of independent causes, and the states of their auxiliary variables, behind the copies.

    Those of events on the way are tables over all parents; the others stay as they are.
    """
    layout, known = network.layout, network.known
    on_the_way = {v for _, v in at}
    made: list[CausesRecipe | StartedRecipe] = []
    auxiliary: list[range] = []
    for recipe in network.causes:
        if recipe.v in on_the_way or isinstance(recipe, StartedRecipe):
            continue
        first, free = len(layout.cards), len(sliced.cards) + len(auxiliary)
        places = sorted({v for scope in recipe.scopes for v in scope if v >= first})
        names = {v: free + place for place, v in enumerate(places)}
        auxiliary += [network.alive[v] for v in places]
        made.append(replace(recipe, scopes=tuple(tuple(names.get(v, v) for v in scope) for scope in recipe.scopes)))
    first_day = min((day for day, _ in at), default=network.on)
    for (day, v), place in at.items():
        if day == first_day and layout.acts_by_cause(v):
            recipe = causes_recipe(layout, known, day, v)
            made.append(replace(recipe, v=place, scopes=((*sliced.parents[place], place),)))
    for stretch in stretches:
        if layout.acts_by_cause(stretch.v):
            cards = tuple(layout.cards[p] for p in stretch.starts)
            from_each = tuple(
                causes_recipe(layout, _from_there(network, stretch, states), stretch.end, stretch.v)
                for states in product(*map(range, cards))
            )
            scopes = ((*sliced.parents[stretch.place], stretch.place),)
            made.append(StartedRecipe(v=stretch.place, starts=cards, from_each=from_each, scopes=scopes))
    return tuple(made), auxiliary


def _from_there(network: AsOfNetwork, stretch: _Stretch, states: Sequence[int]) -> Known:
    """Return what is known where some events are in some states on a day; what is settled beyond it stays so."""
    settled = network.known.paths
    paths = {
        p: settled[p] if settled[p].until > stretch.day else Path(state, (), stretch.day)
        for p, state in zip(stretch.starts, states, strict=True)
    }
    return Known(stretch.day, stretch.day, paths, {})


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


def _alive(network: AsOfNetwork, v: int, day: date) -> range:
    """Return the states that an event can be in on a day on the way."""
    path = network.known.paths[v]
    if day <= path.until:
        return range(path.on(day), path.on(day) + 1)
    return range(path.on(path.until) if network.layout.events[v].kind == "reached" else 0, network.layout.cards[v])


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
    for states in product(*(_alive(network, p, stretch.day) for p in stretch.starts)):
        recipe = row_recipe(layout, _from_there(network, stretch, states), stretch.end, (stretch.v,))
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
