"""When draws are not to be relied on: R-hat, effective sample sizes, divergences."""

from __future__ import annotations

from collections.abc import Mapping

from forecast.sampling.settings import CHAINS

# Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021): R-hat at most 1.01, and 100 effective draws a chain.
MAX_R_HAT = 1.01
LEAST_ESS = 100.0 * CHAINS  # of all chains together, in the bulk and in the tails
LEAST = {"ess_bulk_min": "bulk", "ess_tail_min": "tail"}


def distrust(diagnostics: Mapping[str, float]) -> tuple[str, ...]:
    """Say why draws are not reliable, each reason with its value and its limit; empty where they are.

    Args:
        diagnostics: `r_hat_max`, `ess_bulk_min`, `ess_tail_min`, `divergences`, of all parameters, as
            `forecast.sampling.sample.convergence` computes them. A number that is not finite is a reason.
    """
    reasons = []
    if not diagnostics["r_hat_max"] <= MAX_R_HAT:
        reasons.append(f"R-hat is {past(diagnostics['r_hat_max'], MAX_R_HAT)}, above {MAX_R_HAT:g}")
    for key, part in LEAST.items():
        if not diagnostics[key] >= LEAST_ESS:
            reasons.append(f"{part} ESS is {past(diagnostics[key], LEAST_ESS)}, below {LEAST_ESS:g}")
    if diagnostics["divergences"] != 0.0:
        reasons.append(f"divergences are {diagnostics['divergences']:.0f}, none is allowed")
    return tuple(reasons)


def past(value: float, limit: float) -> str:
    """Write a value with as many digits as show that it is past its limit: 1.0104, not 1.01."""
    return next((shown for digits in (4, 6, 9) if float(shown := f"{value:.{digits}g}") != limit), repr(value))
