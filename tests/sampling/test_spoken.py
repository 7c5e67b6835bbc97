"""The prior of what people put numbers on is wide; that of what nobody spoke of is the prior of its kind."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from forecast.cpt.kind import Spoken
from forecast.model.layout import lay_out
from forecast.sampling.likelihood import log_prior_ratio
from forecast.sampling.spec import prior_spec, rows_prior, spoken_of
from forecast.workspace.records import Cpt, Event, MoreLikelyThan, Times
from tests.sampling.cpt_worlds import COMPOUND, LOGISTIC, NET, TABLE
from tests.worlds import OPENS, SHARED, event, network, statement, target, workspace

Array = NDArray[np.float64]
MAX = Cpt("noisy_max", None)
WHOLE, GIVEN_P = Spoken(as_a_whole=True), Spoken(given=frozenset({"p"}))
BOTH = Spoken(True, frozenset({"p"}))


def world(cpt: Cpt) -> tuple[Event, ...]:
    """Two binary parents and an event of one step."""
    return event("p"), event("q"), event("it", "reached", parents=["p", "q"], cpt=cpt)


def covariance(cpt: Cpt, spoken: Mapping[str, Spoken]) -> Array:
    """Covariance of the log-odds of the event `it`, in their order."""
    prior = rows_prior(lay_out(network(*world(cpt))), spoken)
    matrix = (prior.eta.weights @ np.eye(prior.n_coordinates))[2:]  # after one each of the parents
    return np.asarray(matrix @ matrix.T)


@pytest.mark.parametrize("cpt", [SHARED, TABLE, LOGISTIC, NET, COMPOUND, MAX], ids=lambda cpt: f"{cpt.kind} {cpt.leak}")
def test_nobody_spoke(cpt: Cpt) -> None:
    """What is said of one event leaves the prior of another as it is."""
    np.testing.assert_array_equal(covariance(cpt, {}), covariance(cpt, {"p": WHOLE, "q": WHOLE}))


@pytest.mark.parametrize("cpt", [SHARED, LOGISTIC])
def test_level(cpt: Cpt) -> None:
    """A number on the event as a whole widens what all rows share, from variance 1.5^2 to 2.5^2, and nothing else."""
    wider = covariance(cpt, {"it": WHOLE}) - covariance(cpt, {})
    np.testing.assert_allclose(np.full((4, 4), 2.5**2 - 1.5**2), wider, atol=1e-12)
    np.testing.assert_array_equal(covariance(cpt, {}), covariance(cpt, {"it": GIVEN_P}))


def test_table() -> None:
    """Rows of a table that is stated share a level of sd 3, and an effect of each parent that a condition names."""
    np.testing.assert_allclose(9.0 * np.eye(4) + 9.0, covariance(TABLE, {"it": WHOLE}), atol=1e-12)
    same_p = np.kron(np.eye(2), np.ones((2, 2)))
    effect = 2.5**2 / 2.0 * (same_p - 0.5)
    np.testing.assert_allclose(9.0 * np.eye(4) + effect, covariance(TABLE, {"it": GIVEN_P}), atol=1e-12)
    np.testing.assert_allclose(9.0 * np.eye(4) + 9.0 + effect, covariance(TABLE, {"it": BOTH}), atol=1e-12)


@pytest.mark.parametrize("cpt", [NET, COMPOUND, MAX])
def test_causes(cpt: Cpt) -> None:
    """The leak of a stated event has sd 3, and so have the links of a parent that a condition names."""
    np.testing.assert_allclose(np.diag([9.0, 2.25, 2.25]), covariance(cpt, {"it": WHOLE}), atol=1e-12)
    np.testing.assert_allclose(np.diag([9.0, 9.0, 2.25]), covariance(cpt, {"it": GIVEN_P}), atol=1e-12)


def test_what_is_spoken_of() -> None:
    """Numbers count, under conditions on parents and without; a comparison puts a number on neither side."""
    net = network(*world(SHARED))
    one, other = target("p", "yes"), target("q", "yes")
    said = [
        statement("times", one, Times(other, 2.0, None, None, 0.9, False)),
        statement("order", one, MoreLikelyThan(other)),
        statement("given", target("it", "yes", given={"p": "yes"}), 0.3),
        statement("backwards", target("q", "yes", given={"it": "yes"}), 0.3),
    ]
    world_ = workspace(net, statements=said, experts={"ann": "ann"})
    found = spoken_of(lay_out(net), world_, world_.statements)
    assert {"it": GIVEN_P, "q": WHOLE} == found


def test_ratio_of_priors() -> None:
    """Draws of one prior are weighed as draws of another by the ratio of the normal densities of the coefficients."""
    layout = lay_out(network(*world(SHARED)))
    wide, usual = rows_prior(layout, {"it": WHOLE, "p": WHOLE}), rows_prior(layout, {"p": WHOLE})
    rng = np.random.default_rng(3)
    fit = {name: rng.normal(size=(2, 5, len(getattr(wide, name)))) for name in ("alpha", "beta", "epsilon")}
    level = 2.5 * fit["alpha"].reshape(10, -1)[:, wide.alpha.index("it[0]")]
    expected = norm.logpdf(level, 0.0, 1.5) - norm.logpdf(level, 0.0, 2.5)
    found = log_prior_ratio(wide, usual, fit)
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(expected - expected[0], found - found[0], atol=1e-12)
    assert log_prior_ratio(wide, wide, fit) == 0.0
    table = lay_out(network(*world(TABLE)))
    assert log_prior_ratio(rows_prior(table, {"it": WHOLE}), rows_prior(table), fit) is None


def test_ratio_of_priors_with_many_states() -> None:
    """Of three states the basis has zeros; the ratio is that of the levels' densities all the same."""
    p, it = event("p", "constant", ("a", "b", "c")), event("it", "constant", ("x", "y", "z"), ["p"])
    layout = lay_out(network(p, it))
    wide, usual = rows_prior(layout, {"it": WHOLE}), rows_prior(layout)
    assert (usual.eta.weights.weight == 0.0).any()
    rng = np.random.default_rng(4)
    fit = {name: rng.normal(size=(2, 5, len(getattr(wide, name)))) for name in ("alpha", "beta", "epsilon")}
    columns = [place for place, name in enumerate(wide.alpha) if name.startswith("it")]
    level = 2.5 * fit["alpha"].reshape(10, -1)[:, columns]
    expected = (norm.logpdf(level, 0.0, 1.5) - norm.logpdf(level, 0.0, 2.5)).sum(axis=1)
    found = log_prior_ratio(wide, usual, fit)
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(expected - expected[0], found - found[0], atol=1e-12)


def test_a_spec_has_the_prior_of_its_statements() -> None:
    """Statements of a date decide what is wide on that date."""
    net = network(*world(SHARED))
    world_ = workspace(net, statements=[statement("one", target("it", "yes"), 0.02)], experts={"ann": "ann"})
    layout = lay_out(net)
    found, expected = prior_spec(layout, world_, OPENS).rows, rows_prior(layout, {"it": WHOLE})
    np.testing.assert_array_equal(expected.eta.weights.weight, found.eta.weights.weight)
