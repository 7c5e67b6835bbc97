"""CPT rows whose log-odds are sums of effects: `shared`, `table` and `logistic`.

For nominal events (status, constant) the log-odds are coordinates in a basis of the zero-sum vectors over the states;
for reached events there is one of each step.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.layout import Layout
from forecast.prior.coordinates import Collector, Coordinate
from forecast.prior.linear import zero_sum_basis

Array = NDArray[np.float64]

# Standard deviations of the log-odds between two states: of the event, of one parent's effect, of one row.
SD_ALPHA, SD_BETA, SD_EPSILON = 1.5, 1.0, 0.3
# Of a row that shares nothing. Wider than a shared row in all (about 1.7), for a table is chosen where rows follow
# different rules: .02 and .98 lie 1.3 sds out, so that one statement can take a row there without its neighbours.
SD_TABLE = 3.0


def additive_rows(layout: Layout, v: int, collector: Collector) -> list[list[int]]:
    """Add the log-odds of an event's rows; return their numbers, row by row, one for each step (or basis vector)."""
    event = layout.events[v]
    # A ZeroSumNormal of scale sd / sqrt(2) has log-odds of sd between two states.
    scale = 1.0 if event.kind == "reached" else 1.0 / sqrt(2.0)
    numbers = range(layout.cards[v] - 1)
    if event.cpt.kind == "table":
        return [
            [collector.add({_own(layout, v, row, j, collector): SD_TABLE * scale}) for j in numbers]
            for row in range(layout.n_rows(v))
        ]
    has_epsilon = event.cpt.kind == "shared"
    effects = [_effects(layout.cards[p], ordered=not has_epsilon) for p in layout.parents[v]]
    alphas = [collector.new("alpha", f"{event.id}[{j}]") for j in numbers]
    betas = [
        [
            [collector.new("beta", f"{event.id}[{j}]|{layout.events[p].id}[{m}]") for m in range(effects[i].shape[1])]
            for i, p in enumerate(layout.parents[v])
        ]
        for j in numbers
    ]
    share = SD_BETA * scale / sqrt(max(len(effects), 1))
    rows = []
    for row, configuration in enumerate(layout.configurations(v)):
        etas = []
        for j in numbers:
            weights = {alphas[j]: SD_ALPHA * scale}
            for i, state in enumerate(configuration):
                for m, beta in enumerate(betas[j][i]):
                    weights[beta] = share * float(effects[i][state, m])
            if has_epsilon:
                weights[_own(layout, v, row, j, collector)] = SD_EPSILON * scale
            etas.append(collector.add(weights))
        rows.append(etas)
    return rows


def _own(layout: Layout, v: int, row: int, j: int, collector: Collector) -> Coordinate:
    return collector.new("epsilon", f"{layout.events[v].id}[{j}]|row {row}")


def _effects(card: int, *, ordered: bool) -> Array:
    """Return a parent's effect in each of its states (card, coordinates): free and zero-sum, or along a score.

    The score runs from 0 to 1 over the ordered states and counts from its middle, so that neither end is the
    reference. Its factor makes the effect of a parent with two states that of a free one.
    """
    if not ordered:
        return zero_sum_basis(card)
    return sqrt(2.0) * (np.arange(card) / (card - 1) - 0.5)[:, np.newaxis]
