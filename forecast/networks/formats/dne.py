"""DNE, the text format of Netica (DNET-1): nature nodes with tables or functions, by states or by levels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TextIO, override

import numpy as np

from forecast.networks.details import NetworkDetails, Properties, VariableDetails, listed
from forecast.networks.formats import WritableFormat
from forecast.networks.network import (
    BifWord,
    Blocks,
    CheckedTable,
    DiscreteNetwork,
    ProbabilityBlock,
    VariableBlock,
    Words,
    build,
)
from forecast.networks.text import BraceStatement, Language, Tokens, as_string, decoded, unquoted
from forecast.networks.writing import Places, identifiers, in_parentheses, is_plain, left_out
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, choice, shown

LANGUAGE = Language("DNE", "{}()=;,", "//")
BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s++|//[^\n]*+)*+bnet\b")
LONGEST = 30  # letters of a name
IMPOSSIBLE = "@imposs"  # what Netica writes where the parents' states cannot meet
OTHER_KINDS = ("DECISION", "UTILITY", "DISCONNECTED", "ADVERSARY")
CONSTANTS = ("CONSTANT", "ASSUME")  # Netica's labels and fixed numbers, which are no variables
OF_NODE = (
    "kind",
    "discrete",
    "chance",
    "states",
    "levels",
    "statetitles",
    "numstates",
    "parents",
    "probs",
    "functable",
)
OF_USE = ("belief", "whenchanged")  # what Netica computed, and when


class DneFormat(WritableFormat):
    """`bnet NAME { node NAME { }; };`."""

    title = "DNE"
    endings = (".dne",)

    @override
    def recognises(self, content: bytes) -> bool:
        """Say whether the first word behind comments is `bnet`."""
        return BEGINNING.match(content) is not None

    @override
    def read(self, content: bytes, name: str) -> DiscreteNetwork:
        """Read and check a network."""
        return _Reader(Tokens(decoded(content, name), LANGUAGE, name)).network()

    @override
    def write(self, network: DiscreteNetwork, stream: TextIO) -> list[str]:
        """Write a network."""
        return _write(network, stream)


@dataclass(frozen=True)
class _Node:
    name: BifWord
    states: tuple[BifWord, ...]
    parents: tuple[BifWord, ...]
    table: range | None
    results: range | None
    details: VariableDetails


class _Reader:
    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.problems: list[Problem] = []

    def problem(self, line: int, what: str, got: str = "", allowed: str = "") -> None:
        self.problems.append(Problem(Source(self.tokens.path, line), what, got, allowed))

    def network(self) -> DiscreteNetwork:
        outer = [one for one in self.tokens.statements() if one.value is None]
        if len(outer) != 1 or self.head(outer[0])[:1] != ["bnet"]:
            self.problem(1, "no network", f"{len(outer)} blocks", "one block 'bnet NAME { ... };'")
            raise WorkspaceProblems(self.problems)
        whole = outer[0]
        nodes = [one for one in whole.body if one.value is None and self.head(one)[:1] == ["node"]]
        read = [node for one in nodes if (node := self.node(one)) is not None]
        constants = self.constants(nodes, read)
        if self.problems:
            raise WorkspaceProblems(self.problems)
        blocks = Blocks(
            tuple(VariableBlock(node.name, (node.states,), ()) for node in read),
            tuple(map(self.block, read)),
            Words("'node' block", "'node' block"),
        )
        made = build(blocks, self.tokens.path)
        details = NetworkDetails(
            name=self.head(whole)[1] if len(whole.head) > 1 else "",
            properties=self.named(whole.body, ()),
            variables={node.name.text: node.details for node in read if node.details != VariableDetails()},
            form=DneFormat.title,
            kept=self.blocks(whole.body),
        )
        return replace(made, details=details, warnings=(*made.warnings, *constants, *self.findings(nodes)))

    def head(self, one: BraceStatement) -> list[str]:
        return [self.tokens.texts[i] for i in one.head]

    def values(self, body: Sequence[BraceStatement]) -> dict[str, range]:
        return {self.tokens.written(one.head): one.value for one in body if one.value is not None}

    def text(self, value: range | None) -> str:
        if value is None:
            return ""
        places = [*value]
        return unquoted(self.tokens.texts[places[0]]) if len(places) == 1 else self.tokens.written(value)

    def constants(self, nodes: Sequence[BraceStatement], read: Sequence[_Node]) -> list[Problem]:
        """Tell of nodes that are no variables; one that is a parent is a problem."""
        named = {self.head(one)[-1]: one for one in nodes if self.text(self.values(one.body).get("kind")) in CONSTANTS}
        for node in read:
            for word in node.parents:
                if word.text in named:
                    what = f"variable '{node.name.text}': parent '{word.text}' is a constant"
                    self.problem(word.line, what, "", "parents are nodes of the kind NATURE")
        if not named:
            return []
        line = self.tokens.line(next(iter(named.values())).head.start)
        what = f"left out: {listed(list(named))}, constants of the drawing and no variables"
        return [Problem(Source(self.tokens.path, line), what, severity="warning")]

    def findings(self, nodes: Sequence[BraceStatement]) -> list[Problem]:
        found = [
            (self.tokens.line(value.start), f"{self.head(one)[-1]} = {self.text(value)}")
            for one in nodes
            if (value := self.values(one.body).get("evidence")) is not None
            and self.text(self.values(one.body).get("kind")) not in CONSTANTS
        ]
        if not found:
            return []
        what = f"the file has findings, which are not used: {listed([text for _, text in found])}"
        return [Problem(Source(self.tokens.path, found[0][0]), what, severity="warning")]

    def named(self, body: Sequence[BraceStatement], without: Sequence[str]) -> Properties:
        return tuple(
            (key, self.text(value)) for key, value in self.values(body).items() if key not in (*without, *OF_USE)
        )

    def blocks(self, body: Sequence[BraceStatement]) -> Properties:
        """Return the blocks of a drawing as they are written."""
        drawn = (one for one in body if one.value is None and one.head and self.head(one)[0] != "node")
        return tuple(("block", self.written(one)) for one in drawn)

    def written(self, one: BraceStatement) -> str:
        if one.value is not None:
            return f"{self.tokens.written(one.head)} = {self.tokens.written(one.value)};"
        inside = " ".join(map(self.written, one.body))
        return f"{self.tokens.written(one.head)} {{{inside}}};"

    def node(self, one: BraceStatement) -> _Node | None:
        name = self.tokens.word(one.head[-1])
        values = self.values(one.body)
        kind = self.text(values.get("kind")) or "NATURE"
        if kind in CONSTANTS:
            return None
        if len(one.head) != 2:  # node NAME
            self.problem(name.line, "a node", shown(self.tokens.written(one.head)), "node NAME { ... };")
            return None
        if kind != "NATURE":
            allowed = "nodes that are read are of the kind NATURE"
            kind = f"'{kind}'" if kind in OTHER_KINDS else shown(kind)
            self.problem(name.line, f"variable '{name.text}' is of another kind", kind, allowed)
            return None
        states = self.states(name, values)
        if not states:
            return None
        table, results = values.get("probs"), values.get("functable")
        if table is None and results is None and len(states) > 1:
            got = "an equation alone" if "equation" in values else "no table"
            allowed = "'probs = (...);' or 'functable = (...);'"
            allowed += ": let Netica make the table" if "equation" in values else ""
            self.problem(name.line, f"variable '{name.text}'", got, allowed)
            return None
        parents = tuple(self.tokens.word(i) for i in self.tokens.listed(values.get("parents", range(0))))
        details = VariableDetails(
            title=self.text(values.get("title")),
            properties=(*self.levels(values), *self.named(one.body, (*OF_NODE, "title", "inputs", "numcases"))),
            is_deterministic=results is not None or self.text(values.get("chance")) == "DETERMIN",
            kept=(
                *((key, self.tokens.written(values[key])) for key in ("inputs", "numcases") if key in values),
                *self.blocks(one.body),
            ),
        )
        return _Node(name, states, parents, table, results if table is None else None, details)

    def levels(self, values: Mapping[str, range]) -> Properties:
        """Return the levels and titles of states as properties, where they are not the names themselves."""
        keys = [key for key in ("discrete", "levels", "statetitles") if key in values]
        kept = keys if "levels" in keys else [key for key in keys if key == "statetitles"]
        return tuple((key, self.tokens.written(values[key])) for key in kept)

    def states(self, name: BifWord, values: Mapping[str, range]) -> tuple[BifWord, ...]:
        """Return the states: by name, or the intervals between levels, or the numbers or titles that they have."""
        if "states" in values:
            found = [self.tokens.word(i) for i in self.tokens.listed(values["states"])]
        elif "levels" in values and self.text(values.get("discrete")) == "FALSE":
            levels = [self.tokens.word(i) for i in self.tokens.listed(values["levels"])]
            found = [BifWord(f"{low.text} to {high.text}", low.line) for low, high in pairwise(levels)]
        elif "statetitles" in values or "levels" in values:
            value = values.get("statetitles", values.get("levels", range(0)))
            found = [self.tokens.word(i) for i in self.tokens.listed(value)]
        elif (number := self.text(values.get("numstates"))).isdecimal() and len(number) < 7:  # a million
            found = [BifWord(f"s{i}", self.tokens.line(values["numstates"].start)) for i in range(int(number))]
        else:
            found = []
        if not found:
            allowed = "'states = (NAME, ...);' or 'levels = (NUMBER, ...);'"
            self.problem(name.line, f"variable '{name.text}'", "no state", allowed)
        return tuple(found)

    def block(self, node: _Node) -> ProbabilityBlock:
        return ProbabilityBlock(node.name, node.parents, computed=partial(self.table, node))

    def table(self, node: _Node, states: Mapping[str, Sequence[str]], path: str) -> CheckedTable:
        if node.results is not None:
            return self.resulting(node, node.results, states, path)
        if node.table is None:  # the one state that there is, whatever the parents
            return CheckedTable(np.ones([len(known) for known in states.values()]), (), ())
        words = [self.tokens.texts[i] for i in self.tokens.listed(node.table)]
        if any(word.startswith("#") for word in words):
            return self.resulting(node, node.table, states, path)
        return self.possible(node, words, states)

    def possible(self, node: _Node, words: Sequence[str], states: Mapping[str, Sequence[str]]) -> CheckedTable:
        """Read a table; rows of `@imposs`, whose parents' states cannot meet, are made uniform, and told."""
        value, n = node.table or range(0), len(node.states)
        barred = [i for i in range(0, len(words) - n + 1, n) if all(word == IMPOSSIBLE for word in words[i : i + n])]
        places = self.tokens.listed(value)
        spelled = {place: repr(1.0 / n) for i in barred for place in places[i : i + n]}
        read = self.tokens.table(value, node.name, states, {**spelled, **self.impossible(places, spelled)})
        if not barred or read.problems:
            return read
        what = f"variable '{node.name.text}': {len(barred)} rows are {IMPOSSIBLE}; they are read as uniform"
        told = Problem(Source(self.tokens.path, self.tokens.line(places[barred[0]])), what, severity="warning")
        return read._replace(warnings=(*read.warnings, told))

    def impossible(self, places: Sequence[int], spelled: Mapping[int, str]) -> dict[int, str]:
        """Return 0 for a single state that is barred."""
        return {i: "0" for i in places if self.tokens.texts[i] == IMPOSSIBLE and i not in spelled}

    def resulting(self, node: _Node, value: range, states: Mapping[str, Sequence[str]], path: str) -> CheckedTable:
        """Return the table of a function: one state for each combination of the parents' states, by name or `#2`."""
        *_, own = states.values()
        shape = tuple(len(known) for known in states.values())
        places = self.tokens.listed(value)
        needed = int(np.prod(shape[:-1]))
        if len(places) != needed:
            what = f"variable '{node.name.text}': wrong number of resulting states"
            line = self.tokens.line(value.start)
            return CheckedTable(
                np.empty(0), (Problem(Source(path, line), what, str(len(places)), f"{needed} are needed"),), ()
            )
        index = {**{f"#{i}": i for i in range(len(own))}, **{state: i for i, state in enumerate(own)}}
        words = [self.tokens.word(i) for i in places]
        for word in words:
            if word.text not in index:
                what = f"variable '{node.name.text}' has no such state"
                problem = Problem(Source(path, word.line), what, shown(word.text), choice("states", word.text, own))
                return CheckedTable(np.empty(0), (problem,), ())
        return CheckedTable(np.eye(len(own))[[index[word.text] for word in words]].reshape(shape), (), ())


