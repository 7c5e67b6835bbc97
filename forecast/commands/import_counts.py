"""`forecast import evidence` with a feed of incidents: a count over a window of days as one item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands import options
from forecast.commands.import_shown import Imported, known_event, refuse_taken

if TYPE_CHECKING:
    from forecast.workspace.feeds.counted import Wanted
    from forecast.workspace.feeds.counted_item import Way
    from forecast.workspace.records import Counts, Event

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
    from forecast.workspace.drafts import draft_item, item_path
    from forecast.workspace.feeds.coded_table import Coder, File
    from forecast.workspace.feeds.counted import count
    from forecast.workspace.feeds.counted_item import Filed, item_fields, state_problems, states_of
    from forecast.workspace.feeds.registry import feeds_of
    from forecast.workspace.problems import Source, WorkspaceProblems
    from forecast.workspace.read import read_workspace

    window = _complete(form, given)
    today = options.today()
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
    from forecast.workspace.problems import Problem, WorkspaceProblems

    if event.counts is None:
        what = f"event '{event.id}' does not say which counts mean which state"
        allowed = f"counts: {{of: fatalities, window_days: 30, states: {{{event.states[-1]}: 100}}}}"
        raise WorkspaceProblems([Problem(event.source, what, "", allowed)])
    return event.counts


def _wanted(counts: Counts, given: CountOptions, window: Window, today: date) -> Wanted:
    from forecast.workspace.feeds.counted import Wanted
    from forecast.workspace.feeds.selection import condition

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
