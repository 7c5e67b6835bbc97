"""`forecast show` prints what is written, and the prior."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from tests.commands.conftest import AS_OF


def _show(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["show", "-C", str(root), *arguments])


def test_json_is_the_latest_forecast(updated: Path) -> None:
    """Of several forecasts the latest is printed; with --as-of the latest that is not after the date."""
    written = (updated / "reports" / AS_OF / "forecast.json").read_text(encoding="utf-8")
    later = updated / "reports" / "2026-07-02"
    shutil.copytree(updated / "reports" / AS_OF, later)
    (later / "forecast.json").write_text(written.replace(AS_OF, "2026-07-02"), encoding="utf-8")
    assert "2026-07-02" == json.loads(_show(updated, "--json").stdout)["as_of"]
    assert json.loads(written) == json.loads(_show(updated, "--json", "--as-of", AS_OF).stdout)


def test_table(updated: Path) -> None:
    """Scenarios in rule order with their interval; --events adds every event and state."""
    names = ["breakthrough", "on_the_market", "still_testing", "other"]
    assert names == re.findall(r"^(\w+) +\d[\d.]* %", _show(updated).stdout, flags=re.MULTILINE)
    with_events = _show(updated, "--events").stdout
    for event in ("demand", "budget", "prototype", "launch", "success"):
        assert re.search(rf"^{event} +\w+ +\d", with_events, flags=re.MULTILINE), event


def test_prior_is_of_the_opening(updated: Path) -> None:
    """The prior knows statements and no evidence: no event has moved from its first state, and nothing is written."""
    before = sorted(path for path in updated.rglob("*") if path.name != ".lock")
    result = _show(updated, "--prior", "--json", "--as-of", AS_OF)
    assert 0 == result.exit_code, result.output
    table = json.loads(result.stdout)
    assert table["opens"] == table["as_of"]
    assert 1.0 == pytest.approx(sum(row["probability"] for row in table["scenarios"]), abs=1e-12)
    prototype = next(event for event in table["events"] if event["id"] == "prototype")
    assert 0.0 < prototype["states"][0]["probability"] < 1.0
    assert before == sorted(path for path in updated.rglob("*") if path.name != ".lock")


@pytest.mark.parametrize("arguments", [(), ("--as-of", "2026-06-30")])
def test_nothing_to_show(updated: Path, arguments: tuple[str, ...]) -> None:
    """Where no forecast is written (by that date): status 1, and what to do."""
    if not arguments:
        shutil.rmtree(updated / "reports")
    result = _show(updated, *arguments)
    assert 1 == result.exit_code
    assert "run `forecast update" in result.output
