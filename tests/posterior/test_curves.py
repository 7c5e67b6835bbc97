"""P(event by a date): closed forms first, then laws."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.model.asof import compile_workspace
from forecast.model.layout import Layout, lay_out
from forecast.posterior.by_date import Curves, curve_days, curves
from forecast.posterior.posterior import evaluate, query
from forecast.workspace.records import Likelihood, Network
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, random_network, workspace

Array = NDArray[np.float64]
DAYS = (date(2025, 9, 30), date(2025, 12, 31), date(2026, 6, 30), HORIZON)
AS_OF = date(2025, 7, 1)


def _theta(layout: Layout, rng: np.random.Generator, draws: int) -> Array:
    theta = np.empty((layout.n_theta, draws))
    for v in range(len(layout.cards)):
        width = layout.width(v)
        for row in range(layout.n_rows(v)):
            start = layout.theta_index(v, row, 0)
            if layout.events[v].kind == "reached":
                theta[start : start + width] = rng.exponential(0.5, (width, draws))
            else:
                theta[start : start + width] = rng.dirichlet(np.ones(width), draws).T
    return theta


def _random(seed: int, days: tuple[date, ...] = DAYS, every: int = 1) -> tuple[Layout, Curves, Array, Array]:
    rng = np.random.default_rng(seed)
    net = random_network(rng, 5)
    layout = lay_out(net)
    theta, weights = _theta(layout, rng, 40), rng.dirichlet(np.ones(40))
    return layout, curves(layout, workspace(net), AS_OF, theta, weights, days, every=every), theta, weights


def test_isolated_event_has_the_curve_of_a_constant_hazard() -> None:
    """P(by t) of one event without parents is 1 - (1 - theta)^((t - a) / (H - o))."""
    net = network(event("a"))
    chance = np.array([0.2, 0.5, 0.9])
    found = curves(lay_out(net), workspace(net), AS_OF, -np.log1p(-chance)[np.newaxis], np.full(3, 1 / 3), DAYS)
    passed = np.array([(day - AS_OF).days / (HORIZON - OPENS).days for day in DAYS])
    expected = (1.0 - (1.0 - chance) ** passed[:, np.newaxis]).mean(axis=1)
    np.testing.assert_allclose(expected, found.mean[0][:, 1], rtol=0, atol=1e-12)


def test_status_without_parents_relaxes_to_its_row() -> None:
    """P(state on t) of a status is stay [x = current] + (1 - stay) theta, stay = exp(-(t - a) / tau)."""
    net = network(event("a", "status", persistence_days=200.0))
    found = curves(lay_out(net), workspace(net), AS_OF, np.array([[0.3], [0.7]]), np.ones(1), DAYS)
    stay = np.exp([-(day - AS_OF).days / 200.0 for day in DAYS])
    np.testing.assert_allclose(stay + (1 - stay) * 0.3, found.mean[0][:, 0], rtol=0, atol=1e-12)


def test_correction_keeps_the_horizon() -> None:
    """Where a report that wears off would let a curve fall, earlier dates come down to the horizon's value."""
    said = Likelihood("a", {"x": 1.0, "y": 0.01}, date(2025, 12, 30), HERE)
    net = network(event("a", "status", ["x", "y"], persistence_days=540.0), event("b", parents=["a"]))
    world = workspace(net, items=[item("rumour", AS_OF, said, credibility=1)])
    layout = lay_out(net)
    theta = np.array([[0.2], [0.8], [24.0], [0.1]])  # b comes soon where a stays in x, and hardly in y
    horizon = evaluate(query(compile_workspace(layout, world, AS_OF), ()), theta).events[1][1, 0]
    found = curves(layout, world, AS_OF, theta, np.ones(1), DAYS)
    assert horizon == pytest.approx(found.mean[1][-1, 1], abs=1e-12)
    assert (np.diff(found.mean[1][:, 1]) >= 0.0).all()
    assert found.correction > 0.01


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_curves_of_reached_events_rise(seed: int) -> None:
    """P(at least k by t) never falls with t, in the mean and in each quantile."""
    layout, found, _, _ = _random(seed)
    for v, named in enumerate(layout.events):
        if named.kind == "reached":
            assert (np.diff(found.mean[v], axis=0) >= 0.0).all()
            assert (np.diff(found.quantiles[v], axis=0) >= 0.0).all()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_curve_ends_in_the_forecast(seed: int) -> None:
    """On the horizon the curve is the forecast itself: the correction leaves the last date alone."""
    layout, found, theta, weights = _random(seed)
    known = evaluate(query(compile_workspace(layout, workspace(_network_of(layout)), AS_OF), ()), theta)
    for v, named in enumerate(layout.events):
        states = known.events[v] @ weights
        expected = states[::-1].cumsum()[::-1] if named.kind == "reached" else states
        np.testing.assert_allclose(expected, found.mean[v][-1], rtol=0, atol=1e-12)


def _network_of(layout: Layout) -> Network:
    return network(*layout.events)


def test_thinned_curve_uses_every_kth_draw() -> None:
    """`every` is the same as passing those draws alone, their weights normalised."""
    layout, thinned, theta, weights = _random(7, every=4)
    share = weights[::4] / weights[::4].sum()
    alone = curves(layout, workspace(_network_of(layout)), AS_OF, theta[:, ::4], share, DAYS)
    for expected, actual in zip(alone.mean, thinned.mean, strict=True):
        np.testing.assert_allclose(expected, actual, rtol=1e-12)


@pytest.mark.parametrize(
    ("start", "horizon", "expected"),
    [
        (date(2026, 10, 10), date(2027, 6, 30), ["2026-12-31", "2027-03-31", "2027-06-30"]),
        (date(2026, 12, 31), date(2027, 1, 15), ["2027-01-15"]),
        (date(2025, 1, 1), date(2028, 6, 1), [
            "2025-06-30", "2025-12-31", "2026-06-30", "2026-12-31", "2027-06-30", "2027-12-31", "2028-06-01",
        ]),
        (date(2025, 1, 1), date(2065, 1, 1), [
            "2029-12-31", "2034-12-31", "2039-12-31", "2044-12-31", "2049-12-31", "2054-12-31", "2059-12-31",
            "2064-12-31", "2065-01-01",
        ]),
    ],
)  # fmt: skip
def test_days_of_a_curve(start: date, horizon: date, expected: list[str]) -> None:
    """Quarter ends, half years or years, so that there are at most nine dates; the horizon comes last."""
    assert expected == [day.isoformat() for day in curve_days(start, horizon)]
