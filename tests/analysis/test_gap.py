"""The smallest changes that bring a question to a price: each reaches it when all is solved anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.analysis.gap import DaySolver, _Statements, evidence_gaps, row_gaps
from forecast.inference.engine import ENGINE
from forecast.ledger.outcome import Outcome
from forecast.model.asof import alive_slices, compile_workspace, family_tables
from forecast.model.layout import lay_out
from forecast.posterior.posterior import query
from forecast.sampling.likelihood import log_likelihood_given_noise
from forecast.sampling.spec import prior_spec
from forecast.workspace.records import Condition, Question, Scenario, Target
from tests.analysis.worlds import AS_OF, Answered, answered
from tests.posterior.test_questions import question
from tests.worlds import HORIZON, event, network, statement, workspace

Array = NDArray[np.float64]
SEEDS = range(8)


def _asked(seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Answered, Question, DaySolver, float]:
    """A question of a random world about its last event's last state, its solver, and a probability to reach."""
    world = answered(seed, 4, monkeypatch, has_requirements=seed % 2 == 1)
    if world is None:
        pytest.skip("the evidence of this world is impossible")
    day = HORIZON if seed % 3 else AS_OF + timedelta(days=150)
    is_open = [
        (name, state)
        for name, states in world.outcome.events.items()
        for state, p in states.items()
        if 0.01 < p.probability < 0.99
    ]
    if not is_open:
        pytest.skip("no event of this world is open")
    name, state = is_open[-1]
    one = question("asked", name, (state,), day)
    network = compile_workspace(world.outcome.layout, world.outcome.workspace, AS_OF, on=day)
    solver = DaySolver(world.outcome, query(network, [Scenario("yes", "yes", "", (one.about,), one.source)]))
    solver.families()
    if not 1e-6 < solver.start < 1.0 - 1e-6:
        pytest.skip("the event of this world is not open")
    odds = solver.start / (1.0 - solver.start) * (1.5 if seed % 2 else 0.7)
    return world, one, solver, odds / (1.0 + odds)


def _solved(solver: DaySolver, v: int, factor: Array) -> float:
    """P(yes) where the row of an event is multiplied (*alive states of its scope, draws or 1), solved anew."""
    tables, _ = solver.factors(np.arange(solver.weights.size))
    tables[v] = tables[v] * factor
    of = solver.queried
    masses = np.exp(ENGINE.log_regions(of.plan, of.with_rules(tables), of.masks) - solver.log_evidence) @ solver.weights
    return float(masses[0] / masses.sum())


@pytest.mark.parametrize("seed", SEEDS)
def test_reports_reach_the_price(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Solved with the report the price is there; on the event itself it takes the odds ratio, and that is least."""
    _, one, solver, to = _asked(seed, monkeypatch)
    rows, _ = evidence_gaps(solver, one, solver.families(), to, 99)
    assert rows
    network = solver.network
    for row in rows:
        v = network.layout.index[row.event]
        factor = [
            10.0 ** (row.decibans / 10.0 * (network.layout.events[v].states[x] in row.states)) for x in network.alive[v]
        ]
        assert to == pytest.approx(row.reached, abs=1e-9)
        assert to == pytest.approx(_solved(solver, v, np.array(factor)[:, np.newaxis]), abs=1e-9)
    own = next(row for row in rows if row.event == one.about.event)
    decibans = 10.0 * np.log10(to / (1.0 - to) * (1.0 - solver.start) / solver.start)
    assert abs(decibans) == pytest.approx(abs(own.decibans), abs=1e-6)
    assert abs(own.decibans) <= min(abs(row.decibans) for row in rows) + 1e-9


@pytest.mark.parametrize("seed", [1, 2, 4, 5, 7])
def test_a_report_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the horizon the joint of all states, weighed by the report, has the price as the question's probability."""
    world, one, solver, to = _asked(seed, monkeypatch)
    names = list(world.outcome.layout.index)
    own = names.index(one.about.event)
    for row in evidence_gaps(solver, one, solver.families(), to, 99)[0]:
        at, factor = names.index(row.event), 10.0 ** (row.decibans / 10.0)
        weighed = {x: p * (factor if x[at] in row.states else 1.0) for x, p in world.joint.items()}
        yes = sum(p for x, p in weighed.items() if x[own] in one.about.states)
        assert to == pytest.approx(yes / sum(weighed.values()), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_reach_the_price(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Solved with the row the price is there, and the first row is that of the smallest change."""
    _, _, solver, to = _asked(seed, monkeypatch)
    rows, _ = row_gaps(solver, solver.families(), to, 99)
    assert rows
    changes = [row.log_odds for row in rows]
    if None in changes:
        assert all(one is None for one in changes)
        pytest.skip("no one row of this world reaches it")
    network, layout = solver.network, solver.network.layout
    for row in rows:
        assert to == pytest.approx(row.reached, abs=1e-9)
        assert 0.0 < row.after < 1.0
        v = layout.index[row.event]
        (scope, *_), (full, *_) = network.families[v], family_tables(network, solver.theta)[v]
        table = full[alive_slices(network.alive, scope)]
        states = {**row.parents, row.event: row.state}
        *places, k = (
            network.alive[at].index(layout.state(layout.events[at].id, states[layout.events[at].id])) for at in scope
        )
        ratio = np.exp(row.log_odds or 0.0)
        factor = np.ones(table.shape)
        factor[tuple(places)] = 1.0 / (1.0 + (ratio - 1.0) * table[(*places, k)])
        factor[(*places, k)] *= ratio
        assert to == pytest.approx(_solved(solver, v, factor), abs=1e-9)
    sizes = [abs(one) for one in changes if one is not None]
    assert sizes == sorted(sizes)


def test_a_statement_that_is_moved() -> None:
    """What moving a stated number changes of its likelihood is the difference of both likelihoods, in every draw."""
    world = workspace(
        network(event("one"), event("two")),
        statements=[
            statement("a", Target(Condition("one", ("yes",)), None, (), None), 0.3, expert="ann"),
            statement("b", Target(Condition("two", ("yes",)), None, (), None), 0.6, expert="bob"),
        ],
    )
    world = replace(world, experts={**world.experts, "bob": replace(world.experts["bob"], exact=True)})
    spec, rng = prior_spec(lay_out(world.network), world, HORIZON), np.random.default_rng(2)
    shapes = {"omega": len(spec.experts), "quantity": spec.quantities.n_rows, "deviation": len(spec.deviation_labels)}
    fit = {name: np.abs(rng.normal(size=(2, 5, n))) for name, n in shapes.items()}
    drawn = SimpleNamespace(fit=lambda: (fit,))
    posterior = SimpleNamespace(spec=spec, draws=drawn, weights=SimpleNamespace(weights=np.full(10, 0.1)))
    said = _Statements(cast("Outcome", SimpleNamespace(posterior=posterior)), rng.uniform(size=10), 0.9)
    assert list(said.places) == ["a", "b"]
    for name, sds in (("a", 0.7), ("b", -2.0)):
        location = spec.stated.location.copy()
        location[said.places[name]] += sds * spec.stated.scale[said.places[name]]
        moved = replace(spec, stated=replace(spec.stated, location=location))
        expected = (
            log_likelihood_given_noise(moved, fit, [name])[name] - log_likelihood_given_noise(spec, fit, [name])[name]
        )
        np.testing.assert_allclose(expected, said.changed(name, sds), rtol=0, atol=1e-12)
