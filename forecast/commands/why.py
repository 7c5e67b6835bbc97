"""`forecast why`: a probability as a sum of steps, one for each part of the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import hypot
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table as Grid
from rich.text import Text

from forecast.analysis.chronology import NoEffectError
from forecast.analysis.diff import Cause, UnknownUpdateError
from forecast.analysis.target import UnknownTargetError
from forecast.commands import running
from forecast.commands.readable import print_table, style_of
from forecast.commands.running import echo_json, opened, refused, said, wrong_usage
from forecast.digits import before_after, change, percent, share
from forecast.ledger.ledger import read_ledger
from forecast.plain import as_data
from forecast.session import NoUpdateError
from forecast.workspace.names import OTHER
from forecast.workspace.problems import choice, shown

if TYPE_CHECKING:
    from rich.text import Text

    from forecast.analysis.chronology import ItemSplit
    from forecast.analysis.diff import Cause, ForecastDifference
    from forecast.analysis.why import Step, Stretch, Why
    from forecast.session import Session

PRIOR = "prior"
VISIBLE = 0.0005  # a Monte Carlo difference below it leaves every printed digit as it is


class _Since(click.ParamType[date | None]):
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date | None:
        if value is None or value == PRIOR:
            return None
        return running.DATE.convert(value, param, ctx)


@click.command()
@click.argument("about", metavar="[SCENARIO|EVENT[=STATE]|ITEM]", required=False)
@running.workspace
@running.as_of
@running.seed
@click.option(
    "--by",
    type=click.Choice(["item", "group", "source"]),
    default="item",
    help="Add up the steps by item, group or source.",
)
@click.option(
    "--since",
    type=_Since(),
    metavar="DATE|prior",
    help="Begin at the latest update on or before this day; `prior`: at the prior.",
)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Show the N largest steps and add up the others.")
@click.option("--all", "everything", is_flag=True, help="Print every item, also those with no effect.")
@running.as_json
def why(
    about: str | None, root: Path, as_of: date | None, seed: int | None, by: Any, since: date | None, top: int | None,
    everything: bool, as_json: bool,
) -> None:  # fmt: skip
    """Explain a probability by the evidence, item by item in the order in which it became known.

    Without an argument: the scenario that moved most since the last update. With an item of evidence: what it does to
    the forecast, in three parts.
    """

    with opened(root, as_of, seed) as session, wrong_usage(UnknownTargetError), refused(NoUpdateError, NoEffectError):
        if about is not None:
            _check_name(session, about)
        if about is not None and _is_item(session, about):
            if by != "item" or since is not None or top is not None:
                msg = f"'{about}' is an item; --by, --since and --top explain a scenario or an event"
                raise click.UsageError(msg)
            split = session.split(about)
            if as_json:
                echo_json(as_data(split))
            else:
                _print_split(split)
            return
        table = session.why(about, since=since, by=by, top=top)
    if as_json:
        echo_json(as_data(table))
    else:
        _print_steps(table, everything=everything)


def _is_item(session: Session, name: str) -> bool:
    """Say whether a name is that of an item, and of nothing that a probability could be asked of."""
    workspace = session.workspace
    taken = {OTHER, *(scenario.id for scenario in workspace.scenarios), *workspace.network.events}
    return name not in taken and any(item.id == name for item in workspace.items)


def _check_name(session: Session, about: str) -> None:
    """Raise click.UsageError for a name that nothing has, with the nearest of those that there are."""
    workspace, name = session.workspace, about.partition("=")[0]
    named = [*(scenario.id for scenario in workspace.scenarios), OTHER, *workspace.network.events]
    items = [item.id for item in workspace.items]
    if name not in named and about not in items:
        known = f"{choice('scenarios and events', name, named)}; {choice('items of evidence', about, items)}"
        raise click.UsageError(f"unknown name {shown(name)}; {known}")


def _print_split(split: ItemSplit) -> None:

    click.echo(f"{split.item}, reported {split.reported} by {split.source}: {split.headline}")
    if split.reliability_before is not None and split.reliability_now is not None:
        reliability = f"{share(split.reliability_before, 2)} without it, {share(split.reliability_now, 2)} with it"
        click.echo(f"reliability of {split.source}: {reliability}")
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("", overflow="fold")
    for heading in ("without it", "says", "", "relearned", "", "source", "", "now"):
        grid.add_column(heading, justify="right", no_wrap=True)
    named = [(row.id, row) for row in split.scenarios]
    named += [(f"{event.id}={row.id}", row) for event in split.events for row in event.states]
    for name, row in named:
        total = hypot(*(part.mcse for part in (row.direct, row.relearned, row.source)))
        cells: list[Text] = []
        for part in (row.direct, row.relearned, row.source):
            step = change(part.change, part.mcse)
            error = "" if abs(part.change) < VISIBLE else f"± {100 * part.mcse:.1f}"
            cells += [Text(step, style=style_of(step)), Text(error)]
        grid.add_row(Text(name), percent(row.before, total), *cells, percent(row.now, total))
    print_table(grid)
    click.echo("says: the report at the parameters and reliabilities of before; relearned: what parameters and other")
    click.echo("sources learn from it; source: it and its source judged by each other; in percentage points, ± error")
    if not split.reliable:
        click.echo("~ too few draws support this to know its error; the parts still add up")


def _print_steps(table: Why, *, everything: bool) -> None:

    error = table.mcse
    chosen = f" ({table.chosen})" if table.chosen else ""
    click.echo(f"{table.target}{chosen}, from {table.since} to {table.as_of}")
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("known from", no_wrap=True)
    grid.add_column("what", overflow="fold")
    for heading in ("step", "", "decibans", "then", "left out", ""):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_row("", Text(table.since), "", "", "", percent(table.from_, error), "", "")
    folded = _folded(table.rows, everything=everything)
    for rows in folded:
        if len(rows) > 1:
            grid.add_row(str(rows[0].on or ""), f"{len(rows)} with no effect", "0")
            continue
        row = rows[0]
        step = change(row.step, row.mcse)
        grid.add_row(
            str(row.on or ""),
            Text(_what(row)),
            Text(step, style=style_of(step)),
            "" if row.mcse is None or abs(row.step) < VISIBLE else f"± {100 * row.mcse:.1f}",
            _decibans(row.decibans),
            "" if row.probability is None else percent(row.probability, error),
            "" if row.leave_one_out is None else change(row.leave_one_out, None),
            _note(row),
        )
    total = table.to - table.from_
    grid.add_row("", "now", change(total, error), "", "", percent(table.to, error), "", "")
    print_table(grid)
    click.echo(
        "step ± its Monte Carlo error, and left out (what the item adds when it comes last), in percentage points"
    )
    if any(len(rows) > 1 for rows in folded):
        click.echo("--all also prints each item with no effect")
    if any(not rows[0].reliable for rows in folded if len(rows) == 1):
        click.echo(f"~ too few of the {table.draws} draws support this step to know its error; the steps still add up")


def _folded(rows: Sequence[Step | Stretch], *, everything: bool) -> list[list[Step | Stretch]]:
    """Put rows that follow each other and move nothing, first or last, together; leave out an unseen remainder."""
    folded: list[list[Step | Stretch]] = []
    for row in rows:
        if row.kind == "monte_carlo" and abs(row.step) < VISIBLE:
            continue
        if not everything and folded and _is_still(row) and _is_still(folded[-1][0]):
            folded[-1].append(row)
        else:
            folded.append([row])
    return folded


def _is_still(row: Step | Stretch) -> bool:
    moved = max(abs(row.step), abs(row.leave_one_out or 0.0))
    return moved < VISIBLE and row.possible and row.kind not in {"time", "monte_carlo", "inputs"}


def _what(row: Step | Stretch) -> str:
    return f"retraction of {row.what}" if row.kind == "retraction" else row.what


def _note(row: Step | Stretch) -> str:
    if not row.possible:
        return "impossible without later items"
    return "" if row.reliable else "~"


def _decibans(value: float | None) -> str:
    return "" if value is None else f"{value:+.1f}" if abs(value) >= 0.05 else "0"


# `forecast diff`: what changed between two forecasts, and what each change did.

SHOWN_EVENTS = 8
DEFAULT_ENDS = ("~1", "latest")


@click.command()
@click.argument("ends", nargs=-1, metavar="[A [B]]")
@running.workspace
@click.option(
    "--top", type=click.IntRange(min=1), default=12, show_default=True, metavar="N",
    help="Show the N largest steps and add up the others.",
)  # fmt: skip
@running.as_json
def diff(ends: tuple[str, ...], root: Path, top: int, as_json: bool) -> None:
    """Print what changed from forecast A to forecast B: the inputs, and the effect of each on every scenario and event.

    A and B are days (YYYY-MM-DD), numbers of ledger lines, `latest`, or ~N (N updates before it). Without them: the
    latest update against the one before.
    """

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
        _print_diff(table, top)


def _print_diff(table: ForecastDifference, top: int) -> None:
    click.echo(f"from {table.from_.name} to {table.to.name}")
    for news in table.news:
        click.echo(f"  {news}")
    if not table.news:
        click.echo("  the same inputs")
    click.echo()
    _print_diff_steps(table, top)
    click.echo("steps in percentage points, in the order in which they became known; they add up")
    if table.unreliable:
        click.echo("~ few draws support this step: it may be off by points; the steps still add up")
    _print_events(table)


def _print_diff_steps(table: ForecastDifference, top: int) -> None:

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
    print_table(grid)


def _largest(rows: Sequence[Cause], top: int) -> list[Cause]:
    """Keep time, the remainder and the `top` largest steps of items, in their order; add up the others."""

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
        ends = before_after((row.from_, row.from_mcse), (row.to, row.to_mcse), (row.change, None))
        grid.add_row(*map(Text, (name, row.id, *ends, most)))
    print_table(grid)
    if len(moved) > SHOWN_EVENTS:
        click.echo(f"and {len(moved) - SHOWN_EVENTS} more events: --json has all of them")


def _step(difference: float) -> Text:

    shown = change(difference, None)
    return Text(shown, style=style_of(shown))
