"""Two people update on two branches, git merges them, and the ledger goes on: with real git, in every way it can go."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.ledger.entries import Merge
from forecast.ledger.ledger import LEDGER, read_ledger
from forecast.ledger.verified import verified_chain
from tests.commands.conftest import AS_OF
from tests.workspace.writing import example

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

ROOT = Path(__file__).parents[2]
HERE, THERE, AFTER = "2026-07-02", "2026-07-03", "2026-07-04"
DRIVER = f'"{sys.executable}" -m forecast merge --driver %O %A %B'
FORKED = "warning: the ledger is forked: 2 branches were put into one file"
ALONE = {
    **os.environ,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "PYTHONPATH": str(ROOT),
}


def _git(root: Path, *arguments: str, status: int = 0) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, env=ALONE, capture_output=True, text=True, check=False)
    assert status == done.returncode, done.stdout + done.stderr
    return done.stdout


def _run(root: Path, command: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, [command, "-C", str(root), *arguments])


def _report(root: Path, name: str, day: str) -> None:
    text = (
        f"- id: {name}\n  reported: {day}\n  source: newspaper\n  headline: Report {name}.\n"
        "  bears_on:\n  - {event: success, support: slight, for: yes}\n"
    )
    (root / "evidence" / f"{day}-{name}.yaml").write_text(text, encoding="utf-8")


def _commit(root: Path, what: str) -> None:
    _git(root, "add", "-A")
    _git(root, "commit", "-qm", what)


@pytest.fixture
def branches(updated: Path) -> Path:
    """A repository with an update on its branch `one`, checked out, and another one on its branch `two`."""
    _git(updated, "init", "-q", "-b", "one")
    _commit(updated, "base")
    for branch, name, day in (("two", "there", THERE), ("one", "here", HERE)):
        _git(updated, "checkout", "-q", *(["-b", branch] if branch == "two" else [branch]))
        _report(updated, name, day)
        assert 0 == _run(updated, "update", "--as-of", day, "--no-report").exit_code
        _commit(updated, branch)
    return updated


def _sides(root: Path) -> list[str]:
    """Return the lines of the ledger on both branches, those of `one` first, each once."""
    lines = [line for side in ("one", "two") for line in _git(root, "show", f"{side}:{LEDGER}").splitlines()]
    return list(dict.fromkeys(lines))


def _is_joined(root: Path, expected: list[str]) -> None:
    """Check that every line of before is there and joined, and that an update goes on from the latest one."""
    ledger = read_ledger(root)
    assert expected == list(ledger.texts[:3])
    assert ([True], None) == ([isinstance(entry, Merge) for entry in ledger.entries[3:]], ledger.fork)
    assert "nothing to join: the ledger is of one branch\n" == _run(root, "merge").stdout
    assert [] == [one for one in verified_chain(root).findings if not one.is_note]
    done = _run(root, "update", "--as-of", AFTER, "--no-report")
    assert (0, False) == (done.exit_code, FORKED in done.stderr), done.output
    after = read_ledger(root)
    assert [AS_OF, HERE, THERE, AFTER] == [line.as_of.isoformat() for line in after.updates]
    assert (ledger.last, {"here", "there"}) == (
        after.updates[-1].previous,
        {"here", "there"} & set(after.updates[-1].inputs["items"]),
    )
    assert THERE == _compared_with(root)
    assert () == verified_chain(root).findings


def _compared_with(root: Path) -> str:
    table = json.loads((root / "reports" / AFTER / "forecast.json").read_text(encoding="utf-8"))
    return str(table["compared_with"])


def test_a_union_merge_is_a_fork_and_work_goes_on(branches: Path) -> None:
    """After git's union merge every command goes on with one warning, and `forecast merge` joins the branches."""
    expected = _sides(branches)
    (branches / ".git/info/attributes").write_text(f"{LEDGER} merge=union\n", encoding="utf-8")
    _git(branches, "merge", "-q", "two", "-m", "merged")
    assert expected == list(read_ledger(branches).texts)
    checked = _run(branches, "check")
    assert (0, 1) == (checked.exit_code, checked.stdout.count(FORKED)), checked.output
    assert "run `forecast merge`" in checked.stdout
    for command, *arguments in (("show",), ("log",), ("due",), ("diff",), ("update", "--as-of", AFTER, "--dry-run")):
        found = _run(branches, command, *arguments)
        assert (0, 1) == (found.exit_code, found.stderr.count(FORKED)), (command, found.output)
        assert FORKED not in found.stdout
    # The files are those of both branches, the last line's forecast is drawn from what was kept of its own.
    report = _run(branches, "report", "--format", "md")
    assert (0, 1) == (report.exit_code, report.stderr.count(FORKED)), report.output
    joined = _run(branches, "merge")
    assert (0, "joined two branches: 1 line from here, 1 from there; nothing else changed\n") == (
        joined.exit_code,
        joined.stdout,
    )
    _is_joined(branches, expected)


