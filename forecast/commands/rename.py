"""`forecast rename`: another name for an event, a state, a question, ..., in every file that names it."""

from __future__ import annotations

import shutil
from datetime import date
from importlib.resources import files
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING

import click

from forecast.commands import running
from forecast.commands.running import Files, as_text, echo_json, right
from forecast.files import finish, locked, partial_beside, remove_dead, replace_file, replace_together
from forecast.ledger.line import told_in_ledger
from forecast.workspace.draft_renames import RenameError, called, draft_rename
from forecast.workspace.drafts import draft_roll
from forecast.workspace.problems import WorkspaceProblems, choice
from forecast.workspace.read_renames import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from forecast.workspace.draft_renames import RenameDraft
    from forecast.workspace.drafts import RollDraft
    from forecast.workspace.records import Network

SHOWN = 12  # changed lines, before they are counted


@click.command()
@click.argument("names", nargs=-1, metavar="[KIND] OLD NEW")
@running.workspace
@click.option("--yes", is_flag=True, help="Do not ask; write it if it has no problem.")
@running.as_json
def rename(names: tuple[str, ...], root: Path, yes: bool, as_json: bool) -> None:
    """Rename OLD to NEW in every file that names it, and say so in priors/renames.jsonl for lines of the past.

    KIND is question, event, state, scenario, expert, source, statement or item; it is needed where several are called
    OLD. A state is EVENT=STATE. Only the name's characters change, and no forecast does. If the files have the new name
    already, only the line is written.
    """

    kind, old, new = _asked(names)
    command = join(("forecast", "rename", *names))
    finished, paths = finish(root) or (None, ())
    if finished is not None:
        click.echo(f"finished, as it was interrupted: {finished}", err=True)
    if finished == command:
        if as_json:
            echo_json({"finished": finished, "written": True})
        else:
            click.echo(f"written: {', '.join(paths)}")
        return
    try:
        _rename(root, kind, old, new, command, yes=yes, as_json=as_json)
    except RenameError as error:
        raise click.UsageError(str(error)) from error


def _asked(names: tuple[str, ...]) -> tuple[str | None, str, str]:

    if not 2 <= len(names) <= 3:  # a kind or none, and two names
        raise click.UsageError("say the old name and the new one: forecast rename [KIND] OLD NEW")
    *kinds, old, new = names
    if kinds and kinds[0] not in KINDS:
        raise click.UsageError(f"'{kinds[0]}' is no kind of name; {choice('kinds', kinds[0], KINDS)}")
    return (kinds[0] if kinds else None), old, new


def _rename(root: Path, kind: str | None, old: str, new: str, command: str, *, yes: bool, as_json: bool) -> None:

    today = running.today()

    def make() -> RenameDraft:
        return draft_rename(root, kind, old, new, today, told_in_ledger(root))

    draft = make()
    if draft.workspace is None:
        raise WorkspaceProblems(draft.problems)
    if not as_json:
        for line in _preview(draft):
            click.echo(line)
    for problem in draft.problems:
        click.echo(str(problem), err=True)
    count = len(draft.contents)
    where = next(iter(draft.contents)) if count == 1 else f"{count} files"
    is_wanted = yes or click.confirm(f"Write it to {where}?", default=True, err=as_json)
    if is_wanted:
        with locked(root):
            # Lines may have been appended meanwhile, and the new one says how many there are.
            shown, draft = set(draft.problems), right(make())
            replace_together(root, draft.contents, command)
        for problem in draft.problems:
            if problem not in shown:
                click.echo(str(problem), err=True)
    if as_json:
        echo_json(_rename_as_json(draft, is_wanted))
    else:
        click.echo(f"written: {', '.join(draft.contents)}" if is_wanted else "nothing written")


def _preview(draft: RenameDraft) -> Iterator[str]:

    changed = [(file.path, *line) for file in draft.edited for line in file.lines]
    for path, number, before, after in changed[:SHOWN]:
        yield f"{path}:{number}"
        yield f"- {before.strip()}"
        yield f"+ {after.strip()}"
    if len(changed) > SHOWN:
        yield f"and {len(changed) - SHOWN} more lines"
    if draft.edited:
        places = sum(file.places for file in draft.edited)
        yield f"{called(draft.target)} is called '{draft.new}' in {places} places of {len(draft.edited)} files"
        if draft.reorders:
            what = f"the order of the {draft.target.kind}s changes, and with it the draws"
            yield f"{what}: the next forecast differs within its Monte Carlo error"
    else:
        yield f"no file names {called(draft.target)} any more: lines of the past that do will count for '{draft.new}'"
    yield as_text(draft.line, None)


