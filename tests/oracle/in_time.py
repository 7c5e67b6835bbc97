"""What statements with conditions in time read, by enumeration: the states on every day that is spoken of, joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import numpy as np
from numpy.typing import NDArray

from forecast.sampling.readings import read_at
from forecast.workspace.read_network import can_move
from forecast.workspace.records import Condition, DatedCondition, Item, Settled, Statement, Target, Workspace
from forecast.workspace.renames import DatedRates
from tests.oracle.enumeration import AsOf, States
from tests.oracle.statements import Reader
from tests.worlds import HERE, OPENS, item

Array = NDArray[np.float64]


class NothingToComeError(ValueError):
    """None of a condition's states can come at once."""


class TimedReader(Reader):
    """A reader that knows conditions at once and by a day."""

    def logs(self, made: Statement, target: Target) -> tuple[Array, Array]:
        """Log of P(target, given, known) and of P(not target, given, known)."""
        dated = [when for when in target.given if isinstance(when, DatedCondition)]
        if not dated:
            return super().logs(made, target)
        read = read_at(made, self.workspace.network)
        end = target.by or self.horizon(made)
        items = () if read is None else self.workspace.items
        known = replace(
            self.workspace, items=items, watched_until=None if read is None else self.workspace.watched_until
        )
        day = read or OPENS
        come = tuple(self._comes(known, day, when) for when in dated if when.held_by is None)
        known = replace(known, items=(*known.items, *come))
        held = [when for when in dated if when.held_by is not None]
        days = sorted({when.held_by for when in held if when.held_by is not None and when.held_by < end})
        shape = next(iter(self.theta.values())).shape
        logs: tuple[list[Array], list[Array]] = ([np.full(shape, -np.inf)], [np.full(shape, -np.inf)])
        asked = AsOf(known, self.theta, day, end)
        with np.errstate(divide="ignore"):
            for courses, chance in self.courses(known, day, days, end):
                on = dict(zip([*days, end], courses, strict=True))
                there = [on[when.held_by or end][when.event] in when.states for when in held]
                there += [on[end][w.event] in w.states for w in target.given if not isinstance(w, DatedCondition)]
                if all(there):
                    logs[0 if asked.holds(target, on[end]) else 1].append(chance)
        return np.logaddexp.reduce(logs[0]), np.logaddexp.reduce(logs[1])

    def _comes(self, known: Workspace, day: date, when: Condition) -> Item:
        """The item that a condition at once supposes: the next step of a reached event, the state of a status."""
        event, now = known.network.events[when.event], AsOf(known, self.theta, day)
        current = now.state(when.event, now.known_until(when.event))
        states = event.states[current + 1 :] if event.kind == "reached" else event.states
        coming = [state for state in states if state in when.states and state != event.states[current]]
        if not coming:
            raise NothingToComeError
        state = coming[0]
        return item(f"supposed-{when.event}", day, Settled(when.event, state, HERE))

    def courses(self, known: Workspace, day: date, days: list[date], end: date) -> Iterator[tuple[list[States], Array]]:
        """Every joint state on every day, and its log probability: rows from each day to the next, then the rest."""
        events, ends = known.network.events, [*days, end]
        dated = [name for name, event in events.items() if event.kind != "constant"]
        some = [dict(zip(events, x, strict=True)) for x in product(*(event.states for event in events.values()))]
        base, rows = AsOf(known, self.theta, day, end), _Rows(AsOf(known, self.theta, day, ends[0]))
        starts: dict[tuple[date, tuple[str, ...]], _Rows] = {}

        def walk(courses: list[States], chance: Array | float, rows: _Rows) -> Iterator[tuple[list[States], Array]]:
            if len(courses) == len(days):
                for last in some:
                    if all(last[name] == courses[0][name] for name in events if name not in dated and courses):
                        logs = {(name, rows.parents(name, last)): rows.logs(name, last) for name in events}
                        yield [*courses, last], base._log_chance(last, logs) + chance
                return
            at = days[len(courses)]
            for states in some:
                if courses and any(states[name] != courses[0][name] for name in events if name not in dated):
                    continue
                here = chance + sum(rows.logs(name, states)[events[name].states.index(states[name])] for name in dated)
                if not np.isneginf(np.max(here)):
                    key = at, tuple(states[name] for name in dated)
                    if key not in starts:
                        following = ends[len(courses) + 1]
                        starts[key] = _Rows(self._from(known, at, {name: states[name] for name in dated}, following))
                    yield from walk([*courses, states], here, starts[key])

        yield from walk([], 0.0, rows)

    def _from(self, known: Workspace, day: date, states: States, end: date) -> AsOf:
        """The network in which the states of a day are what is known."""
        seen = [item(f"seen-{name}", day, Settled(name, state, HERE)) for name, state in states.items()]
        return AsOf(replace(known, items=tuple(seen), watched_until=None), self.theta, day, end)


class _Rows:
    """The logs of the rows of one network, each once."""

    def __init__(self, network: AsOf) -> None:
        self._network = network
        self._made: dict[tuple[str, tuple[str, ...]], Array] = {}

    def parents(self, name: str, states: States) -> tuple[str, ...]:
        """The states of an event's parents."""
        return tuple(states[p] for p in self._network.network.events[name].parents)

    def logs(self, name: str, states: States) -> Array:
        """The log of an event's row (states, draws)."""
        key = name, self.parents(name, states)
        if key not in self._made:
            self._made[key] = np.log(self._network.row(*key))
        return self._made[key]


def with_times(rng: np.random.Generator, made: Statement, reader: Reader) -> Statement:
    """The statement with times for its conditions on dated events: at once, or by one of two days.

    Not by a day until which the event's timing lets nothing happen: a condition that is impossible, or certain.
    """
    network = reader.workspace.network
    read = read_at(made, network) or OPENS
    end = made.about.by or reader.horizon(made)
    span = (end - read).days
    if span < 3:
        return made
    n_days = 2 if len(network.events) < 3 else 1
    days = sorted(read + timedelta(days=int(rng.integers(1, span))) for _ in range(n_days))
    given = []
    for when in made.about.given:
        event, by = network.events[when.event], days[int(rng.integers(n_days))]
        is_still = isinstance(event.timing, DatedRates) and not can_move(event.timing, read, by)
        if event.kind == "constant" or is_still or rng.random() < 0.2:
            given.append(when)
        elif rng.random() < 0.3:
            given.append(DatedCondition(when.event, when.states[-1:], None))
        else:
            given.append(DatedCondition(when.event, when.states, by))
    return replace(made, about=replace(made.about, given=tuple(given)))
