"""`forecast conflict`: how surprising the evidence is, which items fight, and which statements it refutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands import options
from forecast.commands.running import echo_json, opened
from forecast.digits import DERIVED, exact, percent, share
from forecast.plain import as_data

if TYPE_CHECKING:
    from forecast.analysis.conflict import Conflict


LEAST_DECIBANS = 0.005  # what is smaller prints as zero
SURPRISING = 0.05


@click.command()
@options.workspace
@options.as_of
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="Rows of each table.")
@options.as_json
def conflict(root: Path, as_of: date | None, top: int, as_json: bool) -> None:
    """Print how far the reports conflict with each other, and how they moved the stated probabilities."""
    with opened(root, as_of) as session:
        answer = session.conflict(top)
    if as_json:
        echo_json(as_data(answer))
    else:
        _print(answer, top)


def _print(answer: Conflict, top: int) -> None:
    n = answer.telling
    click.echo(f"{answer.reports} report{'s' * (answer.reports != 1)}, {n} with weight left")
    if n:
        _print_whole(answer)
    for heading, rows in (("conflict with each other", answer.fights), ("support each other", answer.supports)):
        _table(
            (heading, "decibans", ""),
            [
                (
                    f"{' / '.join(row.items)}{' (copies)' if row.copies else ''}",
                    f"{row.decibans:+.2f}",
                    f"± {row.mcse:.2f}",
                )
                for row in rows
                if abs(row.decibans) >= LEAST_DECIBANS
            ],
        )
    _table(
        ("least expected after all others", "chance", "p-value", "decibans"),
        [
            (row.item, percent(row.chance, row.mcse), share(row.p_value, 2), f"{row.decibans:+.2f}")
            for row in sorted(answer.items, key=lambda row: (row.p_value, -row.decibans))[:top]
        ],
    )
    false = [claim for claim in answer.claims if not claim.was_true]
    if answer.claims:
        n = len(answer.claims)
        click.echo(f"claims judged by now: {n}, of which false when they were made: {len(false)}")
    _table(
        ("false when it was made", "claimed on", "so since"),
        [
            (
                f"{claim.item} ({claim.event} {' or '.join(claim.states)})",
                str(claim.claimed_on),
                "not so far" if claim.since is None else str(claim.since),
            )
            for claim in false
        ],
    )
    _table(
        ("statement", "stated", "before", "after", ""),
        [
            (
                row.statement,
                _stated(*row.stated),
                percent(row.before, None),
                percent(row.after, None),
                "refuted" if row.refuted else "",
            )
            for row in answer.statements
        ],
    )


def _print_whole(answer: Conflict) -> None:
    whole = answer.surprise
    verdict = "surprising" if whole.p_value < SURPRISING else "not surprising"
    click.echo(
        f"{verdict}: {percent(whole.p_value, whole.mcse)} (± {100 * whole.mcse:.1f}) of simulated sets of "
        f"reports are at least as improbable as this one"
    )
    if abs(answer.conflict) < max(LEAST_DECIBANS, 2.0 * answer.mcse):
        together = "as probable together as they would be independently"
    else:
        together = f"{'less' if answer.conflict > 0.0 else 'more'} probable together than they would be independently"
    click.echo(f"conflict {answer.conflict:+.2f} ± {answer.mcse:.2f} decibans: {together}")


def _stated(low: float, middle: float, high: float) -> str:
    ends = [exact(end, DERIVED) for end in (low, high)]
    return f"{exact(middle)} ({ends[0].removesuffix(' %')} to {ends[1]})"


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
