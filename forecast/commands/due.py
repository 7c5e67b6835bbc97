"""`forecast due`: what should be resolved, what is stale, what contradicts itself."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands import options
from forecast.commands.forked import said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forecast.questions.due import Due

HEADINGS = {
    "contradiction": "Contradicts itself",
    "resolve": "To resolve",
    "watch": "News not watched",
    "update": "Not in any update",
    "benchmark": "Benchmarks",
    "source": "Sources that never reported",
}


@click.command()
@options.workspace
@options.as_of
@click.option(
    "--days",
    type=click.IntRange(min=1),
    default=14,
    show_default=True,
    help="Days after which news and benchmarks are stale.",
)
@options.as_json
def due(root: Path, as_of: date | None, days: int, as_json: bool) -> None:
    """List what is due: questions to resolve, news not watched, evidence not in any update, contradictions."""
    from dataclasses import asdict

    from forecast.pipeline import open_workspace
    from forecast.questions.due import due as what_is_due
    from forecast.record.ledger import read_ledger
    from forecast.record.renamed import called_today

    workspace, layout, day = open_workspace(root, options.today(), as_of)
    ledger = called_today(read_ledger(root), workspace)
    said(ledger)
    earlier = [line for line in ledger.updates if line.as_of <= day]
    # An update of a past date may have been made after that of a later one.
    latest = max(reversed(earlier), key=lambda line: line.as_of, default=None)
    found = what_is_due(workspace, layout, day, latest, days)
    if as_json:
        told = {"as_of": day.isoformat(), "due": [asdict(one) for one in found]}
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    for kind, heading in HEADINGS.items():
        if of_kind := [one for one in found if one.kind == kind]:
            click.secho(heading, bold=True)
            _print(of_kind)
    click.echo("nothing is due" if not found else f"as of {day}; {len(found)} to look at")


def _print(found: Sequence[Due]) -> None:
    for one in found:
        click.echo(f"  {one.subject}: {one.what}")
    # What many have in common is said once.
    for command in dict.fromkeys(one.command for one in found if one.command is not None):
        click.secho(f"    {command}", fg="cyan")
