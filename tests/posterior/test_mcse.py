"""Monte Carlo errors of weighted means against ArviZ's, against repeated chains, and against closed forms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.analysis.chronology import Pooled, log_constant
from forecast.posterior.sources import Reliabilities, StagedSources
from forecast.posterior.weights import averages, deviations, ess, quantile_errors, standard_error
from forecast.sampling.settings import CHAINS

Array = NDArray[np.float64]
AXES = {"chain_axis": 0, "draw_axis": 1}


def _chains(rng: np.random.Generator, rho: float, length: int, rows: int = 1) -> Array:
    """Rows of CHAINS stationary autoregressive chains of unit variance, one after the other (rows, draws)."""
    noise = rng.standard_normal((rows, CHAINS, length))
    x = np.empty_like(noise)
    x[..., 0] = noise[..., 0]
    for t in range(1, length):
        x[..., t] = rho * x[..., t - 1] + np.sqrt(1.0 - rho**2) * noise[..., t]
    return x.reshape(rows, -1)


@pytest.mark.parametrize("length", [25, 26, 101, 250, 1000])
@pytest.mark.parametrize("rho", [-0.95, -0.3, 0.0, 0.5, 0.9, 0.99])
def test_equal_weights_give_the_errors_of_arviz(rho: float, length: int) -> None:
    """ESS and MCSE of means are those of ArviZ (method "mean"), for chains that remember and chains that swing."""
    from arviz_stats.base import array_stats

    x = _chains(np.random.default_rng(length), rho, length, rows=10)
    by_chain = x.reshape(10, CHAINS, length)
    expected = [float(array_stats.ess(row, method="mean", **AXES)) for row in by_chain]
    np.testing.assert_allclose(ess(x), expected, rtol=1e-9)
    found = averages(x, np.full(CHAINS * length, 1.0 / (CHAINS * length)))
    errors = [float(array_stats.mcse(row, method="mean", **AXES)) for row in by_chain]
    np.testing.assert_allclose(found.mcse, errors, rtol=1e-9)
    np.testing.assert_allclose(found.mean, x.mean(axis=1), atol=1e-12)
    n = CHAINS * length
    np.testing.assert_allclose(found.ess, np.array(expected) * (n - 1) / n, rtol=1e-9)


def test_chains_that_do_not_agree_count_little() -> None:
    """Chains that stay in places of their own are a draw or so each, as ArviZ has it."""
    from arviz_stats.base import array_stats

    x = _chains(np.random.default_rng(1), 0.2, 500) + np.repeat([0.0, 0.0, 5.0, 5.0], 500)
    expected = float(array_stats.ess(x.reshape(CHAINS, 500), method="mean", **AXES))
    assert [pytest.approx(expected, rel=1e-9)] == ess(x).tolist()
    assert expected < 8.0


def _share(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


@pytest.mark.parametrize("rho", [0.0, 0.9])
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_the_error_is_the_scatter_of_repeated_chains(rho: float, strength: float) -> None:
    """Of importance-weighted means too: the root mean square of the errors told is their scatter over 400 samples.

    Draws of N(0, 1) are weighed by exp(strength x), so the target is N(strength, 1). The error of that scatter is
    3.5 %, and the same samples are drawn on every machine.
    """
    means, errors, naive = [], [], []
    for x in _chains(np.random.default_rng(1), rho, 500, rows=400):
        weights, values = np.exp(strength * x), _share(x)
        weights /= weights.sum()
        found = averages(values[np.newaxis], weights)
        means.append(found.mean[0])
        errors.append(found.mcse[0])
        naive.append(np.sqrt(np.square(weights) @ np.square(values - found.mean[0])))
    told = np.sqrt(np.mean(np.square(errors)))
    assert np.std(means) == pytest.approx(told, rel=0.12)
    if rho == 0.9:  # what counts the draws as independent tells less than half of it
        assert np.mean(naive) < 0.5 * told


def test_the_error_of_a_mean_in_closed_form() -> None:
    """The mean of n draws that remember rho has variance (1 + rho)/(1 - rho)/n: it is worth n (1 - rho)/(1 + rho)."""
    rho, length = 0.8, 5000
    x = _chains(np.random.default_rng(5), rho, length, rows=40)
    n = CHAINS * length
    expected = n * (1.0 - rho) / (1.0 + rho)
    assert ess(x).mean() == pytest.approx(expected, rel=0.03)
    found = averages(x, np.full(n, 1.0 / n))
    assert found.mcse.mean() == pytest.approx(1.0 / np.sqrt(expected), rel=0.03)


def test_the_error_of_a_difference_is_paired() -> None:
    """Two weightings of the same draws err together: the error of their difference is its own scatter over samples."""
    changes, errors, apart = [], [], []
    for x in _chains(np.random.default_rng(2), 0.7, 250, rows=400):
        weights = np.full(x.size, 1.0 / x.size)
        other = np.exp(0.3 * x)
        other /= other.sum()
        values = _share(x)[np.newaxis]
        changes.append((values @ other - values @ weights)[0])
        errors.append(standard_error(deviations(values, other) - deviations(values, weights))[0])
        apart.append(np.hypot(averages(values, other).mcse[0], averages(values, weights).mcse[0]))
    assert np.std(changes) == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=0.12)
    assert np.mean(apart) > 2.0 * np.std(changes)


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_draws_of_two_fits_err_apart(rho: float) -> None:
    """Draws of N(0, 1) and of it times L, with the constant estimated: the error told is the scatter over samples."""
    means, errors, rng = [], [], np.random.default_rng(4)
    for before, other in zip(_chains(rng, rho, 250, rows=400), _chains(rng, rho, 250, rows=400), strict=True):
        after = 1.0 + np.sqrt(1.0 / 3.0) * other
        x = np.concatenate([before, after])
        log_ratio = -np.square(x - 1.5)  # N(0, 1) times this is N(1, 1/3)
        log_proposal = np.logaddexp(np.log(0.5), np.log(0.5) + log_ratio - log_constant(log_ratio, before.size))
        nobody = StagedSources(
            Reliabilities(sources=(), grids=(), nodes=np.zeros((0, 0), int), log_correction=x), (), 0
        )
        pooled = Pooled(x[np.newaxis], log_proposal, 0, nobody, 1.0 - np.exp(np.log(0.5) - log_proposal))
        found = pooled._weighed(-np.square(x - 0.7), _share(x)[np.newaxis])
        means.append(found.shares[0])
        errors.append(pooled.error(found.deviations)[0])
    assert np.std(means) == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=0.15)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-9, 1e9), shift=st.floats(-10.0, 10.0))
def test_laws_of_errors(seed: int, scale: float, shift: float) -> None:
    """Errors are positive and finite, scale with the values, and hang neither on a shift nor on the chains' order."""
    rng = np.random.default_rng(seed)
    x = _chains(rng, 0.5, 40, rows=3)
    weights = rng.exponential(size=160)
    weights /= weights.sum()
    found = averages(x, weights)
    assert np.isfinite(found.mcse).all()
    assert (found.mcse > 0.0).all()
    np.testing.assert_allclose(averages(scale * x, weights).mcse, scale * found.mcse, rtol=1e-9)
    np.testing.assert_allclose(averages(x + shift, weights).mcse, found.mcse, rtol=1e-7)
    swapped = np.arange(160).reshape(CHAINS, -1)[[2, 0, 3, 1]].ravel()
    np.testing.assert_allclose(averages(x[:, swapped], weights[swapped]).mcse, found.mcse, rtol=1e-9)


