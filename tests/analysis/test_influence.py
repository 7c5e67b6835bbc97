"""Arrows against enumeration, shares of variance against a function whose shares are known."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.analysis.influence import explained
from tests.analysis.worlds import answered
from tests.plainly import arrows


@pytest.mark.parametrize("seed", range(15))
def test_arrows_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every arrow once, with the mutual information of its two ends in the mean joint."""
    world = answered(seed, 4, monkeypatch, has_requirements=seed % 2 == 1)
    if world is None:
        pytest.skip("the evidence of this world is impossible")
    events = world.oracle.network.events
    names, told = list(events), arrows(world.outcome)
    assert sorted((p, c) for c in names for p in events[c].parents) == sorted((a["parent"], a["child"]) for a in told)
    for row in told:
        ends = [names.index(row[end]) for end in ("parent", "child")]
        joint = np.zeros([len(events[row[end]].states) for end in ("parent", "child")])
        for states, chance in world.joint.items():
            place = tuple(events[names[v]].states.index(states[v]) for v in ends)
            joint[place] += chance
        apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
        held = joint > 0.0
        by_hand = float((joint[held] * np.log2(joint[held] / apart[held])).sum())
        assert by_hand == pytest.approx(row["bits"], abs=1e-9)


def test_shares_of_a_known_function() -> None:
    """Of 3a + 4b + noise of sd 5 the group (a, other) explains 9/50, b 16/50, and what is not in it nothing."""
    rng = np.random.default_rng(1)
    a, b, noise, other = rng.normal(size=(4, 40_000))
    weights = rng.dirichlet(np.full(a.size, 5.0))
    values = 3 * a + 4 * b + 5 * noise
    both = np.stack([values, a])
    assert [9 / 50, 1.0] == pytest.approx(explained(np.stack([a, other]), both, weights), abs=0.015)
    assert [16 / 50, 0.0] == pytest.approx(explained(b[np.newaxis], both, weights), abs=0.015)
    assert [0.0, 0.0] == pytest.approx(explained(other[np.newaxis], both, weights), abs=0.001)
    # A number said twice explains no more.
    assert [16 / 50] == pytest.approx(explained(np.stack([b, 2 * b + 1]), values[np.newaxis], weights), abs=0.015)


def test_too_few_draws_to_tell() -> None:
    """With fewer than three draws for each number nothing is told; a constant forecast has no spread to explain."""
    rng = np.random.default_rng(2)
    weights = np.full(10, 0.1)
    assert [None] == explained(rng.normal(size=(4, 10)), rng.normal(size=(1, 10)), weights)
    assert [0.0] == explained(rng.normal(size=(1, 10)), np.full((1, 10), 0.5), weights)
