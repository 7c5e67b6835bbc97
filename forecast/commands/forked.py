"""What a command says once on stderr of a ledger that it goes on with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from forecast.record.ledger import Ledger


def said(ledger: Ledger) -> None:
    """Say that a ledger is forked, if it is."""
    for warning in ledger.warnings:
        click.echo(str(warning), err=True)


def said_of(root: Path) -> None:
    """Say what is the matter with the ledger of a workspace, for a command that does not need it."""
    from forecast.record.ledger import read_ledger
    from forecast.workspace.problems import WorkspaceProblems

    try:
        said(read_ledger(root))
    except WorkspaceProblems as found:
        click.echo(str(found), err=True)
