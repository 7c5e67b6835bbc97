"""`forecast add judgement` of several people, from files and blind, and `forecast team`: what each writes and shows."""

from __future__ import annotations

import csv
import json
import math
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.commands.rename import write_template
from forecast.scoring.compare import paired_difference
from forecast.scoring.world import ForecastTable, read_table
from forecast.store.entries import keep_value, place_of
from forecast.workspace.files import JUDGEMENTS
from forecast.workspace.problems import Source
from forecast.workspace.read import load

QUESTIONS = """- id: on-sale
  question: Can it be bought anywhere by the end of October?
  about: {event: launch, state: {at_least: limited}}
  by: 2026-10-31
  resolves: yes = the first sale has been made by then.
- id: shown
  question: Is the prototype presented by the end of June?
  about: {event: prototype, state: {at_least: shown}}
  by: 2026-06-30
  resolves: yes = it has been presented by then.
  base_rate: {probability: 0.5, source: {publisher: A}, why: half of them}
- id: sold
  question: Is it sold everywhere by the end of May?
  about: {event: launch, state: general}
  by: 2026-05-31
  resolves: yes = it is sold everywhere.
"""
MARKET = "date,forecaster,probability\n2026-02-01,office,0.4\n2026-02-20,office,0.9\n2026-06-01,office,0.1\n"


@pytest.fixture
def asking(tmp_path: Path) -> Path:
    """The example with three questions and a market on one of them, without draws."""
    root = tmp_path / "workspace"
    write_template(root)
    return with_questions(root)


def with_questions(root: Path) -> Path:
    """Add the questions to a workspace."""
    (root / "priors/questions.yaml").write_text(QUESTIONS, encoding="utf-8")
    (root / "priors/benchmarks").mkdir()
    (root / "priors/benchmarks/shown.csv").write_text(MARKET, encoding="utf-8")
    return root


def judged(root: Path, *arguments: str, typed: str = "", ends: int = 0) -> Result:
    """Run `add judgement` in a workspace."""
    result = CliRunner().invoke(main, ["add", "judgement", *arguments, "-C", str(root), "--yes"], input=typed)
    assert ends == result.exit_code, result.output
    return result


def rows_of(root: Path) -> list[list[str]]:
    """Return the rows of the judgements, with the header."""
    return list(csv.reader((root / JUDGEMENTS).read_text(encoding="utf-8").splitlines()))


def test_the_first_author_adds_a_column(asking: Path) -> None:
    """Rows are only added; the header alone gets a column where the first author is named, and stays for good."""
    judged(asking, "on-sale", "0.3", "--on", "2026-03-01", "--why", "a, b")
    before = (asking / JUDGEMENTS).read_bytes()
    judged(asking, "on-sale", "0.4", "--on", "2026-03-01", "--author", " ann ")
    judged(asking, "on-sale", "0.5", "--on", "2026-03-02")
    header, *rows = rows_of(asking)
    assert ["date", "question", "probability", "why", "author"] == header
    expected = [["2026-03-01", "on-sale", "0.3", "a, b"], ["2026-03-01", "on-sale", "0.4", "", "ann"]]
    assert [*expected, ["2026-03-02", "on-sale", "0.5", "", ""]] == rows
    assert (asking / JUDGEMENTS).read_bytes().splitlines()[1] == before.splitlines()[1]


def test_rows_follow_the_columns_and_line_ends_of_the_file(asking: Path) -> None:
    """A file whose columns stand in another order, with the line ends of Windows, is gone on with as it is."""
    content = b"author,probability,question,date,why\r\nann,0.2,on-sale,2026-03-01,x"
    (asking / JUDGEMENTS).write_bytes(content)
    judged(asking, "on-sale", "0.4", "--on", "2026-03-02", "--author", "bob", "--why", "y")
    assert content + b"\r\nbob,0.4,on-sale,2026-03-02,y\r\n" == (asking / JUDGEMENTS).read_bytes()


FILE = "question,probability,date,author,why\non-sale,0.3,2026-03-01,,x\nshown,0.7,,cem,\n"


def test_a_file_is_added_whole(asking: Path, tmp_path: Path) -> None:
    """Every row of a file is added in one step; options fill in what its cells leave empty."""
    (tmp_path / "mine.csv").write_text(FILE, encoding="utf-8")
    options = ("--author", "ann", "--on", "2026-02-20", "--json")
    told = json.loads(judged(asking, str(tmp_path / "mine.csv"), *options).stdout)
    rows = [["2026-03-01", "on-sale", "0.3", "x", "ann"], ["2026-02-20", "shown", "0.7", "", "cem"]]
    assert rows == rows_of(asking)[1:]
    said = [list(map(str, row.values())) for row in told["judgements"]]
    assert (JUDGEMENTS, True, rows) == (told["path"], told["written"], said)


