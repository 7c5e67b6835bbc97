"""Worlds where nobody says anything and the evidence is too strong for reweighting, and their posterior from a pool.

Without anything said the prior of theta is that of the rows, wide for what is named: draws need no sampler, and the
posterior is that of a pool of draws a hundred times as large, weighed once. Worlds swing as often, and differ in when.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.posterior.posterior import evaluate_scenarios, evidence_of, query
from forecast.sampling.draws import Draws, draws_digest
from forecast.sampling.spec import PriorSpec, prior_spec, theta_draws
from forecast.workspace.records import Item, Settled, Workspace
from tests.worlds import HERE, event, item, network, rule, statement, target, workspace

Array = NDArray[np.float64]

AS_OF, MONTH, QUARTER = date(2026, 3, 25), date(2026, 3, 1), date(2026, 1, 1)
STATES = ("low", "middle", "high")
UNSTEADY = ("rate", "mood")
POOL, DRAWS = 400_000, 4000


def unsteady_since(day: date, changes: int = 10, every: int = 5) -> list[Item]:
    """Two statuses that swing between their outer states every few days from a day on: each swing informs theta."""
    return [
        item(f"{name}-{n:02d}", day + timedelta(days=every * n), Settled(name, STATES[2 * (n % 2 == 0)], HERE))
        for name in UNSTEADY
        for n in range(changes)
    ]


def world(items: list[Item]) -> Workspace:
    """Statuses are decided anew long before the horizon, so a scenario at the horizon hangs on theta alone."""
    statuses = [event(name, "status", STATES, initial="low", persistence_days=60.0) for name in UNSTEADY]
    rules = [rule("calm", rate="middle", mood=["low", "middle"]), rule("high", rate="high")]
    # A sampler wants to hear something: this says nothing, whatever theta is.
    said = statement("vacuous", target("rate", "low"), 0.5, sd=1000.0)
    return workspace(network(*statuses), statements=[said], items=items, scenarios=rules)


# The evidence is old: the sampler can know it from the start of the quarter.
OLD = world(unsteady_since(QUARTER - timedelta(days=80)))
# The evidence is newer: at the start of the quarter there was nothing to know, at that of the month there was.
NEWER = world(unsteady_since(QUARTER + timedelta(days=3)))
# The evidence is new: even at the start of the month there was nothing to know.
NEW = world(unsteady_since(MONTH + timedelta(days=3), every=2))


@cache
def pool(n_coordinates: int, seed: int, size: int) -> Array:
    """Independent standard normal coordinates of theta."""
    return np.random.default_rng(seed).standard_normal((n_coordinates, size))


THETAS: dict[str, Array] = {}


def _theta(spec: PriorSpec, seed: int) -> Array:
    """Draws of the prior or, with an anchor, resampled from the pool by its evidence."""
    rows = spec.rows
    if spec.anchor is None:
        return theta_draws(rows, pool(rows.n_coordinates, seed, DRAWS))
    theta = theta_draws(rows, pool(rows.n_coordinates, seed + 1, POOL))
    log_ratios = evidence_of(spec.anchor, theta)
    share = np.exp(log_ratios - log_ratios.max())
    chosen = np.random.default_rng(seed + 2).choice(POOL, DRAWS, p=share / share.sum())
    return np.ascontiguousarray(theta[:, chosen])


def draws_of(spec: PriorSpec, seed: int, cache: Path, progress: Callable[[str], None], **_: Any) -> Draws:
    """In the place of `prior_draws`; what has been asked for is not drawn again."""
    progress("drawing")
    key = draws_digest(spec, seed)
    if key not in THETAS:
        THETAS[key] = _theta(spec, seed)
    known = "base" if spec.anchor is None else spec.anchor.known.as_of.isoformat()
    digest = f"{seed} {known}"
    return Draws(theta=THETAS[key].copy(), digest=digest, diagnostics={}, store=cache, fit=lambda: ({}, {}))


def from_pool(known: Workspace) -> tuple[Array, Array]:
    """P(scenario | E) on a pool of its own, and its Monte Carlo standard error."""
    layout = lay_out(known.network)
    rows = prior_spec(layout, known, AS_OF).rows
    theta = theta_draws(rows, pool(rows.n_coordinates, 99, POOL))
    asked = query(compile_workspace(layout, known, AS_OF), known.scenarios)
    log_evidence, shares = evaluate_scenarios(asked, theta)
    weights = np.exp(log_evidence - log_evidence.max())
    weights /= weights.sum()
    mean = shares @ weights
    return mean, np.sqrt(np.square(shares - mean[:, np.newaxis]) @ np.square(weights))
