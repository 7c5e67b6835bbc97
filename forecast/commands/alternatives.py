"""`forecast alternatives`: the forecast under other weights, and without each group of experts and each source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands import options
from forecast.commands.running import echo_json, opened
from forecast.digits import change, percent
from forecast.plain import as_data

if TYPE_CHECKING:
    from forecast.analysis.alternatives import AlternativeForecast, AlternativeShare
    from forecast.ledger.outcome import Outcome

VISIBLE = 0.0005  # of a change of probability


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
    from forecast.analysis.alternatives import computed
    from forecast.ledger.tables import as_row

    with opened(root, as_of) as session:
        outcome, rows = session.outcome, session.alternatives()
    if as_json:
        forecast = {name: as_data(as_row(estimate)) for name, estimate in outcome.scenarios.items()}
        echo_json({"forecast": forecast, "computed": computed(rows), "of": len(rows), "rows": as_data(rows)})
    else:
        _print(outcome, rows, top)


def _print(outcome: Outcome, rows: Sequence[AlternativeForecast], top: int) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    from forecast.ledger.tables import NEEDS_REFIT, REFITTED, TOO_MANY
    from forecast.posterior.mcse import not_reliable

    names = outcome.scenario_ids
    computed_rows = sorted((row for row in rows if row.scenarios), key=lambda row: -row.largest_change)
    shown = [row for row in computed_rows if row.largest_change >= VISIBLE][:top]
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("without", overflow="fold")
    for name in names:
        grid.add_column(name.replace("_", " "), justify="right", min_width=max(map(len, name.split("_"))))
    ordinary = (percent(outcome.scenarios[name].probability, outcome.scenarios[name].mcse) for name in names)
    grid.add_row(*map(Text, ("(the forecast)", *ordinary)))
    for row in shown:
        marks = f"{' *' if row.settles else ''}{' (refit)' if row.how == REFITTED else ''}"
        cells = (_cell(row.scenarios[name]) for name in names if row.scenarios)
        grid.add_row(*map(Text, (f"{_who(row)}{marks}", *cells)))
    Console(highlight=False, soft_wrap=False).print(grid)
    click.echo("change in percentage points; 0: less than twice its Monte Carlo error")
    if any(row.settles for row in shown):
        click.echo("*: also removes facts for which only this source is cited; they then count as not having happened")
    if computed_rows and len(computed_rows) < len(rows):
        click.echo(
            f"{len(computed_rows)} of {len(rows)} alternatives are computed; "
            "the largest changes are the largest of these"
        )
    if less := [row for row in computed_rows if row not in shown]:
        click.echo(f"and {len(less)} that move less{_under(less)}: {', '.join(map(_who, less))}")
    for how in (NEEDS_REFIT, TOO_MANY):
        if of := [row for row in rows if row.how == how]:
            click.echo(f"{how}, `forecast report --refit-alternatives`: {', '.join(map(_who, of))}")
    for row in computed_rows:
        if row.reasons:
            click.echo(f"{_who(row)}: {not_reliable(row.reasons)}")
    for row in rows:
        if row.scenarios is None and row.how not in {NEEDS_REFIT, TOO_MANY}:
            click.echo(f"{row.description}: the remaining evidence contradicts itself")


def _under(rows: Sequence[AlternativeForecast]) -> str:
    return f" (none by {100 * VISIBLE:g} points)" if all(row.largest_change < VISIBLE for row in rows) else ""


def _who(row: AlternativeForecast) -> str:
    if row.kind == "weights":
        return row.description.removeprefix("without ").replace("with equal weights", "(equal weights)")
    return f"{row.kind} {row.name}"


def _cell(share: AlternativeShare) -> str:
    return change(share.change, share.change_mcse) if share.is_clear else "0"
