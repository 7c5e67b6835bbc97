"""UAI, the format of the inference competitions, with its evidence files: numbers alone, and no names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn, TextIO, override

from forecast.networks.answer import Finding
from forecast.networks.details import listed
from forecast.networks.formats import WritableFormat
from forecast.networks.network import (
    MAX_TABLE_ENTRIES,
    BifWord,
    Blocks,
    DiscreteNetwork,
    ProbabilityBlock,
    ProbabilityEntry,
    VariableBlock,
    Words,
    build,
)
from forecast.networks.text import ManyWords, decoded
from forecast.networks.writing import Places, digits, left_out
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, shown

# A line of its own that begins with the letter c (2016), and what some programs write behind the sign #.
COMMENT = re.compile(r"^c(?:[ \t][^\n]*)?$|#[^\n]*", re.MULTILINE)
BEGINNING = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s++|c(?:[ \t][^\n]*+)?\n|#[^\n]*+)*+(?:BAYES|MARKOV)(?=\s)", re.IGNORECASE
)
LONGEST = 12  # digits; a number with as many is more than any that is allowed
ONLY_BAYES = "BAYES: a Markov network has factors and no conditional probability tables"


class UaiFormat(WritableFormat):
    """`BAYES`, the numbers of states, a list of families, and their tables.

    Variable 3 is called x3, its first state s0. Source: the formats of the UAI competitions of 2008 to 2016.
    """

    title = "UAI"
    endings = (".uai",)

    @override
    def recognises(self, content: bytes) -> bool:
        """Say whether the first word is BAYES or MARKOV."""
        return BEGINNING.match(content) is not None

    @override
    def read(self, content: bytes, name: str) -> DiscreteNetwork:
        """Read and check a network. The child of each family stands last, and its states run fastest."""
        return _network(_Numbers(content, name))

    @override
    def write(self, network: DiscreteNetwork, stream: TextIO) -> list[str]:
        """Write a network."""
        return _write(network, stream)


class _Numbers:
    """The words of a file, taken one after the other, and what is wrong with those that hide no others."""

    def __init__(self, content: bytes, path: str) -> None:
        self.path = path
        text = COMMENT.sub("", decoded(content, path))
        self.words = _split(text)
        self.last_line = max(1, text.count("\n") + (not text.endswith("\n")))
        self.at = 0
        self.problems: list[Problem] = []

    def note(self, what: str, allowed: str, at: int | None = None) -> None:
        """Report the last word, or the one at a place; the words behind it can still be read."""
        place = self.at - 1 if at is None else at
        is_there = place < len(self.words)
        got = shown(self.words.texts[place]) if is_there else "the end of the file"
        line = self.words[place].line if is_there else self.last_line
        self.problems.append(Problem(Source(self.path, line), what, got, allowed))

    def refuse(self, what: str, allowed: str, at: int | None = None) -> NoReturn:
        """Report a word behind which nothing can be read, with all that was wrong before it."""
        self.note(what, allowed, at)
        raise WorkspaceProblems(self.problems)

    def stop_if_wrong(self) -> None:
        """Raise what was reported so far, if anything was."""
        if self.problems:
            raise WorkspaceProblems(self.problems)

    def word(self, what: str) -> BifWord:
        self.at += 1
        if self.at > len(self.words):
            self.refuse(f"no {what}", f"expected {what}")
        return self.words[self.at - 1]

    def whole(self, what: str, least: int, most: int) -> int:
        """Take a number on which the place of the words behind it depends."""
        before = len(self.problems)
        number = self.noted(what, least, most)
        if len(self.problems) > before:
            self.stop_if_wrong()
        return number

    def noted(self, what: str, least: int, most: int) -> int:
        """Take a number; one that is wrong is reported and counts as the least."""
        word = self.word(what)
        if (
            word.text.isascii()
            and word.text.isdecimal()
            and len(word.text) < LONGEST
            and least <= int(word.text) <= most
        ):
            return int(word.text)
        self.note(what, f"a whole number from {least} to {most}")
        return least

    def end(self) -> None:
        if self.at < len(self.words):
            self.refuse("words behind the last one that is needed", "the end of the file", self.at)


def _split(text: str) -> ManyWords:
    def lines() -> list[int]:
        return [number for number, line in enumerate(text.split("\n"), 1) for _ in line.split()]

    return ManyWords(text.split(), lines)


def _network(numbers: _Numbers) -> DiscreteNetwork:
    kind = numbers.word("kind of network")
    if kind.text.upper() != "BAYES":
        numbers.refuse("no Bayesian network", ONLY_BAYES if kind.text.upper() == "MARKOV" else "BAYES")
    left = len(numbers.words)
    n = numbers.whole("number of variables", 1, left)
    cards = [numbers.noted(f"number of states of variable {i}", 1, MAX_TABLE_ENTRIES) for i in range(n)]
    lines = [numbers.words[numbers.at - n + i].line for i in range(n)]
    if sum(cards) > left:
        numbers.note("more states than the file has numbers", f"at most {left} states in all")
    states = tuple(
        VariableBlock(BifWord(f"x{i}", line), (tuple(BifWord(f"s{state}", line) for state in range(card)),), ())
        for i, (card, line) in enumerate(zip(cards, lines, strict=True))
    )
    scopes: list[tuple[list[int], int]] = []
    for i in range(numbers.whole("number of functions", n, n)):
        size = numbers.whole(f"size of function {i}", 1, n)
        scope = [numbers.noted(f"variable of function {i}", 0, n - 1) for _ in range(size)]
        scopes.append((scope, numbers.words[numbers.at - 1].line))
    numbers.stop_if_wrong()
    tables = [_table(numbers, i, scope, line, cards) for i, (scope, line) in enumerate(scopes)]
    numbers.end()
    return build(Blocks(states, tuple(tables), Words("variable", "function")), numbers.path)


def _table(numbers: _Numbers, number: int, scope: Sequence[int], line: int, cards: Sequence[int]) -> ProbabilityBlock:
    needed = 1
    for variable in scope:
        needed *= cards[variable]
    numbers.whole(f"number of entries of function {number}", needed, needed)
    if numbers.at + needed > len(numbers.words):
        what = f"function {number}: wrong number of probabilities"
        numbers.refuse(what, f"{needed} are needed, {len(numbers.words) - numbers.at} are left", len(numbers.words))
    entry = ProbabilityEntry((), numbers.words[numbers.at : numbers.at + needed])
    numbers.at += needed
    *parents, own = (BifWord(f"x{variable}", line) for variable in scope)
    return ProbabilityBlock(own, tuple(parents), tables=(entry,), by_row=True)


def _write(network: DiscreteNetwork, stream: TextIO) -> list[str]:
    index = {name: i for i, name in enumerate(network.names)}
    families = [(*network.parents[name], name) for name in network.names]
    stream.write(f"BAYES\n{len(index)}\n{' '.join(str(len(network.states[name])) for name in network.names)}\n")
    stream.write(f"{len(index)}\n")
    for family in families:
        stream.write(f"{len(family)} {' '.join(str(index[name]) for name in family)}\n")
    for name in network.names:
        table = network.tables[name]
        stream.write(f"\n{table.size}\n")
        for row in table.reshape(-1, table.shape[-1]).tolist():
            stream.write(f" {digits(row)}\n")
    said = []
    if network.names != tuple(f"x{i}" for i in range(len(index))):
        named = [f"x{i} is {name}" for i, name in enumerate(network.names)]
        said.append(f"names of variables, which are numbered as they stand: {listed(named)}")
    others = [
        name
        for name in network.names
        if network.states[name] != tuple(f"s{i}" for i in range(len(network.states[name])))
    ]
    if others:
        said.append(f"names of states, which are numbered as they stand, of {listed(others)}")
    return [*said, *left_out(network, Places("UAI"))]


def read_evidence(content: bytes, path: str, network: DiscreteNetwork) -> list[Finding]:
    """Read an evidence file: how many variables are observed, then the number of each and that of its state.

    Variables are numbered as they stand in the network, whatever its format. The older form with a line for the number
    of samples is read where there is one sample.

    Raises:
        WorkspaceProblems: every mistake, with its line.

    Source: UAI 2014 Inference Competition, "Evidence Format"; UAI 2010 Approximate Inference Challenge.
    """
    numbers = _Numbers(content, path)
    most = len(network.names)
    words = len(numbers.words)
    n = numbers.noted("number of observed variables", 0, max(most, words))
    if numbers.problems:
        n = (words - 1) // 2  # whatever the number was meant to be, pairs stand behind it
    elif words != 2 * n + 1 and n == 1 and words > 1:
        n = numbers.whole("number of observed variables", 0, most)
    elif n > 1 and words > 2 * n + 1:
        if _is_several(numbers.words.texts, n) or words % 2 == 0:
            numbers.refuse("several samples, or words behind the last one", f"one sample: {n} pairs of numbers")
        pairs = (words - 1) // 2
        numbers.note("number of observed variables", f"{pairs} pairs of numbers stand behind it")
        n = pairs
    found: dict[str, Finding] = {}
    for _ in range(n):
        before = len(numbers.problems)
        name = network.names[numbers.noted("observed variable", 0, most - 1)]
        if len(numbers.problems) > before:
            numbers.word("state")
            continue
        states = network.states[name]
        state = numbers.noted(f"state of '{name}'", 0, len(states) - 1)
        if name in found:
            numbers.note(f"variable '{name}' is observed twice", "once", numbers.at - 2)
        label = f"{name}={states[state]}"
        found[name] = Finding(name, tuple(float(i == state) for i in range(len(states))), label)
    if not numbers.problems:
        numbers.end()
    numbers.stop_if_wrong()
    return list(found.values())


def _is_several(words: Sequence[str], n: int) -> bool:
    """Say whether so many samples, each with the number of its pairs before it, fill the file behind the first word."""
    at = 1
    for _ in range(n):
        if at >= len(words) or not (words[at].isascii() and words[at].isdecimal() and len(words[at]) < LONGEST):
            return False
        at += 1 + 2 * int(words[at])
    return at == len(words)


def write_evidence(network: DiscreteNetwork, findings: Sequence[Finding]) -> str:
    """Write observations as an evidence file. Raises ValueError for a finding that is no observation of a state."""
    pairs = []
    for finding in findings:
        if sorted(finding.likelihood) != [0.0] * (len(finding.likelihood) - 1) + [1.0]:
            msg = f"'{finding.label}' is no observation of one state"
            raise ValueError(msg)
        pairs.append(f"{network.names.index(finding.variable)} {finding.likelihood.index(1.0)}")
    return f"{' '.join((str(len(pairs)), *pairs))}\n"


FORMATS = (UaiFormat(),)
