"""The page docs/datatree.md: its tables against what a file says of itself. Its blocks run with the first forecast."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forecast.report.tree import COORDINATES, DAY, GROUPS, VARIABLES, Meaning
from tests.docs.pages import ROOT
from tests.report.drawn import Drawn

PAGE = (ROOT / "docs/datatree.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))


def _rows(section: str) -> dict[str, list[str]]:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", SECTIONS[section], flags=re.MULTILINE)
    return {name: cells.split(" | ") for name, cells in rows}


def _cells(meaning: Meaning) -> list[str]:
    return [meaning.units or "text", meaning.long_name]


@pytest.mark.parametrize("group", GROUPS)
def test_every_variable_is_explained(group: str) -> None:
    """Each group's table has the variables that may be in it, with their units and meaning, and no other."""
    assert {name: _cells(one) for name, one in VARIABLES[group].items()} == {
        name: cells[1:] for name, cells in _rows(group).items()
    }
    assert GROUPS[group].lower() in SECTIONS[group].lower()


def test_every_coordinate_is_explained() -> None:
    """So are the coordinates."""
    assert {name: _cells(one) for name, one in COORDINATES.items()} == _rows("Coordinates")
    assert [*GROUPS, "Coordinates"] == list(SECTIONS)


def test_a_written_file_is_what_the_page_says(drawn: Drawn, tmp_path: Path) -> None:
    """Groups, dimensions, units and meanings of a file are those of the page, and every text is a text."""
    import xarray as xr

    (tmp_path / "forecast.nc").write_bytes(drawn.files["forecast.nc"])
    tree = xr.load_datatree(tmp_path / "forecast.nc")
    assert list(GROUPS) == list(tree.children)
    for group, told in tree.children.items():
        assert GROUPS[group] == told.attrs["description"]
        for name, array in told.data_vars.items():
            dims, *cells = _rows(group)[str(name)]
            assert dims == ", ".join(map(str, array.dims)), name
            assert cells == [
                array.attrs.get("units", DAY if array.dtype.kind == "M" else "text"),
                array.attrs["long_name"],
            ]
            assert ("units" in array.attrs) == (array.dtype.kind in "fiu"), name
            assert (cells[0] == DAY) == (array.dtype.kind == "M"), name
        assert {str(axis) for axis in told.sizes} == {str(name) for name in told.coords}  # one each, and no other
        for name, array in told.coords.items():
            assert _rows("Coordinates")[str(name)] == [array.attrs.get("units", "text"), array.attrs["long_name"]]
    assert all(str(name) in PAGE for name in tree.attrs)
    readings = tree["posterior"].to_dataset()["reading"].to_numpy().tolist()
    assert "s-chance" in readings
    assert ["s-shares[0]", "s-shares[1]"] == [name for name in readings if name.startswith("s-shares")]
