"""CSV text to rows of cells: every row with its line, a broken row reported and passed over, in linear time."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Any

from forecast.workspace.files import MAX_TABLE_BYTES
from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar
from forecast.workspace.numbers import vanishes
from forecast.workspace.problems import (
    Problem,
    Source,
    blank_at,
    is_slip,
    merge_marker,
    near,
    nearest,
    one_form,
    quoted,
    shown,
    unfinished_merge,
)
from forecast.workspace.yaml_text import BYTE_ORDER_MARK, UNPRINTABLE

ROW_LINES = 100  # a quoted cell that goes on for longer was never closed
UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # byte order marks
# What some programs end lines with in the place of a line feed.
OTHER_ENDS = {"\r": "a carriage return alone", "\u2028": "a line separator", "\u2029": "a paragraph separator"}
UNPRINTABLE_CHARACTER = "character that cannot stand in a table"
OTHER_PARTINGS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Header:
    """The names of the columns of a table, and what can be wrong with them; each reader knows and needs its own."""

    names: Sequence[str]
    where: Source

    def repeated(self, of: Collection[str] | None = None) -> list[Problem]:
        """Report each name (of those of interest) that stands twice."""
        names = [name for name in dict.fromkeys(self.names) if of is None or name in of]
        return [
            Problem(self.where, f"column {shown(name)} appears twice", "", "each column stands once")
            for name in names
            if self.names.count(name) > 1
        ]

    def unknown(self, known: Sequence[str], hint: Callable[[str], str] = lambda _: "") -> list[Problem]:
        """Report each name that is not known, with the nearest that is; `hint` stands before the list of them."""
        return [
            Problem(
                self.where,
                f"unknown column {shown(name)}",
                "",
                f"{hint(name)}columns are {quoted(known)}{nearest(name, known)}",
            )
            for name in dict.fromkeys(self.names)
            if name not in known
        ]

    def missing(self, needed: Sequence[str], known: Sequence[str]) -> list[Problem]:
        """Report each name that is needed and not there, nor there misspelt."""
        there = {*self.names, *self.misspelt(known, needed).values()}
        return [
            Problem(self.where, f"missing column {shown(name)}", "", f"columns are {quoted(known)}")
            for name in needed
            if name not in there
        ]

    def misspelt(self, known: Sequence[str], needed: Sequence[str]) -> dict[str, str]:
        """Return the unknown names that are a known one misspelt which is not there, each with that one."""
        meant: dict[str, str] = {}
        for name in dict.fromkeys(self.names):
            key = None if name in known else near(name, known)
            if key is not None and key not in self.names and (key in needed or is_slip(name, key)):
                meant.setdefault(key, name)
        return {name: key for key, name in meant.items()}


@dataclass(frozen=True)
class CsvTable:
    """The first row, and the other rows that have as many cells, each with the line on which it begins."""

    header: tuple[str, ...]
    header_line: int
    rows: tuple[tuple[int, list[str]], ...]

    def columns(self, path: str) -> Header:
        """Return the names of the columns, at their place in a file."""
        return Header(self.header, Source(path, self.header_line))

    def as_meant(self, path: str, known: Sequence[str], needed: Sequence[str]) -> CsvTable:
        """Return the table with misspelt columns, which `Header.unknown` reports, under the names that were meant."""
        meant = self.columns(path).misspelt(known, needed)
        return replace(self, header=tuple(meant.get(name, name) for name in self.header))

    def cells(self, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the line of each row and its cells by column, without the blanks around them and in one form.

        Of a column that stands twice the first counts.
        """
        places = [(name, self.header.index(name)) for name in columns]
        for line, row in self.rows:
            yield line, {name: one_form(row[place].strip()) for name, place in places}


