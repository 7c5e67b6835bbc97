"""`forecast check`: every mistake in the files of a workspace, and on request what the network says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from math import exp, isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.table import Table as Grid
from rich.text import Text
from rich.tree import Tree

from forecast.commands import running
from forecast.commands.running import Progress, as_text, echo_json, opened
from forecast.cpt import DEFAULT
from forecast.digits import share
from forecast.inference.engine import TooLargeError
from forecast.networks.answer import ContradictingFindingsError, Finding, answer
from forecast.networks.formats import read_network
from forecast.pipeline import check as checked
from forecast.sampling.statements import in_words
from forecast.store import entries
from forecast.workspace.family_sizes import MANY_ROWS, size_in
from forecast.workspace.problems import choice, one_form, shown
from forecast.workspace.records import DatedCondition, events_of
from forecast.workspace.unspoken import unspoken_rows

if TYPE_CHECKING:
    from rich.tree import Tree

    from forecast.networks.answer import Answer, Finding
    from forecast.networks.network import DiscreteNetwork
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
    if as_json:
        echo_json(_check_as_json(workspace, problems, with_network), 2)
    else:
        for problem in problems:
            click.echo(str(problem))
        if with_network and workspace is not None:
            _print_network(workspace)
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


def _check_as_json(workspace: Workspace | None, problems: Sequence[Problem], with_network: bool) -> dict[str, object]:
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
            }
            for event in workspace.network.events.values()
        ]
    return result


def _print_network(workspace: Workspace) -> None:

    Console(highlight=False).print(_tree(workspace))


def _tree(workspace: Workspace) -> Tree:

    network = workspace.network
    tree = Tree(Text(f"{network.title}: {network.opens} to {network.horizon}", style="bold"))
    for event in network.events.values():
        branch = tree.add(Text.assemble((event.id, "bold"), f"  {event.kind}, {event.role}"))
        for line in _lines(workspace, event):
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
    Console(highlight=False, soft_wrap=False).print(grid)


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


# `forecast query`: ask any discrete network in a file of a known format.

SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)B?", re.IGNORECASE)
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class _Bytes(click.ParamType[int]):
    """A size such as 500MB or 2GB, in bytes."""

    name = "size"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = SIZE.fullmatch(str(value).strip())
        size = int(float(found[1]) * 1000 ** POWERS[found[2].lower()]) if found else 0
        if size <= 0:
            self.fail(f"got '{value}'; a size is a number above 0 with kB, MB, GB or TB, such as 2GB", param, ctx)
        return size


@click.command()
@click.argument("network", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--observe", "observed", multiple=True, metavar="X=a", help="Variable X is in state a.")
@click.option(
    "--likelihood",
    "likelihoods",
    multiple=True,
    metavar="X=0.8,0.1",
    help="Virtual evidence on X: P(report | state) for each state, in the order of the file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the natural log of P(evidence) and all marginals as JSON.")
@click.option(
    "--memory",
    type=_Bytes(),
    metavar="SIZE",
    help="How much memory tables may take, as 2GB; default: half of what is free.",
)
def query(
    network: Path, observed: Sequence[str], likelihoods: Sequence[str], as_json: bool, memory: int | None
) -> None:
    """Compute P(evidence) and the marginal of every variable of NETWORK, such as a BIF file, exactly.

    An argument splits at its first '='. Both options may be given many times.
    """

    read = read_network(network)
    for warning in read.warnings:
        click.echo(str(warning), err=True)
    findings = [_observation(text, read) for text in observed] + [_likelihood(text, read) for text in likelihoods]
    progress = Progress(after_seconds=2.0)
    try:
        posterior = answer(read, findings, progress, memory)
    except ContradictingFindingsError as impossible:
        labels = ", ".join(f"'{finding.label}'" for finding in impossible.findings)
        clash = "contradict each other" if len(impossible.findings) > 1 else "is impossible in this network"
        raise click.ClickException(f"the evidence has probability zero: {labels} {clash}") from None
    except TooLargeError as dense:
        way_out = "allow more with --memory, or observe more variables"
        raise click.ClickException(f"{network}: {dense}; {way_out}") from None
    finally:
        progress.done()
    if as_json:
        click.echo(_answer_as_json(posterior, read))
    else:
        _print_table(posterior, read, findings)


def _observation(text: str, network: DiscreteNetwork) -> Finding:

    variable, state = _split(text, network, "--observe")
    states = network.states[variable]
    if state not in states:
        raise click.BadParameter(
            f"'{text}': variable '{variable}' has no state {shown(state)}; {choice('states', state, states)}",
            param_hint="--observe",
        )
    return Finding(variable, tuple(float(known == state) for known in states), text)


def _likelihood(text: str, network: DiscreteNetwork) -> Finding:

    variable, listed = _split(text, network, "--likelihood")
    states = network.states[variable]
    try:
        numbers = tuple(float(number) for number in listed.split(","))
    except ValueError:
        numbers = ()
    fit = len(numbers) == len(states) and all(isfinite(number) and number >= 0.0 for number in numbers)
    if not fit or not any(numbers):
        needed = f"{len(states)} numbers, none negative and not all zero, for {', '.join(states)}"
        raise click.BadParameter(f"'{text}': got '{listed}'; '{variable}' takes {needed}", param_hint="--likelihood")
    return Finding(variable, numbers, text)


def _split(text: str, network: DiscreteNetwork, option: str) -> tuple[str, str]:
    variable, equals, value = one_form(text).partition("=")
    if not equals:
        raise click.BadParameter(f"'{text}' has no '='; write VARIABLE=VALUE", param_hint=option)
    if variable not in network.states:
        known = choice("variables", variable, network.names)
        raise click.BadParameter(f"'{text}': unknown variable {shown(variable)}; {known}", param_hint=option)
    return variable, value


def _answer_as_json(posterior: Answer, network: DiscreteNetwork) -> str:
    marginals = {
        name: dict(zip(network.states[name], posterior.marginals[name].tolist(), strict=True)) for name in network.names
    }
    answered = {"log_evidence": posterior.log_evidence, "marginals": marginals}
    return as_text(answered, 2)


def _print_table(posterior: Answer, network: DiscreteNetwork, findings: Sequence[Finding]) -> None:

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("variable", "probabilities", "evidence"):
        table.add_column(heading, overflow="fold")
    for name in network.names:
        chances = posterior.marginals[name].tolist()
        is_certain = sum(p > 0.0 for p in chances) == 1
        shown_chances = (_digits(p, is_certain=is_certain) for p in chances)
        labels = Counter(finding.label for finding in findings if finding.variable == name)
        row = (
            name,
            "  ".join(map(" ".join, zip(network.states[name], shown_chances, strict=True))),
            "  ".join(label if times == 1 else f"{times} times {label}" for label, times in labels.items()),
        )
        table.add_row(*map(Text, row))
    console = Console()
    console.print(table)
    if findings:
        # Likelihoods may be scaled above one; and a double holds no probability below exp(-700).
        p_evidence = (
            f" (probability {exp(posterior.log_evidence):.4g})" if -700.0 < posterior.log_evidence <= 0.0 else ""
        )
        console.print(f"\nlog evidence {posterior.log_evidence:.6g}{p_evidence}", highlight=False)


def _digits(probability: float, *, is_certain: bool = True) -> str:
    """Four decimals, and never 0 or 1 for what is only near: a double may be 1 though another state is possible."""
    if probability in {0.0, 1.0}:
        return f"{probability:.0f}" if is_certain or not probability else share(1.0 - 1e-9, 4)
    return share(probability, 4)
