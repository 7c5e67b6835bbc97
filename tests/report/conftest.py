"""One drawn report for all tests of the page, and one set of answers about its world: both take seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from forecast.publish import material
from forecast.report.page import report_files
from tests.report.drawn import Drawn, draw
from tests.report.kept import BENCHMARK, QUESTION, keep
from tests.report.outcomes import asked, world
from tests.together import shared_folder


def _with_answers(root: Path, answers: Path) -> Path:
    """Give a workspace the kept answers: what a test has drawn of the world from then on, it keeps for the others."""
    (root / "reports").mkdir(exist_ok=True)
    (root / "reports" / ".cache").symlink_to(answers, target_is_directory=True)
    return root


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """The report of the small world. Its answers are asked once for all workers of the test run."""
    root = shared_folder(tmp_path_factory) / "drawn"
    with FileLock(root.with_suffix(".lock")):
        root.mkdir(exist_ok=True)
        return draw(root)


@pytest.fixture(scope="session")
def answers(drawn: Drawn) -> Path:
    """What the engine answered about the small world, as a workspace keeps it below its reports."""
    return drawn.about.root / "reports" / ".cache"


@pytest.fixture
def answered(answers: Path, tmp_path: Path) -> Path:
    """A workspace without anything but the answers about the small world: for tests of other things than them."""
    return _with_answers(tmp_path, answers)


@pytest.fixture(scope="session")
def recorded(answers: Path, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """A report of a workspace with questions, a benchmark, a replay and a calibration run."""
    root = _with_answers(tmp_path_factory.mktemp("fit"), answers)
    keep(root)
    about = asked(replace(world(), questions=(QUESTION,), benchmarks={BENCHMARK.id: BENCHMARK}), root)
    drawn = material(about, lambda _: None)
    return Drawn(about, report_files(drawn, lambda _: None))
