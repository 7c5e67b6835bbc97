"""A roll of the horizon that is not in the file yet: the file with it, its comments kept, and the problems then."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from forecast.workspace.drafts import flow, mapping, text
from forecast.workspace.files import NETWORK
from forecast.workspace.nodes import ListNode, MapNode, Scalar, child
from forecast.workspace.problems import Problem, Source, WorkspaceProblems
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Workspace
from forecast.workspace.yaml_text import parse_yaml

ITEM = re.compile(r"\s*- ?")


@dataclass(frozen=True)
class RollDraft:
    """The lines that come in, the content of the file then, and the problems that it would bring.

    `workspace` is None where it would have errors."""

    path: str
    added: str
    content: bytes
    workspace: Workspace | None
    problems: tuple[Problem, ...]

    @property
    def contents(self) -> dict[str, bytes]:
        """Return the content of the file by its path."""
        return {self.path: self.content}


def draft_roll(root: Path, on: date, horizon: date, why: str | None, today: date) -> RollDraft:
    """Write a roll behind those that the network has, and check the workspace with it. Nothing is written to disk.

    Raises WorkspaceProblems where there is no network to roll, or its rolls do not stand on lines of their own.
    """
    old, known = read_workspace(root, today=today)
    if old is None:
        raise WorkspaceProblems(known)
    content = (root / NETWORK).read_bytes()
    tree, _ = parse_yaml(content, NETWORK)
    if not isinstance(tree, MapNode):
        msg = "a network that was read is a map"
        raise TypeError(msg)
    fields = {"on": text(on.isoformat()), "horizon": text(horizon.isoformat())}
    entry = flow(mapping({**fields, "why": text(why)} if why else fields))
    lines = content.decode("utf-8").splitlines(keepends=True)
    place, indent = _place(tree, lines)
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    added = f"{indent}- {entry}{end}" if "rolled" in tree.entries else f"rolled:{end}- {entry}{end}"
    before = "".join(lines[:place])
    before += "" if before.endswith("\n") else end
    after = (before + added + "".join(lines[place:])).encode()
    workspace, problems = read_workspace(root, today=today, drafts={NETWORK: after})
    # Everything after the new lines has moved down; only what is said there for the first time counts.
    said = {(problem.what, problem.got) for problem in known}
    new = tuple(problem for problem in problems if (problem.what, problem.got) not in said)
    return RollDraft(NETWORK, added, after, workspace, new)


def _place(tree: MapNode, lines: list[str]) -> tuple[int, str]:
    """Return how many lines stand before the new one, and the spaces that it begins with."""
    rolled = child(tree, "rolled")
    if rolled is None:
        return tree.entries["horizon"].line, ""
    key = tree.key_lines["rolled"]
    if isinstance(rolled, ListNode) and rolled.items:
        if all(ITEM.match(lines[item.line - 1]) and item.line > key for item in rolled.items):
            first = lines[rolled.items[0].line - 1]
            return _end(lines, rolled.items[-1].line), first[: len(first) - len(first.lstrip())]
    elif isinstance(rolled, Scalar):
        return key, ""
    what, allowed = "network: the rolls are written on one line", "a line for each roll: - {on: ..., horizon: ...}"
    raise WorkspaceProblems([Problem(Source(NETWORK, key), what, "", allowed)])


def _end(lines: list[str], begin: int) -> int:
    """Return the last line of a list item that begins on a line: before the next key, and its comments."""
    end = begin
    while end < len(lines) and (not lines[end].strip() or lines[end][0] in " #"):
        end += 1
    while end > begin and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return end
