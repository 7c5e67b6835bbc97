"""`forecast experts` and `forecast sources`: what the model made of those who spoke and of those who report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands import options
from forecast.commands.running import one_or_all, opened
from forecast.digits import percent, share

if TYPE_CHECKING:
    from forecast.analysis.distance import Distance
    from forecast.analysis.experts import ExpertRow
    from forecast.analysis.sources import SourceRow
    from forecast.analysis.statements import Unit


VERDICT = {True: "was true", False: "was false"}


@click.command()
@click.argument("name", required=False)
@options.workspace
@options.as_of
@click.option("--refit", is_flag=True, help="With NAME: sample what few draws of the prior cannot tell.")
@options.as_json
def experts(name: str | None, root: Path, as_of: date | None, refit: bool, as_json: bool) -> None:
    """Print every expert's statements, deviation, noise and record.

    With NAME: each statement beside what is implied for it, the way from the one to the other, and what to do about it.
    """
    if refit and name is None:
        msg = "--refit is for one expert; give a name"
        raise click.UsageError(msg)
    with opened(root, as_of) as session:
        rows: Sequence[ExpertRow] = session.experts()
        if name is not None:
            rows = [
                replace(row, distances=session.distances(row, refit=refit)) if row.expert == name else row
                for row in rows
            ]
    one_or_all(rows, "expert", name, as_json=as_json, print_all=_print_experts, print_one=_print_expert)


def _print_experts(rows: Sequence[ExpertRow]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    # A name is typed again after the command: it is never cut. What is narrow is broken, the group first.
    grid.add_column("expert", overflow="fold", min_width=min(30, max(len(row.expert) for row in rows)))
    grid.add_column("group", overflow="fold")
    for heading, width in (
        ("made", 4),
        ("far off", 7),
        ("deviation", 9),
        ("noise", 5),
        ("record", 6),
        ("conflicts", 9),
    ):
        grid.add_column(heading, justify="right", no_wrap=True, min_width=width)
    for row in rows:
        deviation, record = row.deviation, row.record
        cells = (
            row.expert,
            row.group,
            str(len(row.statements)),
            str(sum(statement.disagrees for statement in row.statements) or "-"),
            f"{deviation.mean:+.2f}" if deviation else "-",
            f"{row.noise.mean:.2f}" if row.noise else "-",
            f"{record.resolved}/{record.needed}" if record.slope is None else str(record.resolved),
            str(len(row.incoherent) + len(row.conflicts) or "-"),
        )
        grid.add_row(*map(Text, cells))
    Console(highlight=False, soft_wrap=False).print(grid)
    click.echo("made: statements; far off: of these more than 2 sd from what all together imply;")
    click.echo("deviation and noise in log-odds; record: resolved forecasts")


def _print_expert(row: ExpertRow) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    click.echo(f"{row.name}, {row.group}\n")
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("statement", no_wrap=True)
    for heading in ("about", "stated", "implied"):
        grid.add_column(heading, overflow="fold")
    grid.add_column("sd away", justify="right", no_wrap=True)
    for statement in row.statements:
        far = "red" if statement.disagrees else ""
        cells = (statement.id, statement.about, statement.coded, statement.implied)
        grid.add_row(*map(Text, cells), Text(statement.residual_shown, style=far))
    Console(highlight=False, soft_wrap=False).print(grid)
    click.echo()
    print_distances(row.distances)
    for ids in row.incoherent:
        click.echo(f"cannot all hold: {', '.join(ids)}")
    for ids in row.conflicts:
        click.echo(f"cannot all hold, with others: {', '.join(ids)}")
    click.echo(row.summary)


def print_distances(distances: Sequence[Distance]) -> None:
    """Print the way from each stated number to the implied one, the causes in columns, and the remedies."""
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    from forecast.analysis.remedies import CAUSES, shown

    if not distances:
        return
    columns = [cause for cause in CAUSES if any(cause in step.causes for way in distances for step in way.steps)]
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("from stated to implied", no_wrap=True)
    for heading in ("stated", *(CAUSES[cause] for cause in columns), "implied"):
        grid.add_column(heading, justify="right", overflow="fold")
    for way in distances:
        cells = dict.fromkeys(columns, "-")
        for step in way.steps:
            *untold, last = step.causes
            cells |= dict.fromkeys(untold, "→")
            cells[last] = shown(step.change, way.unit, step.mcse)
        name = way.statement if way.state is None else f"{way.statement} ({way.state})"
        ends = [_in_unit(value, way.unit) for value in (way.stated, way.implied)]
        grid.add_row(*map(Text, (name, ends[0], *cells.values(), ends[1])))
    Console(highlight=False, soft_wrap=False).print(grid)
    click.echo(
        "default prior: what this statement alone would imply; same event: with the others of its event; CPT kind:"
    )
    click.echo(
        "what the kind of its CPT does to these; in percentage points, near 0 or 1 in log-odds, of a ratio in logs"
    )
    if any(len(step.causes) > 1 for way in distances for step in way.steps):
        click.echo("→: shown with the next, because few draws of the prior bear these statements; --refit samples them")
    click.echo()
    for way in distances:
        if way.remedy:
            click.echo(f"{way.statement}: {way.remedy}")
    if any(way.remedy for way in distances):
        click.echo()


def _in_unit(value: float, unit: Unit) -> str:
    from forecast.analysis.remedies import as_stated

    return as_stated(value, unit) + ("" if unit == "probability" else f" ({value:+.2f})")


@click.command()
@click.argument("name", required=False)
@options.workspace
@options.as_of
@options.as_json
def sources(name: str | None, root: Path, as_of: date | None, as_json: bool) -> None:
    """Print every source's reliability by its grade and now, items and agreement; with NAME, each of its items."""
    with opened(root, as_of) as session:
        rows = session.sources()
    one_or_all(rows, "source", name, as_json=as_json, print_all=_print_sources, print_one=_print_source)


