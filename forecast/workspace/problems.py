"""Problems in users' files are values: collected, sorted, and raised together."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Source:
    """A place in a user's file: path relative to the workspace, and a 1-based line."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake (or one warning): where it is, what is wrong, what was found, what is allowed."""

    source: Source
    what: str
    got: str = ""
    allowed: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        prefix = "warning: " if self.severity == "warning" else ""
        parts = [f"{prefix}{self.what}", *([f"got {self.got}"] if self.got else []), *([self.allowed] if self.allowed else [])]
        return f"{self.source}: " + "; ".join(" ".join(part.split()) for part in parts)


class WorkspaceProblems(Exception):  # noqa: N818 - a user reads "problems", not "errors"
    """The files of a workspace hold mistakes; `problems` lists all of them, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


def nearest(name: str, known: Sequence[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, or an empty string when none is near."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""
