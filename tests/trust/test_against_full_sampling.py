"""Reweighting and refits against NUTS with all evidence inside, on worlds with and without statements."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.posterior.posterior import Posterior, evaluate_scenarios, evidence_of, posterior, query
from forecast.posterior.sources import draw_reliabilities
from forecast.posterior.weights import smooth, weigh_draws
from forecast.sampling.draws import prior_draws
from forecast.sampling.settings import CHAINS
from forecast.sampling.spec import prior_spec
from forecast.workspace.records import Claim, Likelihood, Settled, Support, Workspace
from tests.posterior.strong_evidence import AS_OF, NEW, OLD, QUARTER, from_pool
from tests.worlds import HERE, event, item, network, rule, statement, target, workspace

pytestmark = pytest.mark.trust
Array = NDArray[np.float64]
SEED, OTHER_SEED, BATCHES = 11, 12, 10


class Estimated(NamedTuple):
    """P(scenario | E) and its Monte Carlo standard error."""

    mean: Array
    error: Array


def _mild() -> Workspace:
    """Statements, history and reports that bear on each other, none of them strong."""
    net = network(
        event("will", "constant"),
        event("truce", "reached", ("none", "limited", "general"), parents=["will"]),
        event("aid", "status", ("on", "cut"), parents=["truce"]),
    )
    said = [
        statement("a-truce", target("truce", "general"), 0.3, sd=0.6),
        statement("b-aid", target("aid", "cut", given={"truce": "none"}), 0.4, expert="bob", sd=0.6),
        statement("c-will", target("will", "yes"), 0.35, expert="editors", sd=0.8),
    ]
    day = date(2025, 9, 1)
    items = [
        item("claim", date(2026, 2, 1), Claim("aid", "cut", HERE), source="blog"),
        item("report", date(2026, 2, 10), Likelihood("will", {"no": 0.2, "yes": 0.6}, None, HERE)),
        item("support", date(2026, 3, 1), Support("truce", "moderate", ("general",), date(2026, 12, 1), HERE)),
        item("step", day, Settled("truce", "limited", HERE)),
    ]
    rules = [rule("peace", truce="general"), rule("drift", aid="cut")]
    return workspace(net, statements=said, items=items, scenarios=rules)


WORLDS: dict[str, tuple[Workspace, date | None]] = {
    "mild": (_mild(), None),
    "mended at the quarter": (OLD, QUARTER),
    "mended on the day": (NEW, AS_OF),
}


def _estimated(values: Array, weights: Array) -> Estimated:
    """Weighted means (rows) with batch errors: draws stand chain after chain and hang on each other."""
    mean = values @ weights
    influence = (values - mean[:, np.newaxis]) * weights * weights.size
    batches = influence.reshape(len(values), CHAINS * BATCHES, -1).mean(axis=2)
    return Estimated(mean, batches.std(axis=1, ddof=1) / np.sqrt(CHAINS * BATCHES))


@cache
def reweighted(name: str, folder: Path) -> Posterior:
    """The forecast by the rule: base draws, and anchors where their weights fail."""
    known, _ = WORLDS[name]
    return posterior(lay_out(known.network), known, AS_OF, SEED, folder, lambda _: None)


@cache
def in_full(name: str, folder: Path) -> Estimated:
    """The forecast from NUTS with all evidence inside, by another seed."""
    known, _ = WORLDS[name]
    layout = lay_out(known.network)
    evidence = compile_workspace(layout, known, AS_OF)
    draws = prior_draws(prior_spec(layout, known, AS_OF, anchor=evidence), OTHER_SEED, folder, lambda _: None)
    # The sampler knows every source at its prior mean; what the reports say of the sources is weighed in after it.
    drawn = draw_reliabilities(evidence, known.sources, draws.theta, OTHER_SEED)
    log_evidence, shares = evaluate_scenarios(query(evidence, known.scenarios), draws.theta, drawn)
    log_ratios = log_evidence + drawn.log_correction - evidence_of(evidence, draws.theta)
    return _estimated(shares, smooth(log_ratios).weights)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the draws of this file are kept."""
    return tmp_path_factory.mktemp("draws")


def _differ(first: Estimated, second: Estimated) -> Array:
    """Differences in Monte Carlo standard errors."""
    return np.asarray(np.abs(first.mean - second.mean) / np.hypot(first.error, second.error))


@pytest.mark.parametrize("name", WORLDS)
def test_agrees_with_full_sampling(name: str, folder: Path) -> None:
    """The forecast by the rule is that of NUTS with all evidence inside, to 3 Monte Carlo standard errors."""
    found = reweighted(name, folder)
    assert (WORLDS[name][1], True) == (found.anchor, found.weights.reliable)
    actual, expected = _estimated(found.evaluation.scenarios, found.weights.weights), in_full(name, folder)
    print(f"{name}: {actual.mean} by the rule, {expected.mean} in full, z {_differ(actual, expected)}")
    assert (_differ(actual, expected) < 3.0).all()


@pytest.mark.parametrize("name", [name for name, (_, anchor) in WORLDS.items() if anchor])
def test_the_refit_is_needed(name: str, folder: Path) -> None:
    """Without the refit the weights are known not to hold, and far fewer draws bear the forecast; with it it holds."""
    known, _ = WORLDS[name]
    found, expected = reweighted(name, folder), Estimated(*from_pool(known))
    log_evidence, shares = evaluate_scenarios(found.asked, found.base.theta)
    unmended = weigh_draws(log_evidence, shares)
    mended = _estimated(found.evaluation.scenarios, found.weights.weights)
    print(f"{name}: base k {unmended.pareto_k:.2f}, effective size {unmended.effective_size:.0f}")
    assert not unmended.reliable
    # Whether few draws miss the forecast by much is luck; that they are few is not.
    assert unmended.effective_size < found.weights.effective_size / 5.0
    assert (_differ(mended, expected) < 3.0).all()
