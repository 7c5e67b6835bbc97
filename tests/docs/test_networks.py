"""The page docs/networks.md: its commands print what it shows, and it names every format."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

from forecast.networks.formats import formats
from tests.docs.pages import ROOT, alike, blocks, commands, run

PAGE = "docs/networks.md"


def test_what_the_page_shows_is_printed(tmp_path: Path) -> None:
    """Commands of the page print the lines that it shows, in this order, and exit as it says."""
    copytree(ROOT / "tests/networks/data", tmp_path / "tests/networks/data")
    for block in (block for block in blocks(PAGE) if block.language == "console"):
        for shown in commands(block):
            status, printed = run(shown.arguments, tmp_path)
            missing = [
                line for line in shown.printed if not any(alike(line, one, 0.0) or line in one for one in printed)
            ]
            assert ([], shown.status) == (missing, status), printed


def test_the_page_names_every_format() -> None:
    """The table has a row for each format with its endings."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert [] == [one.title for one in formats() if f"| {one.title} | `{one.endings[0]}`" not in text]
