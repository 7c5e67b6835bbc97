"""A statement that is not in the files yet: its text, and what the workspace would be with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

from forecast.workspace.files import STATEMENTS
from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar
from forecast.workspace.problems import Problem
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Statement, Workspace
from forecast.workspace.yaml_text import resolve

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.()%/ -]*")  # text that is the same without quotes, wherever it stands


@dataclass(frozen=True)
class Draft:
    """A statement to be added: the file, its content then, the keys of the statement, and the problems it would bring.

    `workspace` and `statement` are None where the workspace would have errors."""

    path: str
    added: str
    content: bytes
    fields: Mapping[str, Node]
    workspace: Workspace | None
    statement: Statement | None
    problems: tuple[Problem, ...]

    @property
    def contents(self) -> dict[str, bytes]:
        """Return the content of the file by its path."""
        return {self.path: self.content}


def draft_statement(root: Path, expert: str, fields: Mapping[str, Node], today: date) -> Draft:
    """Write a statement as it would stand at the end of its expert's file, and check the workspace with it.

    Args:
        root: the workspace. Nothing is written to it.
        expert: whose file it goes to, `priors/statements/EXPERT.yaml`.
        fields: the keys of the statement in the order in which they are written. Without `id` it gets one that is free,
            made from expert and `date`.
        today: dates after it are problems.
    """
    path = f"{STATEMENTS}{expert}.yaml"
    place = root / path
    before = place.read_bytes() if place.is_file() else b""
    known, old = read_workspace(root, today=today)
    if "id" not in fields:
        taken = {one.id for one in known.statements} if known else set()
        date_said = fields["date"].text if isinstance(fields["date"], Scalar) else ""
        fields = {"id": text(free_name(f"{expert}-{date_said}", taken.__contains__)), **fields}
    added = statement_text(fields)
    content = before + (b"" if before.endswith(b"\n") or not before else b"\n") + added.encode()
    workspace, problems = read_workspace(root, today=today, drafts={path: content})
    new_id = fields["id"].value if isinstance(fields["id"], Scalar) else None
    found = [one for one in workspace.statements if one.id == new_id] if workspace else []
    said = tuple(problem for problem in problems if problem not in old)
    return Draft(path, added, content, fields, workspace, found[0] if found else None, said)


def free_name(wanted: str, is_taken: Callable[[str], bool]) -> str:
    """Return a name, with the smallest number behind it that makes it free if it is taken."""
    names = (wanted + (f"-{number}" if number > 1 else "") for number in count(1))
    return next(name for name in names if not is_taken(name))


def statement_text(fields: Mapping[str, Node]) -> str:
    """Return a statement in block style, its inner maps on one line each."""
    lines = [f"{key}: {flow(value)}" for key, value in fields.items()]
    return "".join(("- " if number == 0 else "  ") + f"{line}\n" for number, line in enumerate(lines))


def flow(node: Node) -> str:
    """Return a tree on one line of YAML; texts are quoted where they would not be read back as they are."""
    match node:
        case ListNode(items=items):
            return f"[{', '.join(map(flow, items))}]"
        case MapNode(entries=entries):
            return "{" + ", ".join(f"{_key(key)}: {flow(value)}" for key, value in entries.items()) + "}"
        case Scalar(value=str(value)):
            is_plain = PLAIN.fullmatch(value) and value == value.strip() and resolve(value) == value
            return value if is_plain else json.dumps(value, ensure_ascii=False)
        case Scalar(text=written):
            return written


def _key(key: str) -> str:
    # A key is text whatever it looks like, so levels need no quotes.
    return key if PLAIN.fullmatch(key.removeprefix(".")) and key == key.strip() else json.dumps(key, ensure_ascii=False)


def text(value: str) -> Scalar:
    """Return a text as a node."""
    return Scalar(value, value, 1)


def mapping(entries: Mapping[str, Node]) -> MapNode:
    """Return a map as a node."""
    return MapNode(dict(entries), dict.fromkeys(entries, 1), 1)
