"""Run a command of forecast as a process that is stopped, or refused by the disk, at one of its calls that write.

Usage: killed.py HOW N TODAY ROOT ARGUMENT...

HOW is one of

- `never`: it comes to its end;
- `count`: so it does, and prints on stderr, last, which of its calls write;
- `before`, `after`, `half`: SIGKILL before or after call N (from 0), or when half of its bytes are with the system;
- `INT`, `TERM`: that signal before call N, which is then made, unless the process has ended;
- the name of an error, such as ENOSPC: what the system answers from call N on;
- `size`: no file becomes longer than N bytes.

Calls that write are those on files below the folder ROOT. TODAY is what the command takes for today's date.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from typing import Any

NAMES = ("mkdir", "rename", "replace", "unlink", "remove", "rmdir", "chmod", "fsync", "ftruncate")
FREEING = {"rename", "replace", "unlink", "remove", "rmdir", "chmod"}  # what a full disk does not refuse
FULL = {"ENOSPC", "EDQUOT"}
SIGNALS = {"INT": signal.SIGINT, "TERM": signal.SIGTERM}


class Calls:
    """Counts the calls that write, and stops at one of them."""

    def __init__(self, how: str, number: int, root: str) -> None:
        self.how, self.number, self.root = how, number, os.path.realpath(root)  # no file is opened
        self.made: list[str] = []

    def concerns(self, path: Any) -> bool:
        """Say whether a path, relative or not, or an open file lies below ROOT."""
        if isinstance(path, int):
            try:
                path = os.readlink(f"/proc/self/fd/{path}")  # noqa: PTH115
            except OSError:
                return False
        return os.path.abspath(os.fsdecode(path)).startswith(self.root + os.sep)  # noqa: PTH100

    def make(self, name: str, call: Callable[[], Any], half: Callable[[], object] | None = None) -> Any:
        """Make a call that writes, unless this is where the process ends or is refused."""
        number = len(self.made)
        self.made.append(name)
        if number >= self.number and self.how.startswith("E") and not (self.how in FULL and name in FREEING):
            code = getattr(errno, self.how)
            raise OSError(code, os.strerror(code))
        if number == self.number and self.how in SIGNALS:
            os.kill(os.getpid(), SIGNALS[self.how])
        if number == self.number and self.how in {"before", "half"}:
            if half is not None and self.how == "half":
                half()
            _end()
        try:
            return call()
        finally:
            if number == self.number and self.how == "after":
                _end()


class Watched:
    """A file whose writes are counted."""

    def __init__(self, file: Any, calls: Calls) -> None:
        self._file, self._calls = file, calls

    def write(self, content: Any) -> Any:
        """Write, so that it is with the system before the process could end."""

        def all_of(part: Any) -> Any:
            written = self._file.write(part)
            self._file.flush()
            return written

        bytes_of = memoryview(content).cast("B") if not isinstance(content, str) else content
        return self._calls.make("write", lambda: all_of(content), lambda: all_of(bytes_of[: len(bytes_of) // 2]))

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def watched(calls: Calls) -> Iterator[None]:
    """Put a counting call in the place of each that writes, for as long as this lasts."""
    plain_open, system_open = io.open, os.open

    def opened(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        if not set(mode) & set("wax+") or isinstance(file, int) or not calls.concerns(file):
            return plain_open(file, mode, *more, **named)
        return Watched(calls.make("open", lambda: plain_open(file, mode, *more, **named)), calls)

    def opened_low(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if not flags & (os.O_WRONLY | os.O_RDWR) or not calls.concerns(path):
            return system_open(path, flags, *more, **named)
        return int(calls.make("open", lambda: system_open(path, flags, *more, **named)))

    others: list[tuple[Any, str, Any]] = [(builtins, "open", opened), (io, "open", opened), (os, "open", opened_low)]
    others += [(os, name, _counted(name, getattr(os, name), calls)) for name in NAMES if hasattr(os, name)]
    plain = [(module, name, getattr(module, name)) for module, name, _ in others]
    for module, name, other in others:
        setattr(module, name, other)
    try:
        yield
    finally:
        for module, name, original in plain:
            setattr(module, name, original)


def _counted(name: str, original: Callable[..., Any], calls: Calls) -> Callable[..., Any]:
    def called(path: Any, *more: Any, **named: Any) -> Any:
        if named.get("dir_fd") is None and not calls.concerns(path):
            return original(path, *more, **named)
        return calls.make(name, lambda: original(path, *more, **named))

    return called


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run(how: str, number: int, today: date, root: str, arguments: list[str]) -> None:
    """Run a command so, and leave as it leaves."""
    from forecast.commands import running
    from forecast.commands.main import main

    running.today = lambda: today
    calls = Calls(how, number, root)
    if how == "size":
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))
    try:
        with nullcontext() if how in {"never", "size"} else watched(calls):
            main(arguments, prog_name="forecast")
    finally:
        if how == "count":
            sys.stderr.write(told(calls))


def told(calls: Calls) -> str:
    """Write out which calls a command has made that write."""
    return "calls: " + " ".join(calls.made) + "\n"


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), date.fromisoformat(sys.argv[3]), sys.argv[4], sys.argv[5:])
