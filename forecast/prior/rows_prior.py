"""The prior of CPT rows: theta as a function of independent standard normal coordinates.

Each event's rows are built in the way that its `cpt` names: effects that add up on the log-odds (cpt_additive) or
causes that work by themselves (cpt_noisy_or, cpt_noisy_max). Additive rows of nominal events (status, constant) are
theta = softmax(eta), those of a reached event's step theta = -ln(1 - expit(eta)) = softplus(eta).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.layout import Index, Layout
from forecast.inference.elementary import NumpyMath
from forecast.prior.coordinates import Collector, LogOdds
from forecast.prior.cpt_additive import additive_rows
from forecast.prior.cpt_noisy_max import NoisyMax, noisy_max, noisy_max_values
from forecast.prior.cpt_noisy_or import NoisyOr, NoisyOrs, noisy_or_values
from forecast.prior.linear import LinearMap, linear_map, zero_sum_basis
from forecast.prior.softplus import softplus

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RowsPrior:
    """theta from standard normal coordinates (alpha, then beta, then epsilon, one after the other).

    `eta` gives log-odds; of reached steps with additive rows those at `reached_eta` (theta index `reached`). `logits`
    turns those of nominal additive rows into one log-odds a state; `softmax[i][x]` are positions in `logits` of state
    x, `nominal[i][x]` the theta indices of the same entries; i counts the groups of rows of equally many states.
    """

    alpha: tuple[str, ...]  # a readable label of each coordinate
    beta: tuple[str, ...]
    epsilon: tuple[str, ...]
    eta: LogOdds
    reached_eta: Index
    reached: Index
    logits: LinearMap
    softmax: tuple[tuple[Index, ...], ...]
    nominal: tuple[tuple[Index, ...], ...]
    noisy_or: NoisyOr
    noisy_max: tuple[NoisyMax, ...]
    n_theta: int

    @property
    def n_coordinates(self) -> int:
        """Number of coordinates."""
        return len(self.alpha) + len(self.beta) + len(self.epsilon)


def rows_prior(layout: Layout) -> RowsPrior:
    """Lay out the coordinates of every event's rows."""
    collector, noisy_ors = Collector(), NoisyOrs()
    maxima: list[NoisyMax] = []
    reached_eta, reached = [], []
    logit_rows: list[dict[int, float]] = []
    softmax: dict[int, list[list[int]]] = {}
    nominal: dict[int, list[list[int]]] = {}
    for v, event in enumerate(layout.events):
        if event.cpt.kind == "noisy_max" and event.kind != "reached":
            maxima.append(noisy_max(layout, v, collector))
            continue
        if event.cpt.kind in ("noisy_or", "noisy_max"):  # the steps of a reached event are its order
            noisy_ors.add(layout, v, collector)
            continue
        basis = zero_sum_basis(layout.cards[v])
        states = range(layout.cards[v])
        for row, etas in enumerate(additive_rows(layout, v, collector)):
            if event.kind == "reached":
                reached_eta += etas
                reached += [layout.theta_index(v, row, j) for j in range(len(etas))]
                continue
            softmax.setdefault(len(states), []).append([len(logit_rows) + x for x in states])
            nominal.setdefault(len(states), []).append([layout.theta_index(v, row, x) for x in states])
            logit_rows += [{eta: float(basis[x, j]) for j, eta in enumerate(etas)} for x in states]
    return RowsPrior(
        collector.labels("alpha"),
        collector.labels("beta"),
        collector.labels("epsilon"),
        collector.log_odds(),
        np.array(reached_eta, dtype=np.intp),
        np.array(reached, dtype=np.intp),
        linear_map(logit_rows),
        tuple(tuple(np.array(softmax[k], dtype=np.intp).T.copy()) for k in sorted(softmax)),
        tuple(tuple(np.array(nominal[k], dtype=np.intp).T.copy()) for k in sorted(nominal)),
        noisy_ors.finish(),
        tuple(maxima),
        layout.n_theta,
    )


def theta_values(xp: Any, prior: RowsPrior, coordinates: Any) -> list[tuple[Index, Any]]:
    """Compute theta from coordinates (n, draws) as (theta indices, values (entries, draws)).

    `xp` is `NumpyMath`, or `TapeMath` for values on a tape.
    """
    eta = prior.eta @ coordinates
    values = [(prior.reached, softplus(xp, eta[prior.reached_eta]))]
    logits = prior.logits @ eta
    for positions, indices in zip(prior.softmax, prior.nominal, strict=True):
        states = [logits[state] for state in positions]
        peak = states[0]
        for state in states[1:]:
            peak = xp.maximum(peak, state)
        exponentials = [xp.exp(state - peak) for state in states]
        total = sum(exponentials[1:], exponentials[0])
        values += [(state, exponential / total) for state, exponential in zip(indices, exponentials, strict=True)]
    values += noisy_or_values(xp, prior.noisy_or, eta)
    for recipe in prior.noisy_max:
        values += noisy_max_values(xp, recipe, eta)
    return values


def theta_draws(prior: RowsPrior, coordinates: Array) -> Array:
    """Compute theta (n_theta, draws) from coordinates (n, draws)."""
    theta = np.empty((prior.n_theta, coordinates.shape[1]))
    for where, values in theta_values(NumpyMath, prior, coordinates):
        theta[where] = values
    return theta
