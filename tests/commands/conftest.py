"""One workspace with fitted draws for all tests of the commands: the one that `forecast init` writes."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from filelock import FileLock

from forecast.commands.main import main
from forecast.sampling.draws import sample
from forecast.sampling.settings import Effort
from tests.commands.verifying import ITEM, run
from tests.together import shared_folder

AS_OF = "2026-07-01"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example workspace after its first update, sampled once for all workers of the test run."""
    shared = shared_folder(tmp_path_factory)
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
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sampled in a test has few draws, as quickly as they come: for tests of something else than of numbers."""
    effort = Effort(sampled_per_chain=250, tune=250)
    monkeypatch.setattr("forecast.sampling.draws.sample", partial(sample, effort=effort))


@pytest.fixture
def fresh(updated: Path) -> Path:
    """The same before any update, the draws alone kept."""
    for path in (updated / "reports").iterdir():
        if path.name != ".cache":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return updated


QUESTION = """- id: on-sale
  question: Can it be bought anywhere by the end of October?
  about: {event: launch, state: {at_least: limited}}
  by: 2026-10-31
  resolves: yes = the first sale has been made by then.
"""
JUDGED = "date,question,probability,why\n2026-07-01,on-sale,0.4,a feeling\n2026-07-02,on-sale,0.5,another\n"
RETRACTED = ITEM.format("wrong", "2026-07-02").replace("  headline", "  retracted: 2026-07-04\n  headline")


@pytest.fixture
def twice(updated: Path) -> Path:
    """The workspace after a second update, which one more report made necessary."""
    (updated / "evidence" / "late.yaml").write_text(ITEM.format("late", "2026-07-03") + RETRACTED, encoding="utf-8")
    (updated / "priors" / "questions.yaml").write_text(QUESTION, encoding="utf-8")
    (updated / "priors" / "judgements.csv").write_text(JUDGED, encoding="utf-8")
    result = run("update", "-C", updated, "--as-of", "2026-07-05", "--no-report")
    assert 0 == result.exit_code, result.output
    return updated
