"""A name that is to be changed: what is meant by it, and the files of the workspace with the new one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from forecast.workspace import files
from forecast.workspace.mentions import (
    STATES,
    Cell,
    Mention,
    Named,
    Told,
    cells_of,
    mentions,
    named_today,
    names_in,
    told_in,
)
from forecast.workspace.names import OTHER
from forecast.workspace.nodes import FORMAT, NAME_PATTERN, Node, Scalar, descend, text_at
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, choice, nearest, one_form, shown
from forecast.workspace.read import read_workspace
from forecast.workspace.read_questions import REPORTER
from forecast.workspace.read_renames import KINDS
from forecast.workspace.records import EDITORS, Workspace
from forecast.workspace.yaml_text import BYTE_ORDER_MARK, Written, parse_yaml, resolve, written

BLOCKS = ("|", ">")
QUOTES = ("'", '"')


@dataclass(frozen=True, order=True)
class Edit:
    """Characters of a text that something else takes the place of."""

    begin: int
    end: int
    new: str


@dataclass(frozen=True)
class EditedFile:
    """A file with another name in it: what it is now and then, and the lines that change, each with its number."""

    path: str
    before: bytes
    after: bytes
    places: int
    lines: tuple[tuple[int, str, str], ...]


def edited_files(inputs: files.InputFiles, target: Named, new: str) -> tuple[EditedFile, ...]:
    """Return every file that names the target, with the new name there; all other bytes are as they are.

    Files that are only ever appended to are left out. Raises WorkspaceProblems where a name cannot be changed alone.
    """
    trees = {
        path: tree for path, content in inputs.trees().items() if (tree := parse_yaml(content, path)[0]) is not None
    }
    tables = inputs.tables()
    events = {map_path: _events_of(inputs, path, trees.get(map_path)) for path, map_path in tables.items()}
    edits: dict[str, list[Edit]] = {}
    for path, tree in trees.items():
        edits[path] = _in_tree(path, _text(inputs.contents[path]), tree, target, new, events.get(path, frozenset()))
    for path, map_path in tables.items():
        if target.name.encode() in inputs.contents[path]:
            edits[path] = list(_in_table(_text(inputs.contents[path]), trees.get(map_path), target, new))
    return tuple(_edited(path, inputs.contents[path], edits[path]) for path in sorted(edits) if edits[path])


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig")


def _edited(path: str, content: bytes, edits: Sequence[Edit]) -> EditedFile:
    text = _text(content)
    parts, at = [], 0
    for edit in sorted(edits):
        parts += [text[at : edit.begin], edit.new]
        at = edit.end
    after = "".join([*parts, text[at:]])
    mark = BYTE_ORDER_MARK if content.startswith(BYTE_ORDER_MARK.encode()) else ""
    old, now = text.split("\n"), after.split("\n")
    changed = [(n, one, other) for n, (one, other) in enumerate(zip(old, now, strict=True), 1) if one != other]
    return EditedFile(path, content, (mark + after).encode(), len(edits), tuple(changed))


def _in_tree(path: str, text: str, tree: Node, target: Named, new: str, events: frozenset[str]) -> list[Edit]:
    places = {(one.steps, one.is_key): one for one in written(text)}
    edits: list[Edit] = []
    for mention in mentions(path, tree):
        place = places[mention.steps, mention.is_key]
        if mention.named == target:
            edits.append(_whole(text, place, target.name, new))
        elif mention.cell is not None:
            edits += _in_always(path, text, tree, mention, place, target, new, events)
    return edits


def _whole(text: str, place: Written, old: str, new: str) -> Edit:
    """Return the edit of a scalar that is a name; its quotes stay, and a plain value gets some where it needs them."""
    if place.style in BLOCKS:
        begin = text.rindex(old, place.begin, place.end)
        return Edit(begin, begin + len(old), new)
    if place.style in QUOTES:
        return Edit(place.begin + 1, place.end - 1, new)
    is_text = place.is_key or resolve(new) == new
    return Edit(place.begin, place.end, new if is_text else f'"{new}"')


def _in_always(
    path: str, text: str, tree: Node, mention: Mention, place: Written, target: Named, new: str, events: frozenset[str]
) -> Iterator[Edit]:
    """Yield the edits of a value that stands for a cell of every row of a table."""
    value = descend(tree, mention.steps)[0]
    column, said = str(mention.cell), value.text if isinstance(value, Scalar) else ""
    event = text_at(tree, "always", "event")
    if event is None and target.event in events:
        event = target.event
    places = [(begin, end) for begin, end, named in names_in(column, said, event) if named == target]
    if not places:
        return
    where = Source(path, value.line)
    if len(events) > 1 and column in STATES and text_at(tree, "always", "event") is None:
        what = f"column map: {column} is the same in rows of several events, of which one's state changes its name"
        raise WorkspaceProblems([Problem(where, what, shown(said), "write it into a column of the table first")])
    quoted = place.style in QUOTES
    begin, end = place.begin + quoted, place.end - quoted
    if text[begin:end] == said and place.style not in BLOCKS:
        if len(places) == 1 and places[0] == (0, len(said)):
            yield _whole(text, place, said, new)
        else:
            yield from (Edit(begin + first, begin + last, new) for first, last in places)
        return
    what = "column map: names within a text of several lines, or with escapes"
    raise WorkspaceProblems([Problem(where, what, shown(said), "write it on one line")])


def _in_table(text: str, column_map: Node | None, target: Named, new: str) -> Iterator[Edit]:
    columns, same = _columns(text, column_map)
    for cells in _rows(text):
        event = _content(text, cells, columns.get("event")) or same.get("event")
        for column, place in columns.items():
            if place >= len(cells):
                continue
            begin, end = cells[place]
            for first, last, named in names_in(column, text[begin:end], event):
                if named == target:
                    yield Edit(begin + first, begin + last, new)


def _rows(text: str) -> Iterator[list[Cell]]:
    """Yield the rows below the header."""
    rows = (cells for cells in cells_of(text) if any(text[begin:end].strip() for begin, end in cells))
    next(rows, None)
    yield from rows


def _columns(text: str, column_map: Node | None) -> tuple[dict[str, int], dict[str, str]]:
    """Return the place of each key's column, and what is the same in every row."""
    first = next((row for row in cells_of(text) if any(text[begin:end].strip() for begin, end in row)), [])
    header = [one_form(text[begin:end].replace('""', '"').strip()) for begin, end in first]
    if column_map is None:
        return {name: place for place, name in enumerate(header)}, {}
    named = _texts(column_map, "columns")
    return {key: header.index(one_form(name)) for key, name in named.items()}, _texts(column_map, "always")


