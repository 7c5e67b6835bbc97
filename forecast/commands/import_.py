"""`forecast import`: somebody else's file as evidence or as a benchmark of a workspace, shown before it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.commands import running
from forecast.commands.running import Files
from forecast.workspace.drafts import draft_item, item_path
from forecast.workspace.evidence_forms.support import DECIBANS
from forecast.workspace.feeds import ItemsFeed, feeds, feeds_of, names
from forecast.workspace.feeds.coded_table import Coder, File, condition
from forecast.workspace.feeds.counted import Filed, Wanted, count, item_fields, state_problems, states_of
from forecast.workspace.feeds.histories import (
    Crowd,
    HistorySelection,
    Pages,
    Point,
    as_csv,
    last_of_days,
    merged,
    read_points,
)
from forecast.workspace.files import BENCHMARKS, TABLE, read_outside
from forecast.workspace.nodes import NAME_PATTERN
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, choice
from forecast.workspace.read import load, read_workspace
from forecast.workspace.read_benchmarks import read_benchmark
from forecast.workspace.records import CANNOT_BE_JUDGED as LEAST

if TYPE_CHECKING:
    from forecast.workspace.feeds.counted import Wanted, Way
    from forecast.workspace.problems import Problem
    from forecast.workspace.records import Counts, Event, Workspace


# What `forecast import` would write: shown, asked about, written, and reported.


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

        files = Files(root)
        imported = make()
        if not self.as_json:
            click.echo(imported.shown, nl=False)
        for problem in imported.problems:
            click.echo(str(problem), err=True)
        is_wanted = self.yes or click.confirm(f"Write it to {imported.path}?", default=True, err=self.as_json)
        if is_wanted:
            imported = files.write(imported, make)
        if self.as_json:
            summary = {"path": imported.path, "written": is_wanted, **imported.more}
            summary["problems"] = [str(problem) for problem in imported.problems]
            click.echo(json.dumps(summary, ensure_ascii=False, indent=1))
        else:
            click.echo(f"written: {imported.path}" if is_wanted else "nothing written")


def refuse_taken(root: Path, path: str) -> None:
    """Raise WorkspaceProblems where a file is there already."""

    if (root / path).exists():
        raise WorkspaceProblems(
            [Problem(Source(path, 1), "the file is there already", "", "remove or rename it first")]
        )


def known_event(event: str, events: Mapping[str, object]) -> None:
    """Raise UsageError for an event that the network does not hold."""

    if event not in events:
        msg = f"there is no event '{event}'; {choice('events', event, events)}"
        raise click.UsageError(msg)


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
STRENGTHS = f"{', '.join(list(DECIBANS)[:-1])} or {list(DECIBANS)[-1]}"
CREDIBILITY = f"Credibility of the count (default: {LEAST})."
YES = click.option("--yes", is_flag=True, help="Do not ask; write it if it has no problem.")


@click.group("import")
def import_() -> None:
    """Import another program's file, checked before anything is written."""


