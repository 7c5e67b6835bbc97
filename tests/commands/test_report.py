"""`forecast report` draws what the ledger holds, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.ledger.entries import line_digest
from forecast.ledger.ledger import read_ledger
from forecast.pipeline import Update
from forecast.publish import ReportRequest
from forecast.session import Session
from tests.ledgers import INPUTS, line_json, update
from tests.report.outcomes import SEED, asked, world

LINE = line_json("2025-09-01", seed=SEED, version="0.1.0")
OTHER = {**INPUTS, "network": "other"}


def _run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", "-C", str(root), *arguments])


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A workspace with one ledger line; what is asked of the pipeline and of the report stage is noted."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "ledger.jsonl").write_text(json.dumps(LINE) + "\n", encoding="utf-8")
    about = asked(world(), tmp_path)
    noted: list[dict[str, Any]] = []

    def conclude(session: Session, *, n_lines: int, **_: Any) -> Update:
        noted.append({"as_of": str(session.as_of), "seed": session.seed})
        line, lines = update(**LINE), read_ledger(session.root).until(n_lines)
        return Update(session.root, about.outcome, about.forecast, line, lines, False, (), (), (), False)

    def published(asked: ReportRequest, _: Any) -> dict[str, bytes]:
        noted.append({"lines": len(asked.ledger)})
        return {"report.html": b"page"}

    monkeypatch.setattr("forecast.pipeline.conclude", conclude)
    monkeypatch.setattr("forecast.pipeline.asked_of", lambda update: replace(about, ledger=update.ledger.updates))
    monkeypatch.setattr("forecast.run_again.published", published)
    monkeypatch.setattr("forecast.run_again.write_index", lambda *_: None)
    return noted


def test_report_of_the_last_line(drawn: list[dict[str, Any]], tmp_path: Path) -> None:
    """Date and seed are those of the latest ledger line, the place is the folder of its date."""
    result = _run(tmp_path)
    assert 0 == result.exit_code, result.output
    assert [{"as_of": "2025-09-01", "seed": SEED}, {"lines": 1}] == drawn
    assert b"page" == (tmp_path / "reports" / "2025-09-01" / "report.html").read_bytes()


def test_changed_files_are_refused(drawn: list[dict[str, Any]], tmp_path: Path) -> None:
    """A page of other inputs than the ledger's would be of a forecast that nobody recorded."""
    path = tmp_path / "reports" / "ledger.jsonl"
    path.write_text(json.dumps({**LINE, "inputs": OTHER}) + "\n", encoding="utf-8")
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


def test_past_update_is_drawn_again(drawn: list[dict[str, Any]], tmp_path: Path) -> None:
    """A date, as an argument or an option, draws the line of that date with the ledger as it was then."""
    first = json.dumps(LINE)
    later = {**LINE, "as_of": "2025-10-01", "previous": line_digest(first)}
    (tmp_path / "reports" / "ledger.jsonl").write_text(f"{first}\n{json.dumps(later)}\n", encoding="utf-8")
    assert 0 == _run(tmp_path, "2025-09-01").exit_code
    assert 0 == _run(tmp_path, "--as-of", "2025-09-01").exit_code
    assert [{"as_of": "2025-09-01", "seed": SEED}, {"lines": 1}] * 2 == drawn


def test_a_quiet_day_is_drawn_by_the_line_that_held(drawn: list[dict[str, Any]], tmp_path: Path) -> None:
    """An update with nothing new has a folder and no line: its report is of its own date, and of the line before it."""
    first = json.dumps(LINE)
    later = {**LINE, "as_of": "2025-10-01", "known_until": "2025-10-01", "previous": line_digest(first)}
    (tmp_path / "reports" / "ledger.jsonl").write_text(f"{first}\n{json.dumps(later)}\n", encoding="utf-8")
    (tmp_path / "reports" / "2025-09-08").mkdir()
    (tmp_path / "reports" / "2025-09-08" / "forecast.json").write_text("{}", encoding="utf-8")
    result = _run(tmp_path, "2025-09-08")
    assert 0 == result.exit_code, result.output
    assert [{"as_of": "2025-09-08", "seed": SEED}, {"lines": 1}] == drawn


def test_a_quiet_day_of_files_that_changed(drawn: list[dict[str, Any]], tmp_path: Path) -> None:
    """Where it cannot be drawn any more the message says whose forecast held; a day of no update what came before."""
    line = {**LINE, "inputs": OTHER}
    (tmp_path / "reports" / "ledger.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    result = _run(tmp_path, "2025-09-08")
    missing = "; the latest before it is of 2025-09-01; run `forecast update --as-of 2025-09-08` first"
    assert (1, True) == (result.exit_code, missing in result.output), result.output
    (tmp_path / "reports" / "2025-09-08").mkdir()
    (tmp_path / "reports" / "2025-09-08" / "forecast.json").write_text("{}", encoding="utf-8")
    result = _run(tmp_path, "2025-09-08")
    held = "nothing was new on 2025-09-08: the forecast of 2025-09-01 held; and the files have changed since"
    assert (1, True) == (result.exit_code, held in result.output), result.output
    missing = "no forecast as of 2025-09-10 in "
    latest = "; the latest before it is of 2025-09-08; run `forecast update --as-of 2025-09-10` first"
    result = _run(tmp_path, "2025-09-10")
    assert (1, True, True) == (result.exit_code, missing in result.output, latest in result.output), result.output
    assert 1 == len(drawn)


def test_brief_is_printed_and_nothing_is_drawn(
    drawn: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--format md` prints one page of Markdown to stdout; no file is written."""
    monkeypatch.setattr("forecast.run_again.material", lambda asked, _: asked.outcome.as_of)
    monkeypatch.setattr("forecast.report.page.report_brief", lambda day, _: f"# as of {day}\n")
    result = _run(tmp_path, "--format", "md")
    assert "# as of 2025-09-01\n" == result.stdout
    assert 1 == len(drawn)
    assert not (tmp_path / "reports" / "2025-09-01").exists()


def test_page_is_opened_when_asked(
    drawn: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--open` hands the page's address to the browser."""
    opened: list[str] = []
    monkeypatch.setattr("click.launch", opened.append)
    assert 0 == _run(tmp_path, "--open").exit_code
    assert [(tmp_path / "reports" / "2025-09-01" / "report.html").resolve().as_uri()] == opened
    assert 2 == len(drawn)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("2025-09-01", "--as-of", "2025-09-02"), "two dates"),
        (("--open", "--format", "md"), "--open is about the page"),
        (("2025-9-1",), "is no date"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """What makes no sense together is wrong usage: exit status 2."""
    result = _run(tmp_path, *arguments)
    assert 2 == result.exit_code
    assert said in result.output
