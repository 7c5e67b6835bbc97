"""Outputs appear whole or not at all, wherever the run is interrupted."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from forecast.files import (
    DEAD_SECONDS,
    UnsyncedError,
    UnwrittenError,
    folders_with,
    read_in,
    recover_folder,
    replace_file,
    replace_folder,
)

OLD = {"a.txt": b"old a", "gone.txt": b"old"}
NEW = {"a.txt": b"new a", "b.txt": b"new b"}
# Every call by which these functions touch the disk.
CALLS = [(Path, "mkdir"), (Path, "open"), (Path, "write_bytes"), (Path, "rename"), (Path, "replace"), (os, "fsync")]
CALLS += [(shutil, "rmtree")]


def content(folder: Path) -> dict[str, bytes]:
    """Files of a folder by name, partial ones too."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


@contextmanager
def interrupted_at(number: int) -> Iterator[list[str]]:
    """Interrupt before the call with this number (from 0); yield the names of the calls as they are made.

    From then on nothing on the disk changes any more, not even by clean-up: the process is gone.
    """
    made: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in CALLS:
            patch.setattr(owner, name, _stopping(getattr(owner, name), name, made, number))
        yield made


def _stopping(original: Callable[..., Any], name: str, made: list[str], number: int) -> Callable[..., Any]:
    def stop(*arguments: Any, **more: Any) -> Any:
        made.append(name)
        if len(made) > number:
            raise KeyboardInterrupt
        return original(*arguments, **more)

    return stop


def test_a_folder_is_old_or_new_at_every_moment(tmp_path: Path) -> None:
    """Killed before any of its steps, a replacement leaves the old folder or the new one, and the next one succeeds."""
    number, states = 0, []
    while True:
        folder = tmp_path / str(number) / "2026-03-01"
        replace_folder(folder, OLD)
        with interrupted_at(number) as made:
            try:
                replace_folder(folder, NEW)
            except KeyboardInterrupt:
                finished = False
            else:
                finished = True
        if finished:
            assert number == len(made)
            break
        recover_folder(folder)
        states.append(content(folder))
        assert states[-1] in (OLD, NEW)
        replace_folder(folder, NEW)
        assert NEW == content(folder)
        number += 1
    assert states == sorted(states, key=lambda state: state == NEW)  # once new, it stays
    assert {True, False} == {state == NEW for state in states}
    assert number > 5


def test_a_file_is_old_or_new_at_every_moment(tmp_path: Path) -> None:
    """Killed before any of its steps, replacing a file leaves all of the old one or all of the new one."""
    states = []
    for number in range(20):
        path = tmp_path / str(number) / "ledger.jsonl"
        replace_file(path, b"old\n")
        with interrupted_at(number), suppress(KeyboardInterrupt):
            replace_file(path, b"old\nnew\n")
        states.append(path.read_bytes())
    assert [b"old\n"] * 4 == states[:4]
    assert [b"old\nnew\n"] * 10 == states[10:]
    assert {b"old\n", b"old\nnew\n"} == set(states)


