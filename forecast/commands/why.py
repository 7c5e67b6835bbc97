"""`forecast why`: a probability as a sum of steps, one for each part of the evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options
from forecast.commands.readable import style_of
from forecast.digits import change, percent

if TYPE_CHECKING:
    from forecast.answers.target import Target
    from forecast.answers.why import Start
    from forecast.record.outcome import Outcome

PRIOR = "prior"
VISIBLE = 0.0005  # a Monte Carlo difference below it leaves every printed digit as it is


class _Since(click.ParamType[date | None]):
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date | None:
        if value is None or value == PRIOR:
            return None
        return options.DATE.convert(value, param, ctx)


@click.command()
@click.argument("about", metavar="[SCENARIO|EVENT[=STATE]]", required=False)
@options.workspace
@options.as_of
@options.seed
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
@options.as_json
def why(
    about: str | None, root: Path, as_of: date | None, seed: int | None, by: Any, since: date | None, top: int | None,
    everything: bool, as_json: bool,
) -> None:  # fmt: skip
    """Explain a probability by the evidence, item by item in the order in which it became known.

    Without an argument: the scenario that moved most since the last update.
    """
    from forecast import pipeline
    from forecast.answers.target import UnknownTargetError, error_of, find_target
    from forecast.answers.why import why as explained
    from forecast.commands.progress import Progress
    from forecast.record.outcome import prior_outcome

    progress = Progress()
    try:
        found = pipeline.concluded(
            root, options.today(), progress, as_of=as_of, seed=pipeline.DEFAULT_SEED if seed is None else seed
        )
        target = find_target(found, about)
        prior = prior_outcome(found)
        start = _start(root, found, prior, target, since)
        target, chosen = _chosen(root, found, target, start)
        told = explained(found, prior, target, start, by, top, progress)
        table = {"chosen": chosen, "mcse": error_of(found, target), **told}
    except UnknownTargetError as error:
        raise click.UsageError(str(error)) from error
    finally:
        progress.done()
    if as_json:
        click.echo(json.dumps(table, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        _print(table, everything=everything)


def _start(root: Path, found: Outcome, prior: Outcome, target: Target, since: date | None) -> Start:
    from forecast import pipeline
    from forecast.answers.target import probabilities
    from forecast.answers.why import Start

    if since is None:
        return Start("the prior", probabilities(prior, target))
    start = pipeline.since_update(root, found, target.event, since)
    if start is None:
        what = f"no update on or before {since} in {root / 'reports'}"
        raise click.ClickException(what if target.event is None else f"{what} that has the events")
    return start


def _chosen(root: Path, found: Outcome, target: Target, start: Start) -> tuple[Target, str | None]:
    """Choose the part that moved most if none is asked for, and tell since when."""
    from forecast import pipeline
    from forecast.answers.why import most_moved

    if target.asked is not None:
        return target, None
    last = pipeline.since_update(root, found, None, None) if target.event is None and start.on is None else None
    since = last or start
    return replace(most_moved(found, target, since)), f"moved most since {since.name}"


def _print(table: Mapping[str, Any], *, everything: bool) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    error = table["mcse"]
    chosen = f" ({table['chosen']})" if table["chosen"] else ""
    click.echo(f"{table['target']}{chosen}, from {table['since']} to {table['as_of']}")
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("known from", no_wrap=True)
    grid.add_column("what", overflow="fold")
    for heading in ("step", "", "decibans", "then", "left out", ""):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_row("", Text(table["since"]), "", "", "", percent(table["from"], error), "", "")
    folded = _folded(table["rows"], everything=everything)
    for rows in folded:
        if len(rows) > 1:
            grid.add_row(rows[0]["on"] or "", f"{len(rows)} with no effect", "0")
            continue
        row = rows[0]
        step = change(row["step"], row["mcse"])
        grid.add_row(
            row["on"] or "",
            Text(_what(row)),
            Text(step, style=style_of(step)),
            "" if row["mcse"] is None or abs(row["step"]) < VISIBLE else f"± {100 * row['mcse']:.1f}",
            _decibans(row["decibans"]),
            "" if row["probability"] is None else percent(row["probability"], error),
            "" if row["leave_one_out"] is None else change(row["leave_one_out"], None),
            _note(row),
        )
    total = table["to"] - table["from"]
    grid.add_row("", "now", change(total, error), "", "", percent(table["to"], error), "", "")
    Console(highlight=False, soft_wrap=False).print(grid)
    click.echo(
        "step ± its Monte Carlo error, and left out (what the item adds when it comes last), in percentage points"
    )
    if any(len(rows) > 1 for rows in folded):
        click.echo("--all also prints each item with no effect")
    if any(not rows[0]["reliable"] for rows in folded if len(rows) == 1):
        click.echo(
            f"~ too few of the {table['draws']} draws support this step to know its error; the steps still add up"
        )


def _folded(rows: Sequence[Mapping[str, Any]], *, everything: bool) -> list[list[Mapping[str, Any]]]:
    """Put rows that follow each other and move nothing, first or last, together; leave out an unseen remainder."""
    folded: list[list[Mapping[str, Any]]] = []
    for row in rows:
        if row["kind"] == "monte_carlo" and abs(row["step"]) < VISIBLE:
            continue
        if not everything and folded and _is_still(row) and _is_still(folded[-1][0]):
            folded[-1].append(row)
        else:
            folded.append([row])
    return folded


def _is_still(row: Mapping[str, Any]) -> bool:
    moved = max(abs(row["step"]), abs(row["leave_one_out"] or 0.0))
    return moved < VISIBLE and row["possible"] and row["kind"] not in {"time", "monte_carlo", "inputs"}


def _what(row: Mapping[str, Any]) -> str:
    return f"retraction of {row['what']}" if row["kind"] == "retraction" else str(row["what"])


def _note(row: Mapping[str, Any]) -> str:
    if not row["possible"]:
        return "impossible without later items"
    return "" if row["reliable"] else "~"


def _decibans(value: float | None) -> str:
    return "" if value is None else f"{value:+.1f}" if abs(value) >= 0.05 else "0"
