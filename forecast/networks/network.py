"""A discrete Bayesian network, built of the blocks of a file and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from math import prod

import numpy as np
from numpy.typing import NDArray

from forecast.networks.tables import MAX_ENTRIES as MAX_TABLE
from forecast.networks.tables import BifWord, Blocks, CheckedTable, ProbabilityBlock, VariableBlock, read_table
from forecast.workspace.problems import Problem, Source, WorkspaceProblems, nearest


@dataclass(frozen=True)
class DiscreteNetwork:
    """Variables with named states, and one conditional probability table each.

    `names` are the variables in file order; `tables[v]` has one axis for each of `parents[v]`, in that order, and
    last one for the states of v; every row (last axis) sums to one. `warnings` tell what the reader had to mend.
    """

    names: tuple[str, ...]
    states: Mapping[str, tuple[str, ...]]
    parents: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, NDArray[np.float64]]
    warnings: tuple[Problem, ...]


MAX_CYCLES = 10  # named; a dense graph has more than anybody can count
MAX_ENTRIES = 8_000_000  # of all tables together: 64 MB


def build(blocks: Blocks, path: str) -> DiscreteNetwork:
    """Check the blocks of one file and make the network.

    Raises:
        WorkspaceProblems: every mistake in every block.
    """
    problems: list[Problem] = []
    states = _states(blocks.variables, path, problems)
    owners = _owners(blocks, states, path, problems)
    parents = {name: _parents(block, states, path, problems) for name, block in owners.items()}
    problems += _cycles({name: known for name, known in parents.items() if known is not None}, owners, path)
    tables: dict[str, CheckedTable] = {}
    entries = 0
    for name, block in owners.items():
        known = parents[name]
        if known is not None and name not in known and all(states[v] for v in (*known, name)):
            size = prod(len(states[v]) for v in (*known, name))
            entries += size if size <= MAX_TABLE else 0
            if entries > MAX_ENTRIES:
                what, got = f"variable '{name}': the tables up to here are too large", f"{entries} entries"
                problems.append(
                    Problem(Source(path, block.name.line), what, got, f"at most {MAX_ENTRIES} in a network")
                )
                break
            tables[name] = read_table(block, {v: states[v] for v in (*known, name)}, path)
            problems += tables[name].problems
    if problems:
        raise WorkspaceProblems(problems)
    return DiscreteNetwork(
        names=tuple(states),
        states=states,
        parents={name: parents[name] or () for name in states},
        tables={name: tables[name].rows for name in states},
        warnings=tuple(warning for name in states for warning in tables[name].warnings),
    )


def _states(variables: Iterable[VariableBlock], path: str, problems: list[Problem]) -> dict[str, tuple[str, ...]]:
    """Return the states of every variable; none for one whose states cannot be read, so that its name is known."""
    states: dict[str, tuple[str, ...]] = {}
    lines: dict[str, int] = {}
    for variable in variables:
        name, line = variable.name
        if name in states:
            problems.append(
                Problem(
                    Source(path, line), f"variable '{name}' is declared twice", allowed=f"first on line {lines[name]}"
                )
            )
            continue
        lines[name] = line
        states[name] = ()
        if len(variable.states) != 1:
            got = f"{len(variable.states)} 'type' statements"
            problems.append(Problem(Source(path, line), f"variable '{name}'", got, "one 'type discrete [n] {...};'"))
            continue
        (listed,) = variable.states
        repeated = _repeated(listed)
        problems += [
            Problem(Source(path, word.line), f"variable '{name}': state '{word.text}' twice") for word in repeated
        ]
        problems += [
            Problem(
                Source(path, size.line),
                f"variable '{name}': wrong number of states",
                size.text,
                f"{len(listed)} are listed",
            )
            for size in variable.sizes
            if size.text != str(len(listed))
        ]
        if not repeated:
            states[name] = tuple(word.text for word in listed)
    if not states:
        problems.append(Problem(Source(path, 1), "no variable", allowed="a network has at least one 'variable' block"))
    return states


def _owners(
    blocks: Blocks, states: Mapping[str, tuple[str, ...]], path: str, problems: list[Problem]
) -> dict[str, ProbabilityBlock]:
    """Return the `probability` block of each variable."""
    owners: dict[str, ProbabilityBlock] = {}
    for block in blocks.probabilities:
        name, line = block.name
        if name not in states:
            problems.append(_unknown("variable", block.name, tuple(states), path, "probability block"))
        elif name in owners:
            first = owners[name].name.line
            what = f"variable '{name}' has a second probability block"
            problems.append(Problem(Source(path, line), what, allowed=f"first on line {first}"))
        else:
            owners[name] = block
    for variable in blocks.variables:
        name, line = variable.name
        if name not in owners:
            problems.append(Problem(Source(path, line), f"variable '{name}' has no probability block"))
    return owners


def _parents(
    block: ProbabilityBlock, states: Mapping[str, tuple[str, ...]], path: str, problems: list[Problem]
) -> tuple[str, ...] | None:
    """Return the parents' names, or None when some of them are mistaken."""
    name = block.name.text
    unknown = [word for word in block.parents if word.text not in states]
    repeated = _repeated(block.parents)
    problems += [_unknown("parent", word, tuple(states), path, f"variable '{name}'") for word in unknown]
    problems += [
        Problem(Source(path, word.line), f"variable '{name}': parent '{word.text}' twice") for word in repeated
    ]
    return None if unknown or repeated else tuple(word.text for word in block.parents)


def _unknown(kind: str, word: BifWord, known: tuple[str, ...], path: str, where: str) -> Problem:
    allowed = f"no 'variable' block declares it{nearest(word.text, known)}"
    return Problem(Source(path, word.line), f"{where}: unknown {kind}", f"'{word.text}'", allowed)


def _repeated(words: Iterable[BifWord]) -> list[BifWord]:
    seen: set[str] = set()
    repeated = []
    for word in words:
        if word.text in seen:
            repeated.append(word)
        seen.add(word.text)
    return repeated


def _cycles(parents: Mapping[str, tuple[str, ...]], owners: Mapping[str, ProbabilityBlock], path: str) -> list[Problem]:
    """Name one cycle after the other, cutting each at its first variable; at most MAX_CYCLES."""
    left = {name: tuple(known) for name, known in parents.items()}
    problems: list[Problem] = []
    while len(problems) < MAX_CYCLES:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as found:
            cycle: list[str] = found.args[1]
            problems.append(Problem(Source(path, owners[cycle[0]].name.line), "a cycle of parents", " -> ".join(cycle)))
            left[cycle[1]] = tuple(parent for parent in left[cycle[1]] if parent != cycle[0])
        else:
            break
    return problems
