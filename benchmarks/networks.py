"""Single cases of classic networks: log evidence and all marginals, against pyAgrum with one thread.

    python benchmarks/networks.py [FOLDER]

FOLDER holds BIF files, as `benchmarks.classics` writes them; without it the small ones of the tests are asked. Of each
network two cases: nothing observed, and every fifth variable, drawn from the network itself. *First* is a question
whose shape was never asked before: pyAgrum makes its inference anew, and so do we. *Next* is the same question again,
for which our plan is kept; pyAgrum is given the same time as before. Processor time; ratios of medians. pyAgrum needs
minutes and 13 GB for link, and minutes for munin1.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import exp, fsum, log
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyagrum
from numpy.typing import NDArray

from benchmarks.measured import ROOT, median, table
from forecast.inference.engine import plan_of
from forecast.networks.answer import Finding, answer
from forecast.networks.formats import read_network
from forecast.networks.network import DiscreteNetwork

Array = NDArray[np.float64]

ROUNDS = 7
SECONDS = 4.0  # a side that has taken longer is not run again


def for_pyagrum(network: DiscreteNetwork) -> Any:
    """Return the same network, with the same tables, as pyAgrum holds it."""
    other = pyagrum.BayesNet()
    for name in network.names:
        other.add(pyagrum.LabelizedVariable(name, "", list(network.states[name])))
    for name in network.names:
        for parent in network.parents[name]:
            other.addArc(parent, name)
    for name in network.names:
        family = (*network.parents[name], name)
        axes = [family.index(axis) for axis in other.cpt(name).names[::-1]]
        other.cpt(name)[:] = np.ascontiguousarray(network.tables[name].transpose(axes))
    return other


def drawn(network: DiscreteNetwork, rng: np.random.Generator) -> dict[str, int]:
    """Draw a state of every variable."""
    states: dict[str, int] = {}
    waiting = list(network.names)
    while waiting:
        name = next(name for name in waiting if all(parent in states for parent in network.parents[name]))
        waiting.remove(name)
        row = network.tables[name][tuple(states[parent] for parent in network.parents[name])]
        states[name] = int(rng.choice(row.size, p=row))
    return states


def by_pyagrum(other: Any, observed: Mapping[str, int], names: tuple[str, ...]) -> tuple[float, list[Array]]:
    """Ask pyAgrum."""
    inference = pyagrum.LazyPropagation(other)
    inference.setNumberOfThreads(1)
    for name, state in observed.items():
        inference.addEvidence(name, state)
    inference.makeInference()
    log_evidence = log(inference.evidenceProbability()) if observed else 0.0
    return log_evidence, [inference.posterior(name).toarray() for name in names]


def timed(asked: Callable[[], object]) -> float:
    """Return processor seconds."""
    start = time.process_time()
    asked()
    return time.process_time() - start


class Measured(NamedTuple):
    """Processor seconds for one case of a network: pyAgrum's, ours for a first question, ours for the next."""

    network: str
    observed: int
    pyagrum: float
    first: float
    next: float

    @property
    def ratios(self) -> tuple[float, float]:
        """How many times faster a first and a next question are."""
        return self.pyagrum / self.first, self.pyagrum / self.next


def geometric_mean(ratios: Sequence[float]) -> float:
    """Return the geometric mean."""
    return exp(fsum(map(log, ratios)) / len(ratios))


def none(_names: Sequence[str]) -> Sequence[str]:
    """Nothing is observed."""
    return ()


def every_fifth(names: Sequence[str]) -> Sequence[str]:
    """Every fifth variable is."""
    return names[2::5]


def all_but_the_last(names: Sequence[str]) -> Sequence[str]:
    """All are but one."""
    return names[:-1]


def fan(children: int) -> DiscreteNetwork:
    """Return a network of one cause with many children, all of two states."""
    rng = np.random.default_rng(children)
    names = ("cause", *(f"c{number}" for number in range(children)))
    parents = {name: () if name == "cause" else ("cause",) for name in names}
    tables = {name: rng.dirichlet(np.ones(2), size=[2] * len(parents[name])) for name in names}
    return DiscreteNetwork(names, dict.fromkeys(names, ("no", "yes")), parents, tables, ())


def findings_of(network: DiscreteNetwork, observed: Sequence[str]) -> tuple[dict[str, int], list[Finding]]:
    """Draw the states of the observed variables; return them by name, and as what is found."""
    states = drawn(network, np.random.default_rng(1))
    found = {name: states[name] for name in observed}
    return found, [
        Finding(name, tuple(float(i == state) for i in range(len(network.states[name]))), name)
        for name, state in found.items()
    ]


def first_question(network: DiscreteNetwork, findings: Sequence[Finding]) -> None:
    """Ask as if nothing of this shape was asked before."""
    plan_of.cache_clear()
    answer(network, findings)


Observed = Callable[[Sequence[str]], Sequence[str]]


def measure(paths: Iterable[Path], cases: Sequence[Observed] = (none, every_fifth)) -> Iterator[Measured]:
    """Alternate the sides on every BIF file, smallest first, and check that they agree."""
    for path in sorted(paths, key=lambda path: path.stat().st_size):
        network = read_network(path)
        other = for_pyagrum(network)
        for case in cases:
            observed, findings = findings_of(network, case(network.names))
            found = answer(network, findings)
            start = time.process_time()
            log_evidence, marginals = by_pyagrum(other, observed, network.names)
            taken = time.process_time() - start
            assert abs(log_evidence - found.log_evidence) < 1e-9
            for name, marginal in zip(network.names, marginals, strict=True):
                np.testing.assert_allclose(found.marginals[name], marginal, rtol=0, atol=1e-9)
            del marginals
            # The run that was checked is a warm one less; it counts where another would take minutes.
            sides: list[list[float]] = [[taken] if taken > SECONDS else [], [], []]
            for _ in range(ROUNDS):
                asked: list[Callable[[], object]] = [
                    partial(by_pyagrum, other, observed, network.names),
                    partial(first_question, network, findings),
                    partial(answer, network, findings),
                ]
                for side, ask in zip(sides, asked, strict=True):
                    side.append(timed(ask) if sum(side) < SECONDS else median(side))
            yield Measured(path.stem, len(observed), *map(median, sides))


def main() -> None:
    """Print the ratios."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests" / "networks" / "data"
    rows: list[tuple[str, ...]] = [("network", "observed", "pyAgrum, ms", "first, ms", "next, ms", "first", "next")]
    measured = list(measure(folder.glob("*.bif")))
    for one in measured:
        times = [f"{1e3 * seconds:.2f}" for seconds in (one.pyagrum, one.first, one.next)]
        rows.append((one.network, str(one.observed), *times, *(f"{ratio:.2f}" for ratio in one.ratios)))
    means = [geometric_mean([one.ratios[side] for one in measured]) for side in (0, 1)]
    rows.append(("geometric mean", "", "", "", "", *(f"{mean:.2f}" for mean in means)))
    table(rows)


if __name__ == "__main__":
    main()
