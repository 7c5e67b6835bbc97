"""Max-product elimination against the largest entry of the whole joint table."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.inference.elimination import plan
from forecast.inference.engine import most_probable

Array = NDArray[np.float64]


def _random_factors(rng: np.random.Generator) -> tuple[list[int], list[tuple[int, ...]], list[Array], int]:
    n, draws = int(rng.integers(1, 7)), int(rng.integers(1, 4))
    cards = [int(card) for card in rng.integers(1, 4, n)]
    scopes: list[tuple[int, ...]] = [(v,) for v in range(n)]
    scopes += [tuple(map(int, rng.permutation(n)[: rng.integers(1, min(n, 3) + 1)])) for _ in range(n)]
    factors: list[Array] = []
    for scope in scopes:
        last = draws if rng.random() < 0.7 else 1
        table = rng.exponential(1.0, (*(cards[v] for v in scope), last))
        factors.append(np.where(rng.random(table.shape) < 0.05, 0.0, table))
    return cards, scopes, factors, max(int(factor.shape[-1]) for factor in factors)


def _joint(cards: list[int], scopes: list[tuple[int, ...]], factors: list[Array], draws: int) -> Array:
    joint = np.ones((*cards, draws))
    for states in product(*map(range, cards)):
        for scope, factor in zip(scopes, factors, strict=True):
            joint[states] *= factor[tuple(states[v] for v in scope)]
    return joint


@pytest.mark.parametrize("seed", range(60))
def test_largest_entry_of_the_joint(seed: int) -> None:
    """In every region and draw the state found has the largest mass of the region, and that mass is told."""
    rng = np.random.default_rng(seed)
    cards, scopes, factors, draws = _random_factors(rng)
    keep = tuple(sorted(map(int, rng.permutation(len(cards))[: rng.integers(0, len(cards) + 1)])))
    kept_states = int(np.prod([cards[v] for v in keep], dtype=int))
    region_of = rng.integers(0, 2, kept_states)
    regions = np.stack([region_of == 0, region_of == 1]).astype(float).reshape(2, *(cards[v] for v in keep))
    found = most_probable(plan(cards, scopes, keep), factors, regions)
    joint = _joint(cards, scopes, factors, draws)
    for region, draw in product(range(2), range(draws)):
        inside = {
            states: joint[(*states, draw)]
            for states in product(*map(range, cards))
            if regions[(region, *(states[v] for v in keep))]
        }
        largest = max(inside.values(), default=0.0)
        assert largest == pytest.approx(np.exp(found.log_mass[region, draw]), rel=1e-9)
        if largest > 0.0:
            assert largest == pytest.approx(inside[tuple(found.states[:, region, draw])], rel=1e-9)


def test_no_regions() -> None:
    """Without regions the whole table is one."""
    table = np.array([[0.1, 0.2], [0.4, 0.3]])[..., np.newaxis]
    found = most_probable(plan((2, 2), [(0, 1)]), [table])
    assert [1, 0] == found.states[:, 0, 0].tolist()
    assert np.log(0.4) == pytest.approx(found.log_mass[0, 0], rel=1e-12)
