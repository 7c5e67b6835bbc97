"""Which arrows carry information, and which events' conditional probabilities the forecast's spread hangs on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.answers.tables import Weighted, weighted
from forecast.answers.watch import mutual_information
from forecast.compiled.layout import Layout
from forecast.inference.batch import solve
from forecast.inference.elimination import plan
from forecast.record.outcome import Outcome
from forecast.reweight.psis import effective_size

Array = NDArray[np.float64]
Row = dict[str, Any]

DRAWS = 1000  # of which the arrows' strength is averaged


def influence(found: Outcome) -> Row:
    """Measure the arrows of the network, and what the spread of each scenario's probability comes from.

    Returns `arrows` (parent, child, `bits`: mutual information of their states at the horizon in the mean joint),
    the strongest first, and `judgements` (event, `shares`: scenario -> share of the variance over draws of
    P(scenario | E, draw) that a linear function of the event's own CPT explains, None where the draws are too few to
    tell), the largest share of any scenario first. Each event stands by itself, so no order matters; statements tie
    events together, so shares need not add up to one.
    """
    layout = found.layout
    thin = max(1, found.posterior.weights.weights.size // DRAWS)
    arrows: list[Row] = [
        {"parent": layout.events[p].id, "child": layout.events[c].id, "bits": mutual_information(joint)}
        for (p, c), joint in arrow_joints(weighted(found.posterior, thin)).items()
    ]
    chosen = weighted(found.posterior)
    shares = found.posterior.evaluation.scenarios
    rows: list[Row] = []
    for v, event in enumerate(layout.events):
        numbers = _numbers(layout, v, chosen.theta)
        by_scenario = {
            name: explained(numbers, values, chosen.weights)
            for name, values in zip(found.scenario_ids, shares, strict=True)
        }
        rows.append({"event": event.id, "shares": by_scenario})
    rows.sort(key=lambda row: (-max((s for s in row["shares"].values() if s is not None), default=0.0), row["event"]))
    arrows.sort(key=lambda row: (-row["bits"], row["parent"], row["child"]))
    return {"arrows": arrows, "judgements": rows}


def arrow_joints(chosen: Weighted) -> dict[tuple[int, int], Array]:
    """Compute the weighted mean of P(parent, child | E, draw) for each arrow: (alive parent states, child states)."""
    network = chosen.asked.network
    tables, _ = chosen.factors()
    joints = {}
    for p in sorted({parent for parents in network.layout.parents for parent in parents}):
        order = plan(network.cards, network.scopes, keep=(p,))
        marginals = solve(order, tables, np.eye(network.cards[p])).marginals
        for c, parents in enumerate(network.layout.parents):
            if p in parents:
                joints[p, c] = (marginals[c] @ chosen.weights).T
    return joints


def _numbers(layout: Layout, v: int, theta: Array) -> Array:
    """Return the free numbers of an event's CPT on a scale without ends: (numbers, draws)."""
    own = theta[layout.offsets[v] :][: layout.n_rows(v) * layout.width(v)]
    tiny = np.finfo(float).tiny  # a row that a resolution rule makes certain says zero; it does not vary
    logs = np.log(np.maximum(own, tiny))
    if layout.events[v].kind == "reached":
        return logs
    by_row = logs.reshape(-1, layout.width(v), theta.shape[1])
    return (by_row[:, 1:] - by_row[:, :1]).reshape(-1, theta.shape[1])


def explained(numbers: Array, values: Array, weights: Array) -> float | None:
    """Compute the share of a weighted variance that the best linear function of some numbers explains.

    A lower bound of the correlation ratio (Pearson 1905; the closed first-order index of Sobol 1993), estimated from
    the given draws and adjusted for the number of predictors with the effective number of draws (Ezekiel 1930), not
    below zero. None if the draws are fewer than three for each number.

    Args:
        numbers: (numbers, draws); values: (draws,); weights: (draws,), normalised.
    """
    roots = np.sqrt(weights)
    centred = values - values @ weights
    total = float(weights @ centred**2)
    varying = numbers - (numbers @ weights)[:, np.newaxis]
    varying = varying[np.square(varying) @ weights > 0.0]
    size, n = effective_size(weights), varying.shape[0]
    if not total > 0.0 or not n:
        return 0.0
    if size < 3 * n + 2:
        return None
    scaled = varying / np.sqrt(np.square(varying) @ weights)[:, np.newaxis]
    fitted = np.linalg.lstsq((scaled * roots).T, centred * roots, rcond=None)[0] @ scaled
    left = float(weights @ (centred - fitted) ** 2) / total
    return max(0.0, float(1.0 - left * (size - 1.0) / (size - n - 1.0)))
