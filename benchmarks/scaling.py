"""What one job costs, and what a second worker brings: the numbers of docs/scaling.md.

    python benchmarks/scaling.py [DATES]       of the workspace that `forecast init` writes

The cost of an update, of a fit and of a replay date in wall and in processor seconds, each as its users start it; then
the same replay dates by one process and by two, and by one and by two workers of a Dask cluster, one after the other,
and the medians of the ratios.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from logging import ERROR
from pathlib import Path

from benchmarks.measured import ROOT, median, table

Options = tuple[str, ...]

FIRST = date(2026, 5, 1)
DATES, ROUNDS = 200, 3


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, seconds of processors, and the largest memory of any process so far in MB."""

    wall: float
    processor: float
    memory: float


def main(n_dates: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "launch"
        day = ("-C", str(root), "--as-of", "2026-07-01", "--no-report")
        _run("init", str(root))
        warm = [_run("update", *day) for _ in range(ROUNDS + 1)]
        cold, warm = warm[0], warm[1:]
        refit = _run("update", *day, "--refit")
        pairs = one_and_two(root, n_dates, ROUNDS)
        on_cluster = one_and_two(root, n_dates, ROUNDS, clustered)
    first = pairs[0][0]
    usual = sorted(warm, key=lambda cost: cost.wall)[len(warm) // 2]
    table(
        [
            (f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores", "seconds", "processor", "MB"),
            *_row("update, draws kept", usual),
            *_row("first update: one fit", cold),
            *_row("the same with --refit", refit),
            *_row(f"{n_dates} replay dates, one process", first),
            (f"one of them, of {n_dates}", f"{first.wall / n_dates:.3f}", f"{first.processor / n_dates:.3f}", ""),
            ("two processes, times one", f"{median([one.wall / two.wall for one, two in pairs]):.2f}", "", ""),
            ("two Dask workers, times one", f"{median([one.wall / two.wall for one, two in on_cluster]):.2f}", "", ""),
        ]
    )


@contextmanager
def in_processes(n_workers: int) -> Iterator[tuple[str, ...]]:
    """Give the options of a command that uses so many local processes."""
    yield ("--workers", str(n_workers))


@contextmanager
def clustered(n_workers: int) -> Iterator[tuple[str, ...]]:
    """Start a Dask cluster of so many workers of one thread; give the options of a command that uses it."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=None, silence_logs=ERROR) as cluster:
        yield ("--scheduler", cluster.scheduler_address)


def one_and_two(
    root: Path, n_dates: int, rounds: int, started: Callable[[int], AbstractContextManager[Options]] = in_processes
) -> list[tuple[Cost, Cost]]:
    """Replay the same dates of the example by one worker and by two. Raises RuntimeError if they differ.

    Workers of a cluster are there before, and have computed once.
    """
    last = FIRST + timedelta(days=n_dates - 1)
    replay = ("backtest", "-C", str(root), "--from", str(FIRST), "--to", str(last), "--every", "1d", "--json")
    _run(*replay)  # samples what dates need
    ran: dict[int, list[Cost]] = {1: [], 2: []}
    written = set()
    for n_workers, costs in ran.items():
        with started(n_workers) as options:
            for round_ in range(rounds + 1):
                cost, lines = _replayed(root, *replay, *options)
                written.add(lines)
                costs += [cost] * (round_ > 0)
    if len(written) > 1:
        msg = "two workers gave another result than one"
        raise RuntimeError(msg)
    return [*zip(ran[1], ran[2], strict=True)]


def _row(name: str, cost: Cost) -> list[tuple[str, ...]]:
    return [(name, f"{cost.wall:.1f}", f"{cost.processor:.1f}", f"{cost.memory:.0f}")]


def _replayed(root: Path, *arguments: str) -> tuple[Cost, bytes]:
    """Replay with no date kept; return the cost and the lines that are written."""
    shutil.rmtree(root / "reports" / ".cache" / "replay", ignore_errors=True)
    cost = _run(*arguments)
    return cost, (root / "reports" / "replay.jsonl").read_bytes()


def _run(*arguments: str) -> Cost:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-m", "forecast", *arguments],
        check=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if arguments[0] == "backtest":
        told = json.loads(ran.stdout)
        print(f"{told['dates']} dates, {len(told['fits'])} fits: {wall:.1f} s", file=sys.stderr, flush=True)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, processor, after.ru_maxrss / 1024)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else DATES)
