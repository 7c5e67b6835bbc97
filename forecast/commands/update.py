"""`forecast update`: the daily job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from forecast.commands import running
from forecast.commands.running import echo_json, opened, refused, said, said_of, wrong_usage
from forecast.plain import as_data

if TYPE_CHECKING:
    from forecast.analysis.alternatives import Alternative
    from forecast.pipeline import Update

NOT_RELIABLE = 1  # exit status with --strict


@click.command()
@running.workspace
@running.as_of
@running.seed
@click.option("--refit", is_flag=True, help="Sample again although the draws are cached; the numbers stay the same.")
@click.option("--no-report", is_flag=True, help="Leave the page and the DataTree for a later `forecast report`.")
@click.option("--dry-run", is_flag=True, help="Compute and show; write nothing but cached draws.")
@click.option("--strict", is_flag=True, help="Exit with status 1 where the forecast is not reliable, after writing it.")
@click.option("-m", "--note", metavar="NOTE", help="A note for the ledger line.")
@click.option(
    "--each", metavar="PATTERN", help="Update every workspace below DIR whose folder matches, such as 'teams/*'."
)
@running.workers
@running.as_json
def update(
    root: Path, as_of: date | None, seed: int | None, refit: bool, no_report: bool, dry_run: bool, strict: bool,
    note: str | None, each: str | None, workers: int | None, scheduler: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Read and check all files; compute and write the forecast, its ledger line and its report.

    With --each: of many workspaces, with one table of all. What is wrong with one does not stop the others; the exit
    status is then 1.
    """
    from forecast import pipeline
    from forecast.commands import readable

    if each is not None:
        from forecast.commands.portfolio import Order, update_each

        order = Order(running.today(), as_of, seed, refit, note, dry_run, not no_report)
        update_each(root, each, order, running.placed(workers, scheduler), strict=strict, as_json=as_json)
        return
    if (workers, scheduler) != (None, None):
        raise click.UsageError("--workers and --scheduler are for --each; one workspace is one job")
    with opened(root, as_of, seed) as session:
        result = pipeline.conclude(session, refit=refit, note=note)
        if not dry_run:
            result = pipeline.write(result, session.progress, with_report=not no_report)
    for warning in result.warnings:
        click.echo(str(warning), err=True)
    if more := len(set(result.outcome.workspace.warnings).difference(result.warnings)):
        what = "1 more warning" if more == 1 else f"{more} more warnings"
        click.echo(f"{what} about the files: see `forecast check`", err=True)
    table = as_data(result.forecast)
    if as_json:
        echo_json(table)
    else:
        _print(result, table, written=not dry_run, with_report=not no_report)
    if doubt := readable.doubt(table):
        click.echo(doubt, err=True)
        if strict:
            raise click.exceptions.Exit(NOT_RELIABLE)


def _print(update: Update, table: Mapping[str, Any], *, written: bool, with_report: bool) -> None:
    from forecast.commands import readable

    readable.print_scenarios(table, with_change=True)
    readable.print_basis(table)
    for name in update.edited:
        click.echo(f"'{name}' was edited after the update of {update.forecast.table.head.compared_with} used it")
    if not written:
        click.echo("dry run: nothing written")
    else:
        click.echo("new: a line in reports/ledger.jsonl" if update.is_new else "nothing new: no ledger line")
        click.echo(f"written: {update.folder}/" + ("report.html" if with_report else "forecast.json"))


# `forecast show`: the latest forecast, or the prior.

DAY = re.compile(r"\d{4}-\d\d-\d\d")


