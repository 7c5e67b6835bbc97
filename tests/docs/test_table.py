"""The page docs/table.md: its table can be scored and pooled, and it names every column."""

from __future__ import annotations

from pathlib import Path

from forecast.scoring.cells import NAMES
from tests.docs.pages import ROOT, alike, blocks, commands, run

PAGE = "docs/table.md"
TOLERANCE = 0.12  # of an interval's end far in a tail, three Monte Carlo errors: other machines draw other numbers


def test_one_table_is_scored_and_pooled(tmp_path: Path) -> None:
    """The table of the page, saved, makes both commands print the lines shown."""
    ran = []
    for block in blocks(PAGE):
        if block.language == "csv":
            (tmp_path / "forecasts.csv").write_text("\n".join(block.lines) + "\n", encoding="utf-8")
            continue
        for shown in commands(block):
            status, printed = run(shown.arguments, tmp_path)
            rest = iter(printed)
            missing = [line for line in shown.printed if not any(alike(line, found, TOLERANCE) for found in rest)]
            assert ([], shown.status) == (missing, status)
            ran.append(shown.arguments[1])
    assert ["score", "pool"] == ran


def test_every_column_is_explained() -> None:
    """The page names every column that is read, under both its names."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert [] == [column for column in NAMES if f"`{column}`" not in text]
