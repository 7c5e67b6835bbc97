"""Locks: who changes the files of a workspace holds its lock, so that what two processes write is not lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.files import UnwrittenError, recover_folders
from forecast.workspace.problems import Problem, Source, WorkspaceProblems

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK = "reports/.lock"
SILENT_SECONDS = 2.0  # of waiting; longer than any command but one that draws a page holds it
PATIENT_SECONDS = 300.0  # after which something is wrong with who holds it
FOR_EVER = -1.0  # as long as its holder lives, and whoever waits is not interrupted


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the lock of a workspace. Who holds it already, in the same thread, gets it again.

    It is the system's lock on the file `reports/.lock`: it goes with the process that holds it, however that ends, and
    the file that stays behind means nothing. Waiting is told on stderr after two seconds.

    Who gets it first puts right what a killed process left half-moved in `reports`.

    Raises WorkspaceProblems if somebody else still holds it after five minutes, and UnwrittenError where the workspace
    cannot be written.
    """
    import filelock  # only who writes pays for it

    place = root.resolve() / LOCK
    try:
        lock = _acquired(place, f"writes to this workspace ({LOCK})", PATIENT_SECONDS - SILENT_SECONDS)
    except filelock.Timeout:
        raise WorkspaceProblems([_held()]) from None
    except OSError as error:
        raise UnwrittenError(error.errno, error.strerror or str(error), str(place)) from error
    try:
        if lock.lock_counter == 1:
            recover_folders(place.parent)
        yield
    finally:
        lock.release()


@contextmanager
def locked_place(place: Path, does: str) -> Iterator[None]:
    """Hold the lock of one thing that is made, which may take long: wait for as long as another process makes it.

    Args:
        place: the file of the lock.
        does: what who holds it does, as it is told on stderr after two seconds of waiting.

    Raises OSError if the file cannot be written.
    """
    lock = _acquired(place.resolve(), f"{does} ({place.name})", FOR_EVER)
    try:
        yield
    finally:
        lock.release()


def _acquired(place: Path, does: str, patience: float) -> BaseFileLock:
    """Acquire a lock, however long it takes up to a patience. Raises OSError, and filelock's Timeout."""
    import filelock

    place.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(place, is_singleton=True)
    try:
        lock.acquire(timeout=SILENT_SECONDS)
    except filelock.Timeout:
        sys.stderr.write(f"waiting for another command that {does}\n")
        lock.acquire(timeout=patience)
    return lock


def _held() -> Problem:
    what = "another command writes to this workspace and does not end; nothing was written"
    got = f"its lock is held for more than {PATIENT_SECONDS:g} seconds"
    return Problem(Source(LOCK, 1), what, got, "end that command, then run this one again")
