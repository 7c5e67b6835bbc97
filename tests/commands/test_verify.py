"""`forecast verify`: what became of everything that was ever written, on a real workspace."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from forecast import run_again
from forecast.commands.main import main
from forecast.ledger.entries import line_digest
from forecast.ledger.kept import keep_inputs, kept_inputs, seal
from forecast.ledger.ledger import LEDGER
from forecast.ledger.verified import Row
from forecast.session import Session
from forecast.workspace.files import JUDGEMENTS

AS_OF = "2026-07-01"  # of the first line
ITEM = """- id: {}
  reported: {}
  source: newspaper
  headline: A late report.
  bears_on:
  - {{event: success, support: slight, for: yes}}
"""


def encode(line: dict[str, Any]) -> str:
    """Write a line of a ledger, whatever it holds."""
    return json.dumps(line, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def _verified(root: Path, *more: str) -> dict[str, Any]:
    result = _run("verify", "-C", root, "--json", *more)
    assert result.exit_code in {0, 1}, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["whole"] is (result.exit_code == 0)
    return found


def _kinds(root: Path, *more: str) -> list[str]:
    return [one["kind"] for one in _verified(root, *more)["findings"]]


QUESTION = """- id: on-sale
  question: Can it be bought anywhere by the end of October?
  about: {event: launch, state: {at_least: limited}}
  by: 2026-10-31
  resolves: yes = the first sale has been made by then.
