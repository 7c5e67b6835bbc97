"""Entries of the store, written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from hypothesis import strategies as st

from forecast.sampling.draws import _groups
from forecast.sampling.settings import SampledFit
from forecast.store.entries import Part, open_sealed, write_sealed


def entries(root: Path, kind: str) -> list[Path]:
    """Return the entries of a kind in a workspace."""
    return sorted((root / "reports" / ".cache" / kind).glob("*.kept"))


def parts_of(path: Path) -> dict[str, Part]:
    """Read all parts of an entry."""
    entry = open_sealed(path)
    assert entry is not None
    return {name: entry.array(name) if part[3] else entry.text(name) for name, part in entry.parts.items()}


def rewrite(path: Path, parts: Mapping[str, Part]) -> None:
    """Seal an entry anew, under its own key, with other parts in the place of some."""
    entry = open_sealed(path)
    assert entry is not None
    together = {**parts_of(path), **parts}
    with path.open("wb") as file:
        write_sealed(file, entry.about, together)


def kept_fit(root: Path) -> SampledFit:
    """Read the whole fit of a workspace that keeps one."""
    (path,) = entries(root, "draws")
    entry = open_sealed(path)
    assert entry is not None
    return SampledFit(entry.array("theta"), *_groups(entry), json.loads(entry.text("diagnostics")))


def spot(data: st.DataObject, size: int) -> int:
    """Draw a place in a file, near its beginning as often as near its end: small numbers are drawn most."""
    at = data.draw(st.integers(0, size - 1))
    return size - 1 - at if data.draw(st.booleans()) else at
