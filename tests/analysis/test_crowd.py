"""What prices imply, against enumeration and closed forms; days of one event; what is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from math import log, prod
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.analysis.crowd import CrowdWorld, NoPricesError, by_event, crowd, joint_of
from forecast.analysis.target import weighted
from forecast.analysis.tilting import Tilting
from forecast.ledger.outcome import Outcome
from forecast.model.asof import compile_workspace
from forecast.model.between import between_table, paths_table
from forecast.model.layout import lay_out
from forecast.posterior.by_date import question_probabilities
from forecast.posterior.ladder import months_asked, states_asked
from forecast.sampling.spec import rows_prior, theta_draws
from forecast.workspace.read import load
from forecast.workspace.records import Benchmark, Question
from tests.analysis.worlds import AS_OF, answered, outcome_of
from tests.oracle.in_time import TimedReader
from tests.posterior.test_questions import question
from tests.worlds import HERE, HORIZON, OPENS, event, network, rule, workspace

Array = NDArray[np.float64]
LATER = AS_OF + timedelta(days=100)
LAST = HORIZON - timedelta(days=60)


def _with(found: Outcome, asked: dict[Question, dict[str, float]]) -> Outcome:
    """The outcome with questions, each with a series of the latest numbers of some forecasters."""
    questions = tuple(replace(one, benchmarks=(one.id,)) for one in asked)
    series = {
        one.id: Benchmark(one.id, tuple((AS_OF, who, p) for who, p in points.items()), HERE)
        for one, points in asked.items()
    }
    return replace(found, workspace=replace(found.workspace, questions=questions, benchmarks=series))


def _ask(found: Outcome, asked: dict[Question, dict[str, float]], **more: object) -> CrowdWorld:
    return crowd(_with(found, asked), lambda _: None, **more)  # type: ignore[arg-type]  # keywords of the function


@pytest.mark.parametrize("seed", range(8))
def test_prices_at_the_horizon_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The joint of all states, its events scaled in turn to the prices, has the scenarios and the divergence told."""
    world = answered(seed, 4, monkeypatch, has_requirements=seed % 2 == 1)
    if world is None:
        pytest.skip("the evidence of this world is impossible")
    rng, names = np.random.default_rng(seed), list(world.outcome.layout.index)
    # The prices of another joint of the same possible states: coherent, however the states hang together.
    noise = {states: chance * float(rng.exponential()) for states, chance in world.joint.items()}
    total = sum(noise.values())
    wanted: dict[int, tuple[str, float]] = {}
    for v in rng.permutation(len(names))[:3].tolist():
        state = world.outcome.workspace.network.events[names[v]].states[-1]
        if 1e-6 < (p := sum(q for x, q in noise.items() if x[v] == state) / total) < 1.0 - 1e-6:
            wanted[v] = state, p
    if not wanted:
        pytest.skip("no event of this world is open")
    asked = {question(names[v], names[v], (state,), HORIZON): {"market": p} for v, (state, p) in wanted.items()}
    told = _ask(world.outcome, asked)
    joint = dict(world.joint)
    for _ in range(1000):
        for v, (state, p) in wanted.items():
            now = sum(q for x, q in joint.items() if x[v] == state)
            joint = {x: q * (p / now if x[v] == state else (1.0 - p) / (1.0 - now)) for x, q in joint.items()}
    scenarios = dict.fromkeys(world.outcome.scenario_ids, 0.0)
    for states, q in joint.items():
        scenarios[world.scenario(states)] += q
    assert scenarios == pytest.approx({row.id: row.implied for row in told.scenarios}, abs=1e-7)
    divergence = sum(q * log(q / world.joint[x]) for x, q in joint.items() if q > 0.0)
    assert divergence / log(2.0) == pytest.approx(told.bits, abs=1e-6)
    assert () == told.contradictions
    assert all(row.coherent == row.price for row in told.prices)


