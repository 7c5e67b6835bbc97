"""The prior predictive: the flat prior, and the share of it that statements left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast.ledger.outcome import Outcome, forecast_table, outcome, prior_predictive, with_flat
from forecast.model.layout import lay_out
from forecast.plain import as_data
from forecast.posterior.posterior import unweighted
from forecast.sampling.draws import Draws
from forecast.sampling.spec import prior_spec, theta_draws
from tests.worlds import HORIZON, OPENS, event, network, rule, workspace

NET = network(
    event("root", "constant", ["a", "b", "c"]),
    event("mood", "constant"),
    event("truce", "reached", ["none", "limited", "general"], ["mood"]),
)
WORLD = workspace(NET, scenarios=[rule("peace", truce="general")])


def prior_of(scale: float, draws: int = 4000, seed: int = 5) -> Outcome:
    """The prior of statements that would have shrunk every coordinate to a scale."""
    layout = lay_out(NET)
    spec = prior_spec(layout, WORLD, HORIZON)
    x = scale * np.random.default_rng(11).standard_normal((spec.rows.n_coordinates, draws))
    diagnostics = {"r_hat_max": 1.0, "ess_bulk_min": 400.0, "ess_tail_min": 400.0, "divergences": 0.0}
    base = Draws(
        theta=theta_draws(spec.rows, x), digest="d" * 64, diagnostics=diagnostics, store=Path(), fit=lambda: ({}, {})
    )
    return outcome(WORLD, layout, OPENS, seed, unweighted(WORLD, layout, spec, base))


def test_nobody_said_anything() -> None:
    """Where the draws are those of the flat prior every pull is 1, and both columns agree, to Monte Carlo error."""
    prior = prior_of(1.0)
    found = prior_predictive(prior)
    assert {name: pytest.approx(1.0, abs=0.15) for name in NET.events} == found.pulls
    for name, estimate in prior.scenarios.items():
        assert abs(estimate.probability - found.scenarios[name].probability) < 5 * found.scenarios[name].mcse
    for state in ("a", "b", "c"):
        assert pytest.approx(1 / 3, abs=0.04) == found.events["root"][state].probability


def test_pull_is_a_share_of_variance() -> None:
    """Halving the log-odds of an event without parents leaves, in two states, a quarter of their variance."""
    assert pytest.approx(0.25, rel=0.15) == prior_predictive(prior_of(0.5)).pulls["mood"]


def test_pull_by_its_definition() -> None:
    """The pull is the summed variance of logit P by the draws over that by 1000 draws of the seed."""
    prior = prior_of(0.5)
    rows = prior.posterior.spec.rows
    flat = theta_draws(rows, np.random.default_rng(prior.seed).standard_normal((rows.n_coordinates, 1000)))
    told = prior.posterior.base.theta
    own = slice(prior.layout.offsets[0], prior.layout.offsets[0] + 3)  # a constant without parents is its row
    expected = np.var(np.log(told[own] / (1 - told[own])), axis=1).sum()
    expected /= np.var(np.log(flat[own] / (1 - flat[own])), axis=1).sum()
    assert pytest.approx(expected, rel=1e-9) == prior_predictive(prior).pulls["root"]


def test_flat_prior_hangs_on_nothing_but_the_network_and_the_seed() -> None:
    """The flat numbers are the same whatever was said, and others with another seed."""
    first, second = prior_of(1.0), prior_of(0.1, draws=500)
    assert prior_predictive(first).events == prior_predictive(second).events
    assert prior_predictive(first).events != prior_predictive(replace(first, seed=6)).events


def test_in_the_form_of_the_forecast() -> None:
    """Every scenario and state gets its flat estimate, every event its pull; all else stays."""
    prior = prior_of(1.0, draws=400)
    prior_table, found = forecast_table(prior, None, "0.1.0"), prior_predictive(prior)
    widened, table = as_data(with_flat(prior_table, found)), as_data(prior_table)
    assert [found.scenarios[row["id"]].probability for row in table["scenarios"]] == [
        row["flat"]["probability"] for row in widened["scenarios"]
    ]
    assert [found.pulls[name] for name in NET.events] == [event["pull"] for event in widened["events"]]
    for before, after in zip(table["events"], widened["events"], strict=True):
        assert before["states"] == [{k: v for k, v in row.items() if k != "flat"} for row in after["states"]]
        assert pytest.approx(1.0) == sum(row["flat"]["probability"] for row in after["states"])
    assert {k: v for k, v in table.items() if k not in ("scenarios", "events")} == {
        k: v for k, v in widened.items() if k not in ("scenarios", "events")
    }
