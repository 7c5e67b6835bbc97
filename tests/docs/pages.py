"""Pages of the documentation as tests read them: fenced blocks in order, and files and commands that they hold."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from click.testing import CliRunner

from forecast.commands.main import main

ROOT = Path(__file__).parents[2]
COLUMNS = "100"  # of the terminal that the pages show
MINUTES = 30  # on a machine that has much else to do


def script(path: str) -> ModuleType:
    """Return a script of the repository, which is in no package, as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its lines, and the line of the page it begins in."""

    language: str
    lines: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Shown:
    """A command as a page shows it: arguments, the lines it prints, its exit status."""

    arguments: tuple[str, ...]
    printed: tuple[str, ...]
    status: int


def blocks(page: str) -> tuple[Block, ...]:
    """Return the fenced blocks of a page below `docs/`, or of the README."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w+)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return tuple(Block(m[1], tuple(m[2].splitlines()), text.count("\n", 0, m.start()) + 1) for m in found)


def commands(block: Block) -> Iterator[Shown]:
    """Yield the commands of a console block; `[exit 1]` as last line of one says its status."""
    parts = [part.splitlines() for part in re.split(r"^\$ ", "\n".join(block.lines), flags=re.MULTILINE)[1:]]
    for command, *printed in parts:
        status = 0
        if printed and (said := re.fullmatch(r"\[exit (\d)\]", printed[-1])):
            status, printed = int(said[1]), printed[:-1]
        yield Shown(tuple(shlex.split(command)), tuple(line for line in printed if line.strip()), status)


def run(arguments: Sequence[str], folder: Path, *, apart: bool = False) -> tuple[int, list[str]]:
    """Run `forecast ...` or `python ...` in a folder; return status and printed lines.

    A script has a process of its own. A command has one if it is run `apart`: most of its time is that of starting
    Python.
    """
    if arguments[0] == "forecast" and not apart:
        with contextlib.chdir(folder):
            done = CliRunner(env={"COLUMNS": COLUMNS}).invoke(main, [*arguments[1:]], prog_name="forecast")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, (done.stdout + done.stderr).splitlines()
    program = {"forecast": ["-m", "forecast"], "python": []}[arguments[0]]
    ran = subprocess.run(
        [sys.executable, *program, *arguments[1:]],
        cwd=folder,
        env=os.environ | {"COLUMNS": COLUMNS},
        capture_output=True,
        text=True,
        timeout=60 * MINUTES,
        check=False,
    )
    return ran.returncode, (ran.stdout + ran.stderr).splitlines()


def converse(examples: Sequence[str], folder: Path) -> list[list[str]]:
    """Run statements of Python one after the other in a folder, as at a prompt; return what each prints."""
    return _run_here(examples, folder, "single")


def notebook(cells: Sequence[str], folder: Path) -> tuple[list[list[str]], int]:
    """Run cells of Python one after the other in a folder; return what each prints, and the number of figures."""
    from matplotlib import pyplot as plt

    plt.switch_backend("agg")
    try:
        return _run_here(cells, folder, "exec"), len(plt.get_fignums())
    finally:
        plt.close("all")


def _run_here(sources: Sequence[str], folder: Path, mode: str) -> list[list[str]]:
    """Run sources that share their names in this process, where all libraries are open; warnings end nothing there."""
    space: dict[str, object] = {"__name__": "__main__"}
    printed = []
    with contextlib.chdir(folder), warnings.catch_warnings():
        warnings.simplefilter("default")
        for source in sources:
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(source, "page", mode), space)
            printed.append(out.getvalue().splitlines())
    return printed


def replace(block: Block, folder: Path) -> None:
    """Do what a diff block shows: in the file named in its first line, put the + lines in the place of the - lines."""
    path = folder / block.lines[0].removeprefix("--- ")
    before, after = ("".join(f"{row[1:]}\n" for row in block.lines[1:] if row[0] == sign) for sign in "-+")
    text = path.read_text(encoding="utf-8")
    if text.count(before) != 1:
        msg = f"line {block.line}: {path} does not hold the lines to replace exactly once"
        raise ValueError(msg)
    path.write_text(text.replace(before, after), encoding="utf-8")


def save(block: Block, folder: Path) -> None:
    """Write a block to the file that its first line, a comment, names."""
    (folder / block.lines[0].removeprefix("# ")).write_text("".join(f"{line}\n" for line in block.lines))


NUMBER = re.compile(r"(?<![\w.-])[-+]?\d+(?:\.\d+)?(?![\w-])")


# A name ranked by its effect: where two effects are close, another processor's draws may put the other first.
RANKED = re.compile(r"[\w./-]+(?= \([-+][\d.]+\))")
LESS_OR_MORE = re.compile(r"[<>](?=\d)")  # before a number that is too small, or too near one, for its digits


def alike(shown: str, printed: str, tolerance: float) -> bool:
    """Say whether two lines are the same but for spaces and, in a line with percent or decimals, for close numbers.

    Where numbers may differ, so may the names that are ranked by them, and whether a small one is called "less than".
    """
    if tolerance > 0.0:
        shown, printed = (LESS_OR_MORE.sub("", RANKED.sub("item", line)) for line in (shown, printed))
    if "%" not in shown and not re.search(r"\d\.\d", shown):
        return shown.split() == printed.split()
    words = [" ".join(NUMBER.sub("#", line).split()) for line in (shown, printed)]
    numbers = [[float(number) for number in NUMBER.findall(line)] for line in (shown, printed)]
    return words[0] == words[1] and all(abs(a - b) <= tolerance for a, b in zip(*numbers, strict=True))