def parse_csv(content: bytes, path: str, may_lack: str | None = None) -> tuple[CsvTable | None, tuple[Problem, ...]]:
    """Read RFC 4180 text in UTF-8, blank lines passed over. Return the table (None without a header), and problems.

    Of a header whose last column is `may_lack`, rows may leave out that cell: they are older than the column.
    """
    text, problems = decoded(content, path)
    unprintable = {one.source.line for one in problems if one.what == UNPRINTABLE_CHARACTER}
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    rows: list[tuple[int, list[str]]] = []
    header: tuple[int, tuple[str, ...]] | None = None
    for line, cells in _rows(lines, path, problems):
        if not any(map(str.strip, cells)):
            continue
        if header is None:
            header = line, tuple(one_form(cell.strip()) for cell in cells)
            if (parted := parted_otherwise(header[1])) is not None:
                # Nothing else can be said of such a file: each of its rows would be one cell.
                what, got = f"cells are separated by {parted}", shown(header[1][0])
                return None, (*problems, Problem(Source(path, line), what, got, "commas"))
            if line in unprintable:
                return None, tuple(problems)  # nobody could tell its names from those that are needed
        elif line in unprintable:
            continue  # said of the character
        elif len(cells) == len(header[1]) and not _is_again(cells, header[1]):
            rows.append((line, cells))
        elif len(cells) == len(header[1]) - 1 and header[1][-1] == may_lack:
            rows.append((line, [*cells, ""]))
        else:
            problems.append(_no_row(cells, header[1], lines[line - 1], Source(path, line)))
    if header is None:
        if not problems:
            problems.append(Problem(Source(path, 1), "the file is empty", "", "an unused file is deleted"))
        return None, tuple(problems)
    return CsvTable(header[1], header[0], tuple(rows)), tuple(problems)


def _is_again(cells: Sequence[str], header: Sequence[str]) -> bool:
    return cells[0].strip() == header[0] and tuple(map(str.strip, cells[1:])) == header[1:]


def _no_row(cells: Sequence[str], header: Sequence[str], text: str, where: Source) -> Problem:
    if (marker := merge_marker(text, where.path, where.line)) is not None:
        return marker
    if len(cells) == len(header):
        return Problem(where, "the header line again", "", "delete this line")
    what, got = "a row that does not fit the header", f"{_cells(len(cells))} beginning with {shown(cells[0])}"
    return Problem(where, what, got, f"{_cells(len(header))}, as the header has")


def decoded(content: bytes, path: str) -> tuple[str, list[Problem]]:
    """Return the text of a table in UTF-8, and what is wrong with its bytes; what cannot be read is replaced.

    Of UTF-16 nothing is returned: every letter of it would be a mistake of its own. Nor of an unfinished merge: both
    sides stand in it.
    """
    if (other := other_encoding(content, path)) is not None:
        return "", [other]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where, got = Source(path, line), f"byte 0x{content[error.start]:02x}"
        problems = [Problem(where, "not UTF-8 text", got, "save the file as UTF-8")]
        # Everything else is read all the same: one wrong letter hides no other mistake.
        text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    else:
        problems = []
    if (merge := unfinished_merge(text, path, quotes=True)) is not None:
        return "", [merge]
    if (ends := other_line_ends(text, path)) is not None:
        return "", [*problems, ends]
    match = UNPRINTABLE.search(text)
    if (at := match.start() if match else text.find(BYTE_ORDER_MARK)) >= 0:
        line, got = text.count("\n", 0, at) + 1, f"U+{ord(text[at]):04X}"
        problems.append(Problem(Source(path, line), UNPRINTABLE_CHARACTER, got, "remove it"))
    return text, problems


def other_encoding(content: bytes, path: str) -> Problem | None:
    """Return the problem of a text in UTF-16, of which every line would be a mistake of its own; else None."""
    if not content.startswith(UTF_16):
        return None
    return Problem(Source(path, 1), "UTF-16 text", f"byte 0x{content[0]:02x}", "save the file as UTF-8")


def other_line_ends(text: str, path: str, *, behind: str = "") -> Problem | None:
    """Return the problem of a text whose lines end with no line feed, so that all of it is one line; else None.

    `behind` is what a line ends with where such a character may stand within one, too.
    """
    line = text.rstrip()
    if "\n" in line:
        return None
    sign = next((sign for sign in OTHER_ENDS if behind + sign in line), None)
    if sign is None:
        return None
    what = f"lines end with {OTHER_ENDS[sign]}, so that all of the file is one line"
    return Problem(Source(path, 1), what, f"U+{ord(sign):04X}", "save it with line feeds (LF or CRLF) at line ends")


def parted_otherwise(header: tuple[str, ...]) -> str | None:
    """Return what parts the cells of a header that holds no comma, if it is anything known."""
    partings = (name for parting, name in OTHER_PARTINGS.items() if len(header) == 1 and parting in header[0])
    return next(partings, None)


