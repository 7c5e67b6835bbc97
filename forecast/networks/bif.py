"""Read and write a discrete Bayesian network as BIF: text to blocks here, blocks to tables in `network`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, product
from math import prod
from pathlib import Path
from typing import NamedTuple, NoReturn, TextIO, override

import numpy as np

from forecast.networks.details import NetworkDetails, Properties, VariableDetails
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
from forecast.workspace.files import read_outside
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, one_form, unfinished_merge

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
_NO_NAME = "unknown"  # of a network that has none, where a reader might insist on one
_UNQUOTABLE = re.compile(r'["\n]')
_NAMES = r'[^"|/()\[\]{};]*+'
_PLAIN_VARIABLE = re.compile(
    rf"(?P<name>{_WORD})\s*+\{{\s*+type\s++discrete\s*+(?:\[\s*+(?P<size>{_WORD})\s*+\]\s*+)?"
    rf"\{{(?P<states>{_NAMES})\}}\s*+;\s*+\}}"
)
_PLAIN_HEAD = re.compile(rf"\(\s*+(?P<name>{_WORD})\s*+(?:[|,](?P<parents>{_NAMES}))?\)\s*+\{{")
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
        return _BulkReader(text, path).network()
    except (_NotBulkError, WorkspaceProblems):
        # Word by word, each with its line. This is slower, and finds the first place where a text goes wrong.
        return _Reader(text, path).network()


def write_bif(network: DiscreteNetwork, stream: TextIO) -> list[str]:
    """Write a network as BIF, each number with the fewest digits that are read back as the same double.

    Names that are no words stand in quotes, which not every program reads. A quote or the end of a line in a name
    becomes an underscore.

    Returns:
        What BIF cannot carry, one line for each kind of thing: names that are others in the file are among it.
    """
    from forecast.networks.writing import Places, Renamed, left_out

    renamed = Renamed(_in_quotes(network.names), {name: _in_quotes(known) for name, known in network.states.items()})
    shown = {name: _shown(new) for name, new in renamed.variables.items()}
    states = {name: [_shown(new) for new in renamed.states[name].values()] for name in network.names}
    details, unwritten = network.details, list[str]()

    def properties(of: str, listed: Properties) -> str:
        texts = {f"property {_property(name, value)};": name for name, value in listed}
        unwritten.extend(f"'{name}' of {of}" for text, name in texts.items() if not _PROPERTY.fullmatch(text))
        return "".join(f"  {text}\n" for text in texts if _PROPERTY.fullmatch(text))

    (named,) = _in_quotes([details.name or _NO_NAME]).values()
    stream.write(f"network {_shown(named)} {{\n{properties('the network', details.properties)}}}\n")
    for name in network.names:
        listed = ", ".join(states[name])
        stream.write(f"variable {shown[name]} {{\n  type discrete [ {len(states[name])} ] {{ {listed} }};\n")
        stream.write(f"{properties(name, details.of(name).properties)}}}\n")
    for name in network.names:
        parents = network.parents[name]
        bar = f" | {', '.join(shown[parent] for parent in parents)}" if parents else ""
        rows = network.tables[name].reshape(-1, len(states[name])).tolist()
        heads = [f"({', '.join(given)})" for given in product(*(states[parent] for parent in parents))]
        stream.write(f"probability ( {shown[name]}{bar} ) {{\n")
        for head, row in zip(heads if parents else ["table"], rows, strict=True):
            stream.write(f"  {head} {', '.join(map(repr, row))};\n")
        stream.write("}\n")
    lost = [f"properties that BIF has no way to write: {', '.join(unwritten)}"] if unwritten else []
    return [*left_out(network, Places("BIF", properties=True, network=True)), *renamed.told(), *lost]


def _in_quotes(names: Iterable[str]) -> dict[str, str]:
    """Return names that can stand in quotes, no two alike."""
    taken = {name for name in names if not _UNQUOTABLE.search(name)}
    made = {}
    for name in names:
        new = name if name in taken else _UNQUOTABLE.sub("_", name)
        while new != name and new in taken:
            new += "_"
        taken.add(new)
        made[name] = new
    return made


def _shown(name: str) -> str:
    return name if re.fullmatch(_WORD, name) else f'"{name}"'


def _pair(text: str) -> tuple[str, str]:
    """Return the name and the value of a property: what stands before and behind its first equals sign."""
    said = text.removeprefix("property").removesuffix(";").strip()
    said = said[1:-1] if re.fullmatch('"[^"]*"', said) else said
    name, _, value = said.partition("=")
    return name.strip(), value.strip()


def _property(name: str, value: str) -> str:
    text = f"{name} = {value}" if value else name
    is_plain = not any(sign in text for sign in ('"', ";", "//", "/*", "\n"))
    return text if is_plain or '"' in text else f'"{text}"'  # some programs read no quotes here


def bif_text(content: bytes, name: str) -> str:
    """Return the text of a file. Raises WorkspaceProblems where it is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        problem = Problem(
            Source(name, line), "not a text file", f"byte 0x{content[failure.start]:02x}", "text is UTF-8"
        )
        raise WorkspaceProblems([problem]) from None
    # Lines of an old Macintosh; as one line a comment would hold all of the file.
    return text if "\n" in text else text.replace("\r", "\n")


