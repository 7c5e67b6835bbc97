"""When a forecast is not to be relied on, in words: its draws, their weights, and what a probability rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from forecast.digits import UNITS
from forecast.prior.trusted import distrust, past
from forecast.reweight.weights import Weights

# Independent draws that the probability of a scenario must be worth: below it the error itself is hardly known.
LEAST_ESS_OF_SCENARIO = 100.0
FINEST = UNITS[0][0]  # digit of a probability that is ever printed


def reasons(
    diagnostics: Mapping[str, float], weights: Weights, sizes: Mapping[str, float], errors: Mapping[str, float]
) -> tuple[str, ...]:
    """Say why a forecast is not reliable, each reason with its value and its limit; empty where it is.

    Args:
        diagnostics: of the fit that the draws come from (forecast.prior.trusted).
        weights: those of the draws.
        sizes: the effective sample size of each scenario's probability (forecast.reweight.mcse.averages), by name; the
            smallest of those that are too small is named.
        errors: their Monte Carlo standard errors: a probability that is known to its finest digit needs no more draws.
    """
    found = [*distrust(diagnostics), *weights.distrust]
    uncertain = [one for one in sizes if not 2.0 * errors[one] <= FINEST]
    name = min(uncertain, key=lambda one: sizes[one], default=None)
    if name is not None and not sizes[name] >= LEAST_ESS_OF_SCENARIO:
        shown = past(sizes[name], LEAST_ESS_OF_SCENARIO)
        found.append(f"ESS of '{name}' is {shown}, below {LEAST_ESS_OF_SCENARIO:g}")
    return tuple(found)


def not_reliable(why: Sequence[str]) -> str:
    """Say in one sentence that a forecast is not reliable, and why; empty where nothing speaks against it."""
    return f"The forecast is not reliable: {'; '.join(why)}." if why else ""
