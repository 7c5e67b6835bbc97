"""The page docs/commands.md against the command line as it is."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from shutil import copytree

import click
import pytest

from forecast.commands.main import COMMANDS
from tests.docs.pages import ROOT, alike, blocks, commands, run

PAGE = "docs/commands.md"
DONE_ELSEWHERE = "update"  # the page about the first forecast runs it


def _sections() -> dict[str, str]:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    return dict(re.findall(r"^## forecast ([\w-]+)\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL))


def _command(name: str) -> click.Command:
    module, _, attribute = COMMANDS[name][0].partition(":")
    found: click.Command = getattr(import_module(module), attribute)
    return found


def test_every_command_has_its_section() -> None:
    """The page has one section for each command, and none for a command that is not there."""
    assert set(COMMANDS) == set(_sections())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    """Each option of a command stands in the table of its section, and no other does; arguments are named."""
    section, command = _sections()[name], _command(name)
    parameters = [*command.params]
    for part in command.commands.values() if isinstance(command, click.Group) else ():
        parameters += getattr(part, "real", part).params
    options = {flag for option in parameters if isinstance(option, click.Option) for flag in option.opts}
    rows = re.findall(r"^\| (`-.*?`) \|", section, flags=re.MULTILINE)
    explained = {flag for row in rows for flag in re.findall(r"(?<!\w)--?[A-Za-z][\w-]*", row)}
    assert options == explained
    arguments = [p.make_metavar(click.Context(_command(name))) for p in parameters if isinstance(p, click.Argument)]
    synopses = [f"{line} " for line in section.splitlines() if line.startswith(f"    forecast {name}")]
    assert [] == [argument for argument in arguments if not any(f" {argument} " in line for line in synopses)]


def test_what_the_page_shows_is_printed(tmp_path: Path) -> None:
    """Commands of the page print the lines that it shows, in this order, and exit as it says."""
    copytree(ROOT / "tests/networks/data", tmp_path / "tests/networks/data")
    for block in (block for block in blocks(PAGE) if block.language == "console"):
        for shown in (one for one in commands(block) if one.arguments[1] != DONE_ELSEWHERE):
            status, printed = run(shown.arguments, tmp_path)
            rest = iter(printed)
            missing = [line for line in shown.printed if not any(alike(line, found, 0.0) for found in rest)]
            assert ([], shown.status) == (missing, status)
