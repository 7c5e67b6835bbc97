"""The store: numbers that are kept below `reports/.cache` so that they need not be computed again.

An entry lies under a key: its kind, the inputs, and the program that computes it (forecast.store.program). What cannot
be read for any reason is not there, and what cannot be written is used all the same: with the store or without it, the
numbers are the same.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from forecast.digests import digest_of
from forecast.files import locked_place, replace_file
from forecast.store.program import KINDS, program

# A sealed file: arrays and texts under names, with SHA-256 of each part and of the list of parts.
#
# Two lines, the SHA-256 of the second and the list itself as JSON, then the bytes of all parts one after the other.
# What was cut off, changed or written by somebody else does not fit them, and is not read. There is no pickle.

Part = bytes | NDArray[Any]

LONGEST_LIST = 1_000_000  # bytes; a hundred parts take ten thousand
KINDS_OF_NUMBERS = "biufU"  # of numpy: truth values, whole numbers, doubles, texts of fixed length


class DamagedEntryError(Exception):
    """A sealed file does not hold what its list says."""


@dataclass(frozen=True)
class Sealed:
    """A file whose list of parts is whole, and which is as long as that says.

    `about` is what the writer said of it; `parts` by name: (offset, bytes, SHA-256, dtype, shape, is in Fortran order).
    """

    path: Path
    about: Mapping[str, str]
    parts: Mapping[str, tuple[int, int, str, str, tuple[int, ...], bool]]

    def array(self, name: str) -> NDArray[Any]:
        """Read an array, as it was: the same type, shape and order. Raises DamagedEntryError."""
        _, size, _, dtype, shape, is_fortran = self._part(name)
        kind = np.dtype(dtype)
        if kind.kind not in KINDS_OF_NUMBERS or kind.itemsize * int(np.prod(shape, dtype=object)) != size:
            raise DamagedEntryError
        # Into the array's own memory: a copy of it takes as long as the digest.
        array = np.empty(shape[::-1] if is_fortran else shape, kind)
        self._read(name, memoryview(array.reshape(-1).view(np.uint8)) if size else memoryview(b""))
        return array.T if is_fortran else array

    def text(self, name: str) -> bytes:
        """Read a part that is no array. Raises DamagedEntryError."""
        content = bytearray(self._part(name)[1])
        self._read(name, memoryview(content))
        return bytes(content)

    def _part(self, name: str) -> tuple[int, int, str, str, tuple[int, ...], bool]:
        if name not in self.parts:
            raise DamagedEntryError
        return self.parts[name]

    def _read(self, name: str, into: memoryview) -> None:
        offset, size, seal, *_ = self._part(name)
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(offset)
                n_read = 0
                while n_read < size and (more := file.readinto(into[n_read:])):
                    n_read += more
        except OSError as error:
            raise DamagedEntryError from error
        if n_read != size or sha256(into).hexdigest() != seal:
            raise DamagedEntryError


def write_sealed(file: BinaryIO, about: Mapping[str, str], parts: Mapping[str, Part]) -> None:
    """Write parts and what is to be said about them."""
    listed, contents = [], []
    for name, part in parts.items():
        dtype, shape, is_fortran = "", [], False
        content: Any = part
        if not isinstance(part, bytes):
            is_fortran = part.flags.f_contiguous and not part.flags.c_contiguous
            dtype, shape = part.dtype.str, list(part.shape)
            if part.dtype.kind not in KINDS_OF_NUMBERS:
                msg = f"an array of {part.dtype} is not kept"
                raise ValueError(msg)
            content = np.ascontiguousarray(part.T if is_fortran else part).reshape(-1).view(np.uint8)
        contents.append(content)
        listed.append([name, len(content), sha256(content).hexdigest(), dtype, shape, is_fortran])
    text = json.dumps({"about": dict(about), "parts": listed}, sort_keys=True).encode()
    file.write(sha256(text).hexdigest().encode() + b"\n" + text + b"\n")
    for content in contents:
        file.write(content)


def open_sealed(path: Path) -> Sealed | None:
    """Read the list of a sealed file; None for anything else. The parts themselves are checked when they are read."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            seal, text = file.readline(66).strip(), file.readline(LONGEST_LIST)
            start, size = file.tell(), os.fstat(file.fileno()).st_size
        if not text.endswith(b"\n") or sha256(text[:-1]).hexdigest().encode() != seal:
            return None
        found = json.loads(text)
        about, parts = {str(key): str(value) for key, value in found["about"].items()}, {}
        for name, n_bytes, digest, dtype, shape, is_fortran in found["parts"]:
            parts[str(name)] = (start, int(n_bytes), str(digest), str(dtype), tuple(map(int, shape)), bool(is_fortran))
            start += int(n_bytes)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    return Sealed(path, about, parts) if start == size else None