def _cells(number: int) -> str:
    return f"{number} cell" if number == 1 else f"{number} cells"


class _Unclosed(Exception):  # noqa: N818 - never leaves this module
    """A quoted cell has gone on for too long."""


class _Feed:
    """Hands lines to the parser, and stops it where one row has taken too many of them."""

    def __init__(self, lines: list[str], at: int) -> None:
        self.lines, self.at, self.begun = lines, at, at

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.at >= len(self.lines):
            raise StopIteration
        if self.at - self.begun >= ROW_LINES:
            raise _Unclosed
        self.at += 1
        return self.lines[self.at - 1] + "\n"


def _rows(lines: list[str], path: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with its line; after a broken one, begin again on the line after its first.

    Up to the first quote (or odd end of a line) a row is a line and its cells are what commas part: most of a table
    needs no parser.
    """
    plain = 0
    for line in lines:
        bare = line.removesuffix("\r")
        if '"' in line or "\r" in bare:
            break
        plain += 1
        yield plain, bare.split(",")
    if plain < len(lines):
        yield from _parsed_rows(lines, plain, path, problems)


def _parsed_rows(lines: list[str], begin: int, path: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of all lines but the first so many."""
    feed = _Feed(lines, begin)
    before = csv.field_size_limit(MAX_TABLE_BYTES)  # the parser's own limit would end the file at one long cell
    try:
        reader = csv.reader(feed, strict=True)
        while True:
            feed.begun = feed.at
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, _Unclosed) as error:
                what, allowed = _words(error)
                problems.append(Problem(Source(path, feed.begun + 1), what, shown(lines[feed.begun]), allowed))
                feed.at = feed.begun + 1
                reader = csv.reader(feed, strict=True)
                continue
            yield feed.begun + 1, cells
    finally:
        csv.field_size_limit(before)


def _words(error: Exception) -> tuple[str, str]:
    if isinstance(error, _Unclosed) or "unexpected end of data" in str(error):
        return "a quote is opened and not closed", "a quote within a quoted cell is doubled"
    return "not readable as CSV", 'cells that hold , or " are quoted whole, and a quote within them is doubled'


# JSON text to values, and JSON lines to trees: what a reader would take beyond the format is refused with a place.

HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")  # of a pair; alone it can be neither printed nor written
MAX_NUMBER = 300  # digits of an integer: all such are within a double, and Python makes none of more than 4,300
MAX_DEPTH = 100


class NotJsonError(ValueError):
    """A text that is no JSON, or that holds what no reader of it may take: `line` counts from 1, `at` from 0."""

    def __init__(self, what: str, line: int = 1, at: int | None = None, allowed: str = "") -> None:
        super().__init__(what)
        self.what, self.line, self.at, self.allowed = what, line, at, allowed


class _RefusedError(ValueError):
    """A value that is JSON's grammar, and is not taken."""


class _RepeatedError(ValueError):
    """An object has a key twice."""


def load_json(text: str, *, finite: bool = True) -> Any:
    """Return what a text holds: maps, lists, texts of whole characters, and numbers that a double holds.

    Args:
        text: one JSON value.
        finite: whether NaN, infinities and numbers beyond a double are refused; else they are such floats, for a
            reader that names the place of each.

    Raises NotJsonError: the text is no JSON, is nested deeper than MAX_DEPTH, has a key twice in one object (nobody
    could tell which value is meant), or has what is refused.
    """
    try:
        value = (FINITE if finite else ANY).decode(text)
        if text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(value):
            raise NotJsonError("nested too deeply")
        if HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError:
        raise NotJsonError("half of a character, such as \\ud800 alone") from None
    except json.JSONDecodeError as error:
        raise NotJsonError(error.msg, error.lineno, error.pos) from None
    except _RepeatedError:
        raise _repeated(text) from None
    except _RefusedError as error:
        raise NotJsonError(str(error)) from None
    except RecursionError:
        raise NotJsonError("nested too deeply") from None


