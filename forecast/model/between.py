"""The state on a date between now and the horizon, given the states at the horizon: what watching will have shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from math import exp, expm1

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elementary import NumpyMath
from forecast.model.asof import AsOfNetwork
from forecast.model.hazard import (
    Piece,
    Spans,
    changed_hazard,
    exposed_between,
    is_constant,
    mean_hazard,
    pieces_of_change,
    steps_taken,
)
from forecast.model.layout import Layout

Array = NDArray[np.float64]


def watched_events(network: AsOfNetwork) -> tuple[int, ...]:
    """Return the dated events: of a constant nothing need ever be seen."""
    return tuple(v for v in range(len(network.layout.cards)) if network.layout.dated(v))


def between_table(network: AsOfNetwork, v: int, day: date, theta: Array) -> Array:
    """Compute P(state of v on a day | its state and its parents' states at the horizon).

    Args:
        network: compiled for the horizon.
        v: a dated event.
        day: after today and not after the horizon.
        theta: (n_theta, draws).

    Returns:
        (*alive states of the parents, alive states at the horizon, alive states on the day, draws), summing to one
        over the states on the day.

    A parent that is to move does so at a date of the rest of the window that is distributed as in the rows (for a
    status: uniform, whatever the parent's timing). A status is redrawn or keeps its state over each of the two spans,
    from the row of what its parents then are. A step of a reached event has a hazard that its parents and its timing
    decide, and the steps before and after the day are taken by two pure birth processes. The table is multiplied by
    the row, so the forecast at the horizon is untouched.
    """
    layout, path = network.layout, network.known.paths[v]
    seen = min(path.until, network.on)
    alive = network.alive[v]
    parents = [network.alive[p] for p in layout.parents[v]]
    table = np.zeros((*(len(states) for states in parents), len(alive), len(alive), theta.shape[1]))
    if day >= network.on or seen >= network.on:
        table[..., range(len(alive)), range(len(alive)), :] = 1.0
        return table
    spans = (day - seen).days, (network.on - day).days
    for places in product(*(range(len(states)) for states in parents)):
        configuration = tuple(states[place] for states, place in zip(parents, places, strict=True))
        change = _change(network, v, configuration, seen)
        if layout.events[v].kind == "status":
            joint = _status(layout, v, change.rows, path.on(seen), spans, theta)
        else:
            joint = _reached(layout, change, alive, day, theta)
        total = joint.sum(axis=1, keepdims=True)
        # A state that the row excludes has no past; any table that sums to one serves.
        table[places] = np.divide(joint, total, out=np.full_like(joint, 1.0 / len(alive)), where=total > 0.0)
    return table


def row_when(network: AsOfNetwork, c: int, v: int, state: int, day: date, theta: Array) -> Array:
    """Compute the rows of a reached event if a parent is in a state on a day: a cause that comes early acts for longer.

    Args:
        network: compiled for the horizon.
        c: a reached event; v: one of its parents, reached too.
        state: of v on the day.
        day: after today and before the horizon.
        theta: (n_theta, draws).

    Returns:
        (*alive states of the parents, alive states, draws). Where v gets to its state at the horizon by the day, the
        change of the parents comes before the day; where v has not moved by then, after it; otherwise nothing is known
        of its date. Within that span it is distributed as in the rows themselves.
    """
    layout, known = network.layout, network.known
    path, mover = known.paths[c], known.paths[v]
    seen, alive = min(path.until, network.on), network.alive[c]
    parents = [network.alive[p] for p in layout.parents[c]]
    table = np.zeros((*(len(states) for states in parents), len(alive), theta.shape[1]))
    current = mover.on(min(mover.until, network.on))
    for places in product(*(range(len(states)) for states in parents)):
        configuration = tuple(states[place] for states, place in zip(parents, places, strict=True))
        final = configuration[layout.parents[c].index(v)]
        change = _change(network, c, configuration, seen)
        when = "any day" if final == current else _WHEN.get((state == final, state == current), "any day")
        hazards = []
        for k in range(alive.start, alive.stop - 1):
            now, then = (theta[layout.theta_index(c, row, k)] for row in change.rows)
            hazards.append(_hazard_when(layout, change, when, day, (now, then)))
        table[places] = np.stack(_taken(hazards, theta.shape[1]))
    return table


# By whether the parent has its state at the horizon on the day, and whether it still has the state of today.
_WHEN = {(True, False): "by the day", (False, True): "after the day"}


@dataclass(frozen=True)
class _Change:
    """An event whose parents change from what is known today to a configuration at the horizon.

    `rows` of the event's CPT before and after; `movers`: the parents that have to move; `seen`: the last day known.
    """

    v: int
    rows: tuple[int, int]
    movers: tuple[int, ...]
    seen: date
    on: date

    def pieces(self, layout: Layout, start: date, stop: date, until: date) -> tuple[Piece, ...]:
        """Cut the dates of the change between two days; exposures of the event are those until a third."""
        days = (float((day - layout.opens).days) for day in (self.seen, self.on, start, stop, until))
        return pieces_of_change(layout, self.v, self.movers, Spans(*days))


def _change(network: AsOfNetwork, v: int, configuration: tuple[int, ...], seen: date) -> _Change:
    layout, paths = network.layout, network.known.paths
    parents = layout.parents[v]
    now = tuple(paths[p].on(seen) if p in paths else state for p, state in zip(parents, configuration, strict=True))
    movers = tuple(p for p, before, after in zip(parents, now, configuration, strict=True) if before != after)
    return _Change(v, (layout.row(v, now), layout.row(v, configuration)), movers, seen, network.on)


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


def _status(layout: Layout, v: int, rows: tuple[int, int], current: int, spans: tuple[int, int], theta: Array) -> Array:
    """P(state at the horizon, state on the day) of a status, up to a factor: (states, states, draws)."""
    n = layout.cards[v]
    persistence = layout.events[v].persistence_days
    now, then = (theta[layout.theta_index(v, row, 0) :][:n] for row in rows)
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
    # e^-x / (1 - e^-x), which does not overflow where a status is redrawn many times a day.
    age = persistence + days * exp(-days / persistence) / expm1(-days / persistence) if persistence else 0.0
    return (days - age) / (days + rest)


def _reached(layout: Layout, change: _Change, alive: range, day: date, theta: Array) -> Array:
    """P(state at the horizon, state on the day) of a reached event, both counted from the current one."""
    n = len(alive)
    joint = np.zeros((n, n, theta.shape[1]))
    before, after = [], []
    for k in range(alive.start, alive.stop - 1):
        now, then = (theta[layout.theta_index(change.v, row, k)] for row in change.rows)
        whole = _hazard_when(layout, change, "any day", day, (now, then))
        until = _hazard_until(layout, change, day, (now, then))
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