# How much room the store takes: what lies in it, what goes first when it is full, what killed processes left.

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


@dataclass(frozen=True)
class Place:
    """Where an entry lies, whether it is there or not: the folder of the store, the kind, and the key."""

    folder: Path
    kind: str
    key: str

    @property
    def path(self) -> Path:
        """The entry's file."""
        return self.folder / self.kind / f"{self.key[:32]}{ENDING}"


def key_of(kind: str, *inputs: Any) -> str:
    """Compute the digest of all that decides an entry: its inputs (`digest_of`), and the program as it is now."""
    return digest_of(kind, program(kind), inputs)


def place_of(folder: Path, kind: str, *inputs: Any) -> Place:
    """Return the place of what is computed from inputs."""
    return Place(folder, kind, key_of(kind, *inputs))


def load[T](place: Place, read: Callable[[Sealed], T]) -> T | None:
    """Return what `read` makes of an entry, and note that it was used; None if it is missing or damaged."""
    entry = _entry(place)
    if entry is None:
        return None
    try:
        value = read(entry)
    except DamagedEntryError:
        return None
    IN_USE.add(place.path.absolute())
    with suppress(OSError):  # somebody else's folder: what was used last is then not known, and nothing else
        os.utime(place.path)
    return value


def is_kept(place: Place) -> bool:
    """Say whether an entry is there, by its list of parts and its length."""
    return _entry(place) is not None


def keep(place: Place, parts: Mapping[str, Part]) -> None:
    """Keep an entry, in the place of one of the same key; that it cannot be written is said once on stderr."""
    about = {
        "kind": place.kind,
        "key": place.key,
        "program": program(place.kind),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    IN_USE.add(place.path.absolute())
    try:
        replace_file(place.path, lambda file: write_sealed(file, about, parts))
        make_room(place.folder, place.kind)
    except OSError as error:
        _cannot_keep(place.folder, error.strerror or str(error))


def once(place: Place, compute: Callable[[], Any]) -> Any:
    """Return a value of JSON that is kept, or compute and keep it."""
    value = kept_value(place)
    return keep_value(place, compute()) if value is None else value


def kept_value(place: Place) -> Any:
    """Return a value of JSON that is kept; None if there is none."""
    text = load(place, lambda entry: entry.text("value"))
    return None if text is None else json.loads(text)


def keep_value(place: Place, value: Any) -> Any:
    """Keep a value of JSON, and return it as it will be read."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    keep(place, {"value": text})
    return json.loads(text)


def once_array(place: Place, compute: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """Return an array that is kept, or compute and keep it."""
    value = load(place, lambda entry: entry.array("value"))
    if value is None:
        value = compute()
        keep(place, {"value": value})
    return value


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Make an entry while no other process makes the same one; look again whether it is there after waiting.

    Where no lock can be written, none is held: two processes then do the same work.
    """
    with ExitStack() as held:
        try:
            held.enter_context(locked_place(place.path.with_name(f".{place.path.stem}.lock"), f"makes {place.kind}"))
        except OSError as error:
            _cannot_keep(place.folder, error.strerror or str(error))
        yield


def _entry(place: Place) -> Sealed | None:
    entry = open_sealed(place.path)
    fits = entry is not None and (entry.about.get("kind"), entry.about.get("key")) == (place.kind, place.key)
    return entry if fits else None


@cache  # once a folder
def _cannot_keep(folder: Path, why: str) -> None:
    sys.stderr.write(f"warning: {folder} cannot be written ({why}); what is computed is used but not kept\n")
