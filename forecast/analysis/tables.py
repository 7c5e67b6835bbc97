"""The factors of a posterior as arrays, and mean joints from few draws whose margins are those of all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.posterior.evaluate import Query
from forecast.posterior.posterior import Posterior
from forecast.posterior.sources import Reliabilities

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Weighted:
    """Draws with their weights: theta (n_theta, draws), normalised weights (draws), log evidence (draws), sources."""

    asked: Query
    theta: Array
    weights: Array
    log_evidence: Array
    drawn: Reliabilities

    def block(self, start: int, stop: int) -> Weighted:
        """Return some of the draws, with the weights that they have among all."""
        of = slice(start, stop)
        drawn = self.drawn.of_draws(of)
        return Weighted(self.asked, self.theta[:, of], self.weights[of], self.log_evidence[of], drawn)

    def factors(self) -> tuple[list[Array], Array]:
        """Return the factors in the order of the network's scopes, draws last, and their log offset (draws)."""
        network = self.asked.network
        return self.drawn.factors(network, self.theta, self.drawn.tables(network))


def weighted(posterior: Posterior, every: int = 1) -> Weighted:
    """Return regularly spaced draws of a posterior, the weights normalised anew."""
    weights = posterior.weights.weights[::every]
    return Weighted(
        posterior.asked,
        np.ascontiguousarray(posterior.draws.theta[:, ::every]),
        weights / weights.sum(),
        posterior.evaluation.log_evidence[::every],
        posterior.reliabilities.thinned(every),
    )


MOST_SCALINGS, CLOSE_ENOUGH = 2000, 1e-14


def with_margins(joint: Array, rows: Array, columns: Array) -> Array:
    """Scale a table until its margins are those given; its odds ratios stay as they are.

    Where the table has nothing at all to scale, the margins enter as independent.

    Source: Deming and Stephan (1940), iterative proportional fitting.
    """
    empty = (joint.sum(axis=1) == 0.0)[:, np.newaxis] | (joint.sum(axis=0) == 0.0)
    fitted = np.where(empty, rows[:, np.newaxis] * columns, joint)
    for _ in range(MOST_SCALINGS):
        before = fitted
        for axis, margin in ((1, rows), (0, columns)):
            total = fitted.sum(axis=axis)
            scale = np.divide(margin, total, out=np.zeros_like(margin), where=total > 0.0)
            fitted = fitted * np.expand_dims(scale, axis)
        if np.abs(fitted - before).max() < CLOSE_ENOUGH:
            break
    return np.asarray(fitted / fitted.sum())
