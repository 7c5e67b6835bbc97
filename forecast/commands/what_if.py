"""`forecast what-if`: the forecast under a supposition, beside the one that is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options
from forecast.commands.readable import style_of
from forecast.commands.running import echo_json, opened, refused, wrong_usage
from forecast.digits import change, percent
from forecast.plain import as_data

if TYPE_CHECKING:
    from forecast.analysis.what_if import Effect, EventEffect, WhatIf


EVENTS = 12  # printed; --all prints every one
VISIBLE = 0.0005
LEAST_DECIBANS = 0.05  # a report that says less is counted, not named
FEW_DRAWS = 400.0  # effective draws under which a supposition rests on too few


@click.command()
@click.argument("learned", metavar="[EVENT=STATE]...", nargs=-1)
@options.workspace
@options.as_of
@options.seed
@click.option("--do", "imposed", multiple=True, metavar="EVENT=STATE", help="Intervene: put the event into this state.")
@click.option(
    "--set", "reset", multiple=True, metavar="EVENT=STATE:P", help="Set the state's probability to P (Jeffrey's rule)."
)
@click.option("--all", "everything", is_flag=True, help=f"Print every event, not only the {EVENTS} that move most.")
@options.as_json
def what_if(
    learned: tuple[str, ...], root: Path, as_of: date | None, seed: int | None, imposed: tuple[str, ...],
    reset: tuple[str, ...], everything: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show every probability before and after a supposition.

    EVENT=STATE conditions on the state; several form one condition (EVENT=STATE,STATE: either state). --do intervenes:
    only events downstream move. --set replaces a probability; several are set one after the other.
    """
    from forecast.analysis.twin import TooDenseError
    from forecast.analysis.what_if import ImpossibleError

    if not (learned or imposed or reset):
        raise click.UsageError("nothing is supposed; give EVENT=STATE, --do EVENT=STATE or --set EVENT=STATE:P")
    with opened(root, as_of, seed) as session, wrong_usage(ValueError), refused(ImpossibleError, TooDenseError):
        table = session.what_if(learned, imposed, reset)
    if as_json:
        echo_json(as_data(table))
    else:
        _print(table, everything=everything)


def _print(table: WhatIf, *, everything: bool) -> None:
    click.echo(f"{_supposed(table)}, as of {table.as_of}")
    _print_scenarios(table.scenarios)
    click.echo()
    moving = [event for event in table.events if everything or event.moved >= VISIBLE]
    shown = moving if everything else moving[:EVENTS]
    _print_events(shown)
    rest = len(table.events) - len(shown)
    if rest:
        others = f"{rest} other event{'s' * (rest != 1)}"
        if len(moving) > len(shown):
            click.echo(f"{others} move{'s' * (rest == 1)} by at most {_at_most(moving[len(shown)])} points")
        else:
            click.echo(f"{others} do{'es' * (rest == 1)} not move")
    _print_notes(table)


def _at_most(event: EventEffect) -> str:
    return change(event.moved, None).lstrip("+")


def _supposed(table: WhatIf) -> str:
    parts = []
    if table.p_learned is not None:
        parts.append(f"conditioned on {' and '.join(table.learned)} (now {percent(table.p_learned, None)})")
    if table.imposed:
        parts.append(f"intervention {' and '.join(table.imposed)}")
    if table.set:
        parts.append(f"set {', then '.join(table.set)}")
    return "; ".join(parts)


def _print_scenarios(rows: Sequence[Effect]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("scenario")
    for heading in ("before", "after", "change"):
        grid.add_column(heading, justify="right")
    for row in rows:
        grid.add_row(Text(row.id), *_numbers(row))
    Console(highlight=False, soft_wrap=False).print(grid)


def _print_events(events: Sequence[EventEffect]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    if not events:
        return
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("event", "state"):
        grid.add_column(heading)
    for heading in ("before", "after", "change"):
        grid.add_column(heading, justify="right")
    for event in events:
        for place, row in enumerate(event.states):
            grid.add_row(Text(event.id if place == 0 else ""), Text(row.id), *_numbers(row))
    Console(highlight=False, soft_wrap=False).print(grid)


def _numbers(row: Effect) -> tuple[Any, ...]:
    from rich.text import Text

    shown = change(row.change, row.change_mcse)
    ends = percent(row.before, row.before_mcse), percent(row.after, row.after_mcse)
    return (*ends, Text(shown, style=style_of(shown)))


def _print_notes(table: WhatIf) -> None:
    if table.imposed:
        below = ", ".join(table.descendants) or "nothing"
        click.echo(f"only events downstream of the intervention can move: {below}")
    if table.set_aside:
        click.echo(f"reports set aside, as they concern this event or events downstream: {_items(table)}")
    if not table.commutes:
        click.echo("set one after the other; another order would give other numbers")
    if table.diagnostics.ess < FEW_DRAWS:
        click.echo(f"rests on few draws: effective size {table.diagnostics.ess:.0f}")


def _items(table: WhatIf) -> str:
    told, spent = [], 0
    for row in table.set_aside:
        if row.decibans is None:
            told.append(f"{row.item} (excludes states)")
        elif row.decibans >= LEAST_DECIBANS:
            told.append(f"{row.item} ({row.decibans:.1f} dB)")
        else:
            spent += 1
    if spent:
        told.append(f"{spent} with almost no weight left")
    return ", ".join(told)
