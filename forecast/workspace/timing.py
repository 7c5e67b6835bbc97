"""How the hazard of an event is spread over time, where it is not constant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class DatedRates:
    """Relative hazard from dates on, each day itself included; 1 before the first. Dates rise."""

    steps: tuple[tuple[date, float], ...]

    def on(self, day: date) -> float:
        """Return the relative hazard on a day."""
        return next((rate for start, rate in reversed(self.steps) if start <= day), 1.0)

    def __str__(self) -> str:
        return ", ".join(f"from {start} on rate {rate:g}" for start, rate in self.steps)


@dataclass(frozen=True)
class Weibull:
    """Exposure ((t - opening) / window)^shape: below 1 early days count more than late ones, above 1 less."""

    shape: float

    def __str__(self) -> str:
        return f"Weibull of shape {self.shape:g}"


Timing = DatedRates | Weibull
