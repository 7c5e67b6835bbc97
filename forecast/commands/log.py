"""`forecast log`: the ledger as a table, and each scenario's course."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options
from forecast.commands.forked import said
from forecast.commands.readable import points
from forecast.digits import percent

if TYPE_CHECKING:
    from forecast.record.ledger import Ledger


@click.command()
@options.workspace
@click.option("-n", "most", type=click.IntRange(min=1), metavar="N", help="Only the last N updates.")
@options.as_json
def log(root: Path, most: int | None, as_json: bool) -> None:
    """Print every update of the ledger, newest first: scenarios, what they changed by, and what was new."""
    from forecast.record.history import history
    from forecast.record.ledger import LEDGER, read_ledger

    ledger = _in_names_of_today(root, read_ledger(root))
    said(ledger)
    rows = history(ledger.updates)
    if not rows:
        msg = f"no update in {root / LEDGER} yet; run: forecast update -C {root}"
        raise click.ClickException(msg)
    shown = rows if most is None else rows[-most:]
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        _print(shown)


def _in_names_of_today(root: Path, ledger: Ledger) -> Ledger:
    """Return the ledger with the names that the workspace has, if its files say that any was changed and are right."""
    from forecast.record.renamed import called_today
    from forecast.workspace.files import RENAMES
    from forecast.workspace.read import read_workspace

    if not (root / RENAMES).exists():
        return ledger
    workspace, _ = read_workspace(root, today=options.today())
    return ledger if workspace is None else called_today(ledger, workspace)


def _print(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    from forecast.record.history import courses

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading, justify in (("line", "right"), ("as of", "left"), ("scenario", "left")):
        grid.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]  # a literal behind a loop
    grid.add_column("probability", justify="right", no_wrap=True)
    grid.add_column("change", justify="right", no_wrap=True)
    grid.add_column("what was new", overflow="fold")
    for row in reversed(rows):
        told = [*row["news"], *([f"note: {row['note']}"] if row["note"] else [])]
        for place, (scenario, news) in enumerate(zip_longest(row["scenarios"], told)):
            left = (str(row["line"]), row["as_of"]) if place == 0 else ("", "")
            grid.add_row(*map(Text, (*left, *_scenario(scenario), news or "")))
    console = Console(highlight=False, soft_wrap=False)
    console.print(grid)
    click.echo("change in percentage points since the latest line with other inputs that is not dated later")
    days, found = courses(rows)
    if len(days) > 1:
        _print_courses(days, found)


def _scenario(row: Mapping[str, Any] | None) -> tuple[str, str, str]:
    if row is None:
        return "", "", ""
    error = row.get("mcse")  # older lines have none
    return row["id"], percent(row["probability"], error), points(row["change"], error)


def _print_courses(days: Sequence[str], found: Mapping[str, Sequence[float | None]]) -> None:
    from forecast.commands.textplot import sparkline

    top = max(p for course in found.values() for p in course if p is not None)
    width = max(map(len, found))
    click.echo(
        f"\n{len(days)} as-of dates from {days[0]} to {days[-1]}, one column each; full height {percent(top, None)}"
    )
    for name, course in found.items():
        click.echo(f"{name:<{width}}  {sparkline(course, top)}")
