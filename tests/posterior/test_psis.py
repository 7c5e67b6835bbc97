"""Smoothed importance weights against ArviZ's, quantiles against repeated samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.posterior.weights import (
    MIN_EFFECTIVE_SIZE,
    NO_FIT,
    Weights,
    effective_size,
    fit_generalised_pareto,
    pareto_k,
    smooth,
    weigh_draws,
    weighted_quantiles,
)

Array = NDArray[np.float64]

SHAPES: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "light": lambda rng, n: 0.3 * rng.standard_normal(n),
    "heavy": lambda rng, n: 3.0 * rng.standard_normal(n),
    "one draw": lambda rng, n: 30.0 * rng.standard_normal(n),
    "bounded": lambda rng, n: np.log(rng.uniform(size=n)),
    "tied in pairs": lambda rng, n: np.repeat(rng.standard_normal(n // 2), 2),
    "large": lambda rng, n: 700.0 + rng.standard_normal(n),
    "small": lambda rng, n: -5000.0 + rng.standard_normal(n),
}


@pytest.mark.parametrize("n", [200, 1000, 4000])
@pytest.mark.parametrize("shape", SHAPES)
def test_smoothing_is_that_of_arviz(shape: str, n: int) -> None:
    """Weights and Pareto k equal those of ArviZ to 1e-12; which of two equal ratios gets which weight is open."""
    from arviz_stats.base import array_stats

    log_ratios = np.sort(SHAPES[shape](np.random.default_rng(n), n))
    log_weights, k = array_stats.psislw(-log_ratios)  # it takes the ratios of leave-one-out, turned round
    found = smooth(log_ratios)
    np.testing.assert_allclose(np.sort(found.weights), np.sort(np.exp(log_weights)), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.pareto_k, k, rtol=0, atol=1e-12)


@pytest.mark.parametrize("noise", [0.0, 1e-13])
def test_equal_ratios_are_trusted(noise: float) -> None:
    """Where the proposal is the target, rounding apart, all weights are equal and no tail is found."""
    log_ratios = -50.0 + noise * np.random.default_rng(1).standard_normal(4000)
    found = weigh_draws(log_ratios, np.full((2, 4000), 0.5))
    np.testing.assert_allclose(found.weights, 1.0 / 4000, rtol=1e-12)
    assert (True, -np.inf) == (found.reliable, found.pareto_k)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), shift=st.floats(-500, 500), sd=st.floats(0.01, 5.0))
def test_laws_of_smoothing(seed: int, shift: float, sd: float) -> None:
    """Weights sum to one, keep the order of the ratios, and do not hang on the ratios' scale or the draws' order."""
    rng = np.random.default_rng(seed)
    log_ratios = sd * rng.standard_normal(500)
    found, order = smooth(log_ratios), rng.permutation(500)
    assert abs(found.weights.sum() - 1.0) < 1e-12
    assert (np.diff(found.weights[np.argsort(log_ratios)]) >= 0.0).all()
    np.testing.assert_allclose(smooth(log_ratios + shift).weights, found.weights, rtol=1e-9)
    np.testing.assert_allclose(smooth(log_ratios[order]).weights, found.weights[order], rtol=1e-9)


def test_weights_without_a_tail_are_not_trusted() -> None:
    """Ratios of which nearly all are zero have no tail to look at: k is infinite."""
    log_ratios = np.full(4000, -np.inf)
    log_ratios[:3] = 0.0
    assert NO_FIT == smooth(log_ratios).pareto_k
    assert NO_FIT == pareto_k(np.full(10, -np.inf))


@pytest.mark.parametrize("live", [30, 150, 188, 1000, 3999])
def test_a_draw_that_is_ruled_out_has_no_weight(live: int) -> None:
    """Draws with a ratio of zero keep a weight of exactly zero, and the others are smoothed as if they were alone."""
    rng = np.random.default_rng(live)
    alive = rng.permutation(4000) < live
    log_ratios = np.full(4000, -np.inf)
    log_ratios[alive] = 1.5 * rng.standard_normal(live)
    found, alone = smooth(log_ratios), smooth(log_ratios[alive])
    assert 0 == np.count_nonzero(found.weights[~alive])
    assert alone.weights.tolist() == found.weights[alive].tolist()
    assert alone.pareto_k == found.pareto_k
    assert found.weights.sum() == pytest.approx(1.0, abs=1e-12)


def test_arviz_gives_weight_to_what_is_ruled_out() -> None:
    """The tail is that of the draws that live; ArviZ counts all of them, and weighs some that are ruled out."""
    from arviz_stats.base import array_stats

    log_ratios = np.full(4000, -np.inf)
    log_ratios[:150] = np.random.default_rng(7).standard_normal(150)
    log_weights, _ = array_stats.psislw(-log_ratios)
    assert 0.001 < np.exp(log_weights)[150:].sum()
    assert 0.0 == smooth(log_ratios).weights[150:].sum()


@pytest.mark.parametrize(("live", "k"), [(24, NO_FIT), (25, -np.inf), (399, -np.inf), (400, -np.inf)])
def test_equal_ratios_of_the_draws_that_live(live: int, k: float) -> None:
    """They share the weight evenly; it is trusted where at least 400 of them live, and k unknown where too few do."""
    log_ratios = np.full(4000, -np.inf)
    log_ratios[np.random.default_rng(live).permutation(4000)[:live]] = -3.0
    found = weigh_draws(log_ratios, np.full((1, 4000), 0.5))
    np.testing.assert_allclose(found.weights, np.where(log_ratios > -np.inf, 1.0 / live, 0.0), rtol=1e-12)
    assert k == found.pareto_k
    assert pytest.approx(live) == found.effective_size
    assert (live >= 400) == found.reliable


def test_a_scenario_that_few_draws_know_is_not_trusted() -> None:
    """Even weights do not hide a scenario that all draws but a few rule out."""
    shares = np.zeros((2, 4000))
    shares[0, :20] = np.linspace(0.1, 0.9, 20)
    shares[1] = 1.0 - shares[0]
    found = weigh_draws(np.zeros(4000), shares)
    assert NO_FIT == found.pareto_k
    assert pytest.approx(4000.0) == found.effective_size
    assert ("Pareto k of the weights is not known: no tail fits them",) == found.distrust


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_ratios_that_are_no_numbers_are_refused(bad: float) -> None:
    """Nothing is made of a ratio that is infinite or no number, nor of draws none of which lives."""
    with pytest.raises(ValueError, match=f"log ratio of importance sampling is {bad}"):
        smooth(np.array([0.0, bad, 1.0]))
    with pytest.raises(ValueError, match="-inf"):
        smooth(np.full(3, -np.inf))


def test_the_worst_tail_counts() -> None:
    """Light weights do not hide a scenario whose own expectation rests on few draws."""
    rng = np.random.default_rng(2)
    rare = 1e-6 * rng.pareto(0.8, 4000)
    found = weigh_draws(0.1 * rng.standard_normal(4000), np.stack([rare, 1.0 - rare]))
    assert found.effective_size > 3900
    assert not found.reliable


@pytest.mark.parametrize(("k", "size", "reliable"), [(0.7, 400.0, True), (0.71, 4000.0, False), (0.1, 399.0, False)])
def test_when_weights_are_reliable(k: float, size: float, reliable: bool) -> None:
    """Both limits are the last values that will do."""
    assert reliable == Weights(np.full(2, 0.5), k, size).reliable
    assert MIN_EFFECTIVE_SIZE == 400.0


def test_effective_size() -> None:
    """Equal weights count every draw, a single weight counts one."""
    assert 50.0 == pytest.approx(effective_size(np.full(50, 0.02)))
    assert 1.0 == effective_size(np.eye(50)[3])


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 40))
def test_quantiles_are_those_of_the_repeated_sample(seed: int, n: int) -> None:
    """Integer weights are repetitions; the quantile is the inverse of the sample's distribution function."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 5, n)
    counts[rng.integers(n)] += 1
    values = np.round(rng.standard_normal((3, n)), 1)  # with ties
    # Between the steps of the distribution function, where rounding cannot decide.
    probabilities = (np.arange(counts.sum()) + 0.5) / counts.sum()
    expected = [np.quantile(np.repeat(row, counts), probabilities, method="inverted_cdf") for row in values]
    actual = weighted_quantiles(values, counts / counts.sum(), probabilities)
    assert (np.array(expected) == actual).all()


