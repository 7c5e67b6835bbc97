"""What `forecast import` would write: shown, asked about, written, and reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from forecast.workspace.problems import Problem
    from forecast.workspace.records import Workspace


@dataclass(frozen=True)
class Imported:
    """A file to be written, and the workspace that takes it in.

    `shown` is what is seen of its content, `more` is added to the JSON.
    """

    workspace: Workspace
    path: str
    content: bytes
    problems: Sequence[Problem]
    more: Mapping[str, Any]
    shown: str

    @property
    def contents(self) -> dict[str, bytes]:
        """Return the content of the file by its path."""
        return {self.path: self.content}


@dataclass(frozen=True)
class Shown:
    """How it is shown: `--yes` asks nothing, `--json` keeps stdout for one object."""

    yes: bool
    as_json: bool

    def write(self, root: Path, make: Callable[[], Imported]) -> None:
        """Show what `make` reads from the workspace, and write it if it is wanted."""
        from forecast.commands.writing import Files

        files = Files(root)
        imported = make()
        if not self.as_json:
            click.echo(imported.shown, nl=False)
        for problem in imported.problems:
            click.echo(str(problem), err=True)
        is_wanted = self.yes or click.confirm(f"Write it to {imported.path}?", default=True, err=self.as_json)
        if is_wanted:
            imported = files.write(imported, make)
        if self.as_json:
            summary = {"path": imported.path, "written": is_wanted, **imported.more}
            summary["problems"] = [str(problem) for problem in imported.problems]
            click.echo(json.dumps(summary, ensure_ascii=False, indent=1))
        else:
            click.echo(f"written: {imported.path}" if is_wanted else "nothing written")


def refuse_taken(root: Path, path: str) -> None:
    """Raise WorkspaceProblems where a file is there already."""
    from forecast.workspace.problems import Problem, Source, WorkspaceProblems

    if (root / path).exists():
        raise WorkspaceProblems(
            [Problem(Source(path, 1), "the file is there already", "", "remove or rename it first")]
        )


def known_event(event: str, events: Mapping[str, object]) -> None:
    """Raise UsageError for an event that the network does not hold."""
    from forecast.workspace.problems import choice

    if event not in events:
        msg = f"there is no event '{event}'; {choice('events', event, events)}"
        raise click.UsageError(msg)
