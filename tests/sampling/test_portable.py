"""Draws and digests depend on the inputs alone, not on the processor: a run of `make portable`, its parts."""

from __future__ import annotations

import platform
from math import factorial

import numpy as np
import pytest

from forecast.inference.tape import exp_each, log_each, normal_quadrature
from tests.docs.pages import script


@pytest.mark.trust
@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="the settings name x86-64 processors")
def test_another_processor_draws_the_same() -> None:
    """Compiled for any x86-64, with other kernels of BLAS and without numpy's newer loops, draws are the same bytes."""
    portable = script("tools/portable.py")
    other = {
        "NUMBA_CPU_NAME": "generic",
        "OPENBLAS_CORETYPE": "Sandybridge",
        "NPY_DISABLE_CPU_FEATURES": portable.WITHOUT,
    }
    here, there = portable.run({}), portable.run(other)
    assert [] == there["loops"]  # or the setting would prove nothing
    assert (here["digest"], here["draws"]) == (there["digest"], there["draws"])
    np.testing.assert_allclose(here["scenarios"], there["scenarios"], rtol=0, atol=portable.CLOSE)


@pytest.mark.parametrize("n", [1, 2, 5, 32, 40])
def test_the_quadrature_is_gauss_s(n: int) -> None:
    """Moments of the standard normal up to degree 2n - 1 are exact, and the nodes are numpy's to rounding."""
    nodes, weights = normal_quadrature(n)
    for k in range(min(n, 8)):
        moment = factorial(2 * k) / (2**k * factorial(k))
        assert moment == pytest.approx(float(weights @ nodes ** (2 * k)), rel=1e-12)
        assert float(weights @ nodes ** (2 * k + 1)) == pytest.approx(0.0, abs=1e-9 * moment)
    np.testing.assert_allclose(nodes, np.polynomial.hermite_e.hermegauss(n)[0], rtol=0, atol=1e-13)


def test_constants_are_the_c_library_s() -> None:
    """Exponentials and logarithms of constants are numpy's to a unit in the last place, and of 0 minus infinity."""
    x = np.random.default_rng(1).uniform(0.0, 50.0, (3, 4, 5))
    np.testing.assert_allclose(exp_each(-x), np.exp(-x), rtol=5e-16, atol=0)
    np.testing.assert_allclose(log_each(x), np.log(x), rtol=5e-16, atol=1e-300)
    assert -np.inf == log_each(np.zeros(1))[0]
    assert exp_each(np.array([-np.inf]))[0] == 0.0
