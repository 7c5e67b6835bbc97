"""`forecast crowd` and `forecast gap`: the world that prices imply, and what would bring the forecast to a price."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from forecast.commands import running
from forecast.commands.readable import middle_90, print_table, style_of
from forecast.commands.running import echo_json, opened, refused, wrong_usage
from forecast.digits import DERIVED, before_after, exact, percent, signed, size
from forecast.plain import as_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forecast.analysis.crowd import Contradiction, Implied, Price
    from forecast.analysis.crowd import CrowdWorld as Answer
    from forecast.analysis.gap import Gap, StatementGap

GAP = 2  # columns between those of a table
FEW_DRAWS = 100.0  # effective draws under which what is implied rests on too few


@click.command()
@click.argument("names", metavar="[QUESTION]...", nargs=-1)
@running.workspace
@running.as_of
@running.seed
@click.option("--forecaster", "forecasters", multiple=True, metavar="NAME", help="Only the prices of this forecaster.")
@click.option("--days", type=click.IntRange(min=0), help="Only prices that are at most so many days old.")
@running.as_json
def crowd(
    names: tuple[str, ...], root: Path, as_of: date | None, seed: int | None, forecasters: tuple[str, ...],
    days: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Show which scenarios the latest benchmarks imply: the smallest change of the forecast that gives all of them.

    Also which of them contradict each other, as bets that win whatever happens. Nothing of it enters the forecast.
    """
    from forecast.analysis.crowd import NoPricesError

    with opened(root, as_of, seed) as session, refused(NoPricesError), wrong_usage(ValueError):
        answer = session.crowd(names, forecasters=forecasters, days=days)
    if as_json:
        echo_json(as_data(answer))
    else:
        _print_crowd(answer)


def _print_crowd(answer: Answer) -> None:
    _print_prices(answer.prices)
    for one in answer.left_out:
        click.echo(f"left out: {one.question}: {one.why}")
    click.echo()
    if answer.contradictions:
        said = f"the prices contradict each other: together they are {exact(answer.distance, DERIVED)} from coherent"
        click.echo(f"{said}; the nearest coherent ones are used")
    else:
        click.echo("no bet on these prices wins whatever happens: they are coherent")
    for book in answer.contradictions:
        _print_book(book)
    click.echo()
    print_table(_scenarios(answer.scenarios))
    click.echo(
        f"the crowd's world is {size(answer.bits, 2)} bits from the forecast; it is no evidence, and changes nothing"
    )
    if answer.days == "apart":
        click.echo("given the horizon, days of different events are taken as independent: together they are too many")
    if answer.ess < FEW_DRAWS:
        click.echo(f"rests on few draws: effective size {answer.ess:.0f}")


def _print_prices(rows: Sequence[Price]) -> None:
    """Print a line a price; where names leave too little room for the numbers, each question above its prices."""
    are_used = any(row.coherent != row.price for row in rows)
    headings = ("question", "forecaster", "on", "forecast", "price", *(("used",) if are_used else ()), "apart")
    lines = [headings]
    for row in rows:
        apart = "-" if row.decibans is None else f"{signed(row.decibans, 1)} dB"
        used = (exact(row.coherent),) if are_used else ()
        numbers = (percent(row.forecast, row.mcse), exact(row.price), *used, apart)
        lines.append((row.question, row.forecaster, f"{row.date}", *numbers))
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    is_wide = sum(widths) + GAP * (len(widths) - 1) > Console().width
    grid = _grid(headings[:3], headings[3:], "") if not is_wide else _grid(("forecaster", "on"), headings[3:], "")
    names = []
    before = ""
    for question, *cells in lines[1:]:
        name, before = ("" if question == before else question), question
        names.append(name)
        grid.add_row(*map(Text, cells if is_wide else (name, *cells)))
    if not is_wide:
        print_table(grid)
        return
    with (console := Console(highlight=False)).capture() as printed:
        print_table(grid, console)
    heading, *below = printed.get().splitlines()
    click.echo(heading)
    for name, line in zip(names, below, strict=True):
        if name:
            click.echo(name)
        click.echo(line)


def _print_book(book: Contradiction) -> None:
    sides = ("sell" if bet.stake > 0.0 else "buy" for bet in book.bets)
    bets = [
        f"{side} {abs(bet.stake):.2g} of {bet.question} at {exact(bet.price)} ({bet.forecaster})"
        for side, bet in zip(sides, book.bets, strict=True)
    ]
    click.echo(f"  {', '.join(bets)}: wins at least {exact(book.gain, DERIVED)} of a contract")


