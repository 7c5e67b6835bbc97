"""One drawn report for all tests of the page: drawing takes seconds."""

from __future__ import annotations

import pytest

from tests.report.drawn import Drawn, draw


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """The report of the small world."""
    return draw(tmp_path_factory.mktemp("fit"))
