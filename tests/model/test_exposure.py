"""Exposure by event: closed forms, laws, and that events without a timing are what they were."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.digests import digest_of
from forecast.inference.batch import solve
from forecast.inference.elimination import plan
from forecast.ledger.line import active_inputs
from forecast.model.asof import compile_workspace, factors
from forecast.model.between import between_table, row_when
from forecast.model.layout import exposed_between, lay_out
from forecast.model.rows import row_table
from forecast.posterior.posterior import evaluate, query
from forecast.sampling.draws import draws_digest
from forecast.sampling.spec import prior_spec
from forecast.workspace.records import Likelihood, Network, Settled
from forecast.workspace.renames import DatedRates, Timing, Weibull
from tests.oracle.random_worlds import random_timing, some_day
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, statement, target, timed_event, workspace

Array = NDArray[np.float64]
SUMMIT = date(2026, 1, 1)  # day 365 of 730
RATES = DatedRates(((SUMMIT, 3.0), (date(2026, 7, 1), 0.5)))  # days 365 and 546
SEEDS = st.integers(0, 2**32 - 1)
P = np.array([0.1, 0.5, 0.93])


def exposure(timing: Timing, day: date) -> float:
    """A(t) written out for the two timings of this file."""
    days = (day - OPENS).days
    if isinstance(timing, Weibull):
        return float((days / 730) ** timing.shape)
    whole = 364 + 3.0 * 181 + 0.5 * 185
    return (min(days, 364) + 3.0 * max(0, min(days, 545) - 364) + 0.5 * max(0, days - 545)) / whole


def not_yet(net: Network, theta: Array, as_of: date, on: date | None = None) -> Array:
    """P(the first event has taken no step by a day | nothing known but silence)."""
    made = workspace(net)
    return np.asarray(evaluate(query(compile_workspace(lay_out(net), made, as_of, on), ()), theta).events[0][0])


@pytest.mark.parametrize("timing", [RATES, Weibull(0.6), Weibull(2.5)])
@pytest.mark.parametrize("as_of", [OPENS, date(2025, 10, 7), SUMMIT, date(2026, 9, 1)])
@pytest.mark.parametrize("on", [date(2026, 10, 1), HORIZON])
def test_after_silence(timing: Timing, as_of: date, on: date) -> None:
    """With no news, P(not by t) is (1 - p)^(A(t) - A(a)), so P(by t) falls with each quiet day as the timing says."""
    survival = not_yet(network(timed_event("a", timing)), -np.log1p(-P)[np.newaxis], as_of, on)
    expected = (1.0 - P) ** (exposure(timing, on) - exposure(timing, as_of))
    np.testing.assert_allclose(expected, survival, rtol=0, atol=1e-12)


@pytest.mark.parametrize("timing", [RATES, Weibull(0.6)])
def test_two_steps(timing: Timing) -> None:
    """Two steps to come have the hypoexponential distribution over the exposure that is left."""
    net = network(timed_event("a", timing, states=["none", "one", "two"]))
    theta = np.array([[0.4], [1.1]])
    made = compile_workspace(lay_out(net), workspace(net), date(2025, 10, 7))
    left = 1.0 - exposure(timing, date(2025, 10, 7))
    h1, h2 = left * 0.4, left * 1.1
    both = 1.0 - (h2 * np.exp(-h1) - h1 * np.exp(-h2)) / (h2 - h1)
    found = evaluate(query(made, ()), theta).events[0][:, 0]
    np.testing.assert_allclose([np.exp(-h1), 1.0 - np.exp(-h1) - both, both], found, rtol=0, atol=1e-12)


def test_a_day_belongs_to_its_rate() -> None:
    """With rate 0 until a summit nothing happens by the day before it, and something may on its day."""
    net = network(timed_event("a", DatedRates(((OPENS, 0.0), (SUMMIT, 1.0)))))
    theta = np.array([[0.7]])
    assert [1.0] == not_yet(net, theta, OPENS, SUMMIT - timedelta(days=1)).tolist()
    assert [pytest.approx(np.exp(-0.7 / 366), abs=1e-12)] == not_yet(net, theta, OPENS, SUMMIT).tolist()


def test_history_counts_exposure() -> None:
    """A quiet spell, a step and a parent's move contribute exp(-theta exposure), theta, and cut the spell."""
    net = network(event("cause"), timed_event("it", RATES, parents=["cause"]))
    moved, taken = date(2025, 9, 1), date(2026, 3, 1)
    items = [item("a", moved, Settled("cause", "yes", HERE)), item("b", taken, Settled("it", "yes", HERE))]
    made = compile_workspace(lay_out(net), workspace(net, items=items), date(2026, 6, 1))
    cause, quiet, after = 0.3, 0.2, 1.4
    tables, offset = factors(made, np.array([[cause], [quiet], [after]]))
    found = solve(plan(made.cards, made.scopes), tables, np.ones((1,))).log_evidence + offset
    spells = quiet * exposure(RATES, moved) + after * (exposure(RATES, taken) - exposure(RATES, moved))
    expected = np.log(cause) - cause * (moved - OPENS).days / 730 + np.log(after) - spells
    np.testing.assert_allclose([expected], found, rtol=0, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_exposure_adds_up(seed: int) -> None:
    """A(opening) is 0, A(end of the window) is 1, and the exposures of parts add up, beyond the window too."""
    rng = np.random.default_rng(seed)
    layout = lay_out(network(timed_event("a", random_timing(rng))))
    days = sorted(some_day(rng, OPENS, HORIZON + timedelta(days=900)) for _ in range(4))
    parts = [exposed_between(layout, 0, *ends) for ends in pairwise(days)]
    assert min(parts) >= 0.0
    assert exposed_between(layout, 0, OPENS, HORIZON) == pytest.approx(1.0, abs=1e-12)
    assert exposed_between(layout, 0, days[0], days[-1]) == pytest.approx(sum(parts), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_one_clock_for_all(seed: int) -> None:
    """Where parent and child share a timing, a row is that of constant hazards with as much exposure left."""
    rng = np.random.default_rng(seed)
    timing = random_timing(rng)
    net = network(timed_event("a", timing), timed_event("b", timing, parents=["a"]))
    layout, theta, as_of = lay_out(net), rng.exponential(0.7, (3, 4)), some_day(rng)
    found = row_table(compile_workspace(layout, workspace(net), as_of).rows, theta)[2:]
    left = exposed_between(layout, 0, as_of, HORIZON)
    now, then = left * theta[1], left * theta[2]
    same = np.abs(now - then) < 1e-9
    mean = np.where(same, np.exp(-now), (np.exp(-now) - np.exp(-then)) / np.where(same, 1.0, then - now))
    np.testing.assert_allclose([np.exp(-now), mean], found[[0, 2]], rtol=0, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_step_on_the_way(seed: int) -> None:
    """P(taken by a day | taken by the horizon) without parents is the ratio of the two closed forms."""
    rng = np.random.default_rng(seed)
    net = network(timed_event("a", timing := random_timing(rng)))
    layout, theta = lay_out(net), rng.exponential(0.7, (1, 3)) + 0.01
    as_of = some_day(rng, OPENS, HORIZON - timedelta(days=10))
    day = some_day(rng, as_of + timedelta(days=1), HORIZON - timedelta(days=1))
    found = between_table(compile_workspace(layout, workspace(net), as_of), 0, day, theta)
    until, whole = (-np.expm1(-theta[0] * exposed_between(layout, 0, as_of, end)) for end in (day, HORIZON))
    if (whole > 0.0).all():
        np.testing.assert_allclose(until / whole, found[1, 1], rtol=0, atol=1e-10, err_msg=str(timing))


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_the_rows_by_a_parent_s_day_average_to_the_row(seed: int) -> None:
    """A child's row is the mean of its rows with the parent moved by a day and after it, at the parent's chances."""
    rng = np.random.default_rng(seed)
    net = network(timed_event("a", random_timing(rng)), timed_event("b", random_timing(rng), parents=["a"]))
    layout, theta = lay_out(net), rng.exponential(0.7, (3, 2))
    as_of = some_day(rng, OPENS, HORIZON - timedelta(days=10))
    day = some_day(rng, as_of + timedelta(days=1), HORIZON - timedelta(days=1))
    made = compile_workspace(layout, workspace(net), as_of)
    row = row_table(made.rows, theta)[4:6]
    until, whole = (exposed_between(layout, 0, as_of, end) for end in (day, HORIZON))
    if whole > 0.0:
        moved, still = (row_when(made, 1, 0, state, day, theta)[0][1] for state in (1, 0))
        part = until / whole
        # A Weibull of the child or the parent is cut into sixteenths of another span before and after the day.
        loose = any(isinstance(one.timing, Weibull) for one in layout.events)
        np.testing.assert_allclose(part * moved + (1.0 - part) * still, row, rtol=0, atol=0.01 if loose else 1e-10)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_step_on_the_way_under_a_parent(seed: int) -> None:
    """P(not taken by a day | the parent moves by the horizon) is the quiet survival or the row of that day.

    They are weighed by the parent's chances of moving after the day and by it.
    """
    rng = np.random.default_rng(seed)
    timings = [DatedRates(((some_day(rng), 4.0),)), DatedRates(((some_day(rng), 0.3),))]
    net = network(timed_event("a", timings[0]), timed_event("b", timings[1], parents=["a"]))
    layout, theta = lay_out(net), rng.exponential(0.7, (3, 2))
    as_of = some_day(rng, OPENS, HORIZON - timedelta(days=10))
    day = some_day(rng, as_of + timedelta(days=1), HORIZON - timedelta(days=1))
    made = compile_workspace(layout, workspace(net), as_of)
    on_day = compile_workspace(layout, workspace(net), as_of, day)
    part = exposed_between(layout, 0, as_of, day) / exposed_between(layout, 0, as_of, HORIZON)
    quiet = np.exp(-theta[1] * exposed_between(layout, 1, as_of, day))
    survival = (1.0 - part) * quiet + part * row_table(on_day.rows, theta)[4]
    at_horizon = row_table(made.rows, theta)[4]
    expected = (survival - at_horizon) / (1.0 - at_horizon)
    np.testing.assert_allclose(expected, between_table(made, 1, day, theta)[1, 1, 0], rtol=0, atol=1e-9)


def test_events_without_timing_compile_to_the_same_bits() -> None:
    """Rows and history of constant hazards have the digests that stand here: no bit of them changes unnoticed."""
    # Steps and reports alone: nothing of them needs a transcendental function, which machines round differently.
    net = network(
        event("hidden", "constant"),
        event("first", parents=["hidden"]),
        event("second", states=["none", "one", "two"], parents=["first", "hidden"]),
    )
    made = workspace(
        net,
        items=[
            item("done", date(2025, 6, 1), Settled("first", "yes", HERE)),
            item(
                "said",
                date(2025, 7, 1),
                Likelihood("second", {"none": 0.5, "one": 1.0, "two": 0.25}, date(2026, 3, 1), HERE),
            ),
        ],
    )
    compiled = [compile_workspace(lay_out(net), made, date(2025, 10, 1), on) for on in (None, date(2026, 9, 1))]
    digests = [digest_of(one.rows, one.history)[:32] for one in compiled]
    assert ["a8fa36839814ffce66cabab3371815e1", "cdd54d8f2c185ac97ba552d8c8750dc5"] == digests


def test_a_timing_is_news_of_the_network() -> None:
    """An edit of a timing changes the network's digest in the ledger; where there is none it is what it was."""
    nets = [network(timed_event("a", timing)) for timing in (None, RATES, Weibull(0.6))]
    digests = [active_inputs(workspace(net), HORIZON)["network"] for net in nets]
    assert len(nets) == len(set(digests))
    assert digests[0] == active_inputs(workspace(network(event("a"))), HORIZON)["network"]


def test_the_draws_digest_knows_the_timing() -> None:
    """Draws that were made under one timing are not taken for those of another, or of none."""
    timings = [None, RATES, DatedRates(((SUMMIT, 3.0), (date(2026, 7, 1), 0.6))), Weibull(0.6), Weibull(0.7)]
    digests = set()
    for timing in timings:
        net = network(timed_event("a", timing))
        said = statement("by", target("a", "yes", by=date(2026, 3, 1)), 0.3)
        digests.add(draws_digest(prior_spec(lay_out(net), workspace(net, statements=[said]), HORIZON), seed=1))
    assert len(timings) == len(digests)


@pytest.mark.parametrize("persistence", [0.25, 1.0, 30.0])
@pytest.mark.parametrize("days", [3, 900])
def test_a_status_that_is_redrawn_many_times(persistence: float, days: int) -> None:
    """However often a status is redrawn between two looks, its table is one: rows sum to one, and nothing overflows."""
    net = network(event("cause"), event("mood", "status", parents=["cause"], persistence_days=persistence))
    layout, as_of = lay_out(net), OPENS
    theta = np.full((layout.n_theta, 1), 0.5)
    made = compile_workspace(layout, workspace(net, watched_until=as_of), as_of)
    table = between_table(made, 1, min(as_of + timedelta(days=days), HORIZON - timedelta(days=1)), theta)
    assert np.isfinite(table).all()
    np.testing.assert_allclose(table.sum(axis=-2), 1.0, rtol=0, atol=1e-12)
