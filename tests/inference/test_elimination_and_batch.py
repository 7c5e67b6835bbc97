"""The batched engine against the product of its factors, and the plan it runs."""

from __future__ import annotations

from itertools import combinations, product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.inference.batch import log_evidence, log_regions, solve
from forecast.inference.elimination import plan

Array = NDArray[np.float64]


def random_factors(rng: np.random.Generator) -> tuple[list[int], list[tuple[int, ...]], list[Array]]:
    """Up to six variables, each in some factor, up to eight more factors of any scope, some the same for all draws."""
    cards = rng.integers(1, 4, int(rng.integers(1, 7))).tolist()
    scopes: list[tuple[int, ...]] = [(v,) for v in range(len(cards))]
    for _ in range(int(rng.integers(0, 9))):
        size = int(rng.integers(0, min(4, len(cards)) + 1))
        scopes.append(tuple(rng.choice(len(cards), size=size, replace=False).tolist()))
    tables = []
    for scope in scopes:
        draws = 4 if scope == (0,) or rng.random() < 0.7 else 1
        tables.append(rng.uniform(0.01, 1.0, (*(cards[v] for v in scope), draws)))
    return cards, scopes, tables


def whole(cards: list[int], scopes: list[tuple[int, ...]], tables: list[Array]) -> Array:
    """The product of all factors, (*cards, draws)."""
    joint = np.ones((*cards, 4))
    for states in product(*(range(card) for card in cards)):
        for scope, table in zip(scopes, tables, strict=True):
            joint[states] *= table[tuple(states[v] for v in scope)]
    return joint


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_factors(seed: int) -> None:
    """Mass, region masses and marginals are those of the product, whatever the scopes."""
    rng = np.random.default_rng(seed)
    cards, scopes, tables = random_factors(rng)
    joint = whole(cards, scopes, tables)
    keep = sorted(rng.choice(len(cards), size=int(rng.integers(0, min(3, len(cards)) + 1)), replace=False).tolist())
    region_of = rng.integers(0, 3, [cards[v] for v in keep])
    masks = np.array([(region_of == region).astype(float) for region in range(3)])
    order = plan(cards, scopes, keep)
    solution = solve(order, tables, masks)
    total = joint.reshape(-1, 4).sum(axis=0)
    np.testing.assert_allclose(np.log(total), solution.log_evidence, atol=1e-12)
    np.testing.assert_allclose(np.log(total), log_evidence(order, tables), atol=1e-12)
    shape = [cards[v] if v in keep else 1 for v in range(len(cards))]
    for region in range(3):
        inside = joint * masks[region].reshape(*shape, 1)
        mass = inside.reshape(-1, 4).sum(axis=0)
        found = np.exp(solution.log_regions[region])
        np.testing.assert_allclose(mass, found, rtol=1e-12)
        np.testing.assert_allclose(mass, np.exp(log_regions(order, tables, masks)[region]), rtol=1e-12)
        for v in range(len(cards)):
            others = tuple(axis for axis in range(len(cards)) if axis != v)
            expected = inside.sum(axis=others) / total
            np.testing.assert_allclose(expected, solution.marginals[v][:, region], atol=1e-12)


def test_long_chains_neither_overflow_nor_vanish() -> None:
    """Fifteen hundred factors of 1e-30 or 1e30 leave the marginals and the log of the mass exact."""
    n = 1500
    scopes = [(0,), *((v, v + 1) for v in range(n - 1))]
    for size in (1e-30, 1e30):
        tables = [
            np.full((2, 1), 0.5),
            *(np.array([[[1.0], [3.0]], [[2.0], [2.0]]]) / 4.0 * size for _ in range(n - 1)),
        ]
        solution = solve(plan([2] * n, scopes), tables)
        assert (n - 1) * np.log(size) == pytest.approx(float(solution.log_evidence[0]), rel=1e-12)
        # The chain's rows (1/4, 3/4) and (1/2, 1/2) settle at (2/5, 3/5).
        np.testing.assert_allclose([0.4, 0.6], solution.marginals[n - 1][:, 0, 0], atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_plan(seed: int) -> None:
    """Every variable but the kept ones is summed out once; each slot is used once; the largest table is the largest."""
    rng = np.random.default_rng(seed)
    cards, scopes, _ = random_factors(rng)
    keep = sorted(rng.choice(len(cards), size=int(rng.integers(0, len(cards) + 1)), replace=False).tolist())
    order = plan(cards, scopes, keep)
    assert order == plan(cards, scopes, keep)
    assert sorted({*range(len(cards))} - {*keep}) == sorted(step.variable for step in order.steps)
    used = [slot for step in order.steps for slot in step.inputs] + list(order.root)
    assert list(range(len(scopes) + len(order.steps))) == sorted(used)
    for step in order.steps:
        assert step.variable not in step.scope
        assert order.scopes[step.output] == step.scope
    tables = [prod(cards[v] for v in {*step.scope, step.variable}) for step in order.steps]
    assert max([*tables, prod(cards[v] for v in keep)]) == order.largest_table


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_is_that_of_min_fill(seed: int) -> None:
    """The next variable lacks the fewest edges around it; of equals, it has the smallest table, the lowest index."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 14))
    cards = rng.integers(1, 4, n).tolist()
    scopes = [tuple(rng.permutation(n)[: rng.integers(1, 4)].tolist()) for _ in range(n)]
    keep = set(rng.permutation(n)[: rng.integers(0, 3)].tolist())
    edges = {frozenset(pair) for scope in (*scopes, keep) for pair in combinations(scope, 2)}
    remaining = set(range(n)) - keep
    order = []
    while remaining:
        costs = {}
        for v in remaining:
            around = [w for w in range(n) if frozenset((v, w)) in edges and v != w]
            lacking = [pair for pair in combinations(around, 2) if frozenset(pair) not in edges]
            costs[v] = (len(lacking), cards[v] * prod(cards[w] for w in around), v, lacking)
        *_, variable, lacking = min(costs.values())
        order.append(variable)
        remaining.discard(variable)
        edges = {edge for edge in edges if variable not in edge} | {frozenset(pair) for pair in lacking}
    assert order == [step.variable for step in plan(cards, scopes, keep).steps]


def test_a_chain_needs_small_tables_only() -> None:
    """Min-fill finds the order of a chain and of a tree: no product is larger than one factor."""
    chain = plan([3] * 30, [(0,), *((v, v + 1) for v in range(29))])
    tree = plan([3] * 31, [(0,), *(((v - 1) // 2, v) for v in range(1, 31))])
    assert chain.largest_table == 9
    assert tree.largest_table == 9
