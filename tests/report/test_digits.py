"""Printed digits: none beyond the Monte Carlo error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.report.digits import UNITS, digits, interval, percent, points

S = "\u202f%"


@pytest.mark.parametrize(
    ("probability", "mcse", "expected"),
    [
        (0.3456, 0.0004, "34.6"),
        (0.3456, 0.0006, "35"),
        (0.3456, 0.006, "30"),
        (0.0, 0.0, "0"),
        (1.0, 0.0, "100"),
        (0.0004, 0.0001, "<0.1"),
        (0.004, 0.002, "<1"),
        (0.9996, 0.0001, ">99.9"),
        (0.997, 0.002, ">99"),
    ],
)
def test_percent(probability: float, mcse: float, expected: str) -> None:
    """The finest of 0.1, 1 and 10 percent that is at least twice the error; never rounded to none or all."""
    assert expected + S == percent(probability, mcse)


@given(probability=st.floats(0.001, 0.999), mcse=st.floats(0.0, 0.05))
def test_shown_number_is_the_nearest(probability: float, mcse: float) -> None:
    """What is shown lies within half a unit of the number, and the unit is not finer than twice the error."""
    unit = UNITS[digits(mcse)][0]
    shown = percent(probability, mcse, sign=False)
    assert unit >= 2.0 * mcse or unit == UNITS[-1][0]
    if shown[0] in "<>":
        assert min(probability, 1.0 - probability) <= unit
    else:
        assert abs(float(shown) / 100.0 - probability) <= unit / 2 + 1e-12


def test_interval_is_never_finer_than_percents() -> None:
    """Quantiles are less certain than means: whole percents at best; a range of one number is that number."""
    assert f"12–35{S}" == interval(0.1234, 0.3456, 0.0001)
    assert f"12{S}" == interval(0.121, 0.122, 0.0001)
    assert f"<1–3{S}" == interval(0.001, 0.03, 0.0001)


def test_no_dash_before_a_sign() -> None:
    """A range whose upper end is written as more than a number has a word between: a dash there is an arrow."""
    assert f"<10 to >90{S}" == interval(0.02, 0.97, 0.02)


@pytest.mark.parametrize(
    ("change", "expected"),
    [(0.031, "up 3 points"), (-0.012, "down 1 point"), (0.004, "unchanged"), (-0.0, "unchanged")],
)
def test_points(change: float, expected: str) -> None:
    """A change is given in points at the digits of the forecast."""
    assert expected == points(change, 0.002)
