"""`forecast log`, `merge` and `verify`: the updates so far, branches joined, and whether all is as it was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options
from forecast.commands.readable import points
from forecast.commands.running import echo_json, opened, said
from forecast.digits import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forecast.ledger.ledger import Ledger
    from forecast.verify import Verified


@click.command()
@options.workspace
@click.option("-n", "most", type=click.IntRange(min=1), metavar="N", help="Only the last N updates.")
@options.as_json
def log(root: Path, most: int | None, as_json: bool) -> None:
    """Print every update of the ledger, newest first: scenarios, what they changed by, and what was new."""
    from forecast.ledger.differences import history
    from forecast.ledger.ledger import LEDGER, read_ledger

    ledger = _in_names_of_today(root, read_ledger(root))
    said(ledger)
    rows = history(ledger.updates)
    if not rows:
        msg = f"no update in {root / LEDGER} yet; run: forecast update -C {root}"
        raise click.ClickException(msg)
    shown = rows if most is None else rows[-most:]
    if as_json:
        echo_json(shown)
    else:
        _print_updates(shown)


def _in_names_of_today(root: Path, ledger: Ledger) -> Ledger:
    """Return the ledger with the names that the workspace has, if its files say that any was changed and are right."""
    from forecast.ledger.renamed import called_today
    from forecast.workspace.files import RENAMES
    from forecast.workspace.read import read_workspace

    if not (root / RENAMES).exists():
        return ledger
    workspace, _ = read_workspace(root, today=options.today())
    return ledger if workspace is None else called_today(ledger, workspace)


def _print_updates(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    from forecast.ledger.differences import courses

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading, justify in (("line", "right"), ("as of", "left"), ("scenario", "left")):
        grid.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]  # a literal behind a loop
    grid.add_column("probability", justify="right", no_wrap=True)
    grid.add_column("change", justify="right", no_wrap=True)
    grid.add_column("what was new", overflow="fold")
    for row in reversed(rows):
        told = [*row["news"], *([f"note: {row['note']}"] if row["note"] else [])]
        for place, (scenario, news) in enumerate(zip_longest(row["scenarios"], told)):
            left = (str(row["line"]), row["as_of"]) if place == 0 else ("", "")
            grid.add_row(*map(Text, (*left, *_scenario(scenario), news or "")))
    console = Console(highlight=False, soft_wrap=False)
    console.print(grid)
    click.echo("change in percentage points since the latest line with other inputs that is not dated later")
    days, found = courses(rows)
    if len(days) > 1:
        _print_courses(days, found)


def _scenario(row: Mapping[str, Any] | None) -> tuple[str, str, str]:
    if row is None:
        return "", "", ""
    error = row.get("mcse")  # older lines have none
    return row["id"], percent(row["probability"], error), points(row["change"], error)


def _print_courses(days: Sequence[str], found: Mapping[str, Sequence[float | None]]) -> None:
    from forecast.commands.readable import sparkline

    top = max(p for course in found.values() for p in course if p is not None)
    width = max(map(len, found))
    click.echo(
        f"\n{len(days)} as-of dates from {days[0]} to {days[-1]}, one column each; full height {percent(top, None)}"
    )
    for name, course in found.items():
        click.echo(f"{name:<{width}}  {sparkline(course, top)}")


@click.command()
@options.workspace
@click.option(
    "--driver",
    nargs=3,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="%O %A %B",
    help="Be git's merge driver: join the files A and B of which O is the base, into A.",
)
def merge(root: Path, driver: tuple[Path, Path, Path] | None) -> None:
    """Join the branches of a ledger that git has put into one file, also one with conflict markers.

    Every line stays as it is; a line behind them names the last ones of both branches. With nothing to join nothing is
    written. With --driver no workspace is needed: git calls it so, see docs/workspace.md.

    Exit status: 0 joined, or nothing to join; 1 the lines are no proper ledger, and nothing was written.
    """
    from forecast.ledger.ledger import LEDGER, merge_files, merge_ledger

    if driver is not None:
        _, ours, theirs = driver
        click.echo(f"{LEDGER}: {merge_files(ours, theirs, options.today()).sentence}", err=True)
        return
    joined = merge_ledger(root, options.today())
    click.echo(joined.sentence if joined.ledger.entries else f"nothing to join: there is no {LEDGER} yet")
    if joined.solved:
        click.echo(f"next: git add {LEDGER}, and finish the merge with git")


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
    from forecast.ledger.committed import NoHistoryError
    from forecast.ledger.verified import verified_chain
    from forecast.run_again import NotRecomputableError
    from forecast.verify import verify as verified

    try:
        with opened(root) as session:
            again = _numbers(lines, [row.number for row in verified_chain(root).rows if "kept" in row.content])
            found = verified(root, session.now, session.progress, since=since, again=again)
    except NoHistoryError as error:
        raise click.BadParameter(str(error), param_hint="--since") from error
    except NotRecomputableError as error:
        raise click.BadParameter(str(error), param_hint="--recompute") from error
    if as_json:
        echo_json(_plain(found))
    else:
        _print_verified(found)
    if not found.is_whole:
        raise click.exceptions.Exit(NOT_WHOLE)


def _numbers(lines: Sequence[str], known: Sequence[int]) -> list[int]:
    """Return the numbers of the lines that are meant. Raises NotRecomputableError."""
    from forecast.run_again import NotRecomputableError

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
            {
                **asdict(run),
                "as_of": run.as_of.isoformat(),
                "same": run.is_same,
                "largest": _finite(run.largest),
                "errors": _finite(run.errors),
            }
            for run in found.recomputed
        ],
        "findings": [
            {"path": one.where.path, "line": one.where.line, "kind": one.kind, "note": one.is_note, "what": one.what}
            for one in found.findings
        ],
    }


def _finite(value: float) -> float | None:
    return value if value < float("inf") else None


def _print_verified(found: Verified) -> None:
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
