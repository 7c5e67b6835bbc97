"""`forecast ladder` and `record`: what the network asks by itself, and how good the answers in the ledger were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table as Grid
from rich.text import Text

from forecast.analysis.asked import in_words
from forecast.commands import running
from forecast.commands.readable import middle_90, print_table
from forecast.commands.running import echo_json, opened, said
from forecast.digits import exact, percent, score, score_difference
from forecast.plain import as_data
from forecast.posterior.by_date import QUESTION_QUANTILES
from forecast.posterior.ladder import JointSubQuestion, SubQuestion
from forecast.workspace.problems import choice

if TYPE_CHECKING:
    from forecast.analysis.record import BesideOther, LedgerRecord, RecordAhead
    from forecast.scoring.sequence import MeanDifference

DECIMALS = 3  # of a score


@click.command()
@click.argument("event", required=False)
@running.workspace
@running.as_of
@running.seed
@running.as_json
def ladder(event: str | None, root: Path, as_of: date | None, seed: int | None, as_json: bool) -> None:
    """Print today's probability of every sub-question; with EVENT, of those about one event.

    Asked are all events by the end of the next months, and the workspace's own questions that end in them. What is
    certain and what is a copy of another is left out. `forecast update` enters the same numbers in the ledger.
    """
    with opened(root, as_of, seed) as session:
        if event is not None and event not in (events := session.workspace.network.events):
            raise click.UsageError(f"there is no event '{event}'; {choice('events', event, tuple(events))}")
        rows, day = [row for row in session.ladder() if event is None or event in row.asks.events], session.day
    if as_json:
        echo_json({"as_of": day.isoformat(), "sub_questions": as_data(rows)})
        return
    if not rows:
        click.echo(f"as of {day} nothing is open by the end of a month until the horizon")
        return
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("by", no_wrap=True)
    grid.add_column("event")
    grid.add_column("state")
    for heading in ("probability", "90 % interval"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("question")
    before: date | None = None
    for row in rows:
        asks = row.asks
        levels = {str(level): value for level, value in zip(QUESTION_QUANTILES, row.quantiles, strict=True)}
        what = (asks.event, " or ".join(asks.states)) if isinstance(asks, SubQuestion) else _in_words(asks)
        cells = ("" if asks.by == before else asks.by.isoformat(), *what)
        numbers = (percent(row.probability, row.mcse), middle_90(levels, row.mcse))
        grid.add_row(*map(Text, (*cells, *numbers, row.question or "")))
        before = asks.by
    print_table(grid)
    click.echo(f"as of {day}; {len(rows)} sub-questions, none certain and none a copy of another")


def _in_words(asks: JointSubQuestion) -> tuple[str, str]:
    """Say what is asked about a scenario or under a condition, in the columns of an event and its states."""
    given = "" if asks.given is None else f"if {in_words(asks.given)}"
    if asks.about.scenario is not None:
        return f"scenario {asks.about.scenario}", given
    (about,) = asks.about.conditions
    return about.event, f"{' or '.join(about.states)}, {given}"


@click.command()
@running.workspace
@running.as_of
@click.option("--each", is_flag=True, help="Also print each forecast that counts, with the digest of its line.")
@running.as_json
def record(root: Path, as_of: date | None, each: bool, as_json: bool) -> None:
    """Score what the ledger said of sub-questions, by what settled evidence made of them.

    Only numbers count whose line is as it was written and was made from files that did not hold the outcome yet.
    """
    with opened(root, as_of) as session:
        found, ledger = session.record(), session.ledger
    said(ledger)
    if as_json:
        echo_json(as_data(found))
        return
    _print_counts(found)
    for ahead in found.ahead:
        _print_ahead(ahead)
    if each and found.forecasts:
        _print_each(found)
    if found.ahead:
        click.echo(
            "lower scores are better; each month counts once, and in it each event once; needed: more months (and "
            "sub-questions) like these\nintervals hold however often one looks, and whatever the sub-questions of a "
            "month have in common"
        )


def _print_counts(found: LedgerRecord) -> None:
    if found.first is None:
        click.echo("the ledger holds no sub-questions yet; the next `forecast update` enters them")
    else:
        lines = "1 line" if found.n_lines == 1 else f"{found.n_lines} lines"
        scored = len({one.sub_question for one in found.forecasts})
        click.echo(f"as of {found.as_of}: {found.n_entered} sub-questions in {lines} since {found.first}")
        click.echo(f"{scored} have ended and count; {found.n_open} are open")
        if not found.forecasts and found.next_month is not None:
            click.echo(
                f"the first answers come with {found.next_month}, when news have been watched until then "
                "(evidence/watch.yaml)"
            )
    for number, why in found.not_proven.items():
        click.echo(f"line {number} does not count: {why}", err=True)
    if found.lost:
        click.echo(f"not scored, for the network no longer has them: {', '.join(found.lost)}", err=True)


def _print_ahead(ahead: RecordAhead) -> None:
    months = "1 month" if ahead.months_ahead == 1 else f"{ahead.months_ahead} months"
    click.echo()
    click.secho(f"{months} ahead", bold=True)
    click.echo(
        f"{ahead.n_sub_questions} sub-questions of {ahead.n_events} events in {_n(ahead.n_months, 'month')}: "
        f"{ahead.expected_yes:.1f} expected to end in yes, {ahead.n_yes} did"
    )
    log = "infinite" if ahead.log is None else score(ahead.log, DECIMALS)
    click.echo(
        f"Brier {score(ahead.brier, DECIMALS)}, log {log}; "
        f"sharpness {score(ahead.sharpness, DECIMALS)}: the Brier score that the forecasts expect of themselves"
    )
    click.echo(f"probability less outcome: {_mean(ahead.bias)}, {_interval(ahead.bias)}")
    if ahead.beside:
        _print_beside("beside", ahead.beside, by_topic=False)
    if len(ahead.by_topic) > 1:
        _print_beside("beside the base rate, by topic", ahead.by_topic, by_topic=True)
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("said", "sub-questions", "events", "expected", "happened"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for band in ahead.bands:
        ends = f"{exact(band.low)} to {exact(band.high)}"
        grid.add_row(ends, str(band.n_sub_questions), str(band.n_events), f"{band.expected:.1f}", str(band.happened))
    print_table(grid)


def _print_beside(heading: str, rows: Sequence[BesideOther], *, by_topic: bool) -> None:
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column(heading, no_wrap=not by_topic)
    names = [
        "months",
        "asked",
        "Brier",
        "theirs",
        "difference, 90 % interval",
        *([] if by_topic else ["log", "theirs"]),
    ]
    for name in (*names, "needed"):
        grid.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        name = str(row.topic) if by_topic else row.other
        briers = (score(row.brier, DECIMALS), score(row.brier_theirs, DECIMALS))
        difference = f"{_mean(row.difference)} ({_interval(row.difference)})"
        logs = ["infinite" if one is None else score(one, DECIMALS) for one in (row.log, row.log_theirs)]
        cells = (str(row.n_months), str(row.n_sub_questions), *briers, difference, *([] if by_topic else logs))
        grid.add_row(*map(Text, (name, *cells, more_needed(row))))
    print_table(grid)


def more_needed(row: BesideOther) -> str:
    """Say how many more months and sub-questions would tell two forecasters apart, if they go on like this."""
    if row.difference.more == 0:
        return "none"
    if row.difference.more is None or row.sub_questions_more is None:
        return "no number"
    return f"{_n(row.difference.more, 'month')} ({row.sub_questions_more:,})"


def _n(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _mean(found: MeanDifference) -> str:
    return score_difference(found.mean, DECIMALS)


def _interval(found: MeanDifference) -> str:
    return f"{score_difference(found.low, DECIMALS)} to {score_difference(found.high, DECIMALS)}"


def _print_each(found: LedgerRecord) -> None:
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("sub-question", "ahead", "line", "digest", "of", "said", "ended in", "known", "settled by"):
        grid.add_column(heading, no_wrap=heading != "settled by")
    for one in found.forecasts:
        place = (str(one.months_ahead), str(one.line), one.digest[:12], one.as_of.isoformat())
        ending = ("yes" if one.is_yes else "no", one.known.isoformat(), one.settled_by or "silence")
        grid.add_row(*map(Text, (one.sub_question, *place, exact(one.probability), *ending)))
    click.echo()
    print_table(grid)
