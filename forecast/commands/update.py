"""`forecast update`: the daily job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options
from forecast.commands.running import echo_json, opened
from forecast.plain import as_data

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
