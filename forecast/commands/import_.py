"""`forecast import`: somebody else's file as evidence or as a benchmark of a workspace, shown before it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import options
from forecast.commands.running import echo_json

if TYPE_CHECKING:
    from forecast.feeds.counted import Wanted
    from forecast.feeds.counted_item import Way
    from forecast.workspace.problems import Problem
    from forecast.workspace.records import Counts, Event, Workspace


@dataclass(frozen=True)
class Imported:
    """A file to be written, and the workspace that takes it in.

    `shown` is what is seen of its content, `more` is added to the JSON.
    """

    workspace: Workspace
    path: str
    content: bytes
    problems: Sequence[Problem]
    more: Mapping[str, Any]
    shown: str

    @property
    def contents(self) -> dict[str, bytes]:
        """Return the content of the file by its path."""
        return {self.path: self.content}


@dataclass(frozen=True)
class Shown:
    """How it is shown: `--yes` asks nothing, `--json` keeps stdout for one object."""

    yes: bool
    as_json: bool

    def write(self, root: Path, make: Callable[[], Imported]) -> None:
        """Show what `make` reads from the workspace, and write it if it is wanted."""
        from forecast.commands.writing import Files

        files = Files(root)
        found = make()
        if not self.as_json:
            click.echo(found.shown, nl=False)
        for problem in found.problems:
            click.echo(str(problem), err=True)
        is_wanted = self.yes or click.confirm(f"Write it to {found.path}?", default=True, err=self.as_json)
        if is_wanted:
            found = files.write(found, make)
        if self.as_json:
            told = {"path": found.path, "written": is_wanted, **found.more}
            told["problems"] = [str(one) for one in found.problems]
            echo_json(told)
        else:
            click.echo(f"written: {found.path}" if is_wanted else "nothing written")


def refuse_taken(root: Path, path: str) -> None:
    """Raise WorkspaceProblems where a file is there already."""
    from forecast.workspace.problems import Problem, Source, WorkspaceProblems

    if (root / path).exists():
        raise WorkspaceProblems(
            [Problem(Source(path, 1), "the file is there already", "", "remove or rename it first")]
        )


def known_event(event: str, events: Mapping[str, object]) -> None:
    """Raise UsageError for an event that the network does not hold."""
    from forecast.workspace.problems import choice

    if event not in events:
        msg = f"there is no event '{event}'; {choice('events', event, events)}"
        raise click.UsageError(msg)


NEEDED = {"first": "--from", "last": "--to", "source": "--source"}
OPTIONS = {
    **NEEDED, "where": "--where", "whole": "--whole", "way": "--as", "strength": "--strength", "item_id": "--id",
    "credibility": "--credibility", "group": "--group", "url": "--url", "reported": "--reported",
}  # fmt: skip


def import_counts(
    files: Sequence[tuple[str, bytes]], root: Path, form: str, event_id: str, given: dict[str, Any]
) -> Imported:
    """Count the incidents in files of one coder, by name and content; the state that the count means is an item.

    `given` are the options by the keys of `OPTIONS`. Raises UsageError and WorkspaceProblems; nothing is then written.
    """
    from forecast.feeds.coded_table import File
    from forecast.feeds.coders import CODERS
    from forecast.feeds.counted import count
    from forecast.feeds.counted_item import Filed, item_fields, state_problems, states_of
    from forecast.workspace.draft_items import draft_item, item_path
    from forecast.workspace.problems import Source, WorkspaceProblems
    from forecast.workspace.read import read_workspace

    _complete(form, given)
    today = options.today()
    workspace, before = read_workspace(root, today=today)
    if workspace is None:
        raise WorkspaceProblems(before)
    known_event(event_id, workspace.network.events)
    event, coder = workspace.network.events[event_id], CODERS[form]
    counts = _counts_of(event)
    wanted = _wanted(counts, given, today)
    read = [File(name, content) for name, content in files]
    counted = count(read, coder, wanted)
    if not counted.is_right:
        raise WorkspaceProblems(counted.problems)
    item_id = given["item_id"] or f"{form}-{event_id}-{wanted.last}"
    way: Way = given["way"] or "claims"
    path = item_path(str(wanted.reported), item_id)
    refuse_taken(root, path)
    states = states_of(event, counts, counted)
    problems = (*counted.problems, *state_problems(event, counted, states, way, Source(read[0].name, 1)))
    credibility = None if given["credibility"] is None else str(given["credibility"])
    filed = Filed(item_id, given["source"], credibility, given["group"], given["url"], way, given["strength"])
    fields, bearing = item_fields(coder, event, counts, counted, wanted, filed, read)
    draft = draft_item(root, path, fields, [bearing], None, today, before)
    problems = (*problems, *draft.problems)
    if draft.workspace is None or any(problem.severity == "error" for problem in problems):
        raise WorkspaceProblems(problems)
    numbers = {bound: {"count": getattr(counted, bound), "state": state} for bound, state in states.items()}
    more = {"items": 1, "of": counts.of, **numbers}
    return Imported(draft.workspace, path, draft.contents[path], problems, more, draft.added)


def _complete(form: str, given: dict[str, Any]) -> None:
    missing = [name for key, name in NEEDED.items() if given[key] is None]
    if missing:
        msg = f"--format {form} needs {', '.join(missing)}"
        raise click.UsageError(msg)
    if (given["strength"] is None) == (given["way"] == "support"):
        msg = "--strength goes with --as support, and --as support with --strength"
        raise click.UsageError(msg)
    if given["last"] < given["first"]:
        msg = f"the window ends on {given['last']}, before it begins on {given['first']}"
        raise click.UsageError(msg)


def _counts_of(event: Event) -> Counts:
    from forecast.workspace.problems import Problem, WorkspaceProblems

    if event.counts is None:
        what = f"event '{event.id}' does not say which counts mean which state"
        allowed = f"counts: {{of: fatalities, window_days: 30, states: {{{event.states[-1]}: 100}}}}"
        raise WorkspaceProblems([Problem(event.source, what, "", allowed)])
    return event.counts


def _wanted(counts: Counts, given: dict[str, Any], today: date) -> Wanted:
    from forecast.feeds.conditions import condition
    from forecast.feeds.counted import Wanted

    days = (given["last"] - given["first"]).days + 1
    if days != counts.window_days:
        msg = (
            f"from {given['first']} to {given['last']} are {days} days; the event's counts are of {counts.window_days}"
        )
        raise click.UsageError(msg)
    try:
        conditions = tuple(map(condition, given["where"]))
    except ValueError as error:
        msg = f"--where: {error}"
        raise click.UsageError(msg) from error
    return Wanted(counts.of, given["first"], given["last"], given["reported"] or today, conditions, given["whole"])


SHOWN_ROWS = 5  # at either end of a long series


def import_benchmark(
    content: bytes, file: str, root: Path, *, form: str, benchmark_id: str, question: str | None, name: str | None
) -> Imported:
    """Read the last value of each day from a file's content, as `priors/benchmarks/ID.csv` beside what that holds.

    Raises UsageError and WorkspaceProblems.
    """
    from forecast.feeds.crowds import CROWDS, read_points
    from forecast.feeds.series import as_csv, last_of_days, merged
    from forecast.workspace.files import BENCHMARKS, TABLE
    from forecast.workspace.problems import Problem, Source, WorkspaceProblems
    from forecast.workspace.read import load
    from forecast.workspace.read_benchmarks import read_benchmark
    from forecast.workspace.shapes.common import NAME_PATTERN

    if not re.fullmatch(NAME_PATTERN, benchmark_id):
        msg = f"--id '{benchmark_id}': letters, digits, '_', '.' and '-', beginning with a letter or digit"
        raise click.UsageError(msg)
    forecaster = (form if name is None else name).strip()
    if not forecaster:
        msg = "--name is empty"
        raise click.UsageError(msg)
    now = datetime.now(UTC)
    path = f"{BENCHMARKS}{benchmark_id}{TABLE}"
    workspace = load(root, now.date())
    problems = _unnamed(workspace, question, benchmark_id)
    points, wrong = read_points(content, file, CROWDS[form], now.timestamp())
    new, twice = last_of_days(points, now.date())
    before = None
    if (root / path).exists():
        before, more = read_benchmark((root / path).read_bytes(), path, now.date())
        wrong += more
    rows, changed = merged(before, forecaster, new)
    wrong += (*twice, *changed)
    if not new and not wrong:
        wrong = (Problem(Source(file, 1), "no value from before today", "", "a day counts once it is over (UTC)"),)
    if wrong:
        raise WorkspaceProblems(wrong)
    table = as_csv(rows)
    numbers = {"rows": len(rows), "new": len(rows) - len(before.points if before else ())}
    return Imported(workspace, path, table, problems, numbers, _ends(table.decode()))


def _unnamed(workspace: Workspace, question: str | None, benchmark_id: str) -> tuple[Problem, ...]:
    """Return a warning where the question does not name the benchmark. Raises UsageError for an unknown question."""
    from forecast.workspace.problems import Problem, choice

    if question is None:
        return ()
    known = {one.id: one for one in workspace.questions}
    if question not in known:
        msg = f"there is no question '{question}'; {choice('questions', question, known)}"
        raise click.UsageError(msg)
    if benchmark_id in known[question].benchmarks:
        return ()
    what = f"question '{question}' does not name the benchmark '{benchmark_id}'"
    return (Problem(known[question].source, what, "", f"benchmarks: [{benchmark_id}]", "warning"),)


def _ends(text: str) -> str:
    lines = text.splitlines(keepends=True)
    left = len(lines) - 1 - 2 * SHOWN_ROWS
    if left < 2:
        return text
    return "".join((*lines[: 1 + SHOWN_ROWS], f"... {left} more rows\n", *lines[-SHOWN_ROWS:]))


CODED = ("acled", "gdelt", "ucdp-ged", "ucdp-candidate")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
YES = click.option("--yes", is_flag=True, help="Ask nothing; write it if it is right.")


@click.group("import")
def import_() -> None:
    """Bring somebody else's file into a workspace, checked before anything is written."""


