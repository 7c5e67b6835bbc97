"""The pages first-forecast.md, python.md and datatree.md are what a newcomer does: it is done here."""

from __future__ import annotations

from doctest import DocTestParser
from pathlib import Path

from forecast.ledger.ledger import LEDGER
from tests.docs.pages import Shown, alike, blocks, commands, converse, notebook, replace, run, save

PAGE, PYTHON_PAGE, TREE_PAGE = "docs/first-forecast.md", "docs/python.md", "docs/datatree.md"
POINTS = 4.0  # percentage points by which machines may differ: several Monte Carlo errors of the widest forecast


def test_the_first_forecast_pages_are_true(tmp_path: Path) -> None:
    """Everything on the three pages, done in order in one workspace, prints what they show and exits as they say."""
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
    # One fit serves all pages: the others go on in the workspace of the first.
    assert [] == _missing_in_python(folder.parent)
    assert [] == _missing_in_notebook(folder.parent)


def _missing(shown: Shown, folder: Path) -> list[str]:
    """Return what the page shows and the command does not print, lines in the page's order."""
    # As a newcomer does it, each in a process of its own, until there is a forecast: then all libraries are open here.
    status, printed = run(shown.arguments, folder, apart=not (folder / LEDGER).exists())
    rest, missing = iter(printed), []
    for line in shown.printed:
        if not any(alike(line, found, POINTS) for found in rest):
            missing.append(line)
            rest = iter(printed)
    if missing or status != shown.status:
        return [*missing, f"exit {status} (expected {shown.status}) of {' '.join(shown.arguments)} after:", *printed]
    return []


def _missing_in_python(folder: Path) -> list[str]:
    text = "\n".join(line for block in blocks(PYTHON_PAGE) for line in (*block.lines, ""))
    examples = DocTestParser().get_examples(text)
    printed = converse([example.source for example in examples], folder)
    return [
        f"{example.source}expected {example.want}got {found}"
        for example, found in zip(examples, printed, strict=True)
        if not _same(example.want.splitlines(), found)
    ]


def _missing_in_notebook(folder: Path) -> list[str]:
    """Return the cells that print something else than the block after them; all four figures are drawn."""
    cells: list[tuple[str, list[str]]] = []
    for block in blocks(TREE_PAGE):
        if block.language == "python":
            cells.append(("\n".join(block.lines), []))
        else:
            cells[-1][1].extend(block.lines)
    printed, figures = notebook([source for source, _ in cells], folder)
    wrong = [
        f"{source}\nexpected {shown}\ngot {found}"
        for (source, shown), found in zip(cells, printed, strict=True)
        if not _same(shown, found)
    ]
    return [*wrong, *([] if figures == 4 else [f"{figures} figures"])]


def _same(shown: list[str], printed: list[str]) -> bool:
    fractions = POINTS / 100.0
    return len(shown) == len(printed) and all(
        alike(a, b, POINTS if "%" in a else fractions) for a, b in zip(shown, printed, strict=True)
    )
