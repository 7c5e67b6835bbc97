"""A sealed file gives back what was put in, or nothing."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from forecast.store.entries import DamagedEntryError, Part, Sealed, open_sealed, write_sealed
from tests.entries import spot

KINDS = st.sampled_from([np.dtype(name) for name in ("f8", "i8", "i2", "u1", "?", "<U5")])
PARTS = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.one_of(st.binary(max_size=40), arrays.arrays(KINDS, arrays.array_shapes(min_dims=0, min_side=0, max_side=4))),
    max_size=4,
)
ABOUT = {"kind": "draws", "key": "k"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that every example writes anew."""
    return tmp_path_factory.mktemp("sealed") / "entry"


def _written(parts: dict[str, Part]) -> bytes:
    file = BytesIO()
    write_sealed(file, ABOUT, parts)
    return file.getvalue()


def _read(entry: Sealed, like: dict[str, Part]) -> dict[str, Part]:
    return {name: entry.text(name) if isinstance(part, bytes) else entry.array(name) for name, part in like.items()}


def _assert_same(one: dict[str, Part], other: dict[str, Part]) -> None:
    assert one.keys() == other.keys()
    for name, part in one.items():
        found = other[name]
        if isinstance(part, bytes):
            assert part == found
        else:
            np.testing.assert_array_equal(part, found, strict=True)


@settings(deadline=None)  # files on a busy disk
@given(PARTS, st.booleans())
def test_what_is_read_was_written(place: Path, parts: dict[str, Part], is_turned: bool) -> None:
    """Bytes, and arrays of any type, shape and order, come back the same."""
    if is_turned:
        parts = {name: part if isinstance(part, bytes) else part.T for name, part in parts.items()}
    place.write_bytes(_written(parts))
    entry = open_sealed(place)
    assert entry is not None
    assert ABOUT == dict(entry.about)
    _assert_same(parts, _read(entry, parts))
    for name, part in parts.items():
        if not isinstance(part, bytes) and part.size:
            assert part.flags.f_contiguous == entry.array(name).flags.f_contiguous


@settings(deadline=None)  # files on a busy disk
@given(PARTS, st.data())
def test_nothing_that_was_changed_is_read(place: Path, parts: dict[str, Part], data: st.DataObject) -> None:
    """A byte that was changed, or an end that was cut off or added, is found before its part is used."""
    whole = bytearray(_written(parts))
    at = spot(data, len(whole))
    match data.draw(st.sampled_from(["change", "cut", "add"])):
        case "change":
            whole[at] ^= data.draw(st.integers(1, 255))
        case "cut":
            del whole[at:]
        case _:
            whole += data.draw(st.binary(min_size=1, max_size=20))
    place.write_bytes(whole)
    entry = open_sealed(place)
    if entry is None:
        return
    with pytest.raises(DamagedEntryError):
        _read(entry, parts)


@settings(deadline=None)  # files on a busy disk
@given(st.binary(max_size=200))
def test_what_somebody_else_wrote_is_no_entry(place: Path, content: bytes) -> None:
    """Any other bytes are nothing, and no error."""
    place.write_bytes(content)
    assert open_sealed(place) is None


def test_no_pickle(place: Path) -> None:
    """Objects are neither written nor read: a list that asks for them is damaged, whatever its digests say."""
    with pytest.raises(ValueError, match="is not kept"):
        _written({"object": np.array([{}], dtype=object)})
    place.write_bytes(_written({"numbers": np.zeros(1)}))
    entry = open_sealed(place)
    assert entry is not None
    start, size, seal, _, shape, order = entry.parts["numbers"]
    with pytest.raises(DamagedEntryError):
        Sealed(place, ABOUT, {"numbers": (start, size, seal, "|O", shape, order)}).array("numbers")


def test_a_folder_or_a_pipe_is_no_entry(tmp_path: Path) -> None:
    """What is no file is not opened; a pipe would never end."""
    import os

    os.mkfifo(tmp_path / "pipe")
    assert [None, None, None] == [open_sealed(tmp_path / name) for name in ("pipe", "", "missing")]