@import_.command()
@click.argument("file", type=FILE, nargs=-1, required=True)
@options.workspace
@click.option("--format", "form", type=click.Choice(["ach", *CODED]), required=True, help="What the files hold.")
@click.option("--event", metavar="EVENT", help="Which event it bears on (a matrix without one: the scenarios).")
@click.option("--from", "first", type=options.DATE, metavar="DATE", help="First day of the window that is counted.")
@click.option("--to", "last", type=options.DATE, metavar="DATE", help="Last day of the window.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Count these rows alone; may be repeated.")
@click.option("--whole", is_flag=True, help="The files hold all of the window, also where they have no rows.")
@click.option("--as", "way", type=click.Choice(["claims", "settled", "support"]), help="What the count is to be.")
@click.option("--strength", metavar="WORD", help="Of --as support: slight, moderate, strong or very_strong.")
@click.option("--source", metavar="ID", help="Who counted, an id of evidence/sources.yaml.")
@click.option("--credibility", type=click.IntRange(1, 6), metavar="1-6", help="Of the count (default: 6).")
@click.option("--reported", type=options.DATE, metavar="DATE", help="Since when it is public (default: today, UTC).")
@click.option("--group", metavar="NAME", help="Shared by items that copy each other.")
@click.option("--url", metavar="URL", help="Where the files come from.")
@click.option("--id", "item_id", metavar="ID", help="Of the item (default: FORMAT-EVENT-DATE).")
@YES
@options.as_json
def evidence(
    file: tuple[Path, ...], root: Path, form: str, event: str | None, yes: bool, as_json: bool, **given: Any
) -> None:
    """Write FILE as evidence: an ACH matrix, items by states or scenarios, or incidents counted over a window of days.

    Files of one coder are counted together. Nothing is written if there is a problem.
    """
    from forecast.workspace.outside import read_outside

    if form != "ach":
        if event is None:
            msg = f"--format {form} needs --event: incidents are counted for one event"
            raise click.UsageError(msg)
        read = [(one.name, read_outside(one, one.name)) for one in file]  # once: it may be a pipe
        counted_for = event
        Shown(yes, as_json).write(root, lambda: import_counts(read, root, form, counted_for, given))
        return
    said = [name for key, name in OPTIONS.items() if given[key] not in (None, (), False)]
    if said or len(file) > 1:
        msg = f"{', '.join(said) or 'several files'}: not with --format ach, where one file says all"
        raise click.UsageError(msg)
    content = read_outside(file[0], file[0].name)  # once: it may be a pipe
    Shown(yes, as_json).write(root, lambda: _matrix(file[0], content, root, event))


