"""Rows and histories are computed once for draws that nobody can write to: the numbers are those without that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.model.asof import compile_workspace, factors
from forecast.posterior.posterior import evenly
from tests.oracle.random_worlds import random_world
from tests.worlds import OPENS


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_every_question_gets_its_own_tables(seed: int, n_events: int) -> None:
    """Other evidence, other dates, other draws and blocks of them, in any order, each as if it came first."""
    rng = np.random.default_rng(seed)
    world = random_world(seed, n_events, draws=8)
    thetas = [evenly(world.flat, 1), evenly(world.flat[:, ::-1], 1), evenly(world.flat, 2)]
    for _ in range(12):
        items = tuple(item for item in world.workspace.items if rng.random() < 0.7)
        as_of = OPENS + timedelta(days=int(rng.choice([40, 200])))
        network = compile_workspace(world.layout, replace(world.workspace, items=items), as_of)
        theta = thetas[int(rng.integers(len(thetas)))]
        block = theta[:, 1:3] if rng.random() < 0.5 else theta
        written = np.array(block)  # these may be written to, so that nothing is kept of them
        expected, spent = factors(
            compile_workspace(world.layout, replace(world.workspace, items=items), as_of), written
        )
        got, offset = factors(network, block)
        assert all(np.array_equal(a, b) for a, b in zip(expected, got, strict=True))
        assert np.array_equal(spent, offset)


def test_draws_that_may_change_are_computed_anew() -> None:
    """Draws that somebody writes to have other rows afterwards."""
    world = random_world(3, 3, draws=4)
    network = compile_workspace(world.layout, world.workspace, OPENS)
    theta = np.array(world.flat)
    before = [np.array(one) for one in factors(network, theta)[0]]
    theta[:] = theta[:, ::-1].copy()
    after = factors(network, theta)[0]
    expected = factors(network, np.array(world.flat[:, ::-1]))[0]
    assert all(np.array_equal(a, b) for a, b in zip(expected, after, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))
