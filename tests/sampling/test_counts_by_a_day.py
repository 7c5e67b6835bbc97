"""A reference class about what happens by a day: its cases and the target's time on one scale of exposure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from math import exp, expm1, log, log1p

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.model.layout import lay_out
from forecast.sampling.likelihood import quantities, residuals
from forecast.sampling.readings import numbers
from forecast.sampling.spec import prior_spec
from forecast.sampling.statements import as_read
from forecast.workspace.names import seen_on
from forecast.workspace.records import Count, Network, Per, Roll, Statement, Target
from forecast.workspace.renames import DatedRates, Timing, Weibull
from forecast.workspace.statement_forms.form import CountedCases
from tests.worlds import HERE, HORIZON, OPENS, event, network, statement, target, timed_event, workspace

WINDOW = (HORIZON - OPENS).days
STATES = ["none", "some", "all"]
HALF = OPENS + timedelta(days=365)
ROLL = Roll(date(2025, 6, 1), date(2028, 1, 1), None, HERE)


def counted(about: Target, count: Count, net: Network, day: date = OPENS) -> CountedCases:
    """What a count is read as."""
    said = numbers(statement("s", about, count, day=day), workspace(net).experts, net)
    assert isinstance(said, CountedCases)
    return said


def p_case(net: Network, made: Statement, theta: float) -> float:
    """P of one case by the engine, where every step of the one event has cumulative hazard theta in the window."""
    world = seen_on(workspace(net, statements=[made]), HORIZON)
    layout = lay_out(world.network)
    (log_open,) = quantities(prior_spec(layout, world, HORIZON), np.full((layout.n_theta, 1), theta), [0])
    return -expm1(float(log_open[0]))


@pytest.mark.parametrize(
    ("per", "of_window", "exponent"),
    [("window", None, 2.6), ("year", None, 365.25 / 730 * 2.6), ("opportunity", 4.0, 2.6 / 4.0)],
)
def test_exponent_by_hand(per: Per, of_window: float | None, exponent: float) -> None:
    """By a day that 5 of 13 parts of the window precede, a case counts 13/5 times what it does at the horizon."""
    net = replace(network(event("one")), horizon=OPENS + timedelta(days=730))
    by = OPENS + timedelta(days=730 * 5 // 13)
    days = 730 * 5 // 13
    found = counted(target("one", "yes", by=by), Count(31, 100, per, of_window), net)
    assert exponent * 730 * 5 / 13 / days == pytest.approx(found.exponent, rel=1e-12)


def test_a_window_s_case_is_the_window() -> None:
    """31 of 100 windows say .31 of the window, not .619, though the target has the first 5 of its 13 months alone."""
    net = network(event("one"), horizon=OPENS + timedelta(days=728))
    made = statement("s", target("one", "yes", by=OPENS + timedelta(days=280)), Count(31, 100, "window", None))
    assert 0.31 == pytest.approx(p_case(net, made, -log1p(-0.31)), abs=1e-12)
    # What was read before: the probability by the day, as if the day were the horizon.
    assert 0.619 == pytest.approx(1.0 - (1.0 - 0.31) ** (728 / 280), abs=1e-3)


# Timings, each with the exposure until so many days after the opening, in no unit.
TIMINGS: tuple[tuple[Timing | None, Callable[[int], float]], ...] = (
    (None, float),
    (Weibull(0.4), lambda days: days**0.4),
    (Weibull(3.0), lambda days: days**3.0),
    # 89 days of rate 1, none until a day short of the half, then 4 a day.
    (
        DatedRates(((OPENS + timedelta(days=90), 0.0), (HALF, 4.0))),
        lambda days: min(days, 89) + 4.0 * max(0, days - 364),
    ),
)


@given(
    st.sampled_from(TIMINGS),
    st.integers(1, WINDOW),
    st.sampled_from(["window", "year", "opportunity"]),
    st.floats(0.01, 4.0),
    st.booleans(),
    st.booleans(),
)
def test_the_day_of_a_first_step_changes_nothing(
    timing: tuple[Timing | None, Callable[[int], float]],
    days: int,
    per: Per,
    theta: float,
    is_rolled: bool,
    is_late: bool,
) -> None:
    """A count of what has one even hazard says the same of it, by whatever day; closed form e^-(theta A(case))."""
    net = replace(network(timed_event("one", timing[0])), rolled=(ROLL,) if is_rolled else ())
    day = date(2025, 7, 1) if is_late else OPENS - timedelta(days=40)
    horizon = ((ROLL.horizon if is_rolled and is_late else HORIZON) - OPENS).days
    count = Count(2, 9, per, 5.0 if per == "opportunity" else None)
    made = statement("s", target("one", "yes", by=OPENS + timedelta(days=days)), count, day=day)
    case = timing[1](horizon) / timing[1](WINDOW) * {"window": 1.0, "year": 365.25 / horizon, "opportunity": 0.2}[per]
    assert -expm1(-theta * case) == pytest.approx(p_case(net, made, theta), abs=1e-12)
    without = replace(made, about=target("one", "yes"))
    assert p_case(net, without, theta) == pytest.approx(p_case(net, made, theta), abs=1e-12)


def test_what_is_counted_may_be_that_nothing_happened() -> None:
    """37 of 40 years without a step say what 3 of 40 with one say, and are off by as much in the other direction."""
    net = network(event("one", states=STATES))
    about = target("one", "none", by=HALF), target("one", "some", "all", by=HALF)
    quiet, busy = (statement("s", one, Count(n, 40, "year", None)) for one, n in zip(about, (37, 3), strict=True))
    assert counted(about[0], Count(37, 40, "year", None), net).stays
    specs = [prior_spec(lay_out(net), workspace(net, statements=[made]), HORIZON) for made in (quiet, busy)]
    np.testing.assert_array_equal(specs[1].counted, specs[0].counted)
    theta = np.full((2, 1), 0.3)
    reads = [quantities(spec, theta, [0]) for spec in specs]
    np.testing.assert_allclose(reads[1], reads[0], rtol=0, atol=1e-14)
    assert exp(-0.3 * 365.25 / WINDOW) == pytest.approx(float(np.exp(reads[0][0, 0])), abs=1e-14)
    fit = {"quantity": np.full((1, 5, 1), log(0.8)), "omega": np.zeros((1, 5, 1))}
    gaps = [residuals(spec, fit)["s"] for spec in specs]
    assert gaps[1] is not None
    assert (True, -gaps[1]) == (gaps[1] < -0.9, gaps[0])


def test_words() -> None:
    """A count is told with its exponent, and with the target's own power where staying was counted."""
    net = network(event("one", states=STATES))
    quarter = OPENS + timedelta(days=73)
    read = [
        as_read(counted(target("one", *states, by=by), Count(3, 40, "window", None), net))
        for states, by in ((("all",), quarter), (("none",), quarter), (("none",), None))
    ]
    assert [
        "3 of 40 cases, each with probability 1 - (1 - P)^10",
        "3 of 40 cases, each with probability P^10",
        "3 of 40 cases, each with probability P",
    ] == read


def test_no_time_at_all() -> None:
    """A count by a day until when nothing can happen has no reading."""
    net = network(timed_event("one", DatedRates(((OPENS, 0.0), (HALF, 1.0)))))
    with pytest.raises(ValueError, match="until when its timing lets nothing happen"):
        counted(target("one", "yes", by=OPENS + timedelta(days=30)), Count(1, 2, "window", None), net)
