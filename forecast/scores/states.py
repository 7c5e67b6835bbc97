"""Scores of probabilities over the states of a question against the state that came true."""

from __future__ import annotations

import numpy as np

from forecast.scores.cells import Floats, Ints


def brier_sum(probabilities: Floats, outcome: Ints) -> Floats:
    """Compute the Brier score in its summed form, sum over states of (p - o)^2, from 0 to 2 (lower is better).

    For two states it is twice (p - o)^2.

    Args:
        probabilities: (n, K).
        outcome: (n,) the place of the state that came true.

    Source: Brier (1950).
    """
    happened = np.arange(probabilities.shape[1]) == outcome[:, np.newaxis]
    return np.asarray(np.square(probabilities - happened).sum(axis=1))


def ranked_probability_score(probabilities: Floats, outcome: Ints) -> Floats:
    """Compute the ranked probability score of ordered states, divided by K - 1: from 0 to 1 (lower is better).

    The mean of the Brier scores (0 to 1) of the K - 1 questions "at most state k".

    Args:
        probabilities: (n, K), the states in their order.
        outcome: (n,) the place of the state that came true.

    Source: Epstein (1969); divided as in Murphy (1971).
    """
    at_most = np.cumsum(probabilities, axis=1)[:, :-1]
    happened = np.arange(at_most.shape[1]) >= outcome[:, np.newaxis]
    return np.asarray(np.square(at_most - happened).mean(axis=1))
