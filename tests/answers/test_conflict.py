"""Conflict of reports against enumeration of every joint state."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from math import log10

import numpy as np
import pytest

from forecast.answers import conflict as module
from forecast.answers.conflict import conflict
from tests.answers.worlds import AS_OF, answered
from tests.oracle.enumeration import AsOf


def _silent(doing: str) -> None:
    """Nobody needs to know how far a test is."""


@pytest.mark.parametrize("seed", range(25))
def test_conflict_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole, pairs and parts equal ratios of P(reports, settled) summed over all states, sources at their means."""
    world = answered(seed, 3, monkeypatch)
    monkeypatch.undo()  # sources stand at their prior means here
    if world is None:
        pytest.skip("the evidence of this world is impossible")
    monkeypatch.setattr(module, "statements", lambda _: [])
    monkeypatch.setattr(module, "LEAST", 0.0)
    known = world.outcome.workspace
    oracle_theta = world.oracle.theta
    reports = [report.item for report in world.outcome.posterior.asked.network.reports]

    def chance(*kept: str) -> float:
        items = tuple(item for item in known.items if not item.id.startswith("report") or item.id in kept)
        joint = AsOf(replace(known, items=items), oracle_theta, AS_OF).joint
        return float(np.mean(sum(joint.values())))

    nothing = chance()
    single = {name: chance(name) / nothing for name in reports}
    everything = chance(*reports) / nothing
    found = conflict(world.outcome, 100, _silent)
    assert len(reports) == found["reports"]
    assert 10 * (sum(map(log10, single.values())) - log10(everything)) == pytest.approx(found["conflict"], abs=1e-9)
    for row in found["items"]:
        others = chance(*(name for name in reports if name != row["item"])) / nothing
        by_hand = 10 * log10(single[row["item"]] * others / everything)
        assert by_hand == pytest.approx(row["decibans"], abs=1e-9)
    told = {tuple(row["items"]): row["decibans"] for row in (*found["fights"], *found["supports"])}
    for one, other in combinations(sorted(reports), 2):
        by_hand = 10 * log10(single[one] * single[other] / (chance(one, other) / nothing))
        assert by_hand == pytest.approx(told.get((one, other), 0.0), abs=1e-9)