def test_an_update_of_a_fork(branches: Path) -> None:
    """An update before the join comes after the last line of the file, and is joined with the other branch later."""
    (branches / ".git/info/attributes").write_text(f"{LEDGER} merge=union\n", encoding="utf-8")
    _git(branches, "merge", "-q", "two", "-m", "merged")
    done = _run(branches, "update", "--as-of", AFTER, "--no-report")
    assert (0, 1) == (done.exit_code, done.stderr.count(FORKED)), done.output
    ledger = read_ledger(branches)
    assert ledger.digests[2] == ledger.updates[-1].previous
    assert 0 == _run(branches, "merge").exit_code
    assert None is read_ledger(branches).fork
    assert ledger.texts == read_ledger(branches).texts[:4]


@pytest.mark.parametrize("style", ["merge", "diff3"])
def test_conflict_markers_are_solved(branches: Path, style: str) -> None:
    """A ledger in conflict, as a clone without the driver finds it, is named, joined, and git finishes the merge."""
    expected = _sides(branches)
    _git(branches, "config", "merge.conflictStyle", style)
    _git(branches, "merge", "-q", "two", "-m", "merged", status=1)
    assert [f"UU {LEDGER}"] == [row for row in _git(branches, "status", "--porcelain").splitlines() if row[:2] == "UU"]
    checked = _run(branches, "check")
    assert (1, True) == (checked.exit_code, "run `forecast merge`, which takes the lines of both" in checked.stdout)
    joined = _run(branches, "merge")
    assert 0 == joined.exit_code
    told = "joined two branches: 1 line from here, 1 from there; nothing else changed"
    assert [
        f"took the lines of both sides out of the conflict markers; {told}",
        f"next: git add {LEDGER}, and finish the merge with git",
    ] == joined.stdout.splitlines()
    _commit(branches, "merged")
    _is_joined(branches, expected)


def test_the_driver_of_git(branches: Path) -> None:
    """With the driver installed git's merge is all there is to do: the ledger is joined in the merge itself."""
    expected = _sides(branches)
    _git(branches, "config", "merge.forecast.driver", DRIVER)
    _git(branches, "merge", "-q", "two", "-m", "merged")
    assert "" == _git(branches, "status", "--porcelain")
    assert "0 errors" in (checked := _run(branches, "check")).stderr
    assert FORKED not in checked.stdout
    _is_joined(branches, expected)


def test_the_driver_and_a_rebase(branches: Path) -> None:
    """A rebase gives the driver one commit after the other; every line is there, and joined."""
    expected = _sides(branches)
    _git(branches, "config", "merge.forecast.driver", DRIVER)
    _git(branches, "rebase", "-q", "two")
    ledger = read_ledger(branches)
    assert (sorted(expected), None) == (sorted(ledger.texts[:3]), ledger.fork)


def test_the_driver_refuses_what_is_no_ledger(branches: Path) -> None:
    """Where a line of a branch was changed the merge is a conflict, and the message says where."""
    _git(branches, "checkout", "-q", "two")
    place = branches / LEDGER
    place.write_text(place.read_text(encoding="utf-8").replace('"seed":20250806', '"seed":1', 1), encoding="utf-8")
    _commit(branches, "improved in hindsight")
    _git(branches, "checkout", "-q", "one")
    _git(branches, "config", "merge.forecast.driver", DRIVER)
    before = place.read_bytes()
    _git(branches, "merge", "-q", "two", "-m", "merged", status=1)
    assert f"UU {LEDGER}" in _git(branches, "status", "--porcelain")
    assert before == place.read_bytes()
    sides = branches / "ours", branches / "theirs"
    for path, stage in zip(sides, (2, 3), strict=True):
        path.write_text(_git(branches, "show", f":{stage}:{LEDGER}"), encoding="utf-8")
    refused = _run(branches, "merge", "--driver", *map(str, (sides[0], *sides)))
    assert (1, f"{LEDGER} there:2: the ledger's chain is broken: a line before was changed or removed") == (
        refused.exit_code,
        refused.stderr.partition(";")[0],
    )


