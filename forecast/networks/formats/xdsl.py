"""XDSL, the format of GeNIe and SMILE: cpt, deterministic and noisymax nodes, with all that GeNIe says besides."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TextIO, override
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from forecast.networks.details import NetworkDetails, NoisyMaxParameters, Properties, VariableDetails
from forecast.networks.formats import WritableFormat
from forecast.networks.network import (
    BifWord,
    Blocks,
    CheckedTable,
    DiscreteNetwork,
    ProbabilityBlock,
    ProbabilityEntry,
    VariableBlock,
    Words,
    build,
    read_table,
)
from forecast.networks.text import beginning_of_xml
from forecast.networks.writing import Places, as_xml, by_parents, digits, identifiers, left_out
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, choice, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from forecast.networks.xml_text import Element

# The published schema of XDSL has these nodes; SMILE's documents tell what their numbers mean. A table lists the
# node's own states fastest, then those of its last parent.
TABLES = {"cpt": "probabilities", "deterministic": "resultingstates", "noisymax": "parameters"}
OTHER_NODES = (
    "decision", "utility", "mau", "noisyadder", "equation", "truthtable", "demorgan", "hybrid",
)  # fmt: skip
READ = "nodes that are read are cpt, deterministic and noisymax"
OF_NODE = ("state", "parents", "strengths", "property", *TABLES.values())
BEGINNING = beginning_of_xml(rb"smile")


class XdslFormat(WritableFormat):
    """`<smile>` with a list of nodes and GeNIe's drawing of them."""

    title = "XDSL"
    endings = (".xdsl",)

    @override
    def recognises(self, content: bytes) -> bool:
        """Say whether the first element is `smile`."""
        return BEGINNING.match(content) is not None

    @override
    def read(self, content: bytes, name: str) -> DiscreteNetwork:
        """Read and check a network."""
        from forecast.networks.xml_text import parse_xml

        return _Reader(parse_xml(content, name), name).network()

    @override
    def write(self, network: DiscreteNetwork, stream: TextIO) -> list[str]:
        """Write a network; parents stand before their children."""
        return _write(network, stream)


class _Node(NamedTuple):
    """A node of the file with its parts: words of states, parents and numbers."""

    element: Element
    name: BifWord
    states: tuple[BifWord, ...]
    parents: tuple[BifWord, ...]
    numbers: Sequence[BifWord]
    strengths: Sequence[BifWord]


