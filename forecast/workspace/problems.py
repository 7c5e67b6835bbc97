"""Problems in users' files are values: collected, sorted, and raised together."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

Severity = Literal["error", "warning"]

SHOWN_CHARACTERS = 80  # of a user's value in a message; longer ones are cut
# Characters of a name that is listed, and of a message's words and parts; what is longer is cut.
LONGEST_NAME, LONGEST_WORD, LONGEST_PART = 100, 200, 5_000
NAMES_LISTED = 40  # in a message; the rest is counted
TOLD_APART = 5  # mistakes of one kind in a table; of more the first is told, and their number
TOLD_BY_HAND = 20  # mistakes of one kind in a file written by hand, likewise
GOT_LISTED = 3  # values that a message for several rows shows
SLIP = 0.8  # share of letters that a name has in common with one that is meant by it
TABLE = ".csv"
LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")
NO_NAME = "is not usable as a name"
UNKNOWN = re.compile(r"(?:unknown [a-z ]+|has no state) ('.*')$")
# What differs between rows with one mistake: the item or question that is meant (not one that there is not), who is, an
# id that appears twice, and where it was first.
OF_ONE_ROW = re.compile(
    r"^(?:(?:an )?item|statement|event|question|scenario|source|expert|decision|variable|resolution of)"
    r" (?:'[^']*'|without id)(?=:)|'[^']*'(?= appears twice)"
    r"|(?<=first at )\S+:\d+|(?<=in line )\d+"
    r"|(?<!unknown )\b(?:question|forecaster|expert) '[^']*'"
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


def gathered(problems: Iterable[Problem], apart: int = TOLD_APART) -> tuple[Problem, ...]:
    """Return the problems, sorted; a mistake that more than so many rows of a file have is one, with its number.

    A file of another version has it in every row, and nobody reads a hundred thousand lines.
    """
    kinds: dict[tuple[str, ...], list[Problem]] = {}
    for problem in sorted(problems):
        words = (OF_ONE_ROW.sub("", part) for part in (problem.what, problem.allowed))
        kinds.setdefault((problem.source.path, problem.severity, *words), []).append(problem)
    parts = (group if len(group) <= apart else [_as_one(group)] for group in kinds.values())
    return tuple(sorted(problem for group in parts for problem in group))


def without_echoes(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the problems but those of names that cannot be names, where the same name is said to be unknown."""
    every = tuple(problems)
    unknown = {(problem.source, match[1]) for problem in every if (match := UNKNOWN.search(problem.what))}
    for problem in every:
        if not (problem.what.endswith(NO_NAME) and (problem.source, problem.got) in unknown):
            yield problem


def of_tables(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems, sorted, and those of tables gathered; in files written by hand more are shown each."""
    every = tuple(problems)
    if len(every) <= TOLD_APART:
        return tuple(sorted(every))
    in_tables = tuple(problem for problem in every if problem.source.path.lower().endswith(TABLE))
    rest = (problem for problem in every if not problem.source.path.lower().endswith(TABLE))
    return tuple(sorted((*gathered(rest, TOLD_BY_HAND), *gathered(in_tables))))


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
    rows = "more rows" if first.source.path.lower().endswith(TABLE) else "more"
    more = f"{len(group) - 1:,} {rows} are like it, to line {last}"
    return replace(first, got=got, allowed=f"{first.allowed}; {more}" if first.allowed else more)


def one_form(name: str) -> str:
    """Return a name in Unicode's composed form (NFC).

    Some systems and editors write é as two characters, a letter and its accent: the same name to whoever reads it.
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def near(name: str, known: Sequence[str]) -> str | None:
    """Return the nearest known name, as it is known; None when none is near."""
    return _near(name, tuple(known))


@lru_cache(1000)
def _near(name: str, known: tuple[str, ...]) -> str | None:
    """Return the nearest name, found once for each unknown one: every row of a table may name it."""
    import difflib

    # The comparison is quadratic in the length, and no name is that long.
    name, forms = one_form(name[:200]), {one_form(spelling): spelling for spelling in reversed(known)}
    composed = tuple(map(one_form, known))
    same = [other for other in composed if other != name and _compatible(other) == _compatible(name)][:1]
    same = same or difflib.get_close_matches(name, composed, n=1, cutoff=0.6)
    if not same:  # the same name in other letters, capitals for small ones
        folded = {spelling.casefold(): spelling for spelling in forms}
        same = [folded[spelling] for spelling in difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)]
    return forms[same[0]] if same else None


