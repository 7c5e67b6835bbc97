"""Calibration without a choice of bins: pooling adjacent violators (CORP); and the area under the ROC curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.scoring.cells import Floats, Ints, different, new_points, points

BAND_RESAMPLES = 250
LEVEL = 0.9
FORECASTS_AT_ONCE = 2_000_000  # resamples times forecasts held in memory


@dataclass(frozen=True)
class Decomposition:
    """The mean Brier score (0 to 1) of n forecasts: score = miscalibration - discrimination + uncertainty."""

    n: int
    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float


@dataclass(frozen=True)
class Bin:
    """Forecasts from `low` to `high` that recalibration puts at one value, `observed`: how often their events happened.

    `band_low` and `band_high` hold that value in LEVEL of the cases if the forecasts are calibrated.
    """

    low: float
    high: float
    n_forecasts: int
    n_questions: int
    mean_forecast: float
    observed: float
    band_low: float
    band_high: float


def recalibrated(p_event: Floats, outcome: Floats) -> Floats:
    """Return the isotonic least-squares fit (n,) of outcomes by forecasts; equal forecasts get equal values.

    Forecasts are equal as `ties.points` has it: .3 and .1 + .2 are.

    Args:
        p_event: (n,) probabilities, n at least 1.
        outcome: (n,) 1 or 0.

    Source: Ayer, Brunk, Ewing, Reid and Silverman (1955).
    """
    point = points(p_event)
    counts = np.bincount(point)
    return _isotonic(np.bincount(point, outcome) / counts, counts)[point]


def decomposition(p_event: Floats, outcome: Floats) -> Decomposition:
    """Split the mean Brier score (p - o)^2 into miscalibration, discrimination and uncertainty.

    Args:
        p_event: (n,) probabilities, n at least 1.
        outcome: (n,) 1 or 0.

    Source: Dimitriadis, Gneiting and Jordan (2021), equation 3.
    """

    def mean_score(p: Floats | float) -> float:
        return float(np.square(p - outcome).mean())

    score, after, constant = (mean_score(p) for p in (p_event, recalibrated(p_event, outcome), outcome.mean()))
    return Decomposition(p_event.size, score, score - after, constant - after, constant)


def reliability(p_event: Floats, outcome: Floats, question: Ints, rng: np.random.Generator) -> tuple[Bin, ...]:
    """Return the bins of the recalibration, each with its consistency band under calibration.

    Outcomes are drawn anew from the forecasts, RESAMPLES times, and recalibrated; the band of a bin is that of the mean
    over its forecasts. A question's forecasts are drawn by one uniform number: they happen together, as one outcome
    does. With one forecast a question this is the consistency band of the source.

    Args:
        p_event: (n,) probabilities, n at least 1.
        outcome: (n,) 1 or 0.
        question: (n,) which question each forecast is about.
        rng: of the resamples.

    Source: Dimitriadis, Gneiting and Jordan (2021), consistency bands by resampling.
    """
    order = np.argsort(p_event, kind="stable")
    p, value = p_event[order], recalibrated(p_event, outcome)[order]
    begins = new_points(value)
    starts, bin_of = np.flatnonzero(begins), np.cumsum(begins) - 1
    ends = np.append(starts[1:], p.size)
    counts = ends - starts
    low, high = _bands(p, np.unique(question[order], return_inverse=True)[1], starts, rng)
    n_questions = different(bin_of, question[order], starts.size)
    mean_p = np.add.reduceat(p, starts) / counts
    columns = (p[starts], p[ends - 1], counts, n_questions, mean_p, value[starts], low, high)
    return tuple(Bin(*row) for row in zip(*(column.tolist() for column in columns), strict=True))


def _bands(p: Floats, question: Ints, starts: Ints, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the quantiles of each bin's mean recalibrated value under calibration. `p` is sorted."""
    firsts = np.flatnonzero(new_points(p))
    counts = np.diff(np.append(firsts, p.size))
    bin_firsts = np.searchsorted(firsts, starts)
    in_bin = np.add.reduceat(counts, bin_firsts)
    drawn = np.empty((BAND_RESAMPLES, starts.size))
    step = max(1, FORECASTS_AT_ONCE // p.size)
    single = p.astype(np.float32)  # seven digits are plenty for a draw, and twice as fast
    for begin in range(0, BAND_RESAMPLES, step):
        size = min(step, BAND_RESAMPLES - begin)
        uniforms = rng.random((size, int(question.max()) + 1), dtype=np.float32)
        drawn_now = (uniforms[:, question] < single).astype(float)
        happened = np.add.reduceat(drawn_now, firsts, axis=1) / counts if firsts.size < p.size else drawn_now
        # One fit for all resamples: each is lifted above the one before, so that nothing is pooled across them.
        lift = 2.0 * np.arange(size)[:, np.newaxis]
        fitted = _isotonic((happened + lift).ravel(), np.tile(counts, size)).reshape(size, -1) - lift
        drawn[begin : begin + size] = np.add.reduceat(fitted * counts, bin_firsts, axis=1) / in_bin
    low, high = np.quantile(drawn, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0], axis=0)
    return low, high


def _isotonic(values: Floats, weights: Ints) -> Floats:
    from scipy.optimize import isotonic_regression

    return np.asarray(isotonic_regression(values, weights=weights.astype(float)).x)


def auc(p_event: Floats, outcome: Floats) -> float | None:
    """Compute the area under the ROC curve: P(p of an event that happened > p of one that did not), ties half.

    Forecasts tie as `ties.points` has it: .3 and .1 + .2 do.

    Args:
        p_event: (n,) probabilities.
        outcome: (n,) 1 or 0.

    Returns:
        The area, or None where only one of the two outcomes is there.

    Source: Mason and Graham (2002).
    """
    happened = outcome == 1.0
    n_yes, n_no = int(happened.sum()), int((~happened).sum())
    if not n_yes or not n_no:
        return None
    point = points(p_event)
    yes, no = (np.bincount(point[chosen], minlength=int(point.max()) + 1) for chosen in (happened, ~happened))
    below = np.cumsum(no) - no
    return float((yes * (2 * below + no)).sum() / (2.0 * n_yes * n_no))
