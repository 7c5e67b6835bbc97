"""Printed digits on the page: those of forecast.digits, with the spaces and dashes of print."""

from __future__ import annotations

from forecast.words import exact, interval, percent, signed_points

S = "\u202f%"


def test_no_line_breaks_before_the_sign() -> None:
    """A number and its percent sign stand together."""
    assert [f"35{S}", f"34.5{S}"] == [percent(0.3456, 0.001), exact(0.345)]


def test_no_dash_beside_a_sign() -> None:
    """A range has a dash; one with an end that is less or more than a number has a word, so that no end is misread."""
    assert f"12–35{S}" == interval(0.1234, 0.3456, 0.0001)
    assert f"<5 to >95{S}" == interval(0.02, 0.98, 0.02)
    assert f"<5 to 70{S}" == interval(0.02, 0.68, 0.006)


def test_each_end_has_its_own_digits() -> None:
    """An end that is known to a point is written so, however little is known of the other end or of the mean."""
    assert f"3–70{S}" == interval(0.03, 0.68, (0.002, 0.012))
    assert f"<1 to 70{S}" == interval(0.003, 0.68, (0.002, 0.012))


def test_a_fall_has_a_minus_sign() -> None:
    """Signed changes have a minus, not a hyphen."""
    assert ["+3", "−1", "0"] == [signed_points(change, 0.002) for change in (0.031, -0.012, 0.004)]
