"""The store stays within its bound, and nobody loses what is in use."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from forecast.store import entries
from forecast.store.entries import IN_USE, Place, keep, listed, make_room, place_of, prune, remove_leftovers

HOUR = 3600.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a store, below a folder of reports."""
    return tmp_path / "reports" / ".cache"


def _kept(folder: Path, number: int, *, kind: str = "draws", hours_ago: float = 0.0) -> Place:
    """Keep an entry of some thousand bytes, as another process would that used it last so many hours ago."""
    place = place_of(folder, kind, number)
    keep(place, {"value": bytes(1000)})
    IN_USE.discard(place.path)
    _age(place.path, hours_ago)
    return place


def _age(path: Path, hours: float) -> None:
    then = time.time() - hours * HOUR
    os.utime(path, (then, then))


def test_what_was_used_longest_ago_goes_first(folder: Path) -> None:
    """Beyond the bound entries go in the order of their last use, of whatever kind, but none that is in use."""
    old, used, new = (_kept(folder, n, kind=k, hours_ago=h) for n, k, h in ((1, "draws", 3), (2, "answers", 9), (3, "replay", 1)))  # fmt: skip  # noqa: E501
    IN_USE.add(used.path)
    size = old.path.stat().st_size
    make_room(folder, "draws", bound=3 * size + 100)
    assert all(place.path.exists() for place in (old, used, new))
    make_room(folder, "draws", bound=2 * size + 100)
    assert [False, True, True] == [place.path.exists() for place in (old, used, new)]
    make_room(folder, "draws", bound=0)
    assert [False, True, False] == [place.path.exists() for place in (old, used, new)]


def test_keeping_makes_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many entries are kept, the store is never larger than its bound and the last of them."""
    monkeypatch.setattr(entries.make_room, "__defaults__", (5000,))
    for number in range(20):
        place = _kept(folder, number, hours_ago=20 - number)
        assert sum(path.stat().st_size for path in folder.rglob("*.kept")) <= 5000
        assert place.path.exists()


def test_few_posteriors_are_kept(folder: Path) -> None:
    """Of the kinds of which one takes the place of another only the last ones stay."""
    places = [_kept(folder, number, kind="posterior", hours_ago=9 - number) for number in range(7)]
    assert [number >= 3 for number in range(7)] == [place.path.exists() for place in places]


def test_other_code_is_pruned(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of other code, of earlier versions and of others go, those of this code stay."""
    ours = _kept(folder, 1)
    with monkeypatch.context() as patched:
        patched.setattr("forecast.store.entries.program", lambda _: "older")
        older = _kept(folder, 2)
    before = folder / ("0" * 32)
    before.mkdir()
    (before / "theta.npy").write_bytes(b"numbers")
    (folder / "draws" / "a.txt").write_text("a word", encoding="utf-8")
    assert [True, False, False, False] == sorted((one.is_current for one in listed(folder)), reverse=True)
    gone = prune(folder)
    assert {older.path, before, folder / "draws" / "a.txt"} == {one.path for one in gone}
    assert [ours.path] == [one.path for one in listed(folder)]
    assert [ours.path] == [one.path for one in prune(folder, everything=True)]
    assert [] == listed(folder)


def test_pruning_keeps_the_bound(folder: Path) -> None:
    """Of this code's entries those used last stay, as many as the bound holds."""
    places = [_kept(folder, number, hours_ago=9 - number) for number in range(5)]
    prune(folder, bound=2 * places[0].path.stat().st_size)
    assert [False, False, False, True, True] == [place.path.exists() for place in places]


def test_leftovers_of_killed_processes_go_after_an_hour(folder: Path) -> None:
    """Partial files and folders anywhere below the reports go once nobody can be writing them, and nothing else."""
    (folder / "draws").mkdir(parents=True)
    reports = folder.parent
    (reports / ".2026-01-01.0a0b0c0d.partial").mkdir()
    (reports / ".2026-01-01.0a0b0c0d.partial" / "forecast.json").write_bytes(b"{")
    names = [".ledger.jsonl.01020304.partial", ".cache/draws/.abc.kept.01020304.partial", "kept.partial", ".lock"]
    for name in names:
        (reports / name).write_bytes(b"half")
    remove_leftovers(reports)
    assert all((reports / name).exists() for name in [*names, ".2026-01-01.0a0b0c0d.partial"])
    for path in reports.rglob("*"):
        _age(path, 1.1)
    remove_leftovers(reports)
    assert ["kept.partial", ".lock"] == [name for name in names if (reports / name).exists()]
    assert not (reports / ".2026-01-01.0a0b0c0d.partial").exists()


def test_a_link_out_of_the_store_is_not_followed(folder: Path, tmp_path: Path) -> None:
    """What a link leads to is neither counted nor removed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "thesis.txt").write_bytes(bytes(100_000))
    folder.mkdir(parents=True)
    (folder / "draws").symlink_to(elsewhere)
    (one,) = listed(folder)
    assert one.n_bytes < 1000
    prune(folder, everything=True)
    assert (elsewhere / "thesis.txt").exists()
    assert not (folder / "draws").exists()


def test_a_relative_folder_is_the_same_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in use stays however its folder is written."""
    place = _kept(folder, 1, hours_ago=2)
    IN_USE.add(place.path)
    monkeypatch.chdir(folder.parent)
    make_room(Path(".cache"), "draws", bound=0)
    assert place.path.exists()
