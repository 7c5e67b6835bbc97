"""`forecast rename`: one step for all files, the forecast as it was, and lines of the past under the new name."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from forecast import files
from forecast.commands.main import main
from forecast.files import finish, replace_file, replace_together
from forecast.ledger.ledger import read_ledger
from forecast.ledger.line import active_inputs, called_today
from forecast.workspace.files import UNFINISHED
from forecast.workspace.mentions import Named
from forecast.workspace.problems import WorkspaceProblems
from forecast.workspace.read import load
from forecast.workspace.records import Workspace
from forecast.workspace.schemas import FOLDER
from tests import ledgers
from tests.commands.conftest import AS_OF
from tests.workspace.renaming import names_of, renamed, rich
from tests.workspace.writing import example, read
from tests.workspace.writing import replace as replace_text

LINES = "priors/renames.jsonl"
QUESTIONS = """\
- id: shown-by-june
  question: Is the prototype presented in public by the end of June?
  about: {event: prototype, state: {at_least: shown}}
  by: 2026-06-30
  resolves: yes = a presentation.
"""
RESOLVED = ("resolve", "shown-by-june", "yes", "--on", "2026-03-02", "--known", "2026-07-01", "--source", "x", "--yes")


def run(root: Path, *arguments: str, said: str = "") -> Result:
    """Run a command in a workspace."""
    return CliRunner().invoke(main, [*arguments, "-C", str(root)], input=said)


def rename(root: Path, *names: str) -> Result:
    """Rename without being asked; it must be done."""
    result = run(root, "rename", *names, "--yes")
    assert 0 == result.exit_code, result.output
    return result


def contents(root: Path) -> dict[str, bytes]:
    """The bytes of every file but the lock."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def now(root: Path) -> Workspace:
    """What the files say today, as the commands read them."""
    return load(root, datetime.now(UTC).date())


def resolved(folder: Path) -> Path:
    """The example with a question that is resolved and then called otherwise in the YAML alone."""
    root = example(folder)
    (root / "priors/questions.yaml").write_text(QUESTIONS)
    assert 0 == run(root, *RESOLVED).exit_code
    replace_text(root, "priors/questions.yaml", "shown-by-june", "presented-by-june")
    assert "unknown question 'shown-by-june'" in run(root, "check").output
    return root


def test_a_renamed_question_is_found_again(tmp_path: Path) -> None:
    """Renamed by hand after it was resolved, it is resolved again as soon as the line says so."""
    root = resolved(tmp_path)
    result = rename(root, "shown-by-june", "presented-by-june")
    assert "no file names question 'shown-by-june' any more" in result.output
    assert "unknown" not in run(root, "check").output
    assert [("presented-by-june", "yes")] == [(one.subject, one.state) for one in now(root).resolutions]
    rename(root, "presented-by-june", "on-show")
    assert [("on-show", "yes")] == [(one.subject, one.state) for one in now(root).resolutions]


@pytest.mark.parametrize("after_rename", [False, True])
def test_undo_works_by_the_old_name(tmp_path: Path, *, after_rename: bool) -> None:
    """What was resolved under a name that is gone ends by --undo of that name, renamed or not."""
    root = resolved(tmp_path)
    if after_rename:
        rename(root, "shown-by-june", "presented-by-june")
    assert 0 == run(root, "resolve", "shown-by-june", "--undo", "--yes").exit_code
    workspace = now(root)
    assert [] == [one for one in workspace.resolutions if one.undone is None]
    assert "unknown" not in run(root, "check").output


def test_nothing_is_written_before_it_is_wanted(tmp_path: Path) -> None:
    """The preview shows the lines that change, and a no leaves every byte."""
    root = rich(tmp_path)
    before = contents(root)
    result = run(root, "rename", "launch=general", "everywhere", said="n\n")
    assert "- {event: launch, likelihood: {none: 0.5, limited: 0.3, general: 0.2}}" in result.output
    assert "state 'general' of event 'launch' is called 'everywhere' in" in result.output
    assert result.output.endswith("nothing written\n")
    assert before == contents(root)


def test_json_says_what_is_written(tmp_path: Path) -> None:
    """--json names each file with its places and lines, and the line that is added, which fits its schema."""
    root = rich(tmp_path)
    told = json.loads(run(root, "rename", "event", "launch", "start", "--yes", "--json").stdout)
    line = json.loads((root / LINES).read_text(encoding="utf-8"))
    assert (True, line) == (told["written"], told["line"])
    assert {"priors/judgements.csv": 3, "priors/resolutions.jsonl": 4} == line["lines"]
    schema = json.loads((FOLDER / "renames.json").read_text(encoding="utf-8"))
    assert [] == list(Draft202012Validator(schema).iter_errors(line))
    changed = {path for path, content in contents(root).items() if b"start" in content}
    assert changed - {LINES} == {file["path"] for file in told["files"]}


