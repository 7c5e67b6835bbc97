"""Circuits over blocks of draws against numpy's executor: the same numbers, or none where doubles would lose some."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.inference import batch, blocks
from forecast.inference.batch import Solution
from forecast.inference.elimination import Plan, plan
from forecast.inference.engine import ImpossibleEvidenceError
from forecast.inference.scaled import of_factor, tightened

Array = NDArray[np.float64]
Scope = tuple[int, ...]
Question = tuple[Plan, list[Array], Array]


def _question(seed: int, draws: int, *, zeros: float = 0.0, spread: float = 0.0) -> Question:
    """A plan that keeps some variables, factors of any scope, some the same for all draws, and three regions."""
    rng = np.random.default_rng(seed)
    cards = rng.integers(1, 4, int(rng.integers(1, 8))).tolist()
    scopes: list[Scope] = [(v,) for v in range(len(cards))]
    for _ in range(int(rng.integers(0, 10))):
        size = int(rng.integers(0, min(4, len(cards)) + 1))
        scopes.append(tuple(rng.choice(len(cards), size=size, replace=False).tolist()))
    factors = []
    for place, scope in enumerate(scopes):
        shape = (*(cards[v] for v in scope), draws if place == 0 or rng.random() < 0.6 else 1)
        table = rng.uniform(0.01, 1.0, shape) * 10.0 ** rng.uniform(-spread, spread, shape)
        if rng.random() < 0.2:
            table = np.sign(table)
        factors.append(np.where(rng.random(shape) < (zeros if shape[-1] == 1 else zeros / draws), 0.0, table))
    keep = sorted(rng.choice(len(cards), size=int(rng.integers(0, min(3, len(cards)) + 1)), replace=False).tolist())
    region_of = rng.integers(0, 3, [cards[v] for v in keep])
    return plan(cards, scopes, keep), factors, np.stack([region_of == region for region in range(3)]).astype(float)


def _assert_alike(expected: Solution, found: Solution) -> None:
    np.testing.assert_allclose(expected.log_evidence, found.log_evidence, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(expected.log_regions, found.log_regions, rtol=1e-12, atol=1e-12)
    assert len(expected.marginals) == len(found.marginals)
    assert len(expected.families) == len(found.families)
    for one, other in zip((*expected.marginals, *expected.families), (*found.marginals, *found.families), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-305)
        assert ((one > 0.0) == (other > 0.0)).all()


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), zeros=st.sampled_from([0.0, 0.2, 0.5]), by_region=st.booleans())
def test_circuits_agree_with_numpy(seed: int, zeros: float, by_region: bool) -> None:
    """Mass, regions, marginals and joints by region of more than one block; impossible evidence is told by neither."""
    network, factors, masks = _question(seed, 70, zeros=zeros)
    wanted = range(0, len(factors), 2)
    try:
        expected = batch.solve(network, factors, masks, by_region=by_region, wanted=wanted)
    except ImpossibleEvidenceError:
        assert blocks.solve(network, factors, masks, by_region=by_region, wanted=wanted) is None
        return
    found = blocks.solve(network, factors, masks, by_region=by_region, wanted=wanted)
    assert found is not None
    _assert_alike(expected, found)
    inward = blocks.solve(network, factors, masks, outward=False)
    assert inward is not None
    np.testing.assert_array_equal(found.log_regions, inward.log_regions)
    assert () == inward.marginals


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([20.0, 60.0, 150.0, 290.0]))
def test_numbers_far_apart_are_right_or_left_to_numpy(seed: int, spread: float) -> None:
    """No product that doubles do not hold is lost: a circuit says so, or its answer is that of scaled tables."""
    network, factors, masks = _question(seed, 5, zeros=0.1, spread=spread)
    found = blocks.solve(network, factors, masks, wanted=range(len(factors)))
    if found is not None:
        _assert_alike(batch.solve(network, factors, masks, wanted=range(len(factors))), found)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_long_chains_neither_overflow_nor_vanish(size: float) -> None:
    """Fifteen hundred factors of 1e-30 or 1e30: powers of two are taken out of the messages, in each draw its own."""
    n, draws = 1500, 3
    scopes = [(0,), *((v, v + 1) for v in range(n - 1))]
    step = np.array([[[1.0], [3.0]], [[2.0], [2.0]]]) / 4.0 * size
    factors = [np.full((2, draws), 0.5), *(step * np.array([1.0, 1e-3, 1e3]) for _ in range(n - 1))]
    found = blocks.solve(plan([2] * n, scopes), factors)
    assert found is not None
    expected = (n - 1) * (np.log(size) + np.log([1.0, 1e-3, 1e3]))
    np.testing.assert_allclose(expected, found.log_evidence, rtol=1e-12)
    np.testing.assert_allclose([[0.4] * 3, [0.6] * 3], found.marginals[n - 1][:, 0], atol=1e-12)


def test_a_table_with_a_scale_is_taken_as_it_is() -> None:
    """The powers of two of a table's draws go into the mass."""
    network, factors, _ = _question(3, 70)
    scaled = [tightened(of_factor(factor, network.scopes[slot])) for slot, factor in enumerate(factors)]
    found = blocks.solve(network, scaled)
    assert found is not None
    _assert_alike(batch.solve(network, factors), found)


