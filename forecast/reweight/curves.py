"""P(event by a date): the as-of network asked about earlier dates than the horizon, on the same weighted draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import compile_workspace
from forecast.compiled.layout import Layout
from forecast.reweight.evaluate import evaluate, query
from forecast.reweight.mcse import averages
from forecast.reweight.sources import Reliabilities
from forecast.reweight.weights import weighted_quantiles
from forecast.workspace.records import Workspace

Array = NDArray[np.float64]

CURVE_QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Curves:
    """Probabilities by date, for each event.

    `mean[v]` (dates, states of v) and `quantiles[v]` (dates, states, CURVE_QUANTILES): of a reached event P(at least
    state k by the date), of the others P(in the state on the date). `mcse[v]` (dates, states) is the Monte Carlo
    standard error of the mean; `correction` the largest change within any draw that made a reached event's curve rise.
    """

    days: tuple[date, ...]
    mean: tuple[Array, ...]
    quantiles: tuple[Array, ...]
    mcse: tuple[Array, ...]
    correction: float


def curve_days(start: date, horizon: date, most: int = 9) -> tuple[date, ...]:
    """Return the quarter ends between a date and the horizon, thinned to at most `most`, then the horizon.

    Ends of years are kept before ends of other quarters.
    """
    ends = [
        date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        for year in range(start.year, horizon.year + 1)
        for month in (3, 6, 9, 12)
    ]
    inside = [day for day in ends if start < day < horizon]
    for months in ((3, 6, 9, 12), (6, 12), (12,)):
        if len(kept := [day for day in inside if day.month in months]) < most:
            return (*kept, horizon)
    years = [day for day in inside if day.month == 12]
    step = -(-len(years) // (most - 1))
    return (*years[step - 1 :: step], horizon)


def curves(
    layout: Layout,
    workspace: Workspace,
    as_of: date,
    theta: Array,
    weights: Array,
    days: Sequence[date],
    *,
    every: int = 1,
    drawn: Reliabilities | None = None,
) -> Curves:
    """Compute P(state by each date) under the weights of the horizon, normalised within each draw.

    Args:
        layout, workspace, as_of: what is known.
        theta: (n_theta, draws).
        weights: (draws,) normalised importance weights, those of the forecast at the horizon.
        days: ascending, none after the horizon.
        every: use every so-many-th draw.
        drawn: the reliability of each source in each draw.

    A report speaks the more loudly the nearer the date that is asked about (it wears off), and parents that arrive
    meanwhile enter by an approximation; so P(at least k by t) of a reached event can come out above its value at a
    later date. The latest date of `days` is left as it is, the forecast at the horizon, and earlier ones are lowered.
    """
    theta, share = np.ascontiguousarray(theta[:, ::every]), weights[::every]
    share = share / share.sum()
    drawn = None if drawn is None else drawn.thinned(every)
    by_day = [_on_day(layout, workspace, as_of, theta, day, drawn) for day in days]
    mean, quantiles, mcse, correction = [], [], [], 0.0
    for v, event in enumerate(layout.events):
        values = np.stack([states[v] for states in by_day])
        if event.kind == "reached":
            stated = at_least(values)
            values = np.minimum.accumulate(stated[::-1])[::-1]
            correction = max(correction, float((stated - values).max()))
        means, flat = values @ share, values.reshape(-1, values.shape[-1])
        mean.append(means)
        mcse.append(averages(flat, share, means.ravel()).mcse.reshape(means.shape))
        quantiles.append(weighted_quantiles(flat, share, np.array(CURVE_QUANTILES)).reshape(*means.shape, -1))
    return Curves(tuple(days), tuple(mean), tuple(quantiles), tuple(mcse), correction)


def at_least(states: Array) -> Array:
    """Turn P(exactly step k), on the last axis but one, into P(at least step k)."""
    added = np.cumsum(states[..., ::-1, :], axis=-2)[..., ::-1, :]
    added[..., 0, :] = 1.0  # not the rounded sum
    return added


def _on_day(
    layout: Layout, workspace: Workspace, as_of: date, theta: Array, day: date, drawn: Reliabilities | None
) -> tuple[Array, ...]:
    # Without the scenario rules no events have to be kept to the last, and the elimination is cheaper.
    return evaluate(query(compile_workspace(layout, workspace, as_of, on=day), ()), theta, drawn).events
