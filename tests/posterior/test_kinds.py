"""Scenarios, conditions, dates and numbers: against enumeration, their laws, and closed forms."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.model.asof import compile_workspace
from forecast.posterior.by_date import curve_days, question_probabilities
from forecast.posterior.kinds import (
    DAY_ERROR,
    LEVELS,
    JointEstimate,
    date_estimate,
    joint_estimates,
    number_estimates,
    settled_answer,
    taken_by_day,
)
from forecast.posterior.piecewise import PiecewiseLinear, mixture
from forecast.scoring.rules import crps_of_distribution, crps_of_quantiles
from forecast.workspace.names import OTHER
from forecast.workspace.records import (
    Condition,
    DatedCondition,
    DatedQuestion,
    DateQuestion,
    JointQuestion,
    NumberCase,
    NumberQuestion,
    Proposition,
    Question,
    Settled,
)
from tests.analysis.worlds import AS_OF, Answered, answered, outcome_of
from tests.oracle.enumeration import AsOf
from tests.oracle.in_time import TimedReader
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, rule, workspace

Array = NDArray[np.float64]


def asking[Q: DatedQuestion](kind: type[Q], by: date, **asks: Any) -> Q:
    """A question of a kind without anything beside it."""
    common: dict[str, Any] = {
        "opens": OPENS,
        "topic": "test",
        "resolves": "by decree",
        "base_rate": None,
        "benchmarks": (),
    }
    return kind(id=f"{by} {sorted(asks.items())}", question="?", by=by, source=HERE, **common, **asks)


def put(found: Answered, questions: list[JointQuestion]) -> tuple[JointEstimate, ...]:
    """Joint questions put to an outcome."""
    told = found.outcome
    return joint_estimates(told.workspace, told.layout, AS_OF, told.posterior, questions)


def holds(oracle: AsOf, about: Proposition | None, states: tuple[str, ...]) -> bool:
    """Whether a proposition is true of a joint state, as its docstring says."""
    if about is None:
        return True
    named = dict(zip(oracle.network.events, states, strict=True))
    if about.scenario is not None:
        return oracle.scenario(named) == about.scenario
    return all(named[one.event] in one.states for one in about.conditions)


def chance(oracle: AsOf, *about: Proposition | None) -> Array:
    """P(all of them hold | E) in each draw, by summing over the joint."""
    total = np.asarray(sum(oracle.joint.values()))
    true = [p for states, p in oracle.joint.items() if all(holds(oracle, one, states) for one in about)]
    return np.asarray((sum(true) + 0.0 * total) / total)


def propositions(found: Answered, rng: np.random.Generator) -> list[Proposition]:
    """Some scenarios, a state of an event, and states of two events."""
    events = found.outcome.layout.events
    names = (*(one.id for one in found.outcome.workspace.scenarios), OTHER)
    ones = [Condition(one.id, (one.states[int(rng.integers(len(one.states)))],)) for one in events]
    more = [Condition(one.id, one.states[1:]) for one in events]
    first, second = rng.choice(len(events), 2, replace=False)
    return [
        Proposition(scenario=str(rng.choice(names))),
        Proposition(scenario=OTHER),
        Proposition((ones[first],)),
        Proposition((more[first], more[second])),
    ]


@pytest.mark.parametrize("seed", range(8))
def test_joints_against_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """P(about | given) is the ratio of the weighted mean joints, its quantiles are weighed by P(given) in the draws."""
    found = answered(seed, 4, monkeypatch)
    if found is None:
        return
    rng = np.random.default_rng(seed)
    weights = found.outcome.posterior.weights.weights
    for day in (HORIZON, AS_OF + timedelta(days=int(rng.integers(1, 200)))):
        oracle = AsOf(found.outcome.workspace, found.oracle.theta, AS_OF, day)
        some = propositions(found, rng)
        asked = [
            asking(JointQuestion, day, about=about, given=condition)
            for about in some
            for condition in (None, *some)
            if about != condition
        ]
        for one, told in zip(asked, put(found, asked), strict=True):
            joint, under = chance(oracle, one.about, one.given), chance(oracle, one.given)
            if under @ weights < 1e-14:
                assert (told.probability, told.p_given) == (None, 0.0)
                continue
            assert told.probability == pytest.approx(joint @ weights / (under @ weights), abs=1e-10)
            assert told.p_given == (None if one.given is None else pytest.approx(under @ weights, abs=1e-12))
            assert told.quantiles is not None
            weighed = weights * under
            order = np.argsort(np.divide(joint, under, out=np.zeros_like(joint), where=under > 0), kind="stable")
            places = np.searchsorted(np.cumsum(weighed[order]) / weighed.sum(), [0.05, 0.5, 0.95])
            in_draws = np.divide(joint, under, out=np.zeros_like(joint), where=under > 0)[order]
            np.testing.assert_allclose(told.quantiles, in_draws[np.minimum(places, order.size - 1)], atol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_a_condition_on_an_earlier_day_against_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """P(about on the last day | the condition on its own day) is the ratio of sums over the states on both days."""
    found = answered(seed, 3, monkeypatch)
    if found is None:
        return
    rng, told = np.random.default_rng(seed), found.outcome
    by = HORIZON if seed % 2 else HORIZON - timedelta(days=90)
    early = AS_OF + timedelta(days=int(rng.integers(20, 200)))
    weights = told.posterior.weights.weights
    reader = TimedReader(told.workspace, found.oracle.theta)
    with np.errstate(divide="ignore"):
        courses = list(reader.courses(told.workspace, AS_OF, [early], by))
    peak = np.max([chance for _, chance in courses], axis=0)
    masses = [(on, np.exp(chance - peak)) for on, chance in courses]
    total = np.sum([mass for _, mass in masses], axis=0)
    first, second, third = (told.layout.events[v] for v in rng.permutation(3))
    given = DatedCondition(first.id, first.states[1:], early)
    conditions: list[tuple[Condition, ...]] = [(given,), (given, Condition(third.id, third.states[1:]))]
    if third.kind != "constant":
        conditions.append((given, DatedCondition(third.id, third.states[:1], early)))
    about = [
        *(Proposition(scenario=one.id) for one in told.workspace.scenarios[:1]),
        Proposition((Condition(second.id, second.states[-1:]),)),
    ]
    if first.kind == "constant":
        return
    asked = [asking(JointQuestion, by, about=one, given=Proposition(under)) for under in conditions for one in about]
    for one, estimate in zip(asked, put(found, asked), strict=True):
        assert one.given is not None
        joint, under = (np.zeros_like(total) for _ in range(2))
        for (at_first, at_last), mass in masses:
            on = [at_first if isinstance(when, DatedCondition) else at_last for when in one.given.conditions]
            if all(there[when.event] in when.states for there, when in zip(on, one.given.conditions, strict=True)):
                under += mass / total
                if holds(found.oracle, one.about, tuple(at_last[name] for name in told.layout.index)):
                    joint += mass / total
        if under @ weights < 1e-14:
            assert estimate.probability is None
            continue
        assert estimate.p_given == pytest.approx(under @ weights, abs=1e-10)
        assert estimate.probability == pytest.approx(joint @ weights / (under @ weights), abs=1e-10)


def test_a_condition_whose_day_is_over() -> None:
    """What was met by its day says nothing more, what was not makes the question void, whatever came since."""
    net = network(event("cause"), event("step", parents=["cause"]))
    came = item("came", AS_OF - timedelta(days=20), Settled("cause", "yes", HERE))
    known = workspace(net, items=[came], scenarios=[rule("done", step="yes")])
    found = outcome_of(known, np.full((3, 2), 0.7), AS_OF)
    step = Proposition((Condition("step", ("yes",)),))

    def told(*given: Condition) -> JointEstimate:
        asked = asking(JointQuestion, HORIZON, about=step, given=Proposition(given) if given else None)
        (estimate,) = joint_estimates(known, found.layout, AS_OF, found.posterior, [asked])
        return estimate

    def cause(days: int, state: str = "yes") -> DatedCondition:
        return DatedCondition("cause", (state,), AS_OF - timedelta(days=days))

    assert (told().probability, 1.0) == (told(cause(10)).probability, told(cause(10)).p_given)
    assert (told().probability, 1.0) == (told(cause(30, "no"), cause(10)).probability, told(cause(30, "no")).p_given)
    assert (None, 0.0) == (told(cause(30)).probability, told(cause(30)).p_given)
    void = asking(JointQuestion, HORIZON, about=step, given=Proposition((cause(30),)))
    network_then = compile_workspace(found.layout, known, AS_OF, on=HORIZON)
    assert ("void", AS_OF - timedelta(days=30)) == settled_answer(network_then, known.scenarios, void)


@pytest.mark.parametrize("seed", range(8))
def test_conditions_add_up(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over states of an event, and over scenarios, P(given) P(about | given) adds up to P(about)."""
    found = answered(seed, 5, monkeypatch)
    if found is None:
        return
    one, other = found.outcome.layout.events[0], found.outcome.layout.events[-1]
    about = Proposition((Condition(other.id, other.states[1:]),))
    names = (*(scenario.id for scenario in found.outcome.workspace.scenarios), OTHER)
    for parts in (
        [Proposition((Condition(one.id, (state,)),)) for state in one.states],
        [Proposition(scenario=name) for name in names],
    ):
        asked = [asking(JointQuestion, HORIZON, about=about, given=part) for part in (None, *parts)]
        whole, *told = put(found, asked)
        summed = sum((part.p_given or 0.0) * (part.probability or 0.0) for part in told)
        assert summed == pytest.approx(whole.probability, abs=1e-10)
        assert sum(part.p_given or 0.0 for part in told) == pytest.approx(1.0, abs=1e-10)


