"""How a draft gets into the files of a workspace: under its lock, and fitting the files as they are then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

if TYPE_CHECKING:
    from forecast.workspace.problems import Problem
    from forecast.workspace.records import Workspace


class Draft(Protocol):
    """A change of a workspace that is not written: contents by path in the order of writing, and what they bring.

    `workspace` is None where it would have errors.
    """

    @property
    def contents(self) -> Mapping[str, bytes]: ...  # noqa: D102  # told above

    @property
    def workspace(self) -> Workspace | None: ...  # noqa: D102

    @property
    def problems(self) -> Sequence[Problem]: ...  # noqa: D102


class Files:
    """The files of a workspace as they are when a command begins to read them.

    Between reading and writing nobody is kept waiting: questions may be asked, and effects computed. So what others
    have written meanwhile is read under the lock of the workspace, and the draft is made anew behind it.
    """

    def __init__(self, root: Path) -> None:
        from forecast.workspace.files import find_files

        self._root = root
        self._read = find_files(root).digests

    def write[D: Draft](self, draft: D, again: Callable[[], D]) -> D:
        """Write a draft, synced; if any file has changed, the one that `again` makes. Return what was written.

        Raises WorkspaceProblems where it no longer fits the files, and OSError; nothing is then written.
        """
        from forecast.files import replace_file
        from forecast.lock import locked
        from forecast.workspace.files import find_files

        with locked(self._root):
            if find_files(self._root).digests != self._read:
                shown, draft = set(draft.problems), right(again())
                for problem in draft.problems:
                    if problem not in shown:
                        click.echo(str(problem), err=True)
            for path, content in draft.contents.items():
                replace_file(self._root / path, content)
        return draft


def right[D: Draft](draft: D) -> D:
    """Return a draft with which the workspace is right. Raises WorkspaceProblems for any other."""
    from forecast.workspace.problems import WorkspaceProblems

    if draft.workspace is None:
        raise WorkspaceProblems(draft.problems)
    return draft
