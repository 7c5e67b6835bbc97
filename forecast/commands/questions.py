"""`forecast questions`: every dated question with its probability today, what others say, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any

import click

from forecast.commands import options
from forecast.commands.one_or_all import one_or_all
from forecast.digits import exact, percent

Row = Mapping[str, Any]


@click.command()
@click.argument("name", required=False)
@options.workspace
@options.as_of
@options.seed
@options.as_json
def questions(name: str | None, root: Path, as_of: date | None, seed: int | None, as_json: bool) -> None:
    """Print every question's probability beside benchmarks and the base rate; with NAME, all about one question."""
    from forecast import pipeline
    from forecast.questions.table import question_table

    def compute(progress: Callable[[str], None]) -> Sequence[Row]:
        chosen = pipeline.DEFAULT_SEED if seed is None else seed
        return question_table(pipeline.concluded(root, options.today(), progress, as_of=as_of, seed=chosen))

    one_or_all(compute, "question", name, as_json=as_json, print_all=_print_all, print_one=_print_one)


def _print_all(rows: Sequence[Row]) -> None:
    width = max((len(row["question"]) for row in rows), default=0)
    if not rows:
        click.echo("there are no questions; write them in priors/questions.yaml")
        return
    click.secho(f"{'question':{width}}  {'by':10}  {'status':9}  forecast, 90 % interval", bold=True)
    for row in rows:
        shown, interval = _forecast(row)
        numbers = "-" if row["probability"] is None else f"{shown}, {interval}"
        color = "yellow" if row["status"] == "due" else None
        left = f"{row['question']:{width}}  {row['by']}  "
        click.echo(left + click.style(f"{_status(row):9}", fg=color) + f"  {numbers}")
        for line in wrap(_others(row), get_terminal_size().columns - 4, break_on_hyphens=False):
            click.secho(f"    {line}", dim=True)
    click.echo("the latest number of each benchmark, which may resolve by other rules: `forecast questions NAME`")


def _others(row: Row) -> str:
    base = [f"base rate {exact(row['base_rate']['probability'])}"] if row["base_rate"] else []
    return "; ".join([*(_other(one) for one in row["benchmarks"]), *base])


def _other(one: Row) -> str:
    return f"{one['forecaster']} {exact(one['probability'])} ({one['date'][:7]})"


def _status(row: Row) -> str:
    return str(row["resolution"]["state"]) if row["status"] == "resolved" else str(row["status"])


def _forecast(row: Row) -> tuple[str, str]:
    from forecast.commands.readable import interval_of

    if row["probability"] is None:
        return "-", "-"
    shown = percent(row["probability"], row["mcse"])
    return shown, "settled" if row["is_decided"] else interval_of(row)


def _print_one(row: Row) -> None:
    shown, interval = _forecast(row)
    click.echo(f"{row['text']}\n{row['event']}: {' or '.join(row['states'])}, {row['opens']} to {row['by']}")
    if row["probability"] is not None:
        click.echo(f"forecast   {shown}" + (", settled" if row["is_decided"] else f", 90 % in {interval}"))
    for one in row["benchmarks"]:
        click.echo(f"{one['forecaster']}   {exact(one['probability'])} on {one['date']}")
    if row["base_rate"]:
        base = row["base_rate"]
        click.echo(f"base rate   {exact(base['probability'])} ({base['publisher']}): {base['why']}")
    if row["caution"]:
        click.echo(f"caution   {row['caution']}")
    if row["resolution"]:
        ended = row["resolution"]
        why = f": {ended['note']}" if ended["note"] else ""
        click.echo(f"ended   {_status(row)} on {ended['on']}, known from {ended['known']}{why}")
        if ended["source"]:
            click.echo(f"source   {ended['source']}")
    elif row["status"] == "due":
        click.echo(f"it is due: forecast resolve {row['question']} yes|no --on DATE --source URL")