def test_a_scenario_on_the_horizon_is_the_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the horizon, P(scenario) is to the last digit that of the forecast."""
    found = answered(3, 4, monkeypatch)
    assert found is not None
    names = found.outcome.scenarios
    asked = [asking(JointQuestion, HORIZON, about=Proposition(scenario=name), given=None) for name in names]
    told = put(found, asked)
    assert [one.probability for one in told] == pytest.approx(
        [one.probability for one in names.values()], rel=1e-15, abs=0
    )


@pytest.mark.parametrize("seed", range(6))
def test_dates_against_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """P(by the end of a bin) is the by-date answer, lowered to later ends; a date is the first day of its level."""
    found = answered(seed, 3, monkeypatch)
    if found is None:
        return
    told, weights = found.outcome, found.outcome.posterior.weights.weights
    reached = [one for one in told.layout.events if one.kind == "reached"][:1]
    asked = {one.id: asking(DateQuestion, HORIZON, event=one.id, step=one.states[1]) for one in reached}
    bins = curve_days(OPENS, HORIZON)

    def by_day(name: str, states: tuple[str, ...], day: date) -> Array:
        on_day = AsOf(told.workspace, found.oracle.theta, AS_OF, day)
        if day <= on_day.known_until(name):
            taken = on_day.network.events[name].states[on_day.state(name, day)] in states
            return np.full(weights.size, float(taken))
        later = [chance(on_day, about) for about in [Proposition((Condition(name, states),))]]
        return np.minimum(later[0], chance(found.oracle, Proposition((Condition(name, states),))))

    for one in reached:
        states = one.states[1:]
        estimate = date_estimate(told.workspace, told.layout, AS_OF, told.posterior, asked[one.id])
        ends = np.stack([by_day(one.id, states, day) for day in bins])
        ends = np.minimum.accumulate(ends[::-1])[::-1]
        shown = dict(zip(estimate.days, estimate.by_day, strict=True))
        np.testing.assert_allclose([shown[day] for day in bins], ends @ weights, atol=1e-10)
        assert estimate.missed == pytest.approx(1.0 - ends[-1] @ weights, abs=1e-10)
        if estimate.is_decided:
            continue
        for level, day in zip(LEVELS, estimate.dates, strict=True):
            assert (day is None) == (ends[-1] @ weights < level)
            if day is not None:
                later = ends[next(place for place, end in enumerate(bins) if end >= day)]
                eve = np.minimum(by_day(one.id, states, day - timedelta(days=1)), later)
                on_it = np.minimum(by_day(one.id, states, day), later)
                assert on_it @ weights >= level - 1e-10
                assert eve @ weights < level + 1e-10
        known = [day for day in estimate.dates if day is not None]
        assert known == sorted(known)
        assert list(estimate.by_day) == sorted(estimate.by_day)


def test_a_date_in_closed_form() -> None:
    """With a constant hazard the day of a level is where 1 - exp(-hazard * share of the window) first reaches it."""
    world = workspace(network(event("a")))
    theta = np.array([[0.8]])
    found = outcome_of(world, theta, OPENS)
    one = asking(DateQuestion, HORIZON, event="a", step="yes")
    told = date_estimate(world, found.layout, OPENS, found.posterior, one)
    days = (HORIZON - OPENS).days
    ends = [int(np.ceil(-days * np.log1p(-p) / 0.8)) for p in LEVELS[:3]]
    assert (*(OPENS + timedelta(days=end) for end in ends), None, None) == told.dates
    assert told.missed == pytest.approx(np.exp(-0.8))
    by = [day for day in told.days if day > OPENS]
    asked = [asking(Question, day, about=Condition("a", ("yes",))) for day in by]
    answers = question_probabilities(world, found.layout, OPENS, found.posterior, asked)
    assert [one.probability for one in answers] == pytest.approx(list(told.by_day), abs=1e-15)


@pytest.mark.parametrize("hazard", [0.05, 0.8, 40.0])
def test_a_date_day_by_day_in_closed_form(hazard: float) -> None:
    """With a constant hazard each day is 1 - exp(-hazard * share of the window), on the line between stated days.

    The CRPS of the days is then that of the exponential distribution, whatever is later on the day after the last.
    """
    world = workspace(network(event("a")))
    found = outcome_of(world, np.array([[hazard]]), OPENS)
    one = asking(DateQuestion, HORIZON, event="a", step="yes")
    stated = taken_by_day(world, found.layout, OPENS, found.posterior, one)
    n = (HORIZON - OPENS).days
    days, shares = zip(*(((day - OPENS).days, share) for day, share in stated), strict=True)
    exact = 1.0 - np.exp(-hazard * np.arange(n + 1) / n)
    line = np.interp(np.arange(n + 1), days, shares)
    np.testing.assert_allclose(line, exact, atol=DAY_ERROR)
    np.testing.assert_allclose(shares, exact[list(days)], atol=1e-12)
    assert ((0, n), len(days) < n / 2) == ((days[0], days[-1]), True)
    for day in (1, n // 3, n, n + 1):
        step = np.arange(n + 1) >= day
        (score,) = crps_of_distribution(np.array(days, dtype=float), np.array([shares]), float(day), whole_days=True)
        assert np.square(line - step).sum() == pytest.approx(score, abs=1e-9)
        assert np.square(exact - step).sum() == pytest.approx(score, abs=2 * DAY_ERROR * n)


@pytest.mark.parametrize("seed", range(3))
def test_each_day_of_a_date_is_its_answer(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Day by day the line lies within the error allowed of what the question about that day is answered."""
    found = answered(seed, 3, monkeypatch)
    if found is None:
        return
    told = found.outcome
    by = AS_OF + timedelta(days=40)
    for of in [one for one in told.layout.events if one.kind == "reached"][:1]:
        one = asking(DateQuestion, by, event=of.id, step=of.states[1])
        stated = dict(taken_by_day(told.workspace, told.layout, AS_OF, told.posterior, one))
        assert ((OPENS, by), sorted(stated.values())) == ((min(stated), max(stated)), list(stated.values()))
        days = [AS_OF + timedelta(days=n) for n in range(1, 41)]
        asked = [asking(Question, day, about=Condition(of.id, of.states[1:])) for day in days]
        answers = [
            one.probability for one in question_probabilities(told.workspace, told.layout, AS_OF, told.posterior, asked)
        ]
        # An earlier day is never above a later one (`date_estimate`).
        answers = np.minimum.accumulate(answers[::-1])[::-1].tolist()
        line = np.interp([day.toordinal() for day in days], [day.toordinal() for day in stated], list(stated.values()))
        np.testing.assert_allclose(line, answers, atol=2 * DAY_ERROR)


