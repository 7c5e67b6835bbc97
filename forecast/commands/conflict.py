"""`forecast conflict`: how surprising the evidence is, which items fight, and which statements it refutes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click

from forecast.commands import options


@click.command()
@options.workspace
@options.as_of
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="Rows of each table.")
@options.as_json
def conflict(root: Path, as_of: date | None, top: int, as_json: bool) -> None:
    """Print how far the reports disagree with each other, and what they made of the statements."""
    from forecast import pipeline
    from forecast.answers import conflict as answer
    from forecast.commands.progress import Progress

    progress = Progress()
    try:
        told = answer.conflict(pipeline.concluded(root, options.today(), progress, as_of=as_of), top, progress)
    finally:
        progress.done()
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        _print(told, top)


def _print(told: Mapping[str, Any], top: int) -> None:
    verdict = "less" if told["conflict"] > 0.0 else "more"
    click.echo(
        f"{told['reports']} reports, conflict {told['conflict']:+.2f} decibans: "
        f"{verdict} probable together than each by itself"
    )
    for heading, rows in (("fight", told["fights"]), ("support each other", told["supports"])):
        _table(
            (heading, "decibans"),
            [(f"{' / '.join(row['items'])}{' (copies)' if row['copies'] else ''}", _signed(row)) for row in rows],
        )
    _table(("least expected after all others", "decibans"), [(r["item"], _signed(r)) for r in told["items"][:top]])
    _table(
        ("statement", "stated", "before", "after", ""),
        [
            (
                row["statement"],
                f"{_percent(row['stated'][1])} ({_percent(row['stated'][0])} to {_percent(row['stated'][2])})",
                _percent(row["before"]),
                _percent(row["after"]),
                "refuted" if row["refuted"] else "",
            )
            for row in told["statements"]
        ],
    )


def _signed(row: Mapping[str, Any]) -> str:
    return f"{row['decibans']:+.3f}"


def _percent(probability: float) -> str:
    return f"{100 * probability:.1f} %"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    if not rows:
        return
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        grid.add_column(heading, justify="right" if place else "left", overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    Console(highlight=False, soft_wrap=False).print(grid)
