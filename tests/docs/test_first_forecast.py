"""The page docs/first-forecast.md is what a newcomer does: it is done here."""

from __future__ import annotations

from pathlib import Path

from tests.docs.pages import Shown, alike, blocks, commands, replace, run, save

PAGE = "docs/first-forecast.md"
POINTS = 4.0  # percentage points by which machines may differ: several Monte Carlo errors of the widest forecast


def test_the_first_forecast_page_is_true(tmp_path: Path) -> None:
    """Every command of the page, run in order, prints the lines that the page shows and exits as it says."""
    folder, missing = tmp_path, []
    for block in blocks(PAGE):
        match block.language:
            case "console":
                for shown in commands(block):
                    if shown.arguments[0] == "cd":
                        folder = folder / shown.arguments[1]
                    else:
                        missing += _missing(shown, folder)
            case "diff":
                replace(block, folder)
            case "yaml":
                save(block, folder)
    assert [] == missing


def _missing(shown: Shown, folder: Path) -> list[str]:
    """Return what the page shows and the command does not print, lines in the page's order."""
    status, printed = run(shown.arguments, folder)
    rest, missing = iter(printed), []
    for line in shown.printed:
        if not any(alike(line, found, POINTS) for found in rest):
            missing.append(line)
            rest = iter(printed)
    if missing or status != shown.status:
        return [*missing, f"exit {status} (expected {shown.status}) of {' '.join(shown.arguments)} after:", *printed]
    return []
