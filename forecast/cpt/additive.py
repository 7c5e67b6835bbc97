"""CPT rows whose log-odds are sums of effects: `shared`, `table` and `logistic`.

For nominal events (status, constant) the log-odds are coordinates in a basis of the zero-sum vectors over the states,
and theta = softmax(eta); for reached events there is one of each step, and theta = -ln(1 - expit(eta)) = softplus(eta).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

from forecast.cpt.kind import Collector, Coordinate, CptKind, Family, FamilyRows, Gathered, columns, softplus

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from forecast.cpt.kind import Index
    from forecast.inference.linear import LinearMap

    Array = NDArray[np.float64]

# Standard deviations of the log-odds between two states: of the event, of one parent's effect, of one row.
SD_ALPHA, SD_BETA, SD_EPSILON = 1.5, 1.0, 0.3
# Of a row that shares nothing. Wider than a shared row in all (about 1.7), for a table is chosen where rows follow
# different rules: .02 and .98 lie 1.3 sds out, so that one statement can take a row there without its neighbours.
SD_TABLE = 3.0


@dataclass(frozen=True, kw_only=True)
class Additive:
    """Theta of all additive rows.

    Of reached steps the log-odds are those at `reached_eta` (theta index `reached`). `logits` turns those of nominal
    rows into one log-odds a state; `softmax[i][x]` are positions in `logits` of state x, `nominal[i][x]` the theta
    indices of the same entries; i counts the groups of rows of equally many states.
    """

    reached_eta: Index
    reached: Index
    logits: LinearMap
    softmax: tuple[tuple[Index, ...], ...]
    nominal: tuple[tuple[Index, ...], ...]

    def values(self, xp: Any, eta: Any) -> list[tuple[Index, Any]]:
        """Compute theta (`Recipe`)."""
        values = [(self.reached, softplus(xp, eta[self.reached_eta]))]
        logits = self.logits @ eta
        for positions, indices in zip(self.softmax, self.nominal, strict=True):
            states = [logits[state] for state in positions]
            peak = states[0]
            for state in states[1:]:
                peak = xp.maximum(peak, state)
            exponentials = [xp.exp(state - peak) for state in states]
            total = sum(exponentials[1:], exponentials[0])
            values += [(state, exponential / total) for state, exponential in zip(indices, exponentials, strict=True)]
        return values


class AdditiveRows(FamilyRows):
    """The rows of all additive events."""

    def __init__(self) -> None:
        self._reached_eta: list[int] = []
        self._reached: list[int] = []
        self._logits: list[dict[int, float]] = []
        self._softmax: dict[int, list[list[int]]] = {}
        self._nominal: dict[int, list[list[int]]] = {}

    def add(self, family: Family, etas: Sequence[Sequence[int]]) -> None:
        """Add an event's log-odds by their numbers, row by row, one for each step (or basis vector)."""
        from forecast.inference.linear import zero_sum_basis

        n = len(family.states)
        basis, states = zero_sum_basis(n), range(n)
        for row, numbers in enumerate(etas):
            if family.is_reached:
                self._reached_eta += numbers
                self._reached += [family.theta_index(row, j) for j in range(len(numbers))]
                continue
            self._softmax.setdefault(n, []).append([len(self._logits) + x for x in states])
            self._nominal.setdefault(n, []).append([family.theta_index(row, x) for x in states])
            self._logits += [{eta: float(basis[x, j]) for j, eta in enumerate(numbers)} for x in states]

    def recipe(self) -> Additive:
        """Return how theta is computed. Also of nothing: what is recorded decides the order of later sums."""
        from forecast.inference.linear import linear_map

        (reached_eta,), (reached,) = (
            columns([[eta] for eta in self._reached_eta], 1),
            columns([[index] for index in self._reached], 1),
        )
        return Additive(
            reached_eta=reached_eta,
            reached=reached,
            logits=linear_map(self._logits),
            softmax=tuple(columns(self._softmax[n], n) for n in sorted(self._softmax)),
            nominal=tuple(columns(self._nominal[n], n) for n in sorted(self._nominal)),
        )


