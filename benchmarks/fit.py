"""A full fit of this repository's workspace, nothing of it cached but compiled code, and its parts. At most 30 s asked.

    python benchmarks/fit.py [SEED ...]

Each seed is fitted once more than it is shown: the first fit fills the caches of compiled code.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from benchmarks.measured import table, workspace
from forecast import pipeline
from forecast.session import DEFAULT_SEED, Session

LIMIT = 30.0


class Parts:
    """Progress that adds up the seconds until the next message, for each kind of message."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._now, self._since = "reading and compiling the workspace", time.perf_counter()

    def __call__(self, doing: str) -> None:
        """Close the part that was running and open the next."""
        now = time.perf_counter()
        self.seconds[self._now] = self.seconds.get(self._now, 0.0) + now - self._since
        self._now, self._since = re.sub(r": \d+ %.*| \(.*\)", "", doing), now


def fit(root: Path, seed: int) -> tuple[float, dict[str, float]]:
    """Fit base and anchored draws of a seed; return the seconds in all and by part."""
    parts = Parts()
    start = time.perf_counter()
    pipeline.conclude(Session(root, seed=seed, progress=parts), refit=True, attribute=False)
    total = time.perf_counter() - start
    parts("end")
    return total, parts.seconds


def main(seeds: list[int]) -> None:
    """Print each seed's seconds with their parts."""
    with workspace(cached=False) as root:
        fit(root, seeds[0])
        for seed in seeds:
            total, parts = fit(root, seed)
            rows = [(f"seed {seed}", "seconds"), *((name, f"{seconds:.1f}") for name, seconds in parts.items())]
            table([*rows, (f"in all (limit {LIMIT:g})", f"{total:.1f}")])


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [DEFAULT_SEED])
