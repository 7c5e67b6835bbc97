"""Scenarios whose rules are evaluated by a diagram: answers and statements, against the same enumeration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from forecast.model.asof import compile_workspace
from forecast.posterior.posterior import evaluate, evaluate_scenarios, is_possible, mean_joint, query
from forecast.sampling.spec import DecidedOdds, prior_spec, rows_prior, theta_draws
from tests.analysis import test_story, test_watch, test_what_if
from tests.model.test_decision import force_diagrams
from tests.oracle.agreement import assert_read
from tests.oracle.random_worlds import named, random_world
from tests.oracle.statements import Reader, random_statements
from tests.posterior.test_evaluate import AS_OF
from tests.worlds import HORIZON

AGAINST_ENUMERATION = (
    test_watch.test_joint_on_a_day_by_enumeration,
    test_watch.test_bits_and_shares,
    test_what_if.test_learned_is_the_mean_joint_given_the_conditions,
    test_what_if.test_what_is_set_is_jeffreys_rule_for_several,
    test_what_if.test_imposed_by_enumeration,
    test_story.test_courses_are_the_likeliest_by_enumeration,
    test_story.test_distances_by_enumeration,
)


@pytest.mark.parametrize("holds", AGAINST_ENUMERATION)
@pytest.mark.parametrize("seed", range(4))
def test_answers_by_a_diagram(
    holds: Callable[[int, pytest.MonkeyPatch], None], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What to watch, what if, and the stories of scenarios hold as they do where joint states are kept together."""
    force_diagrams(monkeypatch)
    holds(seed, monkeypatch)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_forecast_by_a_diagram(seed: int) -> None:
    """Scenarios, events, and both together are those of the joint of all events that rules name, to 1e-12."""
    world = random_world(seed, 4, draws=3)
    network, weights = compile_workspace(world.layout, world.workspace, AS_OF), np.array([0.5, 0.2, 0.3])
    if not is_possible(network, world.flat):
        return
    by_joint = query(network, world.workspace.scenarios)
    with pytest.MonkeyPatch.context() as monkeypatch:
        force_diagrams(monkeypatch)
        by_diagram = query(network, world.workspace.scenarios)
    expected, found = (evaluate(asked, world.flat) for asked in (by_joint, by_diagram))
    np.testing.assert_allclose(found.log_evidence, expected.log_evidence, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.scenarios, expected.scenarios, rtol=0, atol=1e-12)
    np.testing.assert_allclose(evaluate_scenarios(by_diagram, world.flat)[1], expected.scenarios, rtol=0, atol=1e-12)
    for one, other in zip(found.events, expected.events, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)
    joints = (mean_joint(asked, world.flat, weights) for asked in (by_diagram, by_joint))
    for one, other in zip(*joints, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 5))
def test_statements_by_a_diagram(seed: int, n_events: int) -> None:
    """What statements on scenarios read is the enumeration's, by the sampler's program and on draws."""
    rng, world = np.random.default_rng(seed + 3), random_world(seed, n_events, n_reports=4)
    x = rng.normal(size=rows_prior(world.layout).n_coordinates)
    reader = Reader(world.workspace, named(world.layout, theta_draws(rows_prior(world.layout), x[:, np.newaxis])))
    statements = [one for one in random_statements(rng, reader, 24) if one.about.condition is None]
    with pytest.MonkeyPatch.context() as monkeypatch:
        force_diagrams(monkeypatch)
        spec = prior_spec(world.layout, replace(world.workspace, statements=tuple(statements)), HORIZON)
        assume(any(isinstance(side, DecidedOdds) for side in spec.sides))
        assert_read(world, x, reader, statements, HORIZON)
