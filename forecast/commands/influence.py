"""`forecast influence`: the arrows that carry information, and the judgements that the forecast depends on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands import options
from forecast.commands.running import echo_json, opened
from forecast.digits import change, percent
from forecast.plain import as_data

if TYPE_CHECKING:
    from forecast.analysis.influence import GradeShift, Influence, ProbabilityChange, WithoutExpert


LEAST_BITS, LEAST_SHARE = 0.0005, 0.005  # what is smaller prints as zero
VISIBLE = 0.0005  # of a change of probability


@click.command()
@click.argument("scenario", required=False)
@options.workspace
@options.as_of
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Rows of each table.")
@options.as_json
def influence(scenario: str | None, root: Path, as_of: date | None, top: int, as_json: bool) -> None:
    """Print the strongest arrows, and the judgements that the scenarios (or SCENARIO) depend on most.

    Judgements: the CPTs that the spread comes from, each expert left out, each grade moved up or down.
    """
    from forecast.workspace.problems import choice

    with opened(root, as_of) as session:
        names = session.outcome.scenario_ids
        if scenario is not None and scenario not in names:
            raise click.UsageError(f"no scenario '{scenario}'; {choice('scenarios', scenario, names)}")
        answer = session.influence()
    if scenario is not None:
        names = (scenario,)
        answer = answer.of(scenario)
    if as_json:
        echo_json(as_data(answer))
        return
    _print(answer, names, top)


def _print(answer: Influence, names: Sequence[str], top: int) -> None:
    arrows = [row for row in answer.arrows if row.bits >= LEAST_BITS]
    _table(("arrow", "bits"), [(f"{row.parent} -> {row.child}", f"{row.bits:.3f}") for row in arrows[:top]])
    if rest := len(answer.arrows) - len(arrows[:top]):
        click.echo(f"and {rest} weaker arrow{'s' * (rest != 1)}")
    click.echo()
    rows = [row for row in answer.judgements if any((row.shares[name] or 0.0) >= LEAST_SHARE for name in names)]
    _table(
        ("share of the spread from the CPT of", *names),
        [(row.event, *(_share(row.shares[name]) for name in names)) for row in rows[:top]],
    )
    if any(row.shares[name] is None for row in rows for name in names):
        click.echo("-: too few draws for that many parameters")
    click.echo()
    borne = [(row, row.effects) for row in answer.experts if row.effects is not None]
    _table(
        ("without", "statements", *names),
        [(_who(row), str(row.statements), *(_change(effects[name]) for name in names)) for row, effects in borne[:top]],
    )
    if borne:
        click.echo("change in percentage points ± its Monte Carlo error, by reweighting the draws")
    if refit := [row for row in answer.experts if not row.reliable]:
        listed = ", ".join(_who(row) for row in refit)
        click.echo(f"needs a refit with `forecast show --without-expert NAME` (for a group --without-group): {listed}")
    _print_grades(answer.grades, names)


def _print_grades(rows: Sequence[GradeShift], names: Sequence[str]) -> None:
    if not rows:
        return
    moving = [row for row in rows if any(abs(row.effects[name]) >= VISIBLE for name in names)]
    click.echo()
    _table(
        ("grade", "counted as", "sources", *names),
        [
            (row.grade, row.as_, str(row.sources), *(change(row.effects[name], None) for name in names))
            for row in moving
        ],
    )
    if moving:
        click.echo("change in percentage points if sources of one grade counted as another grade")
    if still := [f"{row.grade} as {row.as_}" for row in rows if row not in moving]:
        click.echo(f"no effect if counted otherwise: {', '.join(sorted(still))}")


def _share(share: float | None) -> str:
    return "-" if share is None else percent(share, None)


def _who(row: WithoutExpert) -> str:
    return f"group {row.name}" if row.kind == "group" else row.name


def _change(effect: ProbabilityChange) -> str:
    return f"{change(effect.change, effect.mcse)} ± {100 * effect.mcse:.1f}"


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