@pytest.mark.parametrize(
    "names", [("launch",), ("a", "b", "c", "d"), ("evnt", "launch", "start"), ("launch", "launch")]
)
def test_wrong_usage(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Too few names, too many, a kind that is none, and the same name twice are wrong usage, told in one line."""
    result = run(example(tmp_path), "rename", *names)
    assert (2, 1) == (result.exit_code, result.output.count("Error: "))


# --- one step ----------------------------------------------------------------------------------------------------


class _Killed(BaseException):
    """The process ends here."""


def failing(monkeypatch: pytest.MonkeyPatch, at: int, error: type[BaseException]) -> None:
    """Let the write of a number, and only that one, fail before it does anything."""
    write, count = replace_file, iter(range(10_000))

    def fails(path: Path, content: Any) -> None:
        if next(count) == at:
            raise error("here")
        write(path, content)

    monkeypatch.setattr(files, "replace_file", fails)


WRITES = 11  # of this rename: the plan, nine files that name the event, the line


def test_a_rename_that_was_killed_is_finished_by_the_same_command(tmp_path: Path) -> None:
    """Killed before any of its writes, nothing was done, or the workspace says what finishes it, and that does."""
    start = rich(tmp_path / "start")
    whole = shutil.copytree(start, tmp_path / "whole")
    rename(whole, "launch", "start")
    for at in range(WRITES + 1):
        root = shutil.copytree(start, tmp_path / f"killed-{at}")
        with pytest.MonkeyPatch.context() as patch:
            failing(patch, at, _Killed)
            with suppress(_Killed):
                run(root, "rename", "launch", "start", "--yes")
        if (root / UNFINISHED).exists():
            said = run(root, "check")
            assert 1 == said.exit_code
            assert [f"{UNFINISHED}:1"] == [line.split(": ")[0] for line in said.stdout.splitlines()]
            assert "this finishes it: forecast rename launch start" in said.output
        else:
            assert (contents(start) if at == 0 else contents(whole)) == contents(root)
        result = rename(root, "launch", "start") if at <= WRITES - 1 else None
        assert contents(whole) == contents(root), at
        assert result is None or ("finished, as it was interrupted" in result.output) == (at > 0)


def test_where_a_write_fails_everything_is_as_it_was(tmp_path: Path) -> None:
    """A full disk at any of the writes leaves every file as it was, and nothing to finish."""
    start = rich(tmp_path / "start")
    for at in range(WRITES):
        root = shutil.copytree(start, tmp_path / f"full-{at}")
        with pytest.MonkeyPatch.context() as patch:
            failing(patch, at, OSError)
            result = run(root, "rename", "launch", "start", "--yes")
        assert (True, contents(start)) == (result.exit_code != 0, contents(root))


def test_a_file_that_somebody_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """What is neither the old content nor the new one is named, and every file stays as it is."""
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("1")
    with pytest.MonkeyPatch.context() as patch:
        failing(patch, 2, _Killed)
        with pytest.raises(_Killed):
            replace_together(tmp_path, {"a": b"2", "b": b"2"}, "forecast rename x y")
    (tmp_path / "b").write_text("mine")
    with pytest.raises(WorkspaceProblems, match=r"b:1: .*somebody has changed the file since"):
        finish(tmp_path)
    assert ("2", "mine") == ((tmp_path / "a").read_text(), (tmp_path / "b").read_text())


# --- the ledger --------------------------------------------------------------------------------------------------


def test_a_rename_is_no_edit(tmp_path: Path) -> None:
    """Whatever is renamed, a line of before has under the names of today the inputs that the files have."""
    start = rich(tmp_path / "start")
    before, day = read(start), date(2026, 10, 1)
    shares = [{"id": one.id, "probability": 0.2, "quantiles": [0.1, 0.2, 0.3]} for one in before.scenarios]
    line = ledgers.update(day.isoformat(), inputs=active_inputs(before, day), scenarios=shares)
    ledger = ledgers.ledger(line)
    for number, target in enumerate(sorted(names_of(before), key=str)):
        root = shutil.copytree(start, tmp_path / str(number))
        after = renamed(root, target, "another_name").workspace
        assert after is not None
        after = replace(after, renames=replace(after.renames, made=tuple(map(_before_any, after.renames.made))))
        (told,) = called_today(ledger, after).updates
        assert (target, active_inputs(after, day)) == (target, told.inputs)
        assert [one.id for one in after.scenarios] == [share.id for share in told.scenarios]
        shutil.rmtree(root)


def _before_any(one: Any) -> Any:
    """A rename that was made when the ledger had its line."""
    return replace(one, lines={"reports/ledger.jsonl": 1})


def test_what_was_edited_is_told_beside_a_rename(tmp_path: Path) -> None:
    """An item that was edited and whose event was renamed is edited; the others are not."""
    root = rich(tmp_path)
    before, day = read(root), date(2026, 10, 1)
    ledger = ledgers.ledger(ledgers.update(day.isoformat(), inputs=active_inputs(before, day)))
    renamed(root, Named("event", "launch"), "start")
    replace_text(root, "evidence/more.yaml", "limited: 0.3, general: 0.2", "limited: 0.4, general: 0.2")
    after = read(root)
    after = replace(after, renames=replace(after.renames, made=tuple(map(_before_any, after.renames.made))))
    (told,) = called_today(ledger, after).updates
    now = active_inputs(after, day)
    assert ["first"] == [name for name, digest in now["items"].items() if told.inputs["items"][name] != digest]


def forecast_of(root: Path) -> dict[str, Any]:
    """The numbers of the forecast on disk."""
    found: dict[str, Any] = json.loads((root / f"reports/{AS_OF}/forecast.json").read_text(encoding="utf-8"))
    return found


def probabilities(table: dict[str, Any]) -> list[float]:
    """Of every scenario and state, in the order of the files."""
    states = [row for event in table["events"] for row in event["states"]]
    return [row["probability"] for row in [*table["scenarios"], *states]]


def test_the_forecast_is_the_same_to_the_last_digit(updated: Path) -> None:
    """Event, state, scenario and item by other names: no number changes, nothing is new, and nothing is drawn."""
    before = probabilities(forecast_of(updated))
    names = (("launch", "a_start"), ("a_start=general", "everywhere"), ("breakthrough", "win"), ("hiring-stop", "zz"))
    for old, new in names:
        rename(updated, old, new)
    result = run(updated, "update", "--as-of", AS_OF, "--no-report")
    assert (0, True, False) == (result.exit_code, "nothing new" in result.output, "sampling" in result.output)
    assert before == probabilities(forecast_of(updated))
    assert 1 == len(read_ledger(updated).updates)
    due = run(updated, "due", "--as-of", AS_OF).output
    assert ("not in the update" in due, "edited" in due, "not as in" in due) == (False, False, False)
    (row,) = json.loads(run(updated, "log", "--json").stdout)
    assert "win" in [scenario["id"] for scenario in row["scenarios"]]


def test_a_scenario_by_another_name_has_its_change(updated: Path) -> None:
    """After a rename the next update is compared with the one before as if it had the names of today."""
    rename(updated, "breakthrough", "win")
    rename(updated, "launch", "start")
    item = "{id: new, reported: 2026-07-10, source: forum, headline: x, bears_on: [{event: start, claims: limited}]}"
    (updated / "evidence/new.yaml").write_text(f"- {item}\n")
    result = run(updated, "update", "--as-of", "2026-07-12", "--no-report")
    assert 0 == result.exit_code, result.output
    (_, row) = json.loads(run(updated, "log", "--json").stdout)
    assert (1, ["new"], {}) == (row["compared_with"], row["inputs"]["new"]["items"], row["inputs"]["edited"])
    changes = {scenario["id"]: scenario["change"] for scenario in row["scenarios"]}
    assert [] == [name for name, change in changes.items() if change is None]
    table = json.loads(run(updated, "diff", "--json").stdout)
    assert [] == table["inputs"]["changed"] or ["time without news"] == table["inputs"]["changed"]
    moved = {row["id"]: row["change"] for row in table["scenarios"]}
    assert changes == pytest.approx(moved, abs=1e-12)
    assert [] == [event["id"] for event in table["events"] if event["recomputed"]]


def test_another_order_of_experts_is_said(updated: Path) -> None:
    """Draws are made in the order of the experts' ids: a rename that changes it says so, as does the next update."""
    before = forecast_of(updated)
    assert "the order of the experts changes" in rename(updated, "market_analyst", "zz").output
    result = run(updated, "update", "--as-of", AS_OF, "--no-report")
    assert "names that were changed since, whose order decides the draws" in " ".join(result.output.split())
    after = forecast_of(updated)
    pairs = zip(before["scenarios"], after["scenarios"], strict=True)
    assert [] == [old["id"] for old, new in pairs if abs(old["probability"] - new["probability"]) > 5 * old["mcse"]]
