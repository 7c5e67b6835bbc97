"""The commands `forecast check` and `forecast init`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.check import check
from forecast.commands.rename import init
from tests.workspace.writing import example, replace


def run_check(*arguments: str) -> Result:
    """Run `forecast check`."""
    return CliRunner().invoke(check, arguments)


def test_a_right_workspace(tmp_path: Path) -> None:
    """A workspace without problems exits with 0, counts on stderr and nothing on stdout."""
    result = run_check("-C", str(example(tmp_path)))
    counts = "5 events, 3 scenarios, 6 statements, 5 evidence items: 0 errors, 0 warnings\n"
    counts += "nobody spoke about 11 rows of 3 events: --network lists them\n"
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", counts)


def test_a_wrong_workspace(tmp_path: Path) -> None:
    """A workspace with errors exits with 1 and prints one line for each."""
    replace(example(tmp_path), "evidence/watch.yaml", "2026-06-30", "soon")
    result = run_check("-C", str(tmp_path))
    line = "evidence/watch.yaml:2: watch: watched_until is not a date; got 'soon'; dates are written YYYY-MM-DD\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, line, "1 error, 0 warnings\n")


def test_warnings_alone_are_no_failure(tmp_path: Path) -> None:
    """A workspace with warnings exits with 0."""
    (example(tmp_path) / "priors/notes.yml").write_text("a: b\n", encoding="utf-8")
    result = run_check("-C", str(tmp_path))
    assert (result.exit_code, result.stderr.splitlines()[0].split(": ")[1]) == (0, "0 errors, 1 warning")


def test_json(tmp_path: Path) -> None:
    """With --json, stdout is one JSON object that holds the parts of each problem."""
    replace(example(tmp_path), "evidence/watch.yaml", "2026-06-30", "soon")
    result = run_check("-C", str(tmp_path), "--json")
    problem = {
        "path": "evidence/watch.yaml",
        "line": 2,
        "severity": "error",
        "what": "watch: watched_until is not a date",
        "got": "'soon'",
        "allowed": "dates are written YYYY-MM-DD",
    }
    assert (result.exit_code, json.loads(result.stdout)) == (1, {"ok": False, "problems": [problem]})


def test_network(tmp_path: Path) -> None:
    """With --network, every event stands there with its states, parents, statements and items."""
    lines = run_check("-C", str(example(tmp_path)), "--network").stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if "prototype  reached" in line)
    assert [line.strip("│├└─ ") for line in lines[start : start + 6]] == [
        "prototype  reached, driver",
        "How far has the prototype come by the horizon?",
        "states: none < shown < tested",
        "parents: budget",
        "statements: lead-prototype",
        "evidence: prototype-shown, test-begun",
    ]


def test_network_as_json(tmp_path: Path) -> None:
    """With --network --json, the events are in the object."""
    events = json.loads(run_check("-C", str(example(tmp_path)), "--network", "--json").stdout)["events"]
    assert events[3] == {
        "id": "launch",
        "kind": "reached",
        "role": "plan",
        "states": ["none", "limited", "general"],
        "parents": ["prototype", "budget"],
        "raises": [],
        "lowers": [],
        "unspoken_rows": [],
        "size": {"rows": 9, "coordinates": 28, "memory": 16_384_000, "minutes": 0.0498},
        "cpt": {"kind": "shared", "leak": None},
        "timing": None,
        "requires": {},
        "statements": ["launches-base-rate", "lead-launch-needs-test"],
        "items": [],
        "next_steps": [],
    }


def test_cpt_that_is_not_shared(tmp_path: Path) -> None:
    """With --network, a CPT that is not the default is named, with its leak convention."""
    replace(
        example(tmp_path),
        "priors/network.yaml",
        "parents: [budget]\n",
        "parents: [budget]\n    cpt: {kind: noisy_or, leak: net}\n",
    )
    replace(
        tmp_path,
        "priors/network.yaml",
        "parents: [prototype, budget]\n",
        "parents: [prototype, budget]\n    cpt: table\n",
    )
    lines = run_check("-C", str(tmp_path), "--network").stdout.splitlines()
    assert [line.strip("│├└─ ") for line in lines if "cpt:" in line] == ["cpt: noisy_or, net leak", "cpt: table"]


def test_no_such_folder(tmp_path: Path) -> None:
    """A folder that does not exist is wrong usage."""
    assert run_check("-C", str(tmp_path / "nowhere")).exit_code == 2


@pytest.mark.parametrize("exists", [False, True])
def test_init_writes_a_workspace_that_is_right(tmp_path: Path, exists: bool) -> None:
    """`init` fills a new or an empty folder with a workspace that passes `check`, and says what to do next."""
    folder = tmp_path / "mine"
    if exists:
        folder.mkdir()
    result = CliRunner().invoke(init, [str(folder)])
    assert (result.exit_code, "forecast update" in result.stdout) == (0, True)
    assert run_check("-C", str(folder)).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


def test_init_leaves_what_is_there(tmp_path: Path) -> None:
    """`init` refuses a folder with anything in it, and a file, as wrong usage."""
    (tmp_path / "kept").write_text("mine\n", encoding="utf-8")
    codes = [CliRunner().invoke(init, [str(path)]).exit_code for path in (tmp_path, tmp_path / "kept")]
    assert (codes, [path.name for path in tmp_path.iterdir()]) == ([2, 2], ["kept"])


def test_network_says_what_a_condition_in_time_is_read_as(tmp_path: Path) -> None:
    """With --network, a statement whose condition has a time of its own stands there with what it is read as."""
    replace(
        example(tmp_path),
        "priors/statements/team.yaml",
        "about: {event: launch, state: general, given: {prototype: tested}}",
        "about: {event: launch, state: general, given: {prototype: {is: tested, held_by: 2026-06-30}}}",
    )
    told = " ".join(run_check("-C", str(tmp_path), "--network").stdout.replace("│", " ").split())
    says = (
        "lead-launch-needs-test is read as the probability that launch has come to general by 2026-12-31, if prototype"
    )
    assert f"{says} has come to tested by 2026-06-30" in told