KNOWN: dict[str, Callable[[Array], Array]] = {
    "certain": np.ones_like,
    "impossible": np.zeros_like,
    "but for rounding": lambda x: 0.3 + 1e-16 * x,
}


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_the_same_in_all_draws_has_no_error(name: str) -> None:
    """A probability that does not vary is known, and rests on as many draws as the weights leave."""
    x = _chains(np.random.default_rng(3), 0.5, 100)
    weights = np.where(np.arange(400) < 50, 0.02, 0.0)
    found = averages(KNOWN[name](x), weights)
    assert ([0.0], [pytest.approx(50.0)]) == (found.mcse.tolist(), found.ess.tolist())


def test_few_draws_count_as_independent() -> None:
    """Of fewer than four draws a chain nothing can be told of a memory: sd over the root of their number."""
    x = np.array([[0.1, 0.4, 0.2, 0.9, 0.5]])
    found = averages(x, np.full(5, 0.2))
    assert [pytest.approx(x.std(ddof=1) / np.sqrt(5))] == found.mcse.tolist()
    assert [0.0] == averages(np.array([[0.4]]), np.ones(1)).mcse.tolist()


def test_draws_that_are_no_chains_are_refused() -> None:
    """Draws of chains of unequal length would be split in the wrong places."""
    with pytest.raises(ValueError, match="41 draws are not 4 chains of equal length"):
        ess(np.zeros((1, 41)))


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.9])
def test_the_error_of_a_quantile_is_the_scatter_of_repeated_chains(rho: float) -> None:
    """Of probabilities that pile up near 0: the errors told of their 5 and 95 % quantiles are their scatter."""
    levels = [0.05, 0.95]
    told, found = [], []
    for x in _chains(np.random.default_rng(2), rho, 500, rows=300):
        values = _share(1.5 * x - 1.5)
        told.append(quantile_errors(values, levels))
        found.append(np.quantile(values, levels))
    scatter = np.std(found, axis=0)
    assert np.sqrt(np.mean(np.square(told), axis=0)) == pytest.approx(scatter, rel=0.2)
    assert scatter[0] < scatter[1] / 3.0  # the end near 0 is known far better


def test_a_quantile_of_equal_draws_has_no_error() -> None:
    """Draws that are all the same have quantiles without an error."""
    assert (0.0, 0.0) == quantile_errors(np.full(400, 0.3), [0.05, 0.95])
