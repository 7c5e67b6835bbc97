"""Sparse linear maps on arrays of draws or on a tape, and the orthonormal basis of effects that sum to zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.inference.tape import Traced

Array = NDArray[np.float64]
Index = NDArray[np.intp]


def zero_sum_basis(n: int) -> Array:
    """Return an orthonormal basis (n, n - 1) of the vectors of length n that sum to zero (Helmert's).

    Coordinates that are independent N(0, s^2) in it are a ZeroSumNormal of scale s; the choice of basis does not
    matter to the distribution, so neither does the order of the states.
    """
    basis = np.zeros((n, n - 1))
    for j in range(1, n):
        basis[:j, j - 1] = 1.0
        basis[j, j - 1] = -j
    return np.asarray(basis / np.sqrt((basis**2).sum(axis=0)))


@dataclass(frozen=True)
class LinearMap:
    """result[r] = sum of weight * x[column] over the entries with `row` == r. Entries are sorted by row."""

    n_rows: int
    row: Index
    column: Index
    weight: Array

    def __matmul__(self, x: Any) -> Any:
        """Apply to x (n, draws): draws of an array, or values on a tape (draws = 1)."""
        if isinstance(x, Traced):
            return x.tape.sums(self.n_rows, self.row, self.weight, x[self.column, 0])[:, np.newaxis]
        result = np.zeros((self.n_rows, x.shape[1]))
        for row, column, weight in zip(self.row, self.column, self.weight, strict=True):
            result[row] += weight * x[column]
        return result

    def padded(self) -> tuple[Index, Array]:
        """Return columns and weights (rows, most entries of a row); rows with fewer are filled up with weight 0."""
        sizes = np.bincount(self.row, minlength=self.n_rows)
        width = int(sizes.max(initial=1))
        columns, weights = np.zeros((self.n_rows, width), dtype=np.intp), np.zeros((self.n_rows, width))
        place = np.arange(self.row.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        columns[self.row, place], weights[self.row, place] = self.column, self.weight
        return columns, weights


def linear_map(rows: Sequence[dict[int, float]]) -> LinearMap:
    """Build a LinearMap from one {column: weight} for each row."""
    entries = [(r, column, weight) for r, row in enumerate(rows) for column, weight in row.items()]
    row, column, weight = zip(*entries, strict=True) if entries else ((), (), ())
    return LinearMap(
        len(rows), np.array(row, dtype=np.intp), np.array(column, dtype=np.intp), np.array(weight, dtype=float)
    )
