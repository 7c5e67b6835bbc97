"""Kept draws read anew: quantities against the enumeration, and the ratio of likelihoods against both sides by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.analysis.alternatives import Alternative, alternative_workspace
from forecast.model.layout import lay_out
from forecast.sampling.likelihood import log_likelihood, log_likelihood_ratio, log_prior_ratio, quantities
from forecast.sampling.program import record_program
from forecast.sampling.spec import PriorSpec, prior_spec, rows_prior, theta_draws
from forecast.workspace.records import Count, Distribution, Item, Likelihood, Resolution, Settled, Workspace
from tests.oracle.random_worlds import named, random_world
from tests.oracle.statements import Reader, random_statements
from tests.sampling.interpreter import interpret
from tests.sampling.test_program_against_enumeration import in_order
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, statement, target, workspace

Array = NDArray[np.float64]
DRAWS = 7
DAY = date(2025, 7, 1)
AS_OF = date(2025, 9, 1)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_what_statements_read(seed: int, n: int) -> None:
    """Every quantity is the enumeration's, in every draw, whatever was known and whatever is asked."""
    world, rng = random_world(seed, n, n_reports=4), np.random.default_rng(seed + 1)
    theta = theta_draws(prior := rows_prior(world.layout), rng.normal(size=(prior.n_coordinates, DRAWS)))
    reader = Reader(world.workspace, named(world.layout, theta))
    spoken = replace(world.workspace, statements=tuple(random_statements(rng, reader, 6)))
    spec = replace(prior_spec(world.layout, spoken, HORIZON), rows=rows_prior(world.layout))  # of x, whatever is stated
    expected = [row for one in in_order(spec, list(spoken.statements)) for row in reader.implied(one)]
    rows = rng.permutation(len(expected)).tolist()
    found = quantities(spec, theta, rows)
    implied = np.array([expected[row] for row in rows]).reshape(len(rows), DRAWS)  # of no statement, too
    np.testing.assert_allclose(implied, found.reshape(len(rows), DRAWS), rtol=0, atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_draws_read_what_the_sampler_reads(seed: int, n: int) -> None:
    """The masses of a side stand twice: on the tape with what cancels left out, on draws with all. They agree."""
    world, rng = random_world(seed, n, n_reports=4), np.random.default_rng(seed + 1)
    x = rng.normal(size=((prior := rows_prior(world.layout)).n_coordinates, 1))
    theta = theta_draws(prior, x)
    reader = Reader(world.workspace, named(world.layout, theta))
    spoken = replace(world.workspace, statements=tuple(random_statements(rng, reader, 6)))
    spec = replace(prior_spec(world.layout, spoken, HORIZON), rows=rows_prior(world.layout))  # of x, whatever is stated
    expected = interpret(record_program(spec), x[:, 0].tolist())
    found = quantities(spec, theta, range(spec.quantities.n_rows))
    np.testing.assert_allclose(expected, found[:, 0], rtol=0, atol=1e-9)


NET = network(
    event("cause"),
    event("mood", "constant", ["bad", "fair", "good"]),
    event("effect", "status", parents=["cause", "mood"]),
)
SAID = (
    statement("a-effect", target("effect", "yes"), 0.7, day=DAY, sd=0.3),
    statement("a-mood", target("mood", "bad"), 0.25, day=DAY, sd=0.4),
    statement("b-effect", target("effect", "yes", given={"mood": "good"}), 0.3, expert="bob", day=DAY, coded_by="ed"),
    statement("b-count", target("cause", "yes"), Count(2, 7, "window", None), expert="bob"),
    statement("c-mood", target("mood", "bad", "fair", "good"),
        Distribution({"bad": 0.2, "fair": 0.5, "good": 0.3}, 0.6), expert="cat", day=DAY),
    statement("editors-cause", target("cause", "yes"), 0.4, expert="editors"),
)  # fmt: skip
ITEMS = (
    item("fact", DAY - timedelta(days=40), Settled("cause", "yes", HERE), source="blog"),
    item("talk", DAY, Likelihood("mood", {"bad": 0.1, "fair": 0.4, "good": 1.0}, None, HERE), source="agency"),
    item("late", DAY + timedelta(days=9), Likelihood("mood", {"bad": 1.0, "fair": 0.4, "good": 0.1}, None, HERE)),
)
GROUPS = {"ann": "east", "bob": "west", "cat": "west", "editors": "editors"}
WORLD = workspace(NET, statements=SAID, items=ITEMS, experts=GROUPS)
LAYOUT = lay_out(NET)


def _spec(world: Workspace) -> PriorSpec:
    return prior_spec(LAYOUT, world, AS_OF)


PARTS = ("alpha", "beta", "epsilon")


def _fit(seed: int = 1) -> tuple[Array, dict[str, Array]]:
    """Theta, and a fit whose quantities are the enumeration's under what was known."""
    rng, spec = np.random.default_rng(seed), _spec(WORLD)
    x = rng.normal(size=(spec.rows.n_coordinates, DRAWS))
    theta = theta_draws(spec.rows, x)
    ends = np.cumsum([len(spec.rows.alpha), len(spec.rows.beta)])
    coordinates = {name: part.T[np.newaxis] for name, part in zip(PARTS, np.split(x, ends), strict=True)}
    deviation = rng.normal(size=(1, DRAWS, len(spec.deviation_labels)))
    return theta, {"quantity": _implied(WORLD, theta), "deviation": deviation, **coordinates}


def _implied(world: Workspace, theta: Array) -> Array:
    reader = Reader(world, named(LAYOUT, theta))
    told = in_order(_spec(world), list(world.statements))
    return np.array([row for one in told for row in reader.implied(one)]).T[np.newaxis]


ALTERNATIVES = {
    "nothing": Alternative(),
    "expert": Alternative(without_experts=("ann",)),
    "group": Alternative(without_groups=("west",)),
    "editors": Alternative(without_editors=True),
    "alike": Alternative(equal_weights=True),
    "fact": Alternative(without_sources=("blog",)),
    "talk": Alternative(without_sources=("agency",)),
    "both": Alternative(without_sources=("agency", "blog"), without_groups=("east",)),
    "late": Alternative(without_sources=("wire",)),
}


@pytest.mark.parametrize("name", ALTERNATIVES)
def test_ratio_is_what_both_sides_say(name: str) -> None:
    """It is the log likelihood of all statements there less that of all here, and the same of the priors.

    Up to a constant, experts gone or not. The ratio of the priors by itself is held to normal densities elsewhere.
    """
    theta, fit = _fit()
    other, spec = alternative_workspace(WORLD, ALTERNATIVES[name]), _spec(WORLD)
    there = _spec(other)
    columns = [spec.deviation_labels.index(label) for label in there.deviation_labels]
    read = {"quantity": _implied(other, theta), "deviation": fit["deviation"][..., columns]}
    expected = log_likelihood(there, read, there.statement_ids) - log_likelihood(spec, fit, spec.statement_ids)
    prior = log_prior_ratio(spec.rows, there.rows, fit)
    found = log_likelihood_ratio(spec, there, theta, fit)
    assert found is not None
    assert prior is not None
    expected = expected + prior
    np.testing.assert_allclose(np.diff(expected), np.diff(found), rtol=0, atol=1e-9)
    moves = name not in {"nothing", "late"}
    assert moves == bool(np.ptp(found) > 1e-6)


def test_draws_that_lack_a_variable() -> None:
    """Nobody's deviation can be told from draws without it, nor the bias of somebody with another record."""
    theta, fit = _fit()
    fewer = _spec(alternative_workspace(WORLD, ALTERNATIVES["group"]))
    assert log_likelihood_ratio(fewer, _spec(WORLD), theta, fit) is None
    resolved = [
        statement(f"r-{n}", target("mood", "good"), 0.5, resolved=Resolution("good", OPENS, None)) for n in range(12)
    ]
    rated = _spec(replace(WORLD, statements=tuple(sorted((*SAID, *resolved), key=lambda one: one.id))))
    assert rated.rated == ("ann",)
    assert log_likelihood_ratio(_spec(WORLD), rated, theta, fit) is None


def test_items_of_the_world_are_known_to_somebody() -> None:
    """The world of this file has evidence from before, on, and after the day on which people spoke."""
    days: list[Item] = sorted(ITEMS, key=lambda one: one.reported)
    assert [-1, 0, 1] == [np.sign((one.reported - DAY).days) for one in days]
