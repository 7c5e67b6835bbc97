"""Which arrows carry information, and which judgements the forecast hangs on: CPTs, experts, grades."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.answers.grade_shifts import grade_shifts
from forecast.answers.left_out import without_experts
from forecast.answers.tables import Weighted, weighted
from forecast.answers.watch import mutual_information
from forecast.compiled.layout import Layout
from forecast.inference.batch import joints
from forecast.inference.elimination import plan
from forecast.record.alternative_rows import largest_change
from forecast.record.outcome import Outcome
from forecast.reweight.psis import effective_size

Array = NDArray[np.float64]
Row = dict[str, Any]

DRAWS = 1000  # of which the arrows' strength is averaged
COLLINEAR = 1e-10  # of the largest eigenvalue: directions that vary less are rounding


def influence(found: Outcome, progress: Callable[[str], None]) -> Row:
    """Measure the arrows of the network, and the judgements that each scenario's probability hangs on.

    Returns `arrows` (parent, child, `bits`: mutual information of their states at the horizon in the mean joint),
    the strongest first; `judgements` (event, `shares`: scenario -> share of the variance over draws of
    P(scenario | E, draw) that a linear function of the event's own CPT explains, None where the draws are too few to
    tell), the largest share of any scenario first: each event stands by itself, so no order matters, and statements
    tie events together, so shares need not add up to one; `experts` (forecast.answers.left_out) and `grades`
    (forecast.answers.grade_shifts).
    """
    progress("measuring the arrows")
    told = arrows(found)
    progress("sharing out the spread")
    return {
        "arrows": told,
        "judgements": judgements(found),
        "experts": without_experts(found, progress),
        "grades": grade_shifts(found, progress),
    }


def of_one(told: Row, scenario: str) -> None:
    """Leave one scenario in the answer, and rank everything by it."""
    for row in told["judgements"]:
        row["shares"] = {scenario: row["shares"][scenario]}
    for row in (*told["experts"], *told["grades"]):
        row["effects"] = None if row["effects"] is None else {scenario: row["effects"][scenario]}
    told["judgements"].sort(key=lambda row: -(row["shares"][scenario] or 0.0))
    told["experts"].sort(key=lambda row: (not row["reliable"], -largest_change(row["effects"])))
    told["grades"].sort(key=lambda row: -abs(row["effects"][scenario]))


def arrows(found: Outcome) -> list[Row]:
    """Compute what each parent's state tells of its child's: `arrows` of influence."""
    names = [event.id for event in found.layout.events]
    thin = max(1, found.posterior.weights.weights.size // DRAWS)
    rows: list[Row] = [
        {"parent": names[p], "child": names[c], "bits": mutual_information(joint)}
        for (p, c), joint in arrow_joints(weighted(found.posterior, thin)).items()
    ]
    return sorted(rows, key=lambda row: (-row["bits"], row["parent"], row["child"]))


def judgements(found: Outcome) -> list[Row]:
    """Compute the share of each scenario's spread that each event's CPT explains: `judgements` of influence."""
    theta, weights = found.posterior.draws.theta, found.posterior.weights.weights
    rows: list[Row] = []
    for v, event in enumerate(found.layout.events):
        shares = explained(_numbers(found.layout, v, theta), found.posterior.evaluation.scenarios, weights)
        rows.append({"event": event.id, "shares": dict(zip(found.scenario_ids, shares, strict=True))})
    return sorted(rows, key=lambda row: (-max((s or 0.0 for s in row["shares"].values()), default=0.0), row["event"]))


def arrow_joints(chosen: Weighted) -> dict[tuple[int, int], Array]:
    """Compute the weighted mean of P(parent, child | E, draw) for each arrow: (alive parent states, child states)."""
    network = chosen.asked.network
    tables, _ = chosen.factors()
    layout = network.layout
    # The first factors are the events' rows, each over its parents and the event.
    children = [c for c, parents in enumerate(layout.parents) if parents]
    order = plan(network.cards, network.scopes)
    found = {}
    for c, family in zip(children, joints(order, tables, children)[1], strict=True):
        mean = family @ chosen.weights
        for place, p in enumerate(layout.parents[c]):
            found[p, c] = mean.sum(axis=tuple(axis for axis in range(mean.ndim - 1) if axis != place))
    return found


def _numbers(layout: Layout, v: int, theta: Array) -> Array:
    """Return the free numbers of an event's CPT on a scale without ends: (numbers, draws)."""
    own = theta[layout.offsets[v] :][: layout.n_rows(v) * layout.width(v)]
    tiny = np.finfo(float).tiny  # a row that a resolution rule makes certain says zero; it does not vary
    logs = np.log(np.maximum(own, tiny))
    if layout.events[v].kind == "reached":
        return logs
    by_row = logs.reshape(-1, layout.width(v), theta.shape[1])
    return (by_row[:, 1:] - by_row[:, :1]).reshape(-1, theta.shape[1])


def explained(numbers: Array, values: Array, weights: Array) -> list[float | None]:
    """Compute the shares of weighted variances that the best linear function of some numbers explains.

    A lower bound of the correlation ratio (Pearson 1905; the closed first-order index of Sobol 1993), estimated from
    the given draws and adjusted for the number of predictors with the effective number of draws (Ezekiel 1930), not
    below zero. None if the draws are fewer than three for each number.

    Args:
        numbers: (numbers, draws); values: (quantities, draws); weights: (draws,), normalised.
    """
    centred = values - (values @ weights)[:, np.newaxis]
    totals = np.square(centred) @ weights
    varying = numbers - (numbers @ weights)[:, np.newaxis]
    spread = np.sqrt(np.square(varying) @ weights)
    scaled = varying[spread > 0.0] / spread[spread > 0.0, np.newaxis]
    size, n = effective_size(weights), scaled.shape[0]
    # Correlations, and by them the least squares of all quantities at once.
    within, with_values = (scaled * weights) @ scaled.T, (scaled * weights) @ centred.T
    slopes = np.linalg.lstsq(within, with_values, rcond=COLLINEAR)[0] if n else with_values
    shares: list[float | None] = []
    for total, held in zip(totals, (slopes * with_values).sum(axis=0), strict=True):
        if not total > 0.0 or not n:
            shares.append(0.0)
        elif size < 3 * n + 2:
            shares.append(None)
        else:
            shares.append(max(0.0, 1.0 - float(1.0 - held / total) * (size - 1.0) / (size - n - 1.0)))
    return shares