def test_all_mistakes_of_a_file_in_one_run(asking: Path, tmp_path: Path) -> None:
    """Each mistake of a file is told at its line with what is allowed, and nothing of the file is written."""
    judged(asking, "shown", "0.6", "--on", "2026-03-01", "--author", "ann")
    before = (asking / JUDGEMENTS).read_bytes()
    path = tmp_path / "mine.csv"
    lines = ["shown,0.5,2026-03-01,ann", "on-sal,0.5,2026-03-01,ann", "shown,30,2026-03-02,ann"]
    lines += [
        "shown,0.5,2026-02-30,ann",
        "shown,0.5,2026-03-03,office",
        "sold,0.2,2026-03-01,ann",
        "sold,0.3,2026-03-01,ann",
    ]
    path.write_text("question,probability,date,author\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    said = judged(asking, str(path), ends=1).stderr.splitlines()
    number = "one number of each author a day"
    assert said == [
        f"{path}:2: question 'shown' on 2026-03-01 by 'ann' is in {JUDGEMENTS} already; got 0.6; {number}",
        f"{path}:3: unknown question 'on-sal'; questions are 'on-sale', 'shown', 'sold'; did you mean 'on-sale'?",
        f"{path}:4: probability is not a probability; got '30'; a number from 0 to 1",
        f"{path}:5: date is not a date; got '2026-02-30'; dates are written YYYY-MM-DD",
        (
            f"{path}:6: author 'office' is called like a benchmark; a series of priors/benchmarks/ has this "
            "forecaster; another name"
        ),
        f"{path}:8: question 'sold' on 2026-03-01 by 'ann' appears twice; first in line 7; {number}",
    ]
    assert before == (asking / JUDGEMENTS).read_bytes()


def test_what_is_no_file_and_no_question(asking: Path, tmp_path: Path) -> None:
    """Wrong usage says what is missing: a probability, a name, a row."""
    assert "which probability has 'on-sale'?" in judged(asking, "on-sale", ends=2).stderr
    assert "there is no file 'on-sal'" in judged(asking, "on-sal", ends=2).stderr
    assert "did you mean 'on-sale'?" in judged(asking, "on-sal", "0.3", ends=2).stderr
    assert "--blind asks" in judged(asking, ends=2).stderr
    (tmp_path / "empty.csv").write_text("question,probability\n", encoding="utf-8")
    assert "there is no row" in judged(asking, str(tmp_path / "empty.csv"), ends=1).stderr
    assert not (asking / JUDGEMENTS).exists()


def test_a_new_name_beside_others_is_said(asking: Path) -> None:
    """An author who is not known yet is added, and the names that there are are said."""
    assert "new author" not in judged(asking, "on-sale", "0.3", "--on", "2026-03-01", "--author", "anna").stderr
    said = judged(asking, "on-sale", "0.3", "--on", "2026-03-01", "--author", "annna").stderr
    assert "'annna' is a new author; so far there are 'anna'; did you mean 'anna'?\n" == said


def git(root: Path, *arguments: str) -> str:
    """Run git in a workspace; return what it prints."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    return subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def test_git_keeps_the_rows_of_all_authors(asking: Path) -> None:
    """Two branches that add rows, one of them the first author and so a column, merge to all rows without a word."""
    judged(asking, "on-sale", "0.3", "--on", "2026-03-01")
    git(asking, "init", "-q", "-b", "one")
    git(asking, "add", "-A")
    git(asking, "commit", "-q", "-m", "base")
    for branch, more in (("two", ["--author", "ann"]), ("three", ["--author", "bob"]), ("one", [])):
        git(asking, "checkout", "-q", *(["one"] if branch == "one" else ["-b", branch, "one"]))
        judged(asking, "on-sale", "0.4", "--on", "2026-03-02", *more)
        git(asking, "commit", "-q", "-a", "-m", branch)
    for other in ("two", "three"):
        git(asking, "merge", "-q", other, "-m", "merged")
    workspace = load(asking, date(2026, 7, 1))
    found = [(day.day, who) for day, who, _ in workspace.benchmarks["judgement/on-sale"].points]
    assert [(1, "judgement"), (2, "ann"), (2, "bob"), (2, "judgement")] == found


def test_blind(fresh: Path) -> None:
    """Each number is asked for, none that is wrong is taken, and only behind the written line the others are shown."""
    root = with_questions(fresh)
    judged(root, "on-sale", "0.35", "--on", "2026-06-01", "--author", "bob")
    typed = "35\n0.3\nSuppliers have withdrawn.\n"
    said = judged(root, "--blind", "--author", "ann", "--on", "2026-07-01", typed=typed).stdout
    before, after = said.split("written: priors/judgements.csv\n")
    assert "35 is not a probability; 35 % is written 0.35" in before
    assert "1 of 1: Can it be bought anywhere by the end of October?" in before
    assert "%" not in before.replace("35 % is written", "")
    assert after.startswith("on-sale: you 30 %, forecast ")
    assert "bob 35 % (2026-06-01)" in after
    assert ["2026-07-01", "on-sale", "0.3", "Suppliers have withdrawn.", "ann"] == rows_of(root)[-1]
    again = judged(root, "--blind", "--author", "ann", "--on", "2026-07-01").stdout
    assert "nothing written\n" == again
    named = judged(root, "on-sale", "0.2", "--blind", "--author", "cem", "--on", "2026-07-01", "--json")
    told = json.loads(named.stdout)
    assert ("cem", 0.2, ["on-sale"]) == (
        told["author"],
        told["probability"],
        [q["question"] for q in told["questions"]],
    )


def test_stopping_in_the_middle_loses_no_number(fresh: Path) -> None:
    """What was answered before the end of input is offered for writing, and told as commands if nobody says yes."""
    root = with_questions(fresh)
    command = ["add", "judgement", "--blind", "--author", "ann", "--on", "2026-07-01", "-C", str(root)]
    stopped = CliRunner().invoke(main, command, input="0.3\nTwo days.\n")
    assert 1 == stopped.exit_code
    assert "forecast add judgement on-sale 0.3 --on 2026-07-01 --author ann --why 'Two days.'" in stopped.stderr
    assert not (root / JUDGEMENTS).exists()
    nothing = CliRunner().invoke(main, command, input="")
    assert (1, True) == (nothing.exit_code, "Aborted!" in nothing.stderr)


JUDGED = """date,question,probability,why,author
2026-06-20,on-sale,0.3,,ann
2026-07-01,on-sale,0.2,,ann
2026-06-25,on-sale,0.6,,bob
2026-07-02,on-sale,0.9,,bob
2026-02-10,shown,0.8,,ann
2026-02-20,shown,1,,bob
2026-03-02,shown,0.99,,ann
2026-03-01,sold,0.1,
2026-04-01,sold,0,,bob
"""
# What counts of it as of 2026-07-01: no later number, and none from the day on which a question ended.
POOLED = """expert,question,probability,outcome,date
ann,on-sale,0.3,,2026-06-20
bob,on-sale,0.6,,2026-06-25
ann,on-sale,0.2,,2026-07-01
ann,shown,0.8,1,2026-02-10
bob,shown,1,1,2026-02-20
judgement,sold,0.1,0,2026-03-01
bob,sold,0,0,2026-04-01
"""
SHOWN = '{"question": "shown", "state": "yes", "on": "2026-03-02", "known": "2026-03-03", "source": "a"}\n'
SOLD = '{"question": "sold", "state": "no", "on": "2026-05-31", "known": "2026-06-01", "source": "a"}\n'
REPLAY = """question,forecaster,time,probability,outcome,opens,closes,topic
shown,forecast,2026-02-15,0.6,1,2026-01-05,2026-03-02,general
shown,forecast,2026-02-22,0.7,1,2026-01-05,2026-03-02,general
"""
POOLS = {"on-sale": 0.3, "shown": 0.9, "sold": 0.05}
SEED = 7


def table_of(path: Path) -> ForecastTable:
    """Return the table that `forecast pool` would read, without the places of its rows."""
    path.write_text(POOLED, encoding="utf-8")
    table = read_table(path, date(2026, 7, 1))
    bare = [tuple(replace(one, source=Source(JUDGEMENTS, 1)) for one in of) for of in (table.forecasts, table.earlier)]
    return replace(table, path=JUDGEMENTS, warnings=(), forecasts=bare[0], earlier=bare[1])


@pytest.fixture
def team(fresh: Path, tmp_path: Path) -> Path:
    """A workspace with judgements, whose pool is kept: the one of the table that `forecast pool` would read."""
    root = with_questions(fresh)
    (root / JUDGEMENTS).write_text(JUDGED, encoding="utf-8")
    (root / "priors/resolutions.jsonl").write_text(SHOWN + SOLD, encoding="utf-8")
    (root / "reports/replay.csv").write_text(REPLAY, encoding="utf-8")
    pools = [{"probability": p, "low": p / 2, "high": 1 - (1 - p) / 2, "n": 2} for p in POOLS.values()]
    place = place_of(root / "reports/.cache", "team", table_of(tmp_path / "table.csv"), SEED)
    keep_value(place, {"questions": pools, "reasons": []})
    return root


def of_team(root: Path) -> dict[str, Any]:
    """Return what `forecast team --json` prints."""
    arguments = ["team", "-C", str(root), "--as-of", "2026-07-01", "--seed", str(SEED), "--json"]
    result = CliRunner().invoke(main, arguments)
    assert 0 == result.exit_code, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_the_pool_is_that_of_the_table(team: Path) -> None:
    """What is pooled is, number by number, what `forecast pool` reads from a table of the judgements that count."""
    told = of_team(team)
    assert POOLS == {one["question"]: one["pooled"]["probability"] for one in told["questions"]}
    assert (["ann", "bob", "judgement"], 2, []) == (told["authors"], told["certain"], told["unjudged"])
    sale, shown, sold = told["questions"]
    assert [("ann", 0.2), ("bob", 0.6)] == [(one["forecaster"], one["probability"]) for one in sale["authors"]]
    assert ("2026-07-01", None) == (sale["on"], sale["outcome"])
    assert ("2026-02-20", 1, 0.6) == (shown["on"], shown["outcome"], shown["forecast"]["probability"])
    assert [("office", 0.9)] == [(one["forecaster"], one["probability"]) for one in shown["benchmarks"]]
    assert (0, None) == (sold["outcome"], sold["forecast"])
    assert 0.0 < sale["forecast"]["low"] < sale["forecast"]["probability"] < sale["forecast"]["high"] < 1.0


def brier(said: Mapping[str, float]) -> list[float]:
    """The Brier score of each question of which the outcome is known."""
    return [(p - {"shown": 1.0, "sold": 0.0}[question]) ** 2 for question, p in said.items()]


def test_scores_are_of_one_day_and_one_set_of_questions(team: Path) -> None:
    """Everybody is scored on the questions that they answered, and against the pool on the same."""
    scores = {one["name"]: one for one in of_team(team)["scores"]}
    said = {
        "pooled": {"shown": 0.9, "sold": 0.05}, "ann": {"shown": 0.8}, "bob": {"shown": 1.0, "sold": 0.0},
        "judgement": {"sold": 0.1}, "forecast": {"shown": 0.6}, "office": {"shown": 0.9}, "base rate": {"shown": 0.5},
    }  # fmt: skip
    assert list(said) == list(scores)
    for name, of in said.items():
        own, pooled = brier(of), brier({question: POOLS[question] for question in of})
        outcome = [p if question == "shown" else 1.0 - p for question, p in of.items()]
        assert (len(of), pytest.approx(np.mean(own))) == (scores[name]["n"], scores[name]["brier"])
        assert pytest.approx(-np.mean([math.log(p) for p in outcome])) == scores[name]["log"]
        if name == "pooled":
            assert scores[name]["less_pooled"] is None
            continue
        less = paired_difference(np.array(own), np.array(pooled), np.random.default_rng(SEED))
        assert (less.mean, less.low, less.high) == tuple(
            scores[name]["less_pooled"][key] for key in ("mean", "low", "high")
        )


def test_a_certainty_that_was_wrong_is_infinite(team: Path) -> None:
    """A number of 0 for what happened has an infinite log score, which JSON says as null."""
    replay = team / "reports/replay.csv"
    replay.write_text(replay.read_text(encoding="utf-8").replace("0.6,1", "0,1"), encoding="utf-8")
    scores = {one["name"]: one for one in of_team(team)["scores"]}
    assert (None, 1.0) == (scores["forecast"]["log"], scores["forecast"]["brier"])


def lines(told: Sequence[str], *words: str) -> list[str]:
    """Return the lines that begin with a word."""
    return [line for line in told if line.split()[:1] == [*words]]


def test_what_is_printed(team: Path) -> None:
    """A line a question with what each person said below it, the scores, and what they rest on."""
    arguments = ["team", "-C", str(team), "--as-of", "2026-07-01", "--seed", str(SEED)]
    told = CliRunner().invoke(main, arguments, env={"COLUMNS": "120"}).stdout.splitlines()
    assert ["shown     2026-06-30  yes           2    90 %     45 to 95 %      60 %              -"] == lines(
        told, "shown"
    )
    assert "    ann 20 % (2026-07-01); bob 60 % (2026-06-25)" in told
    assert "    ann 80 % (2026-02-10); bob 100 % (2026-02-20); office 90 % (2026-02-20); base rate 50 %" in told
    assert "    forecast: the replay of 2026-02-15" in told
    assert ["forecast", "(replay)", "1", "0.1600"] == lines(told, "forecast")[0].split()[:4]
    assert ["ann", "1", "0.0400", "0.2231"] == lines(told, "ann")[-1].split()[:4]
    assert "as of 2026-07-01: 3 people, 1 question without an outcome, 2 resolved" in told
    assert "2 numbers of 0 or 1 are pooled as .001 or .999" in told


def test_nobody_has_judged(fresh: Path) -> None:
    """Without a judgement nothing is sampled, and the way to one is said."""
    result = CliRunner().invoke(main, ["team", "-C", str(with_questions(fresh)), "--as-of", "2026-07-01"])
    assert (0, "nobody has judged a question; forecast add judgement QUESTION P --author NAME\n") == (
        result.exit_code,
        result.stdout,
    )
