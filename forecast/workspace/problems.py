"""Problems in users' files are values: collected, sorted, and raised together."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Severity = Literal["error", "warning"]

SHOWN_CHARACTERS = 80  # of a user's value in a message; longer ones are cut
# Characters of a name that is listed, and of a message's words and parts; what is longer is cut.
LONGEST_NAME, LONGEST_WORD, LONGEST_PART = 100, 200, 5_000
NAMES_LISTED = 40  # in a message; the rest is counted
TOLD_APART = 5  # mistakes of one kind in a table; of more the first is told, and their number
GOT_LISTED = 3  # values that a message for several rows shows
TABLE = ".csv"
LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")
NO_NAME = "is not usable as a name"
UNKNOWN = re.compile(r"(?:unknown [a-z ]+|has no state) ('.*')$")
# What differs between rows with one mistake: the item that is meant, an id that appears twice, and where it was first.
OF_ONE_ROW = re.compile(
    r"^(?:an )?item (?:'[^']*'|without id)(?=:)|'[^']*'(?= appears twice)|(?<=first at )\S+:\d+|(?<=in line )\d+"
)


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
        parts = "; ".join(map(_in_line, (prefix + self.what, *got, *allowed)))
        return f"{_printable(str(self.source))}: {parts}"


class WorkspaceProblems(Exception):  # noqa: N818 - a user reads "problems", not "errors"
    """The files of a workspace hold mistakes; `problems` lists all of them, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = of_tables(problems)
        super().__init__("\n".join(map(str, self.problems)))


def gathered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems, sorted; a mistake that more than TOLD_APART rows of a file have is one, with its number.

    A file of another version has it in every row, and nobody reads a hundred thousand lines.
    """
    kinds: dict[tuple[str, ...], list[Problem]] = {}
    for problem in sorted(problems):
        words = (OF_ONE_ROW.sub("", part) for part in (problem.what, problem.allowed))
        kinds.setdefault((problem.source.path, problem.severity, *words), []).append(problem)
    parts = (group if len(group) <= TOLD_APART else [_as_one(group)] for group in kinds.values())
    return tuple(sorted(problem for group in parts for problem in group))


def without_echoes(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the problems but those of names that cannot be names, where the same name is said to be unknown."""
    every = tuple(problems)
    unknown = {(problem.source, match[1]) for problem in every if (match := UNKNOWN.search(problem.what))}
    for problem in every:
        if not (problem.what.endswith(NO_NAME) and (problem.source, problem.got) in unknown):
            yield problem


def of_tables(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems, sorted, and those of tables gathered; in files written by hand each is shown."""
    every = tuple(problems)
    in_tables = tuple(problem for problem in every if problem.source.path.lower().endswith(TABLE))
    if len(in_tables) <= TOLD_APART:
        return tuple(sorted(every))
    rest = (problem for problem in every if not problem.source.path.lower().endswith(TABLE))
    return tuple(sorted((*rest, *gathered(in_tables))))


def _in_line(part: str) -> str:
    """Return a part of a message as it can be printed: on one line, of bounded length, whatever a user's text holds."""
    words = " ".join(part[: 2 * LONGEST_PART].split())
    cut = LONG_WORD.sub(lambda word: f"{word[0][:SHOWN_CHARACTERS]}...", words)
    return _printable(cut if len(cut) <= LONGEST_PART else f"{cut[:LONGEST_PART]}...")


def _printable(text: str) -> str:
    """Write out what a terminal would obey or not show: control characters, reordering marks, lone surrogates."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _as_one(group: Sequence[Problem]) -> Problem:
    first, last = group[0], max(problem.source.line for problem in group)
    values = tuple(dict.fromkeys(problem.got for problem in group if problem.got))
    got = ", ".join(values[:GOT_LISTED]) + (" and others" if len(values) > GOT_LISTED else "")
    more = f"{len(group) - 1:,} more rows are like it, to line {last}"
    return replace(first, got=got, allowed=f"{first.allowed}; {more}" if first.allowed else more)


def one_form(name: str) -> str:
    """Return a name in Unicode's composed form (NFC).

    Some systems and editors write é as two characters, a letter and its accent: the same name to whoever reads it.
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def near(name: str, known: Sequence[str]) -> str | None:
    """Return the nearest known name, as it is known; None when none is near."""
    # The comparison is quadratic in the length, and no name is that long.
    name, forms = one_form(name[:200]), {one_form(spelling): spelling for spelling in reversed(known)}
    composed = tuple(map(one_form, known))
    same = [other for other in composed if other != name and _compatible(other) == _compatible(name)][:1]
    same = same or difflib.get_close_matches(name, composed, n=1, cutoff=0.6)
    if not same:  # the same name in other letters, capitals for small ones
        folded = {spelling.casefold(): spelling for spelling in forms}
        same = [folded[spelling] for spelling in difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)]
    return forms[same[0]] if same else None


def nearest(name: str, known: Sequence[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, or an empty string when none is near."""
    other = near(name, known)
    return "" if other is None else f"; did you mean '{_cut(one_form(other))}'?"


def _compatible(name: str) -> str:
    """Return a name without the difference between full-width or other compatibility characters and plain ones."""
    return unicodedata.normalize("NFKC", name)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:SHOWN_CHARACTERS]}..."


def quoted(names: Iterable[str]) -> str:
    """Return `'a', 'b', 'c'`, counting what does not fit."""
    listed = tuple(names)
    more = len(listed) - NAMES_LISTED
    return ", ".join(f"'{_cut(name)}'" for name in listed[:NAMES_LISTED]) + (f" and {more} more" if more > 0 else "")


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
            return f"'{_printable(cut)}'"
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


def known(said: str, names: Sequence[str], what: str) -> str:
    """Return a name that there is. Raises ValueError that names the nearest one."""
    if said not in names:
        raise ValueError(f"'{said}' is none of them; {choice(what, said, names)}")
    return said
