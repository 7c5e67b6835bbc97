"""What each scenario depends on: the forecast without each report, every scenario at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast.analysis import dependence as asked
from forecast.analysis.dependence import dependence
from forecast.posterior.moved import leave_one_out
from tests.report.outcomes import concluded, world


def test_each_report_is_left_out_alone(tmp_path: Path) -> None:
    """The change without a report is less what it adds as the last one; those that count are looked at, no others."""
    found, _, _ = concluded(world(), tmp_path)
    told = dependence(found, lambda _: None)
    counting = {"i-settled", "i-said", "i-again", "i-copy", "i-claim", "i-old"}
    assert counting == {row.item for row in told.reports}
    assert len(counting) == told.of
    adds = leave_one_out(found.workspace, found.posterior, sorted(counting), lambda _: None, few=0)
    for row in told.reports:
        assert row.changes == pytest.approx(dict(zip(found.scenario_ids, -adds[row.item], strict=True)), abs=1e-12)
        assert sum(row.changes.values()) == pytest.approx(0.0, abs=1e-9)
    assert {"i-settled": ("truce",)} == {row.item: row.settles for row in told.reports if row.settles}
    sizes = [max(map(abs, row.changes.values())) for row in told.reports]
    assert sorted(sizes, reverse=True) == sizes


def test_of_many_reports_those_that_weigh_most_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more than may be looked at, what settles an event comes first, and then the largest weight of evidence."""
    found, _, _ = concluded(world(), tmp_path)
    monkeypatch.setattr(asked, "MOST", 2)
    decibans = {report.item: report.decibans for report in found.posterior.asked.network.reports}
    heaviest = max(decibans, key=lambda name: decibans[name])
    told = dependence(found, lambda _: None)
    assert {"i-settled", heaviest} == {row.item for row in told.reports}
    assert told.of == 6
