"""The engine's door: nobody goes round it, its gradient is a derivative, and kernels say what numpy says."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.inference import batch, blocks, engine
from forecast.inference.engine import BLOCK, ENGINE, BlockSize, TooDenseNetworkError, draws_at_once
from forecast.inference.tape import BOTH_STEPS, LOG_SINHC_HALF, NumpyMath, Tape, TapeMath
from forecast.store.program import PACKAGE

STEP = 1e-5
PRIVATE = ("batch", "states", "elimination import plan", "elimination import Plan")


def test_one_door() -> None:
    """Outside its folder nobody imports an executor of the engine, or plans an elimination by hand."""
    inside = PACKAGE / "inference"
    around = [
        (path.relative_to(PACKAGE).as_posix(), name)
        for path in sorted(Path(PACKAGE).rglob("*.py"))
        if inside not in path.parents
        for name in PRIVATE
        if f"forecast.inference.{name}" in path.read_text(encoding="utf-8")
    ]
    assert [] == around


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_gradient_is_the_derivative(seed: int) -> None:
    """Each entry of the gradient is the change of the log evidence with the log of that entry of that factor."""
    rng = np.random.default_rng(seed)
    cards = (2, 3, 2)
    scopes = ((0,), (0, 1), (1, 2), (2,))
    factors = [rng.uniform(0.1, 1.0, (*(cards[v] for v in scope), 2)) for scope in scopes]
    order = ENGINE.plan(cards, scopes)
    log_evidence, gradient = ENGINE.gradient(order, factors)
    np.testing.assert_array_equal(ENGINE.log_evidence(order, factors), log_evidence)
    for i, factor in enumerate(factors):
        for at in np.ndindex(factor.shape[:-1]):
            ends = []
            for sign in (1.0, -1.0):
                moved = [one.copy() for one in factors]
                moved[i][at] *= np.exp(sign * STEP)
                ends.append(ENGINE.log_evidence(order, moved))
            np.testing.assert_allclose((ends[0] - ends[1]) / (2.0 * STEP), gradient[i][at], rtol=0, atol=1e-8)


def test_blocks_are_in_order() -> None:
    """Results come in the order of the draws, whatever the length of a block; none is left out, none comes twice."""
    draws = np.arange(10)
    for size in (1, 3, 10, 11):
        np.testing.assert_array_equal(draws, np.concatenate(ENGINE.in_blocks(lambda block: block, draws, size=size)))


def test_the_predicted_work_decides_who_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pays for an import is computed by the circuit, the rest by numpy, with the same answers to 1e-12."""
    rng = np.random.default_rng(1)
    order = ENGINE.plan((3, 3, 3), ((0,), (0, 1), (1, 2)), keep=(2,))
    factors = [rng.uniform(0.1, 1.0, (*(3 for _ in scope), 50)) for scope in order.scopes[:3]]
    asked: dict[str, Callable[[], NDArray[np.float64]]] = {
        "evaluate": lambda: ENGINE.evaluate(order, factors, np.eye(3)).marginals[0],
        "log_regions": lambda: ENGINE.log_regions(order, factors, np.eye(3)),
        "log_evidence": lambda: ENGINE.log_evidence(order, factors),
        "families": lambda: ENGINE.families(order, factors, [1])[1][0],
    }
    expected = {name: ask() for name, ask in asked.items()}
    assert {} == order.prepared

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(engine, "CIRCUIT_FROM", 1)
    for name in ("solve", "log_regions", "log_evidence"):
        monkeypatch.setattr(batch, name, never)
    for name, ask in asked.items():
        np.testing.assert_allclose(expected[name], ask(), rtol=1e-12)
    # However few draws a block has, the question is as large as all of them.
    monkeypatch.setattr(engine, "CIRCUIT_FROM", order.work * 50)
    parts = ENGINE.in_blocks(lambda *block: ENGINE.log_evidence(order, block), *factors, size=8)
    np.testing.assert_allclose(expected["log_evidence"], np.concatenate(parts), rtol=1e-12)
    monkeypatch.undo()
    # What a circuit declines is computed by numpy all the same.
    monkeypatch.setattr(engine, "CIRCUIT_FROM", 1)
    monkeypatch.setattr(blocks, "solve", lambda *_, **__: None)
    for name, ask in asked.items():
        np.testing.assert_array_equal(expected[name], ask())


