"""An evidence item that is not in the files yet: its text, and what the workspace would be with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from forecast.workspace.drafts import flow, mapping
from forecast.workspace.files import EVIDENCE, SOURCES
from forecast.workspace.nodes import MapNode, Node
from forecast.workspace.problems import Problem
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Item, Workspace

BEARS_ON = "bears_on"


@dataclass(frozen=True)
class ItemDraft:
    """An item to be added: its file, the contents of all files that change, and the problems that it would bring.

    `contents` are by path, the item's file last: who writes them in this order never leaves an item without its source.
    `workspace` and `item` are None where the workspace would have errors.
    """

    path: str
    added: str
    contents: dict[str, bytes]
    workspace: Workspace | None
    item: Item | None
    problems: tuple[Problem, ...]


def draft_item(
    root: Path,
    path: str,
    fields: Mapping[str, Node],
    bearings: Sequence[MapNode],
    new_source: tuple[str, MapNode] | None,
    today: date,
    known: tuple[Problem, ...],
) -> ItemDraft:
    """Write an item as it would stand in a file of its own, and check the workspace with it.

    Args:
        root: the workspace. Nothing is written to it.
        path: the file, relative to the workspace; there is none yet.
        fields: the keys of the item in the order in which they are written; `id` among them.
        bearings: what it says about each event; they come last.
        new_source: id and entry of a source that `evidence/sources.yaml` does not hold yet.
        today: dates after it are problems.
        known: problems that the workspace has without the item.
    """
    added = item_text(fields, bearings)
    contents: dict[str, bytes] = {}
    if new_source is not None:
        contents[SOURCES] = _with_source(root / SOURCES, *new_source)
    contents[path] = added.encode()
    workspace, problems = read_workspace(root, today=today, drafts=contents)
    found = [one for one in workspace.items if one.source.path == path] if workspace else []
    said = tuple(problem for problem in problems if problem not in known)
    return ItemDraft(path, added, contents, workspace, found[0] if found else None, said)


def item_path(reported: str, item_id: str) -> str:
    """Return the file that an item gets: `evidence/DATE-ID.yaml`, the date once."""
    name = item_id if item_id.startswith(reported) else f"{reported}-{item_id}"
    return f"{EVIDENCE}{name}.yaml"


def item_text(fields: Mapping[str, Node], bearings: Sequence[MapNode]) -> str:
    """Return an item in block style, what it says about each event on one line."""
    lines = [f"{key}: {flow(value)}" for key, value in fields.items()]
    lines += [f"{BEARS_ON}:", *(f"- {flow(bearing)}" for bearing in bearings)]
    return "".join(("- " if number == 0 else "  ") + f"{line}\n" for number, line in enumerate(lines))


def _with_source(place: Path, name: str, entry: MapNode) -> bytes:
    before = place.read_bytes() if place.is_file() else b""
    # A map of one entry, without its braces.
    line = flow(mapping({name: entry}))[1:-1]
    return before + (b"" if before.endswith(b"\n") or not before else b"\n") + f"{line}\n".encode()
