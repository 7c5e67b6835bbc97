"""`forecast update --each`: many workspaces side by side, each updated as if it were alone, and one table of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from glob import glob
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forecast import pipeline
from forecast.commands.readable import points, style_of
from forecast.commands.running import Progress, echo_json, refused, told
from forecast.digits import percent
from forecast.plain import as_data
from forecast.posterior.weights import not_reliable
from forecast.session import DEFAULT_SEED, Session, quiet
from forecast.workers import DIED, Workers, WorkersError
from forecast.workspace.problems import WorkspaceProblems

FAILED, NEW, SAME, DRY = "failed", "new line", "nothing new", "dry run"


@dataclass(frozen=True)
class Order:
    """How each workspace is updated: the options of `forecast update`, and the day on which it runs."""

    today: date
    as_of: date | None
    seed: int | None
    refit: bool
    note: str | None
    dry_run: bool
    with_report: bool


@dataclass(frozen=True)
class FolderJob:
    """A workspace to update: its folder as it was asked for, where that is, and how it is updated."""

    folder: str
    root: Path
    order: Order


@dataclass(frozen=True, kw_only=True)
class PortfolioRow:
    """What became of one workspace.

    `scenario`: the most probable one, with its `probability`, the Monte Carlo error `mcse` and the `change` since the
    update before, None where there is none; `status`: new line, nothing new, dry run, failed; `doubt`: why the forecast
    is not reliable, empty where it is; `problems`: why it failed, and `warnings`, each with the folder.
    """

    folder: str
    as_of: date | None = None
    scenario: str | None = None
    probability: float | None = None
    mcse: float | None = None
    change: float | None = None
    status: str = FAILED
    doubt: str = ""
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def update_folder(job: FolderJob) -> PortfolioRow:
    """Update one workspace. Whatever is wrong with it stands in the row."""
    try:
        return _updated(job)
    except WorkspaceProblems as found:
        return PortfolioRow(folder=job.folder, problems=_placed(job, found.problems))
    except OSError as failure:
        return _failed(job, told(failure))
    except MemoryError:
        return _failed(job, "there is not enough memory; run it with fewer --workers")
    except Exception as error:
        return _failed(job, f"{type(error).__name__}: {error}; `forecast update -C {job.folder}` shows where")


def _updated(job: FolderJob) -> PortfolioRow:
    order = job.order
    seed = DEFAULT_SEED if order.seed is None else order.seed
    session = Session(job.root, order.today, order.as_of, seed)
    update = pipeline.conclude(session, refit=order.refit, note=order.note)
    if not order.dry_run:
        update = pipeline.write(update, quiet, with_report=order.with_report)
    table = update.forecast.table
    top = max(table.scenarios, key=lambda entry: entry.estimate.probability)
    return PortfolioRow(
        folder=job.folder,
        as_of=update.outcome.as_of,
        scenario=top.id,
        probability=top.estimate.probability,
        mcse=top.estimate.mcse,
        change=top.change,
        status=DRY if order.dry_run else NEW if update.is_new else SAME,
        doubt=not_reliable(table.diagnostics.reasons),
        warnings=_placed(job, update.warnings),
    )


def _failed(job: FolderJob, why: str) -> PortfolioRow:
    return PortfolioRow(folder=job.folder, problems=(f"{job.folder}: {why}",))


def _placed(job: FolderJob, problems: Sequence[object]) -> tuple[str, ...]:
    return tuple(f"{job.folder}/{problem}" for problem in problems)


def folders(root: Path, pattern: str) -> list[str]:
    """Return the folders below `root` that match a pattern, in order; those behind a link to another one once."""
    matching = glob(pattern, root_dir=root, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    found = sorted(name for name in matching if (root / name).is_dir())
    places: dict[Path, str] = {}
    for name in found:
        places.setdefault((root / name).resolve(), name.rstrip("/"))
    return list(places.values())


def update_each(root: Path, pattern: str, order: Order, workers: Workers, *, strict: bool, as_json: bool) -> None:
    """Update every workspace that matches, and print one table. Exits with 1 if any failed."""
    names = folders(root, pattern)
    if not names:
        msg = f"no folder in {root} matches '{pattern}'"
        raise click.BadParameter(msg, param_hint="--each")
    jobs = [FolderJob(name, (root / name).resolve(), order) for name in names]
    progress, done = Progress(), list[str]()

    def arrived(job: FolderJob, _: PortfolioRow) -> None:
        done.append(job.folder)
        progress(f"updating: {len(jobs)} workspaces, {100 * len(done) // len(jobs)} %")

    try:
        progress(f"updating: {len(jobs)} workspaces, 0 %")
        with refused(WorkersError):
            rows = workers.map(update_folder, jobs, arrived, lambda job: _failed(job, DIED))
    finally:
        progress.done()
    for text in (text for row in rows for text in (*row.problems, *row.warnings)):
        click.echo(text, err=True)
    for row in rows:
        if row.doubt:
            click.echo(f"{row.folder}: {row.doubt}", err=True)
    if as_json:
        echo_json(as_data(rows))
    else:
        _print(rows)
    if any(row.status == FAILED or (strict and row.doubt) for row in rows):
        raise click.exceptions.Exit(1)


def _print(rows: Sequence[PortfolioRow]) -> None:
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("folder", "top scenario", "probability", "change", "status"):
        grid.add_column(heading, justify="right" if heading in {"probability", "change"} else "left", overflow="fold")
    for row in rows:
        if row.probability is None:
            cells = [row.folder, "-", "-", "-", row.status]
        else:
            change = points(row.change, row.mcse)
            cells = [row.folder, row.scenario or "-", percent(row.probability, row.mcse), change, row.status]
            cells[-1] += ", not reliable" if row.doubt else ""
        grid.add_row(*(Text(cell, style=style_of(cell) if place == 3 else "") for place, cell in enumerate(cells)))
    Console(highlight=False, soft_wrap=False).print(grid)
    failed = sum(row.status == FAILED for row in rows)
    counted = "1 workspace" if len(rows) == 1 else f"{len(rows)} workspaces"
    click.echo(f"{counted}, {failed} failed" if failed else counted)
