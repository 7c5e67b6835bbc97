"""CPT rows in which each cause brings an ordered event to some state, and the highest counts: `noisy_max`.

P(state <= y | u) = leak(y) prod_p F_p(y | u_p), with leak and F_p distribution functions over the event's states and
F_p = 1 for a parent in its first state, which brings about nothing (Diez 1993; a link is the cause's alone).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any

from forecast.cpt.kind import Collector, CptKind, Family, FamilyRows, Gathered, softplus
from forecast.cpt.noisy_or import MEAN_LEAK, SD_LEAK, SD_LINK, NoisyOrRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forecast.cpt.kind import Index


@dataclass(frozen=True)
class NoisyMax:
    """Rows of one nominal event with K ordered states.

    `beyond` (contributions, K - 1): numbers of the log-odds that a contribution goes beyond each state, once it is
    there. `rows[r]` are the contributions that act in row r, the leak's first; `theta` (rows, K) the indices.
    """

    beyond: Index
    rows: tuple[tuple[int, ...], ...]
    theta: Index

    def values(self, xp: Any, eta: Any) -> list[tuple[Index, Any]]:
        """Compute theta of the event's rows."""
        contributions = [_distribution(xp, [eta[number : number + 1] for number in numbers]) for numbers in self.beyond]
        values = []
        for row, indices in zip(self.rows, self.theta, strict=True):
            states = contributions[row[0]]
            for number in row[1:]:
                states = _higher(states, contributions[number])
            values += [(indices[x : x + 1], state) for x, state in enumerate(states)]
        return values


@dataclass(frozen=True)
class NoisyMaxima:
    """The rows of all nominal noisy-MAX events."""

    events: tuple[NoisyMax, ...]

    def values(self, xp: Any, eta: Any) -> list[tuple[Index, Any]]:
        """Compute theta (`Recipe`)."""
        return [entry for event in self.events for entry in event.values(xp, eta)]


class NoisyMaxRows(FamilyRows):
    """The rows of all nominal noisy-MAX events."""

    def __init__(self) -> None:
        self._events: list[NoisyMax] = []

    def add(self, family: Family, collector: Collector) -> None:
        """Add an event. Its causes' contributions are centred on the uniform distribution over the states.

        The log-odds of the leak are lower by as much as those of a noisy-OR, of which this is the case of two states.
        """
        import numpy as np

        last = len(family.states) - 1
        uniform = [log(last - j) for j in range(last)]  # once at state j, last - j states lie beyond

        leak = [collector.new("alpha", f"{family.event}[{j}]|leak") for j in range(last)]
        beyond = [[collector.add({leak[j]: SD_LEAK}, MEAN_LEAK + uniform[j]) for j in range(last)]]
        number = {}
        for i, parent in enumerate(family.parents):
            for x in range(1, len(parent.states)):
                number[i, x] = len(beyond)
                cause = f"{parent.id}={parent.states[x]}"
                links = [collector.new("beta", f"{family.event}[{j}]|{cause}") for j in range(last)]
                beyond.append([collector.add({links[j]: SD_LINK}, uniform[j]) for j in range(last)])
        rows = tuple(
            (0, *(number[i, x] for i, x in enumerate(configuration) if x > 0))
            for configuration in family.configurations
        )
        theta = [[family.theta_index(row, x) for x in range(last + 1)] for row in range(len(rows))]
        self._events.append(NoisyMax(np.array(beyond, dtype=np.intp), rows, np.array(theta, dtype=np.intp)))

    def recipe(self) -> NoisyMaxima | None:
        """Return how theta is computed."""
        return NoisyMaxima(tuple(self._events)) if self._events else None


class NoisyMaxCpt(CptKind):
    """Each cause brings an ordered event to some state, and the highest counts."""

    name = "noisy_max"
    order = 4
    gathers = (NoisyMaxRows,)

    def n_coordinates(self, n_states: int, parents: Sequence[int]) -> int:
        """Count the coordinates: of the leak, and of a link for each state of a parent but its first."""
        return (n_states - 1) * (1 + sum(states - 1 for states in parents))

    def add(self, family: Family, collector: Collector, gathered: Gathered) -> None:
        """Add an event: of a reached one the steps are the order, and each is a noisy OR."""
        if family.is_reached:
            gathered.of(NoisyOrRows).add(family, collector)
        else:
            gathered.of(NoisyMaxRows).add(family, collector)


def _distribution(xp: Any, beyond: list[Any]) -> list[Any]:
    """Return the probability (1, draws) of each state from the log-odds (1, draws) of going beyond each."""
    log_there, states = -softplus(xp, -beyond[0]), [xp.exp(-softplus(xp, beyond[0]))]
    for eta in beyond[1:]:
        states.append(xp.exp(log_there - softplus(xp, eta)))
        log_there = log_there - softplus(xp, -eta)
    return [*states, xp.exp(log_there)]


def _higher(first: list[Any], second: list[Any]) -> list[Any]:
    """Return the distribution of the higher of two independent states, as sums of products.

    Differences of cumulative products would lose the digits of small probabilities, and could turn out negative.
    """
    below_first, up_to_second = first[0], second[0]
    states = [below_first * up_to_second]
    for x in range(1, len(first)):
        up_to_second = up_to_second + second[x]
        states.append(first[x] * up_to_second + below_first * second[x])
        below_first = below_first + first[x]
    return states
