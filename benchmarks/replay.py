"""The weekly replay of this repository's workspace, with the draws of stage 1 kept. The limit is two minutes.

On a copy, with the draws that are there; those that are missing are sampled first, and their fits are told. Then every
date is computed anew, and once more with all dates kept.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.measured import ROOT, table, workspace

WINDOW = ("--from", "2025-08-06", "--to", "2026-11-23", "--every", "7d")
LIMIT_SECONDS = 120.0


def main() -> None:
    """Replay three times: with whatever fits are needed, with draws alone kept, with everything kept."""
    with workspace(cached=True) as root:
        first, _ = _replayed(root)
        lines = (root / "reports" / "replay.jsonl").read_bytes()
        shutil.rmtree(root / "reports" / ".cache" / "replay")
        second, with_draws = _replayed(root)
        third, kept = _replayed(root)
        if lines != (root / "reports" / "replay.jsonl").read_bytes():
            msg = "the same workspace was replayed to other numbers"
            raise RuntimeError(msg)
    if second["fits"] or third["kept"] != third["dates"]:
        msg = "what was kept was computed again"
        raise RuntimeError(msg)
    fits = first["fits"]
    mean = f"{sum(fits) / len(fits):.0f} s each" if fits else ""
    table(
        [
            ("weekly replay of this repository's workspace", "seconds", ""),
            ("fits of stage 1 that were missing", f"{sum(fits):.0f}", f"{len(fits)} fits {mean}".strip()),
            (f"draws kept (limit {LIMIT_SECONDS:.0f})", f"{with_draws:.0f}", f"{second['dates']} dates"),
            ("all dates kept", f"{kept:.1f}", f"{third['forecasts']} forecasts"),
        ]
    )


def _replayed(root: Path) -> tuple[dict[str, Any], float]:
    """Run the command as a process; return what it told and the wall time."""
    start = perf_counter()
    ran = subprocess.run(
        [sys.executable, "-m", "forecast", "backtest", "-C", str(root), "--json", *WINDOW],
        check=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    return json.loads(ran.stdout), perf_counter() - start


if __name__ == "__main__":
    main()
