"""Between what the model implies and what was stated: written once, for arrays of draws and for PyMC's variables."""

from __future__ import annotations

from typing import Any


def reading_variance(scatters: Any, omega: Any, sd: Any, weight: Any) -> Any:
    """Compute the variance of a reading's noise in log-odds, (sd^2 + (scatters omega)^2) / weight.

    `sd` is the statement's own, `omega` its expert's extra noise, `scatters` 0 for an exact expert and else 1, `weight`
    the expert's. Arrays of any one shape.
    """
    extra = scatters * omega
    return (sd**2 + extra**2) / weight


def as_rated(bias: Any, slope: Any, is_biased: Any, implied: Any) -> Any:
    """Compute what somebody with a track record is expected to state: bias + slope * what the model implies.

    In log-odds; a difference of two (`is_biased` 0) has no bias, for a constant one cancels.
    """
    return bias * is_biased + slope * implied


def case_log_odds(xp: Any, log_none: Any) -> Any:
    """Compute the log-odds that a case of a count happens from ln P(it does not)."""
    return xp.log(-xp.expm1(log_none)) - log_none
