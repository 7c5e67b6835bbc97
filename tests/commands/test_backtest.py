"""`forecast backtest` replays past dates and writes them for `forecast score` and for charts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.scoring.read import read_forecasts
from tests.commands.conftest import AS_OF

QUESTION = """\
- id: launched-by-october
  question: Is the product launched in any way by October?
  about: {event: launch, state: [limited, general]}
  by: 2026-09-30
  opens: 2026-04-15
  topic: launch
  resolves: As the event says.
"""


def _backtest(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["backtest", "-C", str(root), *arguments])


def test_a_replay(fresh: Path) -> None:
    """Each date has the update's own numbers; the table reads as forecasts; a second run computes nothing."""
    (fresh / "priors/questions.yaml").write_text(QUESTION, encoding="utf-8")
    arguments = ("--from", "2026-05-01", "--to", AS_OF, "--every", "2w", "--workers", "2")
    result = _backtest(fresh, *arguments, "--json")
    assert 0 == result.exit_code, result.output
    told = json.loads(result.stdout)
    assert (5, 0, [], 1, 5) == (told["dates"], told["kept"], told["fits"], told["questions"], told["forecasts"])
    assert [] == sorted((fresh / "reports").glob("*.partial"))
    rows = [json.loads(text) for text in (fresh / "reports/replay.jsonl").read_text(encoding="utf-8").splitlines()]
    update = ["update", "-C", str(fresh), "--as-of", rows[2]["as_of"], "--dry-run", "--json"]
    forecast = json.loads(CliRunner().invoke(main, update).stdout)
    for own, line in zip(forecast["scenarios"], rows[2]["scenarios"], strict=True):
        assert {key: own[key] for key in line} == line
    assert forecast["diagnostics"] == rows[2]["diagnostics"]
    written = fresh / "reports/replay.csv"
    assert 5 == len(read_forecasts([written]).time)
    before = written.read_bytes()
    again = _backtest(fresh, *arguments)
    assert before == written.read_bytes()
    assert "5 dates, 5 of them kept from before" in again.stdout
    assert "on_the_market" in again.stdout


def test_out(fresh: Path, tmp_path: Path) -> None:
    """With --out the files go elsewhere, reports/ is left as it is, and what scores them names the file."""
    (fresh / "priors/questions.yaml").write_text(
        "- {id: sold, question: Sold?, about: {event: launch, state: general}, by: 2026-10-31, resolves: a sale}\n",
        encoding="utf-8",
    )
    out = tmp_path / "elsewhere" / "table.csv"
    result = _backtest(fresh, "--from", AS_OF, "--to", AS_OF, "--out", str(out))
    assert 0 == result.exit_code
    assert f"1 forecasts of 1 questions, to be scored: forecast score {out}\n" in result.output
    assert ["table.csv", "table.jsonl"] == sorted(path.name for path in out.parent.iterdir())
    assert not (fresh / "reports/replay.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--every", "7"), "7d"),
        (("--every", "0d"), "7d"),
        (("--every", "1m"), "2w"),
        (("--from", "2020-01-01"), "opening"),
        (("--from", "2026-06-01", "--to", "2026-05-01"), "no dates"),
        (("--to", "2999-01-01"), "future"),
        (("--out", "table.txt"), ".csv"),
        (("--workers", "2", "--scheduler", "tcp://127.0.0.1:1"), "a cluster"),
    ],
)
def test_wrong_usage(fresh: Path, arguments: tuple[str, ...], said: str) -> None:
    """Dates that there are none, steps that cannot be read and options that exclude each other end with 2."""
    result = _backtest(fresh, *arguments)
    assert 2 == result.exit_code
    assert said in result.output


def test_no_scheduler(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that does not answer is told without a traceback."""
    monkeypatch.setattr("forecast.workers.TIMEOUT_SECONDS", 1)
    result = _backtest(fresh, "--from", AS_OF, "--to", AS_OF, "--scheduler", "tcp://127.0.0.1:1")
    assert 1 == result.exit_code
    assert "127.0.0.1:1" in result.output
    assert "Traceback" not in result.output