def _matrix(file: Path, content: bytes, root: Path, event: str | None) -> Imported:
    from forecast.feeds.ach import path_of, read_matrix
    from forecast.workspace.problems import Problem, Source, WorkspaceProblems
    from forecast.workspace.read import load, read_workspace

    today = options.today()
    workspace = load(root, today)
    if event is not None:
        known_event(event, workspace.network.events)
    matrix = read_matrix(content, file.name, event, workspace.network, workspace.scenarios)
    if not matrix.text:
        empty = Problem(Source(file.name, 1), "no items", "a header alone", "one row an item")
        raise WorkspaceProblems(matrix.problems or [empty])
    path = path_of(file.stem, today)
    refuse_taken(root, path)
    text = matrix.text.encode()
    _, before = read_workspace(root, today=today)
    checked, problems = read_workspace(root, today=today, drafts={path: text})
    new = [matrix.placed(problem, path, file.name) for problem in problems if problem not in before]
    if checked is None or matrix.problems:
        raise WorkspaceProblems({*new, *matrix.problems})
    return Imported(checked, path, text, new, {"items": len(matrix.lines)}, matrix.text)


@import_.command()
@click.argument("file", type=FILE)
@options.workspace
@click.option(
    "--format",
    "form",
    type=click.Choice(["metaculus", "polymarket", "manifold"]),
    required=True,
    help="What the file holds.",
)
@click.option("--id", "benchmark_id", required=True, metavar="ID", help="Of the benchmark: priors/benchmarks/ID.csv.")
@click.option("--question", metavar="ID", help="The question that it is about, which has to name the benchmark.")
@click.option("--name", metavar="TEXT", help="Who forecast (default: the format).")
@YES
@options.as_json
def benchmark(file: Path, root: Path, yes: bool, as_json: bool, **given: Any) -> None:
    """Write a crowd's or market's history in FILE as a benchmark series: the last value of each day, in UTC.

    It is shown and scored beside the forecast and is no evidence. Nothing is written if there is a problem.
    """
    from forecast.workspace.outside import read_outside

    content = read_outside(file, file.name)  # once: it may be a pipe
    Shown(yes, as_json).write(root, lambda: import_benchmark(content, file.name, root, **given))
