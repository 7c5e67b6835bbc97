"""`forecast conflict` shows which reports fight and what became of the statements."""

from __future__ import annotations

import json
from math import log
from pathlib import Path

from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.digits import percent
from tests.commands.conftest import AS_OF


def _conflict(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["conflict", "-C", str(root), "--as-of", AS_OF, *arguments])


def test_reports_that_say_the_same_support_each_other(updated: Path) -> None:
    """Two reports of one waiting list support each other, and are marked as copies."""
    told = json.loads(_conflict(updated, "--json").stdout)
    copies = [row["items"] for row in told["supports"] if row["copies"]]
    assert [["waiting-list", "waiting-list-repeated"]] == copies
    assert told["conflict"] < 0.0
    printed = _conflict(updated).stdout
    assert "waiting-list / waiting-list-repeated (copies)" in printed
    assert f"conflict {told['conflict']:+.2f} ± {told['mcse']:.2f} decibans" in printed
    assert percent(told["surprise"]["p_value"], told["surprise"]["mcse"]) in printed


def test_a_contradiction_fights(updated: Path) -> None:
    """A report for low demand fights both reports for high demand, and conflict rises above zero."""
    (updated / "evidence" / "more.yaml").write_text(
        """\
- id: empty-shop
  reported: 2026-06-01
  source: newspaper
  credibility: 1
  headline: Nobody came to the presentation.
  why: For this test.
  bears_on:
  - {event: demand, support: very_strong, for: low}
""",
        encoding="utf-8",
    )
    told = json.loads(_conflict(updated, "--json").stdout)
    assert ["empty-shop", "waiting-list"] == told["fights"][0]["items"]
    assert "empty-shop" in {row["item"] for row in told["items"][:2]}
    assert told["conflict"] > 0.0


def test_statements_before_and_after(updated: Path) -> None:
    """A statement is refuted if it was in its interval without the evidence and is outside with it, beyond errors."""
    for row in json.loads(_conflict(updated, "--json", "--top", "50").stdout)["statements"]:
        low, middle, high = row["stated"]
        assert low < middle < high
        inside = [low <= row[when] <= high for when in ("before", "after")]
        far = f"{row['before']:.2f}" != f"{row['after']:.2f}" and abs(_logit(row["after"]) - _logit(row["before"])) > (
            2.0 * row["mcse"]
        )
        assert (inside == [True, False] and far) == row["refuted"]


def _logit(p: float) -> float:
    return log(p / (1.0 - p))


def test_at_least_one_row(updated: Path) -> None:
    """Tables without rows are wrong usage."""
    assert 2 == _conflict(updated, "--top", "0").exit_code
