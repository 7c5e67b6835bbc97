"""Horizons that roll: the same function asked about a later date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.digests import digest_of
from forecast.ledger.line import active_inputs, rolled_to
from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.posterior.by_date import curves
from forecast.posterior.posterior import evaluate, is_possible, query
from forecast.sampling.draws import draws_digest
from forecast.sampling.spec import prior_spec
from forecast.workspace.names import seen_on
from forecast.workspace.records import Count, Roll, Workspace
from forecast.workspace.renames import DatedRates, Timing, Weibull
from tests.oracle.random_worlds import random_world, some_day, timed
from tests.worlds import HERE, HORIZON, OPENS, network, statement, target, timed_event, workspace

SEEDS = st.integers(0, 2**32 - 1)
ON, LATER = date(2026, 6, 1), HORIZON + timedelta(days=365)


def rolled(known: Workspace, horizon: date, on: date = ON) -> Workspace:
    """The workspace with one roll, as it is seen from its day on."""
    net = replace(known.network, rolled=(Roll(on, horizon, None, HERE),))
    return seen_on(replace(known, network=net), on)


@pytest.mark.parametrize(
    ("timing", "exposure"),
    [
        (None, 1095 / 730),
        (Weibull(0.6), (1095 / 730) ** 0.6),
        (DatedRates(((date(2026, 1, 1), 3.0),)), (364 + 3 * 731) / (364 + 3 * 366)),
    ],
)
def test_exposure_goes_on(timing: Timing | None, exposure: float) -> None:
    """Beyond the window a constant hazard goes on evenly, a Weibull by its formula, dated rates at the last one."""
    known = rolled(workspace(network(timed_event("a", timing))), LATER)
    layout = lay_out(known.network)
    found = evaluate(query(compile_workspace(layout, known, OPENS), ()), np.array([[0.4]])).events[0][0]
    np.testing.assert_allclose([np.exp(-0.4 * exposure)], found, rtol=0, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.booleans())
def test_no_time_beyond_changes_nothing(seed: int, has_timing: bool) -> None:
    """A roll to the horizon that there is already leaves every compiled number as it is."""
    world = random_world(seed, 5)
    world = timed(np.random.default_rng(seed), world) if has_timing else world
    same = rolled(world.workspace, HORIZON)
    before = compile_workspace(world.layout, world.workspace, ON)
    after = compile_workspace(lay_out(same.network), same, ON)
    assert digest_of(before.rows, before.history, before.fixed) == digest_of(after.rows, after.history, after.fixed)
    assert before.alive == after.alive


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.booleans())
def test_the_old_horizon_after_a_roll(seed: int, has_timing: bool) -> None:
    """P(by the old horizon) is in every draw what it was; on the new curve it is the point of that day."""
    world = random_world(seed, 4)
    world = timed(np.random.default_rng(seed), world) if has_timing else world
    known = rolled(world.workspace, LATER)
    layout, theta = lay_out(known.network), world.flat
    asked = query(compile_workspace(layout, known, ON, on=HORIZON), known.scenarios)
    if not is_possible(asked.network, theta):
        return
    old = evaluate(query(compile_workspace(world.layout, world.workspace, ON), known.scenarios), theta)
    new = evaluate(asked, theta)
    np.testing.assert_allclose(old.scenarios, new.scenarios, rtol=0, atol=1e-12)
    weights = np.full(theta.shape[1], 1.0 / theta.shape[1])
    drawn = curves(layout, known, ON, theta, weights, (HORIZON, LATER))
    alone = curves(layout, known, ON, theta, weights, (HORIZON,))
    for v, event in enumerate(layout.events):
        np.testing.assert_allclose(old.events[v], new.events[v], rtol=0, atol=1e-12)
        if event.kind == "reached":
            assert (drawn.mean[v][0] <= alone.mean[v][0] + 1e-12).all()
        else:
            np.testing.assert_allclose(alone.mean[v][0], drawn.mean[v][0], rtol=0, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_what_is_settled_stays_settled(seed: int) -> None:
    """What is known on a day does not hang on the horizon that is asked about."""
    world = random_world(seed, 5)
    day = some_day(np.random.default_rng(seed), ON, HORIZON)
    known = rolled(world.workspace, LATER)
    before = compile_workspace(world.layout, world.workspace, day)
    after = compile_workspace(lay_out(known.network), known, day)
    assert before.known == after.known
    assert digest_of(before.history) == digest_of(after.history)
    assert before.alive == after.alive


def test_statements_mean_the_horizon_of_their_day() -> None:
    """A roll leaves the draws' digest alone; a statement of a later day is read at the later horizon, a count too."""
    net = network(timed_event("a", None))
    early = statement("early", target("a", "yes"), 0.3, day=date(2026, 1, 1))
    known = workspace(net, statements=[early])
    seen = rolled(known, LATER)

    def digest(one: Workspace) -> str:
        return draws_digest(prior_spec(lay_out(one.network), one, LATER), seed=1)

    assert digest(known) == digest(seen)
    assert {"network", "statements"} <= set(active_inputs(known, ON))
    assert active_inputs(known, ON) == active_inputs(seen, ON)
    assert (None, LATER.isoformat()) == (rolled_to(known.network), rolled_to(seen.network))
    late = statement("late", target("a", "yes"), 0.3, day=date(2026, 7, 1))
    counted = statement("count", target("a", "yes"), Count(2, 20, "year", None), day=date(2026, 7, 1))
    spec = prior_spec(lay_out(seen.network), replace(seen, statements=(counted, early, late)), LATER)
    assert [LATER, HORIZON, LATER] == [spec.networks[spec.sides[n].network].on for n in range(len(spec.sides))]
    assert 365.25 / 1095 == pytest.approx(float(spec.counted[0, 2]))


def test_an_earlier_day_keeps_its_horizon() -> None:
    """As of a day before the roll nothing of it is seen, in the forecast or in the ledger's inputs."""
    net = network(timed_event("a", None))
    known = workspace(replace(net, rolled=(Roll(ON, LATER, None, HERE),)))
    before = ON - timedelta(days=1)
    assert HORIZON == seen_on(known, before).network.horizon
    assert LATER == seen_on(known, ON).network.horizon
    assert active_inputs(workspace(net), before) == active_inputs(known, before)