"""
JUDGED = "date,question,probability,why\n2026-07-01,on-sale,0.4,a feeling\n2026-07-02,on-sale,0.5,another\n"
RETRACTED = ITEM.format("wrong", "2026-07-02").replace("  headline", "  retracted: 2026-07-04\n  headline")


@pytest.fixture
def twice(updated: Path) -> Path:
    """The workspace after a second update, which one more report made necessary."""
    (updated / "evidence" / "late.yaml").write_text(ITEM.format("late", "2026-07-03") + RETRACTED, encoding="utf-8")
    (updated / "priors" / "questions.yaml").write_text(QUESTION, encoding="utf-8")
    (updated / "priors" / "judgements.csv").write_text(JUDGED, encoding="utf-8")
    result = _run("update", "-C", updated, "--as-of", "2026-07-05", "--no-report")
    assert 0 == result.exit_code, result.output
    return updated


def test_a_whole_workspace(twice: Path) -> None:
    """After updates nothing is found; the inputs that two updates share are kept once."""
    found = _verified(twice)
    n_files = sum(path.is_file() for folder in ("priors", "evidence") for path in (twice / folder).rglob("*"))
    assert ([], 2, 2, n_files + 2) == (found["findings"], found["lines"], found["copies"], found["contents"])
    text = _run("verify", "-C", twice)
    assert "ledger: 2 lines, 2 with a kept copy" in text.stdout
    assert "everything is as it was written" in text.stdout


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


CHANGES: dict[str, tuple[Callable[[Path], object], list[str], int]] = {
    "evidence edited": (lambda root: _edit(root / "evidence/late.yaml", "slight", "strong"), ["edited"], 1),
    "evidence gone": (lambda root: (root / "evidence/late.yaml").unlink(), ["missing file"] * 3, 1),
    "evidence no YAML": (lambda root: _edit(root / "evidence/late.yaml", "bears_on:", "bears_on: ["), ["edited"], 1),
    "a comment": (lambda root: _edit(root / "evidence/late.yaml", "- id", "# by hand\n- id"), ["not yet recorded"], 0),
    "a statement edited": (
        lambda root: _edit(sorted((root / "priors/statements").iterdir())[0], "probability: ", "probability: 0.0"),
        ["edited"],
        1,
    ),
    "a network edited": (lambda root: _edit(root / "priors/network.yaml", "title: ", "title: Other "), ["edited"], 1),
    "a ledger's byte": (lambda root: _edit(root / LEDGER, '"seed":2', '"seed":3'), ["changed"], 1),
    "a new file": (
        lambda root: (root / "evidence/later.yaml").write_text(ITEM.format("later", "2026-07-04"), encoding="utf-8"),
        ["not yet recorded"],
        0,
    ),
    "a new file with a mistake": (
        lambda root: (root / "evidence/later.yaml").write_text("- id: later\n", encoding="utf-8"),
        ["not yet recorded"],
        0,
    ),
    "a page edited": (
        lambda root: _edit(root / f"reports/{AS_OF}/forecast.json", '"probability": 0.', '"probability": 0.9'),
        ["other page"],
        1,
    ),
    "a page's interval": (
        lambda root: _edit(root / f"reports/{AS_OF}/forecast.json", '"0.95": 0.', '"0.95": 0.9'),
        ["other page"],
        1,
    ),
    "a page of a day without a line": (
        lambda root: _edit(
            shutil.copytree(root / f"reports/{AS_OF}", root / "reports/2026-06-01") / "forecast.json",
            '"probability": 0.',
            '"probability": 0.9',
        ),
        ["other page"],
        1,
    ),
    "a judgement edited": (lambda root: _edit(root / JUDGEMENTS, "0.4", "0.9"), ["rewritten"], 1),
    "a judgement's end": (lambda root: _edit(root / JUDGEMENTS, "another\n", "another way\n"), ["rewritten"], 1),
    "a judgement gone": (
        lambda root: _edit(root / JUDGEMENTS, "2026-07-02,on-sale,0.5,another\n", ""),
        ["rewritten"],
        1,
    ),
    "a judgement of another branch": (
        lambda root: _edit(root / JUDGEMENTS, "2026-07-02", "2026-07-03,on-sale,0.6,theirs\n2026-07-02"),
        [],
        0,
    ),
    "line ends of Windows": (
        lambda root: (root / JUDGEMENTS).write_bytes((root / JUDGEMENTS).read_bytes().replace(b"\n", b"\r\n")),
        [],
        0,
    ),
    "a question edited": (
        lambda root: _edit(root / "priors/questions.yaml", "{at_least: limited}", "general"),
        ["edited"],
        1,
    ),
    "a question's wording": (
        lambda root: _edit(root / "priors/questions.yaml", "Can it", "Could it"),
        ["not yet recorded"],
        0,
    ),
    "a retraction taken back": (
        lambda root: _edit(root / "evidence/late.yaml", "  retracted: 2026-07-04\n", ""),
        ["edited"],
        1,
    ),
    "a retraction of before": (
        lambda root: _edit(root / "evidence/late.yaml", "  headline", "  retracted: 2026-07-04\n  headline"),
        ["not yet recorded"],
        0,
    ),
    "a retraction of later": (
        lambda root: _edit(root / "evidence/late.yaml", "  headline", "  retracted: 2026-07-08\n  headline"),
        ["not yet recorded"],
        0,
    ),
    "news watched for shorter": (
        lambda root: _edit(root / "evidence/watch.yaml", "2026-06-30", "2026-06-20"),
        ["edited"],
        1,
    ),
    "news watched for longer": (
        lambda root: _edit(root / "evidence/watch.yaml", "2026-06-30", "2026-07-10"),
        ["not yet recorded"],
        0,
    ),
    "evidence in another file": (
        lambda root: (root / "evidence/late.yaml").rename(root / "evidence/later.yaml"),
        ["not yet recorded", "not yet recorded"],
        0,
    ),
    "a page as a quiet day left it": (lambda root: shutil.rmtree(root / f"reports/{AS_OF}"), [], 0),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_since(name: str, twice: Path) -> None:
    """Each change is called by its name, and only what is not as it was written decides the exit status."""
    change, expected, status = CHANGES[name]
    change(twice)
    result = _run("verify", "-C", twice, "--json")
    assert (expected, status) == ([one["kind"] for one in json.loads(result.stdout)["findings"]], result.exit_code)


def test_a_forecast_run_again(twice: Path) -> None:
    """A line's forecast comes out the same from its kept inputs, whatever the files are now; no file is written."""
    shutil.rmtree(twice / "reports/.cache")
    _edit(twice / "evidence/late.yaml", "slight", "strong")
    before = sorted(path.relative_to(twice).as_posix() for path in twice.rglob("*"))
    found = _verified(twice, "--recompute", "1")
    (run,) = found["recomputed"]
    assert (1, AS_OF, True, []) == (run["line"], run["as_of"], run["same"], run["unlike"])
    assert before == sorted(path.relative_to(twice).as_posix() for path in twice.rglob("*"))


def test_a_forged_line_is_found_by_running_it_again(updated: Path) -> None:
    """A line with another number, chained, copied and its page written anew, looks whole until it is run again."""
    (text,) = (updated / LEDGER).read_text(encoding="utf-8").splitlines()
    line = json.loads(text)
    line["scenarios"][0]["probability"] += 0.01
    shutil.rmtree(updated / "reports/kept/lines")
    shutil.rmtree(updated / f"reports/{AS_OF}")
    (updated / LEDGER).write_text(encode(line) + "\n", encoding="utf-8")
    seal(updated, [encode(line)])
    assert [] == _kinds(updated)
    assert ["other numbers"] == _kinds(updated, "--recompute")


