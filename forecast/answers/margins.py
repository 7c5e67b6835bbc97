"""A mean joint from few draws, its margins from all: what is known better is put in the place of what is not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_SCALINGS, CLOSE_ENOUGH = 2000, 1e-14


def with_margins(joint: Array, rows: Array, columns: Array) -> Array:
    """Scale a table until its margins are those given; its odds ratios stay as they are.

    Where the table has nothing at all to scale, the margins enter as independent.

    Source: Deming and Stephan (1940), iterative proportional fitting.
    """
    empty = (joint.sum(axis=1) == 0.0)[:, np.newaxis] | (joint.sum(axis=0) == 0.0)
    fitted = np.where(empty, rows[:, np.newaxis] * columns, joint)
    for _ in range(MOST_SCALINGS):
        before = fitted
        for axis, margin in ((1, rows), (0, columns)):
            total = fitted.sum(axis=axis)
            scale = np.divide(margin, total, out=np.zeros_like(margin), where=total > 0.0)
            fitted = fitted * np.expand_dims(scale, axis)
        if np.abs(fitted - before).max() < CLOSE_ENOUGH:
            break
    return np.asarray(fitted / fitted.sum())