@click.command()
@running.workspace
@running.as_of
@click.option("--line", "number", type=click.IntRange(1), metavar="N", help="The forecast of this line of the ledger.")
@click.option("--prior", is_flag=True, help="Show the prior: what the statements imply before any evidence.")
@click.option("--events", is_flag=True, help="Also print every event.")
@click.option(
    "--by", type=running.ANY_DATE, metavar="DATE", help="Every event and scenario by this day instead of the horizon."
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
@running.as_json
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
    from forecast.analysis.alternatives import Alternative
    from forecast.commands import readable

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
    from forecast.analysis.questions import OutsideError
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
    from forecast.ledger.outcome import kept_forecast

    days = [name for name in folders_with(root / "reports", "forecast.json") if DAY.fullmatch(name)]
    on_time = [day for day in days if as_of is None or day <= as_of.isoformat()]
    kept = kept_forecast(root, on_time[-1]) if on_time else None
    if kept is None:
        when, day = (f" on or before {as_of}", f" --as-of {as_of}") if as_of else ("", "")
        raise click.ClickException(
            f"no forecast{when} in {root / 'reports'}; run `forecast update -C {root}{day}` first"
        )
    said_of(root)
    return kept


def _of_line(root: Path, number: int) -> Any:
    from forecast.run_again import NotRecordedError, recorded

    with opened(root) as session, refused(NotRecordedError):
        request = recorded(session, number=number)
    for warning in request.warnings:
        click.echo(str(warning), err=True)
    return as_data(request.forecast)


def _alternative(root: Path, as_of: date | None, alternative: Alternative) -> Any:
    from forecast.analysis.alternatives import UnknownNameError

    with opened(root, as_of) as session, wrong_usage(UnknownNameError):
        return as_data(session.alternative(alternative))


def _prior(root: Path, as_of: date | None) -> Any:
    with opened(root, as_of) as session:
        return as_data(session.statements_alone())


# `forecast report`: the page, the DataTree and the brief of a forecast that is already recorded.


@click.command()
@click.argument("day", metavar="[AS_OF]", type=running.DATE, required=False)
@running.workspace
@running.as_of
@click.option(
    "--line", "number", type=click.IntRange(1), metavar="N", help="Report of this ledger line, in a folder of its own."
)
@click.option("--open", "show_page", is_flag=True, help="Open the page in a browser.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "md"]),
    default="html",
    help="html: write the files (default); md: print one page of Markdown, for a mail or a pull request.",
)
@click.option("--refit-alternatives", "refits", is_flag=True, help="Sample the alternatives that need a refit.")
@running.workers
def report(
    root: Path, day: date | None, as_of: date | None, number: int | None, show_page: bool, form: Literal["html", "md"],
    refits: bool, workers: int | None, scheduler: str | None,
) -> None:  # fmt: skip
    """Draw the report of the latest forecast, or of the latest as of a date.

    Written are report.html, report.json, report.md and forecast.nc in the folder of its date, and reports/index.html;
    with --line in reports/line-N. The forecast has to stand in the ledger. Where the files have changed since, it is
    drawn from the inputs that were kept with it.
    """
    from forecast.ledger.ledger import read_ledger
    from forecast.run_again import NotRecordedError, brief_of, recorded, redraw, redraw_line
    from forecast.sampling.settings import CORES
    from forecast.workers import WorkersError

    if (workers, scheduler) != (None, None) and not refits:
        raise click.UsageError("--workers and --scheduler are for --refit-alternatives")
    where = running.placed(workers, scheduler, cores_each=CORES)
    if number is not None and (day, as_of) != (None, None):
        raise click.UsageError("a line and a date; name one")
    if day is not None and as_of not in {None, day}:
        raise click.UsageError("two dates; name one, as an argument or with --as-of")
    if show_page and form == "md":
        raise click.UsageError("--open is about the page; leave out --format md")
    said(read_ledger(root))
    with opened(root) as session, refused(NotRecordedError, WorkersError):
        request = replace(recorded(session, day or as_of, number), refits=refits, workers=where)
        text = brief_of(request, session.progress) if form == "md" else None
        draw = redraw if number is None else redraw_line
        page = draw(request, session.progress) / "report.html" if text is None else None
    if page is None:
        click.echo(text, nl=False)
        return
    click.echo(f"written: {page}")
    if show_page:
        click.launch(page.resolve().as_uri())
