"""`forecast report`: the page, the DataTree and the brief of a forecast that is already recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Literal

import click

from forecast.commands import options
from forecast.commands.running import opened, refused, said


@click.command()
@click.argument("day", metavar="[AS_OF]", type=options.DATE, required=False)
@options.workspace
@options.as_of
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
def report(
    root: Path, day: date | None, as_of: date | None, number: int | None, show_page: bool, form: Literal["html", "md"],
    refits: bool,
) -> None:  # fmt: skip
    """Draw the report of the latest forecast, or of the latest as of a date.

    Written are report.html, report.json, report.md and forecast.nc in the folder of its date, and reports/index.html;
    with --line in reports/line-N. The forecast has to stand in the ledger. Where the files have changed since, it is
    drawn from the inputs that were kept with it.
    """
    from forecast.ledger.ledger import read_ledger
    from forecast.redraw import NotRecordedError, brief_of, recorded, redraw, redraw_line

    if number is not None and (day, as_of) != (None, None):
        raise click.UsageError("a line and a date; name one")
    if day is not None and as_of not in {None, day}:
        raise click.UsageError("two dates; name one, as an argument or with --as-of")
    if show_page and form == "md":
        raise click.UsageError("--open is about the page; leave out --format md")
    said(read_ledger(root))
    with opened(root) as session, refused(NotRecordedError):
        request = replace(recorded(session, day or as_of, number), refits=refits)
        text = brief_of(request, session.progress) if form == "md" else None
        draw = redraw if number is None else redraw_line
        page = draw(request, session.progress) / "report.html" if text is None else None
    if page is None:
        click.echo(text, nl=False)
        return
    click.echo(f"written: {page}")
    if show_page:
        click.launch(page.resolve().as_uri())
