"""How a draft gets into the files of a workspace, and what is said where the system does not let it."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from forecast.files import UnsyncedError, UnwrittenError
from forecast.lock import LOCK

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
    if any(event.requires for event in draft.workspace.network.events.values()):
        from forecast.commands import options
        from forecast.pipeline import impossibilities

        if problems := impossibilities(draft.workspace, options.today()):
            raise WorkspaceProblems(problems)
    return draft


AGAIN = "then run this command again"
TO_DO = {
    errno.ENOSPC: f"free some space on that disk, {AGAIN}",
    errno.EDQUOT: f"free some of the space that you may use on that disk, {AGAIN}",
    errno.EFBIG: f"let files be larger there (`ulimit -f` shows the limit of this shell), {AGAIN}",
    errno.EROFS: f"copy the workspace to a disk that can be written, or make this one writable, {AGAIN}",
    errno.EACCES: f"get the right to it (`ls -ld` shows who has it), {AGAIN}",
    errno.EPERM: f"get the right to it (`ls -ld` shows who has it), {AGAIN}",
    errno.EIO: f"the disk is faulty: see to it, {AGAIN}",
}


def told(failure: OSError) -> str:
    """Say in one line what the system refused, where, what became of the file, and what to do."""
    if failure.errno is None and failure.filename is None:
        return str(failure)
    said = (failure.strerror or str(failure)).lower()
    to_do = TO_DO.get(failure.errno or 0, f"see to it, {AGAIN}")
    if failure.filename is None:
        return f"what this command prints could not be written: {said}; its files may have been; {to_do}"
    place = _shown(str(failure.filename))
    if isinstance(failure, UnsyncedError):
        return f"{place} is written, but may not outlast a loss of power: {said}; {to_do}"
    if isinstance(failure, UnwrittenError):
        is_lock = failure.filename.endswith(LOCK)
        kept = "nothing was written" if is_lock else "what was there is as it was"
        return f"cannot write {place}: {said}; {kept}; {to_do}"
    return f"cannot use {place}: {said}; {to_do}"


def _shown(path: str) -> str:
    """Return a path as it is read most easily: relative where it lies below the current folder."""
    place = Path(path)
    with suppress(OSError, ValueError):
        place = place.resolve().relative_to(Path.cwd())
    return str(place).encode("utf-8", "backslashreplace").decode()
