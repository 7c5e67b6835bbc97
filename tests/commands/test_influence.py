"""`forecast influence` ranks arrows and events."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from tests.commands.conftest import AS_OF


def _influence(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["influence", "-C", str(root), "--as-of", AS_OF, *arguments])


def test_arrows_and_events_are_ranked(updated: Path) -> None:
    """Strongest first, every arrow and every event; shares lie between none and all."""
    told = json.loads(_influence(updated, "--json").stdout)
    bits = [row["bits"] for row in told["arrows"]]
    assert sorted(bits, reverse=True) == bits
    assert {"demand", "budget", "prototype", "launch", "success"} == {row["event"] for row in told["judgements"]}
    shares = [share for row in told["judgements"] for share in row["shares"].values() if share is not None]
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert "launch" == told["judgements"][0]["event"]
    printed = _influence(updated).stdout
    assert all(f"{row['parent']} -> {row['child']}" in printed for row in told["arrows"] if row["bits"] >= 0.0005)


def test_experts_and_grades(updated: Path) -> None:
    """Every expert who said something and every grade of a source that reported is left out or shifted."""
    told = json.loads(_influence(updated, "--json").stdout)
    assert {"editors", "project_lead"} <= {row["name"] for row in told["experts"]}
    for row in told["experts"]:
        assert row["reliable"] == (row["effects"] is not None)
        if row["effects"]:
            # Probabilities of all scenarios add up to one with an expert and without.
            assert 0.0 == pytest.approx(sum(effect["change"] for effect in row["effects"].values()), abs=1e-12)
    for row in told["grades"]:
        assert 0.0 == pytest.approx(sum(row["effects"].values()), abs=1e-12)
    printed = _influence(updated).stdout
    assert all(row["name"] in printed for row in told["experts"])


@pytest.mark.trust
def test_an_expert_left_out_by_weights_is_a_refit(updated: Path) -> None:
    """Where the weights bear it, leaving an expert out by reweighting gives what a fit without the expert gives."""
    told = json.loads(_influence(updated, "--json").stdout)
    experts = [row for row in told["experts"] if row["reliable"] and row["kind"] == "expert"]
    assert experts
    for row in experts:
        arguments = ["show", "-C", str(updated), "--as-of", AS_OF, "--without-expert", row["name"], "--json"]
        refitted = json.loads(CliRunner().invoke(main, arguments).stdout)
        for scenario in refitted["scenarios"]:
            effect = row["effects"][scenario["id"]]
            # The fit has an error of its own, of about the same size as a forecast's.
            error = np.hypot(effect["mcse"], 0.005)
            assert scenario["change"] == pytest.approx(effect["change"], abs=4.0 * error), row["name"]


def test_one_scenario(updated: Path) -> None:
    """With a name that scenario alone, ranked by its shares; a name that is none is wrong usage."""
    rows = json.loads(_influence(updated, "breakthrough", "--json").stdout)["judgements"]
    shares = [row["shares"]["breakthrough"] or 0.0 for row in rows]
    assert sorted(shares, reverse=True) == shares
    assert 2 == _influence(updated, "breakthru").exit_code
