"""Tables and logistic rows: what they share, and the prior sd of each."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.model.layout import lay_out
from forecast.sampling.spec import rows_prior
from forecast.workspace.records import Cpt, Kind
from tests.sampling.cpt_worlds import COMPOUND, LOGISTIC, NET, TABLE, Drawn, additive
from tests.worlds import SHARED, event, network

Array = NDArray[np.float64]
ROOT = event("root", "constant", ["a", "b", "c", "d"])
MOOD = event("mood", "constant")


def log_odds_map(cpt: Cpt, kind: Kind = "status", card: int = 3) -> Array:
    """Log-odds of the last state (or of the last step) against the first, by row (rows, coordinates)."""
    states = [f"s{x}" for x in range(card)]
    layout = lay_out(network(ROOT, MOOD, event("it", kind, states, ["root", "mood"], cpt=cpt)))
    prior = rows_prior(layout)
    eta = prior.eta @ np.eye(prior.n_coordinates)
    v = layout.index["it"]
    first, rows, width = layout.offsets[v], layout.n_rows(v), layout.width(v)
    if kind == "reached":
        by_theta = dict(zip(additive(prior).reached.tolist(), eta[additive(prior).reached_eta], strict=True))
        return np.array([by_theta[first + row * width + width - 1] for row in range(rows)])
    logits = (additive(prior).logits @ eta)[-rows * card :].reshape(rows, card, -1)
    return np.asarray(logits[:, -1] - logits[:, 0])


@pytest.mark.parametrize("kind", ["status", "reached"])
def test_table(kind: Kind) -> None:
    """The rows of a table are independent, with log-odds of sd 3 between two states."""
    rows = log_odds_map(TABLE, kind)
    np.testing.assert_allclose(9.0 * np.eye(8), rows @ rows.T, atol=1e-12)


@pytest.mark.parametrize("kind", ["status", "reached"])
def test_logistic_is_linear_in_the_score(kind: Kind) -> None:
    """From one state of a parent to the next the log-odds change by the same amount, whatever the others are in."""
    rows = log_odds_map(LOGISTIC, kind).reshape(4, 2, -1)
    np.testing.assert_allclose(0.0, np.diff(rows, n=2, axis=0), atol=1e-12)
    np.testing.assert_allclose(0.0, np.diff(np.diff(rows, axis=0), axis=1), atol=1e-12)


@pytest.mark.parametrize("kind", ["status", "reached"])
def test_logistic_prior(kind: Kind) -> None:
    """Log-odds in mid-score have sd 1.5, and a parent's whole range moves them by sd 2.5, for two parents."""
    rows = log_odds_map(LOGISTIC, kind).reshape(4, 2, -1)
    variance = np.square(rows.mean(axis=(0, 1))).sum()
    assert pytest.approx(1.5**2) == variance
    for ends in (rows[3, 0] - rows[0, 0], rows[0, 1] - rows[0, 0]):
        assert pytest.approx(2.5**2 * 2.0 / 2) == np.square(ends).sum()


@pytest.mark.parametrize("kind", ["status", "reached"])
def test_logistic_with_binary_parents(kind: Kind) -> None:
    """With binary parents logistic rows have the prior of shared ones less the part of each row's own."""
    parents = [event("p", "constant"), event("q", "constant")]

    def covariance(cpt: Cpt) -> Array:
        layout = lay_out(network(*parents, event("it", kind, ["x", "y", "z"], ["p", "q"], cpt=cpt)))
        prior = rows_prior(layout)
        eta = (prior.eta @ np.eye(prior.n_coordinates))[2:]  # after one each of the parents
        return np.asarray(eta @ eta.T)

    own = 0.3**2 * np.eye(8) * (1.0 if kind == "reached" else 0.5)
    np.testing.assert_allclose(covariance(SHARED) - own, covariance(LOGISTIC), atol=1e-12)


def test_prior_of_noisy_rows() -> None:
    """Leaks have log-odds N(-2, 1.5^2), net links N(0, 1.5^2), what a compound link raises N(2, 1.5^2)."""
    for cpt, mean in ((NET, 0.0), (COMPOUND, 2.0)):
        prior = rows_prior(lay_out(network(MOOD, event("it", "status", parents=["mood"], cpt=cpt))))
        eta, spread = prior.eta, prior.eta.weights @ np.eye(prior.n_coordinates)
        np.testing.assert_allclose([-2.0, mean], eta.mean[1:], atol=0)
        np.testing.assert_allclose(1.5**2 * np.eye(2), spread[1:] @ spread[1:].T, atol=1e-12)


def test_without_parents() -> None:
    """An event without parents has one row: of sd 3 as a table."""
    layout = lay_out(network(event("it", "constant", cpt=TABLE)))
    prior = rows_prior(layout)
    logits = additive(prior).logits @ (prior.eta @ np.eye(prior.n_coordinates))
    assert pytest.approx(9.0) == float(np.square(logits[1] - logits[0]).sum())


def test_rows_of_every_kind_sum_to_one() -> None:
    """Theta of nominal rows is a distribution under both additive alternatives."""
    for cpt in (TABLE, LOGISTIC):
        drawn = Drawn(network(ROOT, MOOD, event("it", "status", ["x", "y", "z"], ["root", "mood"], cpt=cpt)))
        for states in product(range(4), range(2)):
            assert pytest.approx(1.0, abs=1e-12) == sum(drawn.row("it", *states))
