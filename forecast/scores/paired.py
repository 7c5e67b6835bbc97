"""Two forecasters compared on the questions that both answered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.9


@dataclass(frozen=True)
class Difference:
    """Mean of the differences of two scores over `n` questions, with its bootstrap interval at `level`."""

    n: int
    mean: float
    low: float
    high: float
    level: float


def paired_difference(scores: Array, others: Array, rng: np.random.Generator) -> Difference:
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
    return Difference(differences.size, float(differences.mean()), float(low), float(high), LEVEL)