def test_a_forged_width_is_found_too(updated: Path) -> None:
    """A line whose interval is narrower than its forecast's comes out otherwise when it is run again."""
    line = json.loads((updated / LEDGER).read_text(encoding="utf-8"))
    line["scenarios"][0]["quantiles"][0] += 0.01
    shutil.rmtree(updated / "reports/kept/lines")
    shutil.rmtree(updated / f"reports/{AS_OF}")
    (updated / LEDGER).write_text(encode(line) + "\n", encoding="utf-8")
    seal(updated, [encode(line)])
    (finding,) = _verified(updated, "--recompute")["findings"]
    assert ("other numbers", True) == (finding["kind"], "but not its quantiles of" in finding["what"])


def test_a_line_that_names_other_inputs(updated: Path) -> None:
    """A line whose kept inputs are not those that its digests tell is found when it is run again."""
    line = json.loads((updated / LEDGER).read_text(encoding="utf-8"))
    contents = kept_inputs(updated, line["kept"])
    place = "priors/statements/outside.yaml"
    contents[place] = contents[place].replace(b"happened: 7", b"happened: 8", 1)
    line["kept"] = keep_inputs(updated, contents)
    shutil.rmtree(updated / "reports/kept/lines")
    (updated / LEDGER).write_text(encode(line) + "\n", encoding="utf-8")
    seal(updated, [encode(line)])
    assert "other inputs" in _kinds(updated, "--recompute")


