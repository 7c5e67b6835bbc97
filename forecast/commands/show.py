"""`forecast show`: the latest forecast, or the prior."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options
from forecast.commands.running import echo_json, opened, refused, said_of, wrong_usage
from forecast.plain import as_data

if TYPE_CHECKING:
    from forecast.workspace.alternatives import Alternative

DAY = re.compile(r"\d{4}-\d\d-\d\d")


@click.command()
@options.workspace
@options.as_of
@click.option("--line", "number", type=click.IntRange(1), metavar="N", help="The forecast of this line of the ledger.")
@click.option("--prior", is_flag=True, help="Show the prior: what the statements imply before any evidence.")
@click.option("--events", is_flag=True, help="Also print every event.")
@click.option(
    "--by", type=options.ANY_DATE, metavar="DATE", help="Every event and scenario by this day instead of the horizon."
)
@click.option(
    "--without-expert", multiple=True, metavar="NAME", help="Leave out this expert's statements; may be repeated."
)
@click.option("--without-group", multiple=True, metavar="NAME", help="Leave out a group of experts; may be repeated.")
@click.option(
    "--without-editors", is_flag=True, help="Leave out the editors' statements and their coding of others' words."
)
@click.option(
    "--without-source",
    multiple=True,
    metavar="NAME",
    help="Leave out everything that this source reported; may be repeated.",
)
@click.option("--equal-weights", is_flag=True, help="Use the same weight and sd for every statement.")
@options.as_json
def show(
    root: Path, as_of: date | None, number: int | None, prior: bool, events: bool, by: date | None,
    without_expert: tuple[str, ...], without_group: tuple[str, ...], without_editors: bool,
    without_source: tuple[str, ...], equal_weights: bool, as_json: bool,
) -> None:  # fmt: skip
    """Print the latest forecast that was written, on or before a date; with --prior, the prior.

    With --line: compute a past forecast again, from the inputs that were kept with it if the files have changed.
    With --by: compute what will have been reached, and what will be so, by a day until the horizon (as of today).
    With --without-... or --equal-weights: compute what the forecast would be, and how far it is from the ordinary one.
    The first time this samples, for about a minute; nothing but cached draws is written.
    """
    from forecast.commands import readable
    from forecast.workspace.alternatives import Alternative

    alternative = Alternative(without_expert, without_group, equal_weights, without_editors, without_source)
    if number is not None and (prior or as_of or by or alternative.description):
        raise click.UsageError("--line shows a forecast as it was; leave out the other option")
    if prior and alternative.description:
        raise click.UsageError("--prior shows the statements as they are; leave out the other option")
    if by is not None:
        if prior or alternative.description:
            raise click.UsageError("--by is about the ordinary forecast; leave out the other option")
        _by(root, as_of, by, as_json=as_json)
        return
    if alternative.description:
        table = _alternative(root, as_of, alternative)
    else:
        table = _of_line(root, number) if number else _prior(root, as_of) if prior else _latest(root, as_of)
    if as_json:
        echo_json(table)
        return
    if alternative.description:
        click.echo(f"{alternative.description}; change: from the ordinary forecast of the same day")
    if prior:
        readable.print_prior(table)
        _print_basis(table)
        return
    readable.print_scenarios(table, with_change=True)
    if events:
        click.echo()
        readable.print_events(table)
    _print_basis(table)


def _print_basis(table: Any) -> None:
    from forecast.commands import readable

    readable.print_basis(table)
    if doubt := readable.doubt(table):
        click.echo(doubt)


def _by(root: Path, as_of: date | None, by: date, *, as_json: bool) -> None:
    from forecast.analysis.by_date import OutsideError
    from forecast.commands import readable

    try:
        with opened(root, as_of) as session:
            table = session.by_date(by)
    except OutsideError as error:
        raise click.BadParameter(str(error), param_hint="--by") from error
    if as_json:
        echo_json(as_data(table))
    else:
        readable.print_by(table)


def _latest(root: Path, as_of: date | None) -> Any:
    from forecast.files import folders_with
    from forecast.ledger.tables import kept_forecast

    days = [name for name in folders_with(root / "reports", "forecast.json") if DAY.fullmatch(name)]
    on_time = [day for day in days if as_of is None or day <= as_of.isoformat()]
    kept = kept_forecast(root, on_time[-1]) if on_time else None
    if kept is None:
        when = f" on or before {as_of}" if as_of else ""
        raise click.ClickException(f"no forecast{when} in {root / 'reports'}; run `forecast update -C {root}` first")
    said_of(root)
    return kept


def _of_line(root: Path, number: int) -> Any:
    from forecast.redraw import NotRecordedError, recorded

    with opened(root) as session, refused(NotRecordedError):
        request = recorded(session, number=number)
    for warning in request.warnings:
        click.echo(str(warning), err=True)
    return as_data(request.forecast)


def _alternative(root: Path, as_of: date | None, alternative: Alternative) -> Any:
    from forecast.workspace.alternatives import UnknownNameError

    with opened(root, as_of) as session, wrong_usage(UnknownNameError):
        return as_data(session.alternative(alternative))


def _prior(root: Path, as_of: date | None) -> Any:
    with opened(root, as_of) as session:
        return as_data(session.statements_alone())