def test_a_step_that_was_taken_has_its_day() -> None:
    """What is settled is one day with everything before it 0; after the last day it was missed."""
    step = date(2025, 5, 1)
    world = workspace(
        network(event("a", states=("none", "some", "all")), event("s", "status")),
        items=[item("taken", date(2025, 5, 3), Settled("a", "some", HERE), happened=step)],
        scenarios=[rule("done", a=["some", "all"]), rule("rest", s="yes")],
    )
    theta = np.array([[0.5], [0.7], [0.4], [0.6]])
    as_of = date(2025, 5, 3)
    found = outcome_of(world, theta, as_of)
    answers = {}
    for state, by in (("some", HORIZON), ("some", date(2025, 4, 1)), ("all", HORIZON)):
        one = asking(DateQuestion, by, event="a", step=state)
        answers[state, by] = date_estimate(world, found.layout, as_of, found.posterior, one)
    told = answers["some", HORIZON]
    assert (step, 0.0, {step}, True) == (told.taken, told.missed, set(told.dates), told.is_decided)
    whole = asking(DateQuestion, HORIZON, event="a", step="some")
    by_day = taken_by_day(world, found.layout, as_of, found.posterior, whole)
    assert ((OPENS, 0.0), (step - timedelta(days=1), 0.0), (step, 1.0), (HORIZON, 1.0)) == by_day
    assert [float(day >= step) for day in told.days] == list(told.by_day)
    missed = answers["some", date(2025, 4, 1)]
    assert (1.0, {None}, True) == (missed.missed, set(missed.dates), missed.is_decided)
    assert not answers["all", HORIZON].is_decided


