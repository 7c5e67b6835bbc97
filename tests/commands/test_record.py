"""`forecast ladder` and `record` on the example: from lines of the ledger to scores, and what does not count."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from forecast.analysis.record import EnteredForecasts, entered_forecasts
from forecast.ledger.ledger import LEDGER, read_ledger
from forecast.session import Session
from tests.commands.verifying import edit, kinds, run

TESTED = """- id: tested
  reported: 2026-08-20
  source: newspaper
  credibility: 1
  headline: Fifty people have used the prototype for a week.
  bears_on:
  - {event: prototype, settled: tested}
"""
QUESTION = """- id: tested-by-august
  question: Has the prototype been tested by the end of August?
  about: {event: prototype, state: {at_least: tested}}
  by: 2026-08-31
  resolves: yes = it has.
  base_rate: {probability: 0.4, source: {publisher: somebody}, why: counted}
"""
MARKET = "date,forecaster,probability\n2026-07-10,office pool,0.9\n2026-08-10,office pool,0.99\n"


def _watch(root: Path, day: str) -> None:
    path = root / "evidence/watch.yaml"
    path.write_text(re.sub(r"watched_until: \S+", f"watched_until: {day}", path.read_text("utf-8")), encoding="utf-8")


def _update(root: Path, day: str) -> None:
    _watch(root, day)
    result = run("update", "-C", root, "--as-of", day, "--no-report")
    assert 0 == result.exit_code, result.output


def _record(root: Path, *more: str) -> dict[str, Any]:
    result = run("record", "-C", root, "--json", *more)
    assert 0 == result.exit_code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def lived(updated: Path) -> Path:
    """The example after updates at the ends of July, August and September, with one outcome in between."""
    (updated / "priors/questions.yaml").write_text(QUESTION, encoding="utf-8")
    (updated / "priors/benchmarks").mkdir()
    (updated / "priors/benchmarks/tested-by-august.csv").write_text(MARKET, encoding="utf-8")
    _update(updated, "2026-07-31")
    (updated / "evidence/tested.yaml").write_text(TESTED, encoding="utf-8")
    _update(updated, "2026-08-31")
    _watch(updated, "2026-09-30")
    return updated


def test_the_ledger_holds_what_the_ladder_prints(updated: Path) -> None:
    """The line of an update has the numbers that `forecast ladder` prints for the same day."""
    result = run("ladder", "-C", updated, "--as-of", "2026-07-01", "--json")
    rows = json.loads(result.stdout)["sub_questions"]
    (line,) = read_ledger(updated).updates
    held = {(one.event, one.states, day): p for one in line.ladder or () for day, p in one.by.items()}
    assert held == {
        (row["asks"]["event"], tuple(row["asks"]["states"]), row["asks"]["by"]): row["probability"] for row in rows
    }
    shown = run("ladder", "launch", "-C", updated, "--as-of", "2026-07-01").stdout
    assert "6 sub-questions" in shown
    wrong = run("ladder", "lunch", "-C", updated, "--as-of", "2026-07-01")
    assert (2, True) == (wrong.exit_code, "did you mean 'launch'?" in wrong.output)


def test_the_record_scores_what_stood_before(lived: Path) -> None:
    """Scores are those of the numbers in the lines, computed by hand; base rate and market stand beside them."""
    found = _record(lived, "--as-of", "2026-09-30")
    lines = {line.number: line for line in read_ledger(lived).updates}
    ahead = found["ahead"][0]
    rows = [row for row in found["forecasts"] if row["months_ahead"] == 1]
    by_month: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        entry = next(
            one
            for one in lines[row["line"]].ladder or ()
            if (one.event, list(one.states)) == (row["event"], row["states"]) and row["by"] in one.by
        )
        assert entry.by[row["by"]] == row["probability"]
        assert read_ledger(lived).digests[row["line"] - 1] == row["digest"]
        assert row["as_of"] < row["known"]
        score = (row["probability"] - row["is_yes"]) ** 2
        by_month.setdefault(row["by"][:7], {}).setdefault(row["event"], []).append(score)
    means = [sum(sum(one) / len(one) for one in of.values()) / len(of) for of in by_month.values()]
    assert {"2026-08", "2026-09"} == set(by_month)
    assert ahead["brier"] == pytest.approx(sum(means) / len(means))
    assert (ahead["n_months"], ahead["n_sub_questions"]) == (2, len(rows))
    (tested,) = [row for row in rows if row["question"] == "tested-by-august"]
    assert (True, "2026-08-20", "tested") == (tested["is_yes"], tested["known"], tested["settled_by"])
    assert {"base rate": 0.4, "office pool": 0.9} == {
        name: p for name, p in tested["others"].items() if name != "line before"
    }
    market = next(row for row in ahead["beside"] if row["other"] == "office pool")
    assert market["brier_theirs"] == pytest.approx(0.01)
    assert market["difference"]["low"] <= market["difference"]["mean"] <= market["difference"]["high"]
    shown = run("record", "-C", lived, "--as-of", "2026-09-30", "--each").stdout
    assert "1 month ahead" in shown
    assert tested["digest"][:12] in shown


def test_a_month_that_is_not_watched_to_its_end_does_not_count(lived: Path) -> None:
    """While the answers of a month are missing its early yes does not count either."""
    _watch(lived, "2026-09-29")
    months = {row["by"][:7] for row in _record(lived, "--as-of", "2026-09-30")["forecasts"]}
    assert {"2026-08"} == months


def test_a_forecast_of_a_past_day_does_not_count(lived: Path) -> None:
    """A line that says it is older, and was made from files that held the outcome, proves nothing."""
    before = _record(lived, "--as-of", "2026-09-30")
    result = run("update", "-C", lived, "--as-of", "2026-07-31", "--no-report", "-m", "late")
    assert 0 == result.exit_code, result.output
    after = _record(lived, "--as-of", "2026-09-30")
    late = str(len(read_ledger(lived).updates))
    assert "held outcomes already" in after["not_proven"][late]
    assert before["forecasts"] == after["forecasts"]


def test_a_line_that_was_changed_does_not_count(lived: Path) -> None:
    """Who improves a number in the ledger afterwards loses the line, and `forecast verify` names it."""
    line = read_ledger(lived).updates[1]
    entry = next(one for one in line.ladder or () if one.states == ("tested",) and "2026-08-31" in one.by)
    edit(lived / LEDGER, f'"2026-08-31":{entry.by["2026-08-31"]!r}', '"2026-08-31":0.99')
    assert "changed" in kinds(lived)
    result = run("record", "-C", lived, "--as-of", "2026-09-30", "--json")
    assert (1, True) == (result.exit_code, "chain is broken" in result.output)


def test_before_any_line_nothing_is_scored(fresh: Path) -> None:
    """A workspace without an update is told what enters sub-questions."""
    assert "the next `forecast update` enters them" in run("record", "-C", fresh, "--as-of", "2026-07-01").stdout


def test_a_first_update_of_a_month_has_a_line(updated: Path) -> None:
    """With the same inputs an update of the same month has no line, one of the next month has."""
    again = run("update", "-C", updated, "--as-of", "2026-07-05", "--no-report")
    later = run("update", "-C", updated, "--as-of", "2026-08-02", "--no-report")
    assert "nothing new" in again.stdout
    assert "new: a line" in later.stdout


RESOLVED = (
    '{"question": "tested-by-august", "state": "yes", "on": "2026-08-20", "known": "2026-08-21", "source": "a"}\n'
)


def _entered(root: Path, on: str) -> EnteredForecasts:
    """What the ledger held of the question by a day, since before its outcome."""
    there = Session(root, as_of=date(2026, 9, 30))
    last = {"tested-by-august": date.fromisoformat(on)}
    return entered_forecasts(root, there.workspace, there.layout, there.day, there.ledger, last)


def test_a_line_older_than_the_resolution_is_the_forecast(lived: Path) -> None:
    """Of a resolved question the number is that of the latest line by the day which did not hold the outcome."""
    assert () == _entered(lived, "2026-08-15").forecasts  # nobody has resolved it
    (lived / "priors/resolutions.jsonl").write_text(RESOLVED, encoding="utf-8")
    lines = {line.number: line for line in read_ledger(lived).updates}
    for day, number in (("2026-07-15", 1), ("2026-08-15", 2), ("2026-09-15", 2)):
        (found,) = _entered(lived, day).forecasts
        entry = next(one for one in lines[number].ladder or () if one.states == ("tested",) and "2026-08-31" in one.by)
        assert (number, read_ledger(lived).digests[number - 1]) == (found.line, found.digest)
        assert (lines[number].as_of, entry.by["2026-08-31"]) == (found.as_of, found.probability)
    assert () == _entered(lived, "2026-06-15").forecasts


def test_a_line_whose_files_held_the_resolution_is_none(lived: Path) -> None:
    """A line that says it is older but was made from files in which the question was resolved does not count."""
    (lived / "evidence/tested.yaml").unlink()
    (lived / "priors/resolutions.jsonl").write_text(RESOLVED, encoding="utf-8")
    result = run("update", "-C", lived, "--as-of", "2026-07-31", "--no-report", "-m", "late")
    assert 0 == result.exit_code, result.output
    late = read_ledger(lived).updates[-1].number
    found = _entered(lived, "2026-08-15")
    assert late is not None
    assert "held outcomes already" in found.not_proven[late]
    assert [2] == [one.line for one in found.forecasts]


JOINT = """- id: sold-if-tested
  question: If the prototype is tested by the middle of September, is the product on sale by the end of it?
  about: {event: launch, state: {at_least: limited}}
  given: {prototype: {is: tested, held_by: 2026-09-15}}
  by: 2026-09-30
  resolves: As the launch.
