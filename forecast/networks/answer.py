"""Answer a query on a network: the evidence's probability and every marginal, or who contradicts whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import fsum, isfinite, log, prod

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elimination import minimal_contradiction
from forecast.inference.engine import (
    ENUMERATED_UP_TO,
    ImpossibleEvidenceError,
    Plan,
    TooDenseNetworkError,
    bytes_of,
    free_memory,
    plan_of,
    solve_case,
)
from forecast.inference.scaled import NotFiniteError
from forecast.networks.network import DiscreteNetwork

Array = NDArray[np.float64]

CHEAP_TABLE_ENTRIES = 50_000_000  # tables up to this size are not worth looking for smaller ones


@dataclass(frozen=True)
class Factor:
    """A table over the variables `scope` (those with more than one possible state), its axes in that order.

    `about` are all variables that it was cut from.
    """

    scope: tuple[str, ...]
    entries: Array
    about: tuple[str, ...]


@dataclass(frozen=True)
class ConnectedPart:
    """Variables that tables connect, and these tables; of a network with few joint states all of them."""

    variables: tuple[str, ...]
    factors: tuple[Factor, ...]
    cards: tuple[int, ...]

    @cached_property
    def scopes(self) -> tuple[tuple[int, ...], ...]:
        """The variables of each table; variable i is `variables[i]`."""
        index = {name: i for i, name in enumerate(self.variables)}
        return tuple([tuple([index[name] for name in factor.scope]) for factor in self.factors])

    @cached_property
    def plan(self) -> Plan:
        """An elimination plan of the part."""
        return plan_of(self.cards, self.scopes)

    @property
    def is_cheap(self) -> bool:
        """Whether its tables are not worth looking for smaller ones."""
        return prod(self.cards) <= CHEAP_TABLE_ENTRIES or self.plan.largest_table <= CHEAP_TABLE_ENTRIES

    @property
    def arrays(self) -> list[Array]:
        """The tables of the factors."""
        return [factor.entries for factor in self.factors]


class CutNetwork:
    """A network given evidence. `possible[v]` are the states of v that no likelihood excludes."""

    def __init__(self, network: DiscreteNetwork, likelihoods: Mapping[str, Sequence[Array]]) -> None:
        """Cut the states; `likelihoods[v]` is what is known about v, P(each finding | state) over its states."""
        self.network = network
        self.evidence = tuple(likelihoods)
        self.possible: Mapping[str, NDArray[np.intp]] = {
            name: np.flatnonzero(
                likelihoods[name][0] if len(likelihoods[name]) == 1 else np.all(likelihoods[name], axis=0)
            )
            if name in likelihoods
            else np.arange(len(network.states[name]))
            for name in network.names
        }
        self._narrowed = {name for name, left in self.possible.items() if left.size in (1, 0)} | {*likelihoods}
        # Where one state is left it is taken, where all are, all: a view, which most tables need no more than.
        self._taken: dict[str, int | slice] = {
            name: int(left[0]) if left.size == 1 else slice(None)
            for name, left in self.possible.items()
            if left.size in (1, len(network.states[name]))
        }
        self._likelihoods = {
            name: [self._cut((name,), likelihood) for likelihood in of_name] for name, of_name in likelihoods.items()
        }
        self._tables: dict[str, Factor] = {}

    def _cut(self, about: tuple[str, ...], entries: Array) -> Factor:
        if self._narrowed.isdisjoint(about):
            return Factor(about, entries, about)
        taken = [self._taken.get(name) for name in about]
        if None not in taken:
            scope = tuple([name for name, at in zip(about, taken, strict=True) if isinstance(at, slice)])
            return Factor(scope, np.asarray(entries[tuple(taken)]), about)
        left = entries[np.ix_(*(self.possible[name] for name in about))]
        scope = tuple(name for name in about if self.possible[name].size != 1)
        return Factor(scope, left.reshape([self.possible[name].size for name in scope]), about)

    def _table(self, name: str) -> Factor:
        if name not in self._tables:
            self._tables[name] = self._cut((*self.network.parents[name], name), self.network.tables[name])
        return self._tables[name]

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """Return variables with all their ancestors."""
        found: set[str] = set()
        waiting = [*names]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.network.parents[name]
        return found

    def parts(self, asked: Iterable[str]) -> tuple[list[ConnectedPart], list[Factor]]:
        """Return what the evidence and the variables asked for hang on: its separate parts, and single numbers."""
        needed = self.ancestors([*asked, *self.evidence])
        named = [name for name in self.network.names if name in needed]
        return self._apart([f for name in named for f in (self._table(name), *self._likelihoods.get(name, ()))])

    def supports(self) -> tuple[list[ConnectedPart], list[Factor]]:
        """Return the same for the evidence alone with 1 for every number that is not 0: enough to tell if it can be.

        Likelihoods need no table: what they exclude is cut out of the others.
        """
        needed = self.ancestors(self.evidence)
        tables = [self._table(name) for name in self.network.names if name in needed]
        return self._apart([replace(one, entries=np.sign(one.entries)) for one in tables])

    def _apart(self, factors: Sequence[Factor]) -> tuple[list[ConnectedPart], list[Factor]]:
        numbers = [factor for factor in factors if not factor.scope]
        inside = {name for factor in factors for name in factor.scope}
        order = [name for name in self.network.names if name in inside]
        # A table of all joint states is summed sooner than its parts are told apart.
        if order and prod([self.possible[name].size for name in order]) <= ENUMERATED_UP_TO:
            return [self._part(order, [factor for factor in factors if factor.scope])], numbers
        group: dict[str, list[str]] = {}  # of each variable all those it is connected with, itself included
        for factor in factors:
            joined = max((group.setdefault(name, [name]) for name in factor.scope), key=len, default=[])
            for name in factor.scope:
                if group[name] is not joined:
                    joined += (others := group[name])
                    group.update(dict.fromkeys(others, joined))
        of_parts: dict[int, tuple[list[str], list[Factor]]] = {}
        for name in order:
            of_parts.setdefault(id(group[name]), ([], []))[0].append(name)
        for factor in factors:
            if factor.scope:
                of_parts[id(group[factor.scope[0]])][1].append(factor)
        return [self._part(*of_part) for of_part in of_parts.values()], numbers

    def _part(self, variables: Sequence[str], factors: Sequence[Factor]) -> ConnectedPart:
        return ConnectedPart(tuple(variables), tuple(factors), tuple([self.possible[name].size for name in variables]))


Progress = Callable[[str], None]


@dataclass(frozen=True)
class Finding:
    """What is known about one variable: P(finding | state), up to a factor, in the order of its states.

    An observation is 1 for the observed state and 0 for the others; anything else is virtual evidence (Pearl 1988,
    section 2.2.2). `label` is how the user wrote it.
    """

    variable: str
    likelihood: tuple[float, ...]
    label: str


@dataclass(frozen=True)
class Answer:
    """`log_evidence` is the natural log of P(findings); `marginals[v]` sums to one over the states of v.

    A marginal is zero only for a state that is impossible: below every double it is the smallest one.
    """

    log_evidence: float
    marginals: Mapping[str, Array]


class ContradictingFindingsError(ValueError):
    """Findings that have probability zero together; leaving out any one of `findings` makes the rest possible."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(", ".join(finding.label for finding in findings))


