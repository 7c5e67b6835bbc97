"""Processes for tests, forked from one that has imported what commands import.

Most of the processor time of a command is that of starting Python and importing, which a test that kills commands, or
lets several of them meet, is not about. Everything else is as in a process that was started anew.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TextIO

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(
    [
        "forecast.commands.main",
        "forecast.commands.add_questions",
        "forecast.commands.check",
        "forecast.commands.evidence_questions",
        "forecast.commands.update",
        "tests.crash.killed",
        "tests.report.outcomes",
    ]
)


class Started:
    """A process in which a function of a module was called with some arguments; what it prints is read from here.

    With `is_leader` it begins a session, so that what it starts is of its process group.
    """

    def __init__(self, call: Callable[..., object], *arguments: object, is_leader: bool = False) -> None:
        self._said = Path(tempfile.mkstemp(prefix="stderr-")[1])
        reader, writer = FORKING.Pipe(duplex=False)
        self._process = FORKING.Process(target=_begin, args=(writer, self._said, is_leader, call, arguments))
        self._process.start()
        writer.close()
        self.stdout: TextIO = os.fdopen(os.dup(reader.fileno()), encoding="utf-8")
        reader.close()

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def ended(self, timeout: float | None = None) -> tuple[str, str, int]:
        """Wait for the end; return what else it printed, its stderr, and its status as subprocess has it.

        Raises TimeoutError for a process that has closed its output and goes on for so many seconds.
        """
        with self.stdout:
            out = self.stdout.read()
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise TimeoutError
        said = self._said.read_text("utf-8")
        self._said.unlink()
        return out, said, code


def _begin(out: Connection, said: Path, is_leader: bool, call: Callable[..., object], arguments: list[object]) -> None:
    """Give a forked process output of its own, as if it had been started with it, and call the function."""
    if is_leader:
        os.setsid()
    os.dup2(out.fileno(), 1)
    out.close()
    with said.open("ab") as file:
        os.dup2(file.fileno(), 2)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
    call(*arguments)


def forecast(arguments: list[str]) -> None:
    """Run a command, and leave as it leaves."""
    from forecast.commands.main import main

    main(arguments, prog_name="forecast")
