"""One workspace with fitted draws for all tests of the commands: the one that `forecast init` writes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from filelock import FileLock

from forecast.commands.main import main

AS_OF = "2026-07-01"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example workspace after its first update, sampled once for all workers of the test run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    root, done = shared / "template", shared / "template-done"
    with FileLock(shared / "template.lock"):
        if not done.exists():
            for arguments in (["init", str(root)], ["update", "-C", str(root), "--as-of", AS_OF, "--no-report"]):
                result = CliRunner().invoke(main, arguments)
                assert 0 == result.exit_code, result.output
            done.touch()
    return root


@pytest.fixture
def updated(template: Path, tmp_path: Path) -> Path:
    """A copy of the example workspace after its first update, with its draws."""
    return shutil.copytree(template, tmp_path / "workspace")


@pytest.fixture
def fresh(updated: Path) -> Path:
    """The same before any update, the draws alone kept."""
    for path in (updated / "reports").iterdir():
        if path.name != ".cache":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return updated
