"""Answer a query on a network: the evidence's probability and every marginal, or who contradicts whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.inference.batch import ImpossibleEvidenceError, log_evidence, solve
from forecast.inference.elimination import Plan, plan
from forecast.networks.discrete import DiscreteNetwork

MAX_TABLE_ENTRIES = 100_000_000  # of a product on the way: 800 MB


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
    """`log_evidence` is the natural log of P(findings); `marginals[v]` sums to one over the states of v."""

    log_evidence: float
    marginals: Mapping[str, NDArray[np.float64]]


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


def answer(network: DiscreteNetwork, findings: Sequence[Finding]) -> Answer:
    """Compute log P(findings) and the marginals of every variable, observed ones included.

    Raises:
        ContradictionError: the findings have probability zero; names a smallest part of them that does.
        TooDenseError: the network is too densely connected for exact inference.
    """
    program = _program(network, findings)
    if program.largest_table > MAX_TABLE_ENTRIES:
        raise TooDenseError(program.largest_table)
    try:
        solution = solve(program, _factors(network, findings))
    except ImpossibleEvidenceError:
        raise ContradictionError(_contradiction(network, findings)) from None
    marginals = {name: solution.marginals[v][:, 0, 0] for v, name in enumerate(network.names)}
    return Answer(float(solution.log_evidence[0]), marginals)


def _program(network: DiscreteNetwork, findings: Sequence[Finding]) -> Plan:
    index = {name: v for v, name in enumerate(network.names)}
    families = [tuple(index[v] for v in (*network.parents[name], name)) for name in network.names]
    found = [(index[finding.variable],) for finding in findings]
    return plan([len(network.states[name]) for name in network.names], [*families, *found])


def _factors(network: DiscreteNetwork, findings: Sequence[Finding]) -> list[NDArray[np.float64]]:
    tables = [network.tables[name] for name in network.names]
    likelihoods = [np.array(finding.likelihood) for finding in findings]
    return [factor[..., np.newaxis] for factor in (*tables, *likelihoods)]  # one draw


def _contradiction(network: DiscreteNetwork, findings: Sequence[Finding]) -> list[Finding]:
    """Leave out each finding in turn; it stays out when the others are still impossible."""
    left = list(findings)
    for finding in findings:
        others = [other for other in left if other is not finding]
        try:
            log_evidence(_program(network, others), _factors(network, others))
        except ImpossibleEvidenceError:
            left = others
    return left
