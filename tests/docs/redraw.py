"""Puts what is printed now into the pages that show the example of `forecast init`: python -m tests.docs.redraw

Run it where the example's numbers have moved. Each shown line gets the numbers, and the ranked names, of the printed
line that is like it but for these. A line that nothing printed is like stays, and is told: that is for a person to see.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from doctest import DocTestParser
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.docs import pages
from tests.docs.pages import ROOT, Block, Shown, alike, blocks, commands, converse, notebook, run, save

AS_OF = "2026-07-01"  # of the workspace of the tests of commands, which these pages show
EXAMPLE_PAGES = (
    "docs/answers.md",
    "docs/history.md",
    "docs/questions.md",
    "docs/team.md",
    "docs/decisions.md",
    "docs/record.md",
)
FIRST, PYTHON, TREE = "docs/first-forecast.md", "docs/python.md", "docs/datatree.md"

Replaced = list[tuple[str, str]]  # lines of a page, in order: as they stand, as they are printed now


def main() -> None:
    """Draw every page anew."""
    with TemporaryDirectory() as folder:
        _first_forecast(Path(folder))
    with TemporaryDirectory() as folder:
        for page in EXAMPLE_PAGES:
            root = Path(folder) / Path(page).stem
            root.mkdir()
            run(["forecast", "init", "launch"], root)
            run(["forecast", "update", "-C", "launch", "--as-of", AS_OF, "--no-report"], root)
            (root / "launch/priors/benchmarks").mkdir()
            _write(page, _done_in_order(page, root))


def _first_forecast(folder: Path) -> None:
    """The first forecast, and the pages that go on in its workspace."""
    _write(FIRST, _done_in_order(FIRST, folder))
    examples = DocTestParser().get_examples("\n".join(line for b in blocks(PYTHON) for line in (*b.lines, "")))
    printed = converse([example.source for example in examples], folder)
    _write(PYTHON, [pair for e, p in zip(examples, printed, strict=True) for pair in _lines(e.want.splitlines(), p)])
    cells: list[tuple[str, list[str]]] = []
    for block in blocks(TREE):
        if block.language == "python":
            cells.append(("\n".join(block.lines), []))
        else:
            cells[-1][1].extend(block.lines)
    told, _ = notebook([source for source, _ in cells], folder)
    _write(TREE, [pair for (_, shown), p in zip(cells, told, strict=True) for pair in _lines(shown, p)])


def _done_in_order(page: str, folder: Path) -> Replaced:
    """Do what a page shows, in its order, and return the lines that its commands print."""
    replaced: Replaced = []
    for block in blocks(page):
        if block.language == "console":
            for shown in commands(block):
                if shown.arguments[0] == "cd":
                    folder = folder / shown.arguments[1]
                else:
                    replaced += _printed(shown, folder)
        elif block.language == "diff":
            pages.replace(block, folder)
        elif block.language in {"yaml", "csv"}:
            _save(block, folder)
    return replaced


def _save(block: Block, folder: Path) -> None:
    save(block, folder)
    if block.language == "csv":  # a table has no comments: the first line named the file
        path = folder / block.lines[0].removeprefix("# ")
        path.write_text("".join(f"{line}\n" for line in block.lines[1:]), encoding="utf-8")


def _printed(shown: Shown, folder: Path) -> Replaced:
    print(" ".join(shown.arguments), file=sys.stderr)
    status, printed = run(shown.arguments, folder)
    if status != shown.status:
        print(f"  exit {status}, the page says {shown.status}", file=sys.stderr)
    return _lines(shown.printed, printed)


def _lines(shown: Sequence[str], printed: Iterable[str]) -> Replaced:
    """Return each shown line with the printed one that is like it, both in order."""
    rest, replaced = list(printed), []
    for line in shown:
        place = next(_like(line, rest), None)
        if place is None:
            print(f"  not printed now: {line}", file=sys.stderr)
            replaced.append((line, line))
            continue
        replaced.append((line, rest[place].rstrip()))
        rest = rest[place + 1 :]
    return replaced


def _like(line: str, printed: Sequence[str]) -> Iterator[int]:
    """Yield the places of lines that are the same, then of those that differ in their numbers."""
    yield from (place for place, other in enumerate(printed) if line.split() == other.split())
    yield from (place for place, other in enumerate(printed) if alike(f"{line} 0.0", f"{other} 0.0", inf))


def _write(page: str, replaced: Replaced) -> None:
    """Put printed lines into a page, each in the place of the next line there that is as it stood."""
    path = ROOT / page
    text, done = path.read_text(encoding="utf-8"), ""
    for before, now in replaced:
        head, found, text = text.partition(f"\n{before}\n")
        if not found:
            sys.exit(f"{page} does not hold the line {before!r} in this order")
        done, text = f"{done}{head}\n{now}", f"\n{text}"
    path.write_text(done + text, encoding="utf-8")


if __name__ == "__main__":
    main()
