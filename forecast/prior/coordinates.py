"""The standard normal coordinates behind all CPT rows, and the log-odds that are linear in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forecast.prior.linear import LinearMap, linear_map

Array = NDArray[np.float64]
Part = Literal["alpha", "beta", "epsilon"]
PARTS: tuple[Part, ...] = ("alpha", "beta", "epsilon")


@dataclass(frozen=True)
class Coordinate:
    """A coordinate: what it belongs to (the event, a parent of it, one row) and its number there."""

    part: Part
    number: int


@dataclass(frozen=True)
class LogOdds:
    """eta = mean + weights @ coordinates (alpha, then beta, then epsilon, one after the other)."""

    mean: Array
    weights: LinearMap

    def __matmul__(self, coordinates: Any) -> Any:
        """Compute eta (n_eta, draws) from coordinates (n, draws), arrays or values on a tape."""
        return self.weights @ coordinates + self.mean[:, np.newaxis]


class Collector:
    """Hands out coordinates and gathers the log-odds that are made of them."""

    def __init__(self) -> None:
        self._labels: dict[Part, list[str]] = {part: [] for part in PARTS}
        self._means: list[float] = []
        self._weights: list[dict[Coordinate, float]] = []

    def new(self, part: Part, label: str) -> Coordinate:
        """Return a new coordinate under a label for readers."""
        self._labels[part].append(label)
        return Coordinate(part, len(self._labels[part]) - 1)

    def add(self, weights: dict[Coordinate, float], mean: float = 0.0) -> int:
        """Add one eta, N(mean, sum of squared weights), and return its number."""
        self._means.append(mean)
        self._weights.append(weights)
        return len(self._means) - 1

    def labels(self, part: Part) -> tuple[str, ...]:
        """Return the labels of one part's coordinates."""
        return tuple(self._labels[part])

    def log_odds(self) -> LogOdds:
        """Return all that was added."""
        starts, start = {}, 0
        for part in PARTS:
            starts[part] = start
            start += len(self._labels[part])
        rows = [{starts[c.part] + c.number: weight for c, weight in weights.items()} for weights in self._weights]
        return LogOdds(np.array(self._means), linear_map(rows))
