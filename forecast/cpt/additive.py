"""CPT rows whose log-odds are sums of effects: `shared`, `table` and `logistic`.

For nominal events (status, constant) the log-odds are coordinates in a basis of the zero-sum vectors over the states,
and theta = softmax(eta); for reached events there is one of each step, and theta = -ln(1 - expit(eta)) = softplus(eta).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

from forecast.cpt.kind import (
    Collector,
    Configuration,
    Coordinate,
    CptKind,
    Family,
    FamilyRows,
    Gathered,
    columns,
    softplus,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from forecast.cpt.kind import Index
    from forecast.inference.tape import LinearMap

    Array = NDArray[np.float64]

# Standard deviations of the log-odds between two states: of the event, of one parent's effect, of one row.
# A strong cause moves them by 8, of a single binary parent 2.3 sds (of 2.5 times the root of 2) away.
SD_ALPHA, SD_BETA, SD_EPSILON = 1.5, 2.5, 0.3
# Of an event that is stated as a whole: .02 and .98 lie 1.5 sds out, so that a statement is hardly drawn back towards
# one half. Effects stay as they are: where they are wider, the sampler's trajectories are twice as long.
SD_ALPHA_STATED = 2.5
# Of a row that shares nothing. Wider than a shared row in all (about 2.4), for a table is chosen where rows follow
# different rules: .02 and .98 lie 1.3 sds out, so that one statement can take a row there without its neighbours.
SD_TABLE = 3.0
# Of what all rows of a table have in common, once it is stated as a whole: its rows' mean has only sd 3 / sqrt(rows).
SD_TABLE_STATED = 3.0
# What a parent with a direction does over its whole range, before softplus: median 1.3 in log-odds, 7 at two sds.
MEAN_RISE, SD_RISE = 1.0, 3.0


@dataclass(frozen=True, kw_only=True)
class Additive:
    """Theta of all additive rows.

    Of reached steps the log-odds are those at `reached_eta` (theta index `reached`). `logits` turns those of nominal
    rows into one log-odds a state; `softmax[i][x]` are positions in `logits` of state x, `nominal[i][x]` the theta
    indices of the same entries; i counts the groups of rows of equally many states. What parents with a direction do is
    never negative: softplus of the log-odds at `rising`, which `reached_rises` and `logit_rises` add to the others.
    """

    reached_eta: Index
    reached: Index
    logits: LinearMap
    rising: Index
    reached_rises: LinearMap
    logit_rises: LinearMap
    softmax: tuple[tuple[Index, ...], ...]
    nominal: tuple[tuple[Index, ...], ...]

    def values(self, xp: Any, eta: Any) -> list[tuple[Index, Any]]:
        """Compute theta (`Recipe`)."""
        reached, logits = eta[self.reached_eta], self.logits @ eta
        if self.rising.size:
            rises = softplus(xp, eta[self.rising])
            reached, logits = reached + self.reached_rises @ rises, logits + self.logit_rises @ rises
        values = [(self.reached, softplus(xp, reached))]
        for positions, indices in zip(self.softmax, self.nominal, strict=True):
            states = [logits[state] for state in positions]
            peak = states[0]
            for state in states[1:]:
                peak = xp.maximum(peak, state)
            exponentials = [xp.exp(state - peak) for state in states]
            total = sum(exponentials[1:], exponentials[0])
            values += [(state, exponential / total) for state, exponential in zip(indices, exponentials, strict=True)]
        return values


Rises = dict[int, float]  # the weight of each rise, by the number of its log-odds before softplus


class AdditiveRows(FamilyRows):
    """The rows of all additive events."""

    def __init__(self) -> None:
        self._reached_eta: list[int] = []
        self._reached: list[int] = []
        self._logits: list[dict[int, float]] = []
        self._reached_rises: list[Rises] = []
        self._logit_rises: list[Rises] = []
        self._softmax: dict[int, list[list[int]]] = {}
        self._nominal: dict[int, list[list[int]]] = {}

    def add(self, family: Family, etas: Sequence[Sequence[int]], rises: Sequence[Sequence[Rises]] = ()) -> None:
        """Add an event's log-odds by their numbers, row by row, one for each step (or basis vector).

        `rises` are added to them, in the same order; empty: none.
        """
        from forecast.inference.tape import zero_sum_basis

        for row, numbers in enumerate(etas):
            own = rises[row] if rises else [{} for _ in numbers]
            if family.is_reached:
                self._reached_eta += numbers
                self._reached_rises += own
                self._reached += [family.theta_index(row, j) for j in range(len(numbers))]
                continue
            # Over the states that the row leaves open; log-odds of them alone, or of all the event's states.
            states = family.numbers(row)
            n = len(states)
            basis = zero_sum_basis(len(numbers) + 1)
            places = range(n) if len(numbers) + 1 == n else states
            self._softmax.setdefault(n, []).append([len(self._logits) + i for i in range(n)])
            self._nominal.setdefault(n, []).append([family.theta_index(row, x) for x in states])
            self._logits += [{eta: float(basis[place, j]) for j, eta in enumerate(numbers)} for place in places]
            self._logit_rises += [_combined(own, basis[place].tolist()) for place in places]

    def recipe(self) -> Additive:
        """Return how theta is computed. Also of nothing: what is recorded decides the order of later sums."""
        from forecast.inference.tape import linear_map

        rising = sorted({rise for rises in (*self._reached_rises, *self._logit_rises) for rise in rises})
        place = {rise: at for at, rise in enumerate(rising)}
        (reached_eta,), (reached,), (at_rising,) = (
            columns([[number] for number in numbers], 1) for numbers in (self._reached_eta, self._reached, rising)
        )
        return Additive(
            reached_eta=reached_eta,
            reached=reached,
            logits=linear_map(self._logits),
            rising=at_rising,
            reached_rises=_of_rises(self._reached_rises, place),
            logit_rises=_of_rises(self._logit_rises, place),
            softmax=tuple(columns(self._softmax[n], n) for n in sorted(self._softmax)),
            nominal=tuple(columns(self._nominal[n], n) for n in sorted(self._nominal)),
        )


def _combined(numbers: Sequence[Rises], weights: Sequence[float]) -> Rises:
    total: Rises = {}
    for rises, weight in zip(numbers, weights, strict=True):
        for rise, of in rises.items():
            total[rise] = total.get(rise, 0.0) + weight * of
    return total


def _of_rises(rows: Sequence[Rises], place: Mapping[int, int]) -> LinearMap:
    from forecast.inference.tape import linear_map

    return linear_map([{place[rise]: weight for rise, weight in row.items()} for row in rows])


class AdditiveCpt(CptKind):
    """A kind whose rows are log-odds that add up."""

    gathers = (AdditiveRows,)

    def add(self, family: Family, collector: Collector, gathered: Gathered) -> None:
        """Add an event."""
        # A ZeroSumNormal of scale sd / sqrt(2) has log-odds of sd between two states.
        scale = 1.0 if family.is_reached else 1.0 / sqrt(2.0)
        etas = self.etas(family, collector, scale)
        gathered.of(AdditiveRows).add(family, etas, self.directed(family, collector))

    @abstractmethod
    def etas(self, family: Family, collector: Collector, scale: float) -> list[list[int]]:
        """Add the log-odds of an event's rows, all sds times `scale`; return their numbers, row by row."""

    def directed(self, family: Family, collector: Collector) -> list[list[Rises]]:  # noqa: ARG002  # most have none
        """Add what parents with a direction do; return it row by row, one for each number of `etas`; empty: nothing."""
        return []

    def effects(self, n_states: int) -> Array:
        """Return a parent's effect in each of its states (states, coordinates): any that sum to zero."""
        from forecast.inference.tape import zero_sum_basis

        return zero_sum_basis(n_states)

    def free(self, family: Family, i: int, collector: Collector, scale: float) -> list[list[dict[Coordinate, float]]]:
        """Add what parent i does either way; return it in each state of the parent, one for each number."""
        parent, numbers = family.parents[i], range(len(family.states) - 1)
        effects = self.effects(len(parent.states))
        betas = [
            [collector.new("beta", f"{family.label(j)}|{parent.id}[{m}]") for m in range(effects.shape[1])]
            for j in numbers
        ]
        share = SD_BETA * scale / sqrt(len(family.parents))
        return [
            [{beta: share * weight for beta, weight in zip(betas[j], effect, strict=True)} for j in numbers]
            for effect in effects.tolist()
        ]


