"""`forecast experts` shows what the model made of those who spoke."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.analysis.experts import ExpertRow, Record
from forecast.commands.influence import _print_experts
from forecast.commands.main import main
from tests.commands.conftest import AS_OF


def _experts(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["experts", "-C", str(root), "--as-of", AS_OF, *arguments])


def test_every_statement_stands_with_its_expert(updated: Path) -> None:
    """All statements of the workspace, each once, with what was stated and what is implied."""
    written = sorted(updated.rglob("priors/statements/*.yaml"))
    lines = [line for path in written for line in path.read_text(encoding="utf-8").splitlines()]
    ids = [line.removeprefix("- id: ") for line in lines if line.startswith("- id: ")]
    rows = json.loads(_experts(updated, "--json").stdout)
    assert sorted(ids) == sorted(one["id"] for row in rows for one in row["statements"])
    for row in rows:
        assert row["noise"]["quantiles"][0] < row["noise"]["mean"] < row["noise"]["quantiles"][1]
        assert row["summary"].startswith(row["name"])
        for one in row["statements"]:
            assert one["disagrees"] == (one["residual"] is not None and abs(one["residual"]) > 2.0)
    shown = _experts(updated).stdout
    assert all(row["expert"] in shown for row in rows)


def test_names_are_whole_in_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Eighty columns cut neither the name that the command takes nor a heading, however long the group's name is."""
    monkeypatch.setenv("COLUMNS", "80")
    row = ExpertRow(
        expert="article_author",
        name="An author",
        group="institutes_of_the_capital",
        weight=1.0,
        statements=(),
        deviation=None,
        noise=None,
        record=Record(resolved=0, needed=10, brier=None, bias=None, slope=None),
        incoherent=(),
        conflicts=(),
        summary="",
    )
    _print_experts([row])
    lines = capsys.readouterr().out.splitlines()
    assert ["expert", "group", "made", "far", "off", "deviation", "noise", "record", "conflicts"] == lines[0].split()
    assert "article_author" == lines[1].partition(" ")[0]


def test_what_is_implied_says_by_what(updated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of statements has what they alone imply, the way to it ends with the evidence: under other names."""
    monkeypatch.setenv("COLUMNS", "200")
    lines = _experts(updated, "project_lead").stdout.splitlines()
    of_statements, of_ways = (line for line in lines if line.startswith(("statement ", "the way ")))
    assert "implied, statements alone" in of_statements
    assert "implied, with evidence" in of_ways


@pytest.mark.parametrize("columns", ["80", "20"])
def test_no_heading_breaks_within_a_word(updated: Path, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """However narrow the terminal, every word of a heading, and every id, stands whole on a line."""
    monkeypatch.setenv("COLUMNS", columns)
    printed = set(_experts(updated, "project_lead").stdout.split())
    assert {"default", "prior", "event", "statements", "evidence", "lead-launch-needs-test"} <= printed


def test_one_expert(updated: Path) -> None:
    """With a name: that row alone, and its summary in the text."""
    row = json.loads(_experts(updated, "market_analyst", "--json").stdout)
    assert "market_analyst" == row["expert"]
    shown = " ".join(_experts(updated, "market_analyst").stdout.split())
    assert row["summary"] in shown


def test_the_way_from_stated_to_implied(updated: Path) -> None:
    """Of one expert every number has a way whose steps add up, and what is far from what was said has a remedy."""
    row = json.loads(_experts(updated, "project_lead", "--json").stdout)
    assert [one["id"] for one in row["statements"]] == [way["statement"] for way in row["distances"]]
    for way in row["distances"]:
        assert way["stated"] + sum(step["change"] for step in way["steps"]) == pytest.approx(way["implied"], abs=1e-12)
        assert "evidence" == way["steps"][-1]["causes"][-1]
    told = {way["statement"]: way for way in row["distances"]}
    assert "shared" == told["lead-launch-needs-test"]["kind"]
    assert "leaves room for the default prior" in told["lead-launch-needs-test"]["remedy"]
    shown = " ".join(_experts(updated, "project_lead").stdout.split())
    assert f"lead-launch-needs-test: {told['lead-launch-needs-test']['remedy']}" in shown
    assert "from stated to implied" in shown
    assert all(not one["distances"] for one in json.loads(_experts(updated, "--json").stdout))
    assert (2, True) == ((wrong := _experts(updated, "--refit")).exit_code, "--refit is for one expert" in wrong.output)


def test_a_statement_is_told_its_way_before_it_is_written(updated: Path) -> None:
    """`add statement` weighs the kept draws of the others by the new statement; its way ends near that of a fit."""
    arguments = ["--expert", "market_analyst", "--date", "2026-06-01", "--publisher", "a letter", "--says", "Surely."]
    arguments += ["--about", "launch=general", "--given", "demand=low", "--form", "probability", "--value", "0.8"]
    ask = ["add", "statement", "-C", str(updated), *arguments, "--why", "For this test.", "--id", "new"]
    shown = CliRunner().invoke(main, ask, input="n\n").stdout
    assert "from stated to implied" in shown
    told = json.loads(CliRunner().invoke(main, [*ask, "--yes", "--json"]).stdout)["distance"]
    assert told["stated"] + sum(step["change"] for step in told["steps"]) == pytest.approx(told["implied"], abs=1e-12)
    row = json.loads(_experts(updated, "market_analyst", "--json").stdout)
    [fitted] = [way for way in row["distances"] if way["statement"] == "new"]
    end = next(step for step in fitted["steps"] if step["causes"][-1] == "statements")
    assert end["implied"] == pytest.approx(told["implied"], abs=0.03)


def test_unknown_expert(updated: Path) -> None:
    """Somebody who said nothing is wrong usage, with the nearest name."""
    result = _experts(updated, "market_analist")
    assert 2 == result.exit_code
    assert "did you mean 'market_analyst'" in result.output


@pytest.mark.usefixtures("few_draws")
def test_a_contradiction_is_residuals_and_no_crash(updated: Path) -> None:
    """Statements that contradict each other give a posterior, residuals on both sides and a named conflict."""
    (updated / "priors" / "statements" / "more.yaml").write_text(
        """\
- id: analyst-demand-low
  date: 2026-01-04
  expert: market_analyst
  source: {publisher: market analyst}
  says: Demand will not be high.
  about: {event: demand, state: high}
  probability: {low: 0.01, best: 0.02, high: 0.05, level: 0.9}
  why: A contradiction for this test.
""",
        encoding="utf-8",
    )
    row = json.loads(_experts(updated, "market_analyst", "--json").stdout)
    residuals = {one["id"]: one["residual"] for one in row["statements"]}
    assert residuals["analyst-demand"] > 0 > residuals["analyst-demand-low"]
    assert [["analyst-demand", "analyst-demand-low"]] == row["incoherent"]
    assert "cannot all hold: analyst-demand, analyst-demand-low" in _experts(updated, "market_analyst").stdout
