"""All dates of a replay: those kept from before, the others side by side, and between them the draws they wait for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

from forecast.prior.draws import prior_draws
from forecast.prior.spec import PriorSpec
from forecast.replay.day import Job, Row, Waiting, awaited, job
from forecast.store.entries import keep_value, kept_value
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
