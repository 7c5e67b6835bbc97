"""One drawn report for all tests of the page: drawing takes seconds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forecast.publish import material
from forecast.report.page import report_files
from tests.report.drawn import Drawn, draw
from tests.report.kept import BENCHMARK, QUESTION, keep
from tests.report.outcomes import asked, world


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """The report of the small world."""
    return draw(tmp_path_factory.mktemp("fit"))


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """A report of a workspace with questions, a benchmark, a replay and a calibration run."""
    root = tmp_path_factory.mktemp("fit")
    (root / "reports").mkdir()
    keep(root)
    about = asked(replace(world(), questions=(QUESTION,), benchmarks={BENCHMARK.id: BENCHMARK}), root)
    drawn = material(about, lambda _: None)
    return Drawn(about, report_files(drawn, lambda _: None))
