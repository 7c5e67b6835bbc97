"""A reliability diagram as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forecast.digits import exact, number
from forecast.scoring.calibration import Bin

COLUMNS = 40  # for probabilities from 0 to 1
BINS = 12  # lines of one drawing


def calibration(name: str, bins: Sequence[Bin], level: float) -> Iterator[str]:
    """Yield one line for each bin: forecasts, how often they came true, the band under calibration, and a drawing.

    Where there are more than BINS, those with the most forecasts are shown and the rest is counted.
    """
    most = sorted(sorted(bins, key=lambda one: -one.n_forecasts)[:BINS], key=lambda one: one.low)
    band = f"{exact(level)} band"
    axis = f"0 %{'100 %':>{COLUMNS}}"
    yield f"{name + ': said':<22} {'came true':>9}  {band:>12} {'forecasts':>9} {'questions':>9}  {axis}"
    for one in most:
        said = f"{_percent(one.low)} to {_percent(one.high)} %"
        inside = f"{_percent(one.band_low)} to {_percent(one.band_high)}"
        counts = f"{one.n_forecasts:>9} {one.n_questions:>9}"
        yield f"{said:<22} {_percent(one.observed) + ' %':>9}  {inside:>12} {counts}  {_drawing(one)}"
    if rest := len(bins) - len(most):
        yield f"and {rest} bins with fewer forecasts; --json lists all"
    yield "o came true, + was said on average, - band in which it comes true if calibrated"


def _percent(probability: float) -> str:
    return number(probability, None)


def _drawing(interval_bin: Bin) -> str:
    cells = [" "] * (COLUMNS + 1)
    for place in range(_column(interval_bin.band_low), _column(interval_bin.band_high) + 1):
        cells[place] = "-"
    cells[_column(interval_bin.mean_forecast)] = "+"
    cells[_column(interval_bin.observed)] = "o"
    return f"|{''.join(cells)}|"


def _column(probability: float) -> int:
    return round(probability * COLUMNS)
