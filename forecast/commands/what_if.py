"""`forecast what-if`: the forecast under a supposition, beside the one that is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.table import Table as Grid
from rich.text import Text

from forecast.analysis.supposition import TooDenseError
from forecast.analysis.what_if import ImpossibleError
from forecast.commands import running
from forecast.commands.readable import print_table, style_of
from forecast.commands.running import echo_json, opened, refused, wrong_usage
from forecast.digits import before_after, change, exact, number, percent, rare, size
from forecast.plain import as_data
from forecast.workspace.numbers import number_in
from forecast.workspace.problems import choice

if TYPE_CHECKING:
    from forecast.analysis.story import CourseStep, Distinguishing, Story
    from forecast.analysis.watch import WatchList
    from forecast.analysis.what_if import Effect, EventEffect, WhatIf

EVENTS = 12  # printed; --all prints every one
Numbers = tuple[str, str, str]  # a probability before and after, and its change
LEAST_DECIBANS = 0.05  # a report that says less is counted, not named
FEW_DRAWS = 400.0  # effective draws under which a supposition rests on too few


@click.command()
@click.argument("learned", metavar="[EVENT=STATE]...", nargs=-1)
@running.workspace
@running.as_of
@running.seed
@click.option(
    "--do", "imposed", multiple=True, metavar="EVENT=STATE", help="Intervene: the event is put into this state."
)
@click.option(
    "--set",
    "reset",
    multiple=True,
    metavar="EVENT=STATE:P",
    help="Set the state's probability to P (Jeffrey's rule; several together).",
)
@click.option(
    "--at-once", is_flag=True, help="What is learned or imposed comes true on the as-of date (without: by the horizon)."
)
@click.option("--on", "day", type=running.DATE, metavar="DATE", help="Every state on this day, not the horizon date.")
@click.option("--all", "everything", is_flag=True, help=f"Print every event, not only the {EVENTS} that move most.")
@running.as_json
def what_if(
    learned: tuple[str, ...], root: Path, as_of: date | None, seed: int | None, imposed: tuple[str, ...],
    reset: tuple[str, ...], at_once: bool, day: date | None, everything: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show every probability before and after a supposition.

    EVENT=STATE conditions on the state on the horizon date, whenever it came, and with --at-once on its coming true
    today; several form one condition. EVENT=STATE,STATE is either state, and in quotes 'EVENT>=STATE' it or a later
    one, 'EVENT<=STATE' it or an earlier one. --do intervenes: only events downstream move. It is so on the horizon
    date, having come on any day until then; with --at-once it takes effect today. --set replaces a probability;
    several are set together, with the smallest change of everything else. --on asks about another day than the
    horizon date.
    """

    if not (learned or imposed or reset):
        raise click.UsageError("nothing is supposed; give EVENT=STATE, --do EVENT=STATE or --set EVENT=STATE:P")
    if at_once and not (learned or imposed):
        raise click.UsageError("--at-once is for EVENT=STATE and --do EVENT=STATE, and none is given")
    with opened(root, as_of, seed) as session, wrong_usage(ValueError), refused(ImpossibleError, TooDenseError):
        table = session.what_if(learned, imposed, reset, at_once=at_once, on=day)
    if as_json:
        echo_json(as_data(table))
    else:
        _print_what_if(table, everything=everything)


def _print_what_if(table: WhatIf, *, everything: bool) -> None:
    click.echo(f"{_supposed(table)}, as of {table.as_of}")
    if table.in_time:
        click.echo(_in_time(table))
    has_forecast = _differs(table)
    _print_scenarios(table.scenarios, has_forecast=has_forecast)
    click.echo()
    rows = [(event, [(row, _numbers(row)) for row in event.states]) for event in table.events]
    moving = [(event, [one for one in states if one[1][-1] != "0"]) for event, states in rows]
    moving = [one for one in moving if one[1]]
    shown = rows if everything else moving[:EVENTS]
    _print_events(shown, has_forecast=has_forecast)
    if not everything:
        if more := moving[EVENTS:]:
            click.echo(f"{_others(len(more))} {_move(more)} by at most {_at_most(more[0][0])} points")
        if still := rows[len(moving) :]:
            click.echo(f"{_others(len(still))} {'does' if len(still) == 1 else 'do'} not move: --all lists all")
    _print_notes(table)