def _scenarios(rows: Sequence[Implied]) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("scenario")
    for heading in ("forecast", "90 %", "crowd", "90 %", "change"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        moved = row.implied - row.forecast
        numbers = before_after((row.forecast, row.forecast_mcse), (row.implied, row.mcse), (moved, row.mcse))
        ranges = middle_90(row.forecast_quantiles, row.forecast_mcse), middle_90(row.quantiles, row.mcse)
        cells = (numbers[0], ranges[0], numbers[1], ranges[1])
        grid.add_row(row.id, *cells, f"[{style_of(numbers[2])}]{numbers[2]}[/]" if style_of(numbers[2]) else numbers[2])
    return grid


@click.command()
@click.argument("question")
@running.workspace
@running.as_of
@running.seed
@click.option(
    "--to", type=running.NUMBER, metavar="P", help="The probability to reach (default: the latest benchmark)."
)
@click.option("--forecaster", metavar="NAME", help="Whose benchmark to reach.")
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True, help="Changes of each kind to print.")
@running.as_json
def gap(
    question: str, root: Path, as_of: date | None, seed: int | None, to: float | None, forecaster: str | None,
    top: int, as_json: bool,
) -> None:  # fmt: skip
    """Find the smallest changes, each alone, that bring QUESTION to a price: a report, a CPT row, a statement.

    It shows what the price and the forecast disagree about. Whether to change anything is another matter: a price is
    no reason.
    """
    with opened(root, as_of, seed) as session, wrong_usage(ValueError):
        answer = session.gap(question, to=to, forecaster=forecaster, top=top)
    if as_json:
        echo_json(as_data(answer))
    else:
        _print_gap(answer)


def _print_gap(answer: Gap) -> None:
    whose = "" if answer.forecaster is None else f" ({answer.forecaster}, {answer.of})"
    click.echo(answer.text)
    click.echo(
        f"forecast {percent(answer.forecast, answer.mcse)}, to reach {exact(answer.to)}{whose}: "
        f"{signed(answer.decibans, 1)} dB"
    )
    _print_evidence(answer)
    _print_rows(answer)
    _print_statements(answer)


def _print_evidence(answer: Gap) -> None:
    click.secho("One more report that the event is so on the question's day", bold=True)
    grid = _grid(("event", "state"), ("report", "reached"), "strongest report on it now")
    for row in answer.evidence:
        now = "none" if row.item is None else f"{row.item} ({row.item_decibans:.1f} dB)"
        grid.add_row(row.event, " or ".join(row.states), f"{signed(row.decibans, 1)} dB", exact(row.reached), now)
    _print_kind(grid, answer.unreached["events"], "event", is_short=not answer.evidence)


def _print_rows(answer: Gap) -> None:
    click.secho("One row of a CPT, for the time that remains", bold=True)
    grid = _grid(("event", "state"), ("now", "changed", "log-odds", "reached"), "row")
    for row in answer.rows:
        given = ", ".join(f"{event} {state}" for event, state in row.parents.items()) or "the only one"
        odds = "all" if row.log_odds is None else signed(row.log_odds, 2)
        numbers = (exact(row.before, DERIVED), exact(row.after, DERIVED), odds, exact(row.reached))
        grid.add_row(row.event, row.state, *numbers, given)
    _print_kind(grid, answer.unreached["rows"], "row", is_short=all(row.log_odds is None for row in answer.rows))


def _print_statements(answer: Gap) -> None:
    click.secho("One statement, or all of them a little", bold=True)
    grid = _grid(("statement", "expert"), ("stated", "changed", "sds", "reached"), "")
    for row in answer.statements:
        grid.add_row(*_statement(row))
    if answer.together is not None:
        together = answer.together
        grid.add_row("all together", "", "", "", f"{together.sds:.2f}", exact(together.reached))
        for row in together.statements:
            grid.add_row(*_statement(row))
    up = answer.to > answer.start
    is_short = all(row.reached is None or (row.reached < answer.to) == up for row in answer.statements)
    _print_kind(grid, answer.unreached["statements"], "statement", is_short=is_short)
    if answer.together is not None and (answer.together.reached < answer.to) == up:
        click.echo("all together do not reach it as far as the draws bear their changes")


def _statement(row: StatementGap) -> tuple[str, ...]:
    ends = ("-" if p is None else exact(p, DERIVED) for p in (row.stated, row.changed))
    reached = "" if row.reached is None else exact(row.reached)
    name = row.statement if row.reached is not None else f"  {row.statement}"
    return (name, row.expert, *ends, signed(row.sds, 2), reached)


def _grid(names: tuple[str, ...], numbers: tuple[str, ...], last: str) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in names:
        grid.add_column(heading)
    for heading in numbers:
        grid.add_column(heading, justify="right", no_wrap=True)
    if last:
        grid.add_column(last, overflow="fold")
    return grid


def _print_kind(grid: Grid, unreached: int, what: str, *, is_short: bool) -> None:
    """Print the changes of a kind, and what is to be said of all others; `is_short`: none reaches the price."""
    if grid.row_count:
        print_table(grid)
    several = f"{unreached} {what}{'s' * (unreached != 1)}"
    if is_short:
        nearest = "; these come nearest" if grid.row_count else ""
        click.echo(f"none of {several} reaches it alone{nearest}")
    elif unreached:
        click.echo(f"{several} more: none reaches it alone, or it takes more")
