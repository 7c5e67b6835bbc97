"""Read and write a discrete Bayesian network as BIF: text to blocks here, blocks to tables in `network`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from math import prod
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from forecast.networks.formats import MAX_BYTES
from forecast.networks.network import (
    CANONICAL,
    MAX_TABLE_ENTRIES,
    ROUNDING,
    SUM_TOLERANCE,
    TABLES_ONLY,
    BifWord,
    Blocks,
    CheckedTable,
    DiscreteNetwork,
    ProbabilityBlock,
    ProbabilityEntry,
    VariableBlock,
    build,
    divided,
    rounding_of,
)
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, one_form, unfinished_merge
from forecast.workspace.files import read_outside

# The grammar. A name in capitals is a token; { } is any number, [ ] is none or one.
#
#   file         { network | variable | probability }
#   network      "network" [ name ] "{" { PROPERTY } "}"
#   variable     "variable" name "{" { PROPERTY | type } "}"
#   type         "type" "discrete" [ "[" WORD "]" ] "{" names "}" ";"
#   probability  "probability" "(" name [ "|" | "," ] [ names ] ")" "{" { PROPERTY | row | default | table } "}"
#   row          "(" [ names ] ")" numbers ";"
#   default      "default" numbers ";"
#   table        "table" numbers ";"
#   names        name { [ "," ] name }
#   numbers      WORD { [ "," ] WORD }
#   name         WORD | QUOTED
#
# Commas between names or numbers may be left out, as may the bar before the parents: the format counts both as white
# space. Words with a meaning are known by their place: a variable or a state may be called "table".

# Anything goes in a word but white space, the format's own signs, and the start of a comment.
_WORD = r'(?:[^\s{}()\[\],;|"/]++|/(?![/*]))++'
_BLANK = re.compile(r"(?:\s++|//[^\n]*+|/\*(?s:.*?)\*/)*+")
_TOKEN = re.compile(rf'({_WORD})|("[^"\n]*+")|[{{}}()\[\],;|]')
_PROPERTY = re.compile(r'property(?=[\s"])(?:"[^"]*+"|[^";])*+;')
_PLAIN_NAME = re.compile(r"[^\s(]+")
_UNPLAIN = ('"', "[", "]", "{", "|", "//", "/*", "property")  # in rows that only their tokens explain

_NAME = ("a name or number", "a quoted name")
_NUMBER = "a name or number"
_PROPERTIES = "'property ...;'"
_END = "the end of the file"


def read_bif(path: str | Path) -> DiscreteNetwork:
    """Read and check a network in the interchange format for Bayesian networks.

    Raises:
        WorkspaceProblems: every mistake in the file, each with its line. A text that does not follow the grammar is
            one problem, at the first place where it goes wrong.

    Source: Cozman (1998), "The Interchange Format for Bayesian Networks", version 0.15.
    """
    name = str(path)
    return parse_bif(bif_text(read_outside(Path(path), name, MAX_BYTES), name), name)


def parse_bif(text: str, path: str) -> DiscreteNetwork:
    """Read a network from BIF text; `path` is the name that messages give. Raises as `read_bif`."""
    if (merge := unfinished_merge(text, path)) is not None:
        raise WorkspaceProblems([merge])
    try:
        return build(_Reader(text, path, in_bulk=True).blocks(), path)
    except (_NotBulkError, WorkspaceProblems):
        # Word by word, each with its line. This is slower, and finds the first place where a text goes wrong.
        return build(_Reader(text, path, in_bulk=False).blocks(), path)


def bif_text(content: bytes, name: str) -> str:
    """Return the text of a file. Raises WorkspaceProblems where it is none."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        problem = Problem(
            Source(name, line), "not a text file", f"byte 0x{content[failure.start]:02x}", "text is UTF-8"
        )
        raise WorkspaceProblems([problem]) from None


class _Token(NamedTuple):
    """A word, a quoted name with its quotes, or a sign, and its place in the text; no text at the end of the file."""

    text: str
    at: int
    is_word: bool = False
    is_name: bool = False


