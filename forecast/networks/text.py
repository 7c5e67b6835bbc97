"""Texts as words that know their lines, and the language of braces that NET and DNE have in common."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import NoReturn, overload, override

import numpy as np

from forecast.networks.network import BifWord, CheckedTable, ProbabilityBlock, ProbabilityEntry, read_table
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, one_form, shown, unfinished_merge


class ManyWords(Sequence[BifWord]):
    """Words whose lines are looked for when one is asked for: a table has millions, and few are ever told of."""

    def __init__(self, texts: Sequence[str], lines: Callable[[], Sequence[int]]) -> None:
        """Take texts, and a function that returns the line of each."""
        self.texts, self._find = texts, lines

    @cached_property
    def lines(self) -> Sequence[int]:
        """The line of each word."""
        return self._find()

    @override
    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, place: int) -> BifWord: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[BifWord]: ...
    @override
    def __getitem__(self, place: int | slice) -> BifWord | Sequence[BifWord]:
        if isinstance(place, slice):
            return ManyWords(self.texts[place], lambda: self.lines[place])
        return BifWord(self.texts[place], self.lines[place])

    @override
    def __iter__(self) -> Iterator[BifWord]:
        return map(BifWord, self.texts, self.lines)


def decoded(content: bytes, name: str) -> str:
    """Return the text of a file: UTF-8, or Latin-1 where it is not, as older programs write. Tells of a merge.

    Raises WorkspaceProblems where git left the marks of a merge, or where the file holds a zero byte and is no text.
    """
    zero = content.find(b"\0")
    if zero >= 0:
        line = content.count(b"\n", 0, zero) + 1
        raise WorkspaceProblems([Problem(Source(name, line), "not a text file", "byte 0x00", "text is UTF-8")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if (merge := unfinished_merge(text, name)) is not None:
        raise WorkspaceProblems([merge])
    return text


MAX_DEPTH = 50


@dataclass(frozen=True)
class Language:
    """Which signs stand for themselves, and how a comment begins; both go on to the end of the line."""

    form: str
    signs: str
    comment: str

    @cached_property
    def token(self) -> re.Pattern[str]:
        """A comment, a string, a sign, a word, or a character that is none of these."""
        begin = re.escape(self.comment)
        word = rf"(?:(?!{begin})[^\s\"{re.escape(self.signs)}])+"
        return re.compile(rf'{begin}[^\n]*|"(?:[^"\\]|\\.)*"|[{re.escape(self.signs)}]|{word}|\S', re.DOTALL)


@dataclass
class BraceStatement:
    """`HEAD = VALUE;` or `HEAD { BODY }`: tokens of the head and of the value by their numbers."""

    head: range
    value: range | None = None
    body: list[BraceStatement] = field(default_factory=list["BraceStatement"])


class Tokens:
    """The tokens of a text, its statements, and the problems of what stands elsewhere than it may."""

    def __init__(self, text: str, language: Language, path: str) -> None:
        """Split a text. Raises WorkspaceProblems where a string has no end."""
        self.language, self.path, self.text = language, path, text
        found = [match for match in language.token.finditer(text) if not match[0].startswith(language.comment)]
        self.texts = [match[0] for match in found]
        self.starts = [match.start() for match in found]
        for i, one in enumerate(self.texts):
            if one == '"':
                self.refuse(i, "a string without an end", None, 'a second "')

    @cached_property
    def _ends(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self.text)]

    def line(self, place: int) -> int:
        """Return the line of a token, or the last line behind them all."""
        if place >= len(self.starts):
            return max(1, self.text.count("\n") + (not self.text.endswith("\n")))
        return bisect_right(self._ends, self.starts[place]) + 1

    def refuse(self, place: int, what: str, got: str | None, allowed: str) -> NoReturn:
        """Raise WorkspaceProblems at a token; `got` None shows the token itself."""
        there = shown(self.texts[place]) if place < len(self.texts) else "the end of the file"
        raise WorkspaceProblems(
            [Problem(Source(self.path, self.line(place)), what, there if got is None else got, allowed)]
        )

    def word(self, place: int) -> BifWord:
        """Return a token as a word: a string without its quotes."""
        return BifWord(one_form(unquoted(self.texts[place])), self.line(place))

    def words(self, places: Sequence[int]) -> ManyWords:
        """Return tokens as words."""
        return ManyWords([unquoted(self.texts[i]) for i in places], lambda: [self.line(i) for i in places])

    def written(self, places: range) -> str:
        """Return tokens as they were written, without comments, one blank where there was space."""
        made = []
        for i in places:
            behind = self.starts[i - 1] + len(self.texts[i - 1]) if i else 0
            space = " " if i > places.start and behind != self.starts[i] else ""
            made.append(f"{space}{self.texts[i]}")
        return "".join(made)

    def statements(self) -> list[BraceStatement]:
        """Return the statements of the whole text.

        Raises WorkspaceProblems at the first place where the text goes wrong.
        """
        what = f"not in the {self.language.form} grammar"
        outer: list[BraceStatement] = []
        opened: list[tuple[list[BraceStatement], int]] = [(outer, 0)]
        i = begin = 0
        while i < len(self.texts):
            sign = self.texts[i]
            here = opened[-1][0]
            if sign == "=":
                if begin == i:
                    self.refuse(i, what, None, "expected a name before '='")
                end = self._end_of_value(i + 1, what)
                here.append(BraceStatement(range(begin, i), range(i + 1, end)))
                i = begin = end + 1
            elif sign == "{":
                if len(opened) > MAX_DEPTH:
                    self.refuse(i, "blocks within blocks", f"{len(opened)} deep", f"at most {MAX_DEPTH}")
                here.append(made := BraceStatement(range(begin, i)))
                opened.append((made.body, i))
                i = begin = i + 1
            elif sign in "};":
                if begin != i:
                    self.refuse(i, what, None, f"expected '=' or '{{' behind {shown(self.texts[i - 1])}")
                if sign == "}" and len(opened) == 1:
                    self.refuse(i, what, None, "expected a name: no block is open")
                if sign == "}":
                    opened.pop()
                i = begin = i + 1
            else:
                i += 1
        if len(opened) > 1:
            self.refuse(i, what, None, f"expected '}}' of the block that line {self.line(opened[-1][1])} begins")
        if begin != i:
            self.refuse(i, what, None, f"expected '=' or '{{' behind {shown(self.texts[i - 1])}")
        return outer

    def _end_of_value(self, begin: int, what: str) -> int:
        """Return the place of the semicolon that ends a value."""
        depth = 0
        i = begin
        while i < len(self.texts) and not (depth == 0 and self.texts[i] == ";"):
            sign = self.texts[i]
            depth += (sign in ("(", "{")) - (sign in (")", "}"))
            if depth < 0:
                self.refuse(i, what, None, "expected ';'")
            if depth == 0 and sign == "=":
                self.refuse(i, what, None, f"expected ';' before {shown(self.texts[i - 1])}")
            i += 1
        if i == len(self.texts):
            self.refuse(i, what, None, f"expected ';' of the value that line {self.line(begin)} begins")
        return i

    def listed(self, value: range) -> list[int]:
        """Return the tokens of a list `(a b c)` or `(a, b, c)`; any other value as it is."""
        return [i for i in value if self.texts[i] not in ("(", ")", ",")]

    def table(
        self, value: range, name: BifWord, states: Mapping[str, Sequence[str]], spelled: Mapping[int, str]
    ) -> CheckedTable:
        """Read a list of lists of probabilities, one for each parent, or one list of all of them.

        Lists within lists have to have the lengths of the states: so a file in another order is found out.

        Args:
            value: the tokens of the lists.
            name: the variable.
            states: the states of its parents and its own.
            spelled: numbers of tokens that the format writes as words.
        """
        shape = tuple(len(known) for known in states.values())
        problem = self._shape(value, shape)
        if problem is not None:
            place, got, allowed = problem
            what = f"variable '{name.text}': lists within lists"
            return CheckedTable(np.empty(0), (Problem(Source(self.path, self.line(place)), what, got, allowed),), ())
        places = self.listed(value)
        texts = [spelled.get(i, self.texts[i]) for i in places]
        numbers = ManyWords(texts, lambda: [self.line(i) for i in places])
        entry = ProbabilityEntry((), numbers or (BifWord("", self.line(value.start)),))
        return read_table(ProbabilityBlock(name, (), tables=(entry,), by_row=True), states, self.path)

    def _shape(self, value: range, shape: tuple[int, ...]) -> tuple[int, str, str] | None:
        """Return the first list that has another length, what it has, and what is needed."""
        counts: list[int] = []
        deepest = 0
        for i in value:
            sign = self.texts[i]
            if sign == "(":
                if counts:
                    counts[-1] += 1
                counts.append(0)
                deepest = max(deepest, len(counts))
            elif sign == ")":
                if not counts:
                    return i, "')'", "a '(' before it"
                n, depth = counts.pop(), len(counts)
                if deepest > 1 and depth < len(shape) and n != shape[depth]:
                    return i, f"{n} entries at depth {depth + 1}", f"{shape[depth]} at each depth: {shape}"
            elif sign != ",":
                if not counts:
                    return i, shown(sign), "a list in parentheses"
                counts[-1] += 1
        if deepest > 1 and deepest != len(shape):
            return value.start, f"{deepest} deep", f"{len(shape)} deep, or one list of {prod(shape)} numbers"
        return None


def beginning_of_xml(root: bytes) -> re.Pattern[bytes]:
    """Return what an XML file begins with whose first element is called so, behind declarations and comments."""
    before = rb"<\?.*?\?>\s*+|<!--.*?-->\s*+|<!DOCTYPE[^>\[]*+(?:\[.*?\]\s*+)?>\s*+"
    return re.compile(rb"(?:\xef\xbb\xbf)?\s*+(?:" + before + rb")*+<(?:[\w.-]+:)?" + root + rb"\b", re.DOTALL)


def unquoted(text: str) -> str:
    """Return what a string says; any other token as it is."""
    if not text.startswith('"') or len(text) == 1:
        return text
    inside = text[1:-1]
    return re.sub(r"\\(\n[ \t]*|.)", _escaped, inside, flags=re.DOTALL) if "\\" in inside else inside


def _escaped(found: re.Match[str]) -> str:
    sign = found[1]
    return {"n": "\n", "t": "\t"}.get(sign, "" if sign.startswith("\n") else sign)


def as_string(text: str) -> str:
    """Write a string so that it is read back as it is."""
    for sign, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(sign, written)
    return f'"{text}"'
