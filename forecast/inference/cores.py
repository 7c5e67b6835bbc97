"""How many cores this process may use: those that the system allows it, or its share among other workers."""

from __future__ import annotations

import os

_SHARE: list[int] = []


def cores() -> int:
    """Return how many cores this process may use, at least one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([allowed, *_SHARE])


def take(share: int) -> None:
    """Use no more than so many cores from now on: one of several workers leaves the others theirs."""
    _SHARE[:] = [max(1, share)]
