"""What a command says when the system does not let it read or write: one line with the path and what to do."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path

from forecast.files import UnsyncedError, UnwrittenError
from forecast.lock import LOCK

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
