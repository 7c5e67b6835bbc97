"""Names that are misspelt where they are declared: told there, once, and not wherever they are written right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from forecast.workspace import files
from forecast.workspace.csv_text import parse_csv
from forecast.workspace.mentions import STATES, WHOLE, Mention, Named, mentions, names_in, told_in
from forecast.workspace.names import OTHER, map_of
from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar, Step, child, descend, replaced, text_at, with_key
from forecast.workspace.problems import Problem, Source, is_slip, near, one_form, shown

Trees = Mapping[str, Node]
ID = "id"
ENTRIES = {files.SCENARIOS: "scenario", files.QUESTIONS: "question", files.DECISIONS: "decision"}  # lists, by file
PLACES_SHOWN = 3  # of a name that is declared nowhere
UNKNOWN_NAME = re.compile(r"\bunknown (?!key|column)|\bhas no state\b")
NAMING = {*WHOLE, *STATES}  # columns of a table that name something
FEWEST = 2  # places that write a name alike, so that the declaration is what differs; one place is told by itself


def ids_as_meant(trees: Trees) -> tuple[dict[str, Node], list[Problem]]:
    """Return the trees with the key `id` where an entry of a list has one like it in its place, and each such slip.

    What refers to the entry finds it then.
    """
    mended = dict(trees)
    problems: list[Problem] = []
    for path, tree in trees.items():
        kind = ENTRIES.get(path) or _kind_of_list(path)
        if kind is None:
            continue
        items = tuple((place,) for place in range(len(tree.items))) if isinstance(tree, ListNode) else ((),)
        for steps in items:
            entry = descend(tree, steps)[0]
            key = _like_id(entry)
            if key is None or not isinstance(entry, MapNode):
                continue
            name = text_at(entry, key)
            called = kind if name is None else f"{kind} {shown(name)}"
            where = Source(path, entry.key_lines[key])
            allowed = f"each {kind} has a key '{ID}'; did you mean '{ID}'?"
            problems.append(Problem(where, f"{called}: unknown key {shown(key)}", "", allowed))
            mended[path] = with_key(mended[path], (*steps, key), ID)
    return mended, problems


def _kind_of_list(path: str) -> str | None:
    if path.startswith(files.STATEMENTS):
        return "statement"
    others = (files.SOURCES, files.WATCH, files.GRADES)
    is_evidence = path.startswith(files.EVIDENCE) and not path.endswith(files.COLUMN_MAP) and path not in others
    return "item" if is_evidence else None


def _like_id(entry: Node) -> str | None:
    """Return the only key of an entry without an id that is like `id`; no other key of any entry is."""
    if not isinstance(entry, MapNode) or ID in entry.entries:
        return None
    found = [key for key in entry.entries if near(key, (ID,)) is not None]
    return found[0] if len(found) == 1 else None


@dataclass(frozen=True)
class _Declared:
    """Where a name is declared: file, steps in its tree, whether it is a key, and line."""

    path: str
    steps: tuple[Step, ...]
    is_key: bool
    line: int


def is_of_a_name(problem: Problem) -> bool:
    """Say whether a problem is that of a name that is declared nowhere: only then a declaration may be misspelt."""
    return problem.severity == "error" and UNKNOWN_NAME.search(problem.what) is not None


def names_as_meant(trees: Trees, inputs: files.InputFiles) -> tuple[dict[str, Node], list[Problem]]:
    """Return the trees with misspelt declarations as they were meant, and each of these slips.

    A declaration is misspelt where nothing else names it, and several places name one that is almost the same and is
    declared nowhere. Events, scenarios, experts, sources and items come first, then the states of the events.
    """
    mended = dict(trees)
    problems: list[Problem] = []
    in_tables = tuple(_in_tables(trees, inputs))
    for kinds in (("event", "scenario", "expert", "source", "item"), ("state",)):
        declared, used = _declared_and_used(mended, inputs, in_tables)
        for named, where, meant in _slips(declared, used, kinds):
            mended[where.path] = _renamed(mended[where.path], where, meant)
            problems.append(_problem(named, where, meant, used[named._replace(name=meant)]))
    return mended, problems


def _declared_and_used(
    trees: Trees, inputs: files.InputFiles, in_tables: Iterable[tuple[Named, Source]]
) -> tuple[dict[Named, _Declared], dict[Named, list[Source]]]:
    """Return every name that is declared, and every name that is used, with its places."""
    declared: dict[Named, _Declared] = {}
    used: dict[Named, list[Source]] = {}
    for path, tree in trees.items():
        for mention in mentions(path, tree):
            if mention.named is None:
                continue
            line = _line(tree, mention)
            if _is_declaration(path, mention):
                declared.setdefault(mention.named, _Declared(path, mention.steps, mention.is_key, line))
            else:
                used.setdefault(mention.named, []).append(Source(path, line))
    for named, where in (*in_tables, *((told.named, told.where) for told in told_in(inputs))):
        used.setdefault(named, []).append(where)
    return declared, used


def _line(tree: Node, mention: Mention) -> int:
    above = descend(tree, mention.steps[:-1])[0]
    if mention.is_key and isinstance(above, MapNode):
        return above.key_lines[str(mention.steps[-1])]
    return descend(tree, mention.steps)[0].line


def _is_declaration(path: str, mention: Mention) -> bool:
    steps = mention.steps
    if path == files.NETWORK:
        is_event = mention.is_key and len(steps) == len(("events", "EVENT"))
        return is_event or steps[2:3] == ("states",)
    return steps[-1:] == (ID,) or (path in (files.EXPERTS, files.SOURCES) and mention.is_key)


def _in_tables(trees: Trees, inputs: files.InputFiles) -> Iterator[tuple[Named, Source]]:
    """Yield what the tables of evidence name, by columns that can be found."""
    for path, map_path in inputs.tables().items():
        table, _ = parse_csv(inputs.contents[path], path)
        if table is None:
            continue
        columns = {name: name for name in table.header}
        always: dict[str, str] = {}
        if (column_map := trees.get(map_path)) is not None:
            said = ((key, node) for key, node in map_of(child(column_map, "columns")).items())
            columns = {key: one_form(node.text) for key, node in said if isinstance(node, Scalar)}
            same = map_of(child(column_map, "always")).items()
            always = {key: node.text for key, node in same if isinstance(node, Scalar)}
        columns = {key: column for key, column in columns.items() if key in NAMING and key != ID}
        there = [column for column in dict.fromkeys(columns.values()) if column in table.header]
        for line, cells in table.cells(there):
            row = {key: cells[column] for key, column in columns.items() if column in cells} | always
            for key, cell in row.items():
                for _, _, named in names_in(key, cell, row.get("event")):
                    yield named, Source(path, line)


def _slips(
    declared: Mapping[Named, _Declared], used: Mapping[Named, list[Source]], kinds: tuple[str, ...]
) -> Iterator[tuple[Named, _Declared, str]]:
    """Yield each misspelt declaration: what is declared, where, and the name that was meant."""
    there = {(named.name, named.event) for named in declared}
    strange: dict[tuple[str, str | None], list[str]] = {}
    for named, places in used.items():
        if len(places) >= FEWEST and (named.name, named.event) not in there and named.name != OTHER:
            strange.setdefault((named.kind, named.event), []).append(named.name)
    for named, where in declared.items():
        names = strange.get((named.kind, named.event), [])
        if named.kind not in kinds or named in used or not names:
            continue
        meant = near(named.name, names)
        if meant is not None and is_slip(meant, named.name):
            names.remove(meant)
            yield named, where, meant


def _renamed(tree: Node, where: _Declared, name: str) -> Node:
    if where.is_key:
        return with_key(tree, where.steps, name)
    return replaced(tree, where.steps, Scalar(name, name, where.line))


def _problem(named: Named, where: _Declared, meant: str, places: list[Source]) -> Problem:
    of = f" of event {shown(named.event)}" if named.event is not None else ""
    first = sorted(set(places))
    more = f" and {len(first) - PLACES_SHOWN} more" if len(first) > PLACES_SHOWN else ""
    at = f"{', '.join(map(str, first[:PLACES_SHOWN]))}{more}"
    what = f"{named.kind} {shown(named.name)}{of} is named nowhere else"
    allowed = f"{shown(meant)} is declared nowhere and named at {at}; did you mean {shown(meant)}?"
    return Problem(Source(where.path, where.line), what, "", allowed)