def _write(network: DiscreteNetwork, stream: TextIO) -> list[str]:
    details = network.details
    own = details.form == DneFormat.title
    names = identifiers(network, most=LONGEST)
    said = left_out(network, Places("DNE", titles=True, properties=own, network=own, deterministic=True))
    name = details.name if re.fullmatch(r"[A-Za-z]\w{0,29}", details.name, re.ASCII) else "network"
    stream.write(f"// ~->[DNET-1]->~\n\nbnet {name} {{\n")
    for key, text in details.properties if own else ():
        stream.write(f"{key} = {_value(key, text)};\n")
    for _, text in details.kept if own else ():
        stream.write(f"{text}\n")
    for variable in network.names:
        about = details.of(variable)
        table = network.tables[variable]
        fixed = about.is_deterministic and bool(((table == 0.0) | (table == 1.0)).all())
        properties = dict(about.properties) if own else {}
        states = ", ".join(names.states[variable].values())
        stream.write(f"\nnode {names.variables[variable]} {{\n\tkind = NATURE;\n")
        stream.write(f"\tdiscrete = {properties.get('discrete', 'TRUE')};\n")
        stream.write(f"\tchance = {'DETERMIN' if fixed else 'CHANCE'};\n\tstates = ({states});\n")
        stream.write(f"\tparents = ({', '.join(names.variables[p] for p in network.parents[variable])});\n")
        if fixed:
            results = [names.states[variable][network.states[variable][i]] for i in table.argmax(axis=-1).ravel()]
            stream.write(f"\tfunctable = ({', '.join(results)});\n")
        else:
            stream.write(f"\tprobs = {in_parentheses(table, chr(9) * 2, ', ')};\n")
        if about.title and not is_plain(about.title):
            said.append(f"title of '{variable}': its letters")
        elif about.title:
            stream.write(f"\ttitle = {as_string(about.title)};\n")
        for key, text in properties.items():
            if key != "discrete":
                stream.write(f"\t{key} = {_value(key, text)};\n")
        for key, text in about.kept if own else ():
            stream.write(f"\t{text}\n" if key == "block" else f"\t{key} = {text};\n")
        stream.write("\t};\n")
    stream.write("};\n")
    return [*names.told(), *said]


def _value(key: str, text: str) -> str:
    """Write a value: lists, numbers and Netica's words as they are, anything else as a string."""
    is_bare = text.startswith("(") or re.fullmatch(r"[+-]?[\d.]+(?:[eE][+-]?\d+)?|0x[\da-fA-F]+|#\d+|[A-Z_]+", text)
    return text if (is_bare or key == "evidence") and key not in ("comment", "title", "author") else as_string(text)


FORMATS = (DneFormat(),)
