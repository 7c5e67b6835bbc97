"""`forecast merge`: the ledgers of two branches are one again."""

from __future__ import annotations

from pathlib import Path

import click

from forecast.commands import options


@click.command()
@options.workspace
@click.option(
    "--driver",
    nargs=3,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="%O %A %B",
    help="Be git's merge driver: join the files A and B of which O is the base, into A.",
)
def merge(root: Path, driver: tuple[Path, Path, Path] | None) -> None:
    """Join the branches of a ledger that git has put into one file, also one with conflict markers.

    Every line stays as it is; a line behind them names the last ones of both branches. With nothing to join nothing is
    written. With --driver no workspace is needed: git calls it so, see docs/workspace.md.

    Exit status: 0 joined, or nothing to join; 1 the lines are no proper ledger, and nothing was written.
    """
    from forecast.record.join import merge_files, merge_ledger
    from forecast.record.ledger import LEDGER

    if driver is not None:
        _, ours, theirs = driver
        click.echo(f"{LEDGER}: {merge_files(ours, theirs, options.today()).sentence}", err=True)
        return
    joined = merge_ledger(root, options.today())
    click.echo(joined.sentence if joined.ledger.entries else f"nothing to join: there is no {LEDGER} yet")
    if joined.solved:
        click.echo(f"next: git add {LEDGER}, and finish the merge with git")
