"""Survival of open steps against 60-digit arithmetic and dense matrix exponentials."""

from __future__ import annotations

from decimal import Decimal, localcontext
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from forecast.inference.tape import NumpyMath
from forecast.model.layout import mean_hazard, steps_taken
from forecast.sampling import op

HAZARD = st.floats(-9.0, 1.3).map(lambda power: 10.0**power)  # 1e-9 to 20


def one(value: object) -> float:
    """The number in an array of one draw."""
    return float(np.asarray(value).item())


def exact_mean_hazard(now: float, then: float) -> Decimal:
    """-ln((x - y) / ln(x / y)) with x = exp(-now), y = exp(-then), to 60 digits."""
    with localcontext() as context:
        context.prec = 60
        a, b = Decimal(now), Decimal(then)
        return a if a == b else -(((-a).exp() - (-b).exp()) / (b - a)).ln()


def exact_two_steps(first: float, second: float) -> Decimal:
    """1 - (h2 e^-h1 - h1 e^-h2) / (h2 - h1), to 60 digits."""
    with localcontext() as context:
        context.prec = 60
        a, b = Decimal(first), Decimal(second)
        if a == b:
            return 1 - (-a).exp() * (1 + a)
        return 1 - (b * (-a).exp() - a * (-b).exp()) / (b - a)


@settings(deadline=None)
@given(HAZARD, HAZARD)
@example(1e-9, 1e-9)
@example(0.3, 0.3 + 1e-12)
@example(0.3, 0.31)
@example(0.3, 0.31000000000000005)
@example(20.0, 1e-9)
def test_mean_hazard_to_sixty_digits(now: float, then: float) -> None:
    """-ln M is exact for small, nearly equal and large hazards, and symmetric."""
    computed = one(mean_hazard(NumpyMath, np.array([now]), np.array([then])))
    assert float(exact_mean_hazard(now, then)) == pytest.approx(computed, rel=1e-12, abs=1e-16)
    assert computed == one(mean_hazard(NumpyMath, np.array([then]), np.array([now])))


def test_equal_survivals_are_their_mean() -> None:
    """M(x, x) = x."""
    hazards = np.array([0.0, 1e-12, 0.5, 12.0])
    assert np.array_equal(hazards, mean_hazard(NumpyMath, hazards, hazards))


@settings(deadline=None)
@given(HAZARD, HAZARD)
@example(1e-9, 1e-9)
@example(0.05, 0.04999)
@example(0.05, 0.0501)
@example(2.0, 2.0 + 1e-9)
@example(20.0, 20.0)
def test_two_steps_to_sixty_digits(first: float, second: float) -> None:
    """P(two taken) is the hypoexponential distribution function, in numpy and in the sampler's kernel."""
    expected = float(exact_two_steps(first, second))
    none, once, both = (one(p) for p in steps_taken(NumpyMath, [np.array([first]), np.array([second])]))
    assert expected == pytest.approx(both, rel=1e-9, abs=1e-14)  # a tiny rate after a large one costs digits
    assert both == pytest.approx(op.both_steps(first, second)[0], rel=1e-11, abs=1e-15)
    assert none + once + both == pytest.approx(1.0, abs=1e-14)


@settings(deadline=None)
@given(st.lists(HAZARD, min_size=1, max_size=5), st.floats(0.0, 1.0))
def test_many_steps_by_the_dense_exponential(hazards: list[float], share: float) -> None:
    """P(0, 1, .. m steps taken) is the first row of the exponential of the rates, and a longer time takes more."""
    # SciPy 1.18 is wrong by up to .13 where two rates all but agree (findings/expm-of-rates-that-all-but-agree.sh).
    assume(all(a == b or abs(a - b) > 1e-3 * a for a, b in combinations(hazards, 2)))
    n = len(hazards) + 1
    generator = np.zeros((n, n))
    for k, hazard in enumerate(hazards):
        generator[k, k], generator[k, k + 1] = -hazard, hazard
    computed = [one(p) for p in steps_taken(NumpyMath, [np.array([hazard]) for hazard in hazards])]
    np.testing.assert_allclose(expm(generator)[0], computed, rtol=0, atol=1e-12)
    earlier = [one(p) for p in steps_taken(NumpyMath, [np.array([share * hazard]) for hazard in hazards])]
    assert (np.cumsum(earlier)[:-1] >= np.cumsum(computed)[:-1] - 1e-12).all()


@settings(deadline=None)
@given(HAZARD, HAZARD, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_survival_falls_with_time(now: float, then: float, share: float, other: float) -> None:
    """The cumulative hazard of an open step grows with the part of the window still to come."""
    shares = np.sort([share, other])
    computed = mean_hazard(NumpyMath, shares * now, shares * then)
    assert computed[0] <= computed[1] + 1e-15


@settings(deadline=None)
@given(st.floats(-20.0, 20.0))
@example(0.0)
@example(0.00999999)
@example(0.01)
def test_kernel_of_the_sampler(x: float) -> None:
    """The sampler's ln(sinh(x/2) / (x/2)) is numpy's, and its slope the slope."""
    assert one(NumpyMath.log_sinhc_half(np.array([x]))) == pytest.approx(op.log_sinhc_half(x)[0], abs=1e-15, rel=1e-13)
    h = 1e-5
    slope = (op.log_sinhc_half(x + h)[0] - op.log_sinhc_half(x - h)[0]) / (2.0 * h)
    assert slope == pytest.approx(op.log_sinhc_half(x)[1], abs=1e-9)
