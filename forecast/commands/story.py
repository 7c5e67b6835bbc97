"""`forecast story`: each scenario as its most probable course of events."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options
from forecast.commands.running import echo_json, opened
from forecast.digits import DERIVED, exact, percent
from forecast.plain import as_data

if TYPE_CHECKING:
    from forecast.analysis.story import CourseStep, Distinguishing, Story


TELLING = 5  # events that tell a scenario from the others


@click.command()
@click.argument("scenario", required=False)
@options.workspace
@options.as_of
@options.as_json
def story(scenario: str | None, root: Path, as_of: date | None, as_json: bool) -> None:
    """Describe every scenario (or SCENARIO, with every event) by its most probable course, and what sets it apart."""
    from forecast.workspace.problems import choice

    with opened(root, as_of) as session:
        names = session.outcome.scenario_ids
        if scenario is not None and scenario not in names:
            raise click.UsageError(f"no scenario '{scenario}'; {choice('scenarios', scenario, names)}")
        rows = session.stories()
    if scenario is not None:
        rows = tuple(row for row in rows if row.scenario == scenario)
        if not rows:
            raise click.ClickException(f"scenario '{scenario}' is impossible on the evidence")
    if as_json:
        echo_json(as_data(rows if scenario is None else rows[0]))
        return
    for place, row in enumerate(rows):
        if place:
            click.echo()
        _print(row, in_full=scenario is not None)


def _print(row: Story, *, in_full: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=False)
    console.print(Text(f"{row.scenario}  {percent(row.probability, row.mcse)}  {row.name}", style="bold"))
    console.print(Text(f"Holds when {row.rule}; the probability is that of this rule."))
    console.print(Text(f"Most probable course: {row.text}"))
    console.print(Text(_how_probable(row)))
    if in_full:
        _print_course(row)
    _print_telling(row)


def _how_probable(row: Story) -> str:
    said = (
        f"This one course has a probability of {exact(row.story_probability, DERIVED)}, "
        f"{exact(row.course_probability, DERIVED)} of the scenario's"
    )
    if not row.close:
        return f"{said}."
    near = row.close[0]
    share = near.probability / row.course_probability
    return f"{said}; the next one, {near.event} {near.state} instead, is {share:.2f} times as probable."


def _print_course(row: Story) -> None:
    grid = _grid(("event", "now", "course"), ("in the scenario", "overall"))
    for step in row.course:
        cells = (step.event, step.now or "-", step.state, *_two(step))
        grid.add_row(*_texts(cells, bold=step.now is not None and step.state != step.now))
    _show(grid)


def _print_telling(row: Story) -> None:
    grid = _grid(("what sets it apart", ""), ("in the scenario", "overall", "distance"))
    for feature in row.distinguishing[:TELLING]:
        name = f"{feature.event} {feature.state}"
        cells = (name, "by its rule" if feature.defines else "", *_two(feature), f"{feature.distance:.2f}")
        grid.add_row(*_texts(cells))
    _show(grid)


def _two(row: CourseStep | Distinguishing) -> tuple[str, str]:
    return percent(row.in_scenario, None), percent(row.overall, row.overall_mcse)


def _grid(left: tuple[str, ...], right: tuple[str, ...]) -> Any:
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for heading in left:
        grid.add_column(heading, overflow="fold")
    for heading in right:
        grid.add_column(heading, justify="right")
    return grid


def _texts(cells: tuple[str, ...], *, bold: bool = False) -> list[Any]:
    from rich.text import Text

    return [Text(cell, style="bold" if bold else "") for cell in cells]


def _show(grid: Any) -> None:
    from rich.console import Console

    Console(highlight=False, soft_wrap=False).print(grid)
