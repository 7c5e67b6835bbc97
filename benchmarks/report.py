"""Drawing the report: of this repository's workspace, and of a hundred events with two thousand items.

Each time in a process of its own, imports of the drawing libraries included. What the page asks of the engine (why,
what to watch, every what-if, figures of the draws) is computed once for a forecast and kept, as are the scores of the
replay and the figures of the calibrations; its seconds stand apart. Processor seconds tell how much work it is, also
where the machine does other work.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from benchmarks.measured import ROOT, bytecode_kept, median, table, workspace
from forecast import pipeline
from forecast.publish import ReportRequest, material, published
from forecast.session import Session
from forecast.workspace.records import Kind, Settled, Support, Workspace
from tests.report.outcomes import AS_OF, asked
from tests.worlds import HERE, event, item, network, rule, statement, target
from tests.worlds import workspace as small_workspace

ROUNDS, LIMIT, MEGABYTES = 5, 6.0, 1.5
BESIDE = ("calibration.json", "posterior-calibration.json", "replay.csv", "replay.jsonl", "ledger.jsonl")
EVENTS, ITEMS, DRAWS = 100, 2000, 4000
LARGE_LIMIT, LARGE_MEGABYTES = 60.0, 5.0


def large() -> Workspace:
    """A hundred events, each below one of the ten before it, and two thousand weak reports about them."""
    rng = np.random.default_rng(1)
    events = [event("e0")]
    for n in range(1, EVENTS):
        states = ("no", "yes") if n % 3 else ("none", "some", "all")
        kind: Kind = "status" if n % 2 else "reached"
        events.append(event(f"e{n}", kind, states, [f"e{rng.integers(max(0, n - 10), n)}"]))
    told = [statement(f"s{n}", target(one.id, one.states[-1]), 0.3) for n, one in enumerate(events[:40])]
    first = date(2025, 1, 2)
    items = [item("i-settled", first, Settled("e0", "yes", HERE))]
    for n in range(ITEMS - 1):
        one = events[int(rng.integers(EVENTS))]
        day = first + timedelta(days=int(rng.integers((AS_OF - first).days)))
        items.append(item(f"i{n:04d}", day, Support(one.id, "slight", (one.states[-1],), None, HERE), group=one.id))
    rules = [rule("calm", e3="none"), rule("storm", e99="all", e98="yes")]
    return small_workspace(network(*events), statements=told, items=items, scenarios=rules)


def draw(root: Path | None) -> None:
    """Print what was found on this machine: of the answers, and of the drawing, and the megabytes of the page.

    Seconds of the answers and of the drawing are followed by the drawing's processor seconds.
    """
    if root is None:
        with tempfile.TemporaryDirectory() as folder:
            _draw(asked(large(), Path(folder), DRAWS))
    else:
        _draw(pipeline.asked_of(pipeline.conclude(Session(root), attribute=False)))


def _draw(about: ReportRequest) -> None:
    start = time.perf_counter()
    material(about, lambda _: None)
    answered, used = time.perf_counter(), time.process_time()
    page = published(about, lambda _: None)["report.html"]
    print(answered - start, time.perf_counter() - answered, time.process_time() - used, len(page) / 1e6)


def _run(kept: str, *arguments: str) -> tuple[float, ...]:
    command = [sys.executable, __file__, *arguments]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=bytecode_kept(Path(kept)))
    return tuple(map(float, run.stdout.split()))


def main() -> None:
    """Print medians, and the size of the page."""
    with workspace(cached=True) as root, tempfile.TemporaryDirectory() as kept:
        (root / "reports").mkdir(exist_ok=True)
        for name in BESIDE:
            if (ROOT / "reports" / name).exists():
                shutil.copy2(ROOT / "reports" / name, root / "reports" / name)
        first, *rest = [_run(kept, str(root)) for _ in range(ROUNDS + 1)]
        drawn, worked = [run[1] for run in rest], [run[2] for run in rest]
        of_many = _run(kept, "large")
    table(
        [
            ("drawing the report", "median", "slowest"),
            (f"seconds (limit {LIMIT:g})", f"{median(drawn):.1f}", f"{max(drawn):.1f}"),
            (f"processor seconds (limit {LIMIT:g})", f"{median(worked):.1f}", f"{max(worked):.1f}"),
            (f"megabytes of report.html (limit {MEGABYTES:g})", f"{first[3]:.2f}", ""),
            ("seconds of the engine's answers, once for a forecast", f"{first[0]:.0f}", ""),
            (f"{EVENTS} events, {ITEMS} items: seconds (limit {LARGE_LIMIT:g})", f"{of_many[1]:.1f}", ""),
            (f"megabytes (limit {LARGE_MEGABYTES:g})", f"{of_many[3]:.2f}", ""),
            ("seconds of the engine's answers", f"{of_many[0]:.0f}", ""),
        ]
    )


if __name__ == "__main__":
    if sys.argv[1:]:
        draw(None if sys.argv[1] == "large" else Path(sys.argv[1]))
    else:
        main()
