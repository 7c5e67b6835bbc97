"""Numbers as JSON can hold them."""

from __future__ import annotations

import math
from typing import Any

Row = dict[str, Any]


def plain(row: Row) -> Row:
    """Return a row that JSON can hold."""
    return {key: plain_number(value) if isinstance(value, float) else value for key, value in row.items()}


def plain_number(value: float) -> float | str | None:
    """Return a number, "Infinity" or "-Infinity", or None for one that is not defined."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else "Infinity" if value > 0.0 else "-Infinity"
