"""netCDF-4 files that are written without a netCDF library are what such a library reads."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.report.netcdf import SMALL, Group, Labelled, as_netcdf

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


def _texts(values: list[str]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.array(values, dtype=object)


@given(
    names=st.lists(TEXTS, unique=True, max_size=4),
    numbers=st.lists(st.floats(width=64), min_size=3, max_size=3),
    days=st.lists(st.dates(date(1700, 1, 1), date(2200, 1, 1)) | st.none(), max_size=4),  # readers count nanoseconds
    said=TEXTS,
)
def test_what_is_written_is_read(names: list[str], numbers: list[float], days: list[object], said: str) -> None:
    """Numbers, texts, days, yes and no, and what is said of them come back, along the same labelled dimensions."""
    import xarray as xr

    table = np.outer(np.ones(len(names)), numbers)
    when = np.array(["NaT" if day is None else str(day) for day in days], dtype="datetime64[s]")
    axes = {
        "name": Labelled(dims=("name",), values=_texts(names)),
        "place": Labelled(dims=("place",), values=np.arange(3), attributes={"units": "1"}),
        "day": Labelled(dims=("day",), values=np.arange(len(days))),
    }
    arrays = {
        "table": Labelled(dims=("name", "place"), values=table, attributes={"long_name": said}),
        "when": Labelled(dims=("day",), values=when),
        "odd": Labelled(dims=("place",), values=np.array([False, True, False])),
    }
    group = Group(axes=axes, arrays=arrays, attributes={"description": said})
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.nc"
        path.write_bytes(as_netcdf({"group": group}, {"title": said}))
        tree = xr.load_datatree(path)
    found = tree["group"].to_dataset()
    assert {"name": len(names), "place": 3, "day": len(days)} == dict(found.sizes)
    assert set(found.coords) == set(found.sizes)
    assert names == found["name"].to_numpy().tolist()
    np.testing.assert_array_equal(table, found["table"].to_numpy())
    assert (said, said, said) == (tree.attrs["title"], found.attrs["description"], found["table"].attrs["long_name"])
    assert found["when"].dtype.kind == "M"
    np.testing.assert_array_equal(when, found["when"].to_numpy().astype(when.dtype))
    assert [0, 1, 0] == found["odd"].to_numpy().tolist()


def test_steps_are_counted_in_sixteen_bits_and_compressed(tmp_path: Path) -> None:
    """Numbers in steps are read as the nearest step, and large arrays take less room than their numbers."""
    import xarray as xr

    values = np.random.default_rng(1).normal(size=(4, SMALL))
    axes = {name: Labelled(dims=(name,), values=np.arange(n)) for name, n in (("chain", 4), ("draw", SMALL))}
    arrays = {
        "rounded": Labelled(dims=("chain", "draw"), values=values, step=0.125),
        "flat": Labelled(dims=("chain", "draw"), values=np.ones_like(values)),
    }
    content = as_netcdf({"group": Group(axes=axes, arrays=arrays)}, {})
    (tmp_path / "file.nc").write_bytes(content)
    found = xr.load_datatree(tmp_path / "file.nc")["group"]
    np.testing.assert_array_equal(np.rint(values / 0.125) * 0.125, found["rounded"].to_numpy())
    assert len(content) < values.nbytes


def test_an_array_of_another_length_than_its_labels_is_refused() -> None:
    """A file never holds an array that its own dimensions do not fit."""
    axes = {"draw": Labelled(dims=("draw",), values=np.arange(3))}
    with pytest.raises(ValueError, match="group/values: 2 along draw, which has 3"):
        as_netcdf({"group": Group(axes=axes, arrays={"values": Labelled(dims=("draw",), values=np.ones(2))})}, {})
    with pytest.raises(KeyError, match="chain"):
        as_netcdf({"group": Group(axes=axes, arrays={"values": Labelled(dims=("chain",), values=np.ones(2))})}, {})
