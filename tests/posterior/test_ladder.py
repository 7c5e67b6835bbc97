"""The ladder: its numbers are those of dated questions, and nothing in it is certain, a copy or without a date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations, groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.ledger.outcome import Outcome
from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.posterior.by_date import decided_by, question_probabilities
from forecast.posterior.kinds import joint_estimates
from forecast.posterior.ladder import (
    AHEAD,
    DRAWS,
    MOST_DRAWS,
    SubQuestion,
    SubQuestionEstimate,
    ladder,
    month_end,
    month_of,
    months_asked,
    states_asked,
)
from forecast.posterior.posterior import evaluate, evaluate_events, query
from forecast.posterior.weights import Weights, averages, effective_size
from forecast.workspace.records import Condition, DatedCondition, JointQuestion, Proposition, Settled
from tests.analysis.worlds import AS_OF, answered, outcome_of
from tests.oracle.random_worlds import random_theta
from tests.posterior.test_kinds import asking
from tests.posterior.test_questions import question
from tests.worlds import HERE, HORIZON, event, item, network, random_network, workspace


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
    asked = {(row.asks.event, row.asks.states, row.asks.by): row for row in rows if isinstance(row.asks, SubQuestion)}
    assert len(asked) == len(rows)
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
        settled: {
            (row.asks.event, row.asks.states) for row in _small(settled=settled) if isinstance(row.asks, SubQuestion)
        }
        for settled in (False, True)
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
        assert isinstance(row.asks, SubQuestion)
        assert decided_by(day, row.asks.about, row.asks.by) is None


def _many(seed: int, n_draws: int) -> Outcome:
    """A random world of four events without reports, on many independent draws that weigh unevenly."""
    rng = np.random.default_rng(seed)
    world = workspace(random_network(rng, 4))
    found = outcome_of(world, random_theta(rng, lay_out(world.network), n_draws)[1], AS_OF)
    weights = rng.dirichlet(np.full(n_draws, 5.0))
    posterior = replace(found.posterior, weights=Weights(weights, 0.0, effective_size(weights)))
    return replace(found, posterior=posterior)


@pytest.mark.parametrize("seed", range(4))
def test_against_all_draws(seed: int) -> None:
    """What is solved on some draws is the mean over all of them, within the error of what the horizon leaves open.

    That error is smaller than without the horizon, and none at the horizon itself.
    """
    found = _many(seed, 4000)
    asked = ladder(found.workspace, found.layout, AS_OF, found.posterior)
    assert DRAWS <= asked.weights.size <= MOST_DRAWS
    questions = [question(str(row), one.event, one.states, one.by) for row, one in enumerate(asked.asks)]
    told = question_probabilities(found.workspace, found.layout, AS_OF, found.posterior, questions)
    expected = np.array([one.probability for one in told])
    left, plain = np.zeros(len(expected)), averages(asked.yes, asked.weights).mcse
    for rows, of_event in asked.averaged:
        left[rows] = averages(of_event.left, asked.weights).mcse
        np.testing.assert_array_equal(asked.probabilities[rows], of_event.mean)
    # The largest of some dozens that hang together, from independent draws.
    assert (np.abs(asked.probabilities - expected) <= 4.5 * left + 1e-9).all()
    assert np.median(left / plain) < 0.7
    for one, gap in zip(asked.asks, np.abs(asked.probabilities - expected), strict=True):
        if one.by == found.layout.horizon:
            assert gap < 1e-9
    for row, answer in zip(asked.estimates, told, strict=True):
        assert row.mcse < 3.0 * answer.mcse + 1e-9
        assert row.quantiles[0] <= row.probability <= row.quantiles[-1]


def test_errors_are_as_large_as_they_say() -> None:
    """Over many samples of draws the mean is off by its Monte Carlo error: the square of their ratio is one."""
    ratios = []
    truth: dict[object, list[float]] = {}
    found = [ladder(one.workspace, one.layout, AS_OF, one.posterior) for one in (_resampled(k) for k in range(40))]
    for one in found:
        for row in one.estimates:
            truth.setdefault(row.asks, []).append(row.probability)
    means = {asks: float(np.mean(values)) for asks, values in truth.items() if len(values) == len(found)}
    for one in found:
        ratios += [((row.probability - means[row.asks]) / row.mcse) ** 2 for row in one.estimates if row.asks in means]
    assert 0.6 < float(np.mean(ratios)) < 1.5


def _resampled(k: int) -> Outcome:
    """The same world on draws of their own."""
    rng = np.random.default_rng(7)
    world = workspace(random_network(rng, 3))
    layout = lay_out(world.network)
    return outcome_of(world, random_theta(np.random.default_rng(100 + k), layout, 2000)[1], AS_OF)


@pytest.mark.parametrize("seed", range(6))
def test_days_side_by_side_are_each_day_alone(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of several days, alike or not, have the posterior in one elimination that each has in its own."""
    found = answered(seed, 4, monkeypatch)
    if found is None:
        return
    told = found.outcome
    days = [AS_OF, AS_OF + timedelta(days=40), HORIZON - timedelta(days=90), HORIZON]
    networks = [compile_workspace(told.layout, told.workspace, AS_OF, on=day) for day in days]
    theta, drawn = told.posterior.draws.theta, told.posterior.reliabilities
    for of_day, events in zip(networks, evaluate_events(networks, theta, drawn), strict=True):
        for v, expected in enumerate(evaluate(query(of_day, ()), theta, drawn).events):
            np.testing.assert_allclose(events[v], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_scenarios_and_conditions_are_asked_too(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have the probability of the same question; what is certain or a copy is left out, and so is a far month."""
    found = answered(seed, 4, monkeypatch)
    if found is None:
        return
    told = found.outcome
    months = months_asked(AS_OF, HORIZON)
    by, earlier = max(months.values()), min(months.values())
    dated = [event for event in told.layout.events if event.kind != "constant"]
    if len(dated) < 2 or not told.workspace.scenarios:
        pytest.skip("this world has no two dated events and a scenario")
    first, second = dated[:2]
    about = Proposition((Condition(first.id, first.states[-1:]),))
    given_then = Proposition((DatedCondition(second.id, second.states[1:], earlier),))
    scenario = Proposition(scenario=told.workspace.scenarios[0].id)
    asked = [
        asking(JointQuestion, by, about=about, given=Proposition((Condition(second.id, second.states[1:]),))),
        asking(JointQuestion, by, about=about, given=given_then),
        asking(JointQuestion, by, about=scenario, given=None),
        asking(JointQuestion, by, about=scenario, given=given_then),
    ]
    asked += [replace(asked[2], id="the same again"), replace(asked[2], id="a month not asked", by=AS_OF)]
    known = replace(told.workspace, further=tuple(asked))
    rows = ladder(known, told.layout, AS_OF, told.posterior)
    expected = {one.question: one for one in joint_estimates(known, told.layout, AS_OF, told.posterior, asked[:5])}
    plain = [row.probability for row in rows.estimates if isinstance(row.asks, SubQuestion)]
    there = {row.question: row for row in rows.joints}
    assert not {"the same again", "a month not asked"} & there.keys()
    for name, row in there.items():
        one = expected[name or ""]
        assert row.probability == pytest.approx(one.probability, abs=1e-9)
        assert one.quantiles is not None
        np.testing.assert_allclose(row.quantiles, one.quantiles, rtol=0, atol=1e-9)
        assert 0.0 <= row.mcse < 0.5
    for posed in asked[:4]:
        p = expected[posed.id].probability
        if posed.id not in there and p is not None and 1e-9 < p < 1.0 - 1e-9:
            same = [other for row in (*plain, *(row.probability for row in rows.joints)) for other in (row, 1.0 - row)]
            assert min(abs(p - other) for other in same) < 1e-9
