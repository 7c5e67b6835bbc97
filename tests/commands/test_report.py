"""`forecast report` draws what the ledger holds, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.pipeline import Update
from forecast.publish import Asked
from tests.report.outcomes import SEED, concluded, world

LINE = {
    "as_of": "2025-09-01",
    "known_until": "2025-09-01",
    "seed": SEED,
    "version": "0.1.0",
    "inputs": {},
    "previous": None,
}


def _run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", "-C", str(root), *arguments])


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A workspace with one ledger line; what is asked of the pipeline and of the report stage is noted."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "ledger.jsonl").write_text(json.dumps(LINE) + "\n", encoding="utf-8")
    found, _, table = concluded(world(), tmp_path)
    noted: list[dict[str, Any]] = []

    def conclude(root: Path, *_: Any, as_of: Any, seed: int, **__: Any) -> Update:
        noted.append({"as_of": as_of.isoformat(), "seed": seed})
        return Update(root, found, table, dict(LINE), (dict(LINE),), False, (), ())

    def published(asked: Asked, _: Any) -> dict[str, bytes]:
        noted.append({"lines": len(asked.ledger)})
        return {"report.html": b"page"}

    monkeypatch.setattr("forecast.pipeline.conclude", conclude)
    monkeypatch.setattr("forecast.redraw.published", published)
    monkeypatch.setattr("forecast.redraw.write_index", lambda *_: None)
    return noted


def test_report_of_the_last_line(drawn: list[dict[str, Any]], tmp_path: Path) -> None:
    """Date and seed are those of the latest ledger line, the place is the folder of its date."""
    result = _run(tmp_path)
    assert 0 == result.exit_code, result.output
    assert [{"as_of": "2025-09-01", "seed": SEED}, {"folder": "2025-09-01", "lines": 1}] == drawn


def test_changed_files_are_refused(drawn: list[dict[str, Any]], tmp_path: Path) -> None:
    """A page of other inputs than the ledger's would be of a forecast that nobody recorded."""
    path = tmp_path / "reports" / "ledger.jsonl"
    path.write_text(json.dumps({**LINE, "inputs": {"network": "other"}}) + "\n", encoding="utf-8")
    result = _run(tmp_path)
    assert 1 == result.exit_code
    assert "the files have changed since the forecast of 2025-09-01; run `forecast update`" in result.output
    assert 1 == len(drawn)


@pytest.mark.parametrize("arguments", [(), ("--as-of", "2025-08-31")])
def test_without_a_forecast_there_is_no_report(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """No ledger line (of that date): exit status 1, and what to do."""
    result = _run(tmp_path, *arguments)
    assert 1 == result.exit_code
    assert "run `forecast update` first" in result.output
