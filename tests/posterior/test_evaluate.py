"""The evidence on every draw: three ways to the same numbers, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.inference import engine
from forecast.inference.engine import ImpossibleEvidenceError
from forecast.model.asof import compile_workspace
from forecast.posterior.posterior import (
    Query,
    evaluate,
    evaluate_scenarios,
    evidence_of,
    is_possible,
    mean_joint,
    query,
)
from tests.oracle.random_worlds import World, random_world
from tests.worlds import OPENS

AS_OF = OPENS.replace(year=OPENS.year + 1, month=7)


def _asked(world: World) -> Query:
    return query(compile_workspace(world.layout, world.workspace, AS_OF), world.workspace.scenarios)


def _solved(seed: int, draws: int) -> tuple[World, Query]:
    world = random_world(seed, 4, draws=draws)
    return world, _asked(world)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_three_ways_to_the_same_numbers(seed: int) -> None:
    """Both passes, the inward pass alone and the mean joint agree to 1e-12; scenarios sum to one in every draw."""
    world, asked = _solved(seed, 6)
    if not is_possible(asked.network, world.flat):
        for solve in (evaluate, evaluate_scenarios):
            with pytest.raises(ImpossibleEvidenceError):
                solve(asked, world.flat)
        return
    found = evaluate(asked, world.flat)
    log_evidence, scenarios = evaluate_scenarios(asked, world.flat)
    weights = np.random.default_rng(seed).dirichlet(np.ones(6))
    joint = mean_joint(asked, world.flat, weights)
    np.testing.assert_allclose(log_evidence, found.log_evidence, rtol=0, atol=1e-12)
    np.testing.assert_allclose(evidence_of(asked.network, world.flat), found.log_evidence, rtol=0, atol=1e-12)
    np.testing.assert_allclose(scenarios, found.scenarios, rtol=0, atol=1e-12)
    np.testing.assert_allclose(scenarios.sum(axis=0), 1.0, rtol=0, atol=1e-12)
    for of_event, block in zip(found.events, joint, strict=True):
        np.testing.assert_allclose(of_event.sum(axis=0), 1.0, rtol=0, atol=1e-12)
        np.testing.assert_allclose(block.sum(axis=0), of_event @ weights, rtol=0, atol=1e-12)
        np.testing.assert_allclose(block.sum(axis=1), scenarios @ weights, rtol=0, atol=1e-12)


def test_blocks_of_draws_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each draw is solved by itself: the size of the blocks and the number of threads change no bit."""
    world, asked = _solved(5, 101)
    whole = evaluate(asked, world.flat)
    monkeypatch.setattr(engine, "BLOCK", 7)
    for cores in (1, 3):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        parts = evaluate(asked, world.flat)
        assert (whole.log_evidence == parts.log_evidence).all()
        assert (whole.scenarios == parts.scenarios).all()
        assert all((a == b).all() for a, b in zip(whole.events, parts.events, strict=True))


def test_draws_without_mass_are_named_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The indices in the error count from the first draw, not from the first of the block."""
    monkeypatch.setattr(engine, "BLOCK", 4)

    def solved(block: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
        if (block == 0.0).any():
            raise ImpossibleEvidenceError(np.flatnonzero(block == 0.0))

    with pytest.raises(ImpossibleEvidenceError) as raised:
        engine.ENGINE.in_blocks(solved, np.array([1.0] * 9 + [0.0] * 2))
    assert [9, 10] == raised.value.draws.tolist()