class TableCpt(AdditiveCpt):
    """Every row by itself, for rules that hold in one row and not in another.

    What is stated about many rows is a part of its own of each of them: rows by themselves would have to move one by
    one, and their mean has less room than any of them.
    """

    name = "table"
    order = 2
    fits_without_parents = True

    def etas(self, family: Family, collector: Collector, scale: float) -> list[list[int]]:
        """Add one coordinate for each row and number, and those of what is stated about more than one row."""
        numbers = range(len(family.states) - 1)
        stated = family.spoken.as_a_whole and family.parents
        levels = [collector.new("alpha", family.label(j)) for j in numbers] if stated else []
        given = {
            i: self.free(family, i, collector, scale)
            for i, parent in enumerate(family.parents)
            if parent.id in family.spoken.given
        }
        rows = []
        for row, configuration in enumerate(family.configurations):
            width = len(family.numbers(row))
            etas = []
            for j in range(width if family.is_reached else width - 1):
                weights = {_own(family, row, j, collector): SD_TABLE * scale}
                if width == family.width:  # a row with fewer numbers has log-odds of another basis
                    weights |= {levels[j]: SD_TABLE_STATED * scale} if levels else {}
                    for i, effect in given.items():
                        weights |= effect[configuration[i]][j]
                etas.append(collector.add(weights))
            rows.append(etas)
        return rows