class _ImpossibleError(Exception):
    """What is known about `variables` alone has probability zero."""

    def __init__(self, variables: set[str]) -> None:
        self.variables = variables
        super().__init__(f"impossible: {variables}")


def answer(
    network: DiscreteNetwork,
    findings: Sequence[Finding],
    progress: Progress = lambda _: None,
    memory: int | None = None,
    tell: Progress = lambda _: None,
) -> Answer:
    """Compute log P(findings) and the marginals of every variable, observed ones included.

    `progress` is told what is being done where findings contradict each other: naming them may take long. `memory` are
    the bytes that tables may take; None: a share of what is free. `tell` is told how long the answer will take, before
    any work, if that is more than a few seconds.

    Raises:
        ValueError: a likelihood has another number of states, a negative number, an infinity or NaN.
        ContradictingFindingsError: the findings have probability zero; names a minimal part of them that does.
        TooDenseNetworkError: exact inference needs more memory; nothing was computed.
    """
    given = _given(network, findings)
    try:
        return _answer(given, memory, tell)
    except _ImpossibleError as impossible:
        about = [finding for finding in findings if finding.variable in impossible.variables]
        raise ContradictingFindingsError(_contradiction(network, about, progress, memory)) from None


def _given(network: DiscreteNetwork, findings: Sequence[Finding]) -> CutNetwork:
    likelihoods: dict[str, list[Array]] = {}
    for finding in findings:
        likelihood = np.array(finding.likelihood)
        if likelihood.shape != (len(network.states[finding.variable]),) or not _are_weights(likelihood):
            msg = f"'{finding.label}' is no likelihood of '{finding.variable}': {finding.likelihood}"
            raise ValueError(msg)
        likelihoods.setdefault(finding.variable, []).append(likelihood)
    return CutNetwork(network, likelihoods)


def _are_weights(likelihood: Array) -> bool:
    return bool(((likelihood >= 0.0) & (likelihood < np.inf)).all())


