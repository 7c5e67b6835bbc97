"""A forecast under other inputs as a row: how it came about, and by how much it differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

REWEIGHTED, REFITTED = "reweighted", "refitted"
NEEDS_REFIT, TOO_MANY, IMPOSSIBLE = "needs a refit", "not computed", "contradicts itself"


CLEAR = 2.0  # Monte Carlo errors from which on a change is one


def is_clear(scenario: Mapping[str, Any]) -> bool:
    """Say whether the `change` of a scenario is more than Monte Carlo error."""
    return bool(abs(scenario["change"]) >= CLEAR * scenario["change_mcse"])


def largest_change(scenarios: Mapping[str, Mapping[str, Any]] | None) -> float:
    """Return the largest `change` of any scenario, by name; zero where none is told."""
    return max((abs(one["change"]) for one in (scenarios or {}).values()), default=0.0)


def computed(rows: Sequence[Mapping[str, Any]]) -> int:
    """Return of how many rows anything is told: a largest change is one of these."""
    return sum(row["scenarios"] is not None for row in rows)
