"""Text that a person cannot see or did not mean to leave: markers of an unfinished merge, blanks that are no spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from forecast.workspace.problems import Problem, Source, quoted

# git writes seven signs, or more where an attribute says so; then a blank and a name, or the end of the line.
OUTER = re.compile(r"(<{7,}|>{7,})(?: .*)?", re.ASCII)
MARKER = re.compile(r"(<{7,}|>{7,}|\|{7,}|={7,})(?: .*)?", re.ASCII)
MIDDLE = re.compile(r"={7,}")
SIGNS = re.compile(r"^(?:<{7}|>{7}|={7})", re.MULTILINE)  # cheap to search for; without one there is no marker
ODD_BLANKS = "\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000"
ODD_BLANK = re.compile(f"[{ODD_BLANKS}]")
# Where YAML needs an ordinary space: before the first word of a line, after the dash of an item, after a key's colon.
_DASHES = r"[ ]*(?:- +)*"
NEEDS_A_SPACE = re.compile(rf"^(?:{_DASHES}-?|{_DASHES}[\w.-]+:)[ ]*([{ODD_BLANKS}]+)", re.MULTILINE)
FOLDED = re.compile(rf"^[ ]*(?:-|(?:- +)*[a-z_]+:)([{ODD_BLANKS}])")  # as a line within an unquoted text of several
BY_HAND = "keep what is right of the two sides, delete the marker lines, and finish the merge with git"
NAMES = {"\u00a0": "a non-breaking space", "\u202f": "a narrow non-breaking space", "\u200b": "a zero-width space"}


def unfinished_merge(text: str, path: str, *, quotes: bool = False, way: str = BY_HAND) -> Problem | None:
    """Return the problem of a text in which git left conflict markers, at the first of them; None if there is none.

    With `quotes` a quoted cell may hold lines of any kind, so that only the sign that begins a conflict counts.
    `way` says how the merge is finished.
    """
    if SIGNS.search(text) is None:
        return None
    markers = [(number, line) for number, line in _lines(text) if MARKER.fullmatch(line)]
    deciding = [
        line for _, line in markers if (line[0] == "<" if quotes else OUTER.fullmatch(line) or _is_middle(line))
    ]
    return _problem(markers, path, way) if deciding else None


def merge_marker(line: str, path: str, number: int) -> Problem | None:
    """Return the problem of one line that is a conflict marker, as where the sides were deleted and one marker left."""
    line = line.rstrip("\r\n")
    return _problem([(number, line)], path) if OUTER.fullmatch(line) or _is_middle(line) else None


def _is_middle(line: str) -> bool:
    return MIDDLE.fullmatch(line) is not None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        yield number, line.removesuffix("\r")


def _problem(found: list[tuple[int, str]], path: str, way: str = BY_HAND) -> Problem:
    lines = ", ".join(str(number) for number, _ in found[:10]) + (" and more" if len(found) > 10 else "")
    what = f"the markers of an unfinished merge, on {'line' if len(found) == 1 else 'lines'} {lines}"
    return Problem(Source(path, found[0][0]), what, quoted([found[0][1][:80]]), way)


def odd_blanks(text: str) -> list[tuple[int, int, int]]:
    """Return line, begin and end of each odd blank that stands where YAML needs an ordinary space."""
    return [(text.count("\n", 0, match.start(1)) + 1, *match.span(1)) for match in NEEDS_A_SPACE.finditer(text)]


def folded_blank(line: str) -> int | None:
    """Return the place of an odd blank behind what looks like a key or a dash; None if there is none."""
    match = FOLDED.match(line)
    return None if match is None else match.start(1)


def blank_at(text: str, at: int, where: Source) -> Problem | None:
    """Return the problem of an odd blank at which a reader stopped; None if something else stands there."""
    if at >= len(text) or not ODD_BLANK.match(text, at):
        return None
    return blank_problem(text[at], where.path, where.line, text[text.rfind("\n", 0, at) + 1 : at][-20:])


def blank_problem(character: str, path: str, line: int, after: str) -> Problem:
    """Return the problem of an odd blank; `after` is the text on its line before it."""
    name = NAMES.get(character, unicodedata.name(character, "a blank").lower())
    behind = f" after {quoted([after.strip()])}" if after.strip() else " at the beginning of the line"
    what = f"{name}{behind}, where an ordinary space belongs"
    return Problem(Source(path, line), what, f"U+{ord(character):04X}", "retype the space")
