"""Decisions against enumeration of all joint states, and the laws of utility and of the value of information."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.analysis.decide import Decided, decide, value_of_knowing
from forecast.analysis.target import with_margins
from forecast.ledger.outcome import Outcome
from forecast.workspace.records import DecisionProblem
from tests.analysis.test_watch import enumerated
from tests.analysis.worlds import AS_OF, Answered, answered
from tests.worlds import HORIZON

Array = NDArray[np.float64]
TO_HORIZON = 10_000


def a_decision(outcome: Outcome, event: str | None, worth: Array) -> DecisionProblem:
    """A decision with the utilities (options, outcomes)."""
    states = outcome.scenario_ids if event is None else outcome.workspace.network.events[event].states
    return DecisionProblem(
        id="d", question="q", unit="euros", event=event, outcomes=tuple(states), why=None,
        options={f"o{i}": tuple(row) for i, row in enumerate(worth.tolist())}, source=outcome.workspace.network.source,
    )  # fmt: skip


def a_world(seed: int, monkeypatch: pytest.MonkeyPatch) -> Answered:
    """A random world of three events; skips one whose evidence is impossible."""
    world = answered(seed, 3, monkeypatch, has_requirements=seed % 2 == 1)
    if world is None:
        pytest.skip("the evidence of this world is impossible")
    return world


def utilities(outcome: Outcome, event: str | None, seed: int, n: int = 3) -> Array:
    """Random utilities, of very different sizes."""
    k = len(outcome.scenario_ids if event is None else outcome.workspace.network.events[event].states)
    rng = np.random.default_rng(seed)
    return np.asarray(rng.normal(0.0, 10.0 ** rng.uniform(-1.0, 3.0), (n, k)))


def chances(world: Answered, event: str | None) -> tuple[Array, Array]:
    """P(outcome of a decision), weighted over draws and in each, (outcomes,) and (outcomes, draws), by enumeration."""
    names = list(world.oracle.network.events)
    known = list(world.outcome.scenario_ids if event is None else world.oracle.network.events[event].states)
    weights = world.outcome.posterior.weights.weights
    by_draw, total = np.zeros((len(known), weights.size)), sum(world.oracle.joint.values())
    for states, chance in world.oracle.joint.items():
        found = world.scenario(states) if event is None else states[names.index(event)]
        by_draw[known.index(found)] += chance / total
    return by_draw @ weights, by_draw


@pytest.mark.parametrize("seed", range(8))
def test_options_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Expected utility, its quantiles, how often an option is best, regret and perfect information are their sums."""
    world = a_world(seed, monkeypatch)
    weights = world.outcome.posterior.weights.weights
    for event in (None, *world.oracle.network.events):
        worth = utilities(world.outcome, event, seed)
        found = decide(world.outcome, a_decision(world.outcome, event, worth), 1)
        p, by_draw = chances(world, event)
        scale = np.abs(worth).max()
        np.testing.assert_allclose(p, list(found.outcomes.values()), rtol=0, atol=1e-9)
        for row in found.options:
            i = int(row.option[1:])
            values = worth[i] @ by_draw
            assert pytest.approx(float(worth[i] @ p), abs=1e-9 * scale) == row.expected
            order = np.argsort(values)
            below = np.cumsum(weights[order])
            for level, quantile in ((0.05, row.low), (0.95, row.high)):
                assert pytest.approx(values[order][np.searchsorted(below, level)], abs=1e-9 * scale) == quantile
            best = [float(weights[d]) for d in range(weights.size) if np.argmax(worth @ by_draw[:, d]) == i]
            assert pytest.approx(sum(best), abs=1e-9) == row.best
            loss = sum(p[s] * (max(worth[:, s]) - worth[i, s]) for s in range(p.size))
            assert pytest.approx(loss, abs=1e-9 * scale) == row.regret
        perfect = sum(p[s] * max(worth[:, s]) for s in range(p.size)) - max(worth @ p)
        assert pytest.approx(perfect, abs=1e-9 * scale) == found.perfect
        knowing = sum(weights[d] * max(worth @ by_draw[:, d]) for d in range(weights.size)) - max(worth @ p)
        assert pytest.approx(knowing, abs=1e-9 * scale) == found.known_probabilities