def _print_sources(rows: Sequence[SourceRow]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("source", no_wrap=True)
    for heading in ("grade", "items", "reliability", "now", "90 % interval", "agreement", "false"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        now = row.now
        cells = (
            row.source,
            row.grade,
            str(len(row.items)),
            share(row.prior, 2),
            share(now.mean, 2) if now else "-",
            _range(now.quantiles) if now else "-",
            _percent(row.agreement),
            f"{len(row.false_alarms)} of {n}" if (n := len(row.false_alarms) + len(row.true_claims)) else "-",
        )
        grid.add_row(*map(Text, cells))
    Console(highlight=False, soft_wrap=False).print(grid)
    click.echo("reliability: from the grade, and now; agreement: probability now of what the reports favour;")
    click.echo("false: claims that were false when they were made, of those that are judged by now")


def _print_source(row: SourceRow) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    click.echo(f"{row.name}, grade {row.grade}: reliability {share(row.prior, 2)} by the grade", nl=row.now is None)
    if row.now:
        click.echo(f", {share(row.now.mean, 2)} now ({_range(row.now.quantiles)})")
    click.echo()
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("item", "reported", "standing"):
        grid.add_column(heading, no_wrap=True)
    grid.add_column("favours", overflow="fold")
    grid.add_column("now", justify="right", no_wrap=True)
    for item in row.items:
        favours = [f"{said.event}: {' or '.join(said.favours)}" for said in item.says] or ["-"]
        now = [_percent(said.agreement) if said.was_true is None else VERDICT[said.was_true] for said in item.says]
        now = now or ["-"]
        grid.add_row(*map(Text, (item.id, str(item.reported), item.standing, "\n".join(favours), "\n".join(now))))
    Console(highlight=False, soft_wrap=False).print(grid)
    if row.false_alarms:
        click.echo(f"false when claimed: {', '.join(row.false_alarms)}")


def _range(quantiles: Sequence[float]) -> str:
    return " to ".join(share(end, 2) for end in quantiles)


def _percent(probability: float | None) -> str:
    return "-" if probability is None else percent(probability, None)
