"""The watch list against enumeration and against simulated histories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import product
from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad

from forecast.analysis.target import weighted, with_margins
from forecast.analysis.watch import joints_on, mutual_information
from tests.analysis.worlds import AS_OF, Answered, answered, outcome_of
from tests.model.test_simulated_histories import MIDDLE, chain, chain_chances, simulated_chain, theta
from tests.oracle.enumeration import AsOf, birth_process
from tests.plainly import watch_list
from tests.worlds import HORIZON, OPENS, event, network, rule, workspace

Array = NDArray[np.float64]
WINDOW = (HORIZON - OPENS).days


def mean_survival(day: float, now: float, then: float) -> float:
    """Survival to a day (a part of the span) if the hazard changes at a uniform date of the whole span."""
    return float(quad(lambda when: exp(-now * min(when, day) - then * max(day - when, 0.0)), 0.0, 1.0, points=[day])[0])


def past(oracle: AsOf, name: str, parents: tuple[str, ...], day: date, draw: int) -> Array:
    """P(state on the day | state at the horizon), (states, states), by the formulas written out."""
    described = oracle.network.events[name]
    seen, n = oracle.known_until(name), len(described.states)
    current = oracle.state(name, seen)
    if day >= HORIZON or seen >= HORIZON:
        return np.eye(n)
    at = dict(zip(described.parents, parents, strict=True))
    known = oracle._parents(described, at, seen)  # the oracle's own reading of what is known
    days, rest = (day - seen).days, (HORIZON - day).days

    def chance(states: tuple[str, ...], k: int) -> float:
        return float(oracle.theta[name, states, k][draw])

    joint = np.zeros((n, n))
    if described.kind == "status":
        tau = float(described.persistence_days or 0.0)
        ages = quad(lambda age: age * exp(-age / tau) / tau, 0.0, days)[0] / -np.expm1(-days / tau)
        moved = (days - ages) / (days + rest)
        for x, y in product(range(n), repeat=2):
            drawn = (1.0 - moved) * chance(known, y) + moved * chance(parents, y)
            first = exp(-days / tau) * (y == current) + (1.0 - exp(-days / tau)) * drawn
            joint[x, y] = first * (exp(-rest / tau) * (x == y) + (1.0 - exp(-rest / tau)) * chance(parents, x))
    else:
        scale, part = (days + rest) / WINDOW, days / (days + rest)
        hazards = [[-scale * np.log1p(-chance(of, k)) for of in (known, parents)] for k in range(current, n - 1)]
        before = [-np.log(mean_survival(part, *pair)) for pair in hazards]
        whole = [-np.log(mean_survival(1.0, *pair)) for pair in hazards]
        after = [full - until for full, until in zip(whole, before, strict=True)]
        for y in range(current, n):
            for x in range(y, n):
                joint[x, y] = _steps(before, y - current) * _steps(after[y - current :], x - y)
    total = joint.sum(axis=1, keepdims=True)
    return np.divide(joint, total, out=np.zeros_like(joint), where=total > 0.0)


def _steps(hazards: Sequence[float], taken: int) -> float:
    return float(birth_process([np.array([h]) for h in hazards])[taken][0]) if hazards else 1.0


def enumerated(world: Answered, name: str, day: date) -> Array:
    """P(scenario, state of the event on the day | E), weighted over draws."""
    names, weights = list(world.oracle.network.events), world.outcome.posterior.weights.weights
    described = world.oracle.network.events[name]
    by_draw = np.zeros((weights.size, len(world.outcome.scenario_ids), len(described.states)))
    pasts = {
        (parents, draw): past(world.oracle, name, parents, day, draw)
        for parents in product(*(world.oracle.network.events[p].states for p in described.parents))
        for draw in range(weights.size)
    }
    for states, chance in world.oracle.joint.items():
        at = dict(zip(names, states, strict=True))
        s = world.outcome.scenario_ids.index(world.scenario(states))
        for draw in range(weights.size):
            if chance[draw] > 0.0:
                before = pasts[tuple(at[p] for p in described.parents), draw][described.states.index(at[name])]
                acting = [acts_on_children(world.oracle, name, y, at, day, draw) for y in range(len(before))]
                by_draw[draw, s] += chance[draw] * before * np.array(acting)
    return np.asarray(np.einsum("d,dsy->sy", weights, by_draw / by_draw.sum(axis=(1, 2), keepdims=True)))


def acts_on_children(oracle: AsOf, name: str, y: int, at: dict[str, str], day: date, draw: int) -> float:
    """How many times as probable the reached children's states are if the event was in state y on the day."""
    described = oracle.network.events[name]
    now, final = oracle.state(name, oracle.known_until(name)), described.states.index(at[name])
    if described.kind != "reached" or day >= HORIZON or final == now or y not in {now, final}:
        return 1.0
    factor = 1.0
    for child in (one for one in oracle.network.events.values() if name in one.parents and one.kind == "reached"):
        seen = oracle.known_until(child.id)
        current, reached = oracle.state(child.id, seen), child.states.index(at[child.id])
        configuration = tuple(at[p] for p in child.parents)
        known = oracle._parents(child, at, seen)  # the oracle's own reading of what is known
        scale, part = (HORIZON - seen).days / WINDOW, (day - seen).days / (HORIZON - seen).days
        bounds = (0.0, part) if y == final else (part, 1.0)
        whole: list[float] = []
        when: list[float] = []
        for k in range(current, len(child.states) - 1):
            h = [-scale * np.log1p(-float(oracle.theta[child.id, of, k][draw])) for of in (known, configuration)]
            for hazards, (low, high) in ((whole, (0.0, 1.0)), (when, bounds)):
                survival = quad(lambda t, h=h: exp(-h[0] * t - h[1] * (1.0 - t)), low, high)[0] / (high - low)
                hazards.append(-float(np.log(survival)))
        factor *= _steps(when, reached - current) / _steps(whole, reached - current)
    return factor