def _texts(column_map: Node, part: str) -> dict[str, str]:
    inner = descend(column_map, (part,))
    entries = getattr(inner[0], "entries", {}) if inner[1] else {}
    return {key: value.text for key, value in entries.items() if isinstance(value, Scalar)}


def _content(text: str, cells: Sequence[Cell], place: int | None) -> str:
    return "" if place is None or place >= len(cells) else text[cells[place].begin : cells[place].end].strip()


def _events_of(inputs: files.InputFiles, path: str, column_map: Node | None) -> frozenset[str]:
    """Return the events that the rows of a table are about."""
    if column_map is None:
        return frozenset()
    text = _text(inputs.contents[path])
    columns, same = _columns(text, column_map)
    if "event" in same:
        return frozenset({same["event"]})
    return frozenset(_content(text, cells, columns.get("event")) for cells in _rows(text))


LONGEST = 100  # characters of a name
ONE_SET = ("event", "scenario", "question")  # kinds that share one set of names
DRAWN = ("expert", "source", "statement")  # kinds in whose order of ids draws are made

RESERVED = {  # names that mean something by themselves
    "scenario": {OTHER: "the scenario where no rule matches"},
    "expert": {EDITORS: "who speaks at the opening, whatever the date", FORMAT: "a reserved key"},
    "source": {REPORTER: "who reports what priors/resolutions.jsonl settles", FORMAT: "a reserved key"},
}


class RenameError(ValueError):
    """A name that cannot be changed, or not to this one; the message says why."""


