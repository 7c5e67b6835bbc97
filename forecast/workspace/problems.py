"""Problems in users' files are values: collected, sorted, and raised together."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

SHOWN_CHARACTERS = 80  # of a user's value in a message; longer ones are cut
NAMES_LISTED = 40  # in a message; the rest is counted


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
        got = [f"got {self.got}"] if self.got else []
        allowed = [self.allowed] if self.allowed else []
        # One problem is one line, whatever the user's text holds.
        return f"{self.source}: " + "; ".join(" ".join(part.split()) for part in (prefix + self.what, *got, *allowed))


class WorkspaceProblems(Exception):  # noqa: N818 - a user reads "problems", not "errors"
    """The files of a workspace hold mistakes; `problems` lists all of them, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


def nearest(name: str, known: Sequence[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, or an empty string when none is near."""
    # The comparison is quadratic in the length, and no name is that long.
    near = difflib.get_close_matches(name[:200], known, n=1, cutoff=0.6)
    if not near:  # the same name in other letters, capitals for small ones
        folded = {one.casefold(): one for one in reversed(known)}
        near = [folded[one] for one in difflib.get_close_matches(name[:200].casefold(), folded, n=1, cutoff=0.6)]
    return f"; did you mean '{near[0]}'?" if near else ""


def quoted(names: Iterable[str]) -> str:
    """Return `'a', 'b', 'c'`, counting what does not fit."""
    listed = [f"'{name}'" for name in names]
    more = len(listed) - NAMES_LISTED
    return ", ".join(listed[:NAMES_LISTED]) + (f" and {more} more" if more > 0 else "")


def shown(value: object) -> str:
    """Return a user's value as a message shows it: short, on one line, its type recognisable."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value!r}"[:SHOWN_CHARACTERS]
        case str():
            cut = value[:SHOWN_CHARACTERS] + "..." if len(value) > SHOWN_CHARACTERS else value
            return "'" + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut) + "'"
        case list():
            return "a list" if value else "an empty list"
        case dict():
            return "a map" if value else "an empty map"
        case _:
            return str(value)[:SHOWN_CHARACTERS]


def choice(what: str, name: str, known: Iterable[str]) -> str:
    """Return `<what> are 'a', 'b'; did you mean 'a'?` (or `there are no <what>`)."""
    names = tuple(known)
    return f"{what} are {quoted(names)}{nearest(name, names)}" if names else f"there are no {what}"
