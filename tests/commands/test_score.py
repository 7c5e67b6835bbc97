"""`forecast score` as a user meets it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main

TABLE = """question,forecaster,time,probability,outcome,opens,closes,topic,extra
rain,ann,2026-01-01,0.5,1,2026-01-01,2026-01-11,wet,x
rain,ann,2026-01-06,0.8,1,2026-01-01,2026-01-11,wet,x
rain,bob,2026-01-06,0.4,1,2026-01-01,2026-01-11,wet,x
snow,ann,2026-01-03T12:00:00Z,0.1,0,2026-01-01,2026-01-11,wet,x
snow,bob,2026-01-01,1,0,2026-01-01,2026-01-11,wet,x
vote,ann,2026-01-01,0.7,,2026-01-01,2026-02-01,,x
"""

NOT_SCORED = {"void": 0, "known": 0, "mistaken": 0}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small table with a wrong certainty."""
    path = tmp_path / "f.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["score", *map(str, arguments)])


def test_json_alone_goes_to_stdout(file: Path) -> None:
    """With --json, stdout is one strict JSON object, one entry for each measure and group; warnings go to stderr."""
    result = _run(file, "--json")
    found = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (0, {**NOT_SCORED, "resolved": 2, "open": 1}) == (result.exit_code, found["n_questions"])
    keys = [
        tuple(row.get(key) for key in ("measure", "of", "timing", "forecaster", "benchmark", "topic", "horizon"))
        for row in found["scores"]
    ]
    assert len(keys) == len(set(keys))
    (row,) = [
        row
        for row in found["scores"]
        if (row["measure"], row["timing"], row["grouping"], row["forecaster"]) == ("brier", "each", "forecaster", "ann")
    ]
    assert (0.1, 2, 3) == pytest.approx((row["mean"], row["n_questions"], row["n_forecasts"]))
    assert "column 'extra' is not used" in result.stderr
    assert f"{file.as_posix()}:6: warning: probability 1 and the other outcome" in result.stderr
    assert "questions" not in found


