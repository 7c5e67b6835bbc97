"""Several files that change in one step: a process that is killed between two of them leaves what finishes the step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from forecast.files import remove_file, replace_file
from forecast.lock import locked
from forecast.workspace.files import UNFINISHED
from forecast.workspace.problems import Problem, Source, WorkspaceProblems


def replace_together(root: Path, contents: Mapping[str, bytes], command: str) -> None:
    """Replace files of a workspace, all or none; the caller holds its lock from reading them to here.

    What is to be written is synced first, in one file; while that file is there the workspace is not read, and says
    that `command` finishes the step. Where a write fails, as on a full disk, what was written so far is taken back.

    Raises OSError; if taking back fails too, the step is left to be finished.
    """
    before = {path: _bytes(root / path) for path in contents}
    plan = [
        {"path": path, "before": _digest(before[path]), "content": content.decode("utf-8", "surrogateescape")}
        for path, content in contents.items()
    ]
    replace_file(root / UNFINISHED, json.dumps({"command": command, "files": plan}).encode())
    written: list[str] = []
    try:
        for path, content in contents.items():
            written.append(path)
            replace_file(root / path, content)
    except OSError:
        for path in written:
            old = before[path]
            if old is None:
                (root / path).unlink(missing_ok=True)
            elif _bytes(root / path) != old:
                replace_file(root / path, old)
        remove_file(root / UNFINISHED)
        raise
    remove_file(root / UNFINISHED)


def finish(root: Path) -> str | None:
    """Write the rest of a step that was interrupted; return the command that it was of, None if there was none.

    Raises WorkspaceProblems where a file is neither as it was nor as it is to be, and OSError.
    """
    place = root / UNFINISHED
    if not place.is_file():
        return None
    with locked(root):
        if not place.is_file():
            return None
        plan = json.loads(place.read_bytes())
        contents = {file["path"]: file["content"].encode("utf-8", "surrogateescape") for file in plan["files"]}
        before = {file["path"]: file["before"] for file in plan["files"]}
        now = {path: _bytes(root / path) for path in contents}
        changed = [path for path, here in now.items() if here != contents[path] and _digest(here) != before[path]]
        if changed:
            raise WorkspaceProblems([_changed(path) for path in changed])
        for path, content in contents.items():
            if now[path] != content:
                replace_file(root / path, content)
        remove_file(place)
    return str(plan["command"])


def _bytes(place: Path) -> bytes | None:
    return place.read_bytes() if place.is_file() else None


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _changed(path: str) -> Problem:
    what = "a rename was interrupted before it wrote this file, and somebody has changed the file since"
    allowed = f"restore the file's earlier content; or delete {UNFINISHED}, and correct the names by hand"
    return Problem(Source(path, 1), what, "", allowed)
