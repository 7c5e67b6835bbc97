"""`forecast roll`: from a day on, forecasts are about a later horizon."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands import options
from forecast.commands.running import echo_json

if TYPE_CHECKING:
    from forecast.workspace.drafts import RollDraft
    from forecast.workspace.records import Network


@click.command()
@options.workspace
@click.option("--horizon", type=options.ANY_DATE, required=True, metavar="DATE", help="The new horizon.")
@click.option("--on", type=options.ANY_DATE, metavar="DATE", help="Day from which it holds (default: today, UTC).")
@click.option("--why", metavar="TEXT", help="Reason, for the reader of the file.")
@click.option("--yes", is_flag=True, help="Do not ask; write it if it has no problem.")
@options.as_json
def roll(root: Path, horizon: date, on: date | None, why: str | None, yes: bool, as_json: bool) -> None:
    """Move to a later horizon from a day on. What is settled stays settled.

    Adds a line to `rolled` in priors/network.yaml, shown before it is written; the rest of the file stays as it is.
    Forecasts as of an earlier day keep their horizon. The next update records it in the ledger.
    """
    from forecast.commands.writing import Files
    from forecast.workspace.drafts import draft_roll
    from forecast.workspace.problems import WorkspaceProblems

    files, today = Files(root), options.today()

    def make() -> RollDraft:
        return draft_roll(root, on or today, horizon, why, today)

    draft = make()
    if draft.workspace is None:
        raise WorkspaceProblems(draft.problems)
    network = draft.workspace.network
    if not as_json:
        click.echo(draft.added, nl=False)
        for line in _course(network):
            click.echo(line)
    for problem in draft.problems:
        click.echo(str(problem), err=True)
    is_wanted = yes or click.confirm(f"Write it to {draft.path}?", default=True, err=as_json)
    if is_wanted:
        draft = files.write(draft, make)
    if as_json:
        echo_json(_as_json(draft, network, is_wanted))
    else:
        click.echo(f"written: {draft.path}" if is_wanted else "nothing written")


def _course(network: Network) -> list[str]:
    """Return one line for each horizon, with the days on which it is asked about."""
    begins = ["", *(f"from {roll.on} on: " for roll in network.rolled)]
    horizons = [network.window_ends, *(roll.horizon for roll in network.rolled)]
    return [f"{begin}horizon {horizon}" for begin, horizon in zip(begins, horizons, strict=True)]


def _as_json(draft: RollDraft, network: Network, is_written: bool) -> dict[str, object]:
    return {
        "path": draft.path,
        "written": is_written,
        "opens": network.opens.isoformat(),
        "horizon": network.window_ends.isoformat(),
        "rolled": [
            {"on": roll.on.isoformat(), "horizon": roll.horizon.isoformat(), "why": roll.why} for roll in network.rolled
        ],
        "problems": [str(problem) for problem in draft.problems],
    }