def best_less_now(worth: Array, joint: Array) -> float:
    """The value of knowing the second of a joint distribution, state by state."""
    now = max(float(row @ joint.sum(axis=1)) for row in worth)
    return sum(max(float(row @ joint[:, x]) for row in worth) for x in range(joint.shape[1])) - now


@pytest.mark.parametrize("seed", range(8))
def test_watching_to_the_horizon_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an event's state at the horizon is worth is the gain of the best option in each, over all joint states."""
    world = a_world(seed, monkeypatch)
    names = list(world.oracle.network.events)
    for event in (None, *names):
        worth = utilities(world.outcome, event, seed)
        decision = a_decision(world.outcome, event, worth)
        found = decide(world.outcome, decision, TO_HORIZON)
        assert (HORIZON, set(names)) == (found.by, {row.event for row in found.watching} | set(found.left_out))
        for row in found.watching:
            states = world.oracle.network.events[row.event].states
            joint = np.zeros((len(decision.outcomes), len(states)))
            for joined, chance in world.joint.items():
                outcome = world.scenario(joined) if event is None else joined[names.index(event)]
                joint[decision.outcomes.index(outcome), states.index(joined[names.index(row.event)])] += chance
            assert pytest.approx(best_less_now(worth, joint), abs=1e-8 * np.abs(worth).max()) == row.value
            if row.event == event:
                assert pytest.approx(found.perfect, abs=1e-8 * np.abs(worth).max()) == row.value
            for seen in row.states:
                x = states.index(seen.state)
                given = worth @ joint[:, x] / joint[:, x].sum()
                assert pytest.approx(given.max(), abs=1e-7 * np.abs(worth).max()) == seen.expected
                assert pytest.approx(joint[:, x].sum(), abs=1e-9) == seen.probability


@pytest.mark.parametrize("seed", range(4))
def test_watching_for_some_days_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an event's state on a day on the way is worth is that of the enumerated joint with the scenarios."""
    world = a_world(seed, monkeypatch)
    worth = utilities(world.outcome, None, seed)
    found = decide(world.outcome, a_decision(world.outcome, None, worth), 120)
    day = AS_OF + timedelta(days=120)
    for row in found.watching:
        # Its margins are those of the forecast, which tests of the watch list hold to enumeration.
        seen = {one.state: one.probability for one in row.states}
        states = np.array([seen.get(state, 0.0) for state in world.oracle.network.events[row.event].states])
        joint = with_margins(enumerated(world, row.event, day), np.array(list(found.outcomes.values())), states)
        assert pytest.approx(best_less_now(worth, joint), abs=1e-8 * np.abs(worth).max()) == row.value