@pytest.mark.parametrize("seed", range(8))
def test_joint_on_a_day_by_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """P(scenario, state on a day) is the sum over all joint states of their chance times the past of the state."""
    world = answered(seed, 3, monkeypatch, has_requirements=seed % 2 == 1)
    if world is None:
        pytest.skip("the evidence of this world is impossible")
    for days in (1, 120, 10_000):
        day = min(AS_OF + timedelta(days=days), HORIZON)
        for v, joint in joints_on(weighted(world.outcome.posterior), day).items():
            name = world.outcome.layout.events[v].id
            np.testing.assert_allclose(enumerated(world, name, day), joint, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_bits_and_shares(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bits are those of the table; watching to the horizon gives the mutual information of the state itself."""
    world = answered(seed, 3, monkeypatch, has_requirements=seed % 2 == 1)
    if world is None:
        pytest.skip("the evidence of this world is impossible")
    names = list(world.oracle.network.events)
    found = watch_list(world.outcome, 10_000, {names[0]: 2.0})
    assert HORIZON.isoformat() == found["by"]
    assert {name for name in names if world.oracle.network.events[name].kind == "constant"} == set(found["left_out"])
    for row in found["events"]:
        joint: dict[tuple[str, str], float] = defaultdict(float)
        for states, chance in world.joint.items():
            joint[world.scenario(states), states[names.index(row["event"])]] += chance
        by_hand = sum(
            p * np.log2(p / sum(q for (s, _), q in joint.items() if s == one) / _column(joint, other))
            for (one, other), p in joint.items()
            if p > 0.0
        )
        assert by_hand == pytest.approx(row["bits"], abs=1e-9)
        for told in row["outcomes"]:
            assert _column(joint, told["state"]) == pytest.approx(told["probability"], abs=1e-9)
            for name, share in told["scenarios"].items():
                assert joint[name, told["state"]] / told["probability"] == pytest.approx(share, abs=1e-9)
        if row["event"] == names[0]:
            assert row["bits"] / 2.0 == row["bits_per_unit"]


def _column(joint: dict[tuple[str, str], float], state: str) -> float:
    return sum(p for (_, other), p in joint.items() if other == state)


@given(st.integers(0, 2**32 - 1))
def test_margins_are_met_and_odds_ratios_kept(seed: int) -> None:
    """Fitted margins are those given; every odds ratio is as it was."""
    rng = np.random.default_rng(seed)
    joint, rows, columns = rng.dirichlet(np.ones(6)).reshape(3, 2), rng.dirichlet([5] * 3), rng.dirichlet([5] * 2)
    fitted = with_margins(joint, rows, columns)
    np.testing.assert_allclose(fitted.sum(axis=1), rows, rtol=0, atol=1e-9)
    np.testing.assert_allclose(fitted.sum(axis=0), columns, rtol=0, atol=1e-9)
    ratios = [np.log(t[1:, 1:] * t[:1, :1] / t[1:, :1] / t[:1, 1:]) for t in (joint, fitted)]
    np.testing.assert_allclose(ratios[0], ratios[1], rtol=0, atol=1e-6)


def test_mutual_information_of_known_tables() -> None:
    """A fair coin seen whole is one bit; independent axes none."""
    assert 1.0 == pytest.approx(mutual_information(np.eye(2) / 2.0), abs=1e-12)
    assert 0.0 == pytest.approx(mutual_information(np.outer([0.3, 0.7], [0.2, 0.5, 0.3])), abs=1e-12)


def _simulated(scenario: NDArray[np.bool_], seen: NDArray[np.bool_]) -> tuple[float, float, float]:
    joint = np.array([[(scenario == s) & (seen == y) for y in (True, False)] for s in (True, False)]).mean(axis=2)
    return mutual_information(joint), float(joint[0, 0] / joint[:, 0].sum()), float(joint[:, 0].sum())


def test_chain_against_simulated_histories(capsys: pytest.CaptureFixture[str]) -> None:
    """Cause and effect, quiet until mid-window, watched for half the rest: shares to .04, bits to a tenth."""
    net = chain(2)
    known = workspace(net, scenarios=[rule("both", e0="yes", e1="yes")])
    found = watch_list(outcome_of(known, theta(net, chain_chances(2)), MIDDLE), 182, {})
    times = simulated_chain(2)
    quiet = times[:, (times > (MIDDLE - OPENS).days / WINDOW).all(axis=0)]
    by = (MIDDLE - OPENS).days / WINDOW + 182 / WINDOW
    for row in found["events"]:
        of = quiet[int(row["event"][1:])]
        bits, share, chance = _simulated((quiet < 1.0).all(axis=0), of < by)
        told = next(one for one in row["outcomes"] if one["state"] == "yes")
        with capsys.disabled():
            print(
                f"\n{row['event']} taken: bits {row['bits']:.4f} (simulated {bits:.4f}), scenario "
                f"{told['scenarios']['both']:.3f} ({share:.3f}), probability {told['probability']:.3f} ({chance:.3f})"
            )
        assert chance == pytest.approx(told["probability"], abs=0.015)
        assert share == pytest.approx(told["scenarios"]["both"], abs=0.04)
        assert bits == pytest.approx(row["bits"], rel=0.1)


def test_status_against_simulated_histories(capsys: pytest.CaptureFixture[str]) -> None:
    """A status under a cause that may come: shares to .04, bits to a tenth."""
    tau, tense = 150.0, (0.15, 0.8)
    net = network(event("cause"), event("mood", "status", ("calm", "tense"), ["cause"], persistence_days=tau))
    known = workspace(net, scenarios=[rule("bad", cause="yes", mood="tense")])
    rows = theta(network(event("cause")), {"cause": (0.5,)})[:, 0].tolist()
    flat = np.array([*rows, *(p for t in tense for p in (1.0 - t, t))])[:, np.newaxis]
    row = next(r for r in watch_list(outcome_of(known, flat, MIDDLE), 180, {})["events"] if r["event"] == "mood")
    rng, n = np.random.default_rng(5), 1_000_000
    rest, days = (HORIZON - MIDDLE).days, 180
    moved = rng.exponential(-WINDOW / np.log(0.5), n)

    def redrawn(at: float, span: float, before: NDArray[np.bool_]) -> NDArray[np.bool_]:
        age = rng.exponential(tau, n)
        fresh = rng.random(n) < np.where(moved < at - age, tense[1], tense[0])
        return np.where(age < span, fresh, before)

    midway = redrawn(days, days, np.zeros(n, dtype=bool))
    final = redrawn(rest, rest - days, midway)
    bits, share, chance = _simulated((moved < rest) & final, midway)
    told = next(one for one in row["outcomes"] if one["state"] == "tense")
    with capsys.disabled():
        print(
            f"\nmood tense: bits {row['bits']:.4f} (simulated {bits:.4f}), scenario "
            f"{told['scenarios']['bad']:.3f} ({share:.3f}), probability {told['probability']:.3f} ({chance:.3f})"
        )
    assert chance == pytest.approx(told["probability"], abs=0.03)
    assert share == pytest.approx(told["scenarios"]["bad"], abs=0.04)
    assert bits == pytest.approx(row["bits"], rel=0.1)
