"""The rate that belongs to log-odds, on arrays of draws and on a tape alike."""

from __future__ import annotations

from typing import Any


def softplus(xp: Any, x: Any) -> Any:
    """Compute ln(1 + e^x), the rate -ln(1 - p) of log-odds x, without overflow.

    `xp` is `NumpyMath`, or `TapeMath` for values on a tape.
    """
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))