@dataclass(frozen=True)
class RenameDraft:
    """A rename that is not written: what is meant, the files that change, the line that is added, and the problems.

    `workspace` is None where it would have errors."""

    target: Named
    new: str
    line: Mapping[str, object]
    edited: tuple[EditedFile, ...]
    contents: Mapping[str, bytes]
    workspace: Workspace | None
    problems: tuple[Problem, ...]
    reorders: bool = False  # draws are made in the order of these names, which changes


def draft_rename(
    root: Path, kind: str | None, old: str, new: str, today: date, elsewhere: Iterable[Told] = ()
) -> RenameDraft:
    """Return the files with a new name, and the line that says so. Nothing is written to disk.

    Args:
        root: the workspace.
        kind: one of KINDS, or None where `old` alone says it.
        old: the name; of a state EVENT=STATE or EVENT.STATE.
        new: the name then; of a state the bare name, or with its event.
        today: the day of the line.
        elsewhere: what lines of appended files name that are not in `priors/`.

    Raises RenameError, and WorkspaceProblems where the workspace has errors or a name cannot be changed alone.
    """
    workspace, known = read_workspace(root, today=today)
    if workspace is None:
        raise WorkspaceProblems(known)
    inputs = files.find_files(root)
    named = {named_today(mention, workspace.renames) for mention in (*told_in(inputs), *elsewhere)}
    target, is_there = _meant(workspace, kind, old, named)
    new = _new_name(workspace, target, new, is_there=is_there)
    edited = edited_files(inputs, target, new) if is_there else ()
    line = _line(root, target, new, today)
    before = inputs.contents.get(files.RENAMES, b"")
    end = b"" if before.endswith(b"\n") or not before else b"\n"
    added = before + end + f"{json.dumps(line, ensure_ascii=False)}\n".encode()
    contents = {**{one.path: one.after for one in edited}, files.RENAMES: added}
    after, problems = read_workspace(root, today=today, drafts=contents)
    said = {str(problem).replace(target.name, new) for problem in known}
    fresh = tuple(problem for problem in problems if str(problem).replace(target.name, new) not in said)
    reorders = is_there and target.kind in DRAWN and _reorders(_in_files(workspace)[target.kind], target.name, new)
    return RenameDraft(target, new, line, edited, contents, after, fresh, reorders)


def _reorders(names: Iterable[str], old: str, new: str) -> bool:
    before = sorted(names)
    return before.index(old) != sorted(new if name == old else name for name in before).index(new)


def called(target: Named) -> str:
    """Return a name with its kind, as a message says it."""
    of = f" of event '{target.event}'" if target.event is not None else ""
    return f"{target.kind} {shown(target.name)}{of}"


def _line(root: Path, target: Named, new: str, today: date) -> dict[str, object]:
    event = {} if target.event is None else {"event": target.event}
    places = {path: root / path for path in files.APPENDED}
    lines = {path: _lines(place.read_bytes()) for path, place in places.items() if place.is_file()}
    return {"kind": target.kind, **event, "old": target.name, "new": new, "on": today.isoformat(), "lines": lines}


def _lines(content: bytes) -> int:
    return content.count(b"\n") + (not content.endswith(b"\n") and content != b"")


