"""`forecast influence` ranks arrows and events."""

from __future__ import annotations

import json
from pathlib import Path

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
    assert all(f"{row['parent']} -> {row['child']}" in printed for row in told["arrows"])


def test_one_scenario(updated: Path) -> None:
    """With a name that scenario alone, ranked by its shares; a name that is none is wrong usage."""
    rows = json.loads(_influence(updated, "breakthrough", "--json").stdout)["judgements"]
    shares = [row["shares"]["breakthrough"] or 0.0 for row in rows]
    assert sorted(shares, reverse=True) == shares
    assert 2 == _influence(updated, "breakthru").exit_code
