"""Files that appear whole or not at all, and are on the disk before anything says that they are written.

A process that is killed may leave two things beside a file or folder NAME. `.NAME.TOKEN.partial` is what it had not
finished: nobody reads it, and the next writer into the same folder removes it when it is an hour old. `.NAME.before` is
the folder that it was replacing: readers find it there until the next writer puts it back.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from stat import S_IMODE
from typing import TYPE_CHECKING, BinaryIO

from forecast.workspace.files import UNFINISHED
from forecast.workspace.problems import Problem, Source, WorkspaceProblems

if TYPE_CHECKING:
    from filelock import BaseFileLock

PARTIAL = re.compile(r"\..+\.[0-9a-f]{8}\.partial", re.DOTALL)
BEFORE = re.compile(r"\.(.+)\.before", re.DOTALL)
DEAD_SECONDS = 3600.0  # no writer takes so long from one byte to the next, so nobody writes it any more


class UnwrittenError(OSError):
    """A file or folder (`filename`) could not be written; what was there is as it was."""


class UnsyncedError(OSError):
    """A file or folder (`filename`) is in its place, but a failure of power could undo that."""


def replace_file(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    """Write a file beside its place and move it there; it is synced, and so is its folder.

    A link stays one, and what it leads to is replaced. A file that was there keeps its permissions.

    Args:
        path: its place; folders that are missing are made.
        content: its bytes, or what writes them.

    Raises UnwrittenError, UnsyncedError, and what else `content` raises.
    """
    with _failing_as(UnwrittenError, path):
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_dead(path.parent)
        # Others may be writing the same file of a cache: other threads, other processes, other machines.
        partial = partial_beside(path)
        try:
            _write(partial, content)
            if path.exists():
                partial.chmod(S_IMODE(path.stat().st_mode))
            partial.replace(path)
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
    _sync_moved(path)


def remove_file(path: Path) -> None:
    """Remove a file, if it is there, for good: a power failure does not bring it back."""
    path.unlink(missing_ok=True)
    _sync_folder(path.parent)


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder with exactly these files in the place of `folder`, which stays as it is until they are all there.

    Only one process at a time may replace it. Raises UnwrittenError and UnsyncedError.
    """
    partial, before = partial_beside(folder), _before(folder)
    with _failing_as(UnwrittenError, folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        remove_dead(folder.parent)
        recover_folder(folder)
        try:
            partial.mkdir()
            for name, content in files.items():
                _write(partial / name, content)
            _sync_folder(partial)
            if folder.exists():
                folder.rename(before)
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            if not folder.exists():
                with suppress(OSError):
                    recover_folder(folder)
    _sync_moved(folder)
    shutil.rmtree(before, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Bring back the folder of before if a replacement was interrupted between its two moves."""
    before = _before(folder)
    if before.exists():
        if folder.exists():
            shutil.rmtree(before)
        else:
            before.rename(folder)


def recover_folders(parent: Path) -> None:
    """Bring back every folder in `parent` whose replacement was interrupted. Nobody else may be replacing one there."""
    for path in list(parent.iterdir()):
        if match := BEFORE.fullmatch(path.name):
            recover_folder(parent / match[1])


def folders_with(parent: Path, name: str) -> list[str]:
    """Return the names, in order, of folders in `parent` that hold a file `name`, as `read_in` finds them."""
    there = [path.name for path in parent.iterdir() if not PARTIAL.fullmatch(path.name)] if parent.is_dir() else []
    folders = {match[1] if (match := BEFORE.fullmatch(name)) else name for name in there}
    return sorted(one for one in folders if _place_in(parent / one, name) is not None)


def read_in(folder: Path, name: str) -> bytes | None:
    """Read a file of a folder that `replace_folder` writes; None if it has none. Nothing is written.

    It is found also between the two moves of a replacement, and after one that was killed there.
    """
    while (place := _place_in(folder, name)) is not None:
        with suppress(FileNotFoundError):  # the replacement has gone on meanwhile
            return place.read_bytes()
    return None


def _place_in(folder: Path, name: str) -> Path | None:
    kept = _before(folder) / name
    if not (folder / name).exists() and kept.exists() and not folder.exists():
        return kept
    return folder / name if (folder / name).exists() else None


def remove_dead(folder: Path) -> None:
    """Remove what killed processes left unfinished in a folder, once nobody can be writing it any more."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not PARTIAL.fullmatch(entry.name):
                continue
            with suppress(OSError):  # somebody else has removed it
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > DEAD_SECONDS:
                    if entry.is_dir(follow_symlinks=False):
                        shutil.rmtree(entry.path)
                    else:
                        Path(entry.path).unlink()


def partial_beside(path: Path) -> Path:
    """Return a new name beside a file or folder under which it can be written; if it is left there, it is removed."""
    return path.with_name(f".{path.name}.{token_hex(4)}.partial")


def _before(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.before")


@contextmanager
def _failing_as(kind: type[OSError], path: Path) -> Iterator[None]:
    """Raise what the system refuses as one kind of error that names the file, not the one beside it."""
    try:
        yield
    except OSError as error:
        raise kind(error.errno, error.strerror or str(error), str(path)) from error


def _write(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    with path.open("wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            content(file)
        file.flush()
        os.fsync(file.fileno())


def _sync_moved(path: Path) -> None:
    with _failing_as(UnsyncedError, path):
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make names in a folder last: after a power failure a file that was moved there could have its old name."""
    if os.name == "nt":
        return  # Windows opens no folder, and moves files with the names of both places in its journal
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


# Locks: who changes the files of a workspace holds its lock, so that what two processes write is not lost.

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


# Several files that change in one step: a process that is killed between two of them leaves what finishes the step.


def replace_together(root: Path, contents: Mapping[str, bytes], command: str) -> None:
    """Replace files of a workspace, all or none; the caller holds its lock from reading them to here.

    What is to be written is synced first, in one file; while that file is there the workspace is not read, and says
    that `command` finishes the step. Where a write fails, as on a full disk, what was written so far is taken back.

    Raises OSError; if taking back fails too, the step is left to be finished.
    """
    before = {path: _bytes(root / path) for path in contents}
    plan = [
        {"path": path, "before": _digest(before[path]), "content": content.decode("utf-8", "surrogateescape")}
        for path, content in contents.items()
    ]
    replace_file(root / UNFINISHED, json.dumps({"command": command, "files": plan}).encode())
    written: list[str] = []
    try:
        for path, content in contents.items():
            written.append(path)
            replace_file(root / path, content)
    except OSError:
        for path in written:
            old = before[path]
            if old is None:
                (root / path).unlink(missing_ok=True)
            elif _bytes(root / path) != old:
                replace_file(root / path, old)
        remove_file(root / UNFINISHED)
        raise
    remove_file(root / UNFINISHED)


def finish(root: Path) -> tuple[str, tuple[str, ...]] | None:
    """Write the rest of a step that was interrupted.

    Returns the command that it was of and the files that are written now; None if there was none.

    Raises WorkspaceProblems where a file is neither as it was nor as it is to be, and OSError.
    """
    place = root / UNFINISHED
    if not place.is_file():
        return None
    with locked(root):
        if not place.is_file():
            return None
        plan = json.loads(place.read_bytes())
        contents = {file["path"]: file["content"].encode("utf-8", "surrogateescape") for file in plan["files"]}
        before = {file["path"]: file["before"] for file in plan["files"]}
        now = {path: _bytes(root / path) for path in contents}
        changed = [path for path, here in now.items() if here != contents[path] and _digest(here) != before[path]]
        if changed:
            raise WorkspaceProblems([_changed(path) for path in changed])
        for path, content in contents.items():
            if now[path] != content:
                replace_file(root / path, content)
        remove_file(place)
    return str(plan["command"]), tuple(contents)


def _bytes(place: Path) -> bytes | None:
    return place.read_bytes() if place.is_file() else None


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _changed(path: str) -> Problem:
    what = "a rename was interrupted before it wrote this file, and somebody has changed the file since"
    allowed = f"restore the file's earlier content; or delete {UNFINISHED}, and correct the names by hand"
    return Problem(Source(path, 1), what, "", allowed)
