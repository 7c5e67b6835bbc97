"""Elementary functions of the hazard arithmetic, and constants that are the same on every processor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import exp, inf, log, sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Below these the closed forms lose digits to cancellation, and their Taylor series are exact to rounding.
SERIES_BELOW_DISTANCE = 1e-2
SERIES_BELOW_SUM = 0.1
SERIES_TERMS = 9


class NumpyMath:
    """Functions on arrays (any shape), elementwise."""

    exp = staticmethod(np.exp)
    expm1 = staticmethod(np.expm1)
    log = staticmethod(np.log)
    log1p = staticmethod(np.log1p)
    abs = staticmethod(np.abs)
    maximum = staticmethod(np.maximum)
    joined = staticmethod(np.concatenate)

    @staticmethod
    def stacked(parts: Sequence[Array], axis: int) -> Array:
        """Stack arrays that broadcast to one shape along a new axis."""
        return np.stack(np.broadcast_arrays(*parts), axis=axis)

    @staticmethod
    def log_sinhc_half(x: Array) -> Array:
        """Compute ln(sinh(x/2) / (x/2)), an even function that is 0 at 0. Also a kernel in prior/op.py: see there."""
        distance = np.abs(x)
        near = distance < SERIES_BELOW_DISTANCE
        square = np.where(near, x * x, 0.0)
        safe = np.where(near, 1.0, distance)
        closed = safe / 2.0 + np.log(-np.expm1(-safe) / safe)
        return np.where(near, square / 24.0 - square * square / 2880.0, closed)

    @staticmethod
    def both_steps(first: Array, second: Array) -> Array:
        """Compute P(two consecutive steps are taken within one unit of time) for their rates.

        1 - (second e^-first - first e^-second) / (second - first), the hypoexponential distribution function.
        """
        one = first * np.exp(-(first + second) / 2.0 + NumpyMath.log_sinhc_half(first - second))
        # The divided difference of e^-x at the nodes 0, first, second is the sum of (-1)^n p_n / (n + 2)!, p_n the
        # complete homogeneous symmetric polynomials of the two rates.
        power, polynomial, series, factorial = 1.0 + 0.0 * first, 1.0 + 0.0 * first, 0.5, 2.0
        for n in range(1, SERIES_TERMS):
            power = power * first
            polynomial = power + polynomial * second
            factorial *= n + 2
            series = series + (-1) ** n * polynomial / factorial
        near = first + second < SERIES_BELOW_SUM
        return np.where(near, first * second * series, -np.expm1(-first) - one)


PLACES = 6  # of numpy's nodes, from which they are computed anew: far more than its last digits are uncertain by
NEWTON_STEPS = 3  # each doubles the number of right digits


def exp_each(x: Array) -> Array:
    """Compute e^x elementwise."""
    return np.array([exp(number) for number in x.ravel().tolist()], dtype=float).reshape(x.shape)


def log_each(x: Array) -> Array:
    """Compute the natural logarithm elementwise, of 0 minus infinity; raises ValueError for a negative number."""
    logs = [-inf if number == 0.0 else log(number) for number in x.ravel().tolist()]
    return np.array(logs, dtype=float).reshape(x.shape)


@cache
def normal_quadrature(n: int) -> tuple[Array, Array]:
    """Return nodes and weights (n,) of Gauss's rule for the standard normal distribution; the weights sum to one.

    Nodes are the zeros of the n-th Hermite polynomial, found by Newton's method in its orthonormal recurrence from
    numpy's nodes cut to a few places; weights are 1 / sum_k h_k(x)^2 over the polynomials below degree n.

    Source: Golub and Welsch (1969); Press et al. (2007), "Numerical Recipes", section 4.6.
    """
    nodes, weights = [], []
    for start in np.round(np.polynomial.hermite_e.hermegauss(n)[0], PLACES).tolist():
        x = start
        for _ in range(NEWTON_STEPS):
            below, last = _hermite(n, x)
            x -= last / (sqrt(n) * below[-1])  # the derivative of h_n is sqrt(n) h_{n - 1}
        below, _ = _hermite(n, x)
        nodes.append(x)
        weights.append(1.0 / sum(value * value for value in below))
    total = sum(weights)
    return np.array(nodes), np.array([weight / total for weight in weights])


def _hermite(n: int, x: float) -> tuple[list[float], float]:
    """Return the orthonormal Hermite polynomials of degree 0 to n - 1 at x, and that of degree n."""
    values = [1.0, x]
    for k in range(1, n):
        values.append((x * values[k] - sqrt(k) * values[k - 1]) / sqrt(k + 1))
    return values[:n], values[n]
