"""The forecast for a day between now and the horizon."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.analysis.questions import OutsideError
from forecast.ledger.outcome import outcome
from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.posterior.by_date import curves
from forecast.posterior.posterior import evaluate, query
from forecast.workspace.records import Likelihood
from forecast.workspace.renames import Weibull
from tests.analysis.worlds import AS_OF, answered, outcome_of
from tests.plainly import by_date
from tests.posterior.standing import standing_at
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, rule, timed_event, workspace

DAY = date(2026, 8, 1)
QUIET = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def test_closed_forms() -> None:
    """A step by the day and a status on it are their closed forms; the scenario is read on the day."""
    net = network(timed_event("step", Weibull(0.5)), event("mood", "status", ["calm", "tense"], persistence_days=200.0))
    known = workspace(net, scenarios=[rule("both", step="yes", mood="tense")])
    theta = np.array([[0.9, 0.3], [0.25, 0.6], [0.75, 0.4]])
    found = by_date(outcome_of(known, theta, AS_OF), DAY)
    share = [((day - OPENS).days / 730) ** 0.5 for day in (AS_OF, DAY)]
    taken = -np.expm1(-theta[0] * (share[1] - share[0]))
    tense = theta[2] * -np.expm1(-(DAY - AS_OF).days / 200.0)
    step, mood = found["events"]
    assert taken.mean() == pytest.approx(step["states"][1]["probability"], abs=1e-12)
    assert taken.mean() == pytest.approx(step["states"][1]["reached"]["probability"], abs=1e-12)
    assert tense.mean() == pytest.approx(mood["states"][1]["probability"], abs=1e-12)
    assert mood["states"][1]["reached"] is None
    assert (taken * tense).mean() == pytest.approx(found["scenarios"][0]["probability"], abs=1e-12)
    assert ["2026-03-01", "2026-08-01", "2027-01-01"] == [found[key] for key in ("as_of", "by", "horizon")]


def test_no_step_is_likelier_by_a_day_than_by_the_horizon() -> None:
    """Where a report that wears off would make it so, the day comes down to the horizon, state by state."""
    net = network(event("a", "status", ["x", "y"], persistence_days=540.0), event("b", parents=["a"]))
    said = item("rumour", AS_OF, Likelihood("a", {"x": 1.0, "y": 0.01}, DAY, HERE), credibility=1)
    known = workspace(net, items=[said])
    theta = np.array([[0.2], [0.8], [24.0], [0.1]])  # b comes soon where a stays in x, and hardly in y
    layout, drawn = lay_out(net), standing_at({"wire": 0.99})
    quiet = outcome_of(workspace(net), theta, AS_OF)
    asked = query(compile_workspace(layout, known, AS_OF), ())
    solved = replace(quiet.posterior, asked=asked, reliabilities=drawn, evaluation=evaluate(asked, theta, drawn))
    on_day = evaluate(query(compile_workspace(layout, known, AS_OF, on=DAY), ()), theta, drawn).events[1][1, 0]
    at_horizon = solved.evaluation.events[1][1, 0]
    assert on_day > at_horizon + 0.01
    told = by_date(outcome(known, layout, AS_OF, 0, solved), DAY)["events"][1]["states"]
    assert [pytest.approx(1.0 - at_horizon), pytest.approx(at_horizon)] == [row["probability"] for row in told]
    assert [1.0, pytest.approx(at_horizon)] == [row["reached"]["probability"] for row in told]


@QUIET
@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(0, 306))
def test_against_the_curves(monkeypatch: pytest.MonkeyPatch, seed: int, n_events: int, days: int) -> None:
    """Events are the points of the curve through the day and the horizon; states and scenarios sum to one."""
    world = answered(seed, n_events, monkeypatch, has_requirements=seed % 2 == 1)
    if world is None:
        return
    day, found = AS_OF + timedelta(days=days), world.outcome
    told = by_date(found, day)
    weights = found.posterior.weights.weights
    drawn = curves(
        found.layout, found.workspace, AS_OF, found.posterior.draws.theta, weights,
        (day, HORIZON) if day < HORIZON else (day,), drawn=found.posterior.reliabilities,
    )  # fmt: skip
    assert 1.0 == pytest.approx(sum(row["probability"] for row in told["scenarios"]), abs=1e-12)
    for v, row in enumerate(told["events"]):
        kind = "reached" if row["kind"] == "reached" else "probability"
        values = [one[kind]["probability"] if kind == "reached" else one[kind] for one in row["states"]]
        np.testing.assert_allclose(drawn.mean[v][0], values, rtol=0, atol=1e-12)
        states = [one["probability"] for one in row["states"]]
        assert 1.0 == pytest.approx(sum(states), abs=1e-12)
        assert min(states) >= -1e-15


@QUIET
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_on_the_horizon_it_is_the_forecast(monkeypatch: pytest.MonkeyPatch, seed: int, n_events: int) -> None:
    """By the horizon every number is the forecast's own, and steps are reached with what is at least as far."""
    world = answered(seed, n_events, monkeypatch, has_requirements=seed % 2 == 1)
    if world is None:
        return
    told, found = by_date(world.outcome, HORIZON), world.outcome
    for row in told["scenarios"]:
        assert found.scenarios[row["id"]].probability == pytest.approx(row["probability"], abs=1e-12)
        assert row["at_horizon"] == found.scenarios[row["id"]].probability
    for row in told["events"]:
        at_horizon = [found.events[row["id"]][one["state"]].probability for one in row["states"]]
        np.testing.assert_allclose(at_horizon, [one["probability"] for one in row["states"]], rtol=0, atol=1e-12)
        if row["kind"] == "reached":
            reached = [one["reached"]["probability"] for one in row["states"]]
            np.testing.assert_allclose(np.cumsum(at_horizon[::-1])[::-1], reached, rtol=0, atol=1e-12)


@pytest.mark.parametrize("day", [AS_OF - timedelta(days=1), HORIZON + timedelta(days=1)])
def test_days_that_there_are_not(day: date) -> None:
    """A day before the as-of date or after the horizon is refused with the days that there are."""
    found = outcome_of(workspace(network(event("a"))), np.array([[0.5]]), AS_OF)
    with pytest.raises(OutsideError, match=f"{day} is no day of this forecast; it runs from .* 2026-03-01 to .* 2027"):
        by_date(found, day)