@pytest.mark.parametrize("seed", range(6))
def test_days_of_several_events_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under any multipliers the joint of answers on several days is that of all courses through the days."""
    world = answered(seed, 3, monkeypatch)
    if world is None:
        pytest.skip("the evidence of this world is impossible")
    rng, told = np.random.default_rng(seed), world.outcome
    days = (LATER, LAST) if seed % 2 else (LATER,)
    dated = [v for v in range(3) if told.layout.dated(v)]
    posed = [
        question(f"{v} {day}", told.layout.events[v].id, told.layout.events[v].states[1:], day)
        for v in dated
        for day in (*days, HORIZON)
    ]
    on = {day: compile_workspace(told.layout, told.workspace, AS_OF, on=day) for day in (*days, HORIZON)}
    asked, _ = by_event(told, posed, on)
    if not any(group.days for group in asked):
        pytest.skip("all is settled in this world")
    tilting, together = joint_of(told, asked)
    assert "joint" == together
    used = [one for group in asked for one in group.questions]
    reader = TimedReader(told.workspace, world.oracle.theta)
    with np.errstate(divide="ignore"):
        courses = list(reader.courses(told.workspace, AS_OF, list(days), HORIZON))
    chances = np.exp([chance for _, chance in courses] - np.max([chance for _, chance in courses], axis=0))
    chances /= chances.sum(axis=0)
    yes = [
        [dict(zip((*days, HORIZON), on_days, strict=True))[one.by][one.about.event] in one.about.states for one in used]
        for on_days, _ in courses
    ]
    scenarios = [world.scenario(tuple(on_days[-1][name] for name in told.layout.index)) for on_days, _ in courses]
    features = np.array(
        [[*of, *(name == one for one in told.scenario_ids)] for of, name in zip(yes, scenarios, strict=True)], float
    ).T
    multipliers = rng.normal(size=len(features))
    masses = chances * np.exp(multipliers @ features)[:, np.newaxis]
    found = tilting.at(multipliers)
    np.testing.assert_allclose(np.log(masses.sum(axis=0)), found.log_mass, rtol=0, atol=1e-9)
    np.testing.assert_allclose(features @ masses / masses.sum(axis=0), found.features, rtol=0, atol=1e-9)


@pytest.mark.parametrize("strong", [0.6, 0.9])
def test_days_against_simulated_histories(strong: float, capsys: pytest.CaptureFixture[str]) -> None:
    """P(cause by a day, effect by a day) errs less than .015 where days are joined, .03 to .06 where they are not."""
    net = network(event("cause"), event("effect", parents=["cause"]))
    p_cause, weak, n, rng = 0.5, 0.05, 400_000, np.random.default_rng(5)
    rates = -np.log1p(-np.array([p_cause, weak, strong]))
    cause, effort = rng.exponential(1.0 / rates[0], n), rng.exponential(1.0, n)
    effect = np.where(effort < cause * rates[1], effort / rates[1], cause + (effort - cause * rates[1]) / rates[2])
    found = outcome_of(workspace(net, scenarios=[rule("done", effect="yes")]), rates[:, np.newaxis], OPENS)
    middle = OPENS + timedelta(days=(HORIZON - OPENS).days // 2)
    share = (middle - OPENS).days / (HORIZON - OPENS).days
    on = {day: compile_workspace(found.layout, found.workspace, OPENS, on=day) for day in (middle, HORIZON)}
    errors: dict[str, list[float]] = {"joint": [], "apart": []}
    for day, until in ((middle, share), (HORIZON, 1.0)):
        posed = [question("c", "cause", ("yes",), middle), question("e", "effect", ("yes",), day)]
        asked, _ = by_event(found, posed, on)
        simulated = float(((cause < share) & (effect < until)).mean())
        joint, _ = joint_of(found, asked)
        for name, tilting in (("joint", joint), ("apart", Tilting(weighted(found.posterior), asked))):
            plain = tilting.at(np.zeros(tilting.n_features))
            both = float(tilting.covariance(np.zeros(tilting.n_features), plain, [0])[1, 0])
            both += float(plain.features[0, 0] * plain.features[1, 0])
            errors[name].append(both - simulated)
    with capsys.disabled():
        print(f"\neffect {strong} with its cause: both by the middle, effect by the horizon: {errors}")
    assert max(map(abs, errors["joint"])) < 0.015
    assert max(map(abs, errors["joint"])) < max(map(abs, errors["apart"]))


def _one_step(hazard: float, draws: int = 4) -> Outcome:
    """One event that is reached at a constant rate, which is the scenario."""
    known = workspace(network(event("step")), scenarios=[rule("taken", step="yes")])
    return outcome_of(known, np.full((1, draws), hazard), AS_OF)


def test_days_of_one_event_are_its_survival() -> None:
    """Prices of two days move P(by the horizon) as the exponential law does: beyond the last day as before."""
    found = _one_step(1.2)
    asked = {question(f"by-{day}", "step", ("yes",), day): {"market": p} for day, p in ((LATER, 0.5), (LAST, 0.6))}
    told = _ask(found, asked)
    rate = 1.2 / (HORIZON - found.layout.opens).days
    late = -np.expm1(-rate * (HORIZON - LAST).days)
    expected = 0.6 + 0.4 * late
    assert expected == pytest.approx(told.scenarios[0].implied, abs=1e-9)
    for row, day in zip(told.prices, (LATER, LAST), strict=True):
        assert row.forecast == pytest.approx(-np.expm1(-rate * (day - AS_OF).days), abs=1e-9)


def test_a_later_day_that_is_cheaper_is_a_contradiction() -> None:
    """Who sells the earlier day and buys the later one wins the difference; both count as their mean."""
    found = _one_step(1.2)
    asked = {question(f"by-{day}", "step", ("yes",), day): {"market": p} for day, p in ((LATER, 0.6), (LAST, 0.5))}
    told = _ask(found, asked)
    (book,) = told.contradictions
    assert (0.1, 0.1) == pytest.approx((told.distance, book.gain))
    assert {f"by-{LATER}": 1.0, f"by-{LAST}": -1.0} == pytest.approx({bet.question: bet.stake for bet in book.bets})
    assert [0.55, 0.55] == pytest.approx([row.coherent for row in told.prices])


def test_two_forecasters_of_one_question() -> None:
    """They contradict each other; one of them alone does not, and a name that nobody has is told with the nearest."""
    found = _one_step(1.2)
    asked = {question("late", "step", ("yes",), LAST): {"market": 0.4, "crowd": 0.6}}
    assert 0.2 == pytest.approx(_ask(found, asked).distance)
    alone = _ask(found, asked, forecasters=("crowd",))
    assert (0.0, 0.6) == (alone.distance, alone.prices[0].coherent)
    with pytest.raises(ValueError, match=r"forecaster 'markt'.*did you mean 'market'"):
        _ask(found, asked, forecasters=("markt",))
    with pytest.raises(NoPricesError, match="late"):
        _ask(
            found, {question("late", "step", ("yes",), AS_OF - timedelta(days=1)): {"market": 0.4}}, questions=("late",)
        )


def test_a_forecast_of_its_own_prices_stays() -> None:
    """Whoever says what the forecast says changes nothing."""
    found = _one_step(0.7)
    asked = {question(f"by-{day}", "step", ("yes",), day): {"market": 0.1} for day in (LATER, LAST)}
    own = {row.question: row.forecast for row in _ask(found, asked).prices}
    told = _ask(found, {one: {"market": own[one.id]} for one in asked})
    assert told.bits == pytest.approx(0.0, abs=1e-12)
    assert all(row.implied == pytest.approx(row.forecast, abs=1e-12) for row in told.scenarios)


@pytest.mark.parametrize("kind", ["reached", "status"])
def test_one_day_is_the_table_of_that_day(kind: str) -> None:
    """With one day, and its states as parts, the joint of days is that of `between_table`."""
    one = event("one", kind, ("none", "some", "all"), parents=["above"])  # type: ignore[arg-type]  # of the parameters
    net = network(event("above"), one)
    layout = lay_out(net)
    rng = np.random.default_rng(3)
    theta = rng.uniform(0.2, 0.8, (layout.n_theta, 5))
    if kind == "status":
        rows = theta[1:].reshape(2, 3, 5)
        theta[1:] = (rows / rows.sum(axis=1, keepdims=True)).reshape(6, 5)
    compiled = compile_workspace(layout, workspace(net), AS_OF)
    both = paths_table(compiled, 1, (LATER,), theta, 3, lambda states: states[0])
    assert both == pytest.approx(between_table(compiled, 1, LATER, theta), abs=1e-12)
    # Another day of which nothing is asked changes nothing where no parent moves; otherwise the hazards of the steps
    # rise by different shares over the spans.
    more = paths_table(compiled, 1, (LATER, LAST), theta, 3, lambda states: states[0])
    if kind == "reached":
        assert more[0] == pytest.approx(both[0], abs=1e-12)
    assert more.sum(axis=2) == pytest.approx(np.ones((2, 3, 5)))


def test_days_of_two_steps_by_simulation() -> None:
    """Two steps, three days: the joint of the states on all days is that of two exponential waiting times."""
    net = network(event("one", "reached", ("none", "some", "all")))
    layout = lay_out(net)
    theta = np.array([[0.9], [1.7]])
    days = (LATER, LAST)
    compiled = compile_workspace(layout, workspace(net), AS_OF)
    places = {states: i for i, states in enumerate(product(range(3), repeat=3))}
    table = paths_table(compiled, 0, days, theta, len(places), places.__getitem__)[..., 0]
    rng, window = np.random.default_rng(4), (HORIZON - layout.opens).days
    first, second = (rng.exponential(window / rate, 400_000) for rate in theta[:, 0])
    ends = np.array([(day - AS_OF).days for day in (*days, HORIZON)])
    states = (first[:, np.newaxis] <= ends).astype(int) + (first + second)[:, np.newaxis].__le__(ends)
    at_end = [np.mean(states[:, 2] == x) for x in range(3)]
    for path, place in places.items():
        seen = float(np.mean((states == path).all(axis=1)))
        assert table[path[2], place] * at_end[path[2]] == pytest.approx(seen, abs=0.004)


def test_a_day_after_the_horizon_is_left_out() -> None:
    """The joint ends at the horizon: what lies beyond it is told and does not count."""
    found = _one_step(0.7)
    asked = {
        question("now", "step", ("yes",), LAST): {"market": 0.3},
        question("far", "step", ("yes",), date(HORIZON.year + 1, 1, 1)): {"market": 0.9},
    }
    told = _ask(found, asked)
    assert ["now"] == [row.question for row in told.prices]
    assert "after the horizon" in told.left_out[0].why


ROOT = Path(__file__).resolve().parents[2]


def _shipped(draws: int, seed: int) -> Outcome:
    """The network and scenarios of this repository, on draws of its CPTs' priors, without reports."""
    known = load(ROOT, date(2030, 1, 1))
    layout = lay_out(known.network)
    prior = rows_prior(layout)
    theta = theta_draws(prior, np.random.default_rng(seed).normal(size=(prior.n_coordinates, draws)))
    return outcome_of(replace(known, items=()), theta, date(2026, 9, 1))


