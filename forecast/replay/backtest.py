"""A replay from the files to the files: read, forecast every date, write the series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

from forecast.files import replace_file
from forecast.lock import locked
from forecast.replay.run import Mapped, Replay, replay, replay_dates
from forecast.replay.series import LINES, TABLE
from forecast.replay.table import replay_csv, replay_jsonl
from forecast.workspace.names import last_horizon
from forecast.workspace.read import load
from forecast.workspace.records import Workspace

Progress = Callable[[str], None]


class NoDatesError(ValueError):
    """There is nothing to replay between two dates; the message says what there is."""


def backtest(
    root: Path,
    today: date,
    progress: Progress,
    mapped: Mapped,
    *,
    first: date | None,
    last: date | None,
    every_days: int,
    seed: int,
    out: Path | None,
) -> dict[str, Any]:
    """Replay a workspace, write the forecasts and the lines by date, and return what was done.

    Args:
        root: the workspace.
        today: no date is later.
        progress: is told how far it is.
        mapped: how dates are computed side by side (forecast.replay.workers).
        first, last: the first date (None: the opening), and the day after which there is none (None: today).
        every_days: from one date to the next.
        seed: of the draws.
        out: the table of forecasts, `.csv`; the lines by date go beside it, `.jsonl`. None: into reports/.

    Raises WorkspaceProblems, NoDatesError, OtherProgramError, DrawsNotSharedError, OSError.
    """
    workspace = load(root, today)
    days = _dates(workspace, today, first, last, every_days)
    found = replay(workspace, days, seed, root / "reports" / ".cache", mapped, progress)
    table, lines = (root / TABLE, root / LINES) if out is None else (out, out.with_suffix(".jsonl"))
    forecasts = replay_csv(workspace, found.rows)
    with locked(root) if out is None else nullcontext():  # both are of one run
        replace_file(lines, replay_jsonl(found.rows))
        replace_file(table, forecasts)
    return _told(found, forecasts, [table, lines])


def _dates(
    workspace: Workspace, today: date, first: date | None, last: date | None, every_days: int
) -> tuple[date, ...]:
    opens, end = workspace.network.opens, min(today, last_horizon(workspace.network))
    first, last = first or opens, last or end
    if not opens <= first <= last <= end:
        msg = f"no dates from {first} to {last}; a replay lies between the opening {opens} and {end}"
        raise NoDatesError(msg)
    return replay_dates(first, last, every_days)


def _told(found: Replay, forecasts: bytes, files: Sequence[Path]) -> dict[str, Any]:
    rows = [row for row in found.rows if "scenarios" in row]
    names = dict.fromkeys(one["id"] for row in rows for one in row["scenarios"])
    by_row = [{one["id"]: one["probability"] for one in row["scenarios"]} for row in rows]
    lines = forecasts.decode().splitlines()[1:]
    return {
        "dates": len(found.rows),
        "first": found.rows[0]["as_of"],
        "last": found.rows[-1]["as_of"],
        "kept": found.kept,
        "fits": list(found.fit_seconds),
        "scenarios": {name: [probabilities.get(name) for probabilities in by_row] for name in names},
        "weak": [row["as_of"] for row in rows if not row["diagnostics"]["reliable"]],
        "impossible": [
            {"as_of": row["as_of"], "items": row["impossible"]} for row in found.rows if "impossible" in row
        ],
        "questions": len({line.split(",", 1)[0] for line in lines}),
        "forecasts": len(lines),
        "files": [str(path) for path in files],
    }
