"""The prior of CPT rows that share strength: theta as a function of independent standard normal coordinates.

Nominal (status, constant): eta_u = alpha + n_pa^(-1/2) sum_p beta_p[u_p] + eps_u over the states, theta = softmax(eta).
Reached: one binary eta for each step with its own alpha, beta and eps, theta = -ln(1 - expit(eta)) = softplus(eta).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.layout import Index, Layout
from forecast.inference.elementary import NumpyMath
from forecast.inference.tape import Traced

Array = NDArray[np.float64]

# Standard deviations of the log-odds between two states: of the event, of one parent's effect, of one row.
SD_ALPHA, SD_BETA, SD_EPSILON = 1.5, 1.0, 0.3


def zero_sum_basis(n: int) -> Array:
    """Return an orthonormal basis (n, n - 1) of the vectors of length n that sum to zero (Helmert's).

    Coordinates that are independent N(0, s^2) in it are a ZeroSumNormal of scale s; the choice of basis does not
    matter to the distribution, so neither does the order of the states.
    """
    basis = np.zeros((n, n - 1))
    for j in range(1, n):
        basis[:j, j - 1] = 1.0
        basis[j, j - 1] = -j
    return np.asarray(basis / np.sqrt((basis**2).sum(axis=0)))


@dataclass(frozen=True)
class LinearMap:
    """result[r] = sum of weight * x[column] over the entries with `row` == r. Entries are sorted by row."""

    n_rows: int
    row: Index
    column: Index
    weight: Array

    def __matmul__(self, x: Any) -> Any:
        """Apply to x (n, draws): draws of an array, or values on a tape (draws = 1)."""
        if isinstance(x, Traced):
            return x.tape.sums(self.n_rows, self.row, self.weight, x[self.column, 0])[:, np.newaxis]
        result = np.zeros((self.n_rows, x.shape[1]))
        for row, column, weight in zip(self.row, self.column, self.weight, strict=True):
            result[row] += weight * x[column]
        return result

    def padded(self) -> tuple[Index, Array]:
        """Return columns and weights (rows, most entries of a row); rows with fewer are filled up with weight 0."""
        sizes = np.bincount(self.row, minlength=self.n_rows)
        width = int(sizes.max(initial=1))
        columns, weights = np.zeros((self.n_rows, width), dtype=np.intp), np.zeros((self.n_rows, width))
        place = np.arange(self.row.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        columns[self.row, place], weights[self.row, place] = self.column, self.weight
        return columns, weights


def linear_map(rows: list[dict[int, float]]) -> LinearMap:
    """Build a LinearMap from one {column: weight} for each row."""
    entries = [(r, column, weight) for r, row in enumerate(rows) for column, weight in row.items()]
    row, column, weight = zip(*entries, strict=True) if entries else ((), (), ())
    return LinearMap(
        len(rows), np.array(row, dtype=np.intp), np.array(column, dtype=np.intp), np.array(weight, dtype=float)
    )


@dataclass(frozen=True)
class RowsPrior:
    """theta from standard normal coordinates (alpha, then beta, then epsilon, one after the other).

    `eta` gives the binary log-odds of reached steps (at theta index `reached`) and the coordinates of nominal rows;
    `logits` turns the latter into one log-odds a state; `softmax[i][x]` are positions in `logits` of state x,
    `nominal[i][x]` the theta indices of the same entries; i counts the groups of rows with the same number of states.
    """

    alpha: tuple[str, ...]  # a readable label of each coordinate
    beta: tuple[str, ...]
    epsilon: tuple[str, ...]
    eta: LinearMap
    reached_eta: Index
    reached: Index
    logits: LinearMap
    softmax: tuple[tuple[Index, ...], ...]
    nominal: tuple[tuple[Index, ...], ...]
    n_theta: int

    @property
    def n_coordinates(self) -> int:
        """Number of coordinates."""
        return len(self.alpha) + len(self.beta) + len(self.epsilon)


def rows_prior(layout: Layout) -> RowsPrior:
    """Lay out the coordinates of every event's rows."""
    names: dict[str, list[str]] = {"alpha": [], "beta": [], "epsilon": []}
    eta_parts: list[dict[tuple[str, int], float]] = []
    reached_eta, reached = [], []
    logit_rows: list[dict[int, float]] = []
    softmax: dict[int, list[list[int]]] = {}
    nominal: dict[int, list[list[int]]] = {}

    def coordinate(part: str, label: str) -> tuple[str, int]:
        names[part].append(label)
        return part, len(names[part]) - 1

    for v, event in enumerate(layout.events):
        is_reached = event.kind == "reached"
        # A ZeroSumNormal of scale sd / sqrt(2) has log-odds of sd between two states.
        scale = 1.0 if is_reached else 1.0 / sqrt(2.0)
        parents = layout.parents[v]
        weight = 1.0 / sqrt(len(parents)) if parents else 0.0
        bases = [zero_sum_basis(layout.cards[p]) for p in parents]
        n_numbers = layout.cards[v] - 1
        alphas = [coordinate("alpha", f"{event.id}[{j}]") for j in range(n_numbers)]
        betas = [
            [
                [coordinate("beta", f"{event.id}[{j}]|{layout.events[p].id}[{m}]") for m in range(layout.cards[p] - 1)]
                for p in parents
            ]
            for j in range(n_numbers)
        ]
        basis = zero_sum_basis(layout.cards[v])
        for row, configuration in enumerate(layout.configurations(v)):
            first = len(eta_parts)
            for j in range(n_numbers):
                parts = {alphas[j]: SD_ALPHA * scale}
                for i, state in enumerate(configuration):
                    for m, beta in enumerate(betas[j][i]):
                        parts[beta] = SD_BETA * scale * weight * float(bases[i][state, m])
                parts[coordinate("epsilon", f"{event.id}[{j}]|row {row}")] = SD_EPSILON * scale
                if is_reached:
                    reached_eta.append(len(eta_parts))
                    reached.append(layout.theta_index(v, row, j))
                eta_parts.append(parts)
            if not is_reached:
                states = range(layout.cards[v])
                softmax.setdefault(len(states), []).append([len(logit_rows) + x for x in states])
                nominal.setdefault(len(states), []).append([layout.theta_index(v, row, x) for x in states])
                logit_rows += [{first + j: float(basis[x, j]) for j in range(n_numbers)} for x in states]
    start = {"alpha": 0, "beta": len(names["alpha"]), "epsilon": len(names["alpha"]) + len(names["beta"])}
    return RowsPrior(
        tuple(names["alpha"]),
        tuple(names["beta"]),
        tuple(names["epsilon"]),
        linear_map([{start[part] + i: value for (part, i), value in parts.items()} for parts in eta_parts]),
        np.array(reached_eta, dtype=np.intp),
        np.array(reached, dtype=np.intp),
        linear_map(logit_rows),
        tuple(tuple(np.array(softmax[k], dtype=np.intp).T.copy()) for k in sorted(softmax)),
        tuple(tuple(np.array(nominal[k], dtype=np.intp).T.copy()) for k in sorted(nominal)),
        layout.n_theta,
    )


def theta_values(xp: Any, prior: RowsPrior, coordinates: Any) -> list[tuple[Index, Any]]:
    """Compute theta from coordinates (n, draws) as (theta indices, values (entries, draws)).

    `xp` is `NumpyMath`, or `TapeMath` for values on a tape.
    """
    eta = prior.eta @ coordinates
    binary = eta[prior.reached_eta]
    values = [(prior.reached, xp.maximum(binary, 0.0) + xp.log1p(xp.exp(-xp.abs(binary))))]
    logits = prior.logits @ eta
    for positions, indices in zip(prior.softmax, prior.nominal, strict=True):
        states = [logits[state] for state in positions]
        peak = states[0]
        for state in states[1:]:
            peak = xp.maximum(peak, state)
        exponentials = [xp.exp(state - peak) for state in states]
        total = sum(exponentials[1:], exponentials[0])
        values += [(state, exponential / total) for state, exponential in zip(indices, exponentials, strict=True)]
    return values


def theta_draws(prior: RowsPrior, coordinates: Array) -> Array:
    """Compute theta (n_theta, draws) from coordinates (n, draws)."""
    theta = np.empty((prior.n_theta, coordinates.shape[1]))
    for where, values in theta_values(NumpyMath, prior, coordinates):
        theta[where] = values
    return theta