def is_slip(written: str, name: str) -> bool:
    """Say whether what is written differs from a name by a letter or two: so near that the name is meant."""
    import difflib

    same_letters = sorted(written) == sorted(name)
    return same_letters or difflib.SequenceMatcher(None, written[:200], name).ratio() >= SLIP


def nearest(name: str, known: Sequence[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, or an empty string when none is near."""
    other = near(name, known)
    return "" if other is None else f"; did you mean '{_cut(one_form(other))}'?"


# Letters of other scripts that are drawn like Latin ones, as in Unicode's table of confusables (UTS 39).
LATIN = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u051d\u04bb\u03bf\u03bd\u03b1\u03c1"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
    "aeopcyxijsdqwhovapABEKMHOPCTYXIJSABEZHIKMNOPTYX",
)


# Full-width forms are drawn like what they stand for.
DRAWN_ALIKE = {**LATIN, **{0xFF01 + n: 0x21 + n for n in range(94)}}


def look_alikes(names: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield each name that a reader cannot tell from an earlier one, that one, and the first character that differs.

    Such are names with characters that are not drawn, full-width ones, and letters of another script.
    """
    known: dict[str, str] = {}
    listed = tuple(names)
    for name in listed if not all(map(str.isascii, listed)) else ():
        drawn = "".join(c for c in one_form(name) if unicodedata.category(c) != "Cf")
        other = known.setdefault(" ".join(drawn.translate(DRAWN_ALIKE).split()), name)
        if other != name:
            odd = name if not name.isascii() else other
            strange = next((c for c in odd if not c.isascii() and c not in (other if odd is name else name)), odd[0])
            yield name, other, f"U+{ord(strange):04X} ({unicodedata.name(strange, 'no name').lower()})"


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


# Text that a person cannot see or did not mean: markers of a merge, blanks that are no spaces, spaces left out.

# git writes seven signs, or more where an attribute says so; then a blank and a name, or the end of the line.
OUTER = re.compile(r"(<{7,}|>{7,})(?: .*)?", re.ASCII)
MARKER = re.compile(r"(<{7,}|>{7,}|\|{7,}|={7,})(?: .*)?", re.ASCII)
MIDDLE = re.compile(r"={7,}")
SIGNS = ("<" * 7, ">" * 7, "=" * 7)  # cheap to search for; without one there is no marker
ODD_BLANKS = "\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000"
# Where YAML needs an ordinary space: before the first word of a line, after the dash of an item, after a key's colon.
_DASHES = r"[ ]*(?:- +)*"
NEEDS_A_SPACE = rf"(?m)^(?:{_DASHES}-?|{_DASHES}[\w.-]+:)[ ]*([{ODD_BLANKS}]+)"
FOLDED = rf"^[ ]*(?:-|(?:- +)*[A-Za-z_][\w.-]*:)([{ODD_BLANKS}])"  # as a line within an unquoted text of several
# A dash or a colon right before what belongs behind a space: an item, a value. `//` is an address, `::` no key.
_KEY = r"[A-Za-z_][\w.-]*"
NO_SPACE = rf"(?m)^[ ]*(?:- +)*(?:-(?=[A-Za-z_{{\[\"'])|{_KEY}:(?=[^\s:/]))"
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
    if not any(sign in text for sign in SIGNS):
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
    return [(text.count("\n", 0, match.start(1)) + 1, *match.span(1)) for match in re.finditer(NEEDS_A_SPACE, text)]


def folded_blank(line: str) -> int | None:
    """Return the place of an odd blank behind what looks like a key or a dash; None if there is none."""
    match = re.match(FOLDED, line)
    return None if match is None else match.start(1)


def blank_at(text: str, at: int, where: Source) -> Problem | None:
    """Return the problem of an odd blank at which a reader stopped; None if something else stands there."""
    if at >= len(text) or not re.match(f"[{ODD_BLANKS}]", text[at]):
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
    return [(text.count("\n", 0, one.end()) + 1, one.end()) for one in re.finditer(NO_SPACE, text)]


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