@pytest.mark.parametrize("seed", range(10))
def test_neither_blocks_nor_threads_nor_what_is_stored_change_a_bit(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every draw is computed by itself: wherever draws are cut, and by whatever thread, its numbers are the same."""
    network, factors, masks = _question(seed, 200)
    whole = blocks.solve(network, factors, masks, wanted=range(len(factors)))
    assert whole is not None

    def part(cut: slice) -> Solution:
        own = [factor[..., cut] if factor.shape[-1] > 1 else factor for factor in factors]
        found = blocks.solve(network, own, masks, wanted=range(len(factors)))
        assert found is not None
        return found

    cuts = [slice(0, 3), slice(3, 67), slice(67, 140), slice(140, 200)]
    for stored in (True, False):
        if not stored:
            network.prepared.clear()
            monkeypatch.setattr(blocks, "STORED_UP_TO", 0)
        with ThreadPoolExecutor(4) as pool:
            parts = list(pool.map(part, cuts))
        for field in ("log_evidence", "log_regions"):
            np.testing.assert_array_equal(getattr(whole, field), np.concatenate([getattr(p, field) for p in parts], -1))
        for v, marginal in enumerate(whole.marginals):
            np.testing.assert_array_equal(marginal, np.concatenate([p.marginals[v] for p in parts], axis=-1))
        for k, joint in enumerate(whole.families):
            np.testing.assert_array_equal(joint, np.concatenate([p.families[k] for p in parts], axis=-1))


def test_what_no_draw_allows_costs_nothing() -> None:
    """A table of zeros and ones that all draws share leaves out products, and new numbers need no new circuit."""
    rng = np.random.default_rng(1)
    scopes: list[Scope] = [(0,), (1,), (0, 1, 2), (2,)]
    first, second, last = (rng.uniform(0.1, 1.0, (8, 70)) for _ in range(3))
    merges = np.zeros((8, 8, 8, 1))
    for i in range(8):
        for j in range(8):
            merges[i, j, max(i, j)] = 1.0
    sizes = []
    for table in (merges, rng.uniform(0.1, 1.0, merges.shape)):
        network = plan([8, 8, 8], scopes)
        for factor in (last, last * 2.0):
            found = blocks.solve(network, [first, second, table, factor])
            assert found is not None
            _assert_alike(batch.solve(network, [first, second, table, factor]), found)
        (runner,) = network.prepared["circuits"].values()
        sizes.append(runner.circuit.operations.size)
    assert sizes[0] * 4 < sizes[1]


def test_what_is_no_factor_is_left_to_numpy_or_refused() -> None:
    """Negative and infinite numbers and NaN are numpy's to name; memory that is not there is never read."""
    network, factors, _ = _question(3, 70)
    for wrong in (-1.0, np.nan, np.inf):
        for slot in range(len(factors)):
            other = [factor.copy() for factor in factors]
            other[slot][..., -1] = wrong
            assert blocks.solve(network, other) is None
    with pytest.raises(ValueError, match="has the shape"):
        blocks.solve(network, [factors[0][..., :-1], *factors[1:]])


def test_a_second_process_compiles_nothing() -> None:
    """The machine code of the loops lies on disk."""
    code = (
        "import numpy as np; from forecast.inference import blocks; from forecast.inference.elimination import plan\n"
        "assert blocks.solve(plan([2], [(0,)]), [np.ones((2, 3))]) is not None\n"
        "print(sum(blocks.run.stats.cache_misses.values()))"
    )
    done = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True) for _ in range(2)]
    assert "0\n" == done[1].stdout
