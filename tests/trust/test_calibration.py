"""Simulation-based calibration: the stored run has nothing uneven, and the test of evenness would see it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from benchmarks.calibration import RANKED, STORED, WORLDS, evenness, run

pytestmark = pytest.mark.trust
LEAST_P = 0.001  # of about seven quantities: one in a hundred and fifty runs fails by chance
FURTHEST = 3.0  # standard errors
AGAIN = (0, 1, 2)


def _stored() -> Any:
    return json.loads(STORED.read_text(encoding="utf-8"))


def test_every_seed_is_reported() -> None:
    """The stored run has a rank for each world from seed 0 on, of every quantity."""
    assert {WORLDS} == {len(one["ranks"]) for one in _stored()["quantities"]}
    assert all(0 <= rank <= RANKED for one in _stored()["quantities"] for rank in one["ranks"])


def test_ranks_are_even() -> None:
    """No quantity's ranks are uneven, and the p values are those of the stored ranks."""
    for one in _stored()["quantities"]:
        assert evenness(one["ranks"]) == pytest.approx(one["p_value"], rel=1e-9)
        assert one["p_value"] > LEAST_P, one["name"]


def test_scenarios_come_about_as_often_as_forecast() -> None:
    """Each scenario's count lies near the sum of its probabilities."""
    assert [] == [one["name"] for one in _stored()["scenarios"] if abs(one["z"]) > FURTHEST]


def test_uneven_ranks_are_seen() -> None:
    """Truths that lie too far out, or all on one side, are found uneven at the size of the stored run."""
    rng = np.random.default_rng(1)
    even = rng.integers(0, RANKED + 1, WORLDS)
    assert evenness(even.tolist()) > LEAST_P
    too_narrow = np.clip(50 + 1.5 * (even - 50), 0, RANKED).astype(int)
    too_low = (RANKED * (even / RANKED) ** 0.5).astype(int)
    assert evenness(too_narrow.tolist()) < LEAST_P
    assert evenness(too_low.tolist()) < LEAST_P


@pytest.mark.parametrize("seed", AGAIN)
def test_a_world_is_ranked_as_it_was(seed: int) -> None:
    """A world that is run again has the ranks that are stored, as far as other draws allow."""
    stored = {one["name"]: one["ranks"][seed] for one in _stored()["quantities"]}
    again = run(seed).ranks
    assert stored.keys() == again.keys()
    certain = {name for name in stored if name.startswith("P(") and name.endswith("| evidence)")}
    apart = [abs(stored[name] - again[name]) for name in stored.keys() - certain]
    assert np.mean(apart) < 10.0
