"""Pages about questions and decisions, each done in order in one workspace, print what they show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import alike, blocks, commands, run, save

PAGES = {"docs/questions.md": 14, "docs/team.md": 6, "docs/decisions.md": 2}  # with how many commands each shows
POINTS = 4.0  # percentage points by which machines may differ: several Monte Carlo errors of the widest forecast


@pytest.mark.parametrize("page", PAGES)
def test_the_page_does_what_it_shows(updated: Path, page: str) -> None:
    """Files of a page, saved, and its commands in order print the lines shown and exit as shown."""
    folder = updated.rename(updated.with_name("launch")).parent
    (folder / "launch/priors/benchmarks").mkdir()
    ran = 0
    for block in blocks(page):
        if block.language in ("yaml", "csv"):
            save(block, folder)
            if block.language == "csv":  # a table has no comments: the first line named the file
                path = folder / block.lines[0].removeprefix("# ")
                path.write_text("".join(f"{line}\n" for line in block.lines[1:]), encoding="utf-8")
            continue
        for shown in commands(block):
            status, printed = run(shown.arguments, folder)
            rest = iter(printed)
            missing = [line for line in shown.printed if not any(alike(line, found, POINTS) for found in rest)]
            assert ([], shown.status) == (missing, status), "\n".join(printed)
            ran += 1
    assert PAGES[page] == ran
