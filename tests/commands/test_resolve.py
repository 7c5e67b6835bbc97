"""`forecast resolve`, `due`, `questions` and `add judgement`: what they write, show and refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.ledger.ledger import append, read_ledger
from forecast.pipeline import conclude
from forecast.session import Session
from forecast.workspace.read import load
from tests.commands.conftest import AS_OF
from tests.workspace.writing import TODAY, example

FILE = "priors/resolutions.jsonl"
QUESTIONS = """
- id: on-sale
  question: On sale by the end of October?
  about: {event: launch, state: {at_least: limited}}
  by: 2026-10-31
  resolves: the first sale
- id: shown
  question: Shown by the end of June?
  about: {event: prototype, state: {at_least: shown}}
  by: 2026-06-30
  resolves: in public
- id: kept
  question: Is the budget as planned at the end of June?
  about: {event: budget, state: kept}
  by: 2026-06-30
  resolves: within ten percent
- id: shown-only
  question: Shown and not tested at the end of August?
  about: {event: prototype, state: shown}
  by: 2026-08-31
  resolves: in public, without fifty users
- id: next-year
  question: On sale by the end of the year?
  about: {event: launch, state: general}
  by: 2026-12-31
  opens: 2026-07-15
  resolves: anybody
"""


def asking(root: Path) -> Path:
    """Put the questions into a workspace."""
    (root / "priors/questions.yaml").write_text(QUESTIONS, encoding="utf-8")
    return root


def run(root: Path, *arguments: str, said: str = "") -> Result:
    """Run a command in a workspace."""
    return CliRunner().invoke(main, [arguments[0], *arguments[1:], "-C", str(root)], input=said)


def resolve(root: Path, *arguments: str) -> Result:
    """Run `forecast resolve` without being asked."""
    return run(root, "resolve", *arguments, "--yes")


def lines(root: Path) -> list[dict[str, Any]]:
    """The lines of the file."""
    return [json.loads(line) for line in (root / FILE).read_text(encoding="utf-8").splitlines()]


def test_a_yes_is_written_and_read_back(tmp_path: Path) -> None:
    """The line says who, what, when, known from when, and where it can be read."""
    root = asking(example(tmp_path))
    result = resolve(
        root, "shown", "yes", "--on", "2026-03-02", "--known", "2026-03-04", "--source", "https://a.example"
    )
    assert 0 == result.exit_code, result.output
    days = {"on": "2026-03-02", "known": "2026-03-04"}
    assert lines(root) == [{"question": "shown", "state": "yes", **days, "source": "https://a.example"}]
    [line] = load(root, TODAY).resolutions
    assert ("shown", "yes", "https://a.example") == (line.subject, line.state, line.url)


def test_lines_are_only_added(tmp_path: Path) -> None:
    """What stands in the file stays, byte for byte, undone lines too."""
    root = asking(example(tmp_path))
    resolve(root, "shown", "yes", "--on", "2026-03-02", "--source", "a")
    before = (root / FILE).read_bytes()
    (root / FILE).write_bytes(before.rstrip())
    before_midnight = datetime.now(UTC).date()
    assert 0 == resolve(root, "shown", "--undo", "--note", "wrong").exit_code
    assert (root / FILE).read_bytes().startswith(before)
    assert [set(line) for line in lines(root)][1] == {"undo", "known", "note"}
    [line] = load(root, datetime.now(UTC).date()).resolutions
    assert line.undone in {before_midnight, datetime.now(UTC).date()}
    assert 0 == resolve(root, "shown", "yes", "--on", "2026-03-02", "--source", "a").exit_code


def test_what_was_renamed_can_be_undone(tmp_path: Path) -> None:
    """An id that is there no more stops nothing, and `--undo` takes it; of one that never was it takes nothing."""
    root = asking(example(tmp_path))
    resolve(root, "shown", "yes", "--on", "2026-03-02", "--source", "a")
    (root / "priors/questions.yaml").write_text(QUESTIONS.replace("id: shown\n", "id: presented\n"), "utf-8")
    checked = run(root, "check")
    assert (0, True) == (checked.exit_code, "`forecast resolve shown --undo`" in checked.stdout)
    assert 2 == resolve(root, "shwn", "--undo").exit_code
    assert 2 == resolve(root, "shown", "--undo", "--void").exit_code
    assert 0 == resolve(root, "shown", "--undo").exit_code
    assert "is ignored" not in run(root, "check").stdout
    assert 1 == resolve(root, "shown", "--undo").exit_code
    assert 0 == resolve(root, "presented", "yes", "--on", "2026-03-02", "--source", "a").exit_code


def test_days_that_no_option_says(tmp_path: Path) -> None:
    """A no is of the question's last day; void and ambiguous of the day that it is known; known is today."""
    root, before_midnight = asking(example(tmp_path)), datetime.now(UTC).date()
    assert 0 == resolve(root, "kept", "no", "--source", "a").exit_code
    assert 0 == resolve(root, "shown", "--void", "--known", "2026-05-01").exit_code
    assert 0 == resolve(root, "on-sale", "--ambiguous", "--note", "two shops disagree").exit_code
    todays = {before_midnight.isoformat(), datetime.now(UTC).date().isoformat()}
    days = [tuple("today" if line[key] in todays else line[key] for key in ("on", "known")) for line in lines(root)]
    assert [("2026-06-30", "today"), ("2026-05-01", "2026-05-01"), ("today", "today")] == days


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("on-sal", "yes"), "did you mean 'on-sale'?"),
        (("lanch", "general"), "did you mean 'launch'?"),
        (("on-sale", "limited", "--on", "2026-05-01"), "states are 'yes', 'no'"),
        (("launch", "generl", "--on", "2026-05-01"), "did you mean 'general'?"),
        (("launch", "--void"), "settled in a state"),
        (("shown",), "say one outcome"),
        (("shown", "yes", "--void"), "say one outcome"),
        (("shown", "yes", "--source", "a"), "say with --on"),
        (("shown", "--undo", "--on", "2026-05-01"), "takes no --on"),
        (("shown", "yes", "--on", "2099-05-01"), "lies in the future"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """Names and states that there are not, no outcome or two: told with the nearest name, nothing written."""
    root = asking(example(tmp_path))
    result = resolve(root, *arguments)
    assert (2, True) == (result.exit_code, said in result.stderr), result.stderr
    assert not (root / FILE).exists()


def test_undone_once(tmp_path: Path) -> None:
    """What is undone already is not undone again: the line would say nothing."""
    root = asking(example(tmp_path))
    assert 0 == resolve(root, "shown", "yes", "--on", "2026-03-02", "--source", "a").exit_code
    assert 0 == resolve(root, "shown", "--undo").exit_code
    before = (root / FILE).read_bytes()
    result = resolve(root, "shown", "--undo")
    assert (1, True) == (result.exit_code, "it is undone already" in result.stderr)
    assert before == (root / FILE).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("shown", "yes", "--on", "2026-01-01", "--source", "a"), "on lies before the question opened"),
        (("shown", "yes", "--on", "2026-07-01", "--source", "a"), "on lies after the question's last day"),
        (("shown", "yes", "--on", "2026-03-02"), "missing key 'source'"),
        (("shown", "yes", "--on", "2026-03-02", "--source", "a", "--known", "2026-03-01"), "known before it was so"),
        (("kept", "yes", "--on", "2026-05-01", "--source", "a", "--known", "2026-05-02"), "yes before the question's"),
        (("kept", "no", "--on", "2026-05-01", "--source", "a", "--known", "2026-05-02"), "no before the question's"),
        (("shown-only", "yes", "--on", "2026-05-01", "--source", "a", "--known", "2026-05-02"), "yes before the quest"),
        (("kept", "no", "--on", "2026-05-01", "--source", "a"), "no holds on the question's last day"),
        (("on-sale", "--ambiguous"), "ambiguous without a note"),
        (("shown", "--undo"), "nothing to undo"),
        (("launch", "none", "--on", "2026-05-01", "--source", "a"), "settles 'launch' as 'none' before the horizon"),
        (("launch", "limited", "--on", "2026-01-01", "--source", "a"), "on lies outside the window"),
        (("launch", "limited", "--on", "2026-05-01"), "missing key 'source'"),
    ],
)
def test_problems(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    """A line that cannot be is a problem at the place it would have; the status is 1, and nothing is written."""
    root = asking(example(tmp_path))
    result = resolve(root, *arguments)
    assert (1, True) == (result.exit_code, f"{FILE}:1: " in result.stderr and says in result.stderr), result.stderr
    assert not (root / FILE).exists()


def test_a_second_resolution_is_refused(tmp_path: Path) -> None:
    """What is resolved is resolved once; the message names the line to undo."""
    root = asking(example(tmp_path))
    resolve(root, "shown", "yes", "--on", "2026-03-02", "--source", "a")
    result = resolve(root, "shown", "no", "--source", "a")
    assert (1, True) == (result.exit_code, f"{FILE}:2: " in result.stderr and f"at {FILE}:1;" in result.stderr)


def test_nothing_is_written_unless_wanted(tmp_path: Path) -> None:
    """The line is shown and asked about; with --json stdout holds one object."""
    root = asking(example(tmp_path))
    command = ("resolve", "shown", "yes", "--on", "2026-03-02", "--source", "a")
    assert "nothing written" in run(root, *command, said="n\n").stdout
    told = json.loads(run(root, *command, "--json", said="n\n").stdout)
    assert (False, "yes") == (told["written"], told["line"]["state"])
    assert not (root / FILE).exists()


def test_a_settled_event_counts_from_its_known_date(updated: Path) -> None:
    """Resolving an event is an item: as of the day before nothing changes, from the day on the event is certain."""
    known = datetime.fromisoformat(AS_OF).date()
    before = conclude(Session(updated, known, known - timedelta(days=1))).forecast.table.scenarios
    day = ("--on", "2026-06-25", "--known", AS_OF, "--source", "https://a.example")
    assert 0 == resolve(updated, "launch", "limited", *day).exit_code
    again = conclude(Session(updated, known, known - timedelta(days=1))).forecast.table.scenarios
    assert before == again
    launch = conclude(Session(updated, known, known)).outcome.events["launch"]
    assert 0.0 == launch["none"].probability
    [item] = [one for one in load(updated, known).items if one.id.startswith("resolved-")]
    assert ("resolved-launch-2026-06-25", known) == (item.id, item.reported)


def test_questions_and_due(updated: Path) -> None:
    """Due, settled, open and resolved questions are told apart; those that open later are left out."""
    root = asking(updated)
    (root / "priors/benchmarks").mkdir()
    table = "date,forecaster,probability\n2026-05-01,crowd,0.3\n2026-06-01,crowd,0.4\n2026-07-20,crowd,0.9\n"
    (root / "priors/benchmarks/on-sale.csv").write_text(table, encoding="utf-8")
    assert 0 == resolve(root, "kept", "no", "--source", "a", "--known", "2026-07-01").exit_code
    rows = {row["question"]: row for row in json.loads(run(root, "questions", "--as-of", AS_OF, "--json").stdout)}
    status = {name: row["status"] for name, row in rows.items()}
    assert status == {"on-sale": "open", "shown": "due", "kept": "resolved", "shown-only": "open"}
    assert (1.0, True) == (rows["shown"]["probability"], rows["shown"]["is_decided"])
    assert 0.0 < rows["on-sale"]["probability"] < 1.0
    assert [{"forecaster": "crowd", "date": "2026-06-01", "probability": 0.4}] == rows["on-sale"]["benchmarks"]
    assert (None, "no") == (rows["kept"]["probability"], rows["kept"]["resolution"]["state"])
    printed = run(root, "questions", "--as-of", AS_OF).stdout
    assert all(name in printed for name in status)
    assert "yes|no" in run(root, "questions", "shown", "--as-of", AS_OF).stdout
    assert 2 == run(root, "questions", "shwn", "--as-of", AS_OF).exit_code


def due(root: Path, *arguments: str) -> list[tuple[str, str, str | None]]:
    """What is due as of the example's update, as (kind, subject, command)."""
    told = json.loads(run(root, "due", "--as-of", AS_OF, "--json", *arguments).stdout)["due"]
    return [(one["kind"], one["subject"], one["command"]) for one in told]


def test_what_is_due(updated: Path) -> None:
    """Questions to resolve with the command, contradictions first, unused series, evidence of no update, old news."""
    root = asking(updated)
    (root / "priors/benchmarks").mkdir()
    (root / "priors/benchmarks/lost.csv").write_text("date,forecaster,probability\n2026-05-01,crowd,0\n", "utf-8")
    shown = "forecast resolve shown yes --on 2026-03-02 --source URL"
    kept = "forecast resolve kept yes --on 2026-06-30 --source URL"
    expected = [("resolve", "shown", shown), ("resolve", "kept", kept)]
    rest = [("benchmark", "lost", None), ("benchmark", "on-sale", None), ("benchmark", "shown-only", None)]
    assert [one for one in due(root) if one[0] != "source"] == [*expected, *rest]
    assert 0 == resolve(root, "shown", "no", "--source", "a", "--known", "2026-07-01").exit_code
    contradicts = ("contradiction", "shown", "forecast resolve shown --undo")
    assert due(root)[:2] == [contradicts, expected[1]]
    late = "watched_until: 2026-06-01\n"
    (root / "evidence/watch.yaml").write_text(late, encoding="utf-8")
    assert ("watch", "evidence/watch.yaml", None) in due(root)
    assert ("watch", "evidence/watch.yaml", None) not in due(root, "--days", "60")
    day = ("--on", "2026-06-25", "--known", AS_OF, "--source", "https://a.example")
    assert 0 == resolve(root, "launch", "limited", *day).exit_code
    told = due(root)
    assert ("update", "resolved-launch-2026-06-25", "forecast update") in told
    assert ("resolve", "on-sale", "forecast resolve on-sale yes --on 2026-06-25 --source URL") in told
    assert 0 == run(root, "due", "--as-of", AS_OF).exit_code


def test_what_no_update_used(updated: Path) -> None:
    """Retracted, edited and undone since the update: each is told if it changes what counts, and else not."""
    root = asking(updated)

    def told(day: str) -> list[tuple[str, str]]:
        rows = json.loads(run(root, "due", "--as-of", day, "--json").stdout)["due"]
        return [(one["subject"], one["what"]) for one in rows if one["kind"] in ("update", "source")]

    assert [] == told(AS_OF)
    for known, undone in (("2026-07-02", "2026-07-02"), ("2026-07-03", None)):
        days = ("--on", "2026-07-02", "--known", known, "--source", "https://a.example")
        assert 0 == resolve(root, "launch", "limited", *days).exit_code
        if undone:
            assert 0 == resolve(root, "launch", "--undo", "--known", undone).exit_code
    assert [] == told("2026-07-02")  # neither the line undone on that day nor the source of the later one
    assert [("resolved-launch-2026-07-02-2", f"of 2026-07-03, not in the update of {AS_OF}")] == told("2026-07-03")
    letter, test = root / "evidence/2026-05-20-hiring-stop.yaml", root / "evidence/2026-06-18-test-begun.yaml"
    letter.write_text(f"{letter.read_text('utf-8').rstrip()}\n  retracted: 2026-07-02\n", "utf-8")
    test.write_text(test.read_text("utf-8").replace("moderate", "strong"), "utf-8")
    assert [
        ("hiring-stop", f"retracted, and still counts in the update of {AS_OF}"),
        ("test-begun", f"edited since the update of {AS_OF}"),
    ] == told("2026-07-02")


def test_an_update_of_a_past_date_is_not_the_latest(updated: Path) -> None:
    """What is due is told from the update of the latest date, not from the one made last."""
    [line] = read_ledger(updated).updates
    append(updated, replace(line, as_of=date(2026, 3, 1), inputs={**line.inputs, "items": {}}))
    assert [] == [one for one in due(updated) if one[0] == "update"]


def test_judgement(tmp_path: Path) -> None:
    """One's own number is one more series of the question, once a day, and never evidence."""
    root = asking(example(tmp_path))

    def add(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["add", "judgement", *arguments, "-C", str(root), "--yes"])

    assert 0 == add("on-sale", "0.3", "--on", "2026-06-01", "--why", 'a "quoted", reason').exit_code
    assert 0 == add("on-sale", "0", "--on", "2026-06-02").exit_code
    workspace = load(root, TODAY)
    [question] = [one for one in workspace.questions if one.id == "on-sale"]
    [series] = [workspace.benchmarks[name] for name in question.benchmarks]
    assert [("judgement", 0.3), ("judgement", 0.0)] == [(who, p) for _, who, p in series.points]
    assert 1 == add("on-sale", "0.4", "--on", "2026-06-01").exit_code
    for arguments, said in ((("on-sal", "0.4"), "did you mean 'on-sale'"), (("on-sale", "40"), "is written 0.4")):
        result = add(*arguments)
        assert (2, True) == (result.exit_code, said in result.stderr)
    assert 2 == add("on-sale", "much").exit_code