def _forged(line: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    change(line)
    return line


def _shift(line: dict[str, Any], by: float) -> dict[str, Any]:
    line["scenarios"][1]["probability"] += by
    line["scenarios"][2]["probability"] -= by
    return line


def _excuse(line: dict[str, Any]) -> None:
    _shift(line, 0.1)
    line["environment"]["processor"] = "a loom"
    for row in line["scenarios"]:
        row["mcse"] = 1.0


EXCUSES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "large errors on another machine": (_excuse, "other numbers: run again from its inputs, it gives others"),
    "another interval of another version": (
        lambda line: [_shift(line, 1e-4), line.update(version="0.1"), line["scenarios"][1].update(quantiles=[0.2] * 5)],
        "other numbers: its probabilities come out alike when it is run again, but not its quantiles of on_the_market",
    ),
    "an error of another version": (
        lambda line: (_shift(line, 1e-4), line.update(version="0.1.9"), line["scenarios"][1].update(mcse=1e-4)),
        "but not its mcse of on_the_market",
    ),
    "no errors": (lambda line: line["scenarios"][1].pop("mcse"), "but not its mcse of on_the_market"),
    "no diagnostics": (lambda line: line.update(diagnostics={}), "but not its divergences, "),
    "a key more": (lambda line: line.update(prize="first"), "but not its prize"),
    "another horizon": (lambda line: line.update(horizon="2027-12-31"), "other inputs: its kept inputs are not"),
    "another item of another version": (
        lambda line: (line.update(version="0.1.9"), line["inputs"]["items"].update(more="0" * 16)),
        "they differ in items",
    ),
    "other scenarios": (lambda line: line["scenarios"][1].update(id="sold"), "it has other scenarios"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXCUSES)
def test_no_line_excuses_itself(name: str, updated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a line says of its version, machine and errors lets no other number pass; nothing lacks or is more."""
    change, told = EXCUSES[name]
    line = _forged(json.loads((updated / LEDGER).read_text(encoding="utf-8")), change)
    row = Row(1, encode(line).encode(), "", line)
    monkeypatch.setattr(Session, "cache", updated / "reports/.cache")  # samples nothing
    _, findings = run_again.recompute(updated, date(2026, 7, 1), [row], 1, lambda _what: None)
    assert told in "\n".join(map(str, findings))
    _, findings = run_again.recompute(updated, date(2026, 7, 1), [_honest(updated)], 1, lambda _what: None)
    assert [] == findings


def _honest(root: Path) -> Row:
    text = (root / LEDGER).read_bytes().rstrip(b"\n")
    return Row(1, text, "", json.loads(text))


@pytest.mark.parametrize("seed", [-1, 2**31, 10**30])
def test_a_seed_of_no_update(seed: int, updated: Path) -> None:
    """A line with a seed that no update takes is not run again, and no traceback says so."""
    line = json.loads((updated / LEDGER).read_text(encoding="utf-8")) | {"seed": seed}
    (updated / LEDGER).write_text(encode(line) + "\n", encoding="utf-8")
    result = _run("verify", "-C", updated, "--recompute")
    assert (2, True) == (result.exit_code, "line 1: no update takes its seed" in " ".join(result.stderr.split()))


def test_an_edit_does_not_vanish_with_the_next_update(twice: Path) -> None:
    """What was edited between two updates is told for good; a row of judgements that went away is wrong for good."""
    _edit(twice / "evidence/late.yaml", "slight", "strong")
    _run("update", "-C", twice, "--as-of", "2026-07-06", "--no-report")
    (finding,) = _verified(twice)["findings"]
    assert ("edited before", True) == (
        finding["kind"],
        "between lines 2 and 3 was changed: item 'late'" in finding["what"],
    )
    _edit(twice / JUDGEMENTS, "0.4", "0.9")
    (twice / "evidence" / "more.yaml").write_text(ITEM.format("more", "2026-07-06"), encoding="utf-8")
    _run("update", "-C", twice, "--as-of", "2026-07-07", "--no-report")
    assert {"edited before", "rewritten"} == set(_kinds(twice))


def test_two_branches(twice: Path, tmp_path: Path) -> None:
    """Behind a merge the files are held against the last updates of both branches; either one's network is right."""
    other = shutil.copytree(twice, tmp_path / "other")
    for root, name in ((twice, "here"), (other, "there")):
        (root / "evidence" / f"{name}.yaml").write_text(ITEM.format(name, "2026-07-06"), encoding="utf-8")
    _edit(twice / "priors/network.yaml", "title: ", "title: Another ")
    for root, day in ((twice, "2026-07-08"), (other, "2026-07-07")):
        result = _run("update", "-C", root, "--as-of", day, "--no-report")
        assert 0 == result.exit_code, result.output
    shutil.copy(other / "evidence/there.yaml", twice / "evidence")
    shutil.copytree(other / "reports/kept", twice / "reports/kept", dirs_exist_ok=True)
    last = (other / LEDGER).read_text(encoding="utf-8").splitlines()[-1]
    with (twice / LEDGER).open("a", encoding="utf-8") as file:
        file.write(f"{last}\n")
    assert ["fork"] == _kinds(twice)
    assert 0 == _run("merge", "-C", twice).exit_code
    assert [] == _kinds(twice)
    _edit(twice / "evidence/here.yaml", "slight", "strong")
    assert ["edited"] == _kinds(twice)


def test_another_version_and_processor_are_notes(updated: Path) -> None:
    """Lines of another version, or of another kind of machine, are noted; that is nothing wrong."""
    line = json.loads((updated / LEDGER).read_text(encoding="utf-8"))
    line |= {"version": "0.0.9", "environment": {**line["environment"], "processor": "a loom"}}
    shutil.rmtree(updated / "reports/kept/lines")
    (updated / LEDGER).write_text(encode(line) + "\n", encoding="utf-8")
    seal(updated, [encode(line)])
    found = _verified(updated)
    assert [("other processor", True), ("other version", True)] == [
        (one["kind"], one["note"]) for one in found["findings"]
    ]
    assert "line 1 by forecast 0.0.9" in found["findings"][1]["what"]


def test_what_was_only_renamed_was_not_edited(twice: Path) -> None:
    """After a rename the last line's records are still what they were, and its forecast comes out the same."""
    renamed = _run("rename", "event", "success", "sold", "-C", twice, "--yes")
    assert 0 == renamed.exit_code, renamed.output
    assert {"not yet recorded"} == set(_kinds(twice))
    shown = _run("show", "-C", twice, "--line", "2", "--json")
    assert 0 == shown.exit_code, shown.output


def test_a_past_forecast_is_shown(twice: Path) -> None:
    """`show --line` prints a past forecast as it was, whatever the files and the folders of reports are now."""
    first = json.loads((twice / f"reports/{AS_OF}/forecast.json").read_text(encoding="utf-8"))
    shutil.rmtree(twice / f"reports/{AS_OF}")
    _edit(twice / "priors/statements/outside.yaml", "happened: 7", "happened: 8")
    (twice / "evidence" / "2026-06-18-test-begun.yaml").unlink()
    shown = _run("show", "-C", twice, "--line", "1", "--json")
    assert 0 == shown.exit_code, shown.output
    told = json.loads(shown.stdout)
    assert [first[key] for key in ("scenarios", "events")] == [told[key] for key in ("scenarios", "events")]
    refused = _run("show", "-C", twice, "--line", "3")
    assert (1, True) == (refused.exit_code, "no forecast is on line 3; the ledger has lines 1 to 2" in refused.stderr)


def test_a_past_report_is_drawn(twice: Path) -> None:
    """`report` draws a past forecast from kept inputs; `--line` into a folder of its own, and all else stays."""
    _edit(twice / "priors/statements/outside.yaml", "happened: 7", "happened: 8")
    before = (twice / LEDGER).read_bytes()
    drawn = _run("report", "-C", twice, "--line", "1")
    assert 0 == drawn.exit_code, drawn.output
    page = twice / "reports/line-1/report.html"
    assert f"written: {page}" in drawn.stdout
    told = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))
    line = json.loads(before.splitlines()[0])
    rows = {row["id"]: row["probability"] for row in line["scenarios"]}
    assert rows == {row["id"]: row["probability"] for row in told["scenarios"]}
    assert not (twice / f"reports/{AS_OF}/report.html").exists()
    brief = _run("report", "-C", twice, AS_OF, "--format", "md")
    assert 0 == brief.exit_code, brief.output
    assert before == (twice / LEDGER).read_bytes()


