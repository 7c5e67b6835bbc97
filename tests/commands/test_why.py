"""`forecast why` and `forecast what-if` on the example workspace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from tests.commands.conftest import AS_OF


def _run(command: str, root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, [command, "-C", str(root), "--as-of", AS_OF, *arguments])


def test_why_ends_with_the_forecast(updated: Path) -> None:
    """The steps lead from the prior to the number that the update wrote; without a name the answer says why this."""
    written = json.loads((updated / "reports" / AS_OF / "forecast.json").read_text(encoding="utf-8"))
    table = json.loads(_run("why", updated, "--json").stdout)
    own = {row["id"]: row["probability"] for row in written["scenarios"]}
    assert own[table["target"]] == table["to"]
    assert table["to"] - table["from"] == pytest.approx(sum(row["step"] for row in table["rows"]), abs=1e-9)
    assert table["chosen"].startswith("moved most since")
    assert all(row["mcse"] > 0.0 for row in table["rows"] if abs(row["step"]) > 1e-3)
    shown = _run("why", updated, "--all")
    assert 0 == shown.exit_code
    assert all(row["what"] in shown.stdout for row in table["rows"] if row["kind"] == "item")


def test_why_since_an_update(updated: Path) -> None:
    """From the update of the same day nothing is left to explain; before the first update there is nothing."""
    for about in ("launch=general", "on_the_market"):
        table = json.loads(_run("why", updated, about, "--since", AS_OF, "--json").stdout)
        assert abs(table["to"] - table["from"]) < 1e-12
        assert ["time without news", "Monte Carlo difference"] == [row["what"] for row in table["rows"]]
    missing = _run("why", updated, "--since", "2026-01-05")
    assert 1 == missing.exit_code
    assert "no update on or before 2026-01-05" in missing.output


def test_why_of_an_item(updated: Path) -> None:
    """An item in place of a scenario: three parts that end with the forecast's own numbers; a mistake is refused."""
    written = json.loads((updated / "reports" / AS_OF / "forecast.json").read_text(encoding="utf-8"))
    split = json.loads(_run("why", updated, "test-begun", "--json").stdout)
    own = {row["id"]: row["probability"] for row in written["scenarios"]}
    assert own == pytest.approx({row["id"]: row["now"] for row in split["scenarios"]}, abs=1e-12)
    for row in split["scenarios"]:
        parts = [row[part]["change"] for part in ("direct", "relearned", "source")]
        assert row["now"] - row["before"] == pytest.approx(sum(parts), abs=1e-12)
    assert ["prototype"] == [event["id"] for event in split["events"]]
    shown = _run("why", updated, "test-begun").stdout
    assert "reliability of newspaper: 0.85 without it, 0.85 with it" in shown
    assert "prototype=tested" in shown
    wrong = _run("why", updated, "test-begun", "--by", "group")
    assert (2, True) == (wrong.exit_code, "'test-begun' is an item" in wrong.output)


def test_what_if_shows_before_and_after(updated: Path) -> None:
    """Before is the forecast, what is learned is certain after, and the text names what was supposed."""
    table = json.loads(_run("what-if", updated, "demand=high", "--json").stdout)
    written = json.loads((updated / "reports" / AS_OF / "forecast.json").read_text(encoding="utf-8"))
    before = {row["id"]: row["before"] for row in table["scenarios"]}
    assert {row["id"]: row["probability"] for row in written["scenarios"]} == before
    demand = next(event for event in table["events"] if event["id"] == "demand")
    assert {"high": pytest.approx(1.0)}.items() <= {row["id"]: row["after"] for row in demand["states"]}.items()
    shown = _run("what-if", updated, "--do", "budget=cut", "--set", "demand=high:0.3", "--all")
    assert (0, True) == (shown.exit_code, shown.stdout.startswith("intervention budget=cut; set demand=high:0.3"))


def test_what_if_says_which_day_it_is_about(updated: Path) -> None:
    """The answer names the day on which the state is found, or comes, and offers the other; a constant has none."""
    found = _run("what-if", updated, "prototype=tested").stdout
    assert "every state is that on the horizon date, 2026-12-31" in found
    assert "once it is so, today: --at-once" in found
    at_once = _run("what-if", updated, "prototype=tested", "--at-once").stdout
    assert "it comes true on 2026-07-01" in at_once
    assert "without --at-once" in at_once
    assert "horizon date" not in _run("what-if", updated, "demand=high").stdout
    asked = (("prototype=tested",), ("prototype=tested", "--at-once"), ("demand=high",))
    tables = [json.loads(_run("what-if", updated, *arguments, "--json").stdout) for arguments in asked]
    assert [(False, True), (True, True), (False, False)] == [(one["at_once"], one["in_time"]) for one in tables]
    assert tables[0]["scenarios"] != tables[1]["scenarios"]


def test_what_does_not_move_is_counted(updated: Path) -> None:
    """No listed state of an event has a change of 0, and those that are left out are counted; --all lists them."""
    some, every = (_run("what-if", updated, "demand=high", *more).stdout for more in ((), ("--all",)))
    states = [
        [line for line in text.partition("\n\n")[2].splitlines() if line.endswith(" 0")] for text in (some, every)
    ]
    assert [] == states[0]
    assert states[1]
    assert "not move: --all lists all" in some
    assert "not move" not in every


@pytest.mark.parametrize(
    ("command", "arguments", "status", "message"),
    [
        ("why", ["on_the_markt"], 2, "did you mean 'on_the_market'"),
        ("why", ["waiting-lst"], 2, "items of evidence are"),
        ("why", ["waiting-lst"], 2, "did you mean 'waiting-list'"),
        ("why", ["launch=gone"], 2, "has no state 'gone'"),
        ("what-if", [], 2, "nothing is supposed"),
        ("what-if", ["--at-once", "--set", "demand=high:0.5"], 2, "--at-once is for EVENT=STATE"),
        ("what-if", ["--at-once", "prototype=shown"], 1, "'prototype' is 'shown' already"),
        ("what-if", ["lunch=none"], 2, "did you mean 'launch'"),
        ("what-if", ["demand=high", "demand=low"], 1, "'demand=high', 'demand=low' cannot hold together"),
    ],
)
def test_refused(updated: Path, command: str, arguments: list[str], status: int, message: str) -> None:
    """Names that there are not are wrong usage, what is impossible ends with 1; both say what is wrong."""
    result = _run(command, updated, *arguments)
    assert (status, True) == (result.exit_code, message in result.output)