@import_.command()
@click.argument("file", type=FILE, nargs=-1, required=True)
@running.workspace
@click.option("--format", "form", type=click.Choice(names(evidence=True)), required=True, help="What the files hold.")
@click.option("--event", metavar="EVENT", help="The event that it concerns (a matrix without one: the scenarios).")
@click.option("--from", "first", type=running.DATE, metavar="DATE", help="First day of the window that is counted.")
@click.option("--to", "last", type=running.DATE, metavar="DATE", help="Last day of the window.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Count only these rows; may be repeated.")
@click.option("--whole", is_flag=True, help="The files hold all of the window, also where they have no rows.")
@click.option("--as", "way", type=click.Choice(["claims", "settled", "support"]), help="How the count enters the item.")
@click.option("--strength", metavar="WORD", help=f"Strength for --as support: {STRENGTHS}.")
@click.option("--source", metavar="ID", help="Source that counted, an id of evidence/sources.yaml.")
@click.option(
    "--credibility",
    type=click.IntRange(1, LEAST),
    metavar=f"1-{LEAST}",
    help=CREDIBILITY,
)
@click.option(
    "--reported", type=running.DATE, metavar="DATE", help="Day from which the count is public (default: today, UTC)."
)
@click.option("--group", metavar="NAME", help="Group of items that copy each other.")
@click.option("--url", metavar="URL", help="Where the files come from.")
@click.option("--id", "item_id", metavar="ID", help="Id of the item (default: FORMAT-EVENT-DATE).")
@YES
@running.as_json
def evidence(
    file: tuple[Path, ...], root: Path, form: str, event: str | None, yes: bool, as_json: bool, **given: Any
) -> None:
    """Write FILE as evidence: an ACH matrix, items by states or scenarios, or incidents counted over a window of days.

    Files of one coder are counted together. Nothing is written if there is a problem.

    An ACH matrix: controlled studies found no gain in accuracy from that procedure (Whitesmith 2019; Dhami, Belton and
    Mandel 2019; Karvetski and Mandel 2020). Its judgements are carried over, no more.
    """

    feed, options_given = feeds()[form], CountOptions(**given)
    if not isinstance(feed, ItemsFeed):
        if event is None:
            msg = f"--format {form} needs --event: incidents are counted for one event"
            raise click.UsageError(msg)
        read = [(name.name, read_outside(name, name.name)) for name in file]  # once: it may be a pipe
        counted_for = event
        Shown(yes, as_json).write(root, lambda: import_counts(read, root, form, counted_for, options_given))
        return
    said = options_given.given
    if said or len(file) > 1:
        msg = f"{', '.join(said) or 'several files'}: not with --format {form}, where one file says all"
        raise click.UsageError(msg)
    content = read_outside(file[0], file[0].name)  # once: it may be a pipe
    if feed.caution:
        click.echo(f"note: {feed.caution}", err=True)
    Shown(yes, as_json).write(root, lambda: _items(feed, file[0], content, root, event))


def _items(feed: ItemsFeed, file: Path, content: bytes, root: Path, event: str | None) -> Imported:

    today = running.today()
    workspace = load(root, today)
    if event is not None:
        known_event(event, workspace.network.events)
    items = feed.read(content, file.name, event, workspace.network, workspace.scenarios)
    if not items.text:
        empty = Problem(Source(file.name, 1), "no items", "a header alone", "one row an item")
        raise WorkspaceProblems(items.problems or [empty])
    path = f"evidence/{today}-{file.stem}.yaml"
    refuse_taken(root, path)
    text = items.text.encode()
    _, before = read_workspace(root, today=today)
    checked, problems = read_workspace(root, today=today, drafts={path: text})
    new = [items.placed(problem, path, file.name) for problem in problems if problem not in before]
    if checked is None or items.problems:
        raise WorkspaceProblems({*new, *items.problems})
    return Imported(checked, path, text, new, {"items": len(items.lines)}, items.text)


