"""Printed digits on the page: those of forecast.digits, with the spaces and dashes of print."""

from __future__ import annotations

from forecast.words import exact, interval, percent, signed_points

S = "\u202f%"


def test_no_line_breaks_before_the_sign() -> None:
    """A number and its percent sign stand together."""
    assert [f"35{S}", f"34.5{S}"] == [percent(0.3456, 0.001), exact(0.345)]


def test_no_dash_before_a_sign() -> None:
    """A range has a dash; one whose upper end is more than a number has a word: a dash there is an arrow."""
    assert f"12–35{S}" == interval(0.1234, 0.3456, 0.0001)
    assert f"<10 to >90{S}" == interval(0.02, 0.97, 0.02)


def test_a_fall_has_a_minus_sign() -> None:
    """Signed changes have a minus, not a hyphen."""
    assert ["+3", "−1", "0"] == [signed_points(change, 0.002) for change in (0.031, -0.012, 0.004)]