class _Reader:
    def __init__(self, root: Element, path: str) -> None:
        self.root, self.path = root, path
        self.problems: list[Problem] = []
        self.noisy: dict[str, NoisyMaxParameters] = {}

    def problem(self, line: int, what: str, got: str = "", allowed: str = "") -> None:
        self.problems.append(Problem(Source(self.path, line), what, got, allowed))

    def network(self) -> DiscreteNetwork:
        if self.root.name != "smile":
            self.problem(self.root.line, "no XDSL", f"element '{self.root.name}'", "the first element is 'smile'")
        for element in self.root.of("dynamic"):
            self.problem(element.line, "a network over time", "element 'dynamic'", "networks without time slices")
        listed = self.root.of("nodes")
        if self.root.name == "smile" and len(listed) != 1:
            self.problem(self.root.line, "network", f"{len(listed)} elements 'nodes'", "one, which holds the nodes")
        nodes = [node for part in listed for child in part.children if (node := self.node(child)) is not None]
        if self.problems:
            raise WorkspaceProblems(self.problems)
        blocks = Blocks(
            tuple(VariableBlock(node.name, (node.states,), ()) for node in nodes),
            tuple(self.table(node) for node in nodes),
            Words("node", "node"),
        )
        made = build(blocks, self.path)
        return replace(made, details=self.details(nodes))

    def node(self, element: Element) -> _Node | None:
        kind = element.name
        if kind not in TABLES:
            near = choice("they", kind, TABLES) if kind not in OTHER_NODES else READ
            self.problem(element.line, "a node of another kind", f"'{kind}'", READ if near == READ else near)
            return None
        name = self.attribute(element, "id", f"{kind} node")
        if name is None:
            return None
        states = [self.attribute(state, "id", f"variable '{name.text}': a state") for state in element.of("state")]
        numbers = element.of(TABLES[kind])
        if len(numbers) != 1:
            what = f"variable '{name.text}'"
            self.problem(element.line, what, f"{len(numbers)} elements '{TABLES[kind]}'", "one")
        if not states:
            self.problem(element.line, f"variable '{name.text}'", "no state", "one element 'state' for each")
        given = [word for part in element.of("parents") for word in part.words()]
        strengths = [word for part in element.of("strengths") for word in part.words()]
        if None in states or not states or len(numbers) != 1:
            return None
        known = tuple(state for state in states if state is not None)
        return _Node(element, name, known, tuple(given), numbers[0].words(), strengths)

    def attribute(self, element: Element, key: str, of: str) -> BifWord | None:
        from forecast.workspace.problems import one_form

        text = one_form(element.attributes.get(key, "").strip())
        if not text:
            self.problem(element.line, of, f"no attribute '{key}'", f'{key}="NAME"')
            return None
        return BifWord(text, element.line)

    def table(self, node: _Node) -> ProbabilityBlock:
        block = ProbabilityBlock(node.name, node.parents, by_row=True)
        if node.element.name == "deterministic":
            return block._replace(computed=lambda states, path: _resulting(node, states, path))
        if node.element.name == "noisymax":
            return block._replace(computed=lambda states, path: self.noisy_max(node, states, path))
        return block._replace(tables=(_entry(node),))

    def noisy_max(self, node: _Node, states: Mapping[str, Sequence[str]], path: str) -> CheckedTable:
        found = _noisy_max(node, states, path)
        if isinstance(found, CheckedTable):
            return found
        self.noisy[node.name.text], warnings = found
        return CheckedTable(self.noisy[node.name.text].table(), (), warnings)

    def details(self, nodes: Sequence[_Node]) -> NetworkDetails:
        titles = {
            drawn.attributes.get("id", ""): names[0].text
            for part in self.root.of("extensions")
            for drawn in part.within("node")
            if (names := drawn.of("name"))
        }
        others = [child.xml() for child in self.root.children if child.name not in ("nodes", "properties")]
        attributes = {key: value for key, value in self.root.attributes.items() if key not in ("version", "id")}
        variables = {node.name.text: self.variable(node, titles.get(node.name.text, "")) for node in nodes}
        return NetworkDetails(
            name=self.root.attributes.get("id", ""),
            properties=tuple(pair for part in self.root.of("properties") for pair in _properties(part)),
            variables={name: one for name, one in variables.items() if one != VariableDetails()},
            form=XdslFormat.title,
            kept=(*_kept(attributes), *(("element", text) for text in others)),
        )

    def variable(self, node: _Node, title: str) -> VariableDetails:
        element = node.element
        name = node.name.text
        of_states = [
            (f"state {i}", _attributes(state.attributes, ("id",)))
            for i, state in enumerate(element.of("state"))
            if len(state.attributes) > 1
        ]
        others = [("element", child.xml()) for child in element.children if child.name not in OF_NODE]
        return VariableDetails(
            title="" if title == name else title,
            properties=_properties(element),
            noisy_max=self.noisy.get(name),
            is_deterministic=element.name == "deterministic",
            kept=(*_kept({k: v for k, v in element.attributes.items() if k != "id"}), *of_states, *others),
        )


def _entry(node: _Node) -> ProbabilityEntry:
    numbers = node.numbers or (BifWord("", node.element.of(TABLES[node.element.name])[0].line),)
    return ProbabilityEntry((), numbers)


def _resulting(node: _Node, states: Mapping[str, Sequence[str]], path: str) -> CheckedTable:
    """Return the table of a deterministic node: one state for each combination of the parents' states."""
    *_, own = states.values()
    shape = tuple(len(known) for known in states.values())
    problems = []
    if len(node.numbers) != np.prod(shape[:-1]):
        line = node.element.of("resultingstates")[0].line
        what = f"variable '{node.name.text}': wrong number of resulting states"
        problems.append(Problem(Source(path, line), what, str(len(node.numbers)), f"{np.prod(shape[:-1])} are needed"))
    places = {state: i for i, state in enumerate(own)}
    for word in node.numbers:
        if word.text not in places:
            what = f"variable '{node.name.text}' has no such state"
            problems.append(Problem(Source(path, word.line), what, shown(word.text), choice("states", word.text, own)))
            break
    if problems:
        return CheckedTable(np.empty(0), tuple(problems), ())
    results = [places[word.text] for word in node.numbers]
    return CheckedTable(np.eye(len(own))[results].reshape(shape), (), ())


