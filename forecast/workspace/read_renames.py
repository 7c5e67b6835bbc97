"""Read `priors/renames.jsonl`: which names were changed; lines are only ever added."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field

from forecast.workspace.files import UNFINISHED
from forecast.workspace.json_text import parse_json_lines
from forecast.workspace.names import OTHER, Names
from forecast.workspace.nodes import Cursor, text_at
from forecast.workspace.problems import Problem, Source, choice, shown
from forecast.workspace.renames import Rename, Renames, follow, states_of
from forecast.workspace.shapes import Name, PastDay, Shape, hold

Kind = Literal["question", "event", "state", "scenario", "expert", "source", "statement", "item"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class RenameShape(Shape):
    """One line: what was renamed, and how many lines the appended files had by then."""

    format: Literal[1] | None = None
    kind: Kind
    event: Name | None = None
    old: Name
    new: Name
    on: PastDay
    lines: dict[str, Annotated[int, Field(ge=0)]] | None = None


def read_renames(content: bytes, path: str, today: date) -> tuple[tuple[Rename, ...], tuple[Problem, ...]]:
    """Return the lines that are right, in file order, and the problems found."""
    trees, problems = parse_json_lines(content, path)
    made: list[Rename] = []
    every = list(problems)
    for tree in trees:
        old = text_at(tree, "old")
        at = Cursor.over(tree, path, f"rename of {shown(old)}" if old else "rename")
        checked = hold(RenameShape, at, today)
        wrong = list(_wrong(at))
        every += [*checked.problems, *wrong]
        if (shape := checked.shape) is not None and not checked.problems and not wrong:
            made.append(Rename(shape.kind, shape.old, shape.new, shape.on, at.source, shape.event, shape.lines))
    return tuple(made), tuple(every)


def _wrong(at: Cursor) -> Iterator[Problem]:
    kind, old, new = (at.text(key) for key in ("kind", "old", "new"))
    if old is not None and old == new:
        yield at.problem("old and new name are the same", shown(new), "a line that says a new name")
    if kind == "state" and not at.has("event"):
        yield at.problem("missing key 'event'", "", "the event whose state it is")
    if kind not in (None, "state") and at.has("event"):
        yield at.problem(f"'event' beside kind {shown(kind)}", "", "only with kind 'state'")


def leading_nowhere(renames: Renames) -> Iterator[Problem]:
    """Warn of names that nothing is called today, and that were not changed again."""
    for place, one in enumerate(renames.made):
        event, name = follow(renames.made[place + 1 :], one.kind, one.event, one.new)
        kind = states_of(event) if event is not None else one.kind
        known = renames.known.get(kind)
        if known is not None and name not in known:
            called = f"state of event '{event}'" if one.kind == "state" else one.kind
            what = f"rename of {shown(one.old)}: there is no {called} {shown(name)}"
            way = f"if it has another name now: forecast rename {one.kind} {one.new} NAME"
            allowed = f"{way}; {choice('they', name, tuple(known))}"
            yield Problem(one.source, what, "", allowed, "warning")


def names_by_kind(names: Names) -> dict[str, Collection[str]]:
    """Return the names that the four files define, by kind; a kind whose file could not be read is left out."""
    names_of: dict[str, Collection[str] | None] = {
        "event": names.events,
        "scenario": None if names.scenarios is None else (*names.scenarios, OTHER),
        "expert": names.experts,
        "source": names.sources,
        **{states_of(event): states for event, states in (names.events or {}).items()},
    }
    return {kind: known for kind, known in names_of.items() if known is not None}


def unfinished_rename(root: Path) -> Problem | None:
    """Return the problem of a workspace in which a rename has written some of its files and not the others."""
    try:
        command = json.loads((root / UNFINISHED).read_bytes())["command"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError):
        command = "forecast rename OLD NEW"
    what = "a rename is not finished: some files have the old name, others the new one"
    allowed = f"if no other command is running it was interrupted; this finishes it: {command}"
    return Problem(Source(UNFINISHED, 1), what, "", allowed)
