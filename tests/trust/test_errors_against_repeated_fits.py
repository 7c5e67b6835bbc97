"""Monte Carlo errors of forecasts against the scatter of whole fits under other seeds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forecast.ledger.outcome import Outcome, outcome
from forecast.model.layout import lay_out
from forecast.posterior.posterior import posterior
from forecast.workspace.records import Likelihood, Settled, Support, Workspace
from tests.worlds import HERE, event, item, network, rule, statement, target, workspace

pytestmark = pytest.mark.trust
AS_OF, SEEDS = date(2026, 3, 25), range(40)


def _known() -> Workspace:
    net = network(
        event("will", "constant"),
        event("truce", "reached", ("none", "limited", "general"), parents=["will"]),
        event("aid", "status", ("on", "cut"), parents=["truce"]),
    )
    said = [
        statement("a-truce", target("truce", "general"), 0.3, sd=0.3),
        statement("b-truce", target("truce", "general"), 0.8, expert="bob", sd=0.3),
        statement("c-will", target("will", "yes"), 0.35, expert="editors", sd=0.8),
    ]
    items = [
        item("report", date(2026, 2, 10), Likelihood("will", {"no": 0.2, "yes": 0.6}, None, HERE)),
        item("support", date(2026, 3, 1), Support("truce", "moderate", ("general",), date(2026, 12, 1), HERE)),
        item("step", date(2025, 9, 1), Settled("truce", "limited", HERE)),
    ]
    return workspace(
        net, statements=said, items=items, scenarios=[rule("peace", truce="general"), rule("cut", aid="cut")]
    )


def _fitted(known: Workspace, seed: int, folder: Path) -> Outcome:
    layout = lay_out(known.network)
    found = posterior(layout, known, AS_OF, seed, folder, lambda _: None)
    return outcome(known, layout, AS_OF, seed, found)


def test_errors_are_the_scatter_of_fits(tmp_path: Path) -> None:
    """Over 40 seeds the standard deviation of each probability is its error as told, within three errors of its own."""
    known = _known()
    fits = [_fitted(known, seed, tmp_path) for seed in SEEDS]
    within = 1.0 + 3.0 / np.sqrt(2.0 * (len(SEEDS) - 1))
    for name in fits[0].scenario_ids:
        told = np.sqrt(np.mean([fit.scenarios[name].mcse ** 2 for fit in fits]))
        scatter = np.std([fit.scenarios[name].probability for fit in fits], ddof=1)
        print(f"{name}: scatter {scatter:.5f}, told {told:.5f}")
        assert 1.0 / within < scatter / told < within
