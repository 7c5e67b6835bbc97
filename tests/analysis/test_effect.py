"""What an item does to a forecast, in three parts, against enumeration of states, parameters and reliabilities."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.analysis.chronology import NoEffectError, SplitRow, split_item
from forecast.workspace.records import Item, Likelihood, ReportSource, Settled
from forecast.workspace.renames import Grade
from tests.analysis.deal import day, drawn_theta, known_deal, outcome_of
from tests.worlds import HERE, event, item, network, rule, workspace

Array = NDArray[np.float64]
CHANCES = np.array([0.2, 0.7])  # P(fact) and P(other) under each of two parameters, of equal weight
GRADE = Grade(0.6, 4.0)


def _says(name: str, on: str, ratio: float) -> Item:
    return item(name, day(10), Likelihood(on, {"no": 1.0, "yes": ratio}, None, HERE))


def _enumerated(items: list[Item], examined: Item) -> list[float]:
    """P(other): without the item, by its direct effect, with relearned parameters, and with it."""
    r = (np.arange(4000) + 0.5) / 4000
    beta = r ** (GRADE.mean * GRADE.certainty - 1.0) * (1.0 - r) ** ((1.0 - GRADE.mean) * GRADE.certainty - 1.0)

    def chance(one: Item, fact: int, other: int, q: Array) -> Array:
        [part] = one.bears_on
        assert isinstance(part, Settled | Likelihood)
        state = {"fact": fact, "other": other}[part.event]
        if isinstance(part, Settled):
            return np.full_like(q, float(state == ["no", "yes"].index(part.state)))
        ratios = np.array([*part.ratios.values()])
        ratios = ratios / ratios.max()
        return np.asarray(q * ratios[state] + (1.0 - q) * ratios.mean())

    def joint(kept: list[Item], q: Array) -> Array:
        """(parameter, fact, other, r)."""
        table = np.empty((2, 2, 2, r.size))
        for k, fact, other in product(range(2), repeat=3):
            p = CHANCES[k]
            prior = (p if fact else 1.0 - p) * (p if other else 1.0 - p)
            table[k, fact, other] = prior * beta * np.prod([chance(one, fact, other, q) for one in kept], axis=0)
        return table

    def of_other(table: Array) -> float:
        return float(table[:, :, 1].sum() / table.sum())

    before = joint([one for one in items if one is not examined], r)
    if isinstance(examined.bears_on[0], Settled):
        as_before = relearned = joint(items, r)
    else:
        informative = np.full_like(r, float((before * r).sum() / before.sum()))
        own = np.array([[chance(examined, fact, other, informative) for other in (0, 1)] for fact in (0, 1)])
        as_before = relearned = before * own
    within = as_before / as_before.sum(axis=(1, 2), keepdims=True)
    direct = within * before.sum(axis=(1, 2), keepdims=True)
    return [of_other(table) for table in (before, direct, relearned, joint(items, r))]


def _parts(row: SplitRow) -> list[float]:
    return [row.direct.change, row.relearned.change, row.source.change]


WOLF = [_says(f"wolf-{n}", "fact", 20.0) for n in range(2)]
REPORT, SETTLED = _says("report", "other", 9.0), item("z", day(50), Settled("fact", "no", HERE))


@pytest.mark.parametrize(
    ("items", "examined"),
    [
        ([*WOLF, REPORT, SETTLED], WOLF[0]),  # refuted already: through its source alone
        ([*WOLF, REPORT, SETTLED], REPORT),
        ([*WOLF, REPORT, SETTLED], SETTLED),
        ([*WOLF, REPORT], WOLF[1]),
    ],
)
def test_the_parts_are_those_of_enumeration(items: list[Item], examined: Item) -> None:
    """Direct effect, relearned parameters and source are sums over states, parameters and reliabilities."""
    net = network(event("fact", "constant"), event("other", "constant"))
    known = workspace(net, items=items, scenarios=[rule("yes", other="yes")])
    known = replace(known, sources={"wire": ReportSource("wire", "wire", "C", GRADE, HERE)})
    p = np.tile(CHANCES, 10_000)
    found = split_item(outcome_of(known, np.stack([1 - p, p, 1 - p, p])), examined)
    [row, _] = found.scenarios
    points = _enumerated(items, examined)
    errors = [5.0 * part.mcse + 1e-4 for part in (row.direct, row.relearned, row.source)]
    for expected, change, error in zip(np.diff(points), _parts(row), errors, strict=True):
        assert expected == pytest.approx(change, abs=error)
    assert row.before + sum(_parts(row)) == pytest.approx(row.now, abs=1e-12)
    assert points[0] == pytest.approx(row.before, abs=0.01)


def test_a_false_alarm_acts_through_its_source_alone() -> None:
    """What a refuted report still does to another event is its source's doing: it takes from what that source said."""
    items = [*WOLF, REPORT, SETTLED]
    before, direct, relearned, now = _enumerated(items, WOLF[0])
    assert before == pytest.approx(direct, abs=1e-12)
    assert before == pytest.approx(relearned, abs=1e-12)
    assert now < before - 0.01


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["a-rumour", "b-rumour", "c-talks", "e-aid", "g-draft"]))
def test_the_parts_add_up(seed: int, name: str) -> None:
    """The parts are the difference that the item makes, and over all scenarios or states each sums to nothing."""
    known = known_deal()
    outcome = outcome_of(known, drawn_theta(known, 400, seed))
    [examined] = [one for one in known.items if one.id == name]
    found = split_item(outcome, examined)
    for rows in (found.scenarios, *(about.states for about in found.events)):
        for row in rows:
            assert row.now - row.before == pytest.approx(sum(_parts(row)), abs=1e-12)
        assert np.zeros(3) == pytest.approx(np.sum([_parts(row) for row in rows], axis=0), abs=1e-12)
    assert {row.id: row.now for row in found.scenarios} == pytest.approx(
        {name: one.probability for name, one in outcome.scenarios.items()}, abs=1e-12
    )


def test_what_does_not_count_has_no_parts() -> None:
    """An item that is retracted or superseded by the date is refused, and says so."""
    known = known_deal()
    outcome = outcome_of(known, drawn_theta(known, 200))
    for name in ("d-wrong", "f-draft"):
        [examined] = [one for one in known.items if one.id == name]
        with pytest.raises(NoEffectError, match=f"item '{name}' does not count"):
            split_item(outcome, examined)