def _noisy_max(
    node: _Node, states: Mapping[str, Sequence[str]], path: str
) -> CheckedTable | tuple[NoisyMaxParameters, tuple[Problem, ...]]:
    """Read the parameters of a noisy-MAX: a row for each state of each parent, by their strengths, and the leak.

    `strengths` lists for each parent its states by number, the strongest first; without it they stand as they are. The
    row of a parent's last state is that of no effect, which is the node's last state.

    Source: BayesFusion, "SMILE Programmer's Manual", Noisy-MAX; the published schema of XDSL.
    """
    name = node.name.text
    *parents, _ = states
    of = {parent: len(states[parent]) for parent in parents}
    n_rows, n = sum(of.values()) + 1, len(states[name])

    def refuse(line: int, what: str, got: str, allowed: str) -> CheckedTable:
        return CheckedTable(np.empty(0), (Problem(Source(path, line), f"variable '{name}': {what}", got, allowed),), ())

    order = [word.text for word in node.strengths] or [str(i) for parent in parents for i in range(of[parent])]
    line = (*node.strengths, node.name)[0].line
    if len(order) != n_rows - 1:
        return refuse(
            line, "wrong number of strengths", str(len(order)), f"one for each state of a parent, {n_rows - 1}"
        )
    orders, at = [], 0
    for parent in parents:
        ranked = order[at : at + of[parent]]
        at += of[parent]
        if sorted(ranked) != sorted(str(i) for i in range(of[parent])):
            allowed = f"the numbers of its states, 0 to {of[parent] - 1}, the strongest first"
            return refuse(line, f"strengths of parent '{parent}'", " ".join(ranked), allowed)
        orders.append(tuple(map(int, ranked)))
    labels = [f"{parent} is {states[parent][i]}" for parent, ranks in zip(parents, orders, strict=True) for i in ranks]
    read = read_table(
        ProbabilityBlock(node.name, (BifWord("cause", line),), tables=(_entry(node),), by_row=True),
        {"cause": [*labels, "leak"], name: states[name]},
        path,
    )
    if read.problems:
        return read
    effects, at = [], 0
    for parent, ranks in zip(parents, orders, strict=True):
        block = read.rows[at : at + of[parent]]
        at += of[parent]
        if (block[-1, :-1] != 0.0).any():
            what = f"the last parameters of parent '{parent}' ({labels[at - 1]}) have an effect"
            there = node.numbers[(at - 1) * n].line
            return refuse(there, what, digits(block[-1].tolist()), f"0 for every state but '{states[name][-1]}'")
        effects.append(block[np.argsort(ranks)])
    return NoisyMaxParameters(tuple(effects), read.rows[-1], tuple(orders)), read.warnings


def _properties(element: Element) -> Properties:
    return tuple((one.attributes.get("id", ""), one.text) for one in element.of("property"))


def _kept(attributes: Mapping[str, str]) -> Properties:
    return (("attributes", _attributes(attributes, ())),) if attributes else ()


def _attributes(attributes: Mapping[str, str], without: Iterable[str]) -> str:
    return " ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items() if key not in without)


DRAWN = (
    '<interior color="e5f6f7" /><outline color="000080" /><font color="000000" name="Arial" size="8" />'
    "<position>{} {} {} {}</position>"
)
COLUMNS, WIDTH, HEIGHT = 8, 120, 80  # of a drawing that no file had: nodes in rows


def _write(network: DiscreteNetwork, stream: TextIO) -> list[str]:
    details = network.details
    names = identifiers(network)
    order = by_parents(network)
    own = details.form == XdslFormat.title and not names.told()  # what is kept names nodes and states
    kept = details.kept if own else ()
    network_id = details.name if re.fullmatch(r"[A-Za-z]\w*", details.name, re.ASCII) else "Network"
    said = left_out(
        network,
        Places("XDSL", titles=True, properties=True, network=True, noisy_max=True, deterministic=True),
    )
    if details.name and network_id != details.name:
        said.append(f"name of the network: '{details.name}' is {network_id}")
    texts = [title for name in order if (title := details.of(name).title)]
    texts += [text for name in order for pair in details.of(name).properties for text in pair]
    if not all(as_xml(text) == text for text in (*texts, *(text for pair in details.properties for text in pair))):
        said.append("letters of titles and properties that XML does not have")
    if details.form == XdslFormat.title and not own:
        said.append("the drawing, and all else that only XDSL says: it has the names of before")
    if order != network.names:
        said.append("the order of the variables: parents stand before their children")
    attributes = "".join(f" {text}" for place, text in kept if place == "attributes") or ' numsamples="10000"'
    stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    stream.write(f'<smile version="1.0" id="{network_id}"{attributes}>\n')
    if details.properties:
        stream.write("\t<properties>\n")
        _write_properties(details.properties, stream, "\t\t")
        stream.write("\t</properties>\n")
    elements = [text for place, text in kept if place == "element"]
    first = [text for text in elements if text.startswith("<algparams")]
    stream.writelines(f"\t{text}\n" for text in first)
    stream.write("\t<nodes>\n")
    for name in order:
        _write_node(network, name, names.variables, names.states, stream, own=own)
    stream.write("\t</nodes>\n")
    stream.writelines(f"\t{text}\n" for text in elements if text not in first)
    titles = {name: details.of(name).title for name in order if details.of(name).title}
    if not any(text.startswith("<extensions") for text in elements):
        _draw(order, names.variables, titles, network_id, stream)
    stream.write("</smile>\n")
    return [*names.told(), *said]


