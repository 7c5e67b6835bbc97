"""The page docs/scores.md: its tables are scored, and its commands print what it shows."""

from __future__ import annotations

from pathlib import Path

from forecast.scoring.measures import MEASURES, TIMINGS
from tests.docs.pages import ROOT, alike, blocks, commands, run

PAGE = "docs/scores.md"
SHARED = "shared_time"  # the timing of `skill`, explained in words


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
            missing = [line for line in shown.printed if not any(alike(line, found, 0.0) for found in rest)]
            assert ([], shown.status) == (missing, status)
            ran += 1
    assert 10 == ran


def test_every_measure_and_timing_is_explained() -> None:
    """The page names every measure and every timing."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    names = {*MEASURES, *TIMINGS} - {SHARED}
    assert [] == [name for name in sorted(names) if f"`{name}`" not in text]