def _in_time(table: WhatIf) -> str:
    """Say which day the supposition is about, and how to ask for the other."""
    if table.at_once:
        so = "found so" if table.learned else "so"
        then = f"{so} on {_day(table)}, whenever it came: without --at-once"
        return f"it comes true on {table.as_of} (a status may change again); {then}"
    if table.imposed:
        day = f"on a day between {table.as_of} and then that is not known, over which the effect is averaged"
        found = "what is learned is found so on that date; " if table.learned else ""
        return f"it is so on {_day(table)}, put so {day}; {found}put so today: --at-once"
    more = "; once it is so, today: --at-once" if table.learned else ""
    return f"every state is that on {_day(table)}, whenever it came{more}"


def _day(table: WhatIf) -> str:
    return f"the horizon date, {table.horizon}" if table.on == table.horizon else f"{table.on}"


def _differs(table: WhatIf) -> bool:
    """Say whether, of what is printed, the forecast is visibly another than what an intervention is held against."""
    rows = [*table.scenarios, *(row for event in table.events for row in event.states)]
    ends = ((percent(row.forecast, row.forecast_mcse), percent(row.before, row.before_mcse)) for row in rows)
    return any(forecast != before for forecast, before in ends)


def _others(number: int) -> str:
    return f"{number} other event{'s' * (number != 1)}"


def _move(events: Sequence[object]) -> str:
    return f"move{'s' * (len(events) == 1)}"


def _at_most(event: EventEffect) -> str:
    return change(event.moved, None).lstrip("+")


def _supposed(table: WhatIf) -> str:
    parts = []
    if table.learned:
        now = "at once" if table.p_learned is None else f"now {percent(table.p_learned, table.p_learned_mcse)}"
        parts.append(f"conditioned on {' and '.join(table.learned)} ({now})")
    if table.imposed:
        now = " at once" if table.at_once and table.in_time else ""
        parts.append(f"intervention {' and '.join(table.imposed)}{now}")
    if table.set:
        parts.append(f"set {' and '.join(table.set)}")
    return "; ".join(parts)


def _print_scenarios(rows: Sequence[Effect], *, has_forecast: bool) -> None:
    grid = _effects_grid(("scenario",), has_forecast=has_forecast)
    for row in rows:
        grid.add_row(*_cells((row.id,), row, _numbers(row), has_forecast=has_forecast))
    print_table(grid)


def _print_events(
    events: Sequence[tuple[EventEffect, Sequence[tuple[Effect, Numbers]]]], *, has_forecast: bool
) -> None:
    if not events:
        return
    grid = _effects_grid(("event", "state"), has_forecast=has_forecast)
    for event, states in events:
        for place, (row, numbers) in enumerate(states):
            names = (event.id if place == 0 else "", row.id)
            grid.add_row(*_cells(names, row, numbers, has_forecast=has_forecast))
    print_table(grid)


def _effects_grid(names: Sequence[str], *, has_forecast: bool) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in names:
        grid.add_column(heading)
    for heading in (*(("forecast",) if has_forecast else ()), "before", "after", "change"):
        grid.add_column(heading, justify="right")
    return grid


def _numbers(row: Effect) -> Numbers:
    """Write a row's probabilities and its change, which agrees with them."""
    return before_after((row.before, row.before_mcse), (row.after, row.after_mcse), (row.change, row.change_mcse))


def _cells(names: Sequence[str], row: Effect, numbers: Numbers, *, has_forecast: bool) -> list[Text]:
    *ends, moved = numbers
    forecast = (percent(row.forecast, row.forecast_mcse),) if has_forecast else ()
    return [*map(Text, (*names, *forecast, *ends)), Text(moved, style=style_of(moved))]


def _print_notes(table: WhatIf) -> None:
    if table.imposed:
        below = ", ".join(table.descendants) or "nothing"
        click.echo(f"only events downstream of the intervention can move: {below}")
    if table.set_aside:
        click.echo(f"reports set aside, as they concern this event or events downstream: {_items(table)}")
    if _differs(table):
        click.echo(
            "before: what is downstream follows from its causes alone, as after; no report on it counts in either, so "
            "the change is what the intervention does. forecast: with these reports"
        )
    for said in table.stated:
        about = f"{said.event}={','.join(said.states)}"
        here = f"{percent(said.here, said.here_mcse)} here and {exact(said.stated)} stated by {said.statement}"
        click.echo(f"{about} has {here}: {said.why}")
    if table.diagnostics.ess < FEW_DRAWS:
        click.echo(f"rests on few draws: effective size {table.diagnostics.ess:.0f}")


def _items(table: WhatIf) -> str:
    told, spent = [], 0
    for row in table.set_aside:
        if row.decibans is None:
            told.append(f"{row.item} (excludes states)")
        elif row.decibans >= LEAST_DECIBANS:
            told.append(f"{row.item} ({row.decibans:.1f} dB)")
        else:
            spent += 1
    if spent:
        told.append(f"{spent} with almost no weight left")
    return ", ".join(told)