def test_what_settled_evidence_says_of_a_condition() -> None:
    """A condition that cannot come true any more makes a question void; one that has come true is certain."""
    step = date(2025, 5, 1)
    world = workspace(
        network(event("a", states=("none", "some", "all")), event("b"), event("s", "status")),
        items=[item("taken", date(2025, 5, 3), Settled("a", "some", HERE), happened=step)],
        scenarios=[rule("done", a=["some", "all"]), rule("rest", s="yes")],
    )
    theta = np.array([[0.5], [0.7], [0.4], [0.6], [0.3]])
    as_of = date(2025, 5, 3)
    found = outcome_of(world, theta, as_of)
    at = compile_workspace(found.layout, world, as_of)
    yes, gone, came = (
        Proposition((Condition("b", ("yes",)),)),
        Proposition((Condition("a", ("none",)),)),
        Proposition((Condition("a", ("some", "all")),)),
    )
    asked = [
        asking(JointQuestion, HORIZON, about=yes, given=gone),
        asking(JointQuestion, HORIZON, about=yes, given=came),
        asking(JointQuestion, HORIZON, about=came, given=None),
        asking(JointQuestion, HORIZON, about=Proposition(scenario="done"), given=None),
        asking(JointQuestion, HORIZON, about=Proposition(scenario="rest"), given=None),
        asking(JointQuestion, HORIZON, about=Proposition(scenario=OTHER), given=Proposition(scenario="done")),
    ]
    told = joint_estimates(world, found.layout, as_of, found.posterior, asked)
    assert [None, 1.0, 1.0, 1.0, 0.0, 0.0] == [
        one.probability if place != 1 else one.p_given for place, one in enumerate(told)
    ]
    assert [False, False, True, True, True, True] == [one.is_decided for one in told]
    said = [settled_answer(at, world.scenarios, one) for one in asked]
    assert [("void", HORIZON), None, ("yes", step), ("yes", HORIZON), ("no", HORIZON), ("no", HORIZON)] == said


