"""Answer a query on a network: the evidence's probability and every marginal, or who contradicts whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, isfinite, log

import numpy as np
from numpy.typing import NDArray

from forecast.inference.batch import ImpossibleEvidenceError, log_evidence, solve
from forecast.inference.contradiction import minimal_contradiction
from forecast.inference.scaled import NotFiniteError
from forecast.networks.cut import CutNetwork, Factor, Part
from forecast.networks.discrete import DiscreteNetwork

Array = NDArray[np.float64]
Progress = Callable[[str], None]

MAX_TABLE_ENTRIES = 100_000_000  # of a product on the way: 800 MB
CHEAP_TABLE_ENTRIES = 1_000_000  # tables up to this size are not worth looking for smaller ones


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


class ContradictionError(ValueError):
    """Findings that have probability zero together; leaving out any one of `findings` makes the rest possible."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(", ".join(finding.label for finding in findings))


class TooDenseError(ValueError):
    """Exact inference would need a table of `entries` numbers."""

    def __init__(self, entries: int) -> None:
        self.entries = entries
        super().__init__(f"exact inference needs a table of {entries:,} numbers; the limit is {MAX_TABLE_ENTRIES:,}")


class _ImpossibleError(Exception):
    """What is known about `variables` alone has probability zero."""

    def __init__(self, variables: set[str]) -> None:
        self.variables = variables
        super().__init__(f"impossible: {variables}")


def answer(network: DiscreteNetwork, findings: Sequence[Finding], progress: Progress = lambda _: None) -> Answer:
    """Compute log P(findings) and the marginals of every variable, observed ones included.

    `progress` is told what is being done where findings contradict each other: naming them may take long.

    Raises:
        ValueError: a likelihood has another number of states, a negative number, an infinity or NaN.
        ContradictionError: the findings have probability zero; names a minimal part of them that does.
        TooDenseError: the network is too densely connected for exact inference.
    """
    given = _given(network, findings)
    try:
        return _answer(given)
    except _ImpossibleError as impossible:
        about = [finding for finding in findings if finding.variable in impossible.variables]
        raise ContradictionError(_contradiction(network, about, progress)) from None


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


def _answer(given: CutNetwork) -> Answer:
    _has_possible_states(given)
    names = given.network.names
    parts, numbers = given.parts(names)
    log_masses = [_log(number) for number in numbers]
    found: dict[str, Array] = {}
    for part in parts:
        if part.plan.largest_table <= CHEAP_TABLE_ENTRIES:
            log_masses.append(_solve(part, found))
        else:
            log_masses += _solve_in_pieces(given, part, found)
    marginals = {name: _all_states(given, name, found) for name in names}
    total = fsum(log_masses)
    wrong = [name for name in names if not np.isfinite(marginals[name]).all()]
    if wrong or not isfinite(total):
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


def _solve(part: Part, found: dict[str, Array]) -> float:
    """Add the marginals of a part to those found; return the log of its mass."""
    _fits(part)
    try:
        solution = solve(part.plan, part.arrays)
    except ImpossibleEvidenceError as impossible:
        raise _about(part, impossible) from None
    found.update({name: solution.marginals[v][:, 0, 0] for v, name in enumerate(part.variables)})
    return float(solution.log_evidence[0])


def _about(part: Part, impossible: ImpossibleEvidenceError) -> _ImpossibleError:
    return _ImpossibleError({name for place in impossible.factors for name in part.factors[place].about})


def _fits(part: Part) -> None:
    if part.plan.largest_table > MAX_TABLE_ENTRIES:
        raise TooDenseError(part.plan.largest_table)


def _solve_in_pieces(given: CutNetwork, whole: Part, found: dict[str, Array]) -> Iterator[float]:
    """Solve a part with large tables: first what the evidence hangs on, then the other variables in groups.

    A group needs its own ancestors and those of the evidence only. Groups are halved as long as that is less work, or
    as long as a table is too large. Yields the logs of the masses of the evidence.
    """
    inside = {*whole.variables}
    for part in given.parts(())[0]:
        if part.variables[0] in inside:
            yield _solve(part, found)
    waiting = _connected(given, [name for name in whole.variables if name not in found])
    while waiting:
        part, wanted = waiting.pop()
        if part.plan.largest_table > CHEAP_TABLE_ENTRIES and len(wanted) > 1:
            half = len(wanted) // 2
            halves = _connected(given, wanted[:half]) + _connected(given, wanted[half:])
            work = sum(one.plan.work for one, _ in halves)
            if work < part.plan.work or part.plan.largest_table > MAX_TABLE_ENTRIES:
                waiting += halves
                continue
        _solve(part, found)


def _connected(given: CutNetwork, wanted: Sequence[str]) -> list[tuple[Part, list[str]]]:
    """Return the parts of a network in which variables that are wanted lie, each with these."""
    of_parts = [(part, {*part.variables}) for part in given.parts(wanted)[0]]
    inside = [(part, [name for name in wanted if name in variables]) for part, variables in of_parts]
    return [(part, names) for part, names in inside if names]


def _all_states(given: CutNetwork, name: str, found: Mapping[str, Array]) -> Array:
    """Put zeros where the findings exclude a state; a variable with one state left has it for certain."""
    marginal = np.zeros(len(given.network.states[name]))
    marginal[given.possible[name]] = found.get(name, 1.0)
    return marginal


def _contradiction(network: DiscreteNetwork, findings: Sequence[Finding], progress: Progress) -> list[Finding]:
    """Find a part of the findings that is impossible; it is minimal unless to tell needs too large a table."""
    checks = 0

    def is_possible(some: Sequence[Finding]) -> bool:
        nonlocal checks
        checks += 1
        progress(f"which of {len(findings)} findings contradict each other: check {checks}")
        try:
            _check(_given(network, some))
        except _ImpossibleError:
            return False
        except TooDenseError:
            return True
        return True

    return minimal_contradiction(findings, is_possible)


def _check(given: CutNetwork) -> None:
    """Raise _ImpossibleError if the evidence has probability zero: the inward pass alone."""
    _has_possible_states(given)
    parts, numbers = given.supports()
    for number in numbers:
        _log(number)
    for part in parts:
        _fits(part)
        try:
            log_evidence(part.plan, part.arrays)
        except ImpossibleEvidenceError as impossible:
            raise _about(part, impossible) from None