def test_25_prices_on_the_network_of_this_repository() -> None:
    """Prices that a tilted joint has imply that joint, which is unique: its scenarios and its divergence.

    25 questions about 25 days and states of many events: far more joint answers than could be listed.
    """
    found, rng = _shipped(6, 1), np.random.default_rng(5)
    days = list(months_asked(found.as_of, found.layout.horizon).values())
    every = [(one, states, day) for one in found.layout.events for states in states_asked(one) for day in days]
    picked = [every[i] for i in rng.permutation(len(every))]
    questions = [question(f"{one.id}-{states[0]}-{day}", one.id, states, day) for one, states, day in picked]
    own = {
        q.question: q
        for q in question_probabilities(found.workspace, found.layout, found.as_of, found.posterior, questions)
    }
    chosen = [one for one in questions if not own[one.id].is_decided and 0.01 < own[one.id].probability < 0.99][:25]
    assert 25 == len(chosen)
    on = {day: compile_workspace(found.layout, found.workspace, found.as_of, on=day) for day in days}
    asked, left_out = by_event(found, chosen, on)
    assert ([], 25) == (left_out, sum(len(group.questions) for group in asked))
    assert prod(group.answers.shape[1] for group in asked) > 1_000_000
    tilting = Tilting(weighted(found.posterior), asked)
    used = [one for group in asked for one in group.questions]
    start = np.zeros(tilting.n_features)
    plain = tilting.at(start)
    multipliers = start.copy()
    multipliers[: len(used)] = rng.normal(0.0, 0.8, len(used))
    there = tilting.at(multipliers)
    weights, log_mass = tilting.weighed(there)
    prices = there.features[: len(used)] @ weights
    again = tilting.to(
        prices, range(len(used)), start, curvature=tilting.covariance(start, plain, range(len(used)))[: len(used)]
    )
    expected = there.features @ weights
    assert expected == pytest.approx(again.moments.features @ tilting.weighed(again.moments)[0], abs=1e-7)
    divergence = multipliers @ expected - log_mass
    assert divergence == pytest.approx(again.multipliers @ expected - tilting.weighed(again.moments)[1], abs=1e-7)
