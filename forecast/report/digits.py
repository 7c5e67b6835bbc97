"""How many digits a number deserves: those that Monte Carlo error leaves standing."""

from __future__ import annotations

from typing import Any

from forecast.record.outcome import QUANTILES, Estimate

UNITS = ((0.001, 1), (0.01, 0), (0.1, 0))  # of a probability, finest first, with the decimals of a percentage
FINEST_QUANTILE = 1  # index in UNITS: quantiles are less precise than means, so never finer than whole percents
THIN_SPACE = "\u202f"  # between a number and its percent sign, never broken


def digits(mcse: float) -> int:
    """Return the index in UNITS of the finest unit that twice the Monte Carlo standard error does not exceed."""
    return next((i for i, (unit, _) in enumerate(UNITS) if 2.0 * mcse <= unit), len(UNITS) - 1)


def percent(probability: float, mcse: float, *, coarsest: int = 0, sign: bool = True) -> str:
    """Write a probability as a percentage with the digits that its Monte Carlo standard error allows.

    What would round to none or all is written as less or more than one unit; exactly 0 and 1 stay. `coarsest` is the
    index in UNITS of the finest unit allowed.
    """
    unit, decimals = UNITS[max(coarsest, digits(mcse))]
    tail = f"{THIN_SPACE}%" if sign else ""
    if probability in {0.0, 1.0}:
        return f"{probability:.0%}"[:-1] + tail
    steps = round(probability / unit)
    if steps == 0:
        return f"<{100 * unit:.{decimals}f}{tail}"
    if steps == round(1.0 / unit):
        return f">{100 * (1.0 - unit):.{decimals}f}{tail}"
    return f"{100 * unit * steps:.{decimals}f}{tail}"


def interval(low: float, high: float, mcse: float) -> str:
    """Write the range between two quantiles, in whole percents or what the error allows."""
    texts = [percent(bound, mcse, coarsest=FINEST_QUANTILE, sign=False) for bound in (low, high)]
    between = " to " if texts[1].startswith(">") else "–"  # a dash before a sign reads as an arrow
    return (texts[0] if texts[0] == texts[1] else between.join(texts)) + f"{THIN_SPACE}%"


def points(change: float, mcse: float) -> str:
    """Write a change of a probability in points: up, down or unchanged at the digits shown."""
    unit, decimals = UNITS[max(digits(mcse), 0)]
    steps = round(abs(change) / unit)
    if steps == 0:
        return "unchanged"
    size = f"{100 * unit * steps:.{decimals}f}"
    return f"{'up' if change > 0 else 'down'} {size} {'point' if float(size) == 1.0 else 'points'}"


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