def _git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.email=a@example.org", "-c", "user.name=a"]
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_history_of_the_repository(twice: Path) -> None:
    """A ledger that was chained anew with all that is kept differs from what was committed, at the line."""
    rows = (twice / LEDGER).read_text(encoding="utf-8").splitlines()
    _git(twice, "init", "-q")
    (twice / LEDGER).write_text(f"{rows[0]}\n", encoding="utf-8")
    _git(twice, "add", "-f", LEDGER)
    _git(twice, "commit", "-qm", "one")
    (twice / LEDGER).write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    _git(twice, "commit", "-qam", "two")
    assert 2 == _verified(twice, "--since", "HEAD~1")["commits"]
    forged = json.loads(rows[1])
    forged["scenarios"][0]["probability"] += 0.01
    shutil.rmtree(twice / "reports/kept/lines")
    shutil.rmtree(twice / "reports/2026-07-05")
    (twice / LEDGER).write_text(f"{rows[0]}\n{encode(forged)}\n", encoding="utf-8")
    seal(twice, [rows[0], encode(forged)])
    assert line_digest(rows[0]) == forged["previous"]
    assert [] == _kinds(twice)
    assert {"not in history", "not committed"} == set(_kinds(twice, "--since", "HEAD~1"))
    assert {"not in history", "not committed"} == set(_kinds(twice, "--since", "HEAD"))


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_merge_that_drops_a_branch(twice: Path) -> None:
    """Lines of a branch are in the history although the merge threw them away; so is what `git replace` hides."""
    rows = (twice / LEDGER).read_bytes().splitlines(keepends=True)
    _git(twice, "init", "-q", "-b", "main")
    (twice / LEDGER).write_bytes(rows[0].replace(b"\n", b"\r\n"))  # a checkout of Windows is no other line
    _git(twice, "add", "-f", LEDGER)
    _git(twice, "commit", "-qm", "one")
    _git(twice, "checkout", "-qb", "side")
    (twice / LEDGER).write_bytes(b"".join(rows))
    _git(twice, "commit", "-qam", "two")
    _git(twice, "checkout", "-q", "main")
    _git(twice, "commit", "-q", "--allow-empty", "-m", "three")
    _git(twice, "merge", "-q", "-s", "ours", "side", "-m", "four")
    shutil.rmtree(twice / "reports/kept/lines")
    (twice / LEDGER).write_bytes(rows[0])
    assert "not in history" in _kinds(twice, "--since", "HEAD~2")
    _git(twice, "replace", "side", "HEAD~2")
    assert "not in history" in _kinds(twice, "--since", "side")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_ledger_that_was_never_committed(twice: Path) -> None:
    """Where no commit has the ledger, its history says nothing, and that is said."""
    _git(twice, "init", "-q")
    _git(twice, "commit", "-q", "--allow-empty", "-m", "nothing")
    (finding,) = _verified(twice, "--since", "HEAD")["findings"]
    assert ("not committed", True) == (finding["kind"], finding["what"].startswith("2 lines are in none of 1 commits"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--recompute", "7"], "no line 7; the ledger has lines 1 to 1"),
        (["--recompute", "soon"], "'soon' names no line; write its number, latest, or all"),
        (["--since", "nowhere"], "git: "),
        (["--since", "--all"], "git: "),
    ],
)
def test_mistakes(arguments: list[str], told: str, updated: Path) -> None:
    """A line or a revision that is not there is wrong usage, said in one line."""
    result = _run("verify", "-C", updated, *arguments)
    assert 2 == result.exit_code
    assert told in " ".join(result.stderr.split())


def test_an_empty_workspace(fresh: Path) -> None:
    """Where nothing was ever written, nothing is found, and nothing can be run again."""
    assert [] == _kinds(fresh)
    assert 2 == _run("verify", "-C", fresh, "--recompute").exit_code
