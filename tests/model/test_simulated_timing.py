"""Rows under a timing against simulated histories: dates drawn by inverting each event's cumulative hazard."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.model.rows import row_table
from forecast.workspace.renames import DatedRates, Timing, Weibull
from tests.model.test_simulated_histories import FIRST, WITH, WITHOUT, crossing, hazard
from tests.worlds import OPENS, network, timed_event, workspace

Array = NDArray[np.float64]
HISTORIES = 2_000_000
DAYS = 730
NEVER = 1e6  # days, and exposure
TODAY = date(2025, 10, 2)
SUMMIT = DatedRates(((date(2026, 3, 1), 8.0), (date(2026, 5, 1), 1.0)))
LATE = DatedRates(((OPENS, 0.0), (date(2026, 1, 1), 1.0)))
FALLING, RISING = Weibull(0.6), Weibull(2.5)


def clock(timing: Timing | None) -> Array:
    """Exposure at the end of each day of the window, the opening first."""
    days = np.arange(DAYS + 1) / DAYS
    if timing is None:
        return days
    if isinstance(timing, Weibull):
        return np.asarray(days**timing.shape)
    rates = np.ones(DAYS)
    for start, rate in timing.steps:
        rates[max(0, (start - OPENS).days - 1) :] = rate
    passed = np.cumsum(rates)
    return np.concatenate([[0.0], passed / passed[-1]])


def simulated(parent: Timing | None, child: Timing | None) -> Array:
    """P(neither, child alone, parent alone, both taken by the horizon | neither is taken today)."""
    rng = np.random.default_rng(20260101)
    days, clocks = np.arange(DAYS + 1), (clock(parent), clock(child))
    first = rng.exponential(1.0 / hazard(FIRST), HISTORIES)
    # A rate of 0 makes the clock stand still; what happens then happens on its last day.
    moved = np.where(first < 1.0, np.interp(first, clocks[0], days), NEVER)
    in_child = np.where(first < 1.0, np.interp(moved, days, clocks[1]), NEVER)
    second = crossing(rng.exponential(1.0, HISTORIES), in_child, hazard(WITHOUT), hazard(WITH))
    today = (TODAY - OPENS).days
    quiet = (moved > today) & (second > clocks[1][today])
    states = 2 * (moved[quiet] < DAYS) + (second[quiet] < 1.0)
    return np.asarray(np.bincount(states.astype(np.intp), minlength=4) / quiet.sum())


PACES: dict[str, Timing | None] = {
    "even": None,
    "a summit": SUMMIT,
    "not before 2026": LATE,
    "soon or hardly": FALLING,
    "rather late": RISING,
}
PAIRS = [
    ("even", "even"),
    ("a summit", "even"),
    ("even", "a summit"),
    ("a summit", "a summit"),
    ("even", "not before 2026"),
    ("not before 2026", "soon or hardly"),
    ("soon or hardly", "rather late"),
    ("even", "soon or hardly"),
    ("rather late", "even"),
]


@pytest.mark.parametrize(("first", "then"), PAIRS)
def test_parent_and_child(first: str, then: str, capsys: pytest.CaptureFixture[str]) -> None:
    """After a quiet spell the rule's joint distribution of parent and child is the simulated one to .015."""
    parent, child = PACES[first], PACES[then]
    net = network(timed_event("a", parent), timed_event("b", child, parents=["a"]))
    theta = np.array([[hazard(FIRST)], [hazard(WITHOUT)], [hazard(WITH)]])
    rows = row_table(compile_workspace(lay_out(net), workspace(net), TODAY).rows, theta)[:, 0]
    table = np.repeat(rows[:2], 2) * rows[2:]
    expected = simulated(parent, child)
    with capsys.disabled():
        largest = max(table - expected, key=abs)
        print(f"\nparent {first}, child {then}: the rule less simulated histories at most {largest:+.4f}")
    np.testing.assert_allclose(expected, table, rtol=0, atol=0.015)
