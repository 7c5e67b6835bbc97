"""`forecast alternatives`: the forecast under other weights, and without each group of experts and each source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options
from forecast.commands.running import echo_json, opened
from forecast.digits import change, percent
from forecast.ledger.tables import computed, is_clear

if TYPE_CHECKING:
    from forecast.ledger.outcome import Outcome

VISIBLE = 0.0005  # of a change of probability
Row = Mapping[str, Any]


@click.command()
@options.workspace
@options.as_of
@click.option(
    "--top", type=click.IntRange(min=1), default=15, show_default=True, help="Number of rows, largest changes first."
)
@options.as_json
def alternatives(root: Path, as_of: date | None, top: int, as_json: bool) -> None:
    """Print the forecast with equal weights, without editors, without each group of experts and each source.

    Reweights the existing draws; where the weights fail, an alternative needs a refit, which
    `forecast report --refit-alternatives` does for all of them.
    """
    with opened(root, as_of) as session:
        found, rows = session.outcome, session.alternatives()
    if as_json:
        table = {"forecast": _forecast(found), "computed": computed(rows), "of": len(rows), "rows": rows}
        echo_json(table)
    else:
        _print(found, rows, top)


def _forecast(found: Outcome) -> dict[str, Any]:
    from forecast.ledger.tables import as_row

    return {name: as_row(estimate) for name, estimate in found.scenarios.items()}


def _print(found: Outcome, rows: Sequence[Row], top: int) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    from forecast.ledger.tables import NEEDS_REFIT, REFITTED, TOO_MANY, largest_change
    from forecast.posterior.mcse import not_reliable

    names = found.scenario_ids
    told = sorted((row for row in rows if row["scenarios"]), key=lambda row: -largest_change(row["scenarios"]))
    shown = [row for row in told if largest_change(row["scenarios"]) >= VISIBLE][:top]
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("without", overflow="fold")
    for name in names:
        grid.add_column(name.replace("_", " "), justify="right", min_width=max(map(len, name.split("_"))))
    ordinary = (percent(found.scenarios[name].probability, found.scenarios[name].mcse) for name in names)
    grid.add_row(*map(Text, ("(the forecast)", *ordinary)))
    for row in shown:
        marks = f"{' *' if row['settles'] else ''}{' (refit)' if row['how'] == REFITTED else ''}"
        cells = (_cell(row["scenarios"][name]) for name in names)
        grid.add_row(*map(Text, (f"{_who(row)}{marks}", *cells)))
    Console(highlight=False, soft_wrap=False).print(grid)
    click.echo("change in percentage points; 0: less than twice its Monte Carlo error")
    if any(row["settles"] for row in shown):
        click.echo("*: also removes facts for which only this source is cited; they then count as not having happened")
    if told and len(told) < len(rows):
        click.echo(
            f"{len(told)} of {len(rows)} alternatives are computed; the largest changes are the largest of these"
        )
    if less := [row for row in told if row not in shown]:
        click.echo(f"and {len(less)} that move less{_under(less)}: {', '.join(map(_who, less))}")
    for how in (NEEDS_REFIT, TOO_MANY):
        if of := [row for row in rows if row["how"] == how]:
            click.echo(f"{how}, `forecast report --refit-alternatives`: {', '.join(map(_who, of))}")
    for row in told:
        if row["reasons"]:
            click.echo(f"{_who(row)}: {not_reliable(row['reasons'])}")
    for row in rows:
        if row["scenarios"] is None and row["how"] not in {NEEDS_REFIT, TOO_MANY}:
            click.echo(f"{row['description']}: the remaining evidence contradicts itself")


def _under(rows: Sequence[Row]) -> str:
    from forecast.ledger.tables import largest_change

    return (
        f" (none by {100 * VISIBLE:g} points)"
        if all(largest_change(row["scenarios"]) < VISIBLE for row in rows)
        else ""
    )


def _who(row: Row) -> str:
    if row["kind"] == "weights":
        return str(row["description"].removeprefix("without ").replace("with equal weights", "(equal weights)"))
    return f"{row['kind']} {row['name']}"


def _cell(one: Mapping[str, float]) -> str:
    return change(one["change"], one["change_mcse"]) if is_clear(one) else "0"