def test_blocks_and_threads_follow_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws at once, times threads, times what a draw needs, stay within the memory; one draw too many is refused."""
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    chain = ENGINE.plan([10] * 5, [(v, v + 1, v + 2) for v in range(3)])
    of_a_draw = 8 * (2 * chain.message_entries + 2 * chain.largest_table)
    assert BlockSize(BLOCK, 4) == draws_at_once([chain], memory=10**9)
    assert BlockSize(70, 4) == draws_at_once([chain], most=70, memory=10**9)
    assert BlockSize(5, 4) == draws_at_once([chain], memory=23 * of_a_draw)
    assert BlockSize(1, 3) == draws_at_once([chain], memory=3 * of_a_draw)
    assert draws_at_once([chain], 8, memory=10**7).draws < draws_at_once([chain], memory=10**7).draws
    with pytest.raises(TooDenseNetworkError, match="with a table of 1,000 numbers"):
        draws_at_once([chain], memory=of_a_draw - 1)
    running: list[int] = []
    most: list[int] = []

    def on_block(block: np.ndarray[Any, Any]) -> int:
        running.append(1)
        most.append(len(running))
        time.sleep(0.001)
        running.pop()
        return block.size

    assert [2] * 10 == ENGINE.in_blocks(on_block, np.zeros(20), size=BlockSize(2, 3))
    assert max(most) <= 3


@pytest.mark.parametrize(
    ("kind", "by_numpy"),
    [
        (LOG_SINHC_HALF, lambda x, _: NumpyMath.log_sinhc_half(x)),
        (BOTH_STEPS, NumpyMath.both_steps),
    ],
)
def test_kernels_are_the_functions_of_numpy(kind: int, by_numpy: Callable[[Any, Any], Any]) -> None:
    """What appears twice, for draws and in the sampler's kernels, agrees on both sides of every switch of formula."""
    from forecast.sampling.op import function

    ends = np.geomspace(1e-12, 50.0, 60)
    x, y = (grid.ravel() for grid in np.meshgrid(ends, ends))
    if kind == LOG_SINHC_HALF:
        x = np.concatenate([x, -x])
        y = np.ones_like(x)
    expected = by_numpy(x, y)
    found = [function(kind, a, b)[0] for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    np.testing.assert_allclose(expected, found, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("kind", [LOG_SINHC_HALF, BOTH_STEPS])
def test_slopes_are_derivatives(kind: int) -> None:
    """The slopes of the kernels are the derivatives of what they compute, on both sides of every switch of formula."""
    from forecast.sampling.op import function

    for x in (2e-3, 0.04, 0.3, 2.0, 9.0):
        for y in (1e-3, 0.05, 0.31, 2.5, 7.0):
            expected = [
                (function(kind, x + STEP * dx, y + STEP * dy)[0] - function(kind, x - STEP * dx, y - STEP * dy)[0])
                / (2 * STEP)
                for dx, dy in ((1.0, 0.0), (0.0, 1.0))
            ]
            found = function(kind, x, y)[1:]
            np.testing.assert_allclose(expected, found, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "longer",
    [lambda z, _: TapeMath.exp(z), lambda z, y: z + y, lambda z, y: z * y],
    ids=["exp", "weighted sum", "product"],
)
def test_derivatives_of_results_that_use_each_other(longer: Callable[[Any, Any], Any]) -> None:
    """The way back is right where results of one kind and length, which run in one stretch, are terms of each other."""
    from forecast.sampling import op

    tape = Tape(2)
    z, y = tape.inputs[:1], tape.inputs[1:]
    for _ in range(3):
        z = longer(z, y)
    program = tape.program(z)
    outputs, constants, *code = op.packed(program).values()
    at = np.array([0.3, 0.8])

    def computed(x: Any) -> Any:
        return op.run(x, constants, *code)[0][outputs]

    assert len(program.stretches.T) == 1
    expected = [(computed(at + step) - computed(at - step))[0] / (2 * STEP) for step in STEP * np.eye(2)]
    found = op.run_back(*op.run(at, constants, *code), outputs, np.ones(1), at, *code)
    np.testing.assert_allclose(expected, found, rtol=1e-6, atol=1e-9)
