"""Past dates forecast again, each from what was known then, and the files that are written of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from forecast.analysis.replay_day import Job, Row, Waiting, awaited, job
from forecast.analysis.replay_table import LINES, TABLE, replay_csv, replay_jsonl
from forecast.files import replace_file
from forecast.lock import locked
from forecast.sampling.draws import prior_draws
from forecast.sampling.spec import PriorSpec
from forecast.store.entries import keep_value, kept_value
from forecast.workspace.names import last_horizon
from forecast.workspace.read import load
from forecast.workspace.records import Workspace

Progress = Callable[[str], None]
# Calls replay_day on jobs and yields each with its result, as they are done.
Mapped = Callable[[Sequence[Job]], Iterator[tuple[Job, Row | Waiting]]]

SECONDS_A_FIT = 60.0  # told before the first one of a run is measured: two cores, eighty statements


class DrawsNotSharedError(RuntimeError):
    """Workers do not see the folder that draws are kept in."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"the workers do not see {folder}; put the workspace into a folder that all of them share")


@dataclass(frozen=True)
class Replay:
    """Lines by date, how many dates were kept from before, and the seconds that each fit of stage 1 took."""

    rows: tuple[Row, ...]
    kept: int
    fit_seconds: tuple[float, ...]


def replay_dates(first: date, last: date, every_days: int) -> tuple[date, ...]:
    """Return the first date and every so-many-th day after it, up to the last one."""
    return tuple(first + timedelta(days=n) for n in range(0, (last - first).days + 1, every_days))


def replay(
    workspace: Workspace, days: Sequence[date], seed: int, cache: Path, mapped: Mapped, progress: Progress
) -> Replay:
    """Forecast each date from what was known on it; finished dates are kept, so that an interrupted run goes on.

    Args:
        workspace: with everything that is known now.
        days: ascending, none before the opening.
        seed: of the draws.
        cache: the folder of the store, where draws and finished dates are kept.
        mapped: how dates are computed side by side.
        progress: is told how far it is.

    Raises OtherProgramError, DrawsNotSharedError.
    """
    jobs = [job(workspace, day, seed, cache.resolve()) for day in days]
    places = {one.as_of: one.place for one in jobs}
    found = ((day, kept_value(place)) for day, place in places.items())
    rows: dict[date, Row] = {day: row for day, row in found if row is not None}
    kept = len(rows)
    pending = [one for one in jobs if one.as_of not in rows]
    progress(f"{len(jobs)} dates, of which {kept} are kept from before")
    fits: list[float] = []
    while pending:
        waiting: dict[str, list[Job]] = {}
        for one, result in mapped(pending):
            if isinstance(result, Waiting):
                waiting.setdefault(result.digest, []).append(one)
                continue
            rows[one.as_of] = result
            keep_value(places[one.as_of], result)
            progress(f"replaying: {100 * len(rows) // len(jobs)} %")
        _sample(waiting, fits, cache, progress)
        pending = sorted((one for group in waiting.values() for one in group), key=lambda one: one.as_of)
    return Replay(tuple(rows[day] for day in days), kept, tuple(fits))


def _sample(waiting: dict[str, list[Job]], fits: list[float], cache: Path, progress: Progress) -> None:
    """Sample what dates wait for, one fit after the other: each uses all cores. More may be needed after these."""
    groups = sorted(waiting.values(), key=lambda jobs: jobs[0].as_of)
    n_dates = sum(map(len, groups))
    for number, jobs in enumerate(groups, 1):
        seconds = sum(fits) / len(fits) if fits else SECONDS_A_FIT
        left = (len(groups) - number + 1) * seconds / 60.0
        started = perf_counter()
        spec = awaited(jobs[0])
        if spec is None:
            raise DrawsNotSharedError(cache)
        what = (
            f"{n_dates} dates wait for {len(groups)} fits of stage 1, about {left:.0f} min left; "
            f"fit {number}, {_known_to(spec)}"
        )

        def say(doing: str, what: str = what) -> None:
            progress(f"{what}: {doing}")

        prior_draws(spec, jobs[0].seed, jobs[0].draws, say)
        fits.append(perf_counter() - started)


def _known_to(spec: PriorSpec) -> str:
    return "prior" if spec.anchor is None else f"with the evidence known on {spec.anchor.known.as_of}"


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
        mapped: how dates are computed side by side (forecast.analysis.replay_workers).
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