def test_tables_on_a_terminal(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --json there are tables with n beside every mean, infinite scores as such, a drawing and definitions."""
    monkeypatch.setenv("COLUMNS", "120")
    text = _run(file).stdout
    assert "forecasts: 5, of resolved questions: 2; not scored: 1 open and 0 void" in text
    assert 1 == len(re.findall(r"^ann +2 +3 +0\.1000 +0\.0250 +0\.0775 +0\.1550 +0\.3406 +88 %$", text, re.MULTILINE))
    assert "log (each) of bob: inf, from 1 infinite score; 2.761 if clipped at 0.01, 3.912 if clipped at 0.001" in text
    assert 1 == len(re.findall(r"^50 to 80 % +100 % .*\|[- ]*\+[- ]*o\|$", text, re.MULTILINE))
    assert [] == [name for name in ("brier:", "log:", "peer:", "corp:", "skill:", "time weighted:") if name not in text]


def test_one_question_has_no_interval(file: Path) -> None:
    """Where a pair shares a single question, nothing is printed in the place of an interval."""
    alone = "\n".join(line for line in TABLE.splitlines() if not line.startswith("snow"))
    file.write_text(alone + "\n", encoding="utf-8")
    (line,) = re.findall(r"^ann +bob +brier .*$", _run(file).stdout, re.MULTILINE)
    assert line.split()[-1] == "-"


SAME = {"ann": repr(0.3), "bob": repr(0.1 + 0.2)}
UNLIKE = """question,forecaster,time,quantile,value,outcome,opens,closes
q,ann,2026-01-01,0.25,2,6,2026-01-01,2026-02-01
q,ann,2026-01-01,0.5,4,6,2026-01-01,2026-02-01
q,bob,2026-01-01,0.5,4,6,2026-01-01,2026-02-01
q,cem,2026-01-01,0.95,9,6,2026-01-01,2026-02-01
r,ann,2026-01-01,,4,6,2026-01-01,2026-02-01
r,ann,2026-01-01,,5,6,2026-01-01,2026-02-01
r,bob,2026-01-01,,5,6,2026-01-01,2026-02-01
r,bob,2026-01-01,,7,6,2026-01-01,2026-02-01
r,bob,2026-01-01,,9,6,2026-01-01,2026-02-01
"""


def test_what_is_not_alike_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings of unlike levels and draws go to stderr, notes stand by the tables, and JSON has a field for them."""
    monkeypatch.setenv("COLUMNS", "140")
    file.write_text(UNLIKE, encoding="utf-8")
    result = _run(file)
    warnings = [line.partition("warning: ")[2].partition(";")[0] for line in result.stderr.splitlines()]
    assert [
        "numbers of draws differ: scores by crps cannot be compared, for few draws score worse by being few",
        "levels of quantiles differ: scores by crps_quantiles cannot be compared",
    ] == warnings
    text = result.stdout
    assert 2 == text.count("levels differ: means of different levels cannot be compared")
    assert 2 == text.count("numbers of draws differ: by CRPS, means of different numbers cannot be compared")
    assert "not compared by crps on 1 question: bob and ann, numbers of draws differ" in text
    assert "not compared by crps_quantiles on 1 question: cem and bob, no level in common" in text
    pairs = re.findall(r"^(ann|bob|cem) +(ann|bob|cem) +(crps[a-z_]*(?: at [0-9.]+)?) ", text, re.MULTILINE)
    assert [
        *(("ann", "bob", "crps_fair"), ("ann", "bob", "crps_quantiles at 0.5")),
        *(("bob", "ann", "crps_fair"), ("bob", "ann", "crps_quantiles at 0.5")),
    ] == pairs
    found = json.loads(_run(file, "--json").stdout)
    assert ["crps", "crps_quantiles"] == [one["measure"] for one in found["unlike"]]
    assert result.stderr.splitlines() == [one["text"] for one in found["unlike"]]


@pytest.mark.parametrize("columns", [20, 60, 80, 100, 200])
def test_no_number_is_cut_off(file: Path, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Whatever the width of the terminal, every row of the skill table ends with both ends of its interval."""
    twice = UNLIKE.replace("bob", "bob who says the median alone")
    again = re.sub(r"^(q|r)", r"\1 again", twice.partition("\n")[2], flags=re.MULTILINE)
    file.write_text(twice + again, encoding="utf-8")
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = _run(file).stdout.splitlines()
    begin = next(at for at, line in enumerate(lines) if line.startswith("forecaster ") and "skill" in line)
    assert "90 % interval" == lines[begin][-len("90 % interval") :]
    rows = [
        line for line in lines[begin + 1 : lines.index("", begin)] if " and " in line and "not compared" not in line
    ]
    assert 4 == len(rows)
    assert [] == [line for line in rows if not re.search(r"[+-]\d+\.\d\d to [+-]\d+\.\d\d$", line)]


def test_skill_by_rounding_is_no_skill(file: Path) -> None:
    """Whose forecasts differ from another's by rounding has a skill of +0.00, without a colour or a sign to it."""
    lines = [f"q{at},{who},2026-01-01,{p},1,2026-01-01,2026-02-01" for at in range(5) for who, p in SAME.items()]
    file.write_text("\n".join(["question,forecaster,time,probability,outcome,opens,closes", *lines]) + "\n")
    found = re.findall(
        r"^(?:ann|bob) +(?:ann|bob) +brier .* ([+-]\S+) +(\S+) to (\S+)$", _run(file).stdout, re.MULTILINE
    )
    assert [("+0.00", "+0.00", "+0.00")] * 2 == found


def test_questions_one_by_one(file: Path) -> None:
    """--by-question adds every forecaster's scores on every question; peer scores of one add up to 0."""
    found = json.loads(_run(file, "--json", "--by-question").stdout)["questions"]
    rain = [row for row in found if row["question"] == "rain"]
    assert (4, ["ann", "bob"], [1, 1]) == (
        len(found),
        [row["forecaster"] for row in rain],
        [row["outcome"] for row in rain],
    )
    assert 0.0 == pytest.approx(sum(row["peer.time_weighted"] for row in rain))


def test_benchmarks(file: Path) -> None:
    """--benchmark leaves the comparisons with that forecaster; an unknown one is wrong usage with the near miss."""
    found = json.loads(_run(file, "--json", "--benchmark", "bob").stdout)["scores"]
    assert {("ann", "bob")} == {(row["forecaster"], row["benchmark"]) for row in found if row["grouping"] == "pair"}
    result = _run(file, "--benchmark", "bop")
    assert (2, True) == (result.exit_code, "did you mean 'bob'?" in result.stderr)


def test_as_of(file: Path) -> None:
    """--as-of leaves out later forecasts and takes questions that close later as open."""
    found = json.loads(_run(file, "--json", "--as-of", "2026-01-10").stdout)
    assert ({**NOT_SCORED, "resolved": 0, "open": 3}, []) == (found["n_questions"], found["scores"])
    found = json.loads(_run(file, "--json", "--as-of", "2026-01-11").stdout)
    assert ({**NOT_SCORED, "resolved": 2, "open": 1}, 5) == (found["n_questions"], found["n_forecasts"])


def test_mistakes_are_named_and_the_rest_is_scored(file: Path) -> None:
    """Mistakes go to stderr, one line each, with exit status 1; what they do not concern is scored all the same."""
    file.write_text(TABLE.replace("0.8,1", "8,1").replace("0.4,1", "0.4,0"), encoding="utf-8")
    result = _run(file, "--json")
    found = json.loads(result.stdout)
    counts = found["n_questions"]
    assert (1, 1, 1, 1, 2, 3) == (
        result.exit_code, counts["resolved"], counts["open"], counts["mistaken"], found["n_forecasts"],
        found["n_left_out"],
    )  # fmt: skip
    whats = [line.partition("; ")[0].partition(":")[2] for line in result.stderr.splitlines() if "warning" not in line]
    assert ["3: probability is out of range", "4: question 'rain' has two outcomes"] == whats


def test_without_a_file_the_replay_is_scored(file: Path) -> None:
    """Without FILE the workspace's replay is read, and mistakes in it named relative to the workspace."""
    root = file.parent
    (root / "reports").mkdir()
    replay = root / "reports" / "replay.csv"
    replay.write_text(TABLE, encoding="utf-8")
    assert _run(file, "--json").stdout == _run("-C", root, "--json").stdout
    replay.write_text(TABLE.replace("0.8,1", "8,1"), encoding="utf-8")
    told = [line.partition("; ")[0] for line in _run("-C", root).stderr.splitlines()]
    assert "reports/replay.csv:3: probability is out of range" in told


def test_without_a_replay_the_way_to_one_is_said(tmp_path: Path) -> None:
    """Where there is neither a FILE nor a replay, the error says which command writes one."""
    result = _run("-C", tmp_path)
    assert 2 == result.exit_code
    assert "no FILE is given and reports/replay.csv is not there; forecast backtest writes it" in result.stderr
