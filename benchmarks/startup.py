"""Start-up: `forecast --help` as a whole process against `python -c "import click"`. The limit is three times."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

PAIRS = 20
LIMIT = 3.0


def seconds(*arguments: str) -> float:
    """Run this Python with `arguments` as a process of its own; return the wall time."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Alternate both, so that a busy machine slows both, and print the ratio of the medians."""
    seconds("-m", "forecast", "--help")
    pairs = [(seconds("-m", "forecast", "--help"), seconds("-c", "import click")) for _ in range(PAIRS)]
    ours, yardstick = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(
        f"forecast --help {ours:.3f} s, import click {yardstick:.3f} s: ratio {ours / yardstick:.2f} (limit {LIMIT:g})"
    )


if __name__ == "__main__":
    main()