def _answer(given: CutNetwork, memory: int | None, tell: Progress) -> Answer:
    _has_possible_states(given)
    names = given.network.names
    parts, numbers = given.parts(names)
    log_masses = [_log(number) for number in numbers]
    found: dict[str, Array] = {}
    for part in parts:
        if part.is_cheap:
            log_masses.append(_solve(part, memory, tell, found))
        else:
            log_masses += _solve_in_pieces(given, part, memory, tell, found)
    marginals = {name: _all_states(given, name, found) for name in names}
    total = fsum(log_masses)
    if not isfinite(total) or not np.isfinite(np.concatenate([*marginals.values()])).all():
        wrong = [name for name in names if not np.isfinite(marginals[name]).all()]
        msg = f"the posterior of '{wrong[0]}' is not a number" if wrong else f"the log evidence is {total}"
        raise NotFiniteError(msg)
    return Answer(total, marginals)


def _has_possible_states(given: CutNetwork) -> None:
    for name in given.evidence:
        if not given.possible[name].size:
            raise _ImpossibleError({name})


def _log(number: Factor) -> float:
    """Take the log of a table whose variables are all observed."""
    if not number.entries:
        raise _ImpossibleError({*number.about})
    return log(number.entries)


def _solve(part: ConnectedPart, memory: int | None, tell: Progress, found: dict[str, Array]) -> float:
    """Add the marginals of a part to those found; return the log of its mass."""
    try:
        case = solve_case(part.cards, part.scopes, part.arrays, memory, tell)
    except ImpossibleEvidenceError as impossible:
        raise _about(part, impossible) from None
    found.update(zip(part.variables, case.marginals, strict=True))
    return case.log_evidence


def _about(part: ConnectedPart, impossible: ImpossibleEvidenceError) -> _ImpossibleError:
    return _ImpossibleError({name for place in impossible.factors for name in part.factors[place].about})


def _solve_in_pieces(
    given: CutNetwork, whole: ConnectedPart, memory: int | None, tell: Progress, found: dict[str, Array]
) -> Iterator[float]:
    """Solve a part with large tables: first what the evidence hangs on, then the other variables in groups.

    A group needs its own ancestors and those of the evidence only. Groups are halved as long as that is less work, or
    as long as a table is too large. Yields the logs of the masses of the evidence.
    """
    inside = {*whole.variables}
    for part in given.parts(())[0]:
        if part.variables[0] in inside:
            yield _solve(part, memory, tell, found)
    waiting = _connected(given, [name for name in whole.variables if name not in found])
    while waiting:
        part, wanted = waiting.pop()
        if not part.is_cheap and len(wanted) > 1:
            half = len(wanted) // 2
            halves = _connected(given, wanted[:half]) + _connected(given, wanted[half:])
            work = sum(one.plan.work for one, _ in halves)
            if work < part.plan.work or bytes_of(part.plan) > (free_memory() if memory is None else memory):
                waiting += halves
                continue
        _solve(part, memory, tell, found)


def _connected(given: CutNetwork, wanted: Sequence[str]) -> list[tuple[ConnectedPart, list[str]]]:
    """Return the parts of a network in which variables that are wanted lie, each with these."""
    of_parts = [(part, {*part.variables}) for part in given.parts(wanted)[0]]
    inside = [(part, [name for name in wanted if name in variables]) for part, variables in of_parts]
    return [(part, names) for part, names in inside if names]


def _all_states(given: CutNetwork, name: str, found: Mapping[str, Array]) -> Array:
    """Put zeros where the findings exclude a state; a variable with one state left has it for certain."""
    if name in found and found[name].size == len(given.network.states[name]):
        return found[name]
    marginal = np.zeros(len(given.network.states[name]))
    marginal[given.possible[name]] = found.get(name, 1.0)
    return marginal


def _contradiction(
    network: DiscreteNetwork, findings: Sequence[Finding], progress: Progress, memory: int | None
) -> list[Finding]:
    """Find a part of the findings that is impossible; it is minimal unless to tell needs too large a table."""
    checks = 0

    def is_possible(some: Sequence[Finding]) -> bool:
        nonlocal checks
        checks += 1
        progress(f"which of {len(findings)} findings contradict each other: check {checks}")
        try:
            _check(_given(network, some), memory)
        except _ImpossibleError:
            return False
        except TooDenseNetworkError:
            return True
        return True

    return minimal_contradiction(findings, is_possible)


def _check(given: CutNetwork, memory: int | None) -> None:
    """Raise _ImpossibleError if the evidence has probability zero."""
    _has_possible_states(given)
    parts, numbers = given.supports()
    for number in numbers:
        _log(number)
    for part in parts:
        try:
            solve_case(part.cards, part.scopes, part.arrays, memory)
        except ImpossibleEvidenceError as impossible:
            raise _about(part, impossible) from None
