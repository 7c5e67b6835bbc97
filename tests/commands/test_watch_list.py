"""`forecast watch-list` ranks events, in bits or in bits per unit of cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from tests.commands.conftest import AS_OF


def _watch(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["watch-list", "-C", str(root), "--as-of", AS_OF, *arguments])


def test_events_are_ranked(updated: Path) -> None:
    """Most bits first; every dated event stands there, the constant is named as left out; margins are the forecast."""
    table = json.loads(next((updated / "reports").glob("*/forecast.json")).read_text(encoding="utf-8"))
    told = json.loads(_watch(updated, "--days", "60", "--json").stdout)
    bits = [row["bits"] for row in told["events"]]
    assert ["demand"] == told["left_out"]
    assert {"budget", "prototype", "launch", "success"} == {row["event"] for row in told["events"]}
    assert sorted(bits, reverse=True) == bits
    assert "2026-08-30" == told["by"]
    scenarios = {row["id"]: row["probability"] for row in table["scenarios"]}
    for row in told["events"]:
        for name, probability in scenarios.items():
            mean = sum(one["probability"] * one["scenarios"][name] for one in row["outcomes"])
            assert probability == pytest.approx(mean, abs=1e-9)
    printed = _watch(updated, "--days", "60").stdout
    assert all(row["event"] in printed for row in told["events"])


def test_cost(updated: Path) -> None:
    """An event with a cost comes first, by its bits per unit."""
    told = json.loads(_watch(updated, "--cost", "budget=0.5", "--json").stdout)
    first = told["events"][0]
    assert ("budget", 0.5, first["bits"] / 0.5) == (first["event"], first["cost"], first["bits_per_unit"])
    assert "bits per unit" in _watch(updated, "--cost", "budget=0.5").stdout


@pytest.mark.parametrize("cost", ["budgt=1", "demand=1", "budget=0", "budget=much", "budget", "budget=nan"])
def test_wrong_costs(updated: Path, cost: str) -> None:
    """An event that is none or cannot be watched, and a cost that is no positive number, are wrong usage."""
    assert 2 == _watch(updated, "--cost", cost).exit_code
