"""What the benchmarks share: a copy of this repository's workspace, processes side by side, and small tables."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


@contextmanager
def workspace(*, cached: bool) -> Iterator[Path]:
    """Copy this repository's workspace to a temporary folder; `cached`: with the draws that are there."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("priors", "evidence"):
            shutil.copytree(ROOT / name, root / name)
        if cached and (ROOT / "reports" / ".cache").exists():
            shutil.copytree(ROOT / "reports" / ".cache", root / "reports" / ".cache")
        yield root


def seconds(environment: Mapping[str, str], *arguments: str) -> float:
    """Run this Python with arguments as a process of its own; return the wall time."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=ROOT,
    )
    return time.perf_counter() - start


class Used(NamedTuple):
    """What a process used: seconds from its start to its end, those of the processor, and megabytes at most."""

    wall: float
    processor: float
    memory: float


class EndedError(RuntimeError):
    """A process that failed, with its status as `os.wait4` tells it."""

    def __init__(self, status: int, arguments: tuple[str, ...]) -> None:
        super().__init__(f"status {status} of {arguments}")
        self.status = status


# Runs a command with its output thrown away, and tells what it used. A process's largest memory begins with that of the
# process that starts it: one that has measured something large must not start it itself.
LAUNCH = """
import os, sys, time
nothing = os.open(os.devnull, os.O_WRONLY)
quiet = [(os.POSIX_SPAWN_DUP2, nothing, stream) for stream in (1, 2)]
start = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(child, 0)
print(status, time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def used(environment: Mapping[str, str], *arguments: str, python: str | Path = sys.executable) -> Used:
    """Run Python with arguments as a process of its own; return what it used. Raises EndedError if it fails."""
    launch = [sys.executable, "-S", "-c", LAUNCH, str(python), *arguments]
    told = subprocess.run(launch, check=True, stdout=subprocess.PIPE, env=environment).stdout.split()
    if status := int(told[0]):
        raise EndedError(status, arguments)
    wall, processor, memory = map(float, told[1:])
    unit = 1e3 if sys.platform == "linux" else 1e6  # kilobytes there, bytes elsewhere
    return Used(wall, processor, memory / unit)


def bytecode_kept(folder: Path) -> dict[str, str]:
    """Return the environment with compiled modules kept in a folder: both sides start from the same caches."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(folder)}


def median(values: Sequence[float]) -> float:
    """Return the median: one slow run on a busy machine does not move it."""
    return statistics.median(values)


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, the first one to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip(), flush=True)