class _Token(NamedTuple):
    """A word, a quoted name with its quotes, or a sign, and its place in the text; no text at the end of the file."""

    text: str
    at: int
    is_word: bool = False
    is_name: bool = False


class _Reader:
    """Reads the grammar by recursive descent, one token ahead."""

    def __init__(self, text: str, path: str) -> None:
        self.text, self.path = text, path
        self.line, self.counted = 1, 0  # of the last word, and its place
        self.token = self._token(0)
        self.name, self.properties = "", list[str]()  # of the network
        self.of_variables: dict[str, list[str]] = {}

    def network(self) -> DiscreteNetwork:
        """Read the whole text and build the network. Raises WorkspaceProblems."""
        network = build(self.blocks(), self.path)
        of_variables = {
            name: VariableDetails(properties=tuple(map(_pair, listed))) for name, listed in self.of_variables.items()
        }
        details = NetworkDetails(self.name, tuple(map(_pair, self.properties)), of_variables, form="BIF")
        return replace(network, details=details)

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
            name = self._word().text
            self.name = "" if name == _NO_NAME else name
            self._sign("{")
        else:
            self._sign("{", *_NAME)
        while not self._accepted("}"):
            self.properties.append(self._property("'}'").text)

    def _variable(self) -> VariableBlock:
        name = self._name()
        states: list[tuple[BifWord, ...]] = []
        sizes: list[BifWord] = []
        self._sign("{")
        while not self._accepted("}"):
            if self.token.text == "property":
                found = self._property("'type'", "'}'")
                self.of_variables.setdefault(name.text, []).append(found.text)
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
        return self._entries(name, parents)

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
        if properties:
            self.of_variables.setdefault(name.text, []).extend(word.text for word in properties)
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
    """A text that only its tokens explain, or that holds a mistake."""


class _BulkReader(_Reader):
    """Reads blocks of the usual form as a whole: names and numbers between commas, or between blanks, and no comments.

    Rows stay a text until their table is laid out. All names have the line of their block. What it reads is what
    _Reader reads, but it tells of no mistake: whatever is wrong makes it raise an error, or is found by `build`.
    """

    @override
    def _variable(self) -> VariableBlock:
        found = _PLAIN_VARIABLE.match(self.text, self.token.at)
        states = found and _plain_names(found["states"])
        if not found or not states:
            return super()._variable()
        line = self._line(self.token.at)
        self.token = self._token(found.end())
        name, *sizes = _words([found["name"], *([found["size"]] if found["size"] else [])], line)
        return VariableBlock(name, (_words(states, line),), tuple(sizes))

    @override
    def _probability(self) -> ProbabilityBlock:
        found = _PLAIN_HEAD.match(self.text, self.token.at)
        parents = found and _plain_names(found["parents"] or "")
        if not found or parents is None:
            return super()._probability()
        end = self.text.find("}", found.end())
        body = self.text[found.end() : end]
        if end < 0 or any(sign in body for sign in _UNPLAIN):
            return super()._probability()
        line = self._line(found.start("name"))
        name, *others = _words([found["name"], *parents], line)
        self.token = self._token(end + 1)
        return ProbabilityBlock(name, tuple(others), computed=partial(_bulk_table, name, body))


def _words(texts: Sequence[str], line: int) -> tuple[BifWord, ...]:
    return tuple([BifWord(one_form(text), line) for text in texts])


def _plain_names(text: str) -> list[str] | None:
    """Return the names of a list; None where commas stand between some of them only."""
    names = text.replace(",", " ").split()
    return names if "," not in text or names == [name.strip() for name in text.split(",")] else None


