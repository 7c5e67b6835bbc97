"""`forecast story` tells every scenario, or one with every event."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.digits import DERIVED, exact
from tests.commands.conftest import AS_OF


def _story(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["story", "-C", str(root), "--as-of", AS_OF, *arguments])


def test_every_scenario_is_told(updated: Path) -> None:
    """Scenarios in rule order with the forecast's own probabilities; the text stands in the printed page."""
    table = json.loads(next((updated / "reports").glob("*/forecast.json")).read_text(encoding="utf-8"))
    rows = json.loads(_story(updated, "--json").stdout)
    expected = [(row["id"], row["probability"]) for row in table["scenarios"] if row["probability"] > 0.0]
    assert [name for name, _ in expected] == [row["scenario"] for row in rows]
    assert [p for _, p in expected] == pytest.approx([row["probability"] for row in rows], abs=1e-12)
    printed = " ".join(_story(updated).stdout.split())
    assert all(row["text"] in printed for row in rows)


def test_the_number_is_that_of_the_rule(updated: Path) -> None:
    """The rule stands by the scenario's number, which earlier rule goes before it, and a course has its own number."""
    rows = {row["scenario"]: row for row in json.loads(_story(updated, "--json").stdout)}
    printed = " ".join(_story(updated).stdout.split())
    row = rows["on_the_market"]
    assert "launch is limited or general, unless Breakthrough holds" == row["rule"]
    assert f"Holds when {row['rule']}; the probability is that of this rule." in printed
    for one in rows.values():
        assert one["story_probability"] == pytest.approx(one["course_probability"] * one["probability"], rel=1e-12)
        assert f"This one course has a probability of {exact(one['story_probability'], DERIVED)}," in printed


def test_one_scenario(updated: Path) -> None:
    """With a name every event stands in the table."""
    row = json.loads(_story(updated, "on_the_market", "--json").stdout)
    printed = _story(updated, "on_the_market").stdout
    assert "on_the_market" == row["scenario"]
    assert all(step["event"] in printed for step in row["course"])


def test_unknown_scenario(updated: Path) -> None:
    """A name that is none is wrong usage, with the nearest one."""
    result = _story(updated, "on_the_markt")
    assert 2 == result.exit_code
    assert "did you mean 'on_the_market'" in result.output
