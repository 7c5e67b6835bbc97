"""Statements by several dates against one hazard."""

from __future__ import annotations

from datetime import date, timedelta
from math import exp, log, log1p

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.model.layout import lay_out
from forecast.sampling.statements import SHAPES, by_date_doubts
from forecast.workspace.records import Statement
from forecast.workspace.renames import DatedRates, Timing, Weibull
from tests.worlds import HORIZON, OPENS, network, statement, target, timed_event, workspace

WINDOW = (HORIZON - OPENS).days
DATES = (date(2025, 3, 1), date(2025, 9, 1), date(2026, 4, 1), None)


def said(probabilities: dict[date | None, float], *, expert: str = "editors", day: date = OPENS) -> list[Statement]:
    """One statement for each date (None: the horizon) that the event is taken."""
    return [
        statement(f"s{n}", target("a", "yes", by=by), p, expert=expert, day=day)
        for n, (by, p) in enumerate(probabilities.items())
    ]


def warnings(statements: list[Statement], timing: Timing | None = None) -> list[str]:
    """What `check` would say."""
    net = network(timed_event("a", timing))
    return [str(one) for one in by_date_doubts(lay_out(net), workspace(net, statements=statements), HORIZON)]


def under(shape: float, hazard: float, seen: date = OPENS) -> dict[date | None, float]:
    """P(by each date) under a Weibull, as known on a day."""
    start = ((seen - OPENS).days / WINDOW) ** shape
    passed = {by: (((by or HORIZON) - OPENS).days / WINDOW) ** shape - start for by in DATES}
    return {by: 1.0 - exp(-hazard * exposure) for by, exposure in passed.items() if exposure > 0.0}


def test_the_shape_that_is_named_is_the_regression_s() -> None:
    """Read at the opening, the shape is the slope of ln(-ln(1 - p)) on the log share of the window, to .05."""
    stated = dict(zip(DATES, [0.11, 0.16, 0.35, 0.38], strict=True))
    shares = [log(((by or HORIZON) - OPENS).days / WINDOW) for by in DATES]
    slope = np.polyfit(shares, [log(-log1p(-p)) for p in stated.values()], 1)[0]
    (found,) = warnings(said(stated))
    assert f"timing: {{weibull: {{shape: {min(SHAPES, key=lambda k: abs(k - slope)):g}}}}}" in found
    assert "statements 's0', 's1', 's2', 's3' on 'a': a constant hazard cannot carry them, by " in found


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([0.3, 0.5, 1.8, 3.0]), st.floats(0.05, 2.0), st.integers(0, 300))
def test_exact_statements_give_their_shape(shape: float, hazard: float, days: int) -> None:
    """Statements that follow a Weibull, whenever they are made, are warned about without it and not with it."""
    seen = OPENS + timedelta(days=days)
    stated = said(under(shape, hazard, seen), expert="ann", day=seen)
    for found in warnings(stated):
        assert f"shape: {shape:g}}}}} fits them best, to " in found
    assert [] == warnings(stated, Weibull(shape))
    if days == 0:
        assert 1 == len(warnings(stated))


def test_what_the_timing_carries_is_not_warned_about() -> None:
    """Dates around a summit fit its dated rates, and contradict another timing by the timing's name."""
    summit = DatedRates(((date(2025, 8, 1), 20.0), (date(2025, 9, 2), 1.0)))
    rated = {date(2025, 7, 31): 211.0, date(2025, 9, 1): 211.0 + 32 * 20.0, None: 211.0 + 32 * 20.0 + 487.0}
    stated = said({by: 1.0 - exp(-0.4 * days / rated[None]) for by, days in rated.items()})
    assert [] == warnings(stated, summit)
    assert 1 == len(warnings(stated))
    assert "the event's timing cannot carry them" in warnings(stated, Weibull(3.0))[0]


@pytest.mark.parametrize("case", ["one date", "two experts", "two days", "given", "consistent"])
def test_what_is_not_compared(case: str) -> None:
    """One date, different speakers or days, and what one hazard carries are left alone."""
    early, late = said({DATES[0]: 0.3, None: 0.4})
    cases = {
        "one date": [early],
        "two experts": [early, *said({None: 0.4}, expert="ann", day=date(2025, 2, 1))],
        "two days": [
            *said({DATES[0]: 0.3}, expert="ann", day=date(2025, 1, 5)),
            *said({None: 0.4}, expert="ann", day=date(2025, 2, 1)),
        ],
        "given": [early, statement("g", target("a", "yes", given={"b": "yes"}), 0.4, expert="editors")],
        "consistent": said(under(1.0, 0.6)),
    }
    net = network(timed_event("a", None), timed_event("b", None))
    made = workspace(net, statements=cases[case])
    assert () == by_date_doubts(lay_out(net), made, HORIZON)
    both = workspace(net, statements=[early, late])
    assert 1 == len(by_date_doubts(lay_out(net), both, HORIZON))