# `forecast story`: each scenario as its most probable course of events.

TELLING = 5  # events that tell a scenario from the others


@click.command()
@click.argument("scenario", required=False)
@running.workspace
@running.as_of
@running.as_json
def story(scenario: str | None, root: Path, as_of: date | None, as_json: bool) -> None:
    """Describe every scenario (or SCENARIO, with every event) by its most probable course, and what sets it apart."""

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
        _print_stories(row, in_full=scenario is not None)


def _print_stories(row: Story, *, in_full: bool) -> None:

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
        f"This one course has a probability of {rare(row.story_probability)}, "
        f"{rare(row.course_probability)} of the scenario's"
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

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for heading in left:
        grid.add_column(heading, overflow="fold")
    for heading in right:
        grid.add_column(heading, justify="right")
    return grid


def _texts(cells: tuple[str, ...], *, bold: bool = False) -> list[Any]:

    return [Text(cell, style="bold" if bold else "") for cell in cells]


def _show(grid: Any) -> None:

    print_table(grid)


# `forecast watch-list`: which events to watch, by what their state in some days will tell of the scenarios.

LEAST_BITS = 0.0005  # what is smaller prints as zero
SHOWN_OUTCOMES = 2  # of each event: those that move a scenario most


@click.command(name="watch-list")
@running.workspace
@running.as_of
@click.option(
    "--days", type=click.IntRange(min=1), default=90, show_default=True, help="Days to watch, from the as-of date."
)
@click.option("--cost", "costs", multiple=True, metavar="EVENT=NUMBER", help="Cost of watching an event, in any unit.")
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Number of events to print.")
@running.as_json
def watch_list(root: Path, as_of: date | None, days: int, costs: Sequence[str], top: int, as_json: bool) -> None:
    """Rank events by what watching them for some days will reveal about the scenarios, in bits."""
    with opened(root, as_of) as session:
        watchable = [event.id for event in session.layout.events if event.kind != "constant"]
        answer = session.watch_list(days, dict(_cost(text, watchable) for text in costs))
    if as_json:
        echo_json(as_data(answer))
    else:
        _print_watch_list(answer, top)


def _cost(text: str, events: Sequence[str]) -> tuple[str, float]:

    event, _, number = text.partition("=")
    if event not in events:
        raise click.BadParameter(
            f"'{text}': {choice('events that can be watched', event, events)}", param_hint="--cost"
        )
    cost = number_in(number.strip())
    if cost is None or cost <= 0.0:
        raise click.BadParameter(f"'{text}': write {event}=NUMBER, above zero", param_hint="--cost")
    return event, cost


def _print_watch_list(answer: WatchList, top: int) -> None:

    with_cost = any(row.cost is not None for row in answer.events)
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("event", overflow="fold")
    for heading in ("bits", "share", *(("bits per unit",) if with_cost else ())):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("by then", overflow="fold")
    grid.add_column("chance", justify="right", no_wrap=True)
    grid.add_column("moves most", overflow="fold")
    telling = [row for row in answer.events if row.bits >= LEAST_BITS or row.cost is not None]
    for row in telling[:top]:
        per_unit = ("-" if row.cost is None else size(row.bits_per_unit or 0.0, 4),) if with_cost else ()
        marked = f"{row.event}{' *' if row.defines else ''}"
        left: tuple[str, ...] = (marked, size(row.bits, 3), percent(row.share, None), *per_unit)
        for place, outcome in enumerate(row.outcomes[:SHOWN_OUTCOMES]):
            moves = outcome.moves
            right = (
                f"{outcome.state}{' (as now)' if outcome.state == row.now else ''}",
                percent(outcome.probability, None),
                f"{moves.scenario} {number(moves.from_, None)} to {percent(moves.to, None)}",
            )
            grid.add_row(*map(Text, (*(left if place == 0 else ("",) * len(left)), *right)))
    print_table(grid)
    if rest := [row.event for row in answer.events if row not in telling[:top]]:
        less = "" if len(telling) > top else f" (under {LEAST_BITS} bits each)"
        click.echo(f"and {len(rest)} with less information{less}: {', '.join(rest)}")
    click.echo(f"by then: the state on {answer.by}; share: of {size(answer.entropy, 2)} bits about the scenarios today")
    click.echo("*: named by a scenario's rule; events are dependent, so their bits do not add up")
    if answer.left_out:
        click.echo(f"left out, as they may stay unseen until then: {', '.join(answer.left_out)}")
