"""The compiled network and the batched engine against enumeration."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.inference.batch import solve
from forecast.inference.elimination import plan
from forecast.inference.engine import ImpossibleEvidenceError
from tests.oracle.agreement import assert_enumerated, enumerated
from tests.oracle.engine import answer
from tests.oracle.enumeration import AsOf
from tests.oracle.random_worlds import random_world, some_day, timed
from tests.worlds import HORIZON, OPENS


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.booleans())
def test_random_worlds(seed: int, n_events: int, by_a_date: bool) -> None:
    """The log of P(E|theta), P(s|E) and P(s, x|E) of every draw are those of the enumeration, on any as-of date."""
    world = random_world(seed, n_events)
    rng = np.random.default_rng(seed + 1)
    as_of = some_day(rng)
    assert_enumerated(world, as_of, some_day(rng, as_of) if by_a_date else None)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.booleans(), st.booleans())
def test_random_worlds_with_timing(seed: int, n_events: int, by_a_date: bool, is_rolled: bool) -> None:
    """The same holds where hazards follow dated rates or a Weibull, and where the horizon was rolled on."""
    rng = np.random.default_rng(seed + 1)
    last = HORIZON + timedelta(days=400) if is_rolled else HORIZON
    world = timed(rng, random_world(seed, n_events), rolled_to=last if is_rolled else None)
    as_of = some_day(rng, OPENS, last)
    assert_enumerated(world, as_of, some_day(rng, as_of, last) if by_a_date else None)


def test_after_the_horizon_the_horizon_is_seen() -> None:
    """An as-of date after the horizon gives every dated event the state it had on the horizon."""
    world = random_world(5, 4)
    after = HORIZON.replace(year=HORIZON.year + 1)
    found = answer(world.workspace, world.flat, after)
    oracle = AsOf(world.workspace, world.theta, after)
    _, _, by_state = enumerated(oracle)
    for v, event in enumerate(world.layout.events):
        for k, state in enumerate(event.states):
            total = sum(by_state[event.id, state, r] for r in [*(s.id for s in world.workspace.scenarios), "other"])
            np.testing.assert_allclose(total, found.joint[v][k].sum(axis=0), rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_watched_since_before_the_opening(seed: int) -> None:
    """News that nobody watched after the opening leaves the whole window open."""
    world = random_world(seed, 4, n_reports=0)
    never = replace(world.workspace, items=(), watched_until=OPENS.replace(year=2024))
    at_opening, _, _ = enumerated(AsOf(world.workspace, world.theta, OPENS, at_opening=True))
    np.testing.assert_allclose(at_opening, answer(never, world.flat, HORIZON).log_evidence, rtol=0, atol=1e-10)


def test_impossible_evidence_names_the_draws() -> None:
    """A draw without any mass is an error that says which."""
    order = plan([2], [(0,), (0,)])
    prior = np.array([[0.5, 1.0], [0.5, 0.0]])
    with pytest.raises(ImpossibleEvidenceError) as raised:
        solve(order, [prior, np.array([[0.0], [1.0]])])
    assert raised.value.draws.tolist() == [1]
