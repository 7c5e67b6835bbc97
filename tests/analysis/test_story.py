"""The most probable courses against enumeration of every joint state."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.analysis.worlds import answered
from tests.plainly import stories


@pytest.mark.parametrize("seed", range(40))
def test_courses_are_the_likeliest_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each scenario the course told has the largest mean probability of all joint states, and that probability."""
    world = answered(seed, 4, monkeypatch, has_requirements=seed % 2 == 1)
    if world is None:
        pytest.skip("the evidence of this world is impossible")
    inside: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for states, chance in world.joint.items():
        inside[world.scenario(states)][states] = chance
    rows = {row["scenario"]: row for row in stories(world.outcome)}
    assert {name for name, chances in inside.items() if sum(chances.values()) > 0.0} == set(rows)
    for name, row in rows.items():
        share = sum(inside[name].values())
        told = tuple(step["state"] for step in row["course"])
        assert share == pytest.approx(row["probability"], abs=1e-9)
        assert max(inside[name].values()) / share == pytest.approx(row["course_probability"], abs=1e-9)
        assert inside[name][told] / share == pytest.approx(row["course_probability"], abs=1e-9)
        events = list(world.outcome.layout.index)
        for near in row["close"]:
            other = list(told)
            other[events.index(near["event"])] = near["state"]
            assert inside[name][tuple(other)] / share == pytest.approx(near["probability"], abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_distances_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Distance is half the sum of absolute differences between an event's states in the scenario and overall."""
    world = answered(seed, 4, monkeypatch, has_requirements=seed % 2 == 1)
    if world is None:
        pytest.skip("the evidence of this world is impossible")
    events = list(world.outcome.layout.index)
    for row in stories(world.outcome):
        for told in row["distinguishing"]:
            overall: dict[str, float] = defaultdict(float)
            within: dict[str, float] = defaultdict(float)
            for states, chance in world.joint.items():
                state = states[events.index(told["event"])]
                overall[state] += chance
                within[state] += chance * (world.scenario(states) == row["scenario"])
            total = sum(within.values())
            distance = sum(abs(within[state] / total - overall[state]) for state in overall) / 2.0
            assert distance == pytest.approx(told["distance"], abs=1e-9)
            assert within[told["state"]] / total == pytest.approx(told["in_scenario"], abs=1e-9)
