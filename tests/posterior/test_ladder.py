"""The ladder: its numbers are those of dated questions, and nothing in it is certain, a copy or without a date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations, groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.model.asof import compile_workspace
from forecast.posterior.by_date import decided_by, question_probabilities
from forecast.posterior.ladder import (
    AHEAD,
    SubQuestionEstimate,
    ladder,
    month_end,
    month_of,
    months_asked,
    states_asked,
)
from forecast.workspace.records import Settled
from tests.analysis.worlds import AS_OF, answered, outcome_of
from tests.posterior.test_questions import question
from tests.worlds import HERE, HORIZON, event, item, network, workspace


@pytest.mark.parametrize("seed", range(8))
def test_against_dated_questions(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sub-question has the probability of the same dated question; what is left out is certain or a copy."""
    found = answered(seed, 4, monkeypatch)
    if found is None:
        return
    told = found.outcome
    rows = ladder(told.workspace, told.layout, AS_OF, told.posterior).estimates
    every = [
        question(f"{one.id} {states} {day}", one.id, states, day)
        for day in months_asked(AS_OF, HORIZON).values()
        for one in told.layout.events
        for states in states_asked(one)
    ]
    estimates = question_probabilities(told.workspace, told.layout, AS_OF, told.posterior, every)
    expected = {(q.about.event, q.about.states, q.by): one for q, one in zip(every, estimates, strict=True)}
    asked = {(row.asks.event, row.asks.states, row.asks.by): row for row in rows}
    assert asked.keys() <= expected.keys()
    for key, row in asked.items():
        assert row.probability == pytest.approx(expected[key].probability, abs=1e-9)
        np.testing.assert_allclose(row.quantiles, expected[key].quantiles, rtol=0, atol=1e-9)
        assert not expected[key].is_decided
    # What is missing is certain, or the mean of something that is asked, or its opposite.
    means = np.array([row.probability for row in rows])
    for key, one in expected.items():
        if key not in asked and not one.is_decided and 1e-9 < one.probability < 1.0 - 1e-9:
            same = np.abs(np.concatenate([means, 1.0 - means]) - one.probability)
            assert same.min() < 1e-9


def _small(*, settled: bool) -> tuple[SubQuestionEstimate, ...]:
    world = workspace(
        network(event("a", states=("none", "some", "all")), event("s", "status"), event("c", "constant")),
        items=[item("taken", date(2025, 5, 3), Settled("a", "some", HERE))] if settled else [],
    )
    theta = np.array([[0.5, 0.4], [0.7, 0.2], [0.4, 0.5], [0.6, 0.5], [0.3, 0.6], [0.7, 0.4]])
    outcome = outcome_of(world, theta, AS_OF)
    own = (question("mine", "a", ("all",), AS_OF + timedelta(days=40)),)
    return ladder(replace(world, questions=own), outcome.layout, AS_OF, outcome.posterior).estimates


def test_what_is_settled_is_not_asked() -> None:
    """A step that was taken is left out, a further one is asked; a constant never is, and one state of two."""
    names = {
        settled: {(row.asks.event, row.asks.states) for row in _small(settled=settled)} for settled in (False, True)
    }
    assert {("a", ("some", "all")), ("a", ("all",)), ("s", ("yes",))} == names[False]
    assert {("a", ("all",)), ("s", ("yes",))} == names[True]


def test_the_workspace_s_own_questions_are_asked_too() -> None:
    """A question that ends in one of the months stands among the sub-questions, with its name and its own day."""
    (row,) = [row for row in _small(settled=False) if row.question is not None]
    assert ("mine", AS_OF + timedelta(days=40)) == (row.question, row.asks.by)


def test_nothing_in_it_is_a_copy() -> None:
    """No two probabilities of one day are the same or opposite, by the mean."""
    for _, of_day in groupby(_small(settled=False), key=lambda row: row.asks.by):
        for one, other in combinations(of_day, 2):
            assert one.probability != pytest.approx(other.probability, abs=1e-9)
            assert one.probability != pytest.approx(1.0 - other.probability, abs=1e-9)


@given(st.dates(date(1990, 1, 1), date(2100, 12, 31)), st.integers(0, 900))
def test_months_are_the_next_ones(as_of: date, days: int) -> None:
    """Each month asked about lies as far ahead as it should, and ends on its last day or the horizon."""
    horizon = as_of + timedelta(days=days)
    months = months_asked(as_of, horizon)
    ahead = [month - month_of(as_of) for month in months]
    assert [one for one in AHEAD if month_of(as_of) + one <= month_of(horizon)] == ahead
    for month, day in months.items():
        assert month_of(day) == month
        assert as_of < day <= horizon
        assert day == horizon or (day + timedelta(days=1)).day == 1
        assert month_end(month) >= day


def test_an_open_question_is_not_decided() -> None:
    """What the ladder asks is open in the network of its day."""
    world = workspace(network(event("a", states=("none", "some", "all"))))
    outcome = outcome_of(world, np.array([[0.5, 0.4], [0.7, 0.2]]), AS_OF)
    for row in ladder(world, outcome.layout, AS_OF, outcome.posterior).estimates:
        day = compile_workspace(outcome.layout, world, AS_OF, on=row.asks.by)
        assert decided_by(day, row.asks.about, row.asks.by) is None