MOST_BY_DEFAULT = 1000  # rows
_TINY = re.compile(r"[eE]-0*[1-9][0-9]{2}|0{300}")


def _bulk_table(name: BifWord, body: str, states: Mapping[str, Sequence[str]], path: str) -> CheckedTable:
    """Lay out the rows of a block as `read_table` does, with one call for each row instead of one for each token.

    Raises _NotBulkError wherever that might not end in the same table.
    """
    shape = tuple(map(len, states.values()))
    try:
        printed = _printed_rows(body, states, shape)
        flat = np.fromiter(map(float, chain.from_iterable(printed)), float)
    except (ValueError, KeyError):  # no number, a row of another length, an unknown state
        raise _NotBulkError from None
    n = shape[-1]
    if flat.size != prod(shape) or {*map(len, printed)} != {n}:
        raise _NotBulkError
    rows = flat.reshape(shape)
    off = np.abs(rows.sum(axis=-1) - 1.0)
    # What float takes for a number beside what is one, infinities and NaN, is out of this range.
    if not (rows.min() >= 0.0 and rows.max() <= 1.0 + SUM_TOLERANCE):
        raise _NotBulkError
    if _TINY.search(body) and rows.min() == 0.0:
        raise _NotBulkError  # what is not zero may have become zero
    if off.max() > SUM_TOLERANCE + ROUNDING:
        for row in np.flatnonzero(off > SUM_TOLERANCE + ROUNDING).tolist():
            if off.flat[row] >= min(1.0, rounding_of([*map(str.strip, printed[row])]) - ROUNDING):
                raise _NotBulkError
    return divided(rows, [*states][-1], Source(path, name.line))


def _printed_rows(body: str, states: Mapping[str, Sequence[str]], shape: tuple[int, ...]) -> list[list[str]]:
    """Return the numbers of each row as they are printed, in the order of the table: the last parent is the fastest."""
    places: list[list[str]] = []
    printed: list[list[str]] = []
    others: dict[str, list[list[str]]] = {"default": [], "table": []}
    *entries, rest = body.split(";")
    for entry in map(str.strip, entries):
        if entry.startswith("("):
            head, _, numbers = entry[1:].partition(")")
            places.append([name.strip() for name in head.split(",")] if "," in head else head.split())
            printed.append(_numbers(numbers))
        else:
            keyword, numbers = entry.split(maxsplit=1)
            others[keyword].append(_numbers(numbers))
    n_rows = prod(shape[:-1])
    tables, defaults = others["table"], others["default"]
    if rest.strip() or len(defaults) > 1 or n_rows * shape[-1] > MAX_TABLE_ENTRIES:
        raise _NotBulkError
    if defaults and n_rows > MOST_BY_DEFAULT + 2 * len(printed):
        raise _NotBulkError  # a line can fill a million rows, which is not done one by one
    if tables:
        if len(tables) > 1 or printed or defaults or len(tables[0]) != n_rows * shape[-1]:
            raise _NotBulkError
        return [tables[0][row::n_rows] for row in range(n_rows)]  # the variable's own states are the slowest
    order = _order(places, states)
    if order == [*range(n_rows)] and not defaults:
        return printed
    row_of = dict(zip(order, printed, strict=True))
    # A row that is there twice, rows that are missing, and a default for none are all told of.
    if len(row_of) != len(order) or (len(row_of) < n_rows) != bool(defaults):
        raise _NotBulkError
    return [row_of.get(row, *defaults) for row in range(n_rows)]


def _order(given: Sequence[Sequence[str]], states: Mapping[str, Sequence[str]]) -> list[int]:
    """Return the number of each row in the table. Raises KeyError for an unknown state."""
    order = [0] * len(given)
    columns = list(zip(*given, strict=True))
    if given and len(columns) != len(states) - 1:
        raise _NotBulkError
    for column, known in zip(columns, states.values(), strict=False):
        # A name with a blank stands in quotes: without them it is two.
        index = {state: i for i, state in enumerate(known) if _PLAIN_NAME.fullmatch(state)}
        order = [row * len(known) + index[state] for row, state in zip(order, column, strict=True)]
    return order


def _numbers(text: str) -> list[str]:
    if "_" in text:
        raise _NotBulkError  # float takes 1_000 for a number
    return text.split(",") if "," in text else text.split()
