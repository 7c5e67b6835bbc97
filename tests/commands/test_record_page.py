"""docs/record.md, done in order in one workspace, prints what it shows."""

from __future__ import annotations

from pathlib import Path

from tests.docs.pages import alike, blocks, commands, run, save

PAGE = "docs/record.md"
POINTS = 11.0  # percentage points by which other draws may differ: of what is printed in tens, one of them
NEEDED = 400.0  # months and sub-questions that would be needed: one over the square of a small difference


def test_the_page_does_what_it_shows(updated: Path) -> None:
    """Files of the page, saved, and its commands in order print the lines shown and exit as shown."""
    folder = updated.rename(updated.with_name("launch")).parent
    ran = 0
    for block in blocks(PAGE):
        if block.language == "yaml":
            save(block, folder)
            continue
        for shown in commands(block):
            status, printed = run(shown.arguments, folder)
            rest = iter(printed)
            missing = [
                line
                for line in shown.printed
                if not any(alike(line, found, NEEDED if " months (" in line else POINTS) for found in rest)
            ]
            assert ([], shown.status) == (missing, status), "\n".join(printed)
            ran += 1
    assert ran == 5
