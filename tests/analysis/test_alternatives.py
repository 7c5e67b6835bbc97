"""Alternatives: reweighted against exact refits and enumeration, the list of them, what is kept, and the budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from forecast.analysis import alternatives as module
from forecast.analysis.alternatives import (
    AlternativeForecast,
    AlternativeShare,
    alternative_workspace,
    alternatives,
    kept_alternatives,
    listed,
)
from forecast.ledger.outcome import NEEDS_REFIT, REFITTED, REWEIGHTED, TOO_MANY, Outcome, outcome
from forecast.model.layout import lay_out
from forecast.posterior.moved import reweigh
from forecast.posterior.posterior import posterior
from forecast.sampling.draws import NotSampledError
from forecast.workspace.records import Condition, Item, Likelihood, Requirement, Settled, Workspace
from tests.analysis.sampling import of_the_prior
from tests.analysis.worlds import outcome_of
from tests.oracle.enumeration import AsOf
from tests.oracle.random_worlds import named
from tests.oracle.statements import Reader
from tests.worlds import HERE, event, item, network, rule, statement, target, workspace

DAY, AS_OF, SEED = date(2025, 7, 1), date(2025, 9, 1), 3
NET = network(
    event("cause"),
    event("mood", "constant", ["bad", "fair", "good"]),
    event("effect", "status", parents=["cause", "mood"]),
)
SAID = (
    statement("a-effect", target("effect", "yes"), 0.6, day=DAY, sd=0.7),
    statement("b-mood", target("mood", "good", given={"effect": "yes"}), 0.4, expert="bob", day=DAY, coded_by="ed"),
    statement("c-effect", target("effect", "yes"), 0.35, expert="cat", day=DAY, sd=0.7),
    statement("editors-cause", target("cause", "yes"), 0.4, expert="editors", sd=0.9),
)
FACT = item("fact", DAY - timedelta(days=40), Settled("cause", "yes", HERE), source="agency")
RUMOUR = item(
    "rumour", DAY, Likelihood("mood", {"bad": 1.0, "fair": 0.7, "good": 0.4}, None, HERE), source="blog", credibility=1
)
TALK = item("talk", DAY + timedelta(days=9), Likelihood("mood", {"bad": 0.3, "fair": 0.6, "good": 1.0}, None, HERE))
GROUPS = {"ann": "east", "bob": "west", "cat": "west", "editors": "editors"}


def world(*items: Item) -> Workspace:
    """Four voices in three groups, and some items."""
    rules = [rule("calm", effect="no", mood="good"), rule("storm", effect="yes")]
    return workspace(NET, statements=SAID, items=items, scenarios=rules, experts=GROUPS)


def _silent(doing: str) -> None:
    """Nobody needs to know how far a test is."""


def _fitted(known: Workspace, cache: Path) -> Outcome:
    layout = lay_out(known.network)
    return outcome(known, layout, AS_OF, SEED, posterior(layout, known, AS_OF, SEED, cache, _silent))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for fits."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def found(cache: Path) -> Outcome:
    """A forecast from a fact and a rumour that everybody knew, and a later report."""
    return _fitted(world(FACT, RUMOUR, TALK), cache)


def test_what_is_left_may_lack_what_it_requires() -> None:
    """Without the only source of a prerequisite the rest is impossible for that reason, which is named."""
    needing = replace(event("b", parents=["a"]), requires=(Requirement("yes", ((Condition("a", ("yes",)),),)),))
    facts = [item(f"{x}-yes", DAY, Settled(x, "yes", HERE), source=by) for x, by in (("a", "wire"), ("b", "agency"))]
    known = workspace(network(event("a"), needing), items=facts)
    found = outcome_of(known, np.ones((3, 2)), AS_OF)
    without = alternative_workspace(known, module.Alternative(without_sources=("wire",)))
    assert ("'b' yes requires a yes",) == module._missing_needs(found, without)
    assert () == module._missing_needs(found, known)


def _shares(row: AlternativeForecast) -> Mapping[str, AlternativeShare]:
    assert row.scenarios is not None
    return row.scenarios


def test_reweighted_is_the_exact_refit(found: Outcome, cache: Path) -> None:
    """What reweighting tells is what draws of its own give, within 4 Monte Carlo errors; of sources, see below."""
    rows = {row.name: row for row in alternatives(found, cache, _silent)}
    told = {name: row for name, row in rows.items() if row.how == REWEIGHTED}
    assert {"east", "equal-weights", "blog", "wire"} <= set(told)
    moved = 0.0
    for one in listed(found):
        if one.name not in {"east", "equal-weights"}:
            continue
        exact = _fitted(alternative_workspace(found.workspace, one.alternative), cache)
        for name, row in _shares(told[one.name]).items():
            expected, error = exact.scenarios[name].probability, exact.scenarios[name].mcse
            # Draws of one chain hang together: half as many count, at most.
            assert abs(expected - row.probability) < 4.0 * np.sqrt(2.0) * np.hypot(error, row.mcse), one.name
            moved = max(moved, abs(row.change) / row.change_mcse)
            assert row.probability - found.scenarios[name].probability == pytest.approx(row.change, abs=1e-9)
    assert moved > 5.0


def test_without_a_source_by_enumeration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights and shares without a source's facts are those of the enumeration, authors not having known them either.

    The exact expert has no noise but the sd, and normal tails, so that the density is in closed form. It holds in every
    draw, so that no sampler is needed.
    """
    monkeypatch.setattr("forecast.sampling.draws.sample", of_the_prior)
    later = item("later", DAY + timedelta(days=20), Settled("effect", "yes", HERE), source="wire")
    known = world(FACT, later)
    experts = {name: replace(one, exact=True) for name, one in known.experts.items()}
    known = replace(known, experts=experts, statements=SAID[:1])
    found = _fitted(known, tmp_path)
    fit, theta = found.posterior.draws.fit()[0], found.posterior.draws.theta
    for source in ("agency", "wire"):
        other = replace(known, items=tuple(one for one in known.items if one.report_source != source))
        log_ratio = np.zeros(theta.shape[1])
        for sign, one in ((1.0, other), (-1.0, known)):
            reading = Reader(one, named(found.layout, theta)).implied(SAID[0])[0]
            log_ratio += sign * stats.norm.logpdf(np.log(0.6 / 0.4), loc=reading, scale=0.7)
        oracle = AsOf(other, named(found.layout, theta), AS_OF)
        evidence = np.sum(list(oracle.joint.values()), axis=0)
        expected = {name: np.zeros(theta.shape[1]) for name in found.scenario_ids}
        for states, chance in oracle.joint.items():
            expected[oracle.scenario(dict(zip(NET.events, states, strict=True)))] += chance / evidence
        there = reweigh(found.posterior, known, other, fit)
        assert there is not None
        for name, share in zip(found.scenario_ids, there.scenarios, strict=True):
            np.testing.assert_allclose(expected[name], share, rtol=0, atol=1e-9)
        weights = evidence * np.exp(log_ratio)
        # Smoothing replaces the largest fifth at most; the others keep their ratios.
        small = np.argsort(weights)[: weights.size // 2]
        ratio = there.weights.weights[small] / weights[small]
        np.testing.assert_allclose(np.ones(small.size), ratio / ratio[0], rtol=1e-8)
        assert np.ptp(log_ratio) > 0.1 if source == "agency" else np.ptp(log_ratio) == 0.0


def test_the_list(found: Outcome) -> None:
    """Equal weights, editors, every group that spoke, every source of an item that counts; each with its command."""
    told = [(one.kind, one.name, one.statements, one.items, one.settles) for one in listed(found)]
    assert [
        ("weights", "equal-weights", 4, 0, ()),
        ("weights", "without-editors", 2, 0, ()),
        ("group", "east", 1, 0, ()),
        ("group", "editors", 1, 0, ()),
        ("group", "west", 2, 0, ()),
        ("source", "agency", 0, 1, ("cause",)),
        ("source", "blog", 0, 1, ()),
        ("source", "wire", 0, 1, ()),
    ] == told
    gone = replace(TALK, retracted=AS_OF)
    fewer = replace(found, workspace=replace(world(FACT, gone), statements=()))
    assert [("source", "agency")] == [(one.kind, one.name) for one in listed(fewer)]
    assert "forecast show --without-source agency" == listed(fewer)[0].command


def test_every_so_many_draws_tell_the_same(found: Outcome, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the budget is small sources are computed on fewer draws, and of many only those with most items."""
    in_full = {row.name: row for row in alternatives(found, cache, _silent)}
    draws = found.posterior.weights.weights.size
    of_one = module.cost(found.posterior.asked.plan) * draws
    monkeypatch.setattr(module, "BUDGET", 2.5 * of_one)
    thinned = {row.name: row for row in alternatives(found, cache, _silent)}
    assert [draws // 4] * 3 == [thinned[name].draws for name in ("agency", "blog", "wire")]
    assert in_full["east"] == thinned["east"]
    for name, row in _shares(thinned["blog"]).items():
        fuller = _shares(in_full["blog"])[name]
        assert fuller.probability == pytest.approx(row.probability, abs=5.0 * row.mcse)
        assert fuller.change_mcse < row.change_mcse
    monkeypatch.setattr(module, "BUDGET", 0.5 * of_one)
    told = {row.name: row for row in alternatives(found, cache, _silent)}
    assert (REWEIGHTED, TOO_MANY, None) == (told["blog"].how, told["wire"].how, told["wire"].scenarios)


def _refused(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Let no weight be trusted, and fits be the forecast itself; return what was asked for: (alternative, sampled)."""
    asked: list[tuple[str, bool]] = []
    monkeypatch.setattr("forecast.posterior.weights.MAX_PARETO_K", -np.inf)

    def instead(_layout: Any, other: Workspace, *_: Any, may_sample: bool) -> Any:
        asked.append((f"{len(other.statements)} statements, {len(other.items)} items", may_sample))
        if not may_sample:
            raise NotSampledError(None, "")  # type: ignore[arg-type]  # nobody looks at the spec
        return STANDING_IN[0].posterior

    monkeypatch.setattr(module, "posterior", instead)
    return asked


STANDING_IN: list[Outcome] = []


def test_refits_are_asked_for_and_kept(found: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --refit nothing is sampled; with it every row is filled in once, for all later reports."""
    STANDING_IN[:] = [found]
    asked = _refused(monkeypatch)
    rows = kept_alternatives(found, tmp_path, _silent)
    n = len(listed(found))
    assert [NEEDS_REFIT] * n == [row.how for row in rows]
    assert all(row.scenarios is None and row.command.startswith("forecast show --") for row in rows)
    assert [False] * n == [sampled for _, sampled in asked]

    said: list[str] = []
    again = kept_alternatives(found, tmp_path, said.append, refit=True)
    assert [True] * n == [sampled for _, sampled in asked[n:]]
    assert [REFITTED] * n == [row.how for row in again]
    assert f"refit 1 of {n} (with equal weights)" in said[0] or "refits in" in said[-1]
    expected = {name: one.probability for name, one in found.scenarios.items()}
    assert expected == {name: one.probability for name, one in _shares(again[0]).items()}
    # Whatever makes the refit's own forecast unreliable stands with the row: here no Pareto k is low enough.
    assert all(any("Pareto k" in reason for reason in row.reasons) for row in again)

    del asked[:]
    assert again == kept_alternatives(found, tmp_path, _silent)
    assert again == kept_alternatives(found, tmp_path, _silent, refit=True)
    assert [] == asked
    # Another date is another question.
    other = replace(found, as_of=AS_OF + timedelta(days=1))
    assert {NEEDS_REFIT} == {row.how for row in kept_alternatives(other, tmp_path, _silent)}


def test_what_was_sampled_since_is_taken(found: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws of an alternative that another command sampled fill in its row; while there are none nothing is asked."""
    STANDING_IN[:] = [found]
    asked = _refused(monkeypatch)
    before = kept_alternatives(found, tmp_path, _silent)
    del asked[:]
    assert before == kept_alternatives(found, tmp_path, _silent)
    assert [] == asked
    (tmp_path / "draws").mkdir(exist_ok=True)
    (tmp_path / "draws" / "new.kept").touch()
    assert before == kept_alternatives(found, tmp_path, _silent)
    assert len(before) == len(asked)
    del asked[:]
    (tmp_path / "draws" / "newer.kept").touch()
    monkeypatch.setattr(module, "posterior", lambda *_args, **_more: found.posterior)
    after = kept_alternatives(found, tmp_path, _silent)
    assert {REFITTED} == {row.how for row in after}
    monkeypatch.undo()
    assert after == kept_alternatives(found, tmp_path, _silent)


def test_an_interruption_loses_nothing(found: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was refitted before somebody stopped it is there the next time."""
    STANDING_IN[:] = [found]
    _refused(monkeypatch)
    kept_alternatives(found, tmp_path, _silent)
    whole: Callable[..., Any] = module.refitted

    def stopped(_found: Outcome, one: Any, *arguments: Any, **more: Any) -> Any:
        if one.name == "east":
            raise KeyboardInterrupt
        return whole(_found, one, *arguments, **more)

    monkeypatch.setattr(module, "refitted", stopped)
    with pytest.raises(KeyboardInterrupt):
        kept_alternatives(found, tmp_path, _silent, refit=True)
    told = [row.how for row in kept_alternatives(found, tmp_path, _silent)]
    assert [REFITTED, REFITTED, NEEDS_REFIT] == told[:3]
