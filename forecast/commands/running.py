"""How a command runs: its progress, what it says of a forked ledger, and one row or all of them."""

from __future__ import annotations

import errno
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:
    from forecast.ledger.ledger import Ledger
    from forecast.session import Session
    from forecast.workers import Workers
    from forecast.workspace.problems import Problem
    from forecast.workspace.records import Workspace


# How a draft gets into the files of a workspace, and what is said where the system does not let it.


class Draft(Protocol):
    """A change of a workspace that is not written: contents by path in the order of writing, and what they bring.

    `workspace` is None where it would have errors.
    """

    @property
    def contents(self) -> Mapping[str, bytes]: ...  # noqa: D102  # told above

    @property
    def workspace(self) -> Workspace | None: ...  # noqa: D102

    @property
    def problems(self) -> Sequence[Problem]: ...  # noqa: D102


class Files:
    """The files of a workspace as they are when a command begins to read them.

    Between reading and writing nobody is kept waiting: questions may be asked, and effects computed. So what others
    have written meanwhile is read under the lock of the workspace, and the draft is made anew behind it.
    """

    def __init__(self, root: Path) -> None:
        from forecast.workspace.files import find_files

        self._root = root
        self._read = find_files(root).digests

    def write[D: Draft](self, draft: D, again: Callable[[], D]) -> D:
        """Write a draft, synced; if any file has changed, the one that `again` makes. Return what was written.

        Raises WorkspaceProblems where it no longer fits the files, and OSError; nothing is then written.
        """
        from forecast.files import locked, replace_file
        from forecast.workspace.files import find_files

        with locked(self._root):
            if find_files(self._root).digests != self._read:
                shown, draft = set(draft.problems), right(again())
                for problem in draft.problems:
                    if problem not in shown:
                        click.echo(str(problem), err=True)
            for path, content in draft.contents.items():
                replace_file(self._root / path, content)
        return draft


def right[D: Draft](draft: D) -> D:
    """Return a draft with which the workspace is right. Raises WorkspaceProblems for any other."""
    from forecast.workspace.problems import WorkspaceProblems

    if draft.workspace is None:
        raise WorkspaceProblems(draft.problems)
    if any(event.requires for event in draft.workspace.network.events.values()):
        from forecast.pipeline import impossibilities

        if problems := impossibilities(draft.workspace, today()):
            raise WorkspaceProblems(problems)
    return draft


AGAIN = "then run this command again"
TO_DO = {
    errno.ENOSPC: f"free some space on that disk, {AGAIN}",
    errno.EDQUOT: f"free some of the space that you may use on that disk, {AGAIN}",
    errno.EFBIG: f"let files be larger there (`ulimit -f` shows the limit of this shell), {AGAIN}",
    errno.EROFS: f"name a file on a disk that can be written, or make this one writable, {AGAIN}",
    errno.EACCES: f"get the right to it (`ls -ld` shows who has it), {AGAIN}",
    errno.EPERM: f"get the right to it (`ls -ld` shows who has it), {AGAIN}",
    errno.EIO: f"the disk is faulty: see to it, {AGAIN}",
}
MOVED = f"copy the workspace to a disk that can be written, or make this one writable, {AGAIN}"


def told(failure: OSError) -> str:
    """Say in one line what the system refused, where, what became of the file, and what to do."""
    if failure.errno is None and failure.filename is None:
        return str(failure)
    said = (failure.strerror or str(failure)).lower()
    to_do = TO_DO.get(failure.errno or 0, f"see to it, {AGAIN}")
    if failure.filename is None:
        return f"what this command prints could not be written: {said}; its files may have been; {to_do}"
    if failure.errno == errno.EROFS and _is_of_workspace(Path(str(failure.filename))):
        to_do = MOVED
    place = _shown(str(failure.filename))
    from forecast.files import LOCK, UnsyncedError, UnwrittenError

    if isinstance(failure, UnsyncedError):
        return f"{place} is written, but may not outlast a loss of power: {said}; {to_do}"
    if isinstance(failure, UnwrittenError):
        is_lock = failure.filename.endswith(LOCK)
        kept = "nothing was written" if is_lock else "what was there is as it was"
        return f"cannot write {place}: {said}; {kept}; {to_do}"
    return f"cannot use {place}: {said}; {to_do}"


def _is_of_workspace(path: Path) -> bool:
    """Say whether a path is one that a workspace has for its own files, and not one that somebody named."""
    from forecast.workspace.files import EVIDENCE, NETWORK, REPORTS

    own = {Path(place).parts[0] for place in (NETWORK, EVIDENCE, REPORTS)}
    with suppress(OSError):
        return any(folder.name in own and (folder.parent / NETWORK).is_file() for folder in path.absolute().parents)
    return False


def _shown(path: str) -> str:
    """Return a path as it is read most easily: relative where it lies below the current folder."""
    place = Path(path)
    with suppress(OSError, ValueError):
        place = place.resolve().relative_to(Path.cwd())
    return str(place).encode("utf-8", "backslashreplace").decode()


# Options that several commands share.

Command = Callable[..., Any]

workspace = click.option(
    "-C",
    "root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The workspace (default: this folder).",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout, and nothing else there.")


def today() -> date:
    """Return today's date in UTC: the default as-of date, on every machine the same."""
    return datetime.now(UTC).date()


class _Date(click.ParamType[date]):
    name = "date"

    def __init__(self, *, may_be_later: bool = False) -> None:
        self.may_be_later = may_be_later

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            day = date.fromisoformat(value)
        except ValueError:
            self.fail(f"'{value}' is no date; write YYYY-MM-DD", param, ctx)
        if day > today() and not self.may_be_later:
            self.fail(f"{day} lies in the future; today is {today()} (UTC)", param, ctx)
        return day


class _Number(click.ParamType[float]):
    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from forecast.workspace.numbers import number_in, why_no_number

        number = value if isinstance(value, float) else number_in(str(value).strip())
        if number is None:
            hint = why_no_number(str(value))
            self.fail(f"'{value}' is no number{'; ' if hint else ''}{hint}", param, ctx)
        return number


NUMBER = _Number()
DATE = _Date()
ANY_DATE = _Date(may_be_later=True)  # also one that lies in the future
as_of = click.option(
    "--as-of", type=DATE, metavar="DATE", help="Use nothing dated later than this day (default: today, UTC)."
)


def seed(command: Command) -> Command:
    """Add `--seed`."""
    return click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Seed of the draws.")(command)


def workers(command: Command) -> Command:
    """Add `--workers` and `--scheduler`: where jobs are run side by side (`placed`)."""
    address = "Compute on this Dask cluster instead, such as tcp://10.0.0.5:8786."
    command = click.option("--scheduler", metavar="ADDRESS", help=address)(command)
    processes = "So many local processes (default: what the cores of this machine can do at once)."
    return click.option("--workers", type=click.IntRange(min=1), metavar="N", help=processes)(command)


def placed(processes: int | None, scheduler: str | None, *, cores_each: int = 1) -> Workers:
    """Return where jobs are run: one process for so many cores, unless it is told. Raises click.UsageError."""
    from forecast.inference.cores import cores
    from forecast.workers import Workers

    if scheduler is not None and processes is not None:
        raise click.UsageError("--workers are local processes; a cluster (--scheduler) has its own")
    return Workers(processes or max(1, cores() // cores_each), scheduler)


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
        yield Session(root, today(), as_of, DEFAULT_SEED if seed is None else seed, progress)
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
    from forecast.plain import as_data
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
