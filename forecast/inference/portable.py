"""Constants that come out the same, to the last bit, on every processor.

numpy takes exp, log and their kin from loops written for the processor at hand, and BLAS and LAPACK choose kernels for
it: their last digits differ from one machine to another. What enters a digest, or the program that the sampler runs, is
therefore computed here, one number at a time by the C library. That is slow for draws, and meant for constants.
"""

from __future__ import annotations

from functools import cache
from math import exp, inf, log, sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PLACES = 6  # of numpy's nodes, from which they are computed anew: far more than its last digits are uncertain by
NEWTON_STEPS = 3  # each doubles the number of right digits


def exp_each(x: Array) -> Array:
    """Compute e^x elementwise."""
    return np.array([exp(number) for number in x.ravel().tolist()], dtype=float).reshape(x.shape)


def log_each(x: Array) -> Array:
    """Compute the natural logarithm elementwise, of 0 minus infinity."""
    logs = [log(number) if number > 0.0 else -inf for number in x.ravel().tolist()]
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
