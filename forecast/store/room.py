"""How much room the store takes: what lies in it, what goes first when it is full, what killed processes left."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from forecast.store.program import KINDS, program
from forecast.store.sealed import open_sealed

BOUND = 2_000_000_000  # bytes in the store of a workspace: some fifty fits of a hundred statements
LEFT_OVER_SECONDS = 3600.0  # after which nobody is still writing a partial file
LOCK_SECONDS = 86_400.0  # after which nobody is still making the entry of a lock
ENDING = ".kept"
UNKNOWN = "other"  # a kind of earlier versions, or nothing of ours

IN_USE: set[Path] = set()  # entries that this process has read or written: it may read them again; absolute paths


@dataclass(frozen=True)
class StoredEntry:
    """What lies in the store: its file (or folder, of earlier versions), when made, and when used last (epoch).

    `made` is empty where it is not known; `is_current`: of this program's code and packages.
    """

    path: Path
    kind: str
    made: str
    n_bytes: int
    used: float
    is_current: bool


def listed(folder: Path) -> list[StoredEntry]:
    """List a store by kind, those used last first."""
    entries = []
    for path, kind, n_bytes, used in _found(folder):
        entry = open_sealed(path) if path.suffix == ENDING and kind in KINDS else None
        about = {} if entry is None else entry.about
        is_current = entry is not None and about.get("kind") == kind and about.get("program") == program(kind)
        entries.append(StoredEntry(path, kind, about.get("made", ""), n_bytes, used, is_current))
    return sorted(entries, key=lambda path: (path.kind, -path.used, path.path.name))


def make_room(folder: Path, kind: str, bound: int = BOUND) -> None:
    """Remove what was used longest ago until a store is within its bound, and its kind has no more than it may.

    What this process has used stays.
    """
    oldest_first = sorted((used, path, n_bytes, of) for path, of, n_bytes, used in _found(folder))
    total = sum(n_bytes for _, _, n_bytes, _ in oldest_first)
    most, n_kind = KINDS[kind].most, sum(of == kind for *_, of in oldest_first)
    for _, path, n_bytes, of in oldest_first:
        too_many = of == kind and most is not None and n_kind > most
        if (total > bound or too_many) and path.absolute() not in IN_USE:
            _remove(path)
            total -= n_bytes
            n_kind -= of == kind


def prune(folder: Path, *, everything: bool = False, bound: int = BOUND) -> list[StoredEntry]:
    """Remove entries of other code and, of the rest, those beyond the bound; or everything. Return what is gone.

    What killed processes left below the folder of reports goes too.
    """
    remove_leftovers(folder.parent)
    gone, total = [], 0
    for entry in sorted(listed(folder), key=lambda entry: -entry.used):
        total += entry.n_bytes if entry.is_current else 0
        if everything or not entry.is_current or total > bound:
            _remove(entry.path)
            gone.append(entry)
    return gone


def remove_leftovers(reports: Path) -> None:
    """Remove `.NAME.*.partial`, which killed processes leave, once they are an hour old, and locks of yesterday."""
    now = time.time()
    for path in [*reports.rglob(".*.partial"), *(reports / ".cache").glob("*/.*.lock")]:
        patience = LOCK_SECONDS if path.suffix == ".lock" else LEFT_OVER_SECONDS
        try:
            if now - path.lstat().st_mtime > patience:
                _remove(path)
        except OSError:
            continue  # gone meanwhile


def _found(folder: Path) -> Iterator[tuple[Path, str, int, float]]:
    """Yield what lies in a store: path, kind, bytes, last used (epoch)."""
    for path in _children(folder):
        if path.name not in KINDS or not path.is_dir(follow_symlinks=False):
            yield Path(path.path), UNKNOWN, *_size(path)
            continue
        for entry in _children(Path(path.path)):
            yield Path(entry.path), path.name, *_size(entry)


def _children(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listing:
            return [
                path for path in listing if not path.name.startswith(".")
            ]  # neither locks nor what is being written
    except OSError:
        return []


def _size(path: os.DirEntry[str]) -> tuple[int, float]:
    try:
        status = path.stat(follow_symlinks=False)
    except OSError:
        return 0, 0.0
    if not path.is_dir(follow_symlinks=False):
        return status.st_size, status.st_mtime
    below = [_size(child) for child in _children(Path(path.path))]
    return sum(size for size, _ in below), max((used for _, used in below), default=status.st_mtime)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):  # not ours to remove
        path.unlink(missing_ok=True)