def _rename_as_json(draft: RenameDraft, is_written: bool) -> dict[str, object]:
    return {
        "written": is_written,
        "line": draft.line,
        "files": [
            {"path": file.path, "places": file.places, "lines": [number for number, _, _ in file.lines]}
            for file in draft.edited
        ],
        "reorders_draws": draft.reorders,
        "problems": [str(problem) for problem in draft.problems],
    }


# `forecast roll`: from a day on, forecasts are about a later horizon.


@click.command()
@running.workspace
@click.option("--horizon", type=running.ANY_DATE, required=True, metavar="DATE", help="The new horizon.")
@click.option("--on", type=running.ANY_DATE, metavar="DATE", help="Day from which it holds (default: today, UTC).")
@click.option("--why", metavar="TEXT", help="Reason, for the reader of the file.")
@click.option("--yes", is_flag=True, help="Do not ask; write it if it has no problem.")
@running.as_json
def roll(root: Path, horizon: date, on: date | None, why: str | None, yes: bool, as_json: bool) -> None:
    """Move to a later horizon from a day on. What is settled stays settled.

    Adds a line to `rolled` in priors/network.yaml, shown before it is written; the rest of the file stays as it is.
    Forecasts as of an earlier day keep their horizon. The next update records it in the ledger.
    """

    files, today = Files(root), running.today()

    def make() -> RollDraft:
        return draft_roll(root, on or today, horizon, why, today)

    draft = make()
    if draft.workspace is None:
        raise WorkspaceProblems(draft.problems)
    network = draft.workspace.network
    if not as_json:
        click.echo(draft.added, nl=False)
        for line in _course(network):
            click.echo(line)
    for problem in draft.problems:
        click.echo(str(problem), err=True)
    is_wanted = yes or click.confirm(f"Write it to {draft.path}?", default=True, err=as_json)
    if is_wanted:
        draft = files.write(draft, make)
    if as_json:
        echo_json(_roll_as_json(draft, network, is_wanted))
    else:
        click.echo(f"written: {draft.path}" if is_wanted else "nothing written")


def _course(network: Network) -> list[str]:
    """Return one line for each horizon, with the days on which it is asked about."""
    begins = ["", *(f"from {roll.on} on: " for roll in network.rolled)]
    horizons = [network.window_ends, *(roll.horizon for roll in network.rolled)]
    return [f"{begin}horizon {horizon}" for begin, horizon in zip(begins, horizons, strict=True)]


def _roll_as_json(draft: RollDraft, network: Network, is_written: bool) -> dict[str, object]:
    return {
        "path": draft.path,
        "written": is_written,
        "opens": network.opens.isoformat(),
        "horizon": network.window_ends.isoformat(),
        "rolled": [
            {"on": roll.on.isoformat(), "horizon": roll.horizon.isoformat(), "why": roll.why} for roll in network.rolled
        ],
        "problems": [str(problem) for problem in draft.problems],
    }


# `forecast init DIR`: a small complete workspace to begin with.


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a small complete workspace into DIR, a new or empty folder."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise click.BadParameter(f"'{folder}' is not a folder", param_hint="DIR")
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise click.BadParameter(f"'{folder}' is not empty; name a new folder", param_hint="DIR")
        write_template(folder.resolve())
    except OSError as error:
        raise click.BadParameter(f"cannot write '{folder}': {error.strerror}", param_hint="DIR") from None
    click.echo(f"wrote a small complete workspace to {folder}")
    click.echo(f"next: forecast check -C {folder}, forecast update -C {folder}, then replace it file by file")


def write_template(folder: Path) -> None:
    """Copy the packaged example to `folder` (absolute, new or empty); it appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_dead(folder.parent)
    draft = partial_beside(folder)
    try:
        _copy(files("forecast") / "data" / "init", draft)
        (draft / "reports").mkdir()
        if folder.exists():
            # The folder may be somebody's current one, so it stays, and each part is moved in whole.
            for part in sorted(draft.iterdir()):
                part.rename(folder / part.name)
        else:
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _copy(template: Traversable, folder: Path) -> None:
    folder.mkdir()
    for part in sorted(template.iterdir(), key=lambda part: part.name):
        if part.is_dir():
            _copy(part, folder / part.name)
        else:
            replace_file(folder / part.name, part.read_bytes())
