"""Answers about families that are chains: those about the same families as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from math import exp

import numpy as np
import pytest
from scipy.integrate import quad

from forecast.analysis.influence import arrow_joints
from forecast.analysis.story import stories
from forecast.analysis.supposition import read_supposition
from forecast.analysis.target import weighted
from forecast.analysis.watch import joints_on
from forecast.inference.batch import log_regions
from forecast.inference.elimination import plan
from forecast.inference.engine import ImpossibleEvidenceError
from forecast.ledger.outcome import Outcome
from forecast.model.asof import compile_opening, compile_workspace
from forecast.model.between import seen_status
from forecast.model.layout import lay_out
from forecast.sampling.spec import rows_prior, theta_draws
from forecast.workspace.records import Settled
from tests.analysis.worlds import AS_OF, outcome_of
from tests.oracle.random_worlds import named
from tests.oracle.test_causes import tables_up_to, world_of_causes
from tests.plainly import what_if
from tests.sampling.cpt_worlds import NOISY_MAX
from tests.worlds import HORIZON, event, network, workspace

SEEDS = range(10)


def as_tables_and_chains(seed: int) -> tuple[Outcome, Outcome]:
    """A random world of independent causes, without reports, whose families are tables, and chains."""
    world = world_of_causes(seed, 5, is_timed=seed % 3 == 0)
    settled = [one for one in world.workspace.items if all(isinstance(part, Settled) for part in one.bears_on)]
    known = replace(world.workspace, items=tuple(settled))
    made = []
    for entries in (10_000, 0):
        with tables_up_to(entries):
            try:
                made.append(outcome_of(known, world.flat, AS_OF))
            except ImpossibleEvidenceError:
                pytest.skip("the evidence of this world is impossible")
    tables, chains = made
    assert len(tables.posterior.asked.network.cards) == len(tables.layout.cards)
    return tables, chains


def test_some_worlds_have_chains() -> None:
    """Half of the worlds and more have a chain: the others would show nothing."""
    worlds = [world_of_causes(seed, 5, is_timed=False) for seed in SEEDS]
    with tables_up_to(0):
        chains = [any(one.auxiliary for one in compile_opening(world.layout).causes) for world in worlds]
    assert sum(chains) >= len(worlds) / 2


@pytest.mark.parametrize("seed", SEEDS)
def test_watching(seed: int) -> None:
    """P(scenario, state on a day) of reached events is the same; of a status it errs by little before its margins are
    restored.
    """
    tables, chains = as_tables_and_chains(seed)
    for days in (1, 120, 10_000):
        day = min(AS_OF + timedelta(days=days), HORIZON)
        expected, found = (joints_on(weighted(one.posterior), day) for one in (tables, chains))
        assert list(expected) == list(found)
        for v, joint in expected.items():
            off = 1e-10 if tables.layout.events[v].kind == "reached" or day == HORIZON else 0.02
            np.testing.assert_allclose(joint, found[v], rtol=0, atol=off)


def test_a_status_on_the_way() -> None:
    """P(at the horizon, on the day | parents): drawn anew by the day and by the horizon, from what the causes then do.

    Over each span the state is kept with exp(-days / persistence). A parent that moves does so on a uniform date; the
    last draw by the day comes before that with the mean over its age, exponential and cut off at the span.
    """
    names, tau = ("a", "b", "c"), 150.0
    parents = [event("a"), event("b", "constant"), event("c", "constant", ("x", "y", "z"))]
    net = network(*parents, event("mood", "status", parents=names, persistence_days=tau, cpt=NOISY_MAX))
    layout, day = lay_out(net), AS_OF + timedelta(days=100)
    prior = rows_prior(layout)
    theta = theta_draws(prior, np.random.default_rng(3).normal(size=(prior.n_coordinates, 2)))
    rows = named(layout, theta)
    with tables_up_to(0):
        made = compile_workspace(layout, workspace(net, watched_until=AS_OF), AS_OF)
    free = len(made.cards)
    factors, cards = seen_status(made, 3, day, theta, free)
    order = plan((*made.cards, *cards), [scope for scope, _ in factors], keep=(0, 1, 2, 3, free))
    spans = (day - AS_OF).days, (HORIZON - day).days
    stays = [exp(-days / tau) for days in spans]
    ages, weights = quad(lambda t: t * exp(-t / tau), 0, spans[0])[0], quad(lambda t: exp(-t / tau), 0, spans[0])[0]
    moved = (spans[0] - ages / weights) / sum(spans)
    states = [one.states for one in parents]
    masks = np.eye(2 * 2 * 3 * 2 * 2).reshape(-1, 2, 2, 3, 2, 2)
    found = np.exp(log_regions(order, [table for _, table in factors], masks)).reshape(2, 2, 3, 2, 2, -1)
    for places in product(range(2), range(2), range(3)):
        then = tuple(of[x] for of, x in zip(states, places, strict=True))
        share = moved if places[0] else 1.0
        for y, x in product(range(2), repeat=2):
            at_now, at_then = rows["mood", ("no", *then[1:]), x], rows["mood", then, x]
            first = stays[0] * (x == 0) + (1.0 - stays[0]) * ((1.0 - share) * at_now + share * at_then)
            expected = first * (stays[1] * (x == y) + (1.0 - stays[1]) * rows["mood", then, y])
            np.testing.assert_allclose(expected, found[(*places, y, x)], rtol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_arrows(seed: int) -> None:
    """The joint of a parent and its child is the same."""
    tables, chains = as_tables_and_chains(seed)
    expected, found = (arrow_joints(weighted(one.posterior)) for one in (tables, chains))
    assert set(expected) == set(found)
    for arrow, joint in expected.items():
        np.testing.assert_allclose(joint, found[arrow], rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_stories(seed: int) -> None:
    """The most probable course of each scenario is the same, and as probable."""
    tables, chains = as_tables_and_chains(seed)
    expected, found = (stories(one) for one in (tables, chains))
    assert [[step.state for step in one.course] for one in expected] == [
        [step.state for step in one.course] for one in found
    ]
    for one, other in zip(expected, found, strict=True):
        assert pytest.approx(one.story_probability, abs=1e-12) == other.story_probability


@pytest.mark.parametrize("seed", SEEDS)
def test_interventions(seed: int) -> None:
    """What an intervention does is the same, whether a parent or a child of a chain is imposed."""
    tables, chains = as_tables_and_chains(seed)
    for v, one in enumerate(tables.layout.events):
        state = one.states[tables.posterior.asked.network.alive[v][-1]]
        expected, found = (
            what_if(of, read_supposition(of, (), (f"{one.id}={state}",), ()), lambda _: None) for of in (tables, chains)
        )
        after, actual = ({row["id"]: row["after"] for row in one["scenarios"]} for one in (expected, found))
        assert pytest.approx(after, abs=1e-12) == actual
