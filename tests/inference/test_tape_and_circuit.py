"""Programs recorded on a tape, and queries recorded on it."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.inference.elimination import Queries, TapeTable, restrict, select
from forecast.inference.tape import EXP, SUM_OF_PAIRS, WEIGHTED_SUM, NumpyMath, Tape, TapeMath, Traced, joined
from tests.sampling.interpreter import interpret

Array = NDArray[np.float64]


def outputs(tape: Tape, traced: Traced, x: list[float]) -> list[float]:
    """Run what was recorded."""
    return interpret(tape.program(Traced(tape, traced.at.ravel())), x)


POSITIVE = st.floats(0.05, 5.0)


@settings(max_examples=60, deadline=None)
@given(POSITIVE, POSITIVE, POSITIVE)
def test_arithmetic(a: float, b: float, c: float) -> None:
    """Recorded arithmetic is numpy's."""
    x = np.array([a, b, c])

    def formulas(m: Any, x: Any) -> list[Any]:
        return [
            x + 2.0,
            3.0 - x,
            x * x - x[::-1],
            -x / x[::-1],
            x / 4.0,
            1.0 + x,
            m.exp(-x),
            m.log(x) * m.log1p(x) + m.expm1(-x),
            m.maximum(x, x[::-1]) + m.abs(x - 1.0),
            m.log_sinhc_half(x - x[::-1]),
            m.both_steps(x, x[::-1] + 0.25),
        ]

    tape = Tape(3)
    recorded = joined(formulas(TapeMath, tape.inputs))
    expected = np.concatenate(formulas(NumpyMath, x))
    np.testing.assert_allclose(expected, outputs(tape, recorded, x.tolist()), rtol=1e-11, atol=1e-13)


def test_sums() -> None:
    """Sums by row; a row without entries is zero."""
    tape = Tape(3)
    sums = tape.sums(3, np.array([0, 0, 2]), np.array([2.0, 1.0, -1.0]), tape.inputs)
    assert [2.0 * 5.0 + 7.0, 0.0, -11.0] == outputs(tape, sums, [5.0, 7.0, 11.0])


def test_only_what_is_asked_for_is_kept() -> None:
    """Instructions that no output depends on are left out of the program."""
    tape = Tape(1)
    x = tape.inputs
    wanted = TapeMath.exp(x)
    TapeMath.log(x)
    program = tape.program(wanted)
    assert [[EXP, 0, 1, 0, 1]] == program.stretches.T.tolist()
    assert [pytest.approx(np.e)] == interpret(program, [1.0])


def test_the_same_is_computed_once() -> None:
    """Equal sums, factors 0 and 1 and copies need no instructions of their own."""
    tape = Tape(2)
    x = tape.inputs
    same = joined([x[:1] * x[1:], x[1:] * x[:1] * 1.0, (x[:1] + 0.0) * x[1:], x[:1] * x[1:] + x[:1] * 0.0])
    program = tape.program(joined([same, x[:1] + x[1:], x[1:] + x[:1], x[:1] * 0.0, x[1:] * 1.0]))
    assert [[SUM_OF_PAIRS, 0, 1, 0, 1], [WEIGHTED_SUM, 1, 2, 1, 2]] == program.stretches.T.tolist()
    assert [6.0, 6.0, 6.0, 6.0, 5.0, 5.0, 0.0, 3.0] == interpret(program, [2.0, 3.0])


def test_equal_tables_on_other_events_are_not_taken_for_each_other() -> None:
    """What is recorded once is the same product of the same tables over the same variables."""
    tape = Tape(4)
    queries = Queries(tape)
    table = queries.table((0, 1), Traced(tape, tape.inputs.at.reshape(2, 2)))
    vector = tape.constant([0.25, 1.0])
    first, second = queries.table((0,), vector), queries.table((1,), vector)
    target = [np.array([[1.0, 2.0], [0.0, 0.0]])]
    found = [queries.masses([2, 2], [table, evidence], (0, 1), target)[0] for evidence in (first, second, first)]
    found += [queries.masses([2, 2], [restrict(table, 0, state)], (1,), [np.ones(2)])[0] for state in (0, 1)]
    values = outputs(tape, Traced(tape, np.array([one.at.item() for one in found])), [2.0, 3.0, 5.0, 7.0])
    by_first, by_second = 0.25 * 2.0 + 0.25 * 2.0 * 3.0, 0.25 * 2.0 + 2.0 * 3.0
    assert [by_first, by_second, by_first, 2.0 + 3.0, 5.0 + 7.0] == values
    assert found[0].at.item() == found[2].at.item()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_masses(seed: int) -> None:
    """Masses of targets are sums over the product of the factors, with states selected and variables fixed."""
    rng = np.random.default_rng(seed)
    cards = rng.integers(2, 4, int(rng.integers(1, 5))).tolist()
    tape, x = Tape(200), rng.uniform(0.1, 1.0, 200)
    queries = Queries(tape)
    tables: list[TapeTable] = []
    numbers: list[Array] = []
    for v in range(len(cards)):
        others = rng.permutation(v)[: int(rng.integers(0, 3))].tolist()
        scope = (*others, v)
        shape = [cards[w] for w in scope]
        at = rng.integers(0, 200, shape)
        tables.append(queries.table(scope, tape.inputs[at]))
        numbers.append(x[at])
    alive = [sorted(rng.permutation(card)[: int(rng.integers(1, card + 1))].tolist()) for card in cards]
    kept = [select(table, alive) for table in tables]
    fixed = int(rng.integers(len(cards)))
    target_of = int(rng.integers(len(cards)))
    if len(alive[fixed]) == 1 and fixed != target_of:
        kept = [restrict(table, fixed, 0) for table in kept]
    target = rng.uniform(size=len(alive[target_of]))
    (mass,) = queries.masses([len(states) for states in alive], kept, (target_of,), [target])
    expected = 0.0
    for states in product(*alive):
        chance = target[alive[target_of].index(states[target_of])]
        for table, values in zip(tables, numbers, strict=True):
            chance *= values[tuple(states[v] for v in table.scope)]
        expected += chance
    assert [pytest.approx(expected, rel=1e-12)] == outputs(tape, mass, x.tolist())