def _write_node(
    network: DiscreteNetwork,
    name: str,
    names: Mapping[str, str],
    states: Mapping[str, Mapping[str, str]],
    stream: TextIO,
    *,
    own: bool,
) -> None:
    about = network.details.of(name)
    table = network.tables[name]
    fixed = about.is_deterministic and bool(((table == 0.0) | (table == 1.0)).all())
    kind = "noisymax" if about.noisy_max is not None else "deterministic" if fixed else "cpt"
    kept = dict(about.kept) if own else {}
    attributes = f" {kept['attributes']}" if "attributes" in kept else ""
    stream.write(f'\t\t<{kind} id="{names[name]}"{attributes}>\n')
    for i, state in enumerate(network.states[name]):
        more = f" {kept[f'state {i}']}" if f"state {i}" in kept else ""
        stream.write(f'\t\t\t<state id="{states[name][state]}"{more} />\n')
    if network.parents[name]:
        stream.write(f"\t\t\t<parents>{' '.join(names[parent] for parent in network.parents[name])}</parents>\n")
    if about.noisy_max is not None:
        ranks = [str(i) for order in about.noisy_max.orders for i in order]
        if ranks:
            stream.write(f"\t\t\t<strengths>{' '.join(ranks)}</strengths>\n")
        blocks = zip(about.noisy_max.effects, about.noisy_max.orders, strict=True)
        ranked: list[NDArray[np.float64]] = [effect[list(order)] for effect, order in blocks]
        numbers = np.concatenate([*ranked, about.noisy_max.leak[np.newaxis]]).ravel()
        stream.write(f"\t\t\t<parameters>{digits(numbers.tolist())}</parameters>\n")
    elif fixed:
        results = (states[name][network.states[name][i]] for i in table.argmax(axis=-1).ravel().tolist())
        stream.write(f"\t\t\t<resultingstates>{' '.join(results)}</resultingstates>\n")
    else:
        stream.write(f"\t\t\t<probabilities>{digits(table.ravel().tolist())}</probabilities>\n")
    for text in (text for place, text in about.kept if own and place == "element"):
        stream.write(f"\t\t\t{text}\n")
    _write_properties(about.properties, stream, "\t\t\t")
    stream.write(f"\t\t</{kind}>\n")


def _write_properties(properties: Properties, stream: TextIO, indent: str) -> None:
    for key, value in properties:
        stream.write(f"{indent}<property id={quoteattr(as_xml(key))}>{escape(as_xml(value))}</property>\n")


def _draw(
    order: Sequence[str], names: Mapping[str, str], titles: Mapping[str, str], network_id: str, stream: TextIO
) -> None:
    """Write a drawing: GeNIe shows no node that has no place, and has the titles there."""
    stream.write('\t<extensions>\n\t\t<genie version="1.0" app="forecast" name="' + network_id + '">\n')
    for i, name in enumerate(order):
        x, y = i % COLUMNS * WIDTH + 20, i // COLUMNS * HEIGHT + 20
        drawn = DRAWN.format(x, y, x + WIDTH - 20, y + HEIGHT // 2)
        title = escape(as_xml(titles.get(name, names[name])))
        stream.write(f'\t\t\t<node id="{names[name]}"><name>{title}</name>{drawn}</node>\n')
    stream.write("\t\t</genie>\n\t</extensions>\n")


FORMATS = (XdslFormat(),)
