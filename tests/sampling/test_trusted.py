"""When draws of stage 1 are not reliable, and what is said of them."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.sampling.draws import distrust

GOOD = {"r_hat_max": 1.01, "ess_bulk_min": 400.0, "ess_tail_min": 400.0, "divergences": 0.0}


def test_at_the_limits_draws_are_reliable() -> None:
    """R-hat 1.01, an ESS of 400 and no divergence are reliable."""
    assert () == distrust(GOOD)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("r_hat_max", 1.047, "R-hat is 1.047, above 1.01"),
        ("r_hat_max", 1.01004, "R-hat is 1.01004, above 1.01"),
        ("r_hat_max", nan, "R-hat is nan, above 1.01"),
        ("ess_bulk_min", 89.3, "bulk ESS is 89.3, below 400"),
        ("ess_tail_min", 399.99, "tail ESS is 399.99, below 400"),
        ("divergences", 3.0, "divergences are 3, none is allowed"),
    ],
)
def test_each_reason_names_value_and_limit(key: str, value: float, expected: str) -> None:
    """A diagnostic past its limit is one reason, with the value and the limit; what is no number is past it."""
    assert (expected,) == distrust({**GOOD, key: value})


@given(st.floats(1.0, 1.1), st.floats(1.0, 5000.0), st.floats(1.0, 5000.0), st.integers(0, 3))
def test_worse_is_never_more_reliable(r_hat: float, bulk: float, tail: float, divergences: int) -> None:
    """There are as many reasons as diagnostics past their limits, and infinity is past any."""
    found = {"r_hat_max": r_hat, "ess_bulk_min": bulk, "ess_tail_min": tail, "divergences": float(divergences)}
    expected = (r_hat > 1.01) + (bulk < 400.0) + (tail < 400.0) + (divergences > 0)
    assert expected == len(distrust(found))
    assert (r_hat <= 1.01) == (len(distrust({**found, "r_hat_max": inf})) > expected)
