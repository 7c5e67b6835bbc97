"""Joints of factors' scopes, and joint states drawn, against the whole joint table."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare

from forecast.inference.batch import solve
from forecast.inference.elimination import plan
from forecast.inference.engine import ENGINE, ImpossibleEvidenceError, draw_states

Array = NDArray[np.float64]
Scope = tuple[int, ...]


def _random(seed: int, draws: int) -> tuple[list[int], list[Scope], list[Array]]:
    rng = np.random.default_rng(seed)
    cards = [int(card) for card in rng.integers(1, 4, rng.integers(1, 6))]
    scopes: list[Scope] = [(v,) for v in range(len(cards))]
    scopes += [tuple(map(int, rng.permutation(len(cards))[: rng.integers(1, 4)])) for _ in cards]
    factors = []
    for number, scope in enumerate(scopes):
        own = draws if number == 0 or rng.random() < 0.6 else 1  # of a factor that no draw has of its own
        table = rng.exponential(1.0, (*(cards[v] for v in scope), own))
        factors.append(np.where(rng.random(table.shape) < 0.1, 0.0, table))
    return cards, scopes, factors


def _whole(cards: list[int], scopes: list[Scope], factors: list[Array], draws: int) -> Array:
    joint = np.ones((*cards, draws))
    for states in product(*map(range, cards)):
        for scope, factor in zip(scopes, factors, strict=True):
            joint[states] *= factor[tuple(states[v] for v in scope)]
    return joint


@pytest.mark.parametrize("seed", range(60))
def test_joints_of_scopes(seed: int) -> None:
    """Of every factor the joint of its scope is the whole joint summed over all other variables, axes as given."""
    draws = 3
    cards, scopes, factors = _random(seed, draws)
    keep = tuple(v for v in range(len(cards)) if seed % 3 == 0 and v % 2)
    whole = _whole(cards, scopes, factors, draws).reshape(*cards, draws)
    total = whole.reshape(-1, draws).sum(axis=0)
    if not total.all():
        with pytest.raises(ImpossibleEvidenceError):
            ENGINE.families(plan(cards, scopes, keep), factors, range(len(factors)))
        return
    log_evidence, found = ENGINE.families(plan(cards, scopes, keep), factors, range(len(factors)))
    np.testing.assert_allclose(np.log(total), log_evidence, rtol=0, atol=1e-12)
    for scope, joint in zip(scopes, found, strict=True):
        others = tuple(v for v in range(len(cards)) if v not in scope)
        by_hand = (whole / total).sum(axis=others)
        order = [sorted(scope).index(v) for v in scope]
        expected = by_hand.transpose(*order, len(scope))
        np.testing.assert_allclose(expected, np.broadcast_to(joint, expected.shape), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_joints_of_scopes_by_region(seed: int) -> None:
    """The joint of a scope is told apart by the region that the root's state is in, and sums to the marginals."""
    draws = 3
    cards, scopes, factors = _random(seed, draws)
    keep = tuple(range(0, len(cards), 2))
    order = plan(cards, scopes, keep)
    whole = _whole(cards, scopes, factors, draws)
    total = whole.reshape(-1, draws).sum(axis=0)
    if not total.all():
        with pytest.raises(ImpossibleEvidenceError):
            solve(order, factors, wanted=range(len(factors)))
        return
    kept = tuple(cards[v] for v in keep)
    of_region = np.random.default_rng(seed).integers(0, 3, kept)
    masks = np.stack([of_region == region for region in range(3)]).astype(float)
    solution = solve(order, factors, masks, wanted=range(len(factors)))
    spread = masks.reshape(3, *(card if v in keep else 1 for v, card in enumerate(cards)), 1)
    by_region = (whole / total) * spread  # (regions, states..., draws)
    for scope, joint in zip(scopes, solution.families, strict=True):
        by_hand = by_region.sum(axis=tuple(1 + v for v in range(len(cards)) if v not in scope))
        order_of = [1 + sorted(scope).index(v) for v in scope]
        expected = by_hand.transpose(*order_of, 0, 1 + len(scope))
        np.testing.assert_allclose(expected, joint, rtol=0, atol=1e-12)
        for axis, v in enumerate(scope):
            others = tuple(a for a in range(len(scope)) if a != axis)
            np.testing.assert_allclose(solution.marginals[v], joint.sum(axis=others), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_states_are_drawn_from_the_joint(seed: int) -> None:
    """Over many equal draws each joint state comes as often as its probability says (chi-square), none of chance 0."""
    n = 20_000
    cards, scopes, factors = _random(seed, 1)
    whole = _whole(cards, scopes, factors, 1).ravel()
    tiled = [np.tile(factors[0], n), *factors[1:]]
    if not whole.sum() > 0.0:
        with pytest.raises(ImpossibleEvidenceError):
            draw_states(plan(cards, scopes), tiled, np.random.default_rng(seed))
        return
    states = draw_states(plan(cards, scopes), tiled, np.random.default_rng(seed))
    counts = np.bincount(np.ravel_multi_index(tuple(states), cards), minlength=whole.size)
    expected = n * whole / whole.sum()
    assert 0 == counts[whole == 0.0].sum()
    common = expected >= 5.0
    rest = expected[~common].sum()
    if common.sum() + (rest > 0.0) > 1:
        seen, due = counts[common].astype(float), expected[common]
        if rest > 0.0:
            seen, due = np.append(seen, counts[~common].sum()), np.append(due, rest)
        assert chisquare(seen, due).pvalue > 1e-4


def test_kept_variables_are_refused() -> None:
    """A plan that keeps variables has not summed everything out."""
    with pytest.raises(ValueError, match="without variables that are kept"):
        draw_states(plan([2], [(0,)], keep=(0,)), [np.ones((2, 1))], np.random.default_rng(0))
