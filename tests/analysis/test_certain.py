"""What is known is certain to the last digit, and what is printed has its Monte Carlo error beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from forecast.analysis.supposition import read_supposition
from forecast.ledger.outcome import Outcome
from forecast.workspace.records import Settled
from tests.plainly import by_date, stories, what_if
from tests.report.outcomes import DRAWS, concluded, world
from tests.worlds import HERE, item


@pytest.fixture(params=[DRAWS, 10 * DRAWS])
def settled(tmp_path: Path, request: pytest.FixtureRequest) -> Outcome:
    """The forecast of a world in which the truce is known to be general, from few draws and from many."""
    known = world()
    general = item("i-all", date(2025, 5, 1), Settled("truce", "general", HERE))
    items = [*(one for one in known.items if one.id != "i-settled"), general]
    return concluded(replace(known, items=tuple(items)), tmp_path, request.param)[0]


def test_what_all_draws_say_is_certain(settled: Outcome) -> None:
    """A state that is known has probability 1, not the rounded sum of the weights; so has what follows from it."""
    assert [0.0, 0.0, 1.0] == [one.probability for one in settled.events["truce"].values()]
    assert [1.0, 0.0, 0.0] == [one.probability for one in settled.scenarios.values()]
    by = by_date(settled, date(2025, 10, 1))
    truce = next(event for event in by["events"] if event["id"] == "truce")
    assert [1.0] * 3 == [row["reached"]["probability"] for row in truce["states"]]


def test_what_is_supposed_is_certain(settled: Outcome) -> None:
    """What is learned or imposed has probability 1 afterwards, and its change its own error."""
    for learned, imposed in ((("alone=yes",), ()), ((), ("alone=yes",))):
        told = what_if(settled, read_supposition(settled, learned, imposed, ()), lambda _: None)
        alone = next(event for event in told["events"] if event["id"] == "alone")
        assert [0.0, 1.0] == [row["after"] for row in alone["states"]]
        for row in (*told["scenarios"], *(one for event in told["events"] for one in event["states"])):
            assert all(row[key] >= 0.0 for key in ("before_mcse", "after_mcse", "change_mcse"))


def test_errors_stand_beside_probabilities(settled: Outcome) -> None:
    """Stories and dates hold the errors of the forecast's own probabilities."""
    for told in stories(settled):
        assert settled.scenarios[told["scenario"]].mcse == told["mcse"]
        for step in told["course"]:
            assert settled.events[step["event"]][step["state"]].mcse == step["overall_mcse"]
    for row in by_date(settled, date(2025, 10, 1))["scenarios"]:
        one = settled.scenarios[row["id"]]
        assert (one.probability, one.mcse) == (row["at_horizon"], row["at_horizon_mcse"])
