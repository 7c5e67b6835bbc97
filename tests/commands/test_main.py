"""The command line as a whole: what it lists, how it fails, how little it imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from forecast.commands.main import ADDED, COMMANDS, main
from forecast.inference.scaled import NotFiniteError
from forecast.workspace.problems import Problem, Source, WorkspaceProblems

HEAVY = (
    "numpy",
    "pandas",
    "scipy",
    "numba",
    "pymc",
    "pytensor",
    "arviz",
    "xarray",
    "matplotlib",
    "rich",
    "pydantic",
)


def _imported_by(code: str) -> set[str]:
    listing = "import sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", f"{code}\n{listing}"], check=True, capture_output=True, text=True)
    return set(ran.stdout.split())


NETWORK = (
    "network n {} variable \u0430 { type discrete [2] { yes, \U0001f600 }; } probability (\u0430) { table .3, .7; }"
)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_terminal_without_the_letters(tmp_path: Path, encoding: str) -> None:
    """What its encoding does not have is written out as in JSON, which then says the same; nothing fails."""
    path = tmp_path / "n.bif"
    path.write_text(NETWORK, encoding="utf-8")
    ask = [sys.executable, "-m", "forecast", "query", str(path)]
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    table, answer = (
        subprocess.run([*ask, *more], check=True, capture_output=True, env=env).stdout.decode()
        for more in ((), ("--json",))
    )
    letters = ("\u0430", "\U0001f600") if encoding == "utf-8" else ("\\u0430", "\\ud83d\\ude00")
    assert [True, True] == [letter in table for letter in letters]
    assert {"\u0430": {"yes": 0.3, "\U0001f600": 0.7}} == json.loads(answer)["marginals"]


def test_help_lists_every_command_and_imports_none() -> None:
    """`forecast --help` names each command and loads no command's module and no heavy library."""
    for asked, listed in (([], COMMANDS), (["add"], ADDED)):
        code = f"import forecast.commands.main as m\nm.main({[*asked, '--help']}, standalone_mode=False)"
        loaded = _imported_by(code)
        modules = {target.partition(":")[0] for target, _ in (*COMMANDS.values(), *ADDED.values())}
        assert set() == loaded & {*HEAVY, *modules - {"forecast.commands.main"}}
        assert set() == set(listed) - loaded  # what help prints is in the same output


def test_import_is_light() -> None:
    """`import forecast` loads no heavy library."""
    assert set() == _imported_by("import forecast") & set(HEAVY)


@pytest.mark.parametrize("name", [*COMMANDS, *(f"add {name}" for name in ADDED)])
def test_every_command_has_its_help(name: str) -> None:
    """Each listed command exists, explains itself and exits with 0."""
    result = CliRunner().invoke(main, [*name.split(), "--help"])
    assert (0, True) == (result.exit_code, f"Usage: main {name}" in result.output)


def test_unknown_command_is_wrong_usage_with_the_nearest_name() -> None:
    """A mistyped command ends with status 2 and names the nearest one."""
    result = CliRunner().invoke(main, ["qurey"])
    assert (2, True) == (result.exit_code, "Did you mean 'query'?" in result.stderr)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["-C", "somewhere", "show"], "-C FOLDER stands after the command: forecast show -C FOLDER"),
        (["why", "launch", "general"], "a state is named with its event, as EVENT=STATE"),
    ],
)
def test_what_stands_in_the_wrong_place_is_told_its_place(arguments: list[str], hint: str) -> None:
    """A folder before the command, and a state apart from its event, are wrong usage with the right way."""
    result = CliRunner().invoke(main, arguments)
    assert (2, True) == (result.exit_code, hint in result.stderr)


def test_problems_of_files_are_lines_on_stderr_and_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Problems in files end any command with status 1, one line each on stderr, nothing on stdout."""
    problems = [Problem(Source("b.yaml", 2), "second"), Problem(Source("a.yaml", 9), "first", "x", "y is allowed")]

    def fail() -> None:
        raise WorkspaceProblems(problems)

    monkeypatch.setitem(main.commands, "fail", click.Command("fail", callback=fail))
    result = CliRunner().invoke(main, ["fail"])
    expected = (1, "", "a.yaml:9: first; got x; y is allowed\nb.yaml:2: second\n")
    assert expected == (result.exit_code, result.stdout, result.stderr)


def test_module_runs_as_the_command() -> None:
    """`python -m forecast --version` prints the version."""
    ran = subprocess.run([sys.executable, "-m", "forecast", "--version"], check=True, capture_output=True, text=True)
    assert "forecast, version 0.2.0\n" == ran.stdout


def test_an_undefined_result_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A command that comes upon a number that is none says so in one line and prints no result; other errors stay."""
    network = tmp_path / "a.bif"
    network.write_text("variable a { type discrete [ 2 ] { x, y }; }\nprobability ( a ) { table 0.5, 0.5; }")
    for error, is_told in (
        (NotFiniteError("the marginal of 'a' is nan"), True),
        (ValueError("a mistake of ours"), False),
    ):

        def undefined(*_arguments: object, error: Exception = error, **_options: object) -> None:
            raise error

        monkeypatch.setattr("forecast.commands.query.answer", undefined)
        ran = CliRunner().invoke(main, ["query", str(network)])
        assert "" == ran.stdout
        assert is_told == ("Error: the result is undefined: the marginal of 'a' is nan\n" == ran.stderr)
        assert is_told == isinstance(ran.exception, SystemExit)
