"""P(yes) of dated questions: against enumeration, exact where decided, and the forecast itself at the horizon."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.model.asof import compile_workspace
from forecast.posterior.by_date import QUESTION_QUANTILES, QuestionEstimate, question_probabilities
from forecast.posterior.posterior import evaluate, query
from forecast.workspace.records import Condition, Likelihood, Question, Settled
from tests.analysis.worlds import AS_OF, Answered, answered, outcome_of
from tests.oracle.enumeration import AsOf
from tests.posterior.standing import standing_at
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, workspace

Array = NDArray[np.float64]


def question(name: str, about: str, states: tuple[str, ...], by: date) -> Question:
    """A question without a base rate."""
    return Question(
        id=name,
        question=f"{name}?",
        about=Condition(about, states),
        by=by,
        opens=OPENS,
        topic="test",
        resolves="by decree",
        base_rate=None,
        benchmarks=(),
        source=HERE,
    )


def asked(found: Answered, questions: list[Question]) -> tuple[QuestionEstimate, ...]:
    """The questions put to an outcome."""
    told = found.outcome
    return question_probabilities(told.workspace, told.layout, AS_OF, told.posterior, questions)


def enumerated(oracle: AsOf, about: Condition) -> Array:
    """P(the event is in one of the states | E) in each draw, by summing over the joint."""
    place = list(oracle.network.events).index(about.event)
    total = sum(oracle.joint.values())
    yes = sum(chance for states, chance in oracle.joint.items() if states[place] in about.states)
    return np.asarray((yes + 0.0 * np.asarray(total)) / total)


def draws_of(found: Answered, one: Question) -> Array:
    """P(yes) in each draw, as the docstring of the function under test says."""
    told = found.outcome
    kind, states = told.workspace.network.events[one.about.event], one.about.states
    on_the_day = AsOf(told.workspace, found.oracle.theta, AS_OF, one.by)
    path = on_the_day.known_until(one.about.event) if kind.kind != "constant" else OPENS
    if one.by <= path:
        return np.full(4, float(kind.states[on_the_day.state(one.about.event, one.by)] in states))
    yes = enumerated(on_the_day, one.about)
    if kind.kind == "reached" and states == kind.states[kind.states.index(states[0]) :]:
        return np.minimum(yes, enumerated(found.oracle, one.about))
    return yes


@pytest.mark.parametrize("seed", range(16))
def test_against_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """P(yes) is the weighted mean over draws of P(event in the states on the day | E), whichever others are asked."""
    found = answered(seed, 4, monkeypatch)
    if found is None:
        return
    rng = np.random.default_rng(seed)
    days = [OPENS + timedelta(days=int(n)) for n in rng.integers(1, (HORIZON - OPENS).days, 3)]
    questions = [
        question(f"{one.id}-{state}-{day}", one.id, one.states[k:] if one.kind == "reached" else (state,), day)
        for one in found.outcome.layout.events
        for k, state in enumerate(one.states)
        if k > 0
        for day in days
    ]
    weights = found.outcome.posterior.weights.weights
    told = asked(found, questions)
    expected = [draws_of(found, one) for one in questions]
    np.testing.assert_allclose([weights @ p for p in expected], [one.probability for one in told], rtol=0, atol=1e-10)
    assert [one.id for one in questions] == [one.question for one in told]
    assert [one for one in told if one.is_decided and one.probability not in (0.0, 1.0)] == []
    few = rng.choice(len(questions), 3)
    assert [told[i] for i in few] == [asked(found, [questions[i]])[0] for i in few]
    for p, one in zip(expected, told, strict=True):
        order = np.argsort(p)
        reached = np.cumsum(weights[order])
        quantiles = [p[order][np.searchsorted(reached, level)] for level in QUESTION_QUANTILES]
        np.testing.assert_allclose(quantiles, one.quantiles, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_at_the_horizon(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question about the horizon has the probability that the forecast gives."""
    found = answered(seed, 4, monkeypatch)
    if found is None:
        return
    for one in found.outcome.layout.events:
        told = asked(found, [question("q", one.id, one.states[1:], HORIZON)])[0]
        expected = sum(found.outcome.events[one.id][state].probability for state in one.states[1:])
        assert told.probability == pytest.approx(expected, abs=1e-12)


def test_what_is_settled_is_decided_from_its_known_date_on() -> None:
    """A step that was taken makes yes 1 and 0 exactly, from the day it was reported; before, neither."""
    step = date(2025, 5, 1)
    world = workspace(
        network(event("a", states=("none", "some", "all")), event("s", "status")),
        items=[item("taken", date(2025, 5, 3), Settled("a", "some", HERE), happened=step)],
    )
    theta = np.array([[0.5], [0.7], [0.4], [0.6]])
    later, earlier = step + timedelta(days=30), step - timedelta(days=1)
    questions = [
        question("reached later", "a", ("some", "all"), later),
        question("not before", "a", ("some", "all"), earlier),
        question("overtaken", "a", ("none",), later),
        question("still open", "a", ("all",), later),
        question("status of a day that was watched", "s", ("yes",), earlier),
    ]

    def told(as_of: date) -> list[float | None]:
        found = outcome_of(world, theta, as_of)
        estimates = question_probabilities(world, found.layout, as_of, found.posterior, questions)
        return [one.probability if one.is_decided else None for one in estimates]

    assert told(date(2025, 5, 3)) == [1.0, 0.0, 0.0, None, 0.0]
    assert told(date(2025, 4, 20)) == [None] * 5


def test_an_early_day_is_never_above_the_horizon() -> None:
    """Where a report that wears off would put an earlier day above the horizon, the horizon's probability holds."""
    as_of, early = date(2025, 7, 1), date(2025, 12, 31)
    said = Likelihood("a", {"x": 1.0, "y": 0.01}, date(2025, 12, 30), HERE)
    net = network(event("a", "status", ["x", "y"], persistence_days=540.0), event("b", parents=["a"]))
    world = workspace(net, items=[item("rumour", as_of, said, credibility=1)])
    theta = np.array([[0.2], [0.8], [24.0], [0.1]])  # b comes soon where a stays in x, and hardly in y
    drawn = standing_at({"wire": 0.88})
    found = outcome_of(world, theta, as_of)
    at_horizon = evaluate(found.posterior.asked, theta, drawn)
    posterior = replace(found.posterior, reliabilities=drawn, evaluation=at_horizon)
    [told] = question_probabilities(world, found.layout, as_of, posterior, [question("q", "b", ("yes",), early)])
    on_the_day = query(compile_workspace(found.layout, world, as_of, on=early), ())
    assert at_horizon.events[1][1, 0] == pytest.approx(told.probability, abs=1e-12)
    assert evaluate(on_the_day, theta, drawn).events[1][1, 0] > told.probability + 0.01
