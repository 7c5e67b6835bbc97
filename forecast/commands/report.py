"""`forecast report`: the page and the DataTree of a forecast that is already recorded."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from forecast.commands import options


@click.command()
@options.workspace
@options.as_of
def report(root: Path, as_of: date | None) -> None:
    """Draw the report of the latest forecast, or of the latest as of a date: report.html, report.json, forecast.nc.

    The forecast has to stand in the ledger, and the files have to be as they were then: otherwise update first.
    """
    from filelock import FileLock

    from forecast import pipeline
    from forecast.commands.progress import Progress
    from forecast.record.ledger import DECIDING, read_ledger
    from forecast.record.outcome import prior_outcome
    from forecast.report.write import write_report

    lines = [line for line in read_ledger(root) if as_of in {None, date.fromisoformat(line["as_of"])}]
    if not lines:
        what = f"no forecast as of {as_of}" if as_of else "no forecast yet"
        raise click.ClickException(f"{what} in {root / 'reports'}; run `forecast update` first")
    recorded = lines[-1]
    day = date.fromisoformat(recorded["as_of"])
    progress = Progress()
    with FileLock(root / "reports" / ".lock"):
        try:
            found = pipeline.conclude(
                root, options.today(), progress, as_of=day, seed=recorded["seed"], attribute=False
            )
            if any(found.line[key] != recorded.get(key) for key in DECIDING):
                raise click.ClickException(f"the files have changed since the forecast of {day}; run `forecast update`")
            ledger = found.ledger[: found.ledger.index(recorded) + 1]
            write_report(found.outcome, prior_outcome(found.outcome), found.folder, ledger, found.forecast, progress)
        finally:
            progress.done()
    click.echo(f"written: {found.folder}/report.html")
