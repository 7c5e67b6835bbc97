"""Workspaces for tests: the packaged example, with parts of its files replaced."""

from __future__ import annotations

import shutil
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path

from forecast.workspace.read import read_workspace
from forecast.workspace.records import Workspace

TODAY = date(2026, 11, 1)


def example(folder: Path) -> Path:
    """Copy the packaged example workspace to `folder` and return it."""
    with as_file(files("forecast") / "data" / "init") as template:
        shutil.copytree(template, folder, dirs_exist_ok=True)
    return folder


def replace(folder: Path, path: str, old: str, new: str) -> None:
    """Replace the only place where `old` stands in a file."""
    text = (folder / path).read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{old!r} stands {text.count(old)} times in {path}")
    (folder / path).write_text(text.replace(old, new), encoding="utf-8")


def messages(folder: Path, severity: str = "error") -> list[str]:
    """Return the problems of a workspace as a user reads them."""
    _, problems = read_workspace(folder, today=TODAY)
    return [str(problem) for problem in problems if problem.severity == severity]


def read(folder: Path) -> Workspace:
    """Return a workspace that must be right."""
    workspace, problems = read_workspace(folder, today=TODAY)
    if workspace is None:
        raise ValueError("\n".join(map(str, problems)))
    return workspace
