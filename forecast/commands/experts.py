"""`forecast experts`: what the model made of those who spoke."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click

from forecast.commands import options
from forecast.commands.one_or_all import one_or_all


@click.command()
@click.argument("name", required=False)
@options.workspace
@options.as_of
@options.as_json
def experts(name: str | None, root: Path, as_of: date | None, as_json: bool) -> None:
    """Print every expert's statements, deviation, noise and record; with NAME, each statement beside the model."""
    from forecast import pipeline

    def compute(progress: Callable[[str], None]) -> Sequence[Mapping[str, Any]]:
        return pipeline.experts(root, options.today(), progress, as_of=as_of)

    one_or_all(compute, "expert", name, as_json=as_json, print_all=_print_all, print_one=_print_one)


def _print_all(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    # A name is typed again after the command: it is never cut. What is narrow is broken, the group first.
    grid.add_column("expert", overflow="fold", min_width=min(30, max(len(row["expert"]) for row in rows)))
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
        deviation, record = row["deviation"], row["record"]
        cells = (
            row["expert"],
            row["group"],
            str(len(row["statements"])),
            str(sum(one["disagrees"] for one in row["statements"]) or "-"),
            f"{deviation['mean']:+.2f}" if deviation else "-",
            f"{row['noise']['mean']:.2f}" if row["noise"] else "-",
            f"{record['resolved']}/{record['needed']}" if record["slope"] is None else str(record["resolved"]),
            str(len(row["incoherent"]) + len(row["conflicts"]) or "-"),
        )
        grid.add_row(*map(Text, cells))
    Console(highlight=False, soft_wrap=False).print(grid)
    click.echo("made: statements; far off: of these more than 2 sd from what all together imply;")
    click.echo("deviation and noise in log-odds; record: resolved forecasts")


def _print_one(row: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    click.echo(f"{row['name']}, {row['group']}\n")
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("statement", no_wrap=True)
    for heading in ("about", "stated", "implied"):
        grid.add_column(heading, overflow="fold")
    grid.add_column("sd away", justify="right", no_wrap=True)
    for one in row["statements"]:
        far = "red" if one["disagrees"] else ""
        cells = (one["id"], one["about"], one["coded"], one["implied"])
        grid.add_row(*map(Text, cells), Text(one["residual_shown"], style=far))
    Console(highlight=False, soft_wrap=False).print(grid)
    click.echo()
    for ids in row["incoherent"]:
        click.echo(f"cannot all hold: {', '.join(ids)}")
    for ids in row["conflicts"]:
        click.echo(f"cannot all hold, with others: {', '.join(ids)}")
    click.echo(row["summary"])