@import_.command()
@click.argument("file", type=FILE, nargs=-1, required=True)
@running.workspace
@click.option(
    "--format",
    "form",
    type=click.Choice(names(evidence=False)),
    required=True,
    help="What the files hold.",
)
@click.option(
    "--id", "benchmark_id", required=True, metavar="ID", help="Id of the benchmark: priors/benchmarks/ID.csv."
)
@click.option("--question", metavar="ID", help="The question, which has to name the benchmark.")
@click.option("--name", metavar="TEXT", help="Name of the forecaster (default: the format).")
@click.option(
    "--pick", "picks", multiple=True, metavar="NAME",
    help="Which question, option, answer, token or ticker of several; may be repeated.",
)  # fmt: skip
@click.option("--aggregation", metavar="NAME", help="Which aggregation of Metaculus (default: that of the site).")
@click.option("--complement", is_flag=True, help='Take 1 - p: the files have the prices of "no".')
@click.option(
    "--above", type=running.NUMBER, metavar="NUMBER", help="Of a question about a number: that it lies above NUMBER."
)
@YES
@running.as_json
def benchmark(
    file: tuple[Path, ...], root: Path, form: str, benchmark_id: str, question: str | None, name: str | None, yes: bool,
    as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Write a crowd's or market's history in FILE as a benchmark series: the last value of each day, in UTC.

    Several files are pages of one history, in any order. A benchmark is shown and scored beside the forecast; it is
    never evidence. Nothing is written if there is a problem.
    """

    contents = [(one.name, read_outside(one, one.name)) for one in file]  # once: it may be a pipe
    selection = HistorySelection(**given)
    Shown(yes, as_json).write(
        root,
        lambda: import_benchmark(
            contents, root, selection, form=form, benchmark_id=benchmark_id, question=question, name=name
        ),
    )


@import_.command()
@click.argument("file", type=FILE)
@click.option(
    "-C",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The workspace, which has no network yet; the folder may be new.",
)
@click.option("--opens", type=running.DATE, metavar="DATE", help="First day of the window (default: today, UTC).")
@click.option(
    "--horizon", type=running.ANY_DATE, metavar="DATE", help="Last day of the window (default: a year after the first)."
)
@click.option("--sd", type=running.NUMBER, metavar="SD", help="Width of every number, in log-odds (default: 0.1).")
@click.option(
    "--normalise", is_flag=True, help="Divide every row by its sum, however far that is from one, and tell of it."
)
@YES
@running.as_json
def network(
    file: Path,
    root: Path,
    opens: date | None,
    horizon: date | None,
    sd: float | None,
    normalise: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Write the network in FILE as the priors of a workspace, in any format of `forecast convert`.

    Variables become constants, rows exact statements, and zeros what a state requires of its parents. Nothing is
    written if there is a problem.
    """

    from forecast.commands.importing import import_network

    import_network(file, root, opens, horizon, sd, normalise=normalise, yes=yes, as_json=as_json)


# `forecast import benchmark`: the history of a crowd or a market as a series of a workspace.

SHOWN_ROWS = 5  # at either end of a long series


def import_benchmark(
    contents: Sequence[tuple[str, bytes]], root: Path, selection: HistorySelection, *, form: str, benchmark_id: str,
    question: str | None, name: str | None,
) -> Imported:  # fmt: skip
    """Read the last value of each day from pages of a history, as `priors/benchmarks/ID.csv` beside what that holds.

    Questions may name the series before it is there.

    Raises UsageError and WorkspaceProblems.
    """

    if not re.fullmatch(NAME_PATTERN, benchmark_id):
        msg = f"--id '{benchmark_id}': letters, digits, '_', '.' and '-', beginning with a letter or digit"
        raise click.UsageError(msg)
    forecaster = (form if name is None else name).strip()
    if not forecaster:
        msg = "--name is empty"
        raise click.UsageError(msg)
    if unknown := [option for option in ("aggregation", "above") if _unused(option, selection, form)]:
        msg = f"--{unknown[0]}: not with --format {form}, whose files have none"
        raise click.UsageError(msg)
    now = datetime.now(UTC)
    path = f"{BENCHMARKS}{benchmark_id}{TABLE}"
    crowd, points = feeds_of(Crowd)[form], list[Point]()
    told, wrong, pages = list[Problem](), list[Problem](), Pages()
    for file, content in contents:
        found, problems = read_points(content, file, crowd, now.timestamp(), selection, pages)
        points += found
        for problem in problems:
            (wrong if problem.severity == "error" else told).append(problem)
    if nowhere := [pick for pick in selection.picks if pick not in selection.matched]:
        wrong.append(Problem(Source(contents[0][0], 1), f"nothing is called '{nowhere[0]}'", "", "--pick names a part"))
    new, twice = last_of_days(points, now.date())
    before = None
    if (root / path).exists():
        before, more = read_benchmark((root / path).read_bytes(), path, now.date())
        wrong += more
    rows, changed = merged(before, forecaster, new)
    wrong += (*twice, *changed)
    if not new and not wrong:
        where, allowed = Source(contents[0][0], 1), "a day counts once it is over (UTC)"
        wrong.append(Problem(where, "no value from before today", "", allowed))
    table = as_csv(rows)
    # A mistake of the file hides none of the workspace; what names the series finds it there.
    workspace, others = read_workspace(root, today=now.date(), drafts={path: table})
    if wrong or workspace is None:
        raise WorkspaceProblems({*wrong, *(() if workspace else others)})
    told += _unnamed(workspace, question, benchmark_id)
    numbers = {"rows": len(rows), "new": len(rows) - len(before.points if before else ())}
    return Imported(workspace, path, table, told, numbers, _ends(table.decode()))


def _unused(option: str, selection: HistorySelection, form: str) -> bool:
    return getattr(selection, option) is not None and option not in feeds_of(Crowd)[form].takes


def _unnamed(workspace: Workspace, question: str | None, benchmark_id: str) -> tuple[Problem, ...]:
    """Return a warning where the question does not name the benchmark. Raises UsageError for an unknown question."""

    if question is None:
        return ()
    known = {question.id: question for question in workspace.asked}
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


# `forecast import evidence` with a feed of incidents: a count over a window of days as one item.

NEEDED = {"first": "--from", "last": "--to", "source": "--source"}
OPTIONS = {
    **NEEDED, "where": "--where", "whole": "--whole", "way": "--as", "strength": "--strength", "item_id": "--id",
    "credibility": "--credibility", "group": "--group", "url": "--url", "reported": "--reported",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CountOptions:
    """The options of a count, as they were given: None, nothing or False where one was not."""

    first: date | None
    last: date | None
    source: str | None
    where: tuple[str, ...]
    whole: bool
    way: Way | None
    strength: str | None
    item_id: str | None
    credibility: int | None
    group: str | None
    url: str | None
    reported: date | None

    @property
    def given(self) -> list[str]:
        """The names of those that were given."""
        return [OPTIONS[field.name] for field in fields(self) if getattr(self, field.name) not in (None, (), False)]


@dataclass(frozen=True, kw_only=True)
class Window:
    """The days that are counted, both included, and who counted."""

    first: date
    last: date
    source: str


def import_counts(
    files: Sequence[tuple[str, bytes]], root: Path, form: str, event_id: str, given: CountOptions
) -> Imported:
    """Count the incidents in files of one coder, by name and content; the state that the count means is an item.

    Raises UsageError and WorkspaceProblems; nothing is then written.
    """

    window = _complete(form, given)
    today = running.today()
    workspace, before = read_workspace(root, today=today)
    if workspace is None:
        raise WorkspaceProblems(before)
    known_event(event_id, workspace.network.events)
    event, coder = workspace.network.events[event_id], feeds_of(Coder)[form]
    counts = _counts_of(event)
    wanted = _wanted(counts, given, window, today)
    read = [File(name, content) for name, content in files]
    counted = count(read, coder, wanted)
    if not counted.is_right:
        raise WorkspaceProblems(counted.problems)
    item_id = given.item_id or f"{form}-{event_id}-{wanted.last}"
    way: Way = given.way or "claims"
    path = item_path(str(wanted.reported), item_id)
    refuse_taken(root, path)
    states = states_of(event, counts, counted)
    problems = (*counted.problems, *state_problems(event, counted, states, way, Source(read[0].name, 1)))
    credibility = None if given.credibility is None else str(given.credibility)
    filed = Filed(item_id, window.source, credibility, given.group, given.url, way, given.strength)
    fields, bearing = item_fields(coder, event, counts, counted, wanted, filed, read)
    draft = draft_item(root, path, fields, [bearing], None, today, before)
    problems = (*problems, *draft.problems)
    if draft.workspace is None or any(problem.severity == "error" for problem in problems):
        raise WorkspaceProblems(problems)
    numbers = {bound: {"count": getattr(counted, bound), "state": state} for bound, state in states.items()}
    more = {"items": 1, "of": counts.of, **numbers}
    return Imported(draft.workspace, path, draft.contents[path], problems, more, draft.added)


def _complete(form: str, given: CountOptions) -> Window:
    missing = [name for key, name in NEEDED.items() if getattr(given, key) is None]
    if given.first is None or given.last is None or given.source is None:
        msg = f"--format {form} needs {', '.join(missing)}"
        raise click.UsageError(msg)
    if (given.strength is None) == (given.way == "support"):
        msg = "--strength goes with --as support, and --as support with --strength"
        raise click.UsageError(msg)
    if given.last < given.first:
        msg = f"the window ends on {given.last}, before it begins on {given.first}"
        raise click.UsageError(msg)
    return Window(first=given.first, last=given.last, source=given.source)


def _counts_of(event: Event) -> Counts:

    if event.counts is None:
        what = f"event '{event.id}' does not say which counts mean which state"
        allowed = f"counts: {{of: fatalities, window_days: 30, states: {{{event.states[-1]}: 100}}}}"
        raise WorkspaceProblems([Problem(event.source, what, "", allowed)])
    return event.counts


def _wanted(counts: Counts, given: CountOptions, window: Window, today: date) -> Wanted:

    days = (window.last - window.first).days + 1
    if days != counts.window_days:
        msg = f"from {window.first} to {window.last} are {days} days; the event's counts are of {counts.window_days}"
        raise click.UsageError(msg)
    try:
        conditions = tuple(map(condition, given.where))
    except ValueError as error:
        msg = f"--where: {error}"
        raise click.UsageError(msg) from error
    return Wanted(counts.of, window.first, window.last, given.reported or today, conditions, given.whole)
