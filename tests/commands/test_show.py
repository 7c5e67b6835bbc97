"""`forecast show` prints what is written, and the prior."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.posterior import posterior
from forecast.sampling.draws import Draws, is_drawn, prior_draws
from forecast.sampling.spec import PriorSpec
from forecast.workspace.read import load
from tests.analysis.sampling import by_digest
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


def test_what_is_certain_has_one_name(updated: Path) -> None:
    """A settled state is 100 %, its interval too, on the horizon date and on any other day."""
    for arguments in ((), ("--by", "2026-09-30")):
        shown = _show(updated, *arguments).stdout
        assert "known" not in shown.replace("news watched", "")


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


def test_prior_stands_beside_the_flat_one(updated: Path) -> None:
    """The prior is printed with the flat prior and each event's pull, and the numbers are those of --json."""
    table = json.loads(_show(updated, "--prior", "--json", "--as-of", AS_OF).stdout)
    printed = _show(updated, "--prior", "--as-of", AS_OF).stdout
    assert ["scenario  prior  90 % interval  flat", "event  state  prior  90 % interval  flat  default weight"] == [
        re.sub(" {2,}", "  ", line).strip() for line in printed.splitlines() if "prior  " in line
    ]
    for event in table["events"]:
        assert 0.0 < event["pull"] < 2.0
        assert re.search(rf"^{event['id']} .* {event['pull']:.2f} *$", printed, flags=re.MULTILINE), event["id"]
    assert 1.0 == pytest.approx(sum(row["flat"]["probability"] for row in table["scenarios"]), abs=1e-12)


@pytest.mark.parametrize("arguments", [(), ("--as-of", "2026-06-30")])
def test_nothing_to_show(updated: Path, arguments: tuple[str, ...]) -> None:
    """Where no forecast is written (by that date): status 1, and what to do."""
    if not arguments:
        shutil.rmtree(updated / "reports")
    result = _show(updated, *arguments)
    assert 1 == result.exit_code
    assert "run `forecast update" in result.output


def test_alternative(updated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's statements left out: the forecast with its distance to the ordinary one; nothing is written."""
    heard: list[set[str]] = []

    def drawn(spec: PriorSpec, seed: int, cache: Path, progress: Callable[[str], None], **how: bool) -> Draws:
        if is_drawn(spec, seed, cache):
            return prior_draws(spec, seed, cache, progress, **how)
        heard.append({*spec.statement_ids})
        return by_digest(spec, seed, cache, progress, size=4000, **how)  # no sampler: it is what was heard that counts

    monkeypatch.setattr(posterior, "prior_draws", drawn)
    before = sorted(path for path in updated.rglob("*") if ".cache" not in path.parts)
    result = _show(updated, "--without-expert", "market_analyst", "--as-of", AS_OF, "--json")
    assert 0 == result.exit_code, result.output
    others = {one.id for one in load(updated, date.fromisoformat(AS_OF)).statements if one.expert != "market_analyst"}
    assert [others] == heard[:1]
    table = json.loads(result.stdout)
    assert "without market_analyst" == table["alternative"]
    ordinary = json.loads((updated / "reports" / AS_OF / "forecast.json").read_text(encoding="utf-8"))
    for row, usual in zip(table["scenarios"], ordinary["scenarios"], strict=True):
        assert row["probability"] - usual["probability"] == pytest.approx(row["change"], abs=1e-12)
    assert any(abs(row["change"]) > 0.001 for row in table["scenarios"])
    assert before == sorted(path for path in updated.rglob("*") if ".cache" not in path.parts)
    assert "without market_analyst" in _show(updated, "--without-expert", "market_analyst", "--as-of", AS_OF).stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--without-expert", "market_analist"), "did you mean 'market_analyst'"),
        (("--without-group", "outsid"), "did you mean 'outside'"),
        (("--prior", "--equal-weights"), "leave out the other option"),
    ],
)
def test_wrong_alternative(updated: Path, arguments: tuple[str, ...], told: str) -> None:
    """An unknown name is wrong usage, with the nearest name."""
    result = _show(updated, *arguments)
    assert 2 == result.exit_code
    assert told in result.output


def test_prior_tells_the_next_steps(updated: Path) -> None:
    """The prior tells what is implied for the next step once the step before it is taken, and what was stated."""
    table = json.loads(_show(updated, "--prior", "--json", "--as-of", AS_OF).stdout)
    steps = {row["event"]: row for row in table["next_steps"]}
    assert {"prototype": ("shown", "tested"), "launch": ("limited", "general")} == {
        name: (row["step"], row["next"]) for name, row in steps.items()
    }
    general = next(event for event in table["events"] if event["id"] == "launch")["states"][-1]["probability"]
    assert general == pytest.approx(steps["launch"]["now"], abs=1e-12)
    assert 1.5 * general < steps["launch"]["once"]
    printed = _show(updated, "--prior", "--as-of", AS_OF).stdout
    assert re.search(r"^launch +general +limited +\d\d %", printed, flags=re.MULTILINE)
