"""Text that a person cannot see or did not mean: markers of a merge, blanks that are no spaces, spaces left out."""

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
# A dash or a colon right before what belongs behind a space: an item, a value. `//` is an address, `::` no key.
_KEY = r"[A-Za-z_][\w.-]*"
NO_SPACE = re.compile(rf"^[ ]*(?:- +)*(?:-(?=[A-Za-z_{{\[\"'])|{_KEY}:(?=[^\s:/]))", re.MULTILINE)
DASH_AND_KEY = re.compile(rf"-[{{\[]?{_KEY}", re.ASCII)
KEY_AND_VALUE = re.compile(r"[\w.-]+:[^\s:/].*", re.DOTALL)
KEY_AND_BEGIN = re.compile(r"[\w.-]+:[{\[].*", re.DOTALL)
FOLDED_LIST = re.compile(r"-[A-Za-z_]\S*(?: \S+)*? -(?: |[A-Za-z_])", re.DOTALL)
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


def missing_spaces(text: str) -> list[tuple[int, int]]:
    """Return the line, and the place in the text, of each dash or colon that may lack its space, at that place."""
    return [(text.count("\n", 0, one.end()) + 1, one.end()) for one in NO_SPACE.finditer(text)]


def is_dash_and_key(key: str) -> bool:
    """Say whether an unquoted key is one with the dash of an item before it: `-id`."""
    return DASH_AND_KEY.fullmatch(key) is not None


def is_key_and_value(key: str, *, is_whole: bool) -> bool:
    """Say whether an unquoted key is one with its value behind it: `source:wire`, `0.05:0.1`.

    One that is not the `is_whole` of its entry begins a map or a list: `wire:{name` before `: A}`.
    """
    return (KEY_AND_VALUE if is_whole else KEY_AND_BEGIN).fullmatch(key) is not None


def is_folded_list(text: str) -> bool:
    """Say whether an unquoted text of several lines is a list whose first dash has no space: `-a` above `- b`."""
    return FOLDED_LIST.match(text) is not None


def space_problem(written: str, path: str, line: int) -> Problem:
    """Return the problem of a dash or a colon without its space, at the beginning of what is written."""
    written = written.strip()
    is_dash = written.removeprefix("- ").lstrip().startswith("-")
    sign, better = ("dash", "- ") if is_dash else ("colon", ": ")
    at = written.index("-" if is_dash else ":", written.startswith("- ") and is_dash)
    mended = f"{written[:at]}{better}{written[at + 1 :]}"
    what = f"no space after the {sign}"
    return Problem(Source(path, line), what, quoted([written]), f"write {quoted([mended])}")
