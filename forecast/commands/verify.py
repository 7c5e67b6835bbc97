"""`forecast verify`: is every forecast still what was written?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forecast.verify import Verified

NOT_WHOLE = 1  # exit status
ALL = "all"


@click.command()
@options.workspace
@click.option(
    "--recompute",
    "lines",
    multiple=True,
    is_flag=False,
    flag_value="latest",
    metavar="[LINE]",
    help="Run a line's forecast again from its kept inputs, draws included: a number (default: the last), or all.",
)
@click.option("--since", metavar="REV", help="Every line that this git revision or a later commit has must be there.")
@options.as_json
def verify(root: Path, lines: tuple[str, ...], since: str | None, as_json: bool) -> None:
    """Check the ledger, the kept inputs and the files against what was written.

    Exit status 1: something is not as it was written. Notes alone (another version, another processor, lines of before
    inputs were kept) leave it at 0. Nothing is written.
    """
    from forecast.commands.progress import Progress
    from forecast.record.committed import NoHistoryError
    from forecast.record.verified import verified_chain
    from forecast.verify import NotRecomputableError
    from forecast.verify import verify as verified

    progress = Progress()
    try:
        again = _numbers(lines, [row.number for row in verified_chain(root).rows if "kept" in row.content])
        found = verified(root, options.today(), progress, since=since, again=again)
    except NoHistoryError as error:
        raise click.BadParameter(str(error), param_hint="--since") from error
    except NotRecomputableError as error:
        raise click.BadParameter(str(error), param_hint="--recompute") from error
    finally:
        progress.done()
    if as_json:
        click.echo(json.dumps(_plain(found), ensure_ascii=False, indent=1, allow_nan=False))
    else:
        _print(found)
    if not found.is_whole:
        raise click.exceptions.Exit(NOT_WHOLE)


def _numbers(lines: Sequence[str], known: Sequence[int]) -> list[int]:
    """Return the numbers of the lines that are meant. Raises NotRecomputableError."""
    from forecast.verify import NotRecomputableError

    numbers: list[int] = []
    for text in lines:
        if text == ALL:
            numbers += known
        elif text == "latest" and known:
            numbers.append(known[-1])
        elif text.isascii() and text.isdigit():
            numbers.append(int(text))
        else:
            msg = f"'{text}' names no line; write its number, latest, or {ALL}"
            raise NotRecomputableError(msg if known else "no line has kept inputs yet; the next update keeps its own")
    return list(dict.fromkeys(numbers))


def _plain(found: Verified) -> dict[str, Any]:
    return {
        "whole": found.is_whole,
        "lines": found.n_lines,
        "copies": found.n_copies,
        "contents": found.n_contents,
        "commits": found.n_commits,
        "recomputed": [
            {**asdict(run), "as_of": run.as_of.isoformat(), "same": run.is_same, "errors": _finite(run.errors)}
            for run in found.recomputed
        ],
        "findings": [
            {"path": one.where.path, "line": one.where.line, "kind": one.kind, "note": one.is_note, "what": one.what}
            for one in found.findings
        ],
    }


def _finite(value: float) -> float | None:
    return value if value < float("inf") else None


def _print(found: Verified) -> None:
    wrong = [one for one in found.findings if not one.is_note]
    for one in found.findings:
        click.secho(str(one), fg=None if one.is_note else "red")
    for run in found.recomputed:
        click.echo(f"run again: {run.words}")
    click.echo(f"ledger: {_counted(found.n_lines, 'line')}, {found.n_copies} with a kept copy")
    click.echo(f"kept inputs: {_counted(found.n_contents, 'content')}")
    if found.n_commits is not None:
        click.echo(f"history: {_counted(found.n_commits, 'commit')}")
    if wrong:
        click.secho(f"{_counted(len(wrong), 'thing')} not as written", bold=True)
    else:
        click.secho("everything is as it was written", bold=True)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
