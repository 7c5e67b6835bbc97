"""Exact inference on every draw: our two executors against a loop over pyAgrum. 1500 times faster is asked.

20 events of up to 3 states with up to 3 parents, 4000 draws; log evidence and all marginals. The compiled circuit is
what a question gets whose predicted work pays for importing numba, and arrays of numpy what all others get; both in
blocks of draws on all cores. pyAgrum (lazy propagation, one thread) runs over a part of the draws and is scaled up.
Its tables are filled anew for each draw and its evidence is set once; filling them from arrays that stand ready,
inference and reading the results are timed. The last line holds the circuit against one pass over the tables' memory.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import pyagrum
from numpy.typing import NDArray

from benchmarks.measured import median, table
from forecast.inference import batch, blocks
from forecast.inference.batch import Solution
from forecast.inference.elimination import plan
from forecast.inference.engine import ENGINE

Array = NDArray[np.float64]

EVENTS, DRAWS, LOOPED, ROUNDS = 20, 4000, 200, 5
MOST_STATES, MOST_PARENTS, OBSERVED = 3, 3, 8
LIMIT = 1500.0


def network(rng: np.random.Generator) -> tuple[list[int], list[tuple[int, ...]], list[Array]]:
    """Return states, families (parents, then the event) and CPTs (states of the family, draws)."""
    cards = [int(rng.integers(2, MOST_STATES + 1)) for _ in range(EVENTS)]
    families, tables = [], []
    for v in range(EVENTS):
        n_parents = min(v, int(rng.integers(1, MOST_PARENTS + 1)))
        near = np.arange(max(0, v - 6), v)  # parents are recent events, as in a story
        parents = sorted(rng.choice(near, size=min(n_parents, near.size), replace=False).tolist())
        families.append((*parents, v))
        weights = rng.dirichlet(np.ones(cards[v]), size=(*(cards[p] for p in parents), DRAWS))
        tables.append(np.ascontiguousarray(np.moveaxis(weights, -2, -1)))
    return cards, families, tables


def looped(cards: list[int], families: list[tuple[int, ...]], likelihoods: dict[int, Array]) -> tuple[Any, Any]:
    """Build the pyAgrum network and its inference with the evidence set."""
    net = pyagrum.BayesNet()
    for v, card in enumerate(cards):
        net.add(pyagrum.LabelizedVariable(f"v{v}", "", card))
    for *parents, v in families:
        for p in parents:
            net.addArc(p, v)
    engine = pyagrum.LazyPropagation(net)
    engine.setNumberOfThreads(1)
    for v, vector in likelihoods.items():
        engine.addEvidence(f"v{v}", vector.tolist())
    return net, engine


def for_pyagrum(net: Any, family: tuple[int, ...], table: Array) -> list[Array]:
    """Return the CPT of each of the looped draws with its axes in pyAgrum's order."""
    names = net.cpt(family[-1]).names[::-1]
    places = [names.index(f"v{v}") for v in family]
    return [np.ascontiguousarray(np.moveaxis(table[..., d], range(len(places)), places)) for d in range(LOOPED)]


def main() -> None:
    """Print the ratios of the medians."""
    found = measure()
    circuit, arrays, theirs, one_pass = map(median, found)
    table(
        [
            (f"{DRAWS} draws of {EVENTS} events", "seconds", "times faster"),
            (f"pyAgrum {version('pyagrum')}, {LOOPED} draws scaled", f"{theirs:.2f}", ""),
            ("arrays, in blocks", f"{arrays:.4f}", f"{theirs / arrays:.0f}"),
            (f"compiled circuit (at least {LIMIT:g})", f"{circuit:.4f}", f"{theirs / circuit:.0f}"),
            ("one pass over the tables", f"{one_pass:.4f}", f"{one_pass / circuit:.2f}"),
        ]
    )


class Measured(NamedTuple):
    """Seconds on the clock, of each round."""

    circuit: list[float]
    arrays: list[float]
    pyagrum: list[float]
    one_pass: list[float]


def measure() -> Measured:
    """Alternate the sides, and check that they agree."""
    rng = np.random.default_rng(20)
    cards, families, tables = network(rng)
    observed = sorted(rng.choice(EVENTS, OBSERVED, replace=False).tolist())
    likelihoods = {v: rng.uniform(0.1, 1.0, cards[v]) for v in observed}
    order = plan(cards, [*families, *((v,) for v in observed)])
    factors = [*tables, *(likelihoods[v][:, np.newaxis] for v in observed)]
    net, engine = looped(cards, families, likelihoods)
    filled = [for_pyagrum(net, family, tables[family[-1]]) for family in families]
    ours, arrays, theirs, passes = [], [], [], []
    answers = np.zeros((LOOPED, 1 + sum(cards)))

    def by_circuit(*of_block: Array) -> Solution:
        found = blocks.solve(order, [*of_block, *factors[len(tables) :]])
        assert found is not None
        return found

    def by_arrays(*of_block: Array) -> Solution:
        return batch.solve(order, [*of_block, *factors[len(tables) :]])

    solutions = ENGINE.in_blocks(by_circuit, *tables)
    for _ in range(ROUNDS):
        start = time.perf_counter()
        solutions = ENGINE.in_blocks(by_circuit, *tables)
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        ENGINE.in_blocks(by_arrays, *tables)
        arrays.append(time.perf_counter() - start)
        start = time.perf_counter()
        for one in tables:
            one.sum()
        passes.append(time.perf_counter() - start)
        start = time.perf_counter()
        for d in range(LOOPED):
            for v in range(EVENTS):
                net.cpt(v)[:] = filled[v][d]
            engine.makeInference()
            answers[d, 0] = np.log(engine.evidenceProbability())
            answers[d, 1:] = np.concatenate([engine.posterior(v).toarray() for v in range(EVENTS)])
        theirs.append((time.perf_counter() - start) * DRAWS / LOOPED)
    solution = solutions[0]
    expected = np.concatenate([solution.log_evidence[np.newaxis], *(m[:, 0] for m in solution.marginals)])
    np.testing.assert_allclose(answers.T, expected[:, :LOOPED], rtol=0, atol=1e-9)
    return Measured(ours, arrays, theirs, passes)


if __name__ == "__main__":
    main()
