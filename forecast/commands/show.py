"""`forecast show`: the latest forecast, or the prior."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import click

from forecast.commands import options


@click.command()
@options.workspace
@options.as_of
@click.option("--prior", is_flag=True, help="Show what the statements alone imply, before any evidence.")
@click.option("--events", is_flag=True, help="Also print every event.")
@options.as_json
def show(root: Path, as_of: date | None, prior: bool, events: bool, as_json: bool) -> None:
    """Print the latest forecast that was written, on or before a date; with --prior, the prior."""
    from forecast.commands import readable

    table = _prior(root, as_of) if prior else _latest(root, as_of)
    if as_json:
        click.echo(json.dumps(table, ensure_ascii=False, indent=1, allow_nan=False))
        return
    readable.print_scenarios(table, with_change=not prior)
    if events or prior:
        click.echo()
        readable.print_events(table)
    readable.print_basis(table)


def _latest(root: Path, as_of: date | None) -> Any:
    written = sorted((root / "reports").glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/forecast.json"))
    on_time = [path for path in written if as_of is None or path.parent.name <= as_of.isoformat()]
    if not on_time:
        when = f" on or before {as_of}" if as_of else ""
        raise click.ClickException(f"no forecast{when} in {root / 'reports'}; run `forecast update -C {root}` first")
    return json.loads(on_time[-1].read_text(encoding="utf-8"))


def _prior(root: Path, as_of: date | None) -> dict[str, Any]:
    from forecast import pipeline
    from forecast.commands.progress import Progress

    progress = Progress()
    try:
        return pipeline.prior_table(root, options.today(), progress, as_of=as_of)
    finally:
        progress.done()
