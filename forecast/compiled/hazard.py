"""The hazard arithmetic of reached events. Written once for numpy (draws) and for PyTensor (inside the sampler).

Every function takes `xp`, a module with exp, expm1, log, abs and where, and arrays of any one shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Below these the closed forms lose digits to cancellation and their Taylor series are exact to rounding.
SERIES_BELOW_SQUARE = 1e-4
SERIES_BELOW_SUM = 0.1
HALVINGS = 10
TAYLOR_TERMS = 9


def mean_hazard(xp: Any, now: Any, then: Any) -> Any:
    """Compute -ln M(exp(-now), exp(-then)), M(x, y) = (x - y) / ln(x / y): the cumulative hazard of an open step.

    `now` and `then` are cumulative hazards over the rest of the window with the dated parents as they are and as
    they will be. M averages the survival over a uniform date of the change; it is symmetric, and M(x, x) = x.
    """
    difference = now - then
    square = difference * difference
    near = square < SERIES_BELOW_SQUARE
    distance = xp.where(near, 1.0, xp.abs(difference))
    # ln(sinh(d/2) / (d/2)), by its series where the closed form is 0/0.
    closed = distance / 2.0 + xp.log(-xp.expm1(-distance) / distance)
    series = square / 24.0 - square * square / 2880.0
    return (now + then) / 2.0 - xp.where(near, series, closed)


def steps_taken(xp: Any, hazards: Sequence[Any]) -> list[Any]:
    """Compute P(exactly 0, 1, .. m of m consecutive steps are taken), step k having cumulative hazard `hazards[k]`.

    A pure birth process over one unit of time with rates `hazards`: the hypoexponential distribution, that is the
    first row of the exponential of a bidiagonal matrix. Closed forms for up to two steps, scaling and squaring for
    more (Moler and Van Loan 2003, section 3); all terms of the squaring are positive, so nothing cancels.
    """
    if len(hazards) == 1:
        return [xp.exp(-hazards[0]), -xp.expm1(-hazards[0])]
    if len(hazards) == 2:
        return _two_steps(xp, hazards[0], hazards[1])
    return _many_steps(xp, hazards)


def _two_steps(xp: Any, first: Any, second: Any) -> list[Any]:
    one = first * xp.exp(-mean_hazard(xp, first, second))
    total = first + second
    near = total < SERIES_BELOW_SUM
    # Complete homogeneous symmetric polynomials p_n(first, second); the divided difference of exp(-x) at the nodes
    # 0, first, second is the sum of (-1)^n p_n / (n + 2)!.
    power, polynomial, series, factorial = 1.0, 1.0, 0.5, 2.0
    for n in range(1, TAYLOR_TERMS):
        power = power * first
        polynomial = power + polynomial * second
        factorial *= n + 2
        series = series + (-1) ** n * polynomial / factorial
    both = xp.where(near, first * second * series, -xp.expm1(-first) - one)
    return [xp.exp(-first), one, both]


def _many_steps(xp: Any, hazards: Sequence[Any]) -> list[Any]:
    n = len(hazards) + 1
    rates = [hazard / 2.0**HALVINGS for hazard in hazards] + [0.0 * hazards[0]]
    power = {(i, j): (1.0 + 0.0 * rates[0]) if i == j else 0.0 * rates[0] for i in range(n) for j in range(i, n)}
    matrix = dict(power)
    for term in range(1, TAYLOR_TERMS):
        power = {
            (i, j): (power[i, j] * -rates[j] + (power[i, j - 1] * rates[j - 1] if j > i else 0.0)) / term
            for i, j in power
        }
        matrix = {key: matrix[key] + power[key] for key in matrix}
    for _ in range(HALVINGS):
        matrix = {(i, j): sum(matrix[i, k] * matrix[k, j] for k in range(i, j + 1)) for i, j in matrix}
    return [matrix[0, j] for j in range(n)]