class SharedCpt(AdditiveCpt):
    """Parents' effects add up, and rows stay near their sum."""

    name = "shared"
    order = 1
    fits_without_parents = True
    keeps_directions = True
    has_own_rows = True

    def n_coordinates(self, n_states: int, parents: Sequence[int]) -> int:
        """Count the coordinates: of the event, of each parent's effect, of each row."""
        return (n_states - 1) * (1 + sum(states - 1 for states in parents) + prod(parents))

    def rises(self, n_states: int) -> Array:
        """Return how much of each rise a parent with a direction has in each of its states (states, rises).

        No column falls from one state to the next; each spans 1 divided by their number, and sums to zero.
        """
        import numpy as np

        steps = np.tri(n_states, n_states - 1, -1) / (n_states - 1)
        return np.asarray(steps - steps.mean(axis=0))

    def etas(self, family: Family, collector: Collector, scale: float) -> list[list[int]]:
        """Add coordinates of the event, of each parent's effect and, where rows have one of their own, of each row."""
        numbers = range(len(family.states) - 1)
        alphas = [collector.new("alpha", family.label(j)) for j in numbers]
        level = SD_ALPHA_STATED if family.spoken.as_a_whole else SD_ALPHA
        free = {
            i: self.free(family, i, collector, scale) for i in range(len(family.parents)) if not family.direction(i)
        }
        own: dict[tuple[Configuration, int], Coordinate] = {}
        rows = []
        for row, configuration in enumerate(family.configurations):
            # A part of a row's own could turn a direction: it is that of all rows along the parents that have one.
            apart = tuple(state for i, state in enumerate(configuration) if i in free)
            etas = []
            for j in numbers:
                weights = {alphas[j]: level * scale}
                for i in free:
                    weights |= free[i][configuration[i]][j]
                if self.has_own_rows and (free or not family.parents):
                    if (apart, j) not in own:
                        own[apart, j] = _own(family, row, j, collector)
                    weights[own[apart, j]] = SD_EPSILON * scale
                etas.append(collector.add(weights))
            rows.append(etas)
        return rows

    def directed(self, family: Family, collector: Collector) -> list[list[Rises]]:
        """Add the rises of each parent with a direction, and add them up in each row."""
        effects = {i: self._rising(family, i, collector) for i in range(len(family.parents)) if family.direction(i)}
        return [
            [
                {rise: weight for i, effect in effects.items() for rise, weight in effect[u[i]][j].items()}
                for j in range(len(family.states) - 1)
            ]
            for u in (family.configurations if effects else ())
        ]

    def _rising(self, family: Family, i: int, collector: Collector) -> list[list[Rises]]:
        """Return what a parent with a direction does in each state to each number.

        A step's log-odds, or those of each state of a nominal event against the one before, go one way only along the
        parent's states, and with them the probability of going beyond any state.
        """
        parent, numbers = family.parents[i], range(len(family.states) - 1)
        shares = self.rises(len(parent.states))
        rises = [
            [
                collector.add({collector.new("beta", f"{family.label(y)}|{parent.id} rise {k}"): SD_RISE}, MEAN_RISE)
                for k in range(shares.shape[1])
            ]
            for y in numbers
        ]
        along = _upward(family) / sqrt(len(family.parents))
        return [
            [
                {
                    rise: float(along[y, j]) * share
                    for y in numbers
                    if along[y, j] != 0.0
                    for rise, share in zip(rises[y], shares_of_state, strict=True)
                }
                for j in numbers
            ]
            for shares_of_state in shares[:: family.direction(i)].tolist()
        ]


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

    def rises(self, n_states: int) -> Array:
        """Return the one slope's part in each state (states, 1)."""
        return super().rises(n_states).sum(axis=1, keepdims=True)


def _upward(family: Family) -> Array:
    """Return what raising one number does to all (raised, numbers): a step's own log-odds, or by a basis vector.

    Of a nominal event the log-odds of a state against the one before rise by 1 / (states - 1), so that those of the
    last against the first rise by 1 if all do.
    """
    import numpy as np

    from forecast.inference.tape import zero_sum_basis

    n = len(family.states)
    if family.is_reached:
        return np.eye(n - 1)
    return np.asarray(np.tri(n, n - 1, -1).T @ zero_sum_basis(n) / (n - 1))


def _own(family: Family, row: int, j: int, collector: Collector) -> Coordinate:
    return collector.new("epsilon", f"{family.label(j)}|row {family.row_number(row)}")
