"""`forecast influence`: the arrows that carry information, and the judgements that the forecast hangs on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from forecast.commands import options


@click.command()
@click.argument("scenario", required=False)
@options.workspace
@options.as_of
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Rows of each table.")
@options.as_json
def influence(scenario: str | None, root: Path, as_of: date | None, top: int, as_json: bool) -> None:
    """Print the strongest arrows, and the events whose CPTs the spread of the scenarios (or SCENARIO) hangs on."""
    from forecast import pipeline
    from forecast.answers import influence as answer
    from forecast.commands.progress import Progress
    from forecast.workspace.problems import choice

    progress = Progress()
    try:
        found = pipeline.concluded(root, options.today(), progress, as_of=as_of)
    finally:
        progress.done()
    names = found.scenario_ids
    if scenario is not None and scenario not in names:
        raise click.UsageError(f"no scenario '{scenario}'; {choice('scenarios', scenario, names)}")
    told = answer.influence(found)
    if scenario is not None:
        names = (scenario,)
        for row in told["judgements"]:
            row["shares"] = {scenario: row["shares"][scenario]}
        told["judgements"].sort(key=lambda row: -(row["shares"][scenario] or 0.0))
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False))
        return
    arrows = [(f"{row['parent']} -> {row['child']}", f"{row['bits']:.4f}") for row in told["arrows"][:top]]
    _table(("arrow", "bits"), arrows)
    rows = [(row["event"], *map(_percent, row["shares"].values())) for row in told["judgements"][:top]]
    _table(("share of the spread from the CPT of", *names), rows)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        grid.add_column(heading, justify="right" if place else "left", overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    Console(highlight=False, soft_wrap=False).print(grid)
