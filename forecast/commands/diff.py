"""`forecast diff`: what changed between two forecasts, and what each change did."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands import options
from forecast.commands.readable import style_of
from forecast.commands.running import echo_json, opened, said, wrong_usage
from forecast.digits import change, percent
from forecast.plain import as_data

if TYPE_CHECKING:
    from rich.text import Text

    from forecast.analysis.diff import Cause, ForecastDifference

VISIBLE = 0.0005  # a change below it leaves every printed digit as it is
SHOWN_EVENTS = 8
DEFAULT_ENDS = ("~1", "latest")


@click.command()
@click.argument("ends", nargs=-1, metavar="[A [B]]")
@options.workspace
@click.option(
    "--top", type=click.IntRange(min=1), default=12, show_default=True, metavar="N",
    help="Show the N largest steps and add up the others.",
)  # fmt: skip
@options.as_json
def diff(ends: tuple[str, ...], root: Path, top: int, as_json: bool) -> None:
    """Print what changed from forecast A to forecast B: the inputs, and the effect of each on every scenario and event.

    A and B are days (YYYY-MM-DD), numbers of ledger lines, `latest`, or ~N (N updates before it). Without them: the
    latest update against the one before.
    """
    from forecast.analysis.diff import UnknownUpdateError
    from forecast.ledger.ledger import read_ledger

    if len(ends) > len(DEFAULT_ENDS):
        msg = f"two forecasts are compared, not {len(ends)}"
        raise click.UsageError(msg)
    first, last = (*ends, *DEFAULT_ENDS[len(ends) :])
    with opened(root) as session, wrong_usage(UnknownUpdateError):
        table = session.difference(first, last)
    said(read_ledger(root))
    if as_json:
        echo_json(as_data(table))
    else:
        _print(table, top)


def _print(table: ForecastDifference, top: int) -> None:
    click.echo(f"from {table.from_.name} to {table.to.name}")
    for news in table.news:
        click.echo(f"  {news}")
    if not table.news:
        click.echo("  the same inputs")
    click.echo()
    _print_steps(table, top)
    click.echo("steps in percentage points, in the order in which they became known; they add up")
    if table.unreliable:
        click.echo("~ few draws support this step: it may be off by points; the steps still add up")
    _print_events(table)


def _print_steps(table: ForecastDifference, top: int) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    names = [row.id for row in table.scenarios]
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("known from", no_wrap=True)
    grid.add_column("what", overflow="fold")
    for name in names:
        grid.add_column(name.replace("_", " "), justify="right")
    grid.add_column("")

    before = [Text(percent(row.from_, row.from_mcse)) for row in table.scenarios]
    grid.add_row(str(table.from_.as_of), Text("from"), *before, "")
    for row in _largest(table.rows, top):
        if row.kind == "monte_carlo" and max(map(abs, row.scenarios.values())) < VISIBLE:
            continue
        what = f"retraction of {row.what}" if row.kind == "retraction" else row.what
        steps = [_step(row.scenarios[name]) for name in names]
        note = "" if row.reliable else "~" if row.possible else "impossible without later items"
        grid.add_row(str(row.on or ""), Text(what), *steps, note)
    changes = [_step(row.change) for row in table.scenarios]
    grid.add_row("", Text("change"), *changes, "")
    after = [Text(percent(row.to, row.to_mcse)) for row in table.scenarios]
    grid.add_row(str(table.to.as_of), Text("to"), *after, "")
    Console(highlight=False, soft_wrap=False).print(grid)


def _largest(rows: Sequence[Cause], top: int) -> list[Cause]:
    """Keep time, the remainder and the `top` largest steps of items, in their order; add up the others."""
    from forecast.analysis.diff import Cause

    time, *steps, rest = rows
    if len(steps) <= top:
        return list(rows)
    ranked = sorted(range(len(steps)), key=lambda i: (-max(map(abs, steps[i].scenarios.values())), i))
    shown, others = sorted(ranked[:top]), [steps[i] for i in ranked[top:]]
    total = {name: sum(row.scenarios[name] for row in others) for name in time.scenarios}
    reliable = all(row.reliable for row in others)
    summed = Cause(what=f"{len(others)} others", kind="others", scenarios=total, events={}, reliable=reliable)
    return [time, *(steps[i] for i in shown), summed, rest]


def _print_events(table: ForecastDifference) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    moved = [(event.id, max(event.states, key=lambda row: abs(row.change))) for event in table.events]
    moved = [(name, row) for name, row in moved if abs(row.change) >= VISIBLE]
    moved.sort(key=lambda one: -abs(one[1].change))
    if not moved:
        return
    click.echo()
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("event", overflow="fold")
    grid.add_column("state", overflow="fold")
    for heading in ("from", "to", "change"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("moved most by", overflow="fold")
    for name, row in moved[:SHOWN_EVENTS]:
        by = max(table.rows, key=lambda step: abs(step.events[name][row.id]))
        effect = by.events[name][row.id]
        most = f"{by.what} ({change(effect, None)})" if abs(effect) >= VISIBLE else "-"
        ends = (percent(row.from_, row.from_mcse), percent(row.to, row.to_mcse), change(row.change, None))
        grid.add_row(*map(Text, (name, row.id, *ends, most)))
    Console(highlight=False, soft_wrap=False).print(grid)
    if len(moved) > SHOWN_EVENTS:
        click.echo(f"and {len(moved) - SHOWN_EVENTS} more events: --json has all of them")


def _step(difference: float) -> Text:
    from rich.text import Text

    shown = change(difference, None)
    return Text(shown, style=style_of(shown))
