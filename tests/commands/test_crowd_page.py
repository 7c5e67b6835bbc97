"""docs/crowd.md, done in order in one workspace, prints what it shows; and what is told of wrong names."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from forecast.analysis.crowd import Price
from forecast.commands.crowd import _print_prices
from tests.commands.verifying import run as invoked
from tests.docs.pages import alike, blocks, commands, run, save

PAGE = "docs/crowd.md"
POINTS = 4.0  # percentage points by which machines may differ: several Monte Carlo errors of the widest forecast


def _saved(updated: Path) -> Path:
    folder = updated.rename(updated.with_name("launch")).parent
    (folder / "launch/priors/benchmarks").mkdir()
    for block in blocks(PAGE):
        if block.language not in ("yaml", "csv"):
            continue
        save(block, folder)
        if block.language == "csv":  # a table has no comments: the first line named the file
            path = folder / block.lines[0].removeprefix("# ")
            path.write_text("".join(f"{line}\n" for line in block.lines[1:]), encoding="utf-8")
    return folder


def test_the_page_does_what_it_shows(updated: Path) -> None:
    """Files of the page, saved, and its commands in order print the lines shown."""
    folder, ran = _saved(updated), 0
    for block in (block for block in blocks(PAGE) if block.language == "console"):
        for shown in commands(block):
            status, printed = run(shown.arguments, folder)
            rest = iter(printed)
            missing = [line for line in shown.printed if not any(alike(line, found, POINTS) for found in rest)]
            assert ([], shown.status) == (missing, status), "\n".join(printed)
            ran += 1
    assert ran == 3


def test_what_is_told(updated: Path) -> None:
    """JSON has the numbers; a wrong name has the nearest; a price of one is out of reach; nobody's price is told."""
    root = _saved(updated) / "launch"
    given = ("-C", root, "--as-of", "2026-07-01")
    told = json.loads(invoked("crowd", *given, "--json").stdout)
    assert abs(sum(row["implied"] for row in told["scenarios"]) - 1.0) < 1e-9
    assert 0.05 == round(told["distance"], 9)
    wrong = invoked("crowd", "budget-cuts", *given)
    assert 2 == wrong.exit_code
    assert "did you mean 'budget-cut'" in wrong.output
    found = json.loads(invoked("gap", "budget-cut", *given, "--json").stdout)
    assert abs(found["evidence"][0]["reached"] - 0.2) < 1e-9
    for arguments, words in (
        (("gap", "budget-cuts"), "did you mean 'budget-cut'"),
        (("gap", "budget-cut", "--to", "1"), "not between 0 and 1"),
        (("gap", "budget-cut", "--forecaster", "office"), "did you mean 'office pool'"),
        (("crowd", "--days", "3"), "no price since 2026-06-28"),
    ):
        refused = invoked(*arguments, *given)
        assert refused.exit_code in {1, 2}
        assert words in refused.output


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_no_cell_of_a_price_is_broken(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where names are long a question stands above its prices: each price is one line that fits, with all its cells."""
    monkeypatch.setenv("COLUMNS", str(columns))
    day = date(2026, 11, 30)
    name = "us-backed-framework-is-agreed-by-the-end-of-the-year"
    rows = [
        Price(
            question=name,
            event="e",
            states=("yes",),
            by=day,
            forecaster=who,
            date=day,
            price=price,
            coherent=price,
            forecast=0.12,
            mcse=0.0001,
            decibans=decibans,
        )
        for who, price, decibans in (("Polymarket", 0.125, 0.2), ("Metaculus [red]", 0.1, None))
    ]
    _print_prices([*rows, replace(rows[0], question="short")])
    lines = capsys.readouterr().out.splitlines()
    cells = [line.split() for line in lines]
    assert max(map(len, lines)) <= max(columns, len(name))
    assert 2 == sum(line[-2:] == ["+0.2", "dB"] for line in cells)
    assert 3 == sum("2026-11-30 12.0 %" in " ".join(line) for line in cells)
    assert len(lines) == (4 if columns == 200 else 6)
    assert 1 == sum("Metaculus [red]" in line for line in lines)
