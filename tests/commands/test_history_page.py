"""What docs/history.md shows is what the commands print for the example workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import Shown, alike, blocks, commands, run

POINTS = 4.0  # percentage points by which machines may differ: several Monte Carlo errors of the widest forecast
SHOWN = [shown for block in blocks("docs/history.md") if block.language == "console" for shown in commands(block)]


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.arguments[1])
def test_what_the_page_shows_is_printed(shown: Shown, updated: Path) -> None:
    """Each command of the page prints the lines that it shows, in this order, and exits as it says."""
    folder = updated.rename(updated.with_name("launch")).parent
    status, printed = run(shown.arguments, folder)
    rest = iter(printed)
    missing = [line for line in shown.printed if not any(alike(line, found, POINTS) for found in rest)]
    assert ([], shown.status) == (missing, status), "\n".join(printed)
