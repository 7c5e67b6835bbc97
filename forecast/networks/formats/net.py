"""NET, the language of Hugin, version 6 and later, and the older one: discrete chance nodes and their potentials."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TextIO, override

import numpy as np

from forecast.networks.details import NetworkDetails, Properties, VariableDetails
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
from forecast.networks.writing import Places, Renamed, as_identifiers, fitting, in_parentheses, is_plain, left_out
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, shown

LANGUAGE = Language("NET", "{}()=;|", "%")
BEGINNING = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s++|%[^\n]*+)*+(?:net\s*+(?:%[^\n]*+\s*+)*+\{|class\s++\w++\s*+\{|(?:discrete\s++)?node\s++\w++\s*+\{)"
)
CHANCE = "only discrete chance nodes are read"
# Attributes whose values are no strings: numbers, lists and names of kinds.
BARE = ("position", "node_size", "subtype", "state_values", "color", "inputs", "outputs", "interval_count")
KINDS = ("label", "boolean", "number", "interval")  # of a subtype
BARE_VALUE = re.compile(r"\([^()\"=;{}%|]*\)|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


class NetFormat(WritableFormat):
    """`net { }`, `node NAME { }` and `potential (NAME | PARENTS) { }`."""

    title = "NET"
    endings = (".net",)

    @override
    def recognises(self, content: bytes) -> bool:
        """Say whether the first block is that of a network, a class or a node."""
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
class _Potential:
    name: BifWord
    parents: tuple[BifWord, ...]
    data: range | None
    kept: Properties


class _Reader:
    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.problems: list[Problem] = []
        self.details = NetworkDetails(form=NetFormat.title)
        self.variables: dict[str, VariableDetails] = {}
        self.nodes: list[VariableBlock] = []
        self.potentials: list[_Potential] = []

    def problem(self, line: int, what: str, got: str = "", allowed: str = "") -> None:
        self.problems.append(Problem(Source(self.tokens.path, line), what, got, allowed))

    def network(self) -> DiscreteNetwork:
        self.read(self.tokens.statements(), is_class=False)
        if self.problems:
            raise WorkspaceProblems(self.problems)
        blocks = Blocks(
            tuple(self.nodes), tuple(map(self.table, self.potentials)), Words("'node' block", "'potential' block")
        )
        made = build(blocks, self.tokens.path)
        for one in self.potentials:
            if one.kept:
                about = self.variables.get(one.name.text, VariableDetails())
                self.variables[one.name.text] = replace(about, kept=(*about.kept, *one.kept))
        return replace(made, details=replace(self.details, variables=self.variables))

    def read(self, statements: Sequence[BraceStatement], *, is_class: bool) -> None:
        for one in statements:
            line = self.tokens.line(one.head.start)
            head = [self.tokens.texts[i] for i in one.head]
            match head:
                case ["net"] if one.value is None:
                    self.about_network(one.body)
                case ["class", _] if one.value is None and not is_class:
                    name = self.tokens.word(one.head[1]).text
                    self.details = replace(self.details, name=name)
                    self.read(one.body, is_class=True)
                case ["node", _] | ["discrete", "node", _] if one.value is None:
                    self.node(self.tokens.word(one.head[-1]), one.body)
                case ["potential", "(", *_] if one.value is None:
                    self.potential(one)
                case [_] if is_class and one.value is not None:
                    self.about_network([one])
                case _:
                    what = "a block of another kind" if one.value is None else "a value outside a block"
                    self.problem(line, what, shown(" ".join(head)), f"net, node and potential; {CHANCE}")

    def about_network(self, body: Sequence[BraceStatement]) -> None:
        values = self.attributes(body, "net")
        named = [text for key, text in values if key == "name"]
        self.details = replace(
            self.details,
            name=named[0] if named else self.details.name,
            properties=(*self.details.properties, *((key, text) for key, text in values if key != "name")),
        )

    def attributes(self, body: Sequence[BraceStatement], of: str) -> list[tuple[str, str]]:
        """Return names and values: a string without its quotes, anything else as it is written."""
        found = []
        for one in body:
            if one.value is None or len(one.head) != 1:
                line = self.tokens.line(one.head.start)
                self.problem(line, f"{of}: no attribute", shown(self.tokens.written(one.head)), "NAME = VALUE;")
            else:
                found.append((self.tokens.texts[one.head.start], self.value(one.value)))
        return found

    def value(self, places: range) -> str:
        if len(places) == 1:
            return unquoted(self.tokens.texts[places.start])
        return self.tokens.written(places)

    def node(self, name: BifWord, body: Sequence[BraceStatement]) -> None:
        states: list[tuple[BifWord, ...]] = []
        others = []
        for one in body:
            if self.tokens.texts[one.head.start] == "states" and one.value is not None and len(one.head) == 1:
                states.append(tuple(self.tokens.word(i) for i in self.tokens.listed(one.value)))
            else:
                others.append(one)
        if len(states) != 1 or not states[0]:
            got = "no state" if len(states) == 1 else f"{len(states)} lists of states"
            self.problem(name.line, f"variable '{name.text}'", got, 'states = ("NAME" ...);')
            states = [(BifWord("?", name.line),)]
        values = self.attributes(others, f"variable '{name.text}'")
        about = VariableDetails(
            title=next((text for key, text in values if key == "label"), ""),
            properties=tuple((key, text) for key, text in values if key != "label"),
        )
        if about != VariableDetails():
            self.variables[name.text] = about
        self.nodes.append(VariableBlock(name, tuple(states), ()))

    def potential(self, one: BraceStatement) -> None:
        inside = [*one.head[2:-1]]
        texts = [self.tokens.texts[i] for i in inside]
        line = self.tokens.line(one.head.start)
        bars = [i for i, text in enumerate(texts) if text == "|"]
        own = bars[0] if bars else len(texts)
        is_closed = self.tokens.texts[one.head[-1]] == ")" and not {"(", ")"} & {*texts}
        if not is_closed or own != 1 or len(bars) > 1:
            got = self.tokens.written(one.head)
            self.problem(line, "a potential of another kind", shown(got), "potential (NAME | PARENTS) of one variable")
            return
        name = self.tokens.word(inside[0])
        parents = tuple(self.tokens.word(i) for i in inside[2:])
        data = [part.value for part in one.body if self.tokens.written(part.head) == "data"]
        others = [part for part in one.body if self.tokens.written(part.head) != "data"]
        kept = tuple((f"potential {key}", text) for key, text in self.raw(others, name.text))
        if len(data) != 1 or data[0] is None:
            by_model = any(key in ("potential model_data", "potential model_nodes") for key, _ in kept)
            got = "a model expression alone" if by_model else f"{len(data)} attributes 'data'"
            allowed = "'data = (...);' with the probabilities of every combination of parents"
            self.problem(line, f"variable '{name.text}'", got, allowed)
            return
        self.potentials.append(_Potential(name, parents, data[0], kept))

    def raw(self, body: Sequence[BraceStatement], of: str) -> list[tuple[str, str]]:
        self.attributes([one for one in body if one.value is None], f"variable '{of}'")
        return [
            (self.tokens.written(one.head), self.tokens.written(one.value)) for one in body if one.value is not None
        ]

    def table(self, one: _Potential) -> ProbabilityBlock:
        def computed(states: Mapping[str, Sequence[str]], _: str) -> CheckedTable:
            if one.data is None:
                return CheckedTable(np.empty(0), (), ())
            return self.tokens.table(one.data, one.name, states, {})

        return ProbabilityBlock(one.name, one.parents, computed=computed)


def _write(network: DiscreteNetwork, stream: TextIO) -> list[str]:
    details = network.details
    own = details.form == NetFormat.title
    states_as_strings = {name: fitting(states, is_plain, "s") for name, states in network.states.items()}
    names = Renamed(as_identifiers(network.names, "v"), states_as_strings)
    said = [*names.told(), *left_out(network, Places("NET", titles=True, properties=True, network=True))]
    stream.write("net\n{\n")
    if is_plain(details.name) and details.name:
        stream.write(f"    name = {as_string(details.name)};\n")
    if "node_size" not in dict(details.properties):
        stream.write("    node_size = (100 40);\n")
    said += _write_properties(details.properties, "the network", stream)
    stream.write("}\n")
    for name in network.names:
        about = details.of(name)
        stream.write(f"\nnode {names.variables[name]}\n{{\n")
        states = " ".join(map(as_string, states_as_strings[name].values()))
        if about.title and not is_plain(about.title):
            said.append(f"title of '{name}': its letters")
        elif about.title:
            stream.write(f"    label = {as_string(about.title)};\n")
        stream.write(f"    states = ({states});\n")
        said += _write_properties(about.properties, f"'{name}'", stream)
        stream.write("}\n")
    for name in network.names:
        parents = " ".join(names.variables[parent] for parent in network.parents[name])
        bar = f" | {parents}" if parents else ""
        stream.write(f"\npotential ({names.variables[name]}{bar})\n{{\n")
        stream.write(f"    data = {in_parentheses(network.tables[name], '           ', ' ')};\n")
        for place, text in details.of(name).kept if own else ():
            stream.write(f"    {place.removeprefix('potential ')} = {text};\n")
        stream.write("}\n")
    return said


def _write_properties(properties: Properties, of: str, stream: TextIO) -> list[str]:
    keys = as_identifiers([key for key, _ in properties if key not in ("states", "label", "name")], "p")
    said = [f"name of a property of {of}: '{key}' is {word}" for key, word in keys.items() if word != key]
    for key, text in properties:
        if not is_plain(text):
            said.append(f"property '{key}' of {of}: its letters")
            continue
        if key not in keys:
            said.append(f"property '{key}' of {of}: NET gives that name another meaning")
            continue
        is_bare = BARE_VALUE.fullmatch(text) and (key in BARE or text.startswith("("))
        is_kind = key == "subtype" and text in KINDS
        stream.write(f"    {keys[key]} = {text if is_bare or is_kind else as_string(text)};\n")
    return said


FORMATS = (NetFormat(),)
