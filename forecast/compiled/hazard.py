"""The hazard arithmetic of reached events. Written once for draws (numpy) and for the sampler (a tape).

Every function takes `xp`, an object with the functions of `forecast.inference.elementary.NumpyMath`, and arrays of any
one shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

HALVINGS, TAYLOR_TERMS = 10, 9  # of the matrix exponential: scaling by 2^-10, and its series


def mean_hazard(xp: Any, now: Any, then: Any) -> Any:
    """Compute -ln M(exp(-now), exp(-then)), M(x, y) = (x - y) / ln(x / y): the cumulative hazard of an open step.

    `now` and `then` are cumulative hazards over the rest of the window with the dated parents as they are and as
    they will be. M averages the survival over a uniform date of the change; it is symmetric, and M(x, x) = x.
    """
    return (now + then) / 2.0 - xp.log_sinhc_half(now - then)


def changed_hazard(xp: Any, now: Any, then: Any, pieces: Sequence[tuple[Any, Any, Any, Any]]) -> Any:
    """Compute the cumulative hazard of an open step whose rate changes on a date that is cut into pieces.

    Args:
        xp: elementary functions.
        now, then: cumulative hazards over a unit of exposure before the change and after it.
        pieces: (weight, exposure before the piece, within it, after it); weights sum to 1. Within a piece the exposure
            of the change is uniform.

    -ln sum_j w_j exp(-h_j), h_j = before_j now + mean_hazard(within_j now, within_j then) + after_j then. One piece
    with all of the exposure within it is `mean_hazard`.
    """
    hazards = [
        before * now + mean_hazard(xp, within * now, within * then) + after * then
        for _, before, within, after in pieces
    ]
    # Against the first piece, so that small hazards keep their digits and large ones do not overflow.
    first, rest = hazards[0], list(zip(pieces, hazards, strict=True))[1:]
    if not rest:
        return first
    lost = sum(weight * xp.expm1(first - hazard) for (weight, _, _, _), hazard in rest)
    return first - xp.log1p(lost)


def steps_taken(xp: Any, hazards: Sequence[Any]) -> list[Any]:
    """Compute P(exactly 0, 1, .. m of m consecutive steps are taken), step k having cumulative hazard `hazards[k]`.

    A pure birth process over one unit of time with rates `hazards`: the hypoexponential distribution, that is the
    first row of the exponential of a bidiagonal matrix. Closed forms for up to two steps, scaling and squaring for
    more (Moler and Van Loan 2003, section 3); all terms of the squaring are positive, so nothing cancels.
    """
    if len(hazards) == 1:
        return [xp.exp(-hazards[0]), -xp.expm1(-hazards[0])]
    if len(hazards) == 2:
        first, second = hazards
        one = first * xp.exp(-mean_hazard(xp, first, second))
        return [xp.exp(-first), one, xp.both_steps(first, second)]
    return _many_steps(hazards)


def _many_steps(hazards: Sequence[Any]) -> list[Any]:
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
