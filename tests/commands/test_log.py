"""`forecast log` and `forecast diff`: the updates so far, and what changed between two of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from tests.commands.conftest import AS_OF

BEFORE = "2026-05-01"


def _run(root: Path, command: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, [command, "-C", str(root), *arguments])


@pytest.fixture
def twice(fresh: Path) -> Path:
    """A workspace after an update in spring and one in summer."""
    for day, note in ((BEFORE, "spring"), (AS_OF, "summer")):
        assert 0 == _run(fresh, "update", "--as-of", day, "--no-report", "-m", note).exit_code
    return fresh


def test_log(twice: Path) -> None:
    """Every line with its number, note and what was new, newest first; -n keeps the last ones."""
    printed = _run(twice, "log").stdout
    assert printed.index("note: summer") < printed.index("note: spring")
    assert "new 2 items: hiring-stop" in printed
    assert "full height" in printed
    rows = json.loads(_run(twice, "log", "--json").stdout)
    assert [(1, BEFORE), (2, AS_OF)] == [(row["line"], row["as_of"]) for row in rows]
    forecast = json.loads((twice / "reports" / AS_OF / "forecast.json").read_text(encoding="utf-8"))
    expected = {row["id"]: (row["probability"], row["change"]) for row in forecast["scenarios"]}
    assert expected == {row["id"]: (row["probability"], row["change"]) for row in rows[1]["scenarios"]}
    assert rows[1:] == json.loads(_run(twice, "log", "-n", "1", "--json").stdout)


def test_log_without_updates(fresh: Path) -> None:
    """Before the first update there is nothing to print, and the command to begin with is named."""
    result = _run(fresh, "log")
    assert 1 == result.exit_code
    assert f"forecast update -C {fresh}" in result.output


def test_diff(twice: Path) -> None:
    """By default the latest update against the one before; the ends are those of the ledger, and the steps add up."""
    table = json.loads(_run(twice, "diff", "--json").stdout)
    lines = [json.loads(text) for text in (twice / "reports/ledger.jsonl").read_text(encoding="utf-8").splitlines()]
    for end, line in zip(("from", "to"), lines, strict=True):
        assert {row["id"]: row["probability"] for row in line["scenarios"]} == {
            row["id"]: row[end] for row in table["scenarios"]
        }
    for row in table["scenarios"]:
        total = sum(step["scenarios"][row["id"]] for step in table["rows"])
        assert row["to"] - row["from"] == pytest.approx(total, abs=1e-12)
    assert ["hiring-stop", "test-begun"] == [row["what"] for row in table["rows"] if row["kind"] == "item"]
    assert not any(event["recomputed"] for event in table["events"])
    printed = _run(twice, "diff", "1", "2", "--top", "1").stdout
    assert "from line 1 of 2026-05-01 to line 2 of 2026-07-01" in printed
    assert "1 others" in printed


def test_diff_of_days_without_an_update(twice: Path) -> None:
    """A day that has no line is computed from the files: on an update's day to the update's own numbers."""
    by_line = json.loads(_run(twice, "diff", BEFORE, AS_OF, "--json").stdout)
    (twice / "reports/ledger.jsonl").unlink()
    by_files = json.loads(_run(twice, "diff", BEFORE, AS_OF, "--json").stdout)
    assert by_line["scenarios"] == by_files["scenarios"]
    assert (1, None) == (by_line["from"]["line"], by_files["from"]["line"])
    assert by_line["rows"] == by_files["rows"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("1", "2", "2"), "two forecasts"),
        (("7",), "lines 1 to 2"),
        (("2", "1"), "name the earlier one first"),
        (("yesterday",), "names no update"),
        ((AS_OF, "2999-01-01"), "future"),
    ],
)
def test_wrong_ends(twice: Path, arguments: tuple[str, ...], said: str) -> None:
    """What names no forecast is wrong usage, and the message says what would."""
    result = _run(twice, "diff", *arguments)
    assert 2 == result.exit_code
    assert said in result.output


def test_a_day_before_the_opening(twice: Path) -> None:
    """There is no forecast before the opening."""
    result = _run(twice, "diff", "2020-01-01", AS_OF)
    assert 1 == result.exit_code
    assert "before the opening" in result.output
