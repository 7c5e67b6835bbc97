"""Plain pools against published numbers, direct computation, and the laws that a pool obeys."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.scoring.pool import PLAIN_POOLS, effective_number, extremised, extremising_factor, mean_log_odds, median

Array = NDArray[np.float64]
PROBABILITIES = st.lists(st.floats(0.001, 0.999), min_size=1, max_size=12).map(np.array)


def _published_factor(n: float) -> float:
    return n * (sqrt(3 * n * n - 3 * n + 1) - 2) / (n * n - n - 1)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 300, 100_000])
def test_factor_is_the_published_one(n: int) -> None:
    """The extremising factor equals Neyman and Roughgarden's formula at every number of forecasts."""
    assert _published_factor(n) == pytest.approx(extremising_factor(n), rel=1e-9)


def test_factor_at_its_ends() -> None:
    """One forecast is left alone; the log-odds of very many are stretched by the square root of three."""
    assert [1.0, sqrt(3)] == pytest.approx([extremising_factor(1), extremising_factor(1e9)], rel=1e-7)


def test_factor_has_a_value_where_the_published_form_has_none() -> None:
    """At the golden ratio, where the published form is 0/0, the factor is its limit from both sides."""
    golden = (1 + sqrt(5)) / 2
    near = (_published_factor(golden - 1e-5) + _published_factor(golden + 1e-5)) / 2
    assert near == pytest.approx(extremising_factor(golden), rel=1e-6)


def test_published_pool() -> None:
    """Two forecasts of 3:1 and 27:1 pool at 9:1, and at 9^1.2915 to 1 extremised."""
    p, ones = np.array([3 / 4, 27 / 28]), np.ones(2)
    odds = 9 ** (2 * (sqrt(7) - 2))
    assert [0.9, odds / (1 + odds)] == pytest.approx([mean_log_odds(p, ones), extremised(p, ones)])


@given(PROBABILITIES)
def test_median_is_numpys(p: Array) -> None:
    """With equal weights the median is the ordinary one."""
    assert float(np.median(p)) == pytest.approx(median(p, np.full(p.size, 0.1)), abs=1e-12)


@pytest.mark.parametrize("name", [name for name in PLAIN_POOLS if name != "extremised"])
@given(p=PROBABILITIES, data=st.data())
def test_weight_is_a_number_of_copies(name: str, p: Array, data: st.DataObject) -> None:
    """A forecast of weight k counts as k forecasts (but for the factor, which counts people)."""
    copies = np.array(data.draw(st.lists(st.integers(1, 4), min_size=p.size, max_size=p.size)))
    repeated = np.repeat(p, copies)
    expected = PLAIN_POOLS[name](repeated, np.ones(repeated.size))
    assert expected == pytest.approx(PLAIN_POOLS[name](p, copies.astype(float)), abs=1e-12)


@pytest.mark.parametrize("name", PLAIN_POOLS)
@given(p=PROBABILITIES)
def test_yes_and_no_are_alike(name: str, p: Array) -> None:
    """The pool of the complements is the complement of the pool."""
    ones = np.ones(p.size)
    assert 1 - PLAIN_POOLS[name](p, ones) == pytest.approx(PLAIN_POOLS[name](1 - p, ones), abs=1e-12)


@pytest.mark.parametrize("name", [name for name in PLAIN_POOLS if name != "extremised"])
@given(p=PROBABILITIES)
def test_pool_lies_between_its_forecasts(name: str, p: Array) -> None:
    """No plain pool but the extremised one leaves the range of what was said."""
    pooled = PLAIN_POOLS[name](p, np.ones(p.size))
    assert p.min() - 1e-12 <= pooled <= p.max() + 1e-12


def test_effective_number_of_weights() -> None:
    """Equal weights count every forecast; a weight that dwarfs the others counts one."""
    numbers = [effective_number(np.full(4, 0.3)), effective_number(np.array([1e9, 1.0]))]
    assert [4.0, 1.0] == pytest.approx(numbers)
