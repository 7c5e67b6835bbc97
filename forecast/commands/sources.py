"""`forecast sources`: what became of those who report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click

from forecast.commands import options
from forecast.commands.one_or_all import one_or_all
from forecast.digits import percent, share


@click.command()
@click.argument("name", required=False)
@options.workspace
@options.as_of
@options.as_json
def sources(name: str | None, root: Path, as_of: date | None, as_json: bool) -> None:
    """Print every source's reliability by its grade and now, items and agreement; with NAME, each of its items."""
    from forecast import pipeline

    def compute(progress: Callable[[str], None]) -> Sequence[Mapping[str, Any]]:
        return pipeline.sources(root, options.today(), progress, as_of=as_of)

    one_or_all(compute, "source", name, as_json=as_json, print_all=_print_all, print_one=_print_one)


def _print_all(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("source", no_wrap=True)
    for heading in ("grade", "items", "reliability", "now", "90 % interval", "agreement"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        now = row["now"]
        cells = (
            row["source"],
            row["grade"],
            str(len(row["items"])),
            share(row["prior"], 2),
            share(now["mean"], 2) if now else "-",
            _range(now["quantiles"]) if now else "-",
            _percent(row["agreement"]),
        )
        grid.add_row(*map(Text, cells))
    Console(highlight=False, soft_wrap=False).print(grid)
    click.echo("reliability: from the grade, and now; agreement: probability now of what the reports favour")


def _print_one(row: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    click.echo(
        f"{row['name']}, grade {row['grade']}: reliability {share(row['prior'], 2)} by the grade", nl=row["now"] is None
    )
    if row["now"]:
        click.echo(f", {share(row['now']['mean'], 2)} now ({_range(row['now']['quantiles'])})")
    click.echo()
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("item", "reported", "standing"):
        grid.add_column(heading, no_wrap=True)
    grid.add_column("favours", overflow="fold")
    grid.add_column("now", justify="right", no_wrap=True)
    for one in row["items"]:
        favours = [f"{said['event']}: {' or '.join(said['favours'])}" for said in one["says"]] or ["-"]
        now = [_percent(said["agreement"]) for said in one["says"]] or ["-"]
        grid.add_row(*map(Text, (one["id"], one["reported"], one["standing"], "\n".join(favours), "\n".join(now))))
    Console(highlight=False, soft_wrap=False).print(grid)


def _range(quantiles: Sequence[float]) -> str:
    return " to ".join(share(end, 2) for end in quantiles)


def _percent(probability: float | None) -> str:
    return "-" if probability is None else percent(probability, None)