class AdditiveCpt(CptKind):
    """A kind whose rows are log-odds that add up."""

    gathers = (AdditiveRows,)

    def add(self, family: Family, collector: Collector, gathered: Gathered) -> None:
        """Add an event."""
        # A ZeroSumNormal of scale sd / sqrt(2) has log-odds of sd between two states.
        scale = 1.0 if family.is_reached else 1.0 / sqrt(2.0)
        gathered.of(AdditiveRows).add(family, self.etas(family, collector, scale))

    @abstractmethod
    def etas(self, family: Family, collector: Collector, scale: float) -> list[list[int]]:
        """Add the log-odds of an event's rows, all sds times `scale`; return their numbers, row by row."""


class TableCpt(AdditiveCpt):
    """Every row by itself, for rules that hold in one row and not in another."""

    name = "table"
    order = 2
    fits_without_parents = True

    def etas(self, family: Family, collector: Collector, scale: float) -> list[list[int]]:
        """Add one coordinate for each row and number."""
        return [
            [collector.add({_own(family, row, j, collector): SD_TABLE * scale}) for j in range(len(family.states) - 1)]
            for row in range(len(family.configurations))
        ]


class SharedCpt(AdditiveCpt):
    """Parents' effects add up, and rows stay near their sum."""

    name = "shared"
    order = 1
    fits_without_parents = True
    has_own_rows = True

    def n_coordinates(self, n_states: int, parents: Sequence[int]) -> int:
        """Count the coordinates: of the event, of each parent's effect, of each row."""
        return (n_states - 1) * (1 + sum(states - 1 for states in parents) + prod(parents))

    def effects(self, n_states: int) -> Array:
        """Return a parent's effect in each of its states (states, coordinates): any that sum to zero."""
        from forecast.inference.linear import zero_sum_basis

        return zero_sum_basis(n_states)

    def etas(self, family: Family, collector: Collector, scale: float) -> list[list[int]]:
        """Add coordinates of the event, of each parent's effect and, where rows have one of their own, of each row."""
        numbers = range(len(family.states) - 1)
        effects = [self.effects(len(parent.states)) for parent in family.parents]
        alphas = [collector.new("alpha", f"{family.event}[{j}]") for j in numbers]
        betas = [
            [
                [collector.new("beta", f"{family.event}[{j}]|{parent.id}[{m}]") for m in range(effects[i].shape[1])]
                for i, parent in enumerate(family.parents)
            ]
            for j in numbers
        ]
        share = SD_BETA * scale / sqrt(max(len(effects), 1))
        rows = []
        for row, configuration in enumerate(family.configurations):
            etas = []
            for j in numbers:
                weights = {alphas[j]: SD_ALPHA * scale}
                for i, state in enumerate(configuration):
                    for m, beta in enumerate(betas[j][i]):
                        weights[beta] = share * float(effects[i][state, m])
                if self.has_own_rows:
                    weights[_own(family, row, j, collector)] = SD_EPSILON * scale
                etas.append(collector.add(weights))
            rows.append(etas)
        return rows


class LogisticCpt(SharedCpt):
    """One slope for each parent along the order of its states, and nothing of a row's own."""

    name = "logistic"
    order = 5
    fits_without_parents = False
    has_own_rows = False

    def n_coordinates(self, n_states: int, parents: Sequence[int]) -> int:
        """Count the coordinates: of the event, and a slope for each parent."""
        return (n_states - 1) * (1 + len(parents))

    def effects(self, n_states: int) -> Array:
        """Return a parent's effect in each of its states (states, 1), along a score.

        The score runs from 0 to 1 over the ordered states and counts from its middle, so that neither end is the
        reference. Its factor makes the effect of a parent with two states that of a free one.
        """
        import numpy as np

        return sqrt(2.0) * (np.arange(n_states) / (n_states - 1) - 0.5)[:, np.newaxis]


def _own(family: Family, row: int, j: int, collector: Collector) -> Coordinate:
    return collector.new("epsilon", f"{family.event}[{j}]|row {row}")
