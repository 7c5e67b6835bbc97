"""The smallest changes that bring a question to a price: each reaches it when all is solved anew."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from forecast.analysis.gap import DaySolver, evidence_gaps, row_gaps
from forecast.model.asof import compile_workspace
from forecast.posterior.posterior import query
from forecast.workspace.records import Question, Scenario
from tests.analysis.worlds import AS_OF, Answered, answered
from tests.posterior.test_questions import question
from tests.worlds import HORIZON

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


@pytest.mark.parametrize("seed", SEEDS)
def test_reports_reach_the_price(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Solved with the report the price is there; on the event itself it takes the odds ratio, and that is least."""
    _, one, solver, to = _asked(seed, monkeypatch)
    rows, _ = evidence_gaps(solver, one, solver.families(), to, 99, lambda _: None)
    assert rows
    for row in rows:
        assert to == pytest.approx(row.reached, abs=1e-9)
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
    for row in evidence_gaps(solver, one, solver.families(), to, 99, lambda _: None)[0]:
        at, factor = names.index(row.event), 10.0 ** (row.decibans / 10.0)
        weighed = {x: p * (factor if x[at] in row.states else 1.0) for x, p in world.joint.items()}
        yes = sum(p for x, p in weighed.items() if x[own] in one.about.states)
        assert to == pytest.approx(yes / sum(weighed.values()), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_reach_the_price(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Solved with the row the price is there, and the first row is that of the smallest change."""
    _, _, solver, to = _asked(seed, monkeypatch)
    rows, _ = row_gaps(solver, solver.families(), to, 99, lambda _: None)
    assert rows
    changes = [row.log_odds for row in rows]
    if None in changes:
        assert all(one is None for one in changes)
        pytest.skip("no one row of this world reaches it")
    for row in rows:
        assert to == pytest.approx(row.reached, abs=1e-9)
        assert 0.0 < row.after < 1.0
    sizes = [abs(one) for one in changes if one is not None]
    assert sizes == sorted(sizes)