def numbers(found: Decided) -> list[float]:
    """All that does not depend on what the options have in common."""
    rows = sorted(found.options, key=lambda row: row.option)
    watching = sorted(found.watching, key=lambda row: row.event)
    return [
        *(row.best for row in rows), *(row.regret for row in rows), found.perfect, found.known_probabilities,
        *(row.value for row in watching),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_what_options_have_in_common_changes_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A constant, or a number for each outcome, that is added to all options moves expected utilities alone."""
    world = a_world(seed, monkeypatch)
    worth = utilities(world.outcome, None, seed)
    plain = decide(world.outcome, a_decision(world.outcome, None, worth), 60)
    scale = np.abs(worth).max()
    for more in (7.0 * scale, np.random.default_rng(seed).normal(0.0, scale, worth.shape[1])):
        moved = decide(world.outcome, a_decision(world.outcome, None, worth + more), 60)
        np.testing.assert_allclose(numbers(plain), numbers(moved), rtol=0, atol=1e-9 * scale)
        p = np.array(list(plain.outcomes.values()))
        by_name = {row.option: row.expected for row in plain.options}
        shift = float(np.sum(p * more))
        assert all(
            pytest.approx(by_name[row.option] + shift, abs=1e-9 * scale) == row.expected for row in moved.options
        )
    double = decide(world.outcome, a_decision(world.outcome, None, 2.0 * worth), 60)
    assert pytest.approx(2.0 * plain.perfect) == double.perfect


@pytest.mark.parametrize("seed", range(8))
def test_no_knowledge_is_worth_more_than_the_outcome(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """EVPI >= the value of knowing the probabilities, and of any event's state on any day, >= 0."""
    world = a_world(seed, monkeypatch)
    worth = utilities(world.outcome, None, seed)
    rounding = 1e-9 * np.abs(worth).max()
    for days in (1, 60, TO_HORIZON):
        found = decide(world.outcome, a_decision(world.outcome, None, worth), days)
        for value in (found.known_probabilities, *(row.value for row in found.watching)):
            assert 0.0 <= value <= found.perfect + rounding
        assert pytest.approx(min(row.regret for row in found.options)) == found.perfect
        assert [row.expected for row in found.options] == sorted((row.expected for row in found.options), reverse=True)
        assert pytest.approx(1.0) == sum(row.best for row in found.options)


def test_options_that_are_the_same_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two equal options are each best with half of the probability, and nothing is worth knowing."""
    world = a_world(0, monkeypatch)
    worth = np.repeat(utilities(world.outcome, None, 0, n=1), 2, axis=0)
    found = decide(world.outcome, a_decision(world.outcome, None, worth), 60)
    assert [0.5, 0.5] == pytest.approx([row.best for row in found.options])
    assert [0.0] * 2 == [found.perfect, found.known_probabilities]
    assert {0.0} == {row.value for row in found.watching}


@given(st.integers(0, 2**32 - 1))
def test_coarser_knowledge_is_worth_no_more(seed: int) -> None:
    """To know only whether it is the last state is worth no more than to know the state, and no less than nothing."""
    rng = np.random.default_rng(seed)
    n_options, n = rng.integers(1, 5), rng.integers(2, 5)
    worth = rng.normal(0.0, 10.0 ** rng.uniform(-2.0, 3.0), (n_options, n))
    joint = rng.dirichlet(np.full(3 * n, 0.3)).reshape(n, 3)
    coarse = np.stack([joint[:, 0] + joint[:, 1], joint[:, 2]], axis=1)
    perfect = value_of_knowing(worth, np.diag(joint.sum(axis=1)))
    values = [value_of_knowing(worth, of) for of in (joint.sum(axis=1, keepdims=True), coarse, joint)]
    rounding = 1e-12 * np.abs(worth).max()
    assert pytest.approx(0.0, abs=rounding) == values[0]
    assert values[0] <= values[1] + rounding <= values[2] + 2.0 * rounding <= perfect + 3.0 * rounding


def test_a_published_example() -> None:
    """The oil wildcatter: drilling is worth 20 more than nothing; the soundings are worth their published value."""
    # Raiffa (1968), Decision Analysis: dry, wet and soaking holes; soundings show no, open or closed structure.
    p = np.array([0.5, 0.3, 0.2])
    worth = np.array([[-70.0, 50.0, 200.0], [0.0, 0.0, 0.0]])
    soundings = np.array([[0.6, 0.3, 0.1], [0.3, 0.4, 0.3], [0.1, 0.4, 0.5]]) * p[:, np.newaxis]
    assert pytest.approx(20.0) == float(worth[0] @ p)
    assert pytest.approx(12.5, abs=0.05) == value_of_knowing(worth, soundings)
    assert pytest.approx(35.0) == value_of_knowing(worth, np.diag(p))


def test_a_decision_of_an_event_that_is_the_watched_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision about an event, watched for longer, is worth no less to be watched."""
    world = a_world(2, monkeypatch)
    event = next(one.id for one in world.outcome.layout.events if one.kind == "reached")
    worth = utilities(world.outcome, event, 5)
    decision = a_decision(world.outcome, event, worth)
    values = [
        next((row.value for row in decide(world.outcome, replace(decision), days).watching if row.event == event), 0.0)
        for days in (30, TO_HORIZON)
    ]
    assert values[0] <= values[1] + 1e-9 * np.abs(worth).max()
