"""A line that is not at the end of its file yet: a resolution, or one's own number; and the workspace with it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from forecast.workspace.files import JUDGEMENTS, RESOLUTIONS
from forecast.workspace.problems import Problem
from forecast.workspace.read import read_workspace
from forecast.workspace.read_benchmarks import JUDGEMENT_COLUMNS
from forecast.workspace.records import Workspace


@dataclass(frozen=True)
class LineDraft:
    """A line to be added: the file, its content then, and the problems that it would bring.

    `workspace` is None where the workspace would have errors."""

    path: str
    added: str
    content: bytes
    workspace: Workspace | None
    problems: tuple[Problem, ...]

    @property
    def contents(self) -> dict[str, bytes]:
        """Return the content of the file by its path."""
        return {self.path: self.content}


def draft_resolution(root: Path, fields: Mapping[str, str | bool], today: date) -> LineDraft:
    """Write a resolution as the last line of its file, and check the workspace with it. Nothing is written to disk.

    Args:
        root: the workspace.
        fields: keys of the line in the order in which they are written.
        today: dates after it are problems.
    """
    return _draft(root, RESOLUTIONS, json.dumps(fields, ensure_ascii=False), "", today)


def draft_judgement(root: Path, day: date, question: str, probability: float, why: str, today: date) -> LineDraft:
    """Write one's own number as the last row of its file, and check the workspace with it; nothing goes to disk."""
    added = _row([day.isoformat(), question, repr(probability), why])
    return _draft(root, JUDGEMENTS, added, _row(JUDGEMENT_COLUMNS), today)


def _draft(root: Path, path: str, added: str, first: str, today: date) -> LineDraft:
    place = root / path
    before = place.read_bytes() if place.is_file() else f"{first}\n".encode() if first else b""
    content = before + (b"" if before.endswith(b"\n") or not before else b"\n") + f"{added}\n".encode()
    _, old = read_workspace(root, today=today)
    workspace, problems = read_workspace(root, today=today, drafts={path: content})
    return LineDraft(path, added, content, workspace, tuple(problem for problem in problems if problem not in old))


def _row(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