@pytest.mark.parametrize("seed", range(4))
def test_numbers_against_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The distribution is the sum of the cases' distributions by their probabilities, the first that holds counting."""
    found = answered(seed, 4, monkeypatch)
    if found is None:
        return
    told, weights, rng = found.outcome, found.outcome.posterior.weights.weights, np.random.default_rng(seed)
    one, other = told.layout.events[0], told.layout.events[1]
    points = [((0.0, 0.0), (1.0, 4.0)), ((0.0, 2.0), (0.5, 3.0), (1.0, 9.0)), ((0.0, 5.0), (1.0, 5.0))]
    cases = (
        NumberCase(Proposition((Condition(one.id, one.states[1:]),)), points[0]),
        NumberCase(Proposition((Condition(other.id, other.states[:1]),)), points[1]),
        NumberCase(Proposition(), points[2]),
    )
    names = (*(scenario.id for scenario in told.workspace.scenarios), OTHER)
    by_scenario = (NumberCase(Proposition(scenario=names[0]), points[1]), NumberCase(Proposition(), points[0]))
    asked = [
        asking(NumberQuestion, HORIZON, unit="units", cases=cases, bins=(2.5, 5.0)),
        asking(NumberQuestion, HORIZON, unit="units", cases=by_scenario, bins=()),
    ]
    first, second = number_estimates(told.workspace, told.layout, AS_OF, told.posterior, asked)
    oracle = found.oracle
    shares = [
        chance(oracle, cases[0].about),
        chance(oracle, cases[1].about) - chance(oracle, cases[0].about, cases[1].about),
    ]
    expected = [float(share @ weights) for share in (*shares, 1.0 - shares[0] - shares[1])]
    np.testing.assert_allclose(first.cases, expected, atol=1e-10)
    at = rng.uniform(-1.0, 10.0, 20)

    def below(part: int, x: float) -> float:
        levels, values = zip(*points[part], strict=True)
        return float(x >= 5.0) if part == 2 else float(np.interp(x, values, levels))

    mixed = [sum(p * below(part, x) for part, p in enumerate(expected)) for x in at]
    np.testing.assert_allclose(first.distribution.up_to_each(at), mixed, atol=1e-10)
    means = [2.0, 0.5 * 2.5 + 0.5 * 6.0, 5.0]
    assert first.mean == pytest.approx(np.dot(means, expected), abs=1e-10)
    edges = [0.0, sum(p * below(part, 2.5) for part, p in enumerate(expected)), 1.0]
    assert first.bins[0] == pytest.approx(edges[1], abs=1e-10)
    assert sum(first.bins) == pytest.approx(1.0, abs=1e-12)
    assert first.bins[2] == pytest.approx(1.0 - expected[0] - expected[1] * below(1, 5.0), abs=1e-10)
    share = float(chance(oracle, Proposition(scenario=names[0])) @ weights)
    np.testing.assert_allclose(second.cases, [share, 1.0 - share], atol=1e-10)


