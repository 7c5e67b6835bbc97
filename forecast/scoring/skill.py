"""Two forecasters on the questions that both answered: differences and skill, with a bootstrap over questions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from forecast.scoring.cells import Floats

Array = NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.9
CELLS_AT_ONCE = 4_000_000  # resamples times questions held in memory
TAILS = ((1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0)


@dataclass(frozen=True)
class ScoreDifference:
    """Mean of the differences of two scores over `n` questions, with its bootstrap interval at `level`."""

    n: int
    mean: float
    low: float
    high: float
    level: float


def paired_difference(scores: Array, others: Array, rng: np.random.Generator) -> ScoreDifference:
    """Compute the mean of `scores - others` and the percentile interval of its bootstrap over questions.

    Questions are taken as exchangeable: those that share a cause make the true interval wider.

    Args:
        scores: (n,) one score a question, n at least 1.
        others: (n,) the other forecaster's scores of the same questions.
        rng: of the resamples.

    Raises:
        ValueError: there is no question.

    Source: Efron and Tibshirani (1993), section 13.3.
    """
    if not scores.size:
        msg = "a difference needs at least one question"
        raise ValueError(msg)
    differences = scores - others
    resampled = differences[rng.integers(differences.size, size=(RESAMPLES, differences.size))].mean(axis=1)
    low, high = np.quantile(resampled, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return ScoreDifference(differences.size, float(differences.mean()), float(low), float(high), LEVEL)


@dataclass(frozen=True)
class Compared:
    """Mean scores of a forecaster and a benchmark over n questions, and 1 - mean / benchmark with its interval.

    NaN where nothing can be said: the benchmark's mean is 0 or infinite, or some resample's is.
    """

    n: int
    mean: float
    benchmark_mean: float
    skill: float
    low: float
    high: float
    difference: float
    difference_low: float
    difference_high: float
    level: float


def resampled_means(scores: Floats, seed: int) -> Floats:
    """Return the means of resamples of questions, (RESAMPLES, k), for k columns of scores (n, k) together.

    Questions are taken as exchangeable: those that share a cause make the true interval wider.

    Raises:
        ValueError: there is no question.

    Source: Efron and Tibshirani (1993), section 13.3.
    """
    if not scores.size:
        msg = "resampling needs at least one question"
        raise ValueError(msg)
    return np.concatenate([shares @ scores for shares in _resamples(scores.shape[0], seed)])


def compared(scores: Floats, benchmark: Floats, resampled: Floats) -> Compared:
    """Compute the skill 1 - S / S_ref and the percentile interval of its paired bootstrap over questions.

    Args:
        scores: (n,) one score a question, lower being better.
        benchmark: (n,) the benchmark's scores of the same questions.
        resampled: (r, 2) their means in r resamples, from `resampled_means`.

    Source: Murphy (1988).
    """
    mean, reference = float(scores.mean()), float(benchmark.mean())
    skill = 1.0 - mean / reference if 0.0 < reference < np.inf else np.nan
    own, others = resampled.T
    interval = difference = (np.nan, np.nan)
    finite = bool(np.isfinite(scores).all() and np.isfinite(benchmark).all())
    if finite:
        low, high = np.quantile(own - others, TAILS).tolist()
        difference = low, high
    if finite and (others > 0.0).all():
        low, high = np.quantile(1.0 - own / others, TAILS).tolist()
        interval = low, high
    both_infinite = np.isinf(mean) and np.isinf(reference)
    off = np.nan if both_infinite else mean - reference
    return Compared(scores.size, mean, reference, skill, *interval, off, *difference, LEVEL)


def _resamples(n: int, seed: int) -> Iterator[Floats]:
    """Yield resamples of n questions, as the share of each question in each of them."""
    step = max(1, CELLS_AT_ONCE // n)
    for begin in range(0, RESAMPLES, step):
        yield _shares(n, seed, begin, min(step, RESAMPLES - begin))


@lru_cache(maxsize=8)  # forecasters who answered equally many questions are compared on the same resamples
def _shares(n: int, seed: int, begin: int, size: int) -> Floats:
    chosen = np.random.default_rng((seed, begin)).integers(n, size=(size, n), dtype=np.int32)
    chosen += n * np.arange(size, dtype=np.int32)[:, np.newaxis]
    return np.asarray(np.bincount(chosen.ravel(), minlength=size * n).reshape(size, n) / n)