def _repeated(text: str) -> NotJsonError:
    """Return what is wrong with a text in which objects have a key twice: the first such key, and how many more."""
    found: list[tuple[str, int, int]] = []  # key, line, line on which it stood before
    objects: list[dict[str, int]] = []  # those that are open, each with the lines of its keys; one for a list, too
    line, counted = 1, 0
    for token in TOKEN.finditer(text):
        line, counted = line + text.count("\n", counted, token.start()), token.start()
        if token[0] in "{[":
            objects.append({})
        elif token[0] in "}]":
            objects[-1:] = []
        elif token["key"] is not None and objects:
            name = str(json.loads(token["key"]))
            if name in objects[-1]:
                found.append((name, line, objects[-1][name]))
            objects[-1].setdefault(name, line)
    if not found:  # it is no whole JSON further on, and the walk lost its way
        return NotJsonError("a key appears twice")
    name, line, first = found[0]
    before = "" if "\n" not in text else f"it stands on line {first} already; "
    more = f", and so with {len(found) - 1:,} more keys" if len(found) > 1 else ""
    return NotJsonError(f"key {shown(name)} appears twice", line, allowed=f"{before}once in each object{more}")


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        inner = (
            nested.values() if isinstance(nested, dict) else nested
            for nested in level
            if isinstance(nested, dict | list)
        )
        level = [part for parts in inner for part in parts]
    return bool(level)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise _RepeatedError
    return entries


def _constant(name: str) -> Any:
    raise _RefusedError(f"{name} is not a JSON number")


def _float(text: str) -> float:
    value = _any_float(text)
    if not isfinite(value):
        raise _RefusedError(f"the number {text[:20]} is too large")
    return value


def _any_float(text: str) -> float:
    if vanishes(text):
        raise _RefusedError(f"the number {text[:20]} is too small: a double would hold 0")
    return float(text)


def _int(text: str) -> int:
    if len(text) > MAX_NUMBER:
        raise _RefusedError(f"a number of {len(text)} digits")
    return int(text)


FINITE = json.JSONDecoder(parse_constant=_constant, parse_float=_float, parse_int=_int, object_pairs_hook=_once)
ANY = json.JSONDecoder(
    parse_float=_any_float,
    parse_int=lambda text: inf if len(text) > MAX_NUMBER else int(text),
    object_pairs_hook=_once,
)
TOKEN = re.compile(r'(?P<key>"(?:[^"\\]|\\.)*+")(?=\s*+:)|"(?:[^"\\]|\\.)*+"|[{}\[\]]')
MAX_LINE_DEPTH = 20


def parse_json_lines(content: bytes, path: str) -> tuple[tuple[MapNode, ...], tuple[Problem, ...]]:
    """Return the object of each line that holds one, and the problems; blank lines are passed over."""
    text = content.decode("utf-8", "replace")
    for whole in (other_encoding(content, path), unfinished_merge(text, path), other_line_ends(text, path, behind="}")):
        if whole is not None:
            return (), (whole,)
    entries: list[MapNode] = []
    problems: list[Problem] = []
    for number, raw in enumerate(content.split(b"\n"), 1):
        where = Source(path, number)
        text = ""
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            node = _node(load_json(text), number) if text else None
        except UnicodeDecodeError as error:
            problems.append(Problem(where, "not UTF-8 text", f"byte 0x{raw[error.start]:02x}", "save it as UTF-8"))
        except NotJsonError as error:
            if error.at is not None and (blank := blank_at(text, error.at, where)) is not None:
                problems.append(blank)
                continue
            is_grammar = error.at is not None
            what, allowed = f"no JSON: {error.what}" if is_grammar else error.what, error.allowed
            allowed = allowed or ("" if is_grammar else "one JSON object a line")
            problems.append(Problem(where, what, shown(text) if is_grammar else "", allowed))
        else:
            if isinstance(node, MapNode):
                entries.append(node)
            elif node is not None:
                problems.append(Problem(where, "not a JSON object", shown(text), "one JSON object a line"))
    return tuple(entries), tuple(problems)


def _node(value: Any, line: int, depth: int = 0) -> Node:
    if depth > MAX_LINE_DEPTH:
        raise NotJsonError("nested too deeply")
    if isinstance(value, dict):
        entries = {key: _node(inner, line, depth + 1) for key, inner in value.items()}
        return MapNode(entries, dict.fromkeys(entries, line), line)
    if isinstance(value, list):
        return ListNode(tuple(_node(inner, line, depth + 1) for inner in value), line)
    return Scalar(value, str(value), line)
