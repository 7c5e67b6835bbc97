"""Parents with a direction: the prior orders their rows in every draw, and leaves the level and the others alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.model.layout import Layout, lay_out
from forecast.sampling.program import record_theta
from forecast.sampling.spec import RowsPrior, rows_prior, theta_draws
from forecast.workspace.records import Cpt, Kind
from tests.sampling.cpt_worlds import LOGISTIC
from tests.sampling.interpreter import interpret
from tests.worlds import SHARED, event, network

Array = NDArray[np.float64]
EVERY = pytest.mark.parametrize(("kind", "cpt"), [(k, c) for k in ("reached", "status") for c in (SHARED, LOGISTIC)])
UP, DOWN = ("x", "y", "z"), ("z", "y", "x")


def directed(kind: Kind, cpt: Cpt, raises: tuple[str, ...] = ("a",), lowers: tuple[str, ...] = ("b",)) -> Layout:
    """An event of three states with parents a (three states), b and c (two), of which some have a direction."""
    parents = [event("a", "constant", UP), event("b", "constant"), event("c", "constant")]
    it = replace(event("it", kind, ["p", "q", "r"], ["a", "b", "c"], cpt=cpt), raises=raises, lowers=lowers)
    return lay_out(network(*parents, it))


def log_odds(layout: Layout, prior: RowsPrior, coordinates: Array) -> Array:
    """Log-odds of each step, or of each state against the one before (a, b, c, numbers, draws)."""
    v = layout.index["it"]
    theta = theta_draws(prior, coordinates)[layout.offsets[v] :].reshape(3, 2, 2, layout.width(v), -1)
    if layout.events[v].kind == "reached":
        return np.asarray(np.log(np.expm1(theta)))
    return np.diff(np.log(theta), axis=3)


def drawn(prior: RowsPrior, n: int = 2000) -> Array:
    """Coordinates from the prior (coordinates, draws)."""
    return np.random.default_rng(4).normal(size=(prior.n_coordinates, n))


@EVERY
def test_rows_are_ordered_in_every_draw(kind: Kind, cpt: Cpt) -> None:
    """Along a parent that raises every step (or later state) gains in every draw, along one that lowers it loses."""
    layout = directed(kind, cpt)
    rows = log_odds(layout, prior := rows_prior(layout), drawn(prior))
    assert (np.diff(rows, axis=0) > -1e-9).all()
    assert (np.diff(rows, axis=1) < 1e-9).all()
    assert 0.4 < (np.diff(rows, axis=2) > 0.0).mean() < 0.6


@EVERY
def test_probability_beyond_every_state(kind: Kind, cpt: Cpt) -> None:
    """With the log-odds the probability of going beyond any state rises along a parent that raises."""
    layout = directed(kind, cpt)
    v, prior = layout.index["it"], rows_prior(layout)
    theta = theta_draws(prior, drawn(prior))[layout.offsets[v] :].reshape(3, 2, 2, layout.width(v), -1)
    if kind == "reached":
        beyond = np.cumprod(-np.expm1(-theta), axis=3)
    else:
        beyond = 1.0 - np.cumsum(theta, axis=3)[:, :, :, :-1]
    assert (np.diff(beyond, axis=0) > -1e-12).all()


@EVERY
def test_lowering_is_raising_the_other_way_round(kind: Kind, cpt: Cpt) -> None:
    """A parent that lowers has the rows of one that raises, its states in reverse."""
    raised, lowered = directed(kind, cpt, ("a",), ()), directed(kind, cpt, (), ("a",))
    coordinates = drawn(rows_prior(raised), 5)
    expected = log_odds(raised, rows_prior(raised), coordinates)[::-1]
    np.testing.assert_allclose(expected, log_odds(lowered, rows_prior(lowered), coordinates), rtol=1e-9, atol=1e-9)


@EVERY
def test_a_direction_moves_no_level(kind: Kind, cpt: Cpt) -> None:
    """Over the states of a parent its effects sum to zero, whatever its rises are."""
    layout = directed(kind, cpt)
    prior = rows_prior(layout)
    labels = [*prior.alpha, *prior.beta, *prior.epsilon]
    before, after = np.zeros((len(labels), 1)), np.zeros((len(labels), 1))
    after[[i for i, label in enumerate(labels) if "|a rise" in label]] = 2.0
    rows, moved = log_odds(layout, prior, before), log_odds(layout, prior, after)
    np.testing.assert_allclose(rows.mean(axis=0), moved.mean(axis=0), atol=1e-9)
    assert (moved[2] - moved[0] > rows[2] - rows[0]).all()


@EVERY
def test_recorded_as_computed(kind: Kind, cpt: Cpt) -> None:
    """The sampler's program computes what numpy computes of the same coordinates."""
    prior = rows_prior(directed(kind, cpt))
    coordinates = drawn(prior, 1)
    recorded = interpret(record_theta(prior), coordinates[:, 0].tolist())
    np.testing.assert_allclose(theta_draws(prior, coordinates)[:, 0], recorded, rtol=1e-11)


def test_the_order_of_free_states_does_not_matter() -> None:
    """Beside a parent with a direction, the log-odds between the states of a free one keep their law."""
    rows = log_odds(layout := directed("status", SHARED), prior := rows_prior(layout), drawn(prior, 20_000))
    spread = (rows[:, :, 1] - rows[:, :, 0]).std(axis=-1)
    np.testing.assert_allclose(spread.mean(), spread, rtol=0.03)
