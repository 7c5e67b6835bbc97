"""A workspace to stop commands in, made once for all workers of the test run."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from tests.commands.conftest import template as template
from tests.crash.workspaces import Courses, prepare


@pytest.fixture(scope="session")
def workspace(template: Path) -> Path:
    """The example with draws, a question, an update, half of a replay, and news that no update has seen."""
    root, made = template.with_name("crash-template"), template.with_name("crash-template-made")
    with FileLock(root.with_suffix(".lock")):
        if not made.exists():
            prepare(root, template / "reports/.cache")
            made.touch()
    return root


@pytest.fixture(scope="session")
def courses(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Courses:
    """What each command does in it undisturbed, looked at once."""
    return Courses(workspace, tmp_path_factory.mktemp("courses"))