class _Reader:
    """Reads the grammar by recursive descent, one token ahead.

    With `in_bulk` rows of names and numbers that are separated by commas or blanks are not taken apart into words: one
    call for each row does it when the block's table is laid out.
    """

    def __init__(self, text: str, path: str, *, in_bulk: bool) -> None:
        self.text, self.path, self.in_bulk = text, path, in_bulk
        self.line, self.counted = 1, 0  # of the last word, and its place
        self.token = self._token(0)

    def blocks(self) -> Blocks:
        """Read the whole text. Raises WorkspaceProblems at the first place where it does not follow the grammar."""
        variables: list[VariableBlock] = []
        probabilities: list[ProbabilityBlock] = []
        while self.token.text:
            match self._keyword("network", "variable", "probability", _END):
                case "network":
                    self._network()
                case "variable":
                    variables.append(self._variable())
                case _:
                    probabilities.append(self._probability())
        return Blocks(tuple(variables), tuple(probabilities))

    def _network(self) -> None:
        if self.token.is_name:
            self._step()
            self._sign("{")
        else:
            self._sign("{", *_NAME)
        while not self._accepted("}"):
            self._property("'}'")

    def _variable(self) -> VariableBlock:
        name = self._name()
        states: list[tuple[BifWord, ...]] = []
        sizes: list[BifWord] = []
        self._sign("{")
        while not self._accepted("}"):
            if self.token.text == "property":
                self._property("'type'", "'}'")
                continue
            self._keyword("type", _PROPERTIES, "'}'")
            self._keyword("discrete")
            if self._accepted("["):
                sizes.append(self._number())
                self._sign("]")
                self._sign("{")
            else:
                self._sign("{", "'['")
            states.append(tuple(self._names("}")))
            self._sign(";")
        return VariableBlock(name, tuple(states), tuple(sizes))

    def _probability(self) -> ProbabilityBlock:
        self._sign("(")
        name = self._name()
        parents: tuple[BifWord, ...] = ()
        if not self._accepted(")"):
            if self._accepted("|") or self._accepted(","):
                parents = () if self._accepted(")") else tuple(self._names(")", "')'"))
            else:
                parents = tuple(self._names(")", "'|'", "','", "')'"))
        return self._plain(name, parents) or self._entries(name, parents)

    def _plain(self, name: BifWord, parents: tuple[BifWord, ...]) -> ProbabilityBlock | None:
        """Return a block whose rows are not taken apart, and go on behind it."""
        if not self.in_bulk or self.token.text != "{":
            return None
        begin = self.token.at + 1
        end = self.text.find("}", begin)
        body = self.text[begin:end]
        if end < 0 or any(sign in body for sign in _UNPLAIN):
            return None
        self.token = self._token(end + 1)
        return ProbabilityBlock(name, parents, computed=partial(_bulk_table, name, body))

    def _entries(self, name: BifWord, parents: tuple[BifWord, ...]) -> ProbabilityBlock:
        rows: list[ProbabilityEntry] = []
        defaults: list[ProbabilityEntry] = []
        tables: list[ProbabilityEntry] = []
        properties: list[BifWord] = []
        others = ("'('", "'default'", "'table'", "'}'")
        self._sign("{")
        while not self._accepted("}"):
            if self.token.text == "property":
                properties.append(self._property(*others))
            elif self._accepted("("):
                given = () if self._accepted(")") else tuple(self._names(")", "')'"))
                rows.append(ProbabilityEntry(given, tuple(self._numbers())))
            else:
                keyword = self._keyword("default", "table", _PROPERTIES, "'('", "'}'")
                (tables if keyword == "table" else defaults).append(ProbabilityEntry((), tuple(self._numbers())))
        return ProbabilityBlock(name, parents, tuple(rows), tuple(defaults), tuple(tables), tuple(properties))

    def _names(self, last: str, *instead: str) -> Iterator[BifWord]:
        """Yield names, at least one, and pass over the sign behind them; `instead` could stand where the first does."""
        yield self._name(*instead)
        while not self._accepted(last):
            yield self._name() if self._accepted(",") else self._name(f"'{last}'", "','")

    def _numbers(self) -> Iterator[BifWord]:
        yield self._number()
        while not self._accepted(";"):
            yield self._number() if self._accepted(",") else self._number("';'", "','")

    def _name(self, *instead: str) -> BifWord:
        if not self.token.is_name:
            self._wrong(*_NAME, *instead)
        return self._word()

    def _number(self, *instead: str) -> BifWord:
        if not self.token.is_word:
            self._wrong(_NUMBER, *instead)
        return self._word()

    def _keyword(self, *expected: str) -> str:
        """Pass over one of the words that are expected here; what is not a word stands behind them."""
        text = self.token.text
        if not (self.token.is_word and text in expected):
            self._wrong(*(f"'{one}'" if one.isalpha() else one for one in expected))
        self._step()
        return text

    def _property(self, *instead: str) -> BifWord:
        found = _PROPERTY.match(self.text, self.token.at)
        if found is None:
            self._wrong(_PROPERTIES, *instead)
        word = BifWord(one_form(found[0]), self._line(self.token.at))
        self.token = self._token(found.end())
        return word

    def _sign(self, sign: str, *instead: str) -> None:
        if not self._accepted(sign):
            self._wrong(f"'{sign}'", *instead)

    def _accepted(self, sign: str) -> bool:
        if self.token.text != sign:
            return False
        self._step()
        return True

    def _word(self) -> BifWord:
        text, at, is_word, _ = self.token
        word = BifWord(one_form(text if is_word else text.strip('"')), self._line(at))
        self._step()
        return word

    def _step(self) -> None:
        self.token = self._token(self.token.at + len(self.token.text))

    def _token(self, at: int) -> _Token:
        begin = _BLANK.match(self.text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
        found = _TOKEN.match(self.text, begin)
        if found is not None:
            return _Token(found[0], begin, found.lastindex == 1, found.lastindex is not None)
        if begin == len(self.text):
            return _Token("", begin)
        # A quote or a comment that is not closed, which nothing expects.
        return _Token(self.text[begin:].split(maxsplit=1)[0], begin)

    def _line(self, at: int) -> int:
        self.line += self.text.count("\n", self.counted, at)
        self.counted = at
        return self.line

    def _wrong(self, *expected: str) -> NoReturn:
        text, at = self.token.text, self.token.at
        line = self._line(at) if text else max(1, self.text.count("\n") + (not self.text.endswith("\n")))
        if canonical := CANONICAL.search(self.text[at:].partition("\n")[0].partition("//")[0]):
            what, got, allowed = "a canonical model, not a table", f"'{canonical[0]}'", TABLES_ONLY
        else:
            what, got = "not in the BIF grammar", f"'{text[:40]}'" if text else _END
            allowed = f"expected {' or '.join(sorted(expected))}"
        raise WorkspaceProblems([Problem(Source(self.path, line), what, got, allowed)])


class _NotBulkError(Exception):
    """Rows that only their tokens explain, or that hold a mistake."""


def _bulk_table(name: BifWord, body: str, states: Mapping[str, Sequence[str]], path: str) -> CheckedTable:
    """Lay out the rows of a block as `read_table` does, with one call for each row instead of one for each token.

    Raises _NotBulkError wherever that might not end in the same table.
    """
    shape = tuple(map(len, states.values()))
    n_rows, n = prod(shape[:-1]), shape[-1]
    if n_rows * n > MAX_TABLE_ENTRIES:
        raise _NotBulkError
    try:
        given, printed, n_defaults = _parts(body, n_rows, n)
        places = np.arange(n_rows) if given is None else _places(given, states)
        numbers = np.fromiter(map(float, chain.from_iterable(printed)), float).reshape(len(printed), n)
    except (ValueError, KeyError):  # no number, too few of them, an unknown state
        raise _NotBulkError from None
    # Which printed row each row of the table is; the default, the last one, where no other is.
    origin = np.full(n_rows, places.size if n_defaults else -1)
    origin[places] = np.arange(places.size)
    is_regular = places.size == np.unique(places).size and origin.min() >= 0 and all(len(row) == n for row in printed)
    if not is_regular or not ((numbers >= 0.0) & (numbers <= 1.0 + SUM_TOLERANCE)).all():
        raise _NotBulkError
    off = np.abs(numbers.sum(axis=-1) - 1.0)
    for row in np.flatnonzero(off > SUM_TOLERANCE + ROUNDING).tolist():
        if off[row] >= 1.0 or off[row] >= rounding_of([*map(str.strip, printed[row])]) - ROUNDING:
            raise _NotBulkError
    return divided(numbers[origin].reshape(shape), [*states][-1], Source(path, name.line))


def _parts(body: str, n_rows: int, n: int) -> tuple[list[list[str]] | None, list[list[str]], int]:
    """Return the states that each row is given, the numbers of each as they are printed, and how many are defaults.

    The states are None where the rows are those of a whole table, in its order.
    """
    given: list[list[str]] = []
    printed: list[list[str]] = []
    defaults: list[list[str]] = []
    tables: list[list[str]] = []
    *entries, rest = body.split(";")
    for entry in map(str.strip, entries):
        if entry.startswith("("):
            head, _, numbers = entry[1:].partition(")")
            given.append([name.strip() for name in head.split(",")] if "," in head else head.split())
            printed.append(_numbers(numbers))
        else:
            keyword, numbers = entry.split(maxsplit=1)
            {"default": defaults, "table": tables}[keyword].append(_numbers(numbers))
    if rest.strip() or len(defaults) > 1 or (tables and (given or defaults or len(tables) > 1)):
        raise _NotBulkError
    if tables:
        if len(tables[0]) != n_rows * n:
            raise _NotBulkError
        return None, [tables[0][row::n_rows] for row in range(n_rows)], 0
    return given, printed + defaults, len(defaults)


def _numbers(text: str) -> list[str]:
    if "_" in text:
        raise _NotBulkError  # float takes 1_000 for a number
    return text.split(",") if "," in text else text.split()


def _places(given: Sequence[Sequence[str]], states: Mapping[str, Sequence[str]]) -> NDArray[np.intp]:
    """Return the number of each row in the table, in which the last parent's states are the fastest."""
    places = np.zeros(len(given), dtype=np.intp)
    columns = list(zip(*given, strict=True))
    if given and len(columns) != len(states) - 1:
        raise _NotBulkError
    for column, known in zip(columns, states.values(), strict=False):
        # A name with a blank stands in quotes: without them it is two.
        index = {state: i for i, state in enumerate(known) if _PLAIN_NAME.fullmatch(state)}
        places = places * len(known) + np.fromiter(map(index.__getitem__, column), dtype=np.intp)
    return places
