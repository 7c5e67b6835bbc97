"""How a command runs: its progress, what it says of a forked ledger, and one row or all of them."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options
from forecast.plain import as_data

if TYPE_CHECKING:
    from forecast.ledger.ledger import Ledger
    from forecast.session import Session

PERCENT = re.compile(r"(\d+) %")
QUARTER = 25


class Progress:
    """Call it with what is being done; `done` clears the line.

    Nothing is shown in the first `after_seconds`: what usually takes a moment needs no line.
    """

    def __init__(self, after_seconds: float = 0.0) -> None:
        self._started = time.monotonic()
        self._quiet_until = self._started + after_seconds
        self._terminal = sys.stderr.isatty()
        self._last = ""

    def __call__(self, doing: str) -> None:
        """Show what is being done, with the seconds since the start."""
        if time.monotonic() < self._quiet_until:
            return
        if self._terminal:
            self._show(f"{time.monotonic() - self._started:4.0f} s  {doing}")
            return
        # A log wants a line for each step, not for each percent.
        step = PERCENT.sub(lambda outcome: f"{int(outcome[1]) // QUARTER * QUARTER} %", doing)
        if step != self._last:
            click.echo(step, err=True)
            self._last = step

    def done(self) -> None:
        """Clear the line of a terminal."""
        if self._terminal and self._last:
            self._show("")
            click.echo("\r", nl=False, err=True)

    def _show(self, text: str) -> None:
        click.echo(f"\r{text:{len(self._last)}}", nl=False, err=True)
        self._last = text


def said(ledger: Ledger) -> None:
    """Say that a ledger is forked, if it is."""
    for warning in ledger.warnings:
        click.echo(str(warning), err=True)


def said_of(root: Path) -> None:
    """Say what is the matter with the ledger of a workspace, for a command that does not need it."""
    from forecast.ledger.ledger import read_ledger
    from forecast.workspace.problems import WorkspaceProblems

    try:
        said(read_ledger(root))
    except WorkspaceProblems as found:
        click.echo(str(found), err=True)


@contextmanager
def opened(root: Path, as_of: date | None = None, seed: int | None = None) -> Iterator[Session]:
    """Open a workspace for a command, with its progress on stderr, which ends before anything is printed."""
    from forecast.session import DEFAULT_SEED, Session

    progress = Progress()
    try:
        yield Session(root, options.today(), as_of, DEFAULT_SEED if seed is None else seed, progress)
    finally:
        progress.done()


@contextmanager
def wrong_usage(*errors: type[Exception]) -> Iterator[None]:
    """Turn errors about what was asked for into wrong usage."""
    try:
        yield
    except errors as error:
        raise click.UsageError(str(error)) from error


@contextmanager
def refused(*errors: type[Exception]) -> Iterator[None]:
    """Turn errors about what cannot be done into a line on stderr, and status 1."""
    try:
        yield
    except errors as error:
        raise click.ClickException(str(error)) from error


def as_text(value: Any, indent: int | None = 1) -> str:
    """Write plain data as JSON."""
    return json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)


def echo_json(value: Any, indent: int | None = 1) -> None:
    """Print plain data as JSON."""
    click.echo(as_text(value, indent))


def one_or_all[R](
    rows: Sequence[R],
    kind: str,
    name: str | None,
    *,
    as_json: bool,
    print_all: Callable[[Sequence[R]], None],
    print_one: Callable[[R], None],
) -> None:
    """Print rows, whose ids are in the attribute `kind`: all of them, or the one called `name`.

    Raises click.UsageError, with the nearest name, if there is none of that name.
    """
    from forecast.workspace.problems import choice

    known = [str(getattr(row, kind)) for row in rows]
    if name is not None and name not in known:
        msg = f"nothing of {kind} '{name}'; {choice(f'{kind}s', name, known)}"
        raise click.UsageError(msg)
    chosen = next((row for row in rows if getattr(row, kind) == name), None)
    if as_json:
        echo_json(as_data(rows if chosen is None else chosen))
    elif chosen is None:
        print_all(rows)
    else:
        print_one(chosen)