def test_what_a_new_workspace_leaves_to_git(tmp_path: Path) -> None:
    """What `forecast init` writes keeps reports, caches and the lock out of git, and the ledger and kept inputs in."""
    root = tmp_path / "w"
    assert 0 == CliRunner().invoke(main, ["init", str(root)]).exit_code
    _git(root, "init", "-q")
    places = {
        "reports/ledger.jsonl": False,
        "reports/kept/ab/cd": False,
        "reports/replay.jsonl": False,
        "reports/.cache/x": True,
        "reports/.lock": True,
        "reports/index.html": True,
        "reports/2026-07-01/forecast.json": True,
    }
    for path in places:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    ignored = _git(root, "status", "--porcelain", "--ignored", "-uall").splitlines()
    found = {path: any(f"!! {path}".startswith(row) for row in ignored) for path in places}
    assert places == found
    merged = {LEDGER: "forecast", "priors/resolutions.jsonl": "union", "priors/judgements.csv": "union"}
    assert merged == {path: _git(root, "check-attr", "merge", path).split(": ")[-1].strip() for path in merged}
    assert merged == {path: _git(ROOT, "check-attr", "merge", path).split(": ")[-1].strip() for path in merged}
    assert DRIVER.partition(" -m ")[2] in (root / "README.md").read_text(encoding="utf-8")


def test_without_a_ledger_there_is_nothing_to_join(tmp_path: Path) -> None:
    """It says so, ends with 0, and leaves the folder as it is."""
    done = _run(tmp_path, "merge")
    assert (0, f"nothing to join: there is no {LEDGER} yet\n") == (done.exit_code, done.stdout)
    assert [] == list(tmp_path.iterdir())


def _asked(root: Path) -> None:
    questions = "".join(
        f"- id: {name}\n  question: Will it?\n  about: {{event: success, state: 'yes'}}\n"
        "  opens: 2026-01-10\n  by: 2026-06-15\n  resolves: It does.\n"
        for name in ("q-one", "q-two")
    )
    (root / "priors" / "questions.yaml").write_text(questions, encoding="utf-8")


APPENDED: dict[str, Callable[[Path, str], list[str]]] = {
    "priors/judgements.csv": lambda _, name: ["add", "judgement", name, "0.4", "--on", "2026-06-01", "--yes"],
    "priors/resolutions.jsonl": lambda _, name: [
        "resolve", name, "no", "--on", "2026-06-15", "--source", "https://example.org/a", "--yes",
    ],
}  # fmt: skip


@pytest.mark.parametrize("path", APPENDED)
def test_rows_of_both_branches_are_kept(tmp_path: Path, path: str) -> None:
    """Judgements and resolutions that two people append are merged by git alone, and read whatever their order."""
    root = example(tmp_path / "w")
    _asked(root)
    _git(root, "init", "-q", "-b", "one")
    _commit(root, "base")
    for branch, name in (("two", "q-two"), ("one", "q-one")):
        _git(root, "checkout", "-q", *(["-b", branch] if branch == "two" else [branch]))
        done = CliRunner().invoke(main, [*APPENDED[path](root, name), "-C", str(root)])
        assert 0 == done.exit_code, done.output
        _commit(root, branch)
    sides = [set(_git(root, "show", f"{side}:{path}").splitlines()) for side in ("one", "two")]
    _git(root, "merge", "-q", "two", "-m", "merged")
    lines = (root / path).read_text(encoding="utf-8").splitlines()
    assert sorted(sides[0] | sides[1]) == sorted(lines)
    assert "0 errors" in _run(root, "check").stderr
    # In the other order they say the same.
    own = len(sides[0] & sides[1])
    (root / path).write_text("\n".join([*lines[:own], *reversed(lines[own:])]) + "\n", encoding="utf-8")
    assert "0 errors" in _run(root, "check").stderr


def test_two_people_resolve_one_question(tmp_path: Path) -> None:
    """Both lines are kept by the merge, `check` names the second, and an undo of it is the way on."""
    root = example(tmp_path / "w")
    _asked(root)
    _git(root, "init", "-q", "-b", "one")
    _commit(root, "base")
    for branch, state in (("two", ["no"]), ("one", ["--void"])):
        _git(root, "checkout", "-q", *(["-b", branch] if branch == "two" else [branch]))
        more = ["--on", "2026-06-15", "--source", "https://example.org/a", "--yes", "-C", str(root)]
        assert 0 == CliRunner().invoke(main, ["resolve", "q-one", *state, *more]).exit_code
        _commit(root, branch)
    _git(root, "merge", "-q", "two", "-m", "merged")
    checked = _run(root, "check")
    said = "priors/resolutions.jsonl:2: resolution of 'q-one': it is resolved already, as void; at"
    assert (1, True) == (checked.exit_code, said in checked.stdout), checked.output
    undone = CliRunner().invoke(main, ["resolve", "q-one", "--undo", "--yes", "-C", str(root)])
    assert 0 == undone.exit_code, undone.output
    assert "0 errors" in _run(root, "check").stderr
    shown = json.loads(
        CliRunner().invoke(main, ["resolve", "q-one", "--undo", "--yes", "-C", str(root), "--json"]).stdout
    )
    assert shown["written"]
