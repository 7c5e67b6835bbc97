"""Numbers as the page prints them: the digits of forecast.digits, with the signs and spaces of print."""

from __future__ import annotations

from typing import Any

from forecast import digits
from forecast.digits import FINEST_QUANTILE, STATED
from forecast.record.outcome import QUANTILES, Estimate

THIN_SPACE = "\u202f"  # between a number and its percent sign, never broken
MINUS = "−"


def percent(probability: float, mcse: float | None, *, coarsest: int = 0, sign: bool = True) -> str:
    """Write a computed probability in percent (forecast.digits.number)."""
    return digits.number(probability, mcse, coarsest=coarsest) + (f"{THIN_SPACE}%" if sign else "")


def interval(low: float, high: float, mcse: float | None) -> str:
    """Write the range between two quantiles, in whole percents or what the error allows."""
    texts = digits.ends(low, high, mcse)
    between = " to " if texts[1].startswith(">") else "–"  # a dash before a sign reads as an arrow
    return (texts[0] if texts[0] == texts[1] else between.join(texts)) + f"{THIN_SPACE}%"


def exact(probability: float, figures: int = STATED) -> str:
    """Write a probability without Monte Carlo error (forecast.digits.exact)."""
    return digits.exact(probability, figures).replace(" ", THIN_SPACE)


def signed_points(change: float, mcse: float | None) -> str:
    """Write a change in points with its sign (forecast.digits.change)."""
    return digits.change(change, mcse).replace("-", MINUS)


def estimate(found: Estimate) -> dict[str, Any]:
    """Return an estimate in full and as it is shown, with its 90 % interval."""
    quantiles = dict(zip(QUANTILES, found.quantiles, strict=True))
    return {
        "probability": found.probability,
        "mcse": found.mcse,
        "quantiles": {str(p): value for p, value in quantiles.items()},
        "shown": percent(found.probability, found.mcse),
        "interval": interval(quantiles[0.05], quantiles[0.95], found.mcse),
        "shown_quantiles": [percent(value, found.mcse, coarsest=FINEST_QUANTILE) for value in found.quantiles],
    }
