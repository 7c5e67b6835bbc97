"""Other coordinates for the same distribution: half-normal scales as normal scores, ridges made round."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
import pytest
from numpy.typing import NDArray
from scipy import stats

from forecast.sampling.model import LONG, Density, NormalScores, whitened

Array = NDArray[np.float64]
SD = 0.25


SCORES = np.linspace(-6.0, 8.0, 57)


def test_scores_are_as_improbable() -> None:
    """A scale and its score are equally far out in a half-normal and a normal distribution, and back again."""
    scale = NormalScores(SD).backward(pt.as_tensor(SCORES)).eval()
    np.testing.assert_allclose(stats.halfnorm.isf(stats.norm.sf(SCORES), scale=SD), scale, rtol=1e-7)
    np.testing.assert_allclose(SCORES, NormalScores(SD).forward(pt.as_tensor(scale)).eval(), rtol=1e-7, atol=1e-7)


def test_a_half_normal_scale_has_a_normal_score() -> None:
    """The density of a half-normal scale times the Jacobian is the standard normal density of the score."""
    transform, z = NormalScores(SD), pt.as_tensor(SCORES)
    scale, log_jacobian = transform.backward(z).eval(), transform.log_jac_det(z).eval()
    np.testing.assert_allclose(stats.norm.logpdf(SCORES), stats.halfnorm.logpdf(scale, scale=SD) + log_jacobian)


def _normal(precision: Array, mean: Array) -> Density:
    def value_and_gradient(x: Array) -> tuple[float, Array]:
        slope = -precision @ (x - mean)
        return float((x - mean) @ slope / 2.0), slope

    return Density(mean.size, value_and_gradient, lambda _seed: np.zeros(mean.size), lambda x: {"x": x})


def _ridge(n: int) -> tuple[Array, Array]:
    """Return precision and mean of variables of many scales along a ridge, a hundred times as long as wide."""
    rng = np.random.default_rng(n)
    scale = np.exp(rng.normal(size=n))
    covariance = scale * (np.eye(n) + 1e4 / n * np.ones((n, n))) * scale[:, np.newaxis] / 1e4
    return np.linalg.inv(covariance), rng.normal(size=n)


@pytest.mark.parametrize("n", [2, 5, 40])
def test_a_ridge_becomes_round(n: int) -> None:
    """In whitened coordinates no direction of a normal distribution is much longer than another."""
    precision, mean = _ridge(n)
    white = whitened(_normal(precision, mean), 0)
    slopes = (
        np.array([white.value_and_gradient(unit)[1] for unit in np.eye(n)]) - white.value_and_gradient(np.zeros(n))[1]
    )
    curvature = np.linalg.eigvalsh(-(slopes + slopes.T) / 2.0)
    assert curvature.min() > 1.0 / LONG / 1.01
    assert curvature.max() < LONG * 1.01
    assert np.linalg.cond(precision) > 100 * curvature.max() / curvature.min()


@pytest.mark.parametrize("n", [2, 40])
def test_it_is_the_same_distribution(n: int) -> None:
    """The density at y is the density at the x it stands for, and its gradient that of the composition."""
    density = _normal(*_ridge(n))
    white = whitened(density, 0)
    rng = np.random.default_rng(1)
    for y in rng.normal(size=(5, n)):
        value, slope = white.value_and_gradient(y)
        at = white.variables(y)["x"]
        assert density.value_and_gradient(at)[0] == pytest.approx(value, rel=1e-12)
        towards = rng.normal(size=n)
        values = [density.value_and_gradient(white.variables(y + t * towards)["x"])[0] for t in (-1e-4, 1e-4)]
        assert (values[1] - values[0]) / 2e-4 == pytest.approx(float(slope @ towards), rel=1e-5, abs=1e-5)
    many = rng.normal(size=(2, 3, n))
    np.testing.assert_allclose(white.variables(many)["x"][1, 2], white.variables(many[1, 2])["x"], rtol=1e-12)
