"""XMLBIF, version 0.3: variables with outcomes, and a table for each, its own outcomes fastest."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO, override
from xml.sax.saxutils import escape

from forecast.networks.details import NetworkDetails, Properties, VariableDetails
from forecast.networks.formats import WritableFormat
from forecast.networks.network import (
    BifWord,
    Blocks,
    DiscreteNetwork,
    ProbabilityBlock,
    ProbabilityEntry,
    VariableBlock,
    Words,
    build,
)
from forecast.networks.text import beginning_of_xml
from forecast.networks.writing import Places, Renamed, as_xml, digits, fitting, left_out
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, one_form, shown

if TYPE_CHECKING:
    from forecast.networks.xml_text import Element

BEGINNING = beginning_of_xml(rb"BIF")


class XmlBifFormat(WritableFormat):
    """`<BIF VERSION="0.3">` with one network."""

    title = "XMLBIF"
    endings = (".xmlbif", ".bifxml", ".xml")

    @override
    def recognises(self, content: bytes) -> bool:
        """Say whether the first element is `BIF`."""
        return BEGINNING.match(content) is not None

    @override
    def read(self, content: bytes, name: str) -> DiscreteNetwork:
        """Read and check a network.

        Source: Cozman (1998), "The Interchange Format for Bayesian Networks", XMLBIF version 0.3.
        """
        from forecast.networks.xml_text import parse_xml

        return _Reader(parse_xml(content, name), name).network()

    @override
    def write(self, network: DiscreteNetwork, stream: TextIO) -> list[str]:
        """Write a network."""
        return _write(network, stream)


class _Reader:
    def __init__(self, root: Element, path: str) -> None:
        self.root, self.path = root, path
        self.problems: list[Problem] = []

    def problem(self, line: int, what: str, got: str = "", allowed: str = "") -> None:
        self.problems.append(Problem(Source(self.path, line), what, got, allowed))

    def network(self) -> DiscreteNetwork:
        if self.root.name != "BIF":
            got = f"element {shown(self.root.name)}"
            self.problem(self.root.line, "no XMLBIF", got, "the first element is 'BIF'")
            raise WorkspaceProblems(self.problems)
        networks = self.root.of("NETWORK")
        if len(networks) != 1:
            self.problem(self.root.line, "network", f"{len(networks)} elements 'NETWORK'", "one")
            raise WorkspaceProblems(self.problems)
        inside = networks[0]
        for child in inside.children:
            if child.name not in ("NAME", "PROPERTY", "VARIABLE", "DEFINITION"):
                allowed = "NAME, PROPERTY, VARIABLE and DEFINITION"
                self.problem(child.line, "network: another element", shown(child.name), allowed)
        variables = [made for one in inside.of("VARIABLE") if (made := self.variable(one)) is not None]
        tables = [block for one in inside.of("DEFINITION") if (block := self.definition(one)) is not None]
        if self.problems:
            raise WorkspaceProblems(self.problems)
        blocks = Blocks(
            tuple(block for block, _ in variables), tuple(tables), Words("element 'VARIABLE'", "element 'DEFINITION'")
        )
        names = inside.of("NAME")
        details = NetworkDetails(
            name=names[0].text if names else "",
            properties=_properties(inside),
            variables={block.name.text: about for block, about in variables if about != VariableDetails()},
            form=XmlBifFormat.title,
        )
        return replace(build(blocks, self.path), details=details)

    def variable(self, element: Element) -> tuple[VariableBlock, VariableDetails] | None:
        name = self.one(element, "NAME", "variable")
        if name is None:
            return None
        kind = element.attributes.get("TYPE", "nature")
        if kind != "nature":
            self.problem(element.line, f"variable '{name.text}' is of another kind", shown(kind), 'TYPE="nature"')
            return None
        states = tuple(outcome.word() for outcome in element.of("OUTCOME"))
        if not states:
            self.problem(element.line, f"variable '{name.text}'", "no state", "one element 'OUTCOME' for each")
            return None
        return VariableBlock(name, (states,), ()), VariableDetails(properties=_properties(element))

    def definition(self, element: Element) -> ProbabilityBlock | None:
        name = self.one(element, "FOR", "definition")
        if name is None:
            return None
        tables = element.of("TABLE")
        if len(tables) != 1:
            self.problem(element.line, f"variable '{name.text}'", f"{len(tables)} elements 'TABLE'", "one")
            return None
        numbers = tables[0].words() or (BifWord("", tables[0].line),)
        entry = ProbabilityEntry((), numbers)
        parents = tuple(given.word() for given in element.of("GIVEN"))
        return ProbabilityBlock(name, parents, tables=(entry,), by_row=True)

    def one(self, element: Element, part: str, of: str) -> BifWord | None:
        found = element.of(part)
        if len(found) != 1 or not found[0].text:
            got = f"{len(found)} elements '{part}'" if len(found) != 1 else f"an empty element '{part}'"
            self.problem(element.line, of, got, "one with a name")
            return None
        return found[0].word()


def _properties(element: Element) -> Properties:
    """Return `name = value` of each property."""
    parts = [one.text.partition("=") for one in element.of("PROPERTY")]
    return tuple((name.strip(), value.strip()) for name, _, value in parts)


def _write(network: DiscreteNetwork, stream: TextIO) -> list[str]:
    details = network.details
    states = {name: fitting(known, _is_legal, "s") for name, known in network.states.items()}
    names = Renamed(fitting(network.names, _is_legal, "v"), states)
    own = names.variables
    said = [*names.told(), *left_out(network, Places("XMLBIF", properties=True, network=True))]
    stream.write('<?xml version="1.0" encoding="UTF-8"?>\n<BIF VERSION="0.3">\n<NETWORK>\n')
    stream.write(f"<NAME>{escape(_as_legal(details.name) or 'network')}</NAME>\n")
    said += _write_properties(details.properties, "the network", stream)
    for name in network.names:
        stream.write(f'<VARIABLE TYPE="nature">\n<NAME>{escape(own[name])}</NAME>\n')
        for state in network.states[name]:
            stream.write(f"<OUTCOME>{escape(names.states[name][state])}</OUTCOME>\n")
        said += _write_properties(details.of(name).properties, f"'{name}'", stream)
        stream.write("</VARIABLE>\n")
    for name in network.names:
        stream.write(f"<DEFINITION>\n<FOR>{escape(own[name])}</FOR>\n")
        for parent in network.parents[name]:
            stream.write(f"<GIVEN>{escape(own[parent])}</GIVEN>\n")
        stream.write(f"<TABLE>{digits(network.tables[name].ravel().tolist())}</TABLE>\n</DEFINITION>\n")
    stream.write("</NETWORK>\n</BIF>\n")
    return said


def _write_properties(properties: Properties, of: str, stream: TextIO) -> list[str]:
    said = []
    for key, value in properties:
        text = f"{key} = {value}" if value else key
        if "=" in key or not _is_legal(text):
            said.append(f"property {shown(key)} of {of}: its letters")
            continue
        stream.write(f"<PROPERTY>{escape(text)}</PROPERTY>\n")
    return said


def _is_legal(text: str) -> bool:
    return text == as_xml(text) == one_form(text).strip()


def _as_legal(text: str) -> str:
    return text if _is_legal(text) else re.sub(r"\W+", "_", text)


FORMATS = (XmlBifFormat(),)
