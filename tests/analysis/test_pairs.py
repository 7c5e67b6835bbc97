"""Every event given two that are learned: as a what-if of both has it."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from forecast.analysis.pairs import MOST_NUMBERS, STEP, chosen_pairs, events_given_pairs, pair_table
from forecast.analysis.supposition import read_supposition
from forecast.analysis.what_if import ImpossibleError
from forecast.analysis.worlds import UNIT, worlds
from tests.plainly import what_if
from tests.report.outcomes import concluded, world


def test_two_learned_move_every_event(tmp_path: Path) -> None:
    """Where all draws are used, each event given both is that of the engine; what cannot both be has nothing."""
    found, _, _ = concluded(world(), tmp_path)
    made = worlds(found, lambda _: None)
    table = pair_table(found, made, lambda _: None)
    events = found.layout.events
    assert {f"{v}.{w}" for v, w in combinations(range(len(events)), 2)} == set(table)
    compared = 0
    for (v, one), (w, other) in combinations(enumerate(events), 2):
        for x, state in enumerate(one.states):
            for y, second in enumerate(other.states):
                given = table[f"{v}.{w}"][x][y]
                try:
                    asked = read_supposition(found, [f"{one.id}={state}", f"{other.id}={second}"], [], [])
                    expected = what_if(found, asked, lambda _: None)
                except ImpossibleError:
                    assert given is None
                    continue
                assert given is not None
                assert {UNIT} == {sum(states) for states in given}
                assert {0} == {units % STEP for states in given for units in states}
                after = {row["id"]: [part["after"] for part in row["states"]] for row in expected["events"]}
                for u, event in enumerate(events):
                    assert [share / UNIT for share in given[u]] == pytest.approx(after[event.id], abs=2e-3)
                    compared += 1
    assert compared > 50


def test_both_ends_of_a_pair_are_settled(tmp_path: Path) -> None:
    """Given both, each of the two events is in its state for certain, and the joint's margins add up to one."""
    found, _, _ = concluded(world(), tmp_path)
    made = worlds(found, lambda _: None)
    for (v, w), joints in events_given_pairs(found, made, [(0, 1), (1, 3)]).items():
        for joint in joints:
            assert joint.sum() == pytest.approx(1.0, abs=1e-9)
        for x, state in enumerate(joints[v]):
            assert state[:, [k for k in range(state.shape[1]) if k != x]].sum() == 0.0
        assert joints[v].sum(axis=2) == pytest.approx(joints[w].sum(axis=2))


def test_no_more_pairs_than_a_page_holds() -> None:
    """The most telling events come first, and pairs end before their numbers are too many."""
    assert [(1, 2)] == chosen_pairs([2, 2, 2], [2, 1])
    cards = [3] * 60
    pairs = chosen_pairs(cards, range(60))
    assert 0 < len(pairs) * 9 * (180 - 60) <= MOST_NUMBERS
    assert pairs == sorted(combinations(range(max(w for _, w in pairs) + 1), 2))
