"""Another table of grades against the whole forecast computed with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecast.analysis import influence as module
from forecast.analysis.influence import shifted
from forecast.ledger.outcome import Outcome
from forecast.workspace.records import Claim
from tests.analysis.deal import DRAWS, day, drawn_theta, known_deal, outcome_of
from tests.plainly import grade_shifts
from tests.worlds import HERE, item


def _silent(doing: str) -> None:
    """Nobody needs to know how far a test is."""


@pytest.fixture(scope="module")
def found() -> Outcome:
    """A forecast from reports of two sources, one of which claims what is not known."""
    known = known_deal()
    said = item("h-claim", day(250), Claim("deal", "signed", HERE), source="blog")
    known = replace(known, items=(*known.items, said))
    return outcome_of(known, drawn_theta(known))


@pytest.fixture(autouse=True)
def _on_all_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAWS", DRAWS)


def test_a_shift_is_the_forecast_with_another_table(found: Outcome) -> None:
    """Each row is the forecast with the sources of one grade at the neighbour's, less the forecast as it is.

    Within Monte Carlo errors: sources of other grades stand still here, and are drawn anew in a forecast of its own.
    """
    rows = grade_shifts(found, _silent)
    reporting = {report.source for report in found.posterior.asked.network.reports}
    used = {found.workspace.sources[name].reliability for name in reporting}
    assert used - {"F"} == {row["grade"] for row in rows}
    for row in rows:
        assert 1 == abs("ABCDE".index(row["grade"]) - "ABCDE".index(row["as"]))
        other = outcome_of(shifted(found.workspace, row["grade"], row["as"]), found.posterior.draws.theta)
        for name, change in row["effects"].items():
            expected = other.scenarios[name].probability - found.scenarios[name].probability
            error = np.hypot(other.scenarios[name].mcse, found.scenarios[name].mcse)
            assert expected == pytest.approx(change, abs=4.0 * error)


def test_a_better_source_is_believed_more(found: Outcome) -> None:
    """What a source claims becomes likelier the better its grade."""
    letter = found.workspace.sources["blog"].reliability
    effects = {row["as"]: row["effects"]["peace"] for row in grade_shifts(found, _silent) if row["grade"] == letter}
    better = [change for other, change in effects.items() if other < letter]
    worse = [change for other, change in effects.items() if other > letter]
    assert all(change > 0.0 for change in better)
    assert all(change < 0.0 for change in worse)
    assert better or worse


def test_nothing_reported_nothing_shifts(found: Outcome) -> None:
    """Grades of sources that reported nothing unsettled are not asked about."""
    silent = replace(found.workspace, items=())
    assert [] == grade_shifts(outcome_of(silent, found.posterior.draws.theta), _silent)
