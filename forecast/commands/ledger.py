"""`forecast log`, `merge` and `verify`: the updates so far, branches joined, and whether all is as it was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table as Grid
from rich.text import Text

from forecast.commands import running
from forecast.commands.readable import points, print_table, sparkline
from forecast.commands.running import echo_json, opened, said
from forecast.digits import percent
from forecast.ledger.differences import courses, history
from forecast.ledger.ledger import LEDGER, merge_files, merge_ledger, read_ledger
from forecast.ledger.line import called_today
from forecast.ledger.verified import NoHistoryError, verified_chain
from forecast.plain import as_data
from forecast.run_again import NotRecomputableError
from forecast.verify import verify as verified
from forecast.workspace.files import RENAMES
from forecast.workspace.read import read_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forecast.ledger.differences import ShareRow, UpdateRow
    from forecast.ledger.entries import Line
    from forecast.ledger.ledger import Ledger
    from forecast.verify import Verified


@click.command()
@running.workspace
@click.option("-n", "most", type=click.IntRange(min=1), metavar="N", help="Only the last N updates.")
@running.as_json
def log(root: Path, most: int | None, as_json: bool) -> None:
    """Print every update of the ledger, newest first: scenarios, what they changed by, and what was new."""

    ledger = _in_names_of_today(root, read_ledger(root))
    said(ledger)
    rows = history(ledger.updates)
    if not rows:
        msg = f"no update in {root / LEDGER} yet; run: forecast update -C {root}"
        raise click.ClickException(msg)
    first = 0 if most is None else max(0, len(rows) - most)
    if as_json:
        echo_json([_plain_update(row) for row in rows[first:]])
    else:
        _print_updates(rows[first:], ledger.updates[first:])


def _in_names_of_today(root: Path, ledger: Ledger) -> Ledger:
    """Return the ledger with the names that the workspace has, if its files say that any was changed and are right."""

    if not (root / RENAMES).exists():
        return ledger
    workspace, _ = read_workspace(root, today=running.today())
    return ledger if workspace is None else called_today(ledger, workspace)


def _plain_update(row: UpdateRow) -> dict[str, object]:
    scenarios = [{**scenario.share.as_json(), "change": scenario.change} for scenario in row.scenarios]
    return {**as_data(row), "scenarios": scenarios}


def _print_updates(rows: Sequence[UpdateRow], updates: Sequence[Line]) -> None:

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading, justify in (("line", "right"), ("as of", "left"), ("scenario", "left")):
        grid.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]  # a literal behind a loop
    grid.add_column("probability", justify="right", no_wrap=True)
    grid.add_column("change", justify="right", no_wrap=True)
    grid.add_column("what was new", overflow="fold")
    for row in reversed(rows):
        texts = [*row.news, *([f"note: {row.note}"] if row.note else [])]
        for place, (scenario, news) in enumerate(zip_longest(row.scenarios, texts)):
            left = (str(row.line), str(row.as_of)) if place == 0 else ("", "")
            grid.add_row(*map(Text, (*left, *_scenario(scenario), news or "")))
    print_table(grid)
    click.echo("change in percentage points since the latest line with other inputs that is not dated later")
    days, by_scenario = courses(updates)
    if len(days) > 1:
        _print_courses(days, by_scenario)


def _scenario(row: ShareRow | None) -> tuple[str, str, str]:
    if row is None:
        return "", "", ""
    share = row.share
    return share.id, percent(share.probability, share.mcse), points(row.change, share.mcse)


def _print_courses(days: Sequence[str], by_scenario: Mapping[str, Sequence[float | None]]) -> None:

    top = max(p for course in by_scenario.values() for p in course if p is not None)
    width = max(map(len, by_scenario))
    click.echo(
        f"\n{len(days)} as-of dates from {days[0]} to {days[-1]}, one column each; full height {percent(top, None)}"
    )
    for name, course in by_scenario.items():
        click.echo(f"{name:<{width}}  {sparkline(course, top)}")


@click.command()
@running.workspace
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

    if driver is not None:
        _, ours, theirs = driver
        click.echo(f"{LEDGER}: {merge_files(ours, theirs, running.today()).sentence}", err=True)
        return
    joined = merge_ledger(root, running.today())
    click.echo(joined.sentence if joined.ledger.entries else f"nothing to join: there is no {LEDGER} yet")
    if joined.solved:
        click.echo(f"next: git add {LEDGER}, and finish the merge with git")


NOT_WHOLE = 1  # exit status
ALL = "all"


@click.command()
@running.workspace
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
@running.as_json
def verify(root: Path, lines: tuple[str, ...], since: str | None, as_json: bool) -> None:
    """Check the ledger, the kept inputs and the files against what was written.

    Exit status 1: something is not as it was written. Notes alone (another version, another processor, lines of before
    inputs were kept) leave it at 0. Nothing is written.
    """

    try:
        with opened(root) as session:
            again = _numbers(lines, [row.number for row in verified_chain(root).rows if "kept" in row.content])
            result = verified(root, session.now, session.progress, since=since, again=again)
    except NoHistoryError as error:
        raise click.BadParameter(str(error), param_hint="--since") from error
    except NotRecomputableError as error:
        raise click.BadParameter(str(error), param_hint="--recompute") from error
    if as_json:
        echo_json(_plain(result))
    else:
        _print_verified(result)
    if not result.is_whole:
        raise click.exceptions.Exit(NOT_WHOLE)


def _numbers(lines: Sequence[str], known: Sequence[int]) -> list[int]:
    """Return the numbers of the lines that are meant. Raises NotRecomputableError."""

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


def _plain(verified: Verified) -> dict[str, object]:
    return {
        "whole": verified.is_whole,
        "lines": verified.n_lines,
        "copies": verified.n_copies,
        "contents": verified.n_contents,
        "commits": verified.n_commits,
        "recomputed": [
            {
                **asdict(run),
                "as_of": run.as_of.isoformat(),
                "same": run.is_same,
                "largest": _finite(run.largest),
                "errors": _finite(run.errors),
            }
            for run in verified.recomputed
        ],
        "findings": [
            {
                "path": finding.where.path,
                "line": finding.where.line,
                "kind": finding.kind,
                "note": finding.is_note,
                "what": finding.what,
            }
            for finding in verified.findings
        ],
    }


def _finite(value: float) -> float | None:
    return value if value < float("inf") else None


def _print_verified(verified: Verified) -> None:
    wrong = [finding for finding in verified.findings if not finding.is_note]
    for finding in verified.findings:
        click.secho(str(finding), fg=None if finding.is_note else "red")
    for run in verified.recomputed:
        click.echo(f"run again: {run.words}")
    click.echo(f"ledger: {_counted(verified.n_lines, 'line')}, {verified.n_copies} with a kept copy")
    click.echo(f"kept inputs: {_counted(verified.n_contents, 'content')}")
    if verified.n_commits is not None:
        click.echo(f"history: {_counted(verified.n_commits, 'commit')}")
    if wrong:
        click.secho(f"{_counted(len(wrong), 'thing')} not as written", bold=True)
    else:
        click.secho("everything is as it was written", bold=True)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
