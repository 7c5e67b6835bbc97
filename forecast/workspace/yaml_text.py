"""YAML text to a tree of nodes: YAML 1.2 core scalars, every value with its line, sizes bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from forecast.workspace.files import MAX_BYTES
from forecast.workspace.nodes import ListNode, MapNode, Node, Plain, Scalar, Step
from forecast.workspace.numbers import number_in
from forecast.workspace.problems import (
    Problem,
    Source,
    blank_problem,
    folded_blank,
    is_dash_and_key,
    is_folded_list,
    is_key_and_value,
    missing_spaces,
    odd_blanks,
    shown,
    space_problem,
    unfinished_merge,
)

MAX_DEPTH = 20
KEPT_BYTES = 20_000  # of a file whose tree is kept: the trees of 512 such files take some 70 MB
MOST_SUSPECTS = 5  # places before an error at which a space may be missing; each costs one more reading of the file

# YAML 1.2 core schema; octal and hexadecimal numbers are left as text, nothing here is counted in them.
NULLS = frozenset(("", "~", "null", "Null", "NULL"))
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NUMBERS_BEGIN = frozenset("+-.0123456789")
SPECIAL = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}

UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE  # compiled already: a pattern of such ranges takes 8 ms
BYTE_ORDER_MARK = "\ufeff"  # inside a text, where the parser would take it for a character

# The parser loads from libyaml where PyYAML was built with it (all its wheels are).
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """The text goes on in a way that cannot be read further."""

    def __init__(self, line: int, what: str, got: str = "", allowed: str = "") -> None:
        super().__init__(what)
        self.line, self.what, self.got, self.allowed = line, what, got, allowed


def resolve(text: str) -> Plain:
    """Return the value of an unquoted scalar: null, boolean, number, or the text itself (`no`, dates, `1_000`)."""
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if text[0] not in NUMBERS_BEGIN:
        return text
    if INTEGER.fullmatch(text):
        return int(text)
    if FLOAT.fullmatch(text):
        # What a double does not hold stays a text: it would be 0, or infinite.
        return text if number_in(text) is None else float(text)
    special = SPECIAL.get(text.lower())
    return text if special is None else float(special)


def parse_yaml(content: bytes, path: str) -> tuple[Node | None, tuple[Problem, ...]]:
    """Return the tree of a file's only document (None when it cannot be read) and every problem found on the way.

    Whoever asks for answers, or holds what was written against what is there, reads the same files again and again:
    the trees of small ones are kept for the next time. Nobody changes a tree.
    """
    return _parsed_before(content, path) if len(content) <= KEPT_BYTES else _parsed(content, path)


@lru_cache(maxsize=512)
def _parsed_before(content: bytes, path: str) -> tuple[Node | None, tuple[Problem, ...]]:
    return _parsed(content, path)


def _parsed(content: bytes, path: str) -> tuple[Node | None, tuple[Problem, ...]]:
    last = max(1, content.count(b"\n") + (not content.endswith(b"\n")))
    problems: list[Problem] = []

    def report(line: int, what: str, got: str = "", allowed: str = "") -> None:
        problems.append(Problem(Source(path, min(max(line, 1), last)), what, got, allowed))

    text = ""
    try:
        text = _decoded(content)
        if (merge := unfinished_merge(text, path)) is not None:
            return None, (merge,)
        return _Composer(text, report).document(), tuple(problems)
    except _Refused as refused:
        report(refused.line, refused.what, refused.got, refused.allowed)
    except yaml.MarkedYAMLError as error:
        line = _error_line(error)
        if (space := _blank_behind(text, line, path) or _space_before(text, line, path)) is not None:
            problems.append(space)
        else:
            report(line, *_syntax(error, _is_at_tab(error, text)))
    except yaml.YAMLError as error:
        report(1, f"not readable as YAML: {error}")
    return None, tuple(problems)


def as_in_file(said: str) -> Node:
    """Read a value as it stands in a file. Raises ValueError with what is wrong in it."""
    node, problems = parse_yaml(said.encode(), "value")
    if node is None or problems:
        raise ValueError("; ".join(str(problem) for problem in problems))
    return node


def _decoded(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise _Refused(1, "file too large", f"{len(content)} bytes", f"at most {MAX_BYTES} bytes; split the file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _Refused(line, "not UTF-8 text", f"byte 0x{content[error.start]:02x}", "save the file as UTF-8") from None
    match = UNPRINTABLE.search(text)
    at = match.start() if match else text.find(BYTE_ORDER_MARK)
    if at >= 0:
        line = text.count("\n", 0, at) + 1
        raise _Refused(line, "character that cannot stand in YAML", f"U+{ord(text[at]):04X}", "remove it")
    return text


def _without_space(text: str, line: int) -> _Refused:
    problem = space_problem(text, "", line)
    return _Refused(line, problem.what, problem.got, problem.allowed)


def _error_line(error: yaml.MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return mark.line + 1 if mark else 1


def _blank_behind(text: str, line: int, path: str) -> Problem | None:
    """Return the problem of an odd blank, if the parser gets beyond a line where ordinary spaces stand instead.

    The parser stumbles over such a blank on a later line, or not at all: it takes key and blank for a word.
    """
    blanks = [odd_blank for odd_blank in odd_blanks(text) if odd_blank[0] <= line]
    if not blanks:
        return None
    characters = list(text)
    for _, begin, end in blanks:
        characters[begin:end] = " " * (end - begin)
    if not _is_readable("".join(characters), line):
        return None
    at, begin, _ = blanks[-1]
    return blank_problem(text[begin], path, at, text[text.rfind("\n", 0, begin) + 1 : begin])


def _space_before(text: str, line: int, path: str) -> Problem | None:
    """Return the problem of a dash or a colon without its space, if the parser gets beyond a line with the space.

    The parser takes `source:wire` for a word, and stumbles on this line or the next; `-id` is a key to it.
    """
    places = [one for one in missing_spaces(text) if one[0] <= line][-MOST_SUSPECTS:]
    suspects = [[place] for place in reversed(places)] + [places] * (len(places) > 1)
    for suspect in suspects:
        mended = text
        for _, at in reversed(suspect):
            mended = f"{mended[:at]} {mended[at:]}"
        if _is_readable(mended, line):
            at_line, at = suspect[0]
            return space_problem(text[text.rfind("\n", 0, at) + 1 :].partition("\n")[0], path, at_line)
    return None


def _is_readable(text: str, line: int) -> bool:
    """Say whether the parser gets beyond a line."""
    try:
        for _ in yaml.parse(text, Loader=LOADER):
            pass
    except yaml.MarkedYAMLError as error:
        return _error_line(error) > line
    except yaml.YAMLError:
        return False
    return True


def _is_at_tab(error: yaml.MarkedYAMLError, text: str) -> bool:
    """Say whether the parser stopped in the blanks before a line, at a tab, which libyaml does not name."""
    mark = error.problem_mark
    lines = text.split("\n")
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    return mark is not None and line[mark.column : mark.column + 1] == "\t" and not line[: mark.column].strip()


def _syntax(error: yaml.MarkedYAMLError, is_at_tab: bool) -> tuple[str, str, str]:
    problem = str(error.problem or error.context or "").replace("\n", " ")
    if is_at_tab or "'\\t'" in problem or "tab character" in problem:
        return "a tab is used for indentation", "", "indent with spaces"
    if "cannot start any token" in problem:
        return "a value starts with a character that has a meaning in YAML", "", "put the value in quotes"
    if "mapping values are not allowed" in problem:
        return "a ': ' where no key can stand", "", "put text that holds ': ' in quotes, and check the indentation"
    context = f" ({error.context})" if error.context and error.context != problem else ""
    return f"not readable as YAML: {problem}{context}", "", "check indentation, quotes and brackets"


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


class _Composer:
    """Builds the tree from the parser's events; what can be passed over is reported and passed over."""

    def __init__(self, text: str, report: Any) -> None:
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=LOADER))
        self.report = report
        self.has_odd_blanks = bool(odd_blanks(text))
        self.lines = text.split("\n") if self.has_odd_blanks else []
        self.last = max(1, text.count("\n") + (not text.endswith("\n")))

    def document(self) -> Node:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                line = _line(event)
                if root is not None:
                    raise _Refused(line, "a second document in one file", "'---'", "one document a file")
                root = self.node(next(self.events), 0, None)
        return root if root is not None else Scalar(None, "", 1)

    def node(self, event: Any, depth: int, key_line: int | None) -> Node:
        line = min(_line(event), self.last)  # what is left out at the end stands behind it for the parser
        is_scalar = isinstance(event, yaml.ScalarEvent)
        if not is_scalar and isinstance(event, yaml.AliasEvent):
            raise _Refused(line, "an alias is used", f"'*{event.anchor}'", "write the value out; aliases are not read")
        if event.anchor is not None:
            raise _Refused(line, "an anchor is used", f"'&{event.anchor}'", "remove it; anchors are not read")
        if event.tag is not None:
            raise _Refused(line, "a tag is used", shown(event.tag), "remove it; tags are not read")
        if is_scalar:
            if not event.implicit[0]:
                return Scalar(event.value, event.value, line)
            if self.has_odd_blanks:
                self.hold_no_key(event)
            self.hold_no_item(event)
            return Scalar(resolve(event.value), event.value, line)
        if depth >= MAX_DEPTH:
            raise _Refused(line, "nested too deeply", "", f"at most {MAX_DEPTH} levels")
        # A block below its key begins on the next line; the key's line is where a reader looks for it.
        line = key_line or line
        if isinstance(event, yaml.SequenceStartEvent):
            return ListNode(tuple(self.items(depth)), line)
        return self.mapping(line, depth, in_braces=bool(event.flow_style))

    def hold_no_key(self, event: Any) -> None:
        """Refuse an unquoted text into which the parser took a key or a dash, for the odd blank behind it."""
        for number in range(event.start_mark.line, event.end_mark.line + 1):
            if number < len(self.lines) and (column := folded_blank(self.lines[number])) is not None:
                problem = blank_problem(self.lines[number][column], "", number + 1, self.lines[number][:column])
                raise _Refused(number + 1, problem.what, problem.got, problem.allowed)

    def hold_no_item(self, event: Any) -> None:
        """Refuse an unquoted text that begins like an item of a list, and goes on with further ones."""
        if event.end_mark.line > event.start_mark.line and is_folded_list(event.value):
            raise _without_space(event.value, _line(event))

    def hold_no_space_back(self, event: Any, key: Scalar, value: Node) -> None:
        """Refuse an unquoted key that is a whole `key:value`, or a key behind a dash, for want of a space."""
        is_empty = isinstance(value, Scalar) and value.text == ""
        if event.implicit[0] and (is_dash_and_key(key.text) or is_key_and_value(key.text, is_whole=is_empty)):
            raise _without_space(key.text, key.line)

    def items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.node(event, depth + 1, None)

    def mapping(self, line: int, depth: int, *, in_braces: bool) -> MapNode:
        entries: dict[str, Node] = {}
        key_lines: dict[str, int] = {}
        before = ""  # the key of the entry before
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth + 1, None)
            if not isinstance(key, Scalar):
                raise _Refused(key.line, "a key that is a list or a map", "", "a key is a name")
            value = self.node(next(self.events), depth + 1, key.line)
            self.hold_no_space_back(event, key, value)
            if in_braces and (number := _with_comma(entries.get(before), key, value)) is not None:
                # In braces a comma ends a number: `{yes: 0,6}` is 0, and a key 6 without a value.
                allowed = f"decimals are written with a point: {number.text}"
                self.report(key.line, "a comma within a number", shown(number.text.replace(".", ",")), allowed)
                entries[before] = number
                continue
            before = key.text
            if key.text in entries:
                first = key_lines[key.text]
                self.report(key.line, f"duplicate key {shown(key.text)}", "", f"it stands on line {first} already")
                continue
            entries[key.text] = value
            key_lines[key.text] = key.line
        return MapNode(entries, key_lines, line)


