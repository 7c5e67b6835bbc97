"""What `forecast import` would write: shown, asked about, written, and told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from forecast.workspace.problems import Problem


@dataclass(frozen=True)
class Shown:
    """How it is shown: `--yes` asks nothing, `--json` keeps stdout for one object."""

    yes: bool
    as_json: bool

    def write(
        self, root: Path, path: str, content: bytes, problems: Sequence[Problem], more: Mapping[str, Any], shown: str
    ) -> None:
        """Write a file if it is wanted; `shown` is what is seen of its content, `more` is added to the JSON."""
        from forecast.record.files import replace_file

        if not self.as_json:
            click.echo(shown, nl=False)
        for problem in problems:
            click.echo(str(problem), err=True)
        is_wanted = self.yes or click.confirm(f"Write it to {path}?", default=True, err=self.as_json)
        if is_wanted:
            replace_file(root / path, content)
        if self.as_json:
            said = {"path": path, "written": is_wanted, **more, "problems": [str(one) for one in problems]}
            click.echo(json.dumps(said, ensure_ascii=False, indent=1))
        else:
            click.echo(f"written: {path}" if is_wanted else "nothing written")


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
