"""Weights of draws: which scenarios count against them, and averages that are neither 0 nor 1 by rounding alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.inference.scaled import SMALLEST
from forecast.posterior.weights import BELOW_ONE, no_false_certainty, weigh_draws

EVEN = np.zeros(4000)


@pytest.mark.parametrize("decades", [12, 70, 290])
def test_next_to_nothing_is_no_reason(decades: int) -> None:
    """A scenario that every draw calls negligible does not make weights unreliable, however unevenly they do so."""
    rng = np.random.default_rng(decades)
    rare = 10.0 ** -(decades * (0.5 + rng.exponential(0.5, 4000)))
    assert weigh_draws(EVEN + 0.01 * rng.normal(size=4000), np.stack([rare, 1.0 - rare])).reliable


def test_a_scenario_that_rests_on_few_draws_is_one() -> None:
    """Where a few draws make up a probability that is printed, its tail counts."""
    rng = np.random.default_rng(1)
    share = np.minimum(1.0, 1e-4 / rng.uniform(size=4000) ** 1.5)
    weights = weigh_draws(2.0 * np.log(1.0 + 50.0 * share) + 0.01 * rng.normal(size=4000), np.stack([share, 1 - share]))
    assert weights.pareto_k > 0.7


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([0.0, SMALLEST, 1e-300, 0.3, 1.0]), min_size=2, max_size=4), st.integers(0, 10**6))
def test_only_what_is_certain_is_certain(parts: list[float], seed: int) -> None:
    """An average is 0 or 1 exactly where every draw of any weight says so, and else what it was."""
    rng = np.random.default_rng(seed)
    shares = np.array([[part * rng.uniform(0.9, 1.0) if part == 0.3 else part for _ in range(5)] for part in parts])
    weights = np.full(5, 0.2)
    means = shares @ weights
    found = no_false_certainty(means, shares, weights)
    possible = (shares > 0.0).any(axis=1)
    assert (found > 0.0).tolist() == possible.tolist()
    if possible.sum() > 1:
        assert (found < 1.0).all()
    between = (means > 0.0) & (means < 1.0)
    assert found[between].tolist() == means[between].tolist()
    assert found.max() <= max(means.max(), SMALLEST)


def test_quantiles_too() -> None:
    """The same holds of quantiles (parts, levels)."""
    shares = np.array([[SMALLEST, SMALLEST], [1.0, 1.0]])
    quantiles = np.array([[0.0, SMALLEST], [1.0, 1.0]])
    found = no_false_certainty(quantiles, shares, np.array([0.5, 0.5]))
    assert [[SMALLEST, SMALLEST], [BELOW_ONE, BELOW_ONE]] == found.tolist()
