"""`forecast check`: every mistake in the files of a workspace, and on request what the network says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text
from rich.tree import Tree

from forecast.commands import running
from forecast.commands.readable import print_table
from forecast.commands.running import echo_json, opened
from forecast.cpt import DEFAULT
from forecast.pipeline import check as checked
from forecast.pipeline import steps_implied
from forecast.sampling.statements import in_words
from forecast.store import entries
from forecast.workspace.family_sizes import MANY_ROWS, size_in
from forecast.workspace.records import DatedCondition, events_of
from forecast.workspace.unspoken import unspoken_rows

if TYPE_CHECKING:
    from rich.tree import Tree

    from forecast.analysis.next_step import NextStep
    from forecast.store.entries import StoredEntry
    from forecast.workspace.problems import Problem
    from forecast.workspace.records import Event, Workspace
    from forecast.workspace.unspoken import Unspoken


@click.command()
@running.workspace
@click.option(
    "--network", "with_network", is_flag=True, help="Print the events with their parents, statements and items."
)
@running.as_json
def check(root: Path, with_network: bool, as_json: bool) -> None:
    """Report every mistake in the workspace's files, one line each: path:line: what; got; allowed.

    Exit status: 0 no errors (there may be warnings), 1 errors, 2 wrong usage.
    """

    with opened(root) as session:
        workspace, problems = checked(session)
        steps = steps_implied(session, workspace) if with_network and workspace is not None else ()
    if as_json:
        echo_json(_check_as_json(workspace, problems, steps, with_network=with_network), 2)
    else:
        for problem in problems:
            click.echo(str(problem))
        if with_network and workspace is not None:
            _print_network(workspace, steps)
    click.echo(_summary(workspace, problems), err=True)
    if workspace is not None and (note := _note(workspace)):
        click.echo(note, err=True)
    if workspace is None:
        raise click.exceptions.Exit(1)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _summary(workspace: Workspace | None, problems: Sequence[Problem]) -> str:
    errors = sum(problem.severity == "error" for problem in problems)
    counts = f"{_count(errors, 'error')}, {_count(len(problems) - errors, 'warning')}"
    if workspace is None:
        return counts
    parts = (
        _count(len(workspace.network.events), "event"),
        _count(len(workspace.scenarios), "scenario"),
        _count(len(workspace.statements), "statement"),
        _count(len(workspace.items), "evidence item"),
    )
    return f"{', '.join(parts)}: {counts}"


def _note(workspace: Workspace) -> str:
    """Say how many rows of tables no statement is conditioned on, if there are any."""
    events = [one for event in workspace.network.events.values() if (one := _unspoken(workspace, event)) and one.rows]
    rows = _count(sum(len(one.rows) for one in events), "row")
    return f"nobody spoke about {rows} of {_count(len(events), 'event')}: --network lists them" if events else ""


def _about(workspace: Workspace, event: Event) -> tuple[list[str], list[str]]:
    """Return the ids of the statements and of the items that speak about an event."""

    statements = [s.id for s in workspace.statements if s.about.condition and s.about.condition.event == event.id]
    items = [item.id for item in workspace.items if any(event.id in events_of(part) for part in item.bears_on)]
    return statements, items


def _check_as_json(
    workspace: Workspace | None, problems: Sequence[Problem], steps: Sequence[NextStep], *, with_network: bool
) -> dict[str, object]:
    listed = [
        {
            "path": problem.source.path,
            "line": problem.source.line,
            "severity": problem.severity,
            "what": problem.what,
            "got": problem.got,
            "allowed": problem.allowed,
        }
        for problem in problems
    ]
    result: dict[str, object] = {"ok": workspace is not None, "problems": listed}
    if with_network and workspace is not None:
        result["events"] = [
            {
                "id": event.id,
                "kind": event.kind,
                "role": event.role,
                "states": event.states,
                "parents": event.parents,
                "raises": event.raises,
                "lowers": event.lowers,
                "unspoken_rows": found.rows if (found := _unspoken(workspace, event)) else (),
                "cpt": {"kind": event.cpt.kind, "leak": event.cpt.leak},
                "timing": None if event.timing is None else str(event.timing),
                "requires": {one.state: str(one) for one in event.requires},
                "size": asdict(size_in(workspace, event)),
                "statements": _about(workspace, event)[0],
                "items": _about(workspace, event)[1],
                "next_steps": [asdict(step) for step in steps if step.event == event.id],
            }
            for event in workspace.network.events.values()
        ]
    return result


def _print_network(workspace: Workspace, steps: Sequence[NextStep]) -> None:

    Console(highlight=False).print(_tree(workspace, steps))


def _tree(workspace: Workspace, steps: Sequence[NextStep]) -> Tree:

    network = workspace.network
    tree = Tree(Text(f"{network.title}: {network.opens} to {network.horizon}", style="bold"))
    for event in network.events.values():
        branch = tree.add(Text.assemble((event.id, "bold"), f"  {event.kind}, {event.role}"))
        for line in (*_lines(workspace, event), *(str(step) for step in steps if step.event == event.id)):
            branch.add(Text(line))
    rules = tree.add(Text("scenarios, the first that matches", style="bold"))
    for scenario in workspace.scenarios:
        conditions = "; ".join(f"{c.event} is {' or '.join(c.states)}" for c in scenario.when)
        rules.add(Text.assemble((scenario.id, "bold"), f"  {conditions}"))
    rules.add(Text.assemble(("other", "bold"), "  where none of these matches"))
    return tree


def _cpt(event: Event) -> str:
    return f"{event.cpt.kind}, {event.cpt.leak} leak" if event.cpt.leak else event.cpt.kind


def _in_time(workspace: Workspace, names: Sequence[str]) -> list[tuple[str, str]]:
    """Return what is read of each statement with a condition that has a time of its own."""

    return [
        (one.id, in_words(one, workspace.network))
        for one in workspace.statements
        if one.id in names and any(isinstance(when, DatedCondition) for when in one.about.given)
    ]


def _lines(workspace: Workspace, event: Event) -> list[str]:

    statements, items = _about(workspace, event)
    states = " < ".join(event.states) if event.kind == "reached" else " | ".join(event.states)
    lines = [event.question, f"states: {states}"]
    if event.initial is not None:
        lines[-1] += f"; {event.initial} at the opening, kept for {event.persistence_days:g} days on average"
    lines += [f"parents: {', '.join(event.parents)}"] if event.parents else []
    for key, named in (("raises", event.raises), ("lowers", event.lowers)):
        lines += [f"{key} it: {', '.join(named)}"] if named else []
    lines += [f"cpt: {_cpt(event)}"] if event.cpt.kind != DEFAULT else []
    lines += [f"timing: {event.timing}"] if event.timing else []
    lines += event.needs()
    size = size_in(workspace, event)
    lines += [f"size: {size}"] if size.rows >= MANY_ROWS else []
    lines += [f"statements: {', '.join(statements)}"] if statements else []
    lines += [f"{said} is read as {words}" for said, words in _in_time(workspace, statements)]
    lines += [f"evidence: {', '.join(items)}"] if items else []
    if (unspoken := _unspoken(workspace, event)) and unspoken.rows:
        lines.append(str(unspoken))
    return lines


def _unspoken(workspace: Workspace, event: Event) -> Unspoken | None:
    """Return the rows that nobody spoke about; None for an event without parents, whose one row is its marginal."""

    return unspoken_rows(event, workspace.network.events, workspace.statements) if event.parents else None


# `forecast cache`: what is kept below reports/.cache, and how it is pruned.


@click.command()
@running.workspace
@click.option("--prune", is_flag=True, help="Remove entries of older code, and entries beyond the bound of 2 GB.")
@click.option("--all", "everything", is_flag=True, help="Remove every entry.")
@running.as_json
def cache(root: Path, prune: bool, everything: bool, as_json: bool) -> None:
    """List what is cached. The cache saves time and changes no number."""

    folder = root / "reports" / ".cache"
    gone = entries.prune(folder, everything=everything) if prune or everything else []
    left = entries.listed(folder)
    if as_json:
        table = {"folder": str(folder), "bound": entries.BOUND, "entries": _rows(left), "removed": _rows(gone)}
        echo_json(table)
        return
    if left:
        _print(left)
    click.echo(f"{_counted(left)} in {folder}; the bound is {_size(entries.BOUND)}")
    if prune or everything:
        click.echo(f"removed: {_counted(gone)}")


def _rows(entries: Sequence[StoredEntry]) -> list[dict[str, object]]:
    return [
        {
            "kind": entry.kind,
            "made": entry.made or None,
            "bytes": entry.n_bytes,
            "used": datetime.fromtimestamp(entry.used, UTC).isoformat(timespec="seconds"),
            "code": _code(entry),
            "path": str(entry.path),
        }
        for entry in entries
    ]


def _print(entries: Sequence[StoredEntry]) -> None:

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("kind", "made (UTC)"):
        grid.add_column(heading, no_wrap=True)
    grid.add_column("size", justify="right", no_wrap=True)
    for heading in ("last used (UTC)", "code"):
        grid.add_column(heading, no_wrap=True)
    for entry in entries:
        made = _minute(datetime.fromisoformat(entry.made)) if entry.made else "-"
        used = _minute(datetime.fromtimestamp(entry.used, UTC))
        grid.add_row(*map(Text, (entry.kind, made, _size(entry.n_bytes), used, _code(entry))))
    print_table(grid)


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", timespec="minutes")


def _code(entry: StoredEntry) -> str:
    return "this" if entry.is_current else "older"


def _counted(entries: Sequence[StoredEntry]) -> str:
    what = "1 entry" if len(entries) == 1 else f"{len(entries)} entries"
    return f"{what}, {_size(sum(entry.n_bytes for entry in entries))}"


def _size(n_bytes: int) -> str:
    """Write a size with three digits: 12.3 MB."""
    size = float(n_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000.0:
            return f"{size:.3g} {unit}"
        size /= 1000.0
    return f"{size:.3g} GB"
