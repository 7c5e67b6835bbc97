"""An update is computed first and written last: what a crash leaves, and what is said to have moved the forecast."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from forecast import pipeline
from forecast.ledger.entries import Line
from forecast.ledger.ledger import read_ledger
from forecast.pipeline import Update, conclude, write
from forecast.posterior import posterior as reweighting
from forecast.session import Session
from forecast.workspace.records import Support, Workspace
from tests.posterior.strong_evidence import draws_of
from tests.report.outcomes import AS_OF, SEED, world
from tests.worlds import HERE, item, rule

LATER = date(2025, 9, 2)


@pytest.fixture(autouse=True)
def without_sampler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Draws of the prior in the place of sampled ones."""

    def drawn(*arguments: Any, **more: Any) -> Any:
        (tmp_path / "reports" / ".cache").mkdir(parents=True, exist_ok=True)
        sampled = {"r_hat_max": 1.0, "ess_bulk_min": 400.0, "ess_tail_min": 400.0, "divergences": 0.0}
        return replace(draws_of(*arguments, **more), diagnostics=sampled)

    monkeypatch.setattr(reweighting, "prior_draws", drawn)
    monkeypatch.setattr(pipeline, "kept_residuals", lambda *_: {})


def _concluded(root: Path, known: Workspace, monkeypatch: pytest.MonkeyPatch, as_of: date = AS_OF) -> Update:
    monkeypatch.setattr("forecast.session.load", lambda *_: known)
    return conclude(Session(root, date(2026, 1, 1), as_of, SEED))


def _lines(root: Path) -> list[Line]:
    return list(read_ledger(root).updates)


def test_a_crash_before_the_ledger_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between the forecast and its ledger line, the next run finds it new and adds the missing line."""
    found = _concluded(tmp_path, world(), monkeypatch)
    monkeypatch.setattr(pipeline, "append", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(found, lambda _: None, with_report=False)
    assert not (tmp_path / "reports" / "ledger.jsonl").exists()
    assert (found.folder / "forecast.json").exists()  # a line never stands without its forecast
    monkeypatch.undo()
    monkeypatch.setattr(reweighting, "prior_draws", lambda *_, **__: found.outcome.posterior.base)
    monkeypatch.setattr(pipeline, "kept_residuals", lambda *_: {})
    again = _concluded(tmp_path, world(), monkeypatch)
    assert again.is_new
    assert found.line == again.line
    write(again, lambda _: None, with_report=False)
    assert [found.line] == _lines(tmp_path)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_changes_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What moved since the compared line adds up to the change of every scenario."""
    write(_concluded(tmp_path, world(), monkeypatch), lambda _: None, with_report=False)
    more = [item("x-new", AS_OF, Support("truce", "strong", ("general",), None, HERE))]
    known = world()
    found = _concluded(tmp_path, replace(known, items=(*known.items, *more)), monkeypatch)
    assert ["x-new"] == [row.what for row in found.forecast.moved]
    for scenario in found.forecast.table.scenarios:
        total = sum(row.effects[scenario.id] for row in found.forecast.moved)
        assert scenario.change == pytest.approx(total, abs=1e-12)


def test_nothing_is_written_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Concluding leaves nothing but the cache; writing puts the folder and the line there."""
    found = _concluded(tmp_path, world(), monkeypatch)
    assert [".cache"] == [path.name for path in (tmp_path / "reports").iterdir()]
    write(found, lambda _: None, with_report=False)
    assert {".cache", ".lock", AS_OF.isoformat(), "kept", "ledger.jsonl"} == {
        path.name for path in (tmp_path / "reports").iterdir()
    }
    assert found.folder == tmp_path / "reports" / AS_OF.isoformat()


def test_a_retraction_is_what_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the day of its retraction an item takes back what it had added, and the table says so."""
    gone = item("x-gone", AS_OF, Support("alone", "strong", ("yes",), None, HERE), retracted=LATER)
    known = replace(world(), scenarios=(rule("lonely", alone="yes"),), watched_until=AS_OF)
    write(
        _concluded(tmp_path, replace(known, items=(*known.items, gone)), monkeypatch), lambda _: None, with_report=False
    )
    found = _concluded(tmp_path, replace(known, items=(*known.items, gone)), monkeypatch, as_of=LATER)
    (moved,) = found.forecast.moved
    assert "x-gone" == moved.what
    assert moved.effects["lonely"] < -0.01
    change = {row.id: row.change for row in found.forecast.table.scenarios}
    assert change == pytest.approx(moved.effects, abs=1e-12)
