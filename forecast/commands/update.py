"""`forecast update`: the daily job."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands import options
from forecast.commands.running import echo_json, opened

if TYPE_CHECKING:
    from forecast.pipeline import Update

NOT_RELIABLE = 1  # exit status with --strict


@click.command()
@options.workspace
@options.as_of
@options.seed
@click.option("--refit", is_flag=True, help="Sample again although the draws are cached; the numbers stay the same.")
@click.option("--no-report", is_flag=True, help="Leave the page and the DataTree for a later `forecast report`.")
@click.option("--dry-run", is_flag=True, help="Compute and show; write nothing but cached draws.")
@click.option("--strict", is_flag=True, help="Exit with status 1 where the forecast is not reliable, after writing it.")
@click.option("-m", "--note", metavar="NOTE", help="A note for the ledger line.")
@options.as_json
def update(
    root: Path, as_of: date | None, seed: int | None, refit: bool, no_report: bool, dry_run: bool, strict: bool,
    note: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Read and check all files; compute and write the forecast, its ledger line and its report."""
    from forecast import pipeline
    from forecast.commands import readable

    with opened(root, as_of, seed) as session:
        found = pipeline.conclude(session, refit=refit, note=note)
        if not dry_run:
            found = pipeline.write(found, session.progress, with_report=not no_report)
    for warning in found.warnings:
        click.echo(str(warning), err=True)
    if more := len(set(found.outcome.workspace.warnings).difference(found.warnings)):
        what = "1 more warning" if more == 1 else f"{more} more warnings"
        click.echo(f"{what} about the files: see `forecast check`", err=True)
    if as_json:
        echo_json(found.forecast)
    else:
        _print(found, written=not dry_run, with_report=not no_report)
    if doubt := readable.doubt(found.forecast):
        click.echo(doubt, err=True)
        if strict:
            raise click.exceptions.Exit(NOT_RELIABLE)


def _print(found: Update, *, written: bool, with_report: bool) -> None:
    from forecast.commands import readable

    readable.print_scenarios(found.forecast, with_change=True)
    readable.print_basis(found.forecast)
    for name in found.edited:
        click.echo(f"'{name}' was edited after the update of {found.forecast['compared_with']} used it")
    if not written:
        click.echo("dry run: nothing written")
    else:
        click.echo("new: a line in reports/ledger.jsonl" if found.is_new else "nothing new: no ledger line")
        click.echo(f"written: {found.folder}/" + ("report.html" if with_report else "forecast.json"))
