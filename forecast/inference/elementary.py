"""Elementary functions of the hazard arithmetic for arrays of draws; a tape records the same names as instructions."""

from __future__ import annotations

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

    @staticmethod
    def log_sinhc_half(x: Array) -> Array:
        """Compute ln(sinh(x/2) / (x/2)), an even function that is 0 at 0."""
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
