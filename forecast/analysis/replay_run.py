"""Past dates forecast again, each from what was known then, and the files that are written of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

from forecast.analysis.replay_day import (
    LINES,
    TABLE,
    ImpossibleDay,
    Job,
    Replayed,
    ReplayLine,
    Waiting,
    awaited,
    job,
    replay_csv,
    replay_day,
    replay_jsonl,
)
from forecast.files import locked, replace_file
from forecast.plain import as_data, from_data
from forecast.sampling.draws import prior_draws
from forecast.sampling.spec import PriorSpec
from forecast.store.entries import keep_value, kept_value
from forecast.workers import Workers
from forecast.workspace.names import last_horizon
from forecast.workspace.read import load
from forecast.workspace.records import Workspace

Progress = Callable[[str], None]

SECONDS_A_FIT = 60.0  # told before the first one of a run is measured: two cores, eighty statements


class DrawsNotSharedError(RuntimeError):
    """Workers do not see the folder that draws are kept in."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"the workers do not see {folder}; put the workspace into a folder that all of them share")


@dataclass(frozen=True)
class Replay:
    """Lines by date, how many dates were kept from before, and the seconds that each fit of stage 1 took."""

    rows: tuple[Replayed, ...]
    kept: int
    fit_seconds: tuple[float, ...]


def replay_dates(first: date, last: date, every_days: int) -> tuple[date, ...]:
    """Return the first date and the days after it at equal distances, up to the last one."""
    return tuple(first + timedelta(days=n) for n in range(0, (last - first).days + 1, every_days))


def replay(
    workspace: Workspace, days: Sequence[date], seed: int, cache: Path, workers: Workers, progress: Progress
) -> Replay:
    """Forecast each date from what was known on it; finished dates are kept, so that an interrupted run goes on.

    Args:
        workspace: with everything that is known now.
        days: ascending, none before the opening.
        seed: of the draws.
        cache: the folder of the store, where draws and finished dates are kept.
        workers: where dates are computed, side by side.
        progress: is told how far it is.

    Raises WorkersError, DrawsNotSharedError.
    """
    jobs = [job(workspace, day, seed, cache.resolve()) for day in days]
    places = {day_job.as_of: day_job.place for day_job in jobs}
    values = ((day, kept_value(place)) for day, place in places.items())
    rows: dict[date, Replayed] = {day: from_data(Replayed, value) for day, value in values if value is not None}
    kept = len(rows)
    pending = [day_job for day_job in jobs if day_job.as_of not in rows]
    progress(f"{len(jobs)} dates, of which {kept} are kept from before")
    fits: list[float] = []

    def arrived(day_job: Job, result: Replayed | Waiting) -> None:
        if not isinstance(result, Waiting):
            rows[day_job.as_of] = result
            keep_value(places[day_job.as_of], as_data(result))
            progress(f"replaying: {100 * len(rows) // len(jobs)} %")

    while pending:
        waiting: dict[str, list[Job]] = {}
        for day_job, result in zip(pending, workers.map(replay_day, pending, arrived), strict=True):
            if isinstance(result, Waiting):
                waiting.setdefault(result.digest, []).append(day_job)
        _sample(waiting, fits, cache, progress)
        pending = sorted(
            (day_job for group in waiting.values() for day_job in group), key=lambda day_job: day_job.as_of
        )
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


@dataclass(frozen=True, kw_only=True)
class LeftOutDay:
    """A date that is left out, as its evidence was impossible together: the ids of its items."""

    as_of: date
    items: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """What a replay computed and wrote.

    `dates`: how many, of which `kept` were computed before; `fits`: the seconds of each fit of stage 1; `scenarios`: by
    id, a probability for each date on which the evidence was possible, None where there was no such scenario; `weak`:
    dates whose forecast is not reliable; `questions` and `forecasts`: how many of them `files` hold; `seconds`: of all.
    """

    dates: int
    first: date
    last: date
    kept: int
    fits: tuple[float, ...]
    scenarios: Mapping[str, tuple[float | None, ...]]
    weak: tuple[date, ...]
    impossible: tuple[LeftOutDay, ...]
    questions: int
    forecasts: int
    files: tuple[str, ...]
    seconds: float = 0.0


class NoDatesError(ValueError):
    """There is nothing to replay between two dates; the message says what there is."""


def backtest(
    root: Path,
    today: date,
    progress: Progress,
    workers: Workers,
    *,
    first: date | None,
    last: date | None,
    every_days: int,
    seed: int,
    out: Path | None,
) -> Backtest:
    """Replay a workspace, write the forecasts and the lines by date, and return what was done.

    Args:
        root: the workspace.
        today: no date is later.
        progress: is told how far it is.
        workers: where dates are computed, side by side.
        first, last: the first date (None: the opening), and the day after which there is none (None: today).
        every_days: from one date to the next.
        seed: of the draws.
        out: the table of forecasts, `.csv`; the lines by date go beside it, `.jsonl`. None: into reports/.

    Raises WorkspaceProblems, NoDatesError, WorkersError, DrawsNotSharedError, OSError.
    """
    workspace = load(root, today)
    days = _dates(workspace, today, first, last, every_days)
    replayed = replay(workspace, days, seed, root / "reports" / ".cache", workers, progress)
    table, lines = (root / TABLE, root / LINES) if out is None else (out, out.with_suffix(".jsonl"))
    forecasts = replay_csv(workspace, replayed.rows)
    with locked(root) if out is None else nullcontext():  # both are of one run
        replace_file(lines, replay_jsonl(replayed.rows))
        replace_file(table, forecasts)
    return _summary(replayed, forecasts, [table, lines])


def _dates(
    workspace: Workspace, today: date, first: date | None, last: date | None, every_days: int
) -> tuple[date, ...]:
    opens, end = workspace.network.opens, min(today, last_horizon(workspace.network))
    first, last = first or opens, last or end
    if not opens <= first <= last <= end:
        msg = f"no dates from {first} to {last}; a replay lies between the opening {opens} and {end}"
        raise NoDatesError(msg)
    return replay_dates(first, last, every_days)


def _summary(replayed: Replay, forecasts: bytes, files: Sequence[Path]) -> Backtest:
    rows = [row for row in replayed.rows if isinstance(row, ReplayLine)]
    names = dict.fromkeys(share.id for row in rows for share in row.scenarios)
    by_row = [{share.id: share.estimate.probability for share in row.scenarios} for row in rows]
    lines = forecasts.decode().splitlines()[1:]
    return Backtest(
        dates=len(replayed.rows),
        first=replayed.rows[0].as_of,
        last=replayed.rows[-1].as_of,
        kept=replayed.kept,
        fits=replayed.fit_seconds,
        scenarios={name: tuple(probabilities.get(name) for probabilities in by_row) for name in names},
        weak=tuple(row.as_of for row in rows if not row.diagnostics.reliable),
        impossible=tuple(
            LeftOutDay(as_of=row.as_of, items=row.impossible) for row in replayed.rows if isinstance(row, ImpossibleDay)
        ),
        questions=len({line.split(",", 1)[0] for line in lines}),
        forecasts=len(lines),
        files=tuple(str(path) for path in files),
    )
