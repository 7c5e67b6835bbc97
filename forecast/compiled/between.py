"""The state on a date between now and the horizon, given the states at the horizon: what watching will have shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import product
from math import exp, expm1

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import AsOfNetwork
from forecast.compiled.hazard import mean_hazard, steps_taken
from forecast.compiled.layout import Layout
from forecast.inference.elementary import NumpyMath

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

    A parent that is to move does so at a uniform date of the rest of the window, as in the rows. A status is redrawn
    or keeps its state over each of the two spans, from the row of what its parents then are. A step of a reached
    event has a constant hazard given its parents, and the steps before and after the day are taken by two pure birth
    processes. The table is multiplied by the row, so the forecast at the horizon is untouched.
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
        rows = layout.row(v, _as_known(network, v, configuration, seen)), layout.row(v, configuration)
        span = _status if layout.events[v].kind == "status" else _reached
        joint = span(layout, v, rows, (alive, path.on(seen)), spans, theta)
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
        change of the parents is uniform before the day; where v has not moved by then, it is uniform after it;
        otherwise nothing is known of its date, as in the rows themselves.
    """
    layout, known = network.layout, network.known
    path, mover = known.paths[c], known.paths[v]
    seen, alive = min(path.until, network.on), network.alive[c]
    parents = [network.alive[p] for p in layout.parents[c]]
    table = np.zeros((*(len(states) for states in parents), len(alive), theta.shape[1]))
    spans = (day - seen).days, (network.on - day).days
    part, rest = spans[0] / sum(spans), sum(spans) / layout.window_days
    current = mover.on(min(mover.until, network.on))
    for places in product(*(range(len(states)) for states in parents)):
        configuration = tuple(states[place] for states, place in zip(parents, places, strict=True))
        final = configuration[layout.parents[c].index(v)]
        rows = layout.row(c, _as_known(network, c, configuration, seen)), layout.row(c, configuration)
        hazards = []
        for k in range(alive.start, alive.stop - 1):
            now, then = (rest * theta[layout.theta_index(c, row, k)] for row in rows)
            if final != current and state == final:
                hazard = mean_hazard(NumpyMath, part * now, part * then) + (1.0 - part) * then
            elif final != current and state == current:
                hazard = part * now + mean_hazard(NumpyMath, (1.0 - part) * now, (1.0 - part) * then)
            else:
                hazard = mean_hazard(NumpyMath, now, then)
            hazards.append(hazard)
        table[places] = np.stack(_taken(hazards, theta.shape[1]))
    return table


def _as_known(network: AsOfNetwork, v: int, configuration: tuple[int, ...], day: date) -> tuple[int, ...]:
    paths = network.known.paths
    return tuple(
        paths[p].on(day) if p in paths else state
        for p, state in zip(network.layout.parents[v], configuration, strict=True)
    )


def _status(
    layout: Layout, v: int, rows: tuple[int, int], known: tuple[range, int], spans: tuple[int, int], theta: Array
) -> Array:
    """P(state at the horizon, state on the day) of a status, up to a factor: (states, states, draws)."""
    n, current = layout.cards[v], known[1]
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
    age = persistence - days / expm1(days / persistence) if persistence else 0.0
    return (days - age) / (days + rest)


def _reached(
    layout: Layout, v: int, rows: tuple[int, int], known: tuple[range, int], spans: tuple[int, int], theta: Array
) -> Array:
    """P(state at the horizon, state on the day) of a reached event, both counted from the current one."""
    alive, _ = known
    n, part, rest = len(alive), spans[0] / sum(spans), sum(spans) / layout.window_days
    joint = np.zeros((n, n, theta.shape[1]))
    before, after = [], []
    for k in range(alive.start, alive.stop - 1):
        now, then = (rest * theta[layout.theta_index(v, row, k)] for row in rows)
        whole = mean_hazard(NumpyMath, now, then)
        until = _hazard_until(part, now, then)
        before.append(until)
        # Survival never rises with time; what is below zero is rounding.
        after.append(np.maximum(whole - until, 0.0))
    taken = _taken(before, theta.shape[1])
    for y in range(n):
        for x, chance in enumerate(_taken(after[y:], theta.shape[1]), y):
            joint[x, y] = taken[y] * chance
    return joint


def _hazard_until(part: float, now: Array, then: Array) -> Array:
    """Compute the cumulative hazard over the first `part` of a span at a uniform date of which the hazard changes.

    The change comes after the part with probability 1 - part, and is otherwise uniform within it.
    """
    quiet, moved = np.exp(-part * now), np.exp(-mean_hazard(NumpyMath, part * now, part * then))
    return np.asarray(-np.log((1.0 - part) * quiet + part * moved))


def _taken(hazards: Sequence[Array], draws: int) -> list[Array]:
    return steps_taken(NumpyMath, hazards) if hazards else [np.ones(draws)]
