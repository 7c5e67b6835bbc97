"""`forecast watch-list`: which events to watch, by what their state in some days will tell of the scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands import options
from forecast.commands.running import echo_json, opened
from forecast.digits import number, percent
from forecast.plain import as_data

if TYPE_CHECKING:
    from forecast.analysis.watch import WatchList


LEAST_BITS = 0.0005  # what is smaller prints as zero
SHOWN_OUTCOMES = 2  # of each event: those that move a scenario most


@click.command(name="watch-list")
@options.workspace
@options.as_of
@click.option(
    "--days", type=click.IntRange(min=1), default=90, show_default=True, help="Days to watch, from the as-of date."
)
@click.option("--cost", "costs", multiple=True, metavar="EVENT=NUMBER", help="Cost of watching an event, in any unit.")
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Number of events to print.")
@options.as_json
def watch_list(root: Path, as_of: date | None, days: int, costs: Sequence[str], top: int, as_json: bool) -> None:
    """Rank events by what watching them for some days will reveal about the scenarios, in bits."""
    with opened(root, as_of) as session:
        watchable = [event.id for event in session.layout.events if event.kind != "constant"]
        answer = session.watch_list(days, dict(_cost(text, watchable) for text in costs))
    if as_json:
        echo_json(as_data(answer))
    else:
        _print(answer, top)


def _cost(text: str, events: Sequence[str]) -> tuple[str, float]:
    from forecast.workspace.problems import choice

    event, _, number = text.partition("=")
    if event not in events:
        raise click.BadParameter(
            f"'{text}': {choice('events that can be watched', event, events)}", param_hint="--cost"
        )
    try:
        cost = float(number)
    except ValueError:
        cost = 0.0
    if not (isfinite(cost) and cost > 0.0):
        raise click.BadParameter(f"'{text}': write {event}=NUMBER, above zero", param_hint="--cost")
    return event, cost


def _print(answer: WatchList, top: int) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    with_cost = any(row.cost is not None for row in answer.events)
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("event", overflow="fold")
    for heading in ("bits", "share", *(("bits per unit",) if with_cost else ())):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("by then", overflow="fold")
    grid.add_column("chance", justify="right", no_wrap=True)
    grid.add_column("moves most", overflow="fold")
    telling = [row for row in answer.events if row.bits >= LEAST_BITS or row.cost is not None]
    for row in telling[:top]:
        per_unit = ("-" if row.cost is None else f"{row.bits_per_unit:.4f}",) if with_cost else ()
        marked = f"{row.event}{' *' if row.defines else ''}"
        left: tuple[str, ...] = (marked, f"{row.bits:.3f}", percent(row.share, None), *per_unit)
        for place, outcome in enumerate(row.outcomes[:SHOWN_OUTCOMES]):
            moves = outcome.moves
            right = (
                f"{outcome.state}{' (as now)' if outcome.state == row.now else ''}",
                percent(outcome.probability, None),
                f"{moves.scenario} {number(moves.from_, None)} to {percent(moves.to, None)}",
            )
            grid.add_row(*map(Text, (*(left if place == 0 else ("",) * len(left)), *right)))
    Console(highlight=False, soft_wrap=False).print(grid)
    if rest := [row.event for row in answer.events if row not in telling[:top]]:
        less = "" if len(telling) > top else f" (under {LEAST_BITS} bits each)"
        click.echo(f"and {len(rest)} with less information{less}: {', '.join(rest)}")
    click.echo(f"by then: the state on {answer.by}; share: of {answer.entropy:.2f} bits about the scenarios today")
    click.echo("*: named by a scenario's rule; events are dependent, so their bits do not add up")
    if answer.left_out:
        click.echo(f"left out, as they may stay unseen until then: {', '.join(answer.left_out)}")
