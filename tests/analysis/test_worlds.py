"""Every what-if at once: each equals the one that is asked for alone."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.analysis.supposition import read_supposition
from forecast.analysis.what_if import ImpossibleError
from forecast.analysis.worlds import NOTHING_SUPPOSED, Worlds, _steps, worlds, worlds_table
from forecast.ledger.outcome import Outcome
from tests.plainly import what_if
from tests.report.outcomes import DRAWS, concluded, world

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The forecast of a small world."""
    return concluded(world(), tmp_path_factory.mktemp("fit"))[0]


@pytest.fixture(scope="module")
def made(found: Outcome) -> Worlds:
    """All its what-ifs, pairs from every draw."""
    return worlds(found, lambda _: None, pair_draws=DRAWS)


def _asked(found: Outcome, *, learned: tuple[str, ...] = (), imposed: tuple[str, ...] = ()) -> dict[str, Any]:
    table: dict[str, Any] = what_if(found, read_supposition(found, learned, imposed, ()), lambda _: None)
    return table


def _after(found: Outcome, table: dict[str, Any]) -> tuple[Array, list[Array]]:
    scenarios = {row["id"]: row["after"] for row in table["scenarios"]}
    events = {row["id"]: np.array([state["after"] for state in row["states"]]) for row in table["events"]}
    return np.array([scenarios[name] for name in found.scenario_ids]), [events[e.id] for e in found.layout.events]


def _all(found: Outcome) -> list[tuple[int, int, str]]:
    return [(v, x, f"{e.id}={s}") for v, e in enumerate(found.layout.events) for x, s in enumerate(e.states)]


@pytest.mark.parametrize("how", ["learned", "imposed"])
def test_each_equals_what_if(found: Outcome, made: Worlds, how: str) -> None:
    """One event learned or imposed: scenarios and events as `what_if` computes them; impossible ones are absent."""
    table = made.learned if how == "learned" else made.imposed
    for v, x, text in _all(found):
        try:
            expected = _after(found, _asked(found, **{how: (text,)}))
        except ImpossibleError:
            assert (v, x) not in table
            continue
        np.testing.assert_allclose(expected[0], table[v, x][0], atol=1e-12)
        for one, other in zip(expected[1], table[v, x][1], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12)


def test_before_an_intervention_equals_what_if(found: Outcome, made: Worlds) -> None:
    """What interventions are held against is what `what_if` has before; without anything downstream it is absent."""
    for v in range(len(found.layout.events)):
        text = next(text for w, x, text in _all(found) if w == v and (v, x) in made.imposed)
        table = _asked(found, imposed=(text,))
        assert bool(table["descendants"]) == (v in made.before)
        if v not in made.before:
            continue
        scenarios, events = made.before[v]
        before = {row["id"]: row["before"] for row in table["scenarios"]}
        np.testing.assert_allclose([before[name] for name in found.scenario_ids], scenarios, atol=1e-12)
        of = {row["id"]: [state["before"] for state in row["states"]] for row in table["events"]}
        for other, shares in zip(found.layout.events, events, strict=True):
            np.testing.assert_allclose(of[other.id], shares, atol=1e-12)
    shown = worlds_table(found, made)
    now = [row for row in shown.rows if row.state == NOTHING_SUPPOSED]
    assert len(now) <= len(shown.before) <= len(made.before)
    assert sum(row.first for row in shown.rows) == len(made.asked)


def test_pairs_equal_what_if(found: Outcome, made: Worlds) -> None:
    """Two events learned: scenarios as `what_if` has them, and the probability of the two together."""
    tried = 0
    for (v, x, one), (w, y, other) in product(_all(found), repeat=2):
        if v >= w:
            continue
        joint = made.pairs[v, w][:, x, y]
        try:
            table = _asked(found, learned=(one, other))
        except ImpossibleError:
            assert 0.0 == joint.sum()
            continue
        assert table["p_learned"] == pytest.approx(joint.sum(), abs=1e-10)
        np.testing.assert_allclose(_after(found, table)[0], joint / joint.sum(), atol=1e-9)
        tried += 1
    assert tried > 20


def test_pairs_of_fewer_draws_keep_every_margin(found: Outcome, made: Worlds) -> None:
    """From a fourth of the draws each two of scenario and both events still have the distribution of all draws."""
    fewer = worlds(found, lambda _: None, pair_draws=DRAWS // 4)
    assert DRAWS // 4 == fewer.pair_draws
    apart = 0.0
    for pair, whole in made.pairs.items():
        for axis in range(3):
            np.testing.assert_allclose(whole.sum(axis=axis), fewer.pairs[pair].sum(axis=axis), atol=1e-9)
        apart = max(apart, np.abs(whole - fewer.pairs[pair]).max())
    assert 0.0 < apart < 0.02


def test_pairs_know_their_error(found: Outcome, made: Worlds) -> None:
    """From a fourth of the draws the answers differ from those of all by a few of their Monte Carlo errors."""
    fewer = worlds(found, lambda _: None, pair_draws=DRAWS // 4)
    apart, told = [], []
    for pair, errors in fewer.pair_errors.items():
        both = made.pairs[pair].sum(axis=0)
        for x, y in zip(*np.nonzero(both), strict=True):
            given = [joint[:, x, y] / joint[:, x, y].sum() for joint in (made.pairs[pair], fewer.pairs[pair])]
            apart.append(np.abs(given[0] - given[1]).max())
            told.append(errors[x, y])
    assert np.mean(np.array(apart) <= 3.0 * np.array(told) + 1e-9) > 0.9
    assert np.sqrt(np.mean(np.square(told))) < 5.0 * np.sqrt(np.mean(np.square(apart)))


def test_a_pair_is_printed_in_the_steps_that_its_error_carries(found: Outcome, made: Worlds) -> None:
    """Whole percents where twice the error is within one, else five or ten; where it is not known, ten."""
    assert ((100, 100, 500, 1000, 1000),) == _steps(np.array([[0.0, 0.005, 0.02, 0.2, np.nan]]))
    table = worlds_table(found, made)
    assert table.pairs.keys() == table.pair_steps.keys()
    for name, rows in table.pairs.items():
        assert [len(row) for row in rows] == [len(row) for row in table.pair_steps[name]]


def test_of_many_events_the_most_telling_are_asked_about(found: Outcome) -> None:
    """With a limit the events with most information about the scenarios remain, and only they."""
    few = worlds(found, lambda _: None, most=2)
    names = [found.layout.events[v].id for v in few.asked]
    assert ["truce", "aid"] == names
    assert {(few.asked[0], few.asked[1])} == set(few.pairs)
    assert set(few.asked) == {v for v, _ in few.learned} == {v for v, _ in few.imposed}