Points = st.lists(st.integers(-50, 50), min_size=2, max_size=6).map(sorted)


@given(st.lists(Points, min_size=1, max_size=4), st.data())
@settings(deadline=None, max_examples=60)
def test_laws_of_mixtures(stated: list[list[int]], data: st.DataObject) -> None:
    """A mixture's function never falls, is the mean of its parts', and its quantiles are where it reaches a level."""
    parts = [
        PiecewiseLinear.of_points([(place / (len(values) - 1), float(value)) for place, value in enumerate(values)])
        for values in stated
    ]
    raw = np.array(data.draw(st.lists(st.integers(1, 9), min_size=len(parts), max_size=len(parts))), dtype=float)
    shares = raw / raw.sum()
    whole = mixture(parts, shares)
    at = np.sort(np.append(whole.values, np.linspace(-60.0, 60.0, 41)))
    function = whole.up_to_each(at)
    assert all(low <= high for low, high in pairwise(function))
    assert (whole.before_each(at) <= function).all()
    np.testing.assert_allclose(
        function, sum(s * p.up_to_each(at) for s, p in zip(shares, parts, strict=True)), atol=1e-12
    )
    assert whole.mean == pytest.approx(sum(s * p.mean for s, p in zip(shares, parts, strict=True)), abs=1e-9)
    assert (whole.before[0], whole.up_to[-1]) == (0.0, 1.0)
    levels = np.array([0.001, 0.1, 0.3, 0.5, 0.9, 1.0])
    quantiles = np.array([whole.quantile(level) for level in levels])
    assert (np.diff(quantiles) >= -1e-9).all()
    assert (whole.up_to_each(quantiles + 1e-9) >= levels - 1e-9).all()
    assert (whole.before_each(quantiles - 1e-9) <= levels + 1e-9).all()


def test_the_score_of_levels_is_the_crps_of_a_uniform_number() -> None:
    """At many even levels the score of quantiles comes to the CRPS of a uniform number: y^2 - y + 1/3 on (0, 1)."""
    uniform = PiecewiseLinear.of_points([(0.0, 0.0), (1.0, 1.0)])
    levels = (np.arange(2000) + 0.5) / 2000
    outcome = np.array([0.0, 0.2, 0.5, 0.9])
    quantiles = np.tile([uniform.quantile(level) for level in levels], (outcome.size, 1))
    found = crps_of_quantiles(quantiles, levels, outcome)
    np.testing.assert_allclose(found, outcome**2 - outcome + 1.0 / 3.0, atol=1e-6)
