"""How the hazard of an event is spread over time, where it is not constant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class DatedRates:
    """Relative hazard from dates on, each day itself included; 1 before the first. Dates rise."""

    steps: tuple[tuple[date, float], ...]


@dataclass(frozen=True)
class Weibull:
    """Exposure ((t - opening) / window)^shape: below 1 early days count more than late ones, above 1 less."""

    shape: float


Timing = DatedRates | Weibull
