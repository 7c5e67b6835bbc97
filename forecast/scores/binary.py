"""Scores of the probability of a yes-or-no event against its outcome. Lower is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def brier_score(p_event: ArrayLike, outcome: ArrayLike) -> Array:
    """Compute the Brier score (p - o)^2 of each forecast, from 0 to 1; a constant 1/2 scores .25.

    Half of the sum over both outcomes that Brier wrote down, which goes from 0 to 2.

    Args:
        p_event: (n,) probabilities that the event happens.
        outcome: (n,) 1 where it happened, 0 where it did not.

    Source: Brier (1950).
    """
    return np.asarray(np.square(np.asarray(p_event, dtype=float) - np.asarray(outcome, dtype=float)))


def log_score(p_event: ArrayLike, outcome: ArrayLike) -> Array:
    """Compute the logarithmic score -ln P(what happened) of each forecast; a constant 1/2 scores .693.

    Infinite for a forecast that had ruled out what happened.

    Args:
        p_event: (n,) probabilities that the event happens.
        outcome: (n,) 1 where it happened, 0 where it did not.

    Source: Good (1952).
    """
    p = np.asarray(p_event, dtype=float)
    with np.errstate(divide="ignore"):  # an infinite score is the score of a certainty that was wrong
        return np.asarray(-np.log(np.where(np.asarray(outcome) == 1, p, 1.0 - p)))


# By the name that they have in every table.
BINARY_SCORES: Mapping[str, Callable[[Any, Any], Array]] = {"brier": brier_score, "log": log_score}