def test_weights_with_a_bound() -> None:
    """A tail that ends at a bound has a negative k, and nothing overflows on the way."""
    rng = np.random.default_rng(4)
    ratios = np.minimum(rng.exponential(size=4000), 1.0) + 1e-9 * rng.uniform(size=4000)
    found = smooth(np.log(0.5 + rng.beta(2.0, 0.5, 4000)))
    assert found.pareto_k < 0.0
    assert smooth(np.log(ratios)).weights.sum() == pytest.approx(1.0)


def test_weights_over_too_many_orders_of_magnitude() -> None:
    """Where rounding loses the fit the weights are known not to hold."""
    log_ratios = -1000.0 * np.random.default_rng(5).exponential(size=4000)
    assert smooth(log_ratios).pareto_k > 0.7
    assert np.inf == fit_generalised_pareto(np.array([1e-300] * 40 + [1e-200, 1e-100, 1.0]))[0]


@pytest.mark.parametrize("n_low", [1, 100, 3000])
def test_a_tail_at_the_largest_ratio_is_none(n_low: int) -> None:
    """Where the whole tail has the largest ratio, ratios are bounded: nothing is smoothed, and k is minus infinity."""
    log_ratios = np.concatenate([np.linspace(-9.0, -1.0, n_low), np.full(4000 - n_low, 2.0)])
    found = smooth(np.random.default_rng(6).permutation(log_ratios))
    raw = np.exp(np.random.default_rng(6).permutation(log_ratios) - 2.0)
    assert -np.inf == found.pareto_k
    np.testing.assert_allclose(found.weights, raw / raw.sum(), rtol=1e-12, atol=0)