def test_an_interruption_cleans_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted by Ctrl-C between its two moves, a replacement puts the old folder back and leaves nothing else."""
    folder = tmp_path / "2026-03-01"
    replace_folder(folder, OLD)
    rename = Path.rename

    def second_fails(self: Path, target: Path) -> Path:
        if target == folder and self.name.endswith(".partial"):
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", second_fails)
    with pytest.raises(KeyboardInterrupt):
        replace_folder(folder, NEW)
    assert OLD == content(folder)
    assert [folder] == list(tmp_path.iterdir())


def test_a_replacement_leaves_nothing_behind(tmp_path: Path) -> None:
    """Exactly the new files are there; no partial folder and none of before."""
    folder = tmp_path / "2026-03-01"
    for files in (OLD, NEW):
        replace_folder(folder, files)
        assert files == content(folder)
    assert [folder] == list(tmp_path.iterdir())


def test_what_a_file_is_stays(tmp_path: Path) -> None:
    """A file that is replaced keeps its permissions, and a link leads to the new content."""
    path, link = tmp_path / "kept" / "file.csv", tmp_path / "link.csv"
    replace_file(path, b"old\n")
    path.chmod(0o640)
    link.symlink_to(path)
    replace_file(link, lambda file: file.write(b"new\n"))
    assert (True, b"new\n", 0o640) == (link.is_symlink(), path.read_bytes(), path.stat().st_mode & 0o777)
    assert [path] == list(path.parent.iterdir())


def test_written_means_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is synced before it is moved to its place, and its folder after that."""
    done: list[str] = []
    sync, move = os.fsync, Path.replace

    def synced(place: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(place).st_mode) else "file")
        sync(place)

    def moved(self: Path, target: Path) -> Path:
        done.append("moved")
        return move(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", moved)
    replace_file(tmp_path / "a", b"a")
    assert ["file", "moved", "folder"] == done


def test_readers_find_a_folder_at_every_moment(tmp_path: Path) -> None:
    """Killed before any of its steps, a replacement leaves readers the old files or the new; nothing is moved."""
    for number in range(20):
        parent = tmp_path / str(number)
        replace_folder(parent / "day", OLD)
        with interrupted_at(number), suppress(KeyboardInterrupt):
            replace_folder(parent / "day", NEW)
        left = sorted(path.name for path in parent.iterdir())
        found = {name: content for name in {*OLD, *NEW} if (content := read_in(parent / "day", name)) is not None}
        assert found in (OLD, NEW)
        assert ["day"] == folders_with(parent, "a.txt")
        assert left == sorted(path.name for path in parent.iterdir())
    assert (None, []) == (read_in(tmp_path / "none", "a.txt"), folders_with(tmp_path / "none", "a.txt"))


def test_what_is_left_over_goes_when_it_is_old(tmp_path: Path) -> None:
    """The next writer into a folder removes what nobody has written to for an hour, and nothing else."""
    dead, alive = (".a.0123abcd.partial", ".b.0123abcd.partial"), (".c.0123abcd.partial", ".d.0123abcd.partial")
    others = ("a.0123abcd.partial", ".a.partial", ".a.0123abcd.partial.txt")
    for one in (dead[0], alive[0], *others):
        (tmp_path / one).write_bytes(b"half")
    for one in (dead[1], alive[1]):
        replace_folder(tmp_path / one, OLD)
    for one in (*dead, *others):
        then = time.time() - DEAD_SECONDS - 10
        os.utime(tmp_path / one, (then, then))
    replace_file(tmp_path / "new", b"new")
    assert sorted((*alive, *others, "new")) == sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize(("call", "kind"), [("file", UnwrittenError), ("folder", UnsyncedError)])
def test_a_failure_names_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, kind: type[OSError]
) -> None:
    """What cannot be written is named by its place; before the move what was there stays, after it the new is there."""
    path, sync = tmp_path / "a.csv", os.fsync
    replace_file(path, b"old")
    replace_folder(tmp_path / "day", OLD)

    def refused(place: int) -> None:
        if (call == "folder") == stat.S_ISDIR(os.fstat(place).st_mode):
            raise OSError(28, "No space left on device")
        sync(place)

    monkeypatch.setattr(os, "fsync", refused)
    with pytest.raises(kind) as found:
        replace_file(path, b"new")
    assert (28, str(path)) == (found.value.errno, found.value.filename)
    assert (b"new" if call == "folder" else b"old") == path.read_bytes()
    with pytest.raises(UnwrittenError) as found:
        replace_folder(tmp_path / "day", NEW)
    assert (str(tmp_path / "day"), OLD) == (found.value.filename, content(tmp_path / "day"))
    assert ["a.csv", "day"] == sorted(path.name for path in tmp_path.iterdir())