def _in_files(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """Return the names that the files define, by kind."""
    made = {item.id for item in workspace.items if item.source.path == files.RESOLUTIONS}
    known: dict[str, tuple[str, ...]] = {
        kind: tuple(workspace.renames.known.get(kind, ())) for kind in KINDS if kind != "state"
    }
    known["item"] = tuple(name for name in known["item"] if name not in made)
    known["scenario"] = tuple(name for name in known["scenario"] if name != OTHER)
    return known


def _meant(workspace: Workspace, kind: str | None, old: str, named: Iterable[Named]) -> tuple[Named, bool]:
    """Return what is meant by a name, and whether the files define it or appended lines alone name it."""
    known, named = _in_files(workspace), tuple(named)
    events = workspace.network.events
    there = [Named(one, old) for one, names in known.items() if old in names]
    pairs = [(old[: at.start()], old[at.end() :]) for at in re.finditer("[.=]", old)]
    there += [
        Named("state", state, event) for event, state in pairs if event in events and state in events[event].states
    ]
    gone = [name for name in named if name.name == old and name.event is None and name not in there]
    gone += [
        Named("state", state, event)
        for event, state in pairs
        if Named("state", state, event) in named and event in events
    ]
    for candidates, is_there in ((there, True), (dict.fromkeys(gone), False)):
        fitting = [candidate for candidate in candidates if kind in (None, candidate.kind)]
        if len(fitting) > 1:
            commands = ", ".join(f"forecast rename {name.kind} {old} NEW" for name in fitting)
            raise RenameError(f"'{old}' is {', '.join(called(name) for name in fitting)}; say which: {commands}")
        if fitting:
            return fitting[0], is_there
    raise RenameError(_unknown(workspace, kind, old, known, pairs, named))


def _unknown(
    workspace: Workspace, kind: str | None, old: str, known: Mapping[str, tuple[str, ...]],
    pairs: list[tuple[str, str]], named: Iterable[Named],
) -> str:  # fmt: skip
    events = workspace.network.events
    for event, state in pairs:
        if event in events and kind in (None, "state"):
            return f"event '{event}' has no state {shown(state)}; {choice('states', state, events[event].states)}"
    if kind == "state":
        return f"{shown(old)} names no state of an event; a state is written EVENT=STATE"
    names = [name for one in ([kind] if kind else known) for name in known[one]]
    names += [name.name for name in named if name.event is None and kind in (None, name.kind)]
    what = f"{kind} {shown(old)}" if kind else f"nothing is called {shown(old)}"
    if kind:
        return f"there is no {what}; {choice(f'{kind}s', old, dict.fromkeys(names))}"
    return f"{what}: no {', '.join(KINDS[:-1])} or {KINDS[-1]}{nearest(old, names)}"


def _new_name(workspace: Workspace, target: Named, new: str, *, is_there: bool) -> str:
    """Return the new name of a target, without an event before it. Raises RenameError where it cannot have it."""
    if target.kind == "state":
        for sign in "=.":
            new = new.removeprefix(f"{target.event}{sign}")
    if not re.fullmatch(NAME_PATTERN, new) or new.endswith("\n") or len(new) > LONGEST:
        allowed = f"letters, digits, '_', '.' and '-', beginning with a letter or digit, at most {LONGEST} characters"
        raise RenameError(f"{shown(new)} is not usable as a name; {allowed}")
    if new == target.name:
        raise RenameError(f"{called(target)} already has that name")
    for name in (target.name, new):
        if (meaning := RESERVED.get(target.kind, {}).get(name)) is not None:
            raise RenameError(f"{target.kind} '{name}' cannot be renamed or be a new name: it is {meaning}")
    known = _in_files(workspace)
    states = workspace.network.events[target.event].states if target.event is not None else ()
    own = states if target.event is not None else known[target.kind]
    if not is_there:
        if new not in own:
            what = f"{called(target)} stands in lines of the past alone, and nothing is called {shown(new)} today"
            raise RenameError(f"{what}; {choice('they', new, own)}")
        return new
    kinds = ONE_SET if target.kind in ONE_SET else (target.kind,)
    taken = [f"{kind} '{new}'" for kind in kinds if target.event is None and new in known[kind]]
    taken += [f"state '{new}' of event '{target.event}'"] * (new in states)
    taken += _taken_otherwise(workspace, target, new)
    if taken:
        raise RenameError(f"there is {taken[0]} already; a name that is free")
    return new


def _taken_otherwise(workspace: Workspace, target: Named, new: str) -> list[str]:
    """Return what is called like a new name and would be taken for the same."""
    if target.kind in ONE_SET and new == OTHER:
        return [f"scenario '{OTHER}', {RESERVED['scenario'][OTHER]},"]
    expert = workspace.experts.get(target.name) if target.kind == "expert" else None
    groups = {expert.group for expert in workspace.experts.values()} if expert and expert.group == expert.id else set()
    if new in groups:
        return [f"group '{new}'"]
    own = {name for question in workspace.asked if question.id == target.name for name in question.benchmarks}
    if target.kind == "question" and new in workspace.benchmarks and new not in own:
        return [f"the series {files.BENCHMARKS}{new}{files.TABLE}, which would become the question's,"]
    return []
