"""The prior of CPT rows: theta as a function of independent standard normal coordinates.

Each event's rows are built in the way that its `cpt` names (forecast.cpt): log-odds are linear in the coordinates, and
each way turns its own into theta.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.cpt.kind import PARTS, Collector, Family, Gathered, Parent, Recipe, open_families
from forecast.cpt.registry import KINDS, ROWS
from forecast.inference.elementary import NumpyMath
from forecast.inference.linear import LinearMap, linear_map
from forecast.model.layout import Index, Layout

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LogOdds:
    """eta = mean + weights @ coordinates (alpha, then beta, then epsilon, one after the other)."""

    mean: Array
    weights: LinearMap

    def __matmul__(self, coordinates: Any) -> Any:
        """Compute eta (n_eta, draws) from coordinates (n, draws), arrays or values on a tape."""
        return self.weights @ coordinates + self.mean[:, np.newaxis]


@dataclass(frozen=True, kw_only=True)
class RowsPrior:
    """theta from standard normal coordinates (alpha, then beta, then epsilon, one after the other).

    `eta` gives log-odds, `recipes` turn them into theta, each that of the events whose rows are built in one way.
    `certain` are the entries that are one: the state that is left alone in a row where the others lack what they
    require. Entries that nothing names are zero.
    """

    alpha: tuple[str, ...]  # a readable label of each coordinate
    beta: tuple[str, ...]
    epsilon: tuple[str, ...]
    eta: LogOdds
    recipes: tuple[Recipe, ...]
    certain: Index
    n_theta: int

    @property
    def n_coordinates(self) -> int:
        """Number of coordinates."""
        return len(self.alpha) + len(self.beta) + len(self.epsilon)


def rows_prior(layout: Layout) -> RowsPrior:
    """Lay out the coordinates of every event's rows."""
    collector, gathered = Collector(), Gathered(ROWS)
    certain: list[int] = []
    for v, event in enumerate(layout.events):
        families = [_family(layout, v)]
        if event.requires:
            possible = [layout.possible(v, row) for row in range(layout.n_rows(v))]
            families = open_families(families[0], possible)
            alone = [(row, states[0]) for row, states in enumerate(possible) if len(states) == 1]
            certain += [layout.theta_index(v, *place) for place in alone if event.kind != "reached"]
        for family in families:
            KINDS[event.cpt.kind].add(family, collector, gathered)
    return RowsPrior(
        alpha=collector.labels("alpha"),
        beta=collector.labels("beta"),
        epsilon=collector.labels("epsilon"),
        eta=_log_odds(collector),
        recipes=gathered.recipes(),
        certain=np.array(certain, dtype=np.intp),
        n_theta=layout.n_theta,
    )


def _family(layout: Layout, v: int) -> Family:
    event = layout.events[v]
    return Family(
        event=event.id,
        states=event.states,
        is_reached=event.kind == "reached",
        parents=tuple(Parent(layout.events[p].id, layout.events[p].states) for p in layout.parents[v]),
        leak=event.cpt.leak,
        offset=layout.offsets[v],
        directions=tuple(event.direction(layout.events[p].id) for p in layout.parents[v]),
        is_by_cause=layout.acts_by_cause(v),
    )


def _log_odds(collector: Collector) -> LogOdds:
    starts, start = {}, 0
    for part in PARTS:
        starts[part] = start
        start += len(collector.labels(part))
    rows = [{starts[c.part] + c.number: weight for c, weight in weights.items()} for weights in collector.weights]
    return LogOdds(np.array(collector.means), linear_map(rows))


def theta_values(xp: Any, prior: RowsPrior, coordinates: Any) -> Iterator[tuple[Index, Any]]:
    """Compute theta from coordinates (n, draws) as (theta indices, values (entries, draws)).

    `xp` is `NumpyMath`, or `TapeMath` for values on a tape.
    """
    eta = prior.eta @ coordinates
    for recipe in prior.recipes:
        yield from recipe.values(xp, eta)


def theta_at_centre(prior: RowsPrior) -> Array:
    """Return theta (n_theta, 1) with every coordinate at zero: positive wherever it is not held at zero."""
    return theta_draws(prior, np.zeros((prior.n_coordinates, 1)))


def theta_draws(prior: RowsPrior, coordinates: Array) -> Array:
    """Compute theta (n_theta, draws) from coordinates (n, draws)."""
    theta = np.zeros((prior.n_theta, coordinates.shape[1]))
    theta[prior.certain] = 1.0
    for where, values in theta_values(NumpyMath, prior, coordinates):
        theta[where] = values
    return theta
