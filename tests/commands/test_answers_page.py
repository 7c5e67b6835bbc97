"""What docs/answers.md shows is what the commands print for the example workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import Shown, alike, blocks, commands, run

PAGE = "docs/answers.md"
POINTS = 4.0  # percentage points by which machines may differ: several Monte Carlo errors of the widest forecast
SURPRISE_POINTS = 15.0  # the p-value of simulated reports steps where a draw finds another set of reports likelier
SHOWN = [shown for block in blocks(PAGE) if block.language == "console" for shown in commands(block)]


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: " ".join(shown.arguments[1:3]))
def test_what_the_page_shows_is_printed(shown: Shown, updated: Path) -> None:
    """Each command of the page prints the lines that it shows, in this order, and exits as it says."""
    folder = updated.rename(updated.with_name("launch")).parent
    status, printed = run(shown.arguments, folder)
    rest = iter(printed)
    points = SURPRISE_POINTS if "conflict" in shown.arguments else POINTS
    missing = [line for line in shown.printed if not any(alike(line, found, points) for found in rest)]
    assert ([], shown.status) == (missing, status), "\n".join(printed)
