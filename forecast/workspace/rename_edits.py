"""Where the files of a workspace name something, and their bytes with another name in those places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forecast.workspace import files
from forecast.workspace.cell_names import STATES, Cell, cells_of, names_in
from forecast.workspace.mentions import Mention, Named, mentions
from forecast.workspace.nodes import Node, Scalar, descend, text_at
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, one_form, shown
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


def edited_files(found: files.InputFiles, target: Named, new: str) -> tuple[EditedFile, ...]:
    """Return every file that names the target, with the new name there; all other bytes are as they are.

    Files that are only ever appended to are left out. Raises WorkspaceProblems where a name cannot be changed alone.
    """
    trees = {
        path: tree for path, content in found.trees().items() if (tree := parse_yaml(content, path)[0]) is not None
    }
    tables = found.tables()
    events = {map_path: _events_of(found, path, trees.get(map_path)) for path, map_path in tables.items()}
    edits: dict[str, list[Edit]] = {}
    for path, tree in trees.items():
        edits[path] = _in_tree(path, _text(found.contents[path]), tree, target, new, events.get(path, frozenset()))
    for path, map_path in tables.items():
        if target.name.encode() in found.contents[path]:
            edits[path] = list(_in_table(_text(found.contents[path]), trees.get(map_path), target, new))
    return tuple(_edited(path, found.contents[path], edits[path]) for path in sorted(edits) if edits[path])


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
    found = [(begin, end) for begin, end, named in names_in(column, said, event) if named == target]
    if not found:
        return
    where = Source(path, value.line)
    if len(events) > 1 and column in STATES and text_at(tree, "always", "event") is None:
        what = f"column map: {column} is the same in rows of several events, of which one's state changes its name"
        raise WorkspaceProblems([Problem(where, what, shown(said), "write it into a column of the table first")])
    quoted = place.style in QUOTES
    begin, end = place.begin + quoted, place.end - quoted
    if text[begin:end] == said and place.style not in BLOCKS:
        if len(found) == 1 and found[0] == (0, len(said)):
            yield _whole(text, place, said, new)
        else:
            yield from (Edit(begin + first, begin + last, new) for first, last in found)
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


def _events_of(found: files.InputFiles, path: str, column_map: Node | None) -> frozenset[str]:
    """Return the events that the rows of a table are about."""
    if column_map is None:
        return frozenset()
    text = _text(found.contents[path])
    columns, same = _columns(text, column_map)
    if "event" in same:
        return frozenset({same["event"]})
    return frozenset(_content(text, cells, columns.get("event")) for cells in _rows(text))
