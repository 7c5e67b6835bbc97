"""`forecast alternatives` prints the table of the report, and `forecast show` computes one of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from tests.commands.conftest import AS_OF
from tests.entries import entries


def _run(command: str, root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, [command, "-C", str(root), "--as-of", AS_OF, *arguments])


def test_the_table(updated: Path) -> None:
    """JSON holds the forecast and every alternative; what is printed names each of them."""
    told = json.loads(_run("alternatives", updated, "--json").stdout)
    latest = json.loads((updated / "reports" / AS_OF / "forecast.json").read_text(encoding="utf-8"))
    expected = {row["id"]: row["probability"] for row in latest["scenarios"]}
    assert expected == {name: row["probability"] for name, row in told["forecast"].items()}
    assert {"weights", "group", "source"} == {row["kind"] for row in told["rows"]}
    for row in told["rows"]:
        assert (row["how"] in {"reweighted", "refitted"}) == (row["scenarios"] is not None)
        if row["scenarios"]:
            assert 1.0 == pytest.approx(sum(one["probability"] for one in row["scenarios"].values()), abs=1e-12)
            for name, one in row["scenarios"].items():
                assert one["change"] == pytest.approx(one["probability"] - expected[name], abs=1e-12)
    printed = " ".join(_run("alternatives", updated).stdout.split())
    assert all(row["name"] in printed for row in told["rows"] if row["kind"] != "weights")
    assert entries(updated, "alternatives")


def test_a_source_left_out_by_weights_is_the_forecast_without_it(updated: Path) -> None:
    """Where nobody spoke after its items, the same draws serve: `show --without-source` gives the same to the digit."""
    rows = json.loads(_run("alternatives", updated, "--json").stdout)["rows"]
    sources = [row for row in rows if row["kind"] == "source" and row["how"] == "reweighted"]
    assert sources
    for row in sources:
        option = row["command"].split()[2:4]
        shown = json.loads(_run("show", updated, *option, "--json").stdout)
        expected = {one["id"]: one["probability"] for one in shown["scenarios"]}
        found = {name: one["probability"] for name, one in row["scenarios"].items()}
        assert expected == pytest.approx(found, abs=1e-12), row["name"]


def test_an_unknown_source(updated: Path) -> None:
    """A source that the workspace does not have is wrong usage, and the nearest is named."""
    rows = json.loads(_run("alternatives", updated, "--json").stdout)["rows"]
    name = next(row["name"] for row in rows if row["kind"] == "source")
    result = _run("show", updated, "--without-source", f"{name}x")
    assert (2, True) == (result.exit_code, f"did you mean '{name}'" in result.output)
