"""`forecast cache`: what is kept, and what goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from forecast.commands.main import main
from forecast.store import entries as store
from tests.commands.conftest import AS_OF
from tests.entries import entries


def _cache(root: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["cache", "-C", str(root), *arguments])
    assert 0 == result.exit_code, result.output
    return result.stdout


def _told(root: Path, *arguments: str) -> Any:
    return json.loads(_cache(root, *arguments, "--json"))


def test_entries_are_listed(updated: Path) -> None:
    """Each entry with its kind, size, age and code; the table and the JSON tell the same entries."""
    told = _told(updated)
    assert ["draws", "posterior", "residuals"] == [row["kind"] for row in told["entries"]]
    assert {"this"} == {row["code"] for row in told["entries"]}
    assert all(Path(row["path"]).stat().st_size == row["bytes"] for row in told["entries"])
    lines = _cache(updated).splitlines()
    assert ["kind", "made", "(UTC)", "size", "last", "used", "(UTC)", "code"] == lines[0].split()
    assert [row["kind"] for row in told["entries"]] == [line.split()[0] for line in lines[1:-1]]
    assert lines[-1].startswith("3 entries, ")


def test_nothing_is_kept_yet(tmp_path: Path) -> None:
    """A workspace that was never updated has an empty cache, and listing makes none."""
    assert "0 entries, 0 B" in _cache(tmp_path)
    assert not (tmp_path / "reports").exists()


def test_older_code_is_pruned(updated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--prune` takes what this code never uses and leaves the rest; `--all` takes everything."""
    with monkeypatch.context() as patched:
        patched.setattr(store, "program", lambda _: "older")
        store.once(store.place_of(updated / "reports" / ".cache", "answers", 1), lambda: 1)
    old = updated / "reports" / ".cache" / ("0" * 32)
    old.mkdir()
    (old / "theta.npy").write_bytes(b"numbers")
    assert {("answers", "older"), ("other", "older")} == {
        (row["kind"], row["code"]) for row in _told(updated)["entries"] if row["code"] != "this"
    }
    told = _told(updated, "--prune")
    assert {"answers", "other"} == {row["kind"] for row in told["removed"]}
    assert ["draws", "posterior", "residuals"] == [row["kind"] for row in told["entries"]]
    assert not old.exists()
    assert "removed: 3 entries" in _cache(updated, "--all")
    assert [] == _told(updated)["entries"]


def test_a_forecast_is_the_same_without_it(updated: Path) -> None:
    """Entries but the draws taken away or damaged change no number of an update."""

    def forecast() -> Any:
        result = CliRunner().invoke(main, ["update", "-C", str(updated), "--as-of", AS_OF, "--dry-run", "--json"])
        assert 0 == result.exit_code, result.output
        return json.loads(result.stdout)

    expected = forecast()
    for kind in ("residuals", "posterior"):
        (path,) = entries(updated, kind)
        path.write_bytes(path.read_bytes()[:-1])
    assert expected == forecast()