def _with_comma(before: Node | None, key: Scalar, value: Node) -> Scalar | None:
    """Return the number that a value and the key behind it were meant to be; None where they are no such thing."""
    if not (isinstance(before, Scalar) and isinstance(before.value, int) and INTEGER.fullmatch(before.text)):
        return None
    if not (key.text.isdecimal() and isinstance(value, Scalar) and value.text == ""):
        return None
    text = f"{before.text}.{key.text}"
    return Scalar(float(text), text, before.line)


@dataclass(frozen=True, slots=True)
class Written:
    """Where a scalar stands in the text of a file, its quotes included: `begin` and `end` count characters."""

    steps: tuple[Step, ...]  # from the top to the value, or to the value behind the key
    is_key: bool
    begin: int
    end: int
    style: str  # its quote, "|" or ">" of a block, nothing of a plain one


def written(text: str) -> tuple[Written, ...]:
    """Return the place of every scalar of a right text, whose byte order mark is gone."""
    events: Iterator[Any] = iter(yaml.parse(text, Loader=LOADER))
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            return tuple(_written(next(events), events, ()))
    return ()


def _written(event: Any, events: Iterator[Any], steps: tuple[Step, ...], *, is_key: bool = False) -> Iterator[Written]:
    begin, end = event.start_mark, event.end_mark
    if isinstance(event, yaml.ScalarEvent):
        yield Written(steps, is_key, int(begin.index), int(end.index), "" if event.style is None else str(event.style))
    elif isinstance(event, yaml.SequenceStartEvent):
        place = 0
        while not isinstance(inner := next(events), yaml.SequenceEndEvent):
            yield from _written(inner, events, (*steps, place))
            place += 1
    else:
        while not isinstance(key := next(events), yaml.MappingEndEvent):
            below = (*steps, str(key.value))
            yield from _written(key, events, below, is_key=True)
            yield from _written(next(events), events, below)
