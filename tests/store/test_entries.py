"""Entries that are missing, damaged or cannot be written cost time, never a number."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock, Timeout
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.store import entries
from forecast.store.entries import DamagedEntryError, Place, Sealed, is_kept, keep, load, once, once_array, place_of
from tests.entries import spot

VALUE = {"rows": [0.1, "née", None], "n": 3}


class _Computing:
    """Computes, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> object:
        self.times += 1
        return VALUE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that every example writes anew."""
    return tmp_path_factory.mktemp("store")


def test_computed_once(tmp_path: Path) -> None:
    """The same inputs are computed once, others on their own, and the value is the same each time."""
    compute = _Computing()
    assert [VALUE] * 3 == [once(place_of(tmp_path, "answers", *told), compute) for told in ((1, "a"), (1, "a"), (2,))]
    assert 2 == compute.times


@settings(deadline=None)  # files on a busy disk
@given(st.data())
def test_damage_is_made_good(folder: Path, data: st.DataObject) -> None:
    """Whatever byte changes, and wherever the file is cut off, the value is that of an empty store, and is kept."""
    place, compute = place_of(folder, "answers", "damaged"), _Computing()
    place.path.unlink(missing_ok=True)
    once(place, compute)
    whole = bytearray(place.path.read_bytes())
    at = spot(data, len(whole))
    if data.draw(st.booleans()):
        whole[at] ^= data.draw(st.integers(1, 255))
    else:
        del whole[at:]
    place.path.write_bytes(whole)
    assert (VALUE, 2) == (once(place, compute), compute.times)
    assert (VALUE, 2) == (once(place, compute), compute.times)


def test_an_entry_of_another_key_is_none(tmp_path: Path) -> None:
    """An entry that was moved to the place of another, or to another kind, is not read there."""
    first, second, other = (place_of(tmp_path, kind, n) for kind, n in (("answers", 1), ("answers", 2), ("replay", 1)))
    once(first, lambda: 1)
    for place in (second, other):
        place.path.parent.mkdir(exist_ok=True)
        place.path.write_bytes(first.path.read_bytes())
        assert not is_kept(place)
        assert 2 == once(place, lambda: 2)


def test_an_array_comes_back_to_the_bit(tmp_path: Path) -> None:
    """Arrays that are kept are those that were computed, not a number and signed zeros among them."""
    computed = np.array([[0.1, -0.0], [np.nan, np.inf]])
    place = place_of(tmp_path, "anchor", "x")
    for found in (once_array(place, lambda: computed), once_array(place, lambda: computed + 1.0)):
        assert computed.tobytes() == found.tobytes()


def test_reading_notes_the_use(tmp_path: Path) -> None:
    """What is read was used last: it goes after what was kept later."""
    import os

    place = place_of(tmp_path, "answers", 1)
    once(place, lambda: 1)
    os.utime(place.path, (1.0, 1.0))
    once(place, lambda: 2)
    assert place.path.stat().st_mtime > 1.0


def test_a_part_that_is_damaged_later(tmp_path: Path) -> None:
    """A reader that finds damage in any part has read nothing."""
    place = place_of(tmp_path, "answers", 1)
    keep(place, {"value": b"1"})

    def read(entry: Sealed) -> object:
        assert b"1" == entry.text("value")
        raise DamagedEntryError

    assert load(place, read) is None


@contextmanager
def _no_room() -> Iterator[None]:
    """Let no file grow beyond a few bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_costs_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be written is used, told once, and leaves nothing half-written."""
    entries._cannot_keep.cache_clear()
    with _no_room():
        assert [VALUE, VALUE] == [once(place_of(tmp_path, "answers", n), lambda: VALUE) for n in (1, 2)]
        _, told = capsys.readouterr()
    (line,) = told.splitlines()
    assert line.startswith(f"warning: {tmp_path} cannot be written (File too large)")
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_store_that_is_a_file_costs_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there can be no folder, as in a folder that may only be read, results are used and locks are not held."""
    entries._cannot_keep.cache_clear()
    place = Place(tmp_path / "file", "answers", "k")
    place.folder.write_bytes(b"")
    assert VALUE == once(place, lambda: VALUE)
    with entries.alone(place):
        assert VALUE == once(place, lambda: VALUE)
    assert 1 == len(capsys.readouterr().err.splitlines())
    assert b"" == place.folder.read_bytes()


def test_values_are_as_they_will_be_read(tmp_path: Path) -> None:
    """The first answer is that of all later ones, also where JSON has no such type."""
    place = place_of(tmp_path, "answers", 1)
    first = once(place, lambda: {"days": (1, 2)})
    assert first == once(place, lambda: None) == json.loads('{"days": [1, 2]}')


def test_nobody_waits_for_what_is_made(tmp_path: Path) -> None:
    """The lock of an entry is let go when the entry is there, not when the process that made it ends."""
    place = place_of(tmp_path, "draws", 1)
    with entries.alone(place):
        (lock,) = place.path.parent.glob(".*.lock")
        with pytest.raises(Timeout):
            FileLock(lock).acquire(timeout=0)
    FileLock(lock).acquire(timeout=0).lock.release()
