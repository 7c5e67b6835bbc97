"""The page docs/pool.md: its tables are pooled, and its commands print what it shows."""

from __future__ import annotations

from pathlib import Path

from tests.docs.pages import alike, blocks, commands, run

PAGE = "docs/pool.md"
TOLERANCE = 0.03  # of pooled probabilities: machines round differently, and draws follow


def test_the_page_does_what_it_shows(tmp_path: Path) -> None:
    """Each table of the page, saved, makes the command after it print the lines shown and exit as shown."""
    ran = 0
    for block in blocks(PAGE):
        if block.language == "csv":
            (tmp_path / "forecasts.csv").write_text("\n".join(block.lines) + "\n", encoding="utf-8")
            continue
        for shown in commands(block):
            status, printed = run(shown.arguments, tmp_path)
            rest = iter(printed)
            missing = [line for line in shown.printed if not any(alike(line, found, TOLERANCE) for found in rest)]
            assert ([], shown.status) == (missing, status)
            ran += 1
    assert 2 == ran
