"""The sampler's gradient: log evidence of a network by all its CPTs, against plain PyTensor operations.

The network of `benchmarks.inference`, one draw, the same order of elimination on both sides: ours is recorded on a
tape and run by two compiled loops; the other multiplies and sums tables by broadcasting, differentiated and compiled by
PyTensor itself. Value and gradient, the compiled functions warm; the time of compiling each stands beside.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytensor.tensor as pt
from pytensor.compile.maker import function
from pytensor.compile.sharedvalue import shared
from pytensor.gradient import grad

from benchmarks.inference import EVENTS, OBSERVED, network
from benchmarks.measured import median, table
from forecast.inference.elimination import EliminationStep, Queries, eliminate, plan
from forecast.inference.tape import Tape, TapeMath
from forecast.sampling.op import program_outputs

ROUNDS, CALLS = 5, 200


class Measured(NamedTuple):
    """Seconds of a value with its gradient, and of compiling them: ours and PyTensor's own."""

    ours: list[float]
    theirs: list[float]
    compiling: tuple[float, float]


class _Broadcast:
    """Products and sums of PyTensor tensors; each is given with its scope."""

    def message(self, given: Sequence[Any], received: Sequence[Any], step: EliminationStep) -> Any:
        scope = (*step.scope, step.variable)
        total: Any = 1.0
        for of, entries in (*given, *received):
            inside = [v for v in scope if v in of]
            ordered = entries.transpose(*(of.index(v) for v in inside)) if len(of) > 1 else entries
            total = total * ordered.dimshuffle(*(inside.index(v) if v in of else "x" for v in scope))
        return step.scope, total.sum(axis=-1)


def measure() -> Measured:
    """Alternate both and check that they agree."""
    rng = np.random.default_rng(20)
    cards, families, drawn = network(rng)
    observed = sorted(rng.choice(EVENTS, OBSERVED, replace=False).tolist())
    fixed = {v: rng.uniform(0.1, 1.0, cards[v]) for v in observed}
    tables = [one[..., 0] for one in drawn]
    places = np.cumsum([0, *(one.size for one in tables)])
    at = np.concatenate([one.ravel() for one in tables])
    scopes = [*families, *((v,) for v in observed)]

    tape = Tape(at.size)
    queries = Queries(tape)
    parts = [
        queries.table(family, tape.inputs[start : start + one.size].reshaped(one.shape))
        for family, start, one in zip(families, places, tables, strict=False)
    ]
    parts += [queries.table((v,), tape.constant(vector)) for v, vector in fixed.items()]
    program = tape.program(TapeMath.log(queries.masses(cards, parts, (), [np.ones(())])[0]))
    x = pt.vector("x", dtype="float64")
    order = plan(cards, scopes)
    symbols = [x[start : start + one.size].reshape(one.shape) for start, one in zip(places, tables, strict=False)]
    symbols += [pt.as_tensor_variable(vector) for vector in fixed.values()]
    slots = eliminate(order, list(zip(scopes, symbols, strict=True)), _Broadcast())
    plain = pt.log(pt.prod([slots[i][1] for i in order.root]))
    compiled, compiling = [], []
    for value in (program_outputs(x, program, shared).sum(), plain):
        start = time.perf_counter()
        slope: Any = grad(value, x)
        compute: Any = function([x], [value, slope], mode="NUMBA")
        compute(at)
        compiling.append(time.perf_counter() - start)
        compiled.append(compute)
    for one, other in zip(compiled[0](at), compiled[1](at), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)
    sides: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for compute, side in zip(compiled, sides, strict=True):
            start = time.process_time()
            for _ in range(CALLS):
                compute(at)
            side.append((time.process_time() - start) / CALLS)
    return Measured(*sides, (compiling[0], compiling[1]))


def main() -> None:
    """Print the ratio."""
    found = measure()
    ours, theirs = median(found.ours), median(found.theirs)
    table(
        [
            (f"log evidence of {EVENTS} events and its gradient", "microseconds", "compiling, s"),
            ("forecast: recorded on a tape", f"{1e6 * ours:.1f}", f"{found.compiling[0]:.1f}"),
            ("plain PyTensor operations", f"{1e6 * theirs:.1f}", f"{found.compiling[1]:.1f}"),
            ("times faster", f"{theirs / ours:.1f}", ""),
        ]
    )


if __name__ == "__main__":
    main()
