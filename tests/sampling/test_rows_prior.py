"""The prior of CPT rows against its definition by zero-sum normals."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax

from forecast.inference.tape import linear_map, zero_sum_basis
from forecast.model.layout import Layout, lay_out
from forecast.sampling.spec import rows_prior, theta_draws
from tests.sampling.cpt_worlds import additive
from tests.worlds import event, network

Array = NDArray[np.float64]
SD_ALPHA, SD_BETA, SD_EPSILON = 1.5, 2.5, 0.3

NET = network(
    event("root", "constant", ["a", "b", "c", "d"]),
    event("mood", "status", ["low", "high"]),
    event("talks", "status", ["off", "on", "deep"], parents=["root", "mood"]),
    event("steps", "reached", ["none", "one", "two"], parents=["root", "talks"]),
)


def logits_covariance(layout: Layout) -> Array:
    """Covariance of all nominal log-odds, events and rows and states in layout order, from the recipe's matrices."""
    prior = rows_prior(layout)
    matrix = additive(prior).logits @ np.eye(prior.eta.mean.size) @ (prior.eta @ np.eye(prior.n_coordinates))
    return np.asarray(matrix @ matrix.T)


def expected_covariance(layout: Layout, v: int, numbers: int) -> Array:
    """Covariance of eta over (rows, numbers) of one event by the formula, its zero-sum parts of scale sd / sqrt 2.

    Nominal events have `numbers` states that sum to zero; of a reached event one step stands alone (numbers = 1).
    """
    sd = 1.0 if numbers == 1 else np.sqrt(0.5)
    over_states = np.eye(1) if numbers == 1 else np.eye(numbers) - 1.0 / numbers
    rows = layout.configurations(v)
    shared = np.zeros((len(rows), len(rows)))
    for i, j in product(range(len(rows)), repeat=2):
        shared[i, j] = (SD_ALPHA * sd) ** 2 + (SD_EPSILON * sd) ** 2 * (i == j)
        for p, (x, y) in zip(layout.parents[v], zip(rows[i], rows[j], strict=True), strict=True):
            effect = (SD_BETA * sd) ** 2 * ((x == y) - 1.0 / layout.cards[p])
            shared[i, j] += effect / len(layout.parents[v])
    return np.asarray(np.kron(shared, over_states), dtype=float)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_basis(n: int) -> None:
    """The basis is orthonormal and its vectors sum to zero."""
    basis = zero_sum_basis(n)
    np.testing.assert_allclose(np.eye(n - 1), basis.T @ basis, atol=1e-14)
    np.testing.assert_allclose(0.0, basis.sum(axis=0), atol=1e-14)


def test_nominal_rows() -> None:
    """Rows of status and constant events have the covariance of their zero-sum parts, equal for all states."""
    layout = lay_out(NET)
    covariance = logits_covariance(layout)
    start = 0
    for v, one in enumerate(layout.events):
        if one.kind == "reached":
            continue
        size = layout.n_rows(v) * layout.cards[v]
        own = slice(start, start + size)
        np.testing.assert_allclose(expected_covariance(layout, v, layout.cards[v]), covariance[own, own], atol=1e-12)
        np.testing.assert_allclose(0.0, np.delete(covariance[own], np.r_[own], axis=1), atol=1e-12)
        start += size
    assert covariance.shape[0] == start


def test_log_odds_between_two_states() -> None:
    """With no parents the log-odds between any two states have variance 1.5^2 + 0.3^2, whatever their number."""
    covariance = logits_covariance(lay_out(network(event("root", "constant", ["a", "b", "c", "d"]))))
    for x, y in [(0, 1), (0, 3), (1, 2)]:
        variance = covariance[x, x] + covariance[y, y] - 2.0 * covariance[x, y]
        assert SD_ALPHA**2 + SD_EPSILON**2 == pytest.approx(variance)


def test_steps() -> None:
    """Every step of a reached event has binary log-odds of its own, with the same covariance over its rows."""
    layout = lay_out(NET)
    prior = rows_prior(layout)
    matrix = (prior.eta @ np.eye(prior.n_coordinates))[additive(prior).reached_eta]
    covariance = matrix @ matrix.T
    v = layout.index["steps"]
    expected = np.kron(expected_covariance(layout, v, 1), np.eye(2))  # theta holds row after row, both steps of each
    order = np.argsort(additive(prior).reached)
    np.testing.assert_allclose(expected, covariance[np.ix_(order, order)], atol=1e-12)


@pytest.mark.trust
def test_against_pymc() -> None:
    """The parts are pm.ZeroSumNormal: same covariance of a two-axis effect, sampled."""
    pm = pytest.importorskip("pymc")
    effect = pm.ZeroSumNormal.dist(sigma=np.sqrt(0.5), n_zerosum_axes=2, shape=(4, 3))
    drawn = np.asarray(pm.draw(effect, draws=40_000, random_seed=1, mode="FAST_COMPILE")).reshape(40_000, -1)
    basis = np.kron(zero_sum_basis(4), zero_sum_basis(3)) * np.sqrt(0.5)
    np.testing.assert_allclose(basis @ basis.T, np.cov(drawn.T), atol=0.01)


def test_theta() -> None:
    """Theta is the softmax of nominal log-odds and -ln(1 - expit(eta)) of steps, also far out."""
    layout = lay_out(NET)
    prior = rows_prior(layout)
    rng = np.random.default_rng(2)
    coordinates = rng.normal(size=(prior.n_coordinates, 5)) * np.array([0.1, 1.0, 1.0, 10.0, 30.0])
    theta = theta_draws(prior, coordinates)
    eta = (prior.eta @ np.eye(prior.n_coordinates)) @ coordinates
    logits = additive(prior).logits @ np.eye(prior.eta.mean.size) @ eta
    start = 0
    for v, one in enumerate(layout.events):
        own = slice(layout.offsets[v], layout.offsets[v] + layout.n_rows(v) * layout.width(v))
        if one.kind == "reached":
            np.testing.assert_allclose(
                np.logaddexp(0.0, eta[additive(prior).reached_eta]), theta[additive(prior).reached], rtol=1e-12
            )
            continue
        size = layout.n_rows(v) * layout.cards[v]
        rows = logits[start : start + size].reshape(layout.n_rows(v), layout.cards[v], -1)
        np.testing.assert_allclose(softmax(rows, axis=1).reshape(size, -1), theta[own], rtol=1e-11)
        start += size


def test_padded_map() -> None:
    """The padded form of a linear map is the same map; a row without entries gives zero."""
    mapped = linear_map([{2: 1.0, 0: -0.5}, {}, {1: 3.0}])
    columns, weights = mapped.padded()
    x = np.array([1.0, 10.0, 100.0])
    assert (3, 2) == columns.shape
    np.testing.assert_array_equal([99.5, 0.0, 30.0], (weights * x[columns]).sum(axis=1))
    np.testing.assert_array_equal((mapped @ x[:, np.newaxis])[:, 0], (weights * x[columns]).sum(axis=1))
