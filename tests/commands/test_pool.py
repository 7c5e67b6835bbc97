"""`forecast pool` as a user meets it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.commands.score import _print_grid
from forecast.scoring.pool import EFFORT

ROWS = """expert,question,probability,outcome,group,extra
ann,rain,0.7,1,met,x
bob,rain,0.6,1,met,x
ann,snow,0.1,0,met,x
bob,snow,0.05,,met,x
ann,wind,0.4,,met,x
"""


@pytest.fixture(scope="module", autouse=True)
def short() -> Iterator[None]:
    """Few draws: what is printed of them is tested here, and not how good they are."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("forecast.scoring.pool.EFFORT", replace(EFFORT, sampled_per_chain=100, tune=150))
        patched.setattr("forecast.sampling.draws.LONGEST", 1)
        yield


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, short: None) -> tuple[Result, Path]:
    """One run with all outputs, and its folder."""
    assert short is None  # it is in force
    folder = tmp_path_factory.mktemp("pool")
    (folder / "f.csv").write_text(ROWS, encoding="utf-8")
    arguments = ["pool", str(folder / "f.csv"), "--json", "--out", str(folder / "out.csv")]
    return CliRunner().invoke(main, arguments), folder


def test_json_alone_goes_to_stdout(ran: tuple[Result, Path]) -> None:
    """With --json, stdout is one object with questions, experts and scores; progress and warnings go to stderr."""
    result, _ = ran
    found = json.loads(result.stdout)
    assert (0, ["rain", "snow", "wind"]) == (result.exit_code, [row["question"] for row in found["questions"]])
    assert [1, 0, None] == [row["outcome"] for row in found["questions"]]
    assert ["hierarchical", "mean", "median", "mean_log_odds", "extremised"] == [
        row["name"] for row in found["scores"]["pools"]
    ]
    assert [("ann", 2), ("bob", 2)] == [(row["name"], row["n"]) for row in found["scores"]["experts"]]
    assert 0.65 == pytest.approx(found["questions"][0]["mean"])
    assert "f.csv:1: warning: column 'extra' is not used" in result.stderr


def test_out_holds_a_row_a_question(ran: tuple[Result, Path]) -> None:
    """--out writes the same numbers as a CSV table, empty where there is nothing to say."""
    result, folder = ran
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = json.loads(result.stdout)["questions"]
    assert [str(row["pooled"]) for row in found] == [row["pooled"] for row in rows]
    assert ["1", "0", ""] == [row["outcome"] for row in rows]
    assert ["", str(found[0]["left_out"]["probability"])] == [rows[2]["left_out"], rows[0]["left_out"]]


def test_tables_on_a_terminal(ran: tuple[Result, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --json there are aligned tables of questions, pools and experts, and what they rest on."""
    monkeypatch.setenv("COLUMNS", "100")
    result = CliRunner().invoke(main, ["pool", str(ran[1] / "f.csv"), "--seed", "3", "--no-refit"])
    lines = result.stdout.splitlines()
    heading = "question  n  pooled  90 % interval   mean  median  log-odds  extremised  outcome"
    assert (0, heading) == (result.exit_code, lines[0])
    assert ["question", "rain", "snow", "wind", "pool", "pooled", "mean", "median", "log-odds", "extremised"] == [
        line.split()[0] for line in lines[:11] if line.strip()
    ]
    assert "5 forecasts by 2 experts; R-hat" in lines[-2]
    assert lines[-1].startswith("scored without their own outcome: 2 questions, 0 of them sampled again")


def test_a_narrow_terminal_cuts_no_number(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A table whose numbers alone are wider than the terminal is printed wider; only names break."""
    monkeypatch.setenv("COLUMNS", "40")
    headings = ["question", *["a number of some width"] * 3, "outcome"]
    _print_grid(headings, [["a-name-of-twenty-one-", "0.1", "0.2", "0.3", "1"]])
    heading, row, *rest = capsys.readouterr().out.splitlines()
    assert (headings[0], headings[-1]) == (heading.split()[0], heading.split()[-1])
    assert ["0.1", "0.2", "0.3", "1"] == row.split()[1:]
    assert "a-name-of-twenty-one-" == "".join([row.split()[0], *(line.strip() for line in rest)])


def test_a_pool_that_is_not_reliable_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reasons stand in one line on stderr; the pool is printed, and the status stays 0."""
    effort = replace(EFFORT, sampled_per_chain=20, tune=100)
    monkeypatch.setattr("forecast.scoring.pool.EFFORT", effort)
    monkeypatch.setattr("forecast.sampling.draws.LONGEST", 2)
    path = tmp_path / "f.csv"
    path.write_text("expert,question,probability\na,q,1\nb,q,.9\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["pool", str(path), "--json"])
    reasons = json.loads(result.stdout)["diagnostics"]["reasons"]
    warned = [line for line in result.stderr.splitlines() if "warning" in line]
    assert (0, 2) == (result.exit_code, len(warned))
    assert "f.csv:2: warning: probabilities of 0 or 1; got 1 number in 1 row; they are read as 0.001" in warned[0]
    assert f"warning: this pool is not reliable after 160 draws: {'; '.join(reasons)}" == warned[1]


def test_mistakes_end_with_1_and_no_output(tmp_path: Path) -> None:
    """Mistakes in the table are lines on stderr, all of them, and the status is 1."""
    path = tmp_path / "f.csv"
    path.write_text("expert,question,probability\na,q,2\na,q,x\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["pool", str(path)])
    lines = [line.removeprefix(f"{path.as_posix()}:").split(";")[0] for line in result.stderr.splitlines()]
    expected = [
        "2: probability is out of range",
        "3: expert 'a' forecasts question 'q' twice",
        "3: probability is not a number",
    ]
    assert (1, "", expected) == (result.exit_code, result.stdout, lines)


def test_a_folder_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    """--out into a folder that does not exist ends with 2, before anything is sampled."""
    (tmp_path / "f.csv").write_text(ROWS, encoding="utf-8")
    result = CliRunner().invoke(main, ["pool", str(tmp_path / "f.csv"), "--out", str(tmp_path / "no" / "o.csv")])
    assert (2, True) == (result.exit_code, "there is no folder" in result.stderr)