- id: sold-if-not
  question: If it is not, is the product on sale by the end of September?
  about: {event: launch, state: {at_least: limited}}
  given: {prototype: {is: [none, shown], held_by: 2026-09-15}}
  by: 2026-09-30
  resolves: As the launch.
- id: breakthrough-by-september
  question: Is September a breakthrough?
  scenario: breakthrough
  by: 2026-09-30
  resolves: By the rule of the scenario.
"""


def test_conditions_and_scenarios_have_a_record(updated: Path) -> None:
    """They are in the ledger and scored where the condition came true; where it did not, they are void."""
    (updated / "priors/questions.yaml").write_text(JOINT, encoding="utf-8")
    _update(updated, "2026-08-31")
    printed = run("ladder", "-C", updated, "--as-of", "2026-08-31")
    assert {"sold-if-tested", "breakthrough-by-september"} <= set(printed.output.split())
    held = json.loads((updated / LEDGER).read_text("utf-8").splitlines()[-1])["asked"]
    (sold,) = (row for row in held if row.get("given", {}).get("conditions", [{}])[0].get("states") == ["tested"])
    assert "2026-09-15" == sold["given"]["conditions"][0]["held_by"]
    (updated / "evidence/tested.yaml").write_text(TESTED.replace("2026-08-20", "2026-09-10"), encoding="utf-8")
    _watch(updated, "2026-09-30")
    rows = {one["question"]: one for one in _record(updated, "--as-of", "2026-09-30")["forecasts"]}
    assert "sold-if-not" not in rows
    row = rows["sold-if-tested"]
    assert "launch=limited,general@2026-09-30|prototype=tested@2026-09-15" == row["sub_question"]
    assert (False, "2026-09-30", sold["by"]["2026-09-30"]) == (row["is_yes"], row["known"], row["probability"])
