"""The store: numbers that are kept below `reports/.cache` so that they need not be computed again.

An entry lies under a key: its kind, the inputs, and the program that computes it (forecast.store.program). What cannot
be read for any reason is not there, and what cannot be written is used all the same: with the store or without it, the
numbers are the same.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from forecast.digests import digest_of
from forecast.files import replace_file
from forecast.lock import locked_place
from forecast.store.program import program
from forecast.store.room import ENDING, IN_USE, make_room
from forecast.store.sealed import DamagedEntryError, Part, Sealed, open_sealed, write_sealed


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
