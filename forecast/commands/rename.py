"""`forecast rename`: another name for an event, a state, a question, ..., in every file that names it."""

from __future__ import annotations

from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING

import click

from forecast.commands import options
from forecast.commands.running import as_text, echo_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from forecast.workspace.draft_renames import RenameDraft

SHOWN = 12  # changed lines, before they are counted


@click.command()
@click.argument("names", nargs=-1, metavar="[KIND] OLD NEW")
@options.workspace
@click.option("--yes", is_flag=True, help="Do not ask; write it if it has no problem.")
@options.as_json
def rename(names: tuple[str, ...], root: Path, yes: bool, as_json: bool) -> None:
    """Rename OLD to NEW in every file that names it, and say so in priors/renames.jsonl for lines of the past.

    KIND is question, event, state, scenario, expert, source, statement or item; it is needed where several are called
    OLD. A state is EVENT=STATE. Only the name's characters change, and no forecast does. If the files have the new name
    already, only the line is written.
    """
    from forecast.together import finish
    from forecast.workspace.draft_renames import RenameError

    kind, old, new = _asked(names)
    command = join(("forecast", "rename", *names))
    finished = finish(root)
    if finished is not None:
        click.echo(f"finished, as it was interrupted: {finished}", err=True)
    if finished == command:
        if as_json:
            echo_json({"finished": finished, "written": True})
        return
    try:
        _rename(root, kind, old, new, command, yes=yes, as_json=as_json)
    except RenameError as error:
        raise click.UsageError(str(error)) from error


def _asked(names: tuple[str, ...]) -> tuple[str | None, str, str]:
    from forecast.workspace.problems import choice
    from forecast.workspace.read_renames import KINDS

    if not 2 <= len(names) <= 3:  # a kind or none, and two names
        raise click.UsageError("say the old name and the new one: forecast rename [KIND] OLD NEW")
    *kinds, old, new = names
    if kinds and kinds[0] not in KINDS:
        raise click.UsageError(f"'{kinds[0]}' is no kind of name; {choice('kinds', kinds[0], KINDS)}")
    return (kinds[0] if kinds else None), old, new


def _rename(root: Path, kind: str | None, old: str, new: str, command: str, *, yes: bool, as_json: bool) -> None:
    from forecast.commands.writing import right
    from forecast.ledger.renamed import told_in_ledger
    from forecast.lock import locked
    from forecast.together import replace_together
    from forecast.workspace.draft_renames import draft_rename
    from forecast.workspace.problems import WorkspaceProblems

    today = options.today()

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
        echo_json(_as_json(draft, is_wanted))
    else:
        click.echo(f"written: {', '.join(draft.contents)}" if is_wanted else "nothing written")


def _preview(draft: RenameDraft) -> Iterator[str]:
    from forecast.workspace.draft_renames import called

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


def _as_json(draft: RenameDraft, is_written: bool) -> dict[str, object]:
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
