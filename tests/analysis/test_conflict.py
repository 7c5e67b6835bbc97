"""Conflict of reports against enumeration of every joint state."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product
from math import log10

import numpy as np
import pytest

from forecast.analysis import conflict as module
from forecast.analysis.conflict import Background, two_outcomes
from tests.analysis.worlds import AS_OF, Answered, answered, with_theta
from tests.oracle.enumeration import AsOf
from tests.plainly import conflict, surprise


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
    assert {row["item"] for row in found["items"]} <= set(reports)
    for row in found["items"]:
        others = chance(*(name for name in reports if name != row["item"])) / nothing
        by_hand = 10 * log10(single[row["item"]] * others / everything)
        assert by_hand == pytest.approx(row["decibans"], abs=1e-9)
        assert everything / others == pytest.approx(row["chance"], abs=1e-9)
        assert two_outcomes(everything / others) == pytest.approx(row["p_value"], abs=1e-9)
    told = {tuple(row["items"]): row["decibans"] for row in (*found["fights"], *found["supports"])}
    for one, other in combinations(sorted(reports), 2):
        by_hand = 10 * log10(single[one] * single[other] / (chance(one, other) / nothing))
        assert by_hand == pytest.approx(told.get((one, other), 0.0), abs=1e-9)


def _by_enumeration(world: Answered, draw: int) -> tuple[float, float]:
    """P(reports no likelier than those that came) in one draw, over all reports that come or do not, and their count.

    The second is the mean number of reports that come out.
    """
    known = world.outcome.workspace
    settled = tuple(item for item in known.items if not item.id.startswith("report"))
    bare = AsOf(replace(known, items=settled), world.oracle.theta, AS_OF)
    oracle = AsOf(known, world.oracle.theta, AS_OF)
    names, q = list(bare.network.events), oracle.informative()
    joint = {states: float(np.broadcast_to(chance, 4)[draw]) for states, chance in bare.joint.items()}
    total = sum(joint.values())
    items = {item.id: item for item in known.items}
    chances = []  # of each report, given each joint state
    for report in world.outcome.posterior.asked.network.reports:
        row = [
            oracle.mixture(items[report.item], q[report.item], dict(zip(names, states, strict=True)))
            for states in joint
        ]
        possible = [chance for chance, p in zip(row, joint.values(), strict=True) if p > 0.0]
        if max(possible) - min(possible) > 1e-12:
            chances.append(row)
    of_states = np.array(list(joint.values())) / total
    by_outcome = {}
    for came in product((True, False), repeat=len(chances)):
        chance = of_states
        for row, yes in zip(chances, came, strict=True):
            chance = chance * (np.array(row) if yes else 1.0 - np.array(row))
        by_outcome[came] = float(chance.sum())
    assert 1.0 == pytest.approx(sum(by_outcome.values()))
    real = by_outcome[(True,) * len(chances)]
    below = sum(chance for chance in by_outcome.values() if chance <= real + 1e-12)
    return below, sum(sum(came) * chance for came, chance in by_outcome.items())


@pytest.mark.parametrize("seed", range(20))
def test_surprise_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The p-value is the chance of all sets of reports that are no likelier than the real one."""
    world = answered(seed, 3, monkeypatch)
    monkeypatch.undo()
    if world is None:
        pytest.skip("the evidence of this world is impossible")
    theta = world.outcome.posterior.draws.theta[:, :1]
    tiled = with_theta(world.outcome, np.tile(theta, 4000))
    told = surprise(Background(tiled.posterior), seed)
    expected, count = _by_enumeration(world, 0)
    assert expected == pytest.approx(told["p_value"], abs=max(4.5 * told["mcse"], 1e-9))
    assert count == pytest.approx(told["median"], abs=1.5)


def test_two_outcomes() -> None:
    """Of two things that could be, the likelier (or as likely) one is no surprise, the other one is by its chance."""
    assert [0.2, 1.0, 1.0] == [two_outcomes(chance) for chance in (0.2, 0.5, 0.9)]
