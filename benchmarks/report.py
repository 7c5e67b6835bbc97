"""Drawing the report of this repository's workspace: from the weighed draws to all files written. Under 6 s asked.

Each time in a process of its own, imports of the drawing libraries included.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measured import ROOT, bytecode_kept, median, table, workspace
from forecast import pipeline

ROUNDS, LIMIT = 5, 6.0


def draw(root: Path) -> None:
    """Print the seconds from the weighed draws to the files on the disk."""
    found = pipeline.conclude(root, datetime.now(UTC).date(), lambda _: None, attribute=False)
    start = time.perf_counter()
    pipeline.write(found, lambda _: None)
    print(time.perf_counter() - start)


def main() -> None:
    """Print the median, and the size of the page."""
    with workspace(cached=True) as root, tempfile.TemporaryDirectory() as kept:
        environment = bytecode_kept(Path(kept))
        command = [sys.executable, __file__, str(root)]
        drawn = []
        for _ in range(ROUNDS + 1):
            run = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=environment)
            drawn.append(float(run.stdout))
        del drawn[0]  # it filled the caches
        (page,) = root.glob("reports/*/report.html")
        megabytes = page.stat().st_size / 1e6
    table(
        [
            ("drawing the report", "median", "slowest"),
            (f"seconds (limit {LIMIT:g})", f"{median(drawn):.1f}", f"{max(drawn):.1f}"),
            ("megabytes of report.html (limit 1.5)", f"{megabytes:.2f}", ""),
        ]
    )


if __name__ == "__main__":
    draw(Path(sys.argv[1])) if sys.argv[1:] else main()
