"""CPT rows in which each cause brings an ordered event to some state, and the highest counts: `noisy_max`.

P(state <= y | u) = leak(y) prod_p F_p(y | u_p), with leak and F_p distribution functions over the event's states and
F_p = 1 for a parent in its first state, which brings about nothing (Diez 1993; a link is the cause's alone).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any

from forecast.cpt.kind import Collector, CptKind, Family, FamilyRows, Gathered, higher, softplus
from forecast.cpt.noisy_or import MEAN_LEAK, SD_LINK, NoisyOrRows, leak_sd, link_sd

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from forecast.cpt.kind import Index


@dataclass(frozen=True)
class NoisyMax:
    """What the leak and the causes of one nominal event with K ordered states bring about, each by itself.

    `beyond` (contributions, K - 1): numbers of the log-odds that a contribution goes beyond each state, once it is
    there; the leak's first. `rows[r]` are the contributions that act in row r of what theta holds, `theta` (rows, K)
    the indices; `open_` (rows, K) says which states the row leaves open: the distribution is that given one of these.
    """

    beyond: Index
    rows: tuple[tuple[int, ...], ...]
    theta: Index
    open_: NDArray[np.bool_]

    def values(self, xp: Any, eta: Any) -> list[tuple[Index, Any]]:
        """Compute theta of the event's rows, or of its causes."""
        made = _distribution(xp, [eta[numbers] for numbers in self.beyond.T])
        values = []
        alone = [r for r, acting in enumerate(self.rows) if len(acting) == 1 and self.open_[r].all()]
        causes = [self.rows[r][0] for r in alone]
        if alone:
            values += [(self.theta[alone, x], state[causes]) for x, state in enumerate(made)]
        for r in sorted({*range(len(self.rows))} - {*alone}):
            states, *others = ([state[cause : cause + 1] for state in made] for cause in self.rows[r])
            for other in others:
                states = higher(states, other)
            left = [(self.theta[r, x : x + 1], state) for x, state in enumerate(states) if self.open_[r, x]]
            if len(left) < len(made):
                total = sum((state for _, state in left[1:]), left[0][1])
                left = [(index, state / total) for index, state in left]
            values += left
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

        leak = [collector.new("alpha", f"{family.label(j)}|leak") for j in range(last)]
        beyond = [[collector.add({leak[j]: leak_sd(family)}, MEAN_LEAK + uniform[j]) for j in range(last)]]
        for place, x in family.links:
            cause = f"{family.parents[place].id}={family.parents[place].states[x]}"
            links = [collector.new("beta", f"{family.label(j)}|{cause}") for j in range(last)]
            sd = link_sd(family, place, SD_LINK)
            beyond.append([collector.add({links[j]: sd}, uniform[j]) for j in range(last)])
        rows = tuple(family.acting)
        theta = [[family.theta_index(row, x) for x in range(last + 1)] for row in range(len(rows))]
        open_ = np.array([[x in family.numbers(row) for x in range(last + 1)] for row in range(len(rows))])
        self._events.append(NoisyMax(np.array(beyond, dtype=np.intp), rows, np.array(theta, dtype=np.intp), open_))

    def recipe(self) -> NoisyMaxima | None:
        """Return how theta is computed."""
        return NoisyMaxima(tuple(self._events)) if self._events else None


class NoisyMaxCpt(CptKind):
    """Each cause brings an ordered event to some state, and the highest counts."""

    name = "noisy_max"
    can_lower = False
    order = 4
    acts_by_cause = True
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
    """Return the probability (contributions, draws) of each state from the log-odds of going beyond each."""
    log_there, states = -softplus(xp, -beyond[0]), [xp.exp(-softplus(xp, beyond[0]))]
    for eta in beyond[1:]:
        states.append(xp.exp(log_there - softplus(xp, eta)))
        log_there = log_there - softplus(xp, -eta)
    return [*states, xp.exp(log_there)]
