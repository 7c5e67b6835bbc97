"""Where each number of the network stands: events by index, CPT rows in C order, one flat parameter vector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from forecast.workspace.family_sizes import holds_causes
from forecast.workspace.records import Event, Network, Scenario

Index = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Indices of a network's parts.

    The flat parameter vector `theta` holds, event after event and row after row,
    - for a reached event one number a step: the cumulative hazard over the whole window, -ln(1 - P(step taken));
    - for a status or constant event one number a state: the probability of the state.

    A step or state that lacks what it requires (`excluded`) is zero there, and what all else is made of follows. Of an
    event whose causes act each by itself (`acts_by_cause`) theta holds in the place of rows the same numbers of each
    cause: of the leak, then of every state of every parent but its first.
    """

    events: tuple[Event, ...]
    index: dict[str, int]
    cards: tuple[int, ...]
    parents: tuple[tuple[int, ...], ...]
    offsets: tuple[int, ...]  # of each event's first number in theta
    table_offsets: tuple[int, ...]  # of each event's first entry in the flat vector of compiled rows, if it is there
    n_theta: int
    n_table: int
    excluded: frozenset[int]  # indices in theta that are zero, for a row lacks what its event requires
    opens: date
    horizon: date  # the day that is asked about
    window_ends: date  # of the window that hazards speak of; the horizon may have been rolled beyond it

    @property
    def window_days(self) -> int:
        """Days of the window that hazards speak of."""
        return (self.window_ends - self.opens).days

    def acts_by_cause(self, v: int) -> bool:
        """Whether theta holds the causes of event v in the place of its rows."""
        return holds_causes(self.events[v])

    def n_rows(self, v: int) -> int:
        """Rows of theta of event v: parent configurations, or causes."""
        return _n_rows(self.events[v], [self.cards[p] for p in self.parents[v]])

    def cause(self, v: int, place: int, state: int) -> int | None:
        """Row of theta of the cause that a state of a parent (by its place) is; None for its first state."""
        before = sum(self.cards[p] - 1 for p in self.parents[v][:place])
        return before + state if state else None

    def width(self, v: int) -> int:
        """Numbers of theta in one row of event v: steps of a reached event, states of the others."""
        return self.cards[v] - 1 if self.events[v].kind == "reached" else self.cards[v]

    def configurations(self, v: int) -> list[tuple[int, ...]]:
        """Parent configurations of event v in row order."""
        return list(product(*(range(self.cards[p]) for p in self.parents[v])))

    def row(self, v: int, configuration: tuple[int, ...]) -> int:
        """Row number of a parent configuration."""
        if not configuration:
            return 0
        return int(np.ravel_multi_index(configuration, [self.cards[p] for p in self.parents[v]]))

    def theta_index(self, v: int, row: int, k: int) -> int:
        """Index in theta of number k (a step, or a state) of a row."""
        return self.offsets[v] + row * self.width(v) + k

    def possible(self, v: int, row: int) -> tuple[int, ...]:
        """Return the numbers of a row (steps, or states) that do not lack what they require."""
        return tuple(k for k in range(self.width(v)) if self.theta_index(v, row, k) not in self.excluded)

    def dated(self, v: int) -> bool:
        """Whether the event has a public history (reached or status)."""
        return self.events[v].kind != "constant"

    def state(self, event: str, state: str) -> int:
        """Index of a state of an event."""
        return self.events[self.index[event]].states.index(state)


def lay_out(network: Network) -> Layout:
    """Number the events (file order) and place their CPT rows."""
    events = tuple(network.events.values())
    index = {event.id: v for v, event in enumerate(events)}
    cards = tuple(len(event.states) for event in events)
    parents = tuple(tuple(index[p] for p in event.parents) for event in events)
    offsets, table_offsets = [0], [0]
    for v, event in enumerate(events):
        rows = _n_rows(event, [cards[p] for p in parents[v]])
        offsets.append(offsets[-1] + rows * (cards[v] - 1 if event.kind == "reached" else cards[v]))
        in_table = 0 if holds_causes(event) else rows
        table_offsets.append(table_offsets[-1] + in_table * cards[v])
    layout = Layout(
        events=events,
        index=index,
        cards=cards,
        parents=parents,
        offsets=tuple(offsets[:-1]),
        table_offsets=tuple(table_offsets[:-1]),
        n_theta=offsets[-1],
        n_table=table_offsets[-1],
        excluded=frozenset(),
        opens=network.opens,
        horizon=network.horizon,
        window_ends=network.window_ends,
    )
    return replace(layout, excluded=frozenset(_excluded(layout)))


def _excluded(layout: Layout) -> Iterator[int]:
    """Yield the indices in theta of the steps and states that lack what their event requires of its parents."""
    for v, event in enumerate(layout.events):
        first = 1 if event.kind == "reached" else 0  # step k leads to state k + 1
        needs = {event.states.index(one.state) - first: one for one in event.requires}
        for row, configuration in enumerate(layout.configurations(v) if needs else ()):
            parents = zip(layout.parents[v], configuration, strict=True)
            states = {layout.events[p].id: layout.events[p].states[x] for p, x in parents}
            yield from (layout.theta_index(v, row, k) for k, one in needs.items() if not one.is_met(states))


def _n_rows(event: Event, parents: Sequence[int]) -> int:
    return 1 + sum(card - 1 for card in parents) if holds_causes(event) else prod(parents)


def rule_events(layout: Layout, scenarios: Sequence[Scenario]) -> tuple[int, ...]:
    """Return the events that the rules mention, in layout order."""
    return tuple(sorted({layout.index[condition.event] for rule in scenarios for condition in rule.when}))


def scenario_of_each(layout: Layout, scenarios: Sequence[Scenario]) -> NDArray[np.intp]:
    """Return which scenario each joint state is (*cards of the rule events); the first rule that holds wins.

    The last number, that of the scenarios, is `other`.
    """
    events = rule_events(layout, scenarios)
    which = np.full([layout.cards[v] for v in events], len(scenarios), dtype=np.intp)
    for number, rule in reversed(list(enumerate(scenarios))):
        holds = np.ones((1,) * len(events), dtype=bool)
        for condition in rule.when:
            v = layout.index[condition.event]
            named = np.array([state in condition.states for state in layout.events[v].states])
            holds = holds & named.reshape([-1 if other == v else 1 for other in events])
        which[np.broadcast_to(holds, which.shape)] = number
    return which


def scenario_masks(layout: Layout, scenarios: Sequence[Scenario]) -> NDArray[np.float64]:
    """Compute 0/1 masks (scenarios + `other`, *cards of the rule events); the first rule that holds wins."""
    which = scenario_of_each(layout, scenarios)
    numbers = np.arange(len(scenarios) + 1).reshape([-1] + [1] * which.ndim)
    return np.asarray(which == numbers, dtype=np.float64)
