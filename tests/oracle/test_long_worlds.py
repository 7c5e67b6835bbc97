"""Worlds in which much happened and much was reported, against the enumeration in logs: no product may underflow."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.model.layout import lay_out
from forecast.sampling.spec import rows_prior, theta_draws
from forecast.workspace.records import Item, Likelihood, Network, Settled
from tests.oracle.agreement import assert_enumerated, assert_read
from tests.oracle.random_worlds import World, named, random_theta
from tests.oracle.statements import Reader
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, rule, statement, target, workspace

STATES = ["low", "middle", "high"]
CHANGES = 2000
LONG = network(
    event("root", "constant"),
    event("mood", "status", STATES, ["root"], persistence_days=3.0),
    event("step", parents=["mood", "root"]),
    horizon=OPENS + timedelta(days=CHANGES + 400),
)


def world_of(net: Network, items: list[Item], watched_until: date | None = None) -> World:
    """A world with random rows and one rule."""
    rules = [rule("both", root="yes", step="yes")]
    made = workspace(net, items=items, scenarios=rules, watched_until=watched_until)
    layout = lay_out(net)
    return World(made, layout, *random_theta(np.random.default_rng(3), layout, 2))


def changes() -> list[Item]:
    """A status that is another one on each of 2,000 days."""
    rng = np.random.default_rng(4)
    states = np.cumsum(rng.integers(1, 3, CHANGES)) % 3
    days = [OPENS + timedelta(days=number + 1) for number in range(CHANGES)]
    return [
        item(f"change-{number:04}", day, Settled("mood", STATES[state], HERE))
        for number, (day, state) in enumerate(zip(days, states.tolist(), strict=True))
    ]


def assert_a_statement_reads(world: World, day: date) -> None:
    """What was said on a day, by somebody who knew all of it, is read as by the enumeration."""
    prior = rows_prior(world.layout)
    x = np.random.default_rng(5).normal(size=prior.n_coordinates)
    reader = Reader(world.workspace, named(world.layout, theta_draws(prior, x[:, np.newaxis])))
    said = [
        statement("root", target("root", "yes"), 0.3, day=day),
        statement("step", target("step", "yes"), 0.3, day=day),
    ]
    # A thousand changes say so much of the root that its log-odds are beyond what 1 - p can hold; the step's are not.
    assert_read(world, x, reader, said, day)


def test_two_thousand_changes() -> None:
    """A status that changed 2,000 times is evidence for its causes as the sum of logs says."""
    world = world_of(LONG, changes())
    day = OPENS + timedelta(days=CHANGES + 10)
    assert_enumerated(world, day, tolerance=1e-9)
    assert_a_statement_reads(world, day)


@pytest.mark.parametrize("persistence", [1.0, 0.02])
def test_three_quiet_years(persistence: float) -> None:
    """A status that could have changed every day, and did not in three years, is no more than very unlikely."""
    mood = replace(LONG.events["mood"], persistence_days=persistence)
    net = replace(LONG, events={**LONG.events, "mood": mood})
    day = OPENS + timedelta(days=1096)
    world = world_of(net, [], day)
    assert_enumerated(world, day, tolerance=1e-9)
    assert_a_statement_reads(world, day)


@pytest.mark.parametrize("number", [1000, 5000])
def test_many_items(number: int) -> None:
    """A thousand reports, of one source and of several, on one event and on pairs, are weighed to 1e-9."""
    rng = np.random.default_rng(6)
    net = network(event("root", "constant"), event("mood", "status", STATES, ["root"]), event("step", parents=["mood"]))
    items = []
    for n in range(number):
        day = OPENS + timedelta(days=int(rng.integers(0, 300)))
        # As many for as against: what is left of so much is no certainty.
        root = dict(zip(("no", "yes"), (1.0, 0.2) if n % 2 else (0.2, 1.0), strict=True))
        mood = dict(zip(STATES, rng.uniform(1e-4, 1.0, 3).tolist(), strict=True))
        parts = [Likelihood("root", root, HORIZON, HERE)]
        parts += [Likelihood("mood", mood, HORIZON, HERE)] if n % 3 == 0 else []
        one = item(f"report-{n:04}", day, *parts, source="wire" if n % 4 else "blog")
        items.append(replace(one, independent="each has its own reporter"))
    world = world_of(net, items)
    day = OPENS + timedelta(days=400)
    assert_enumerated(world, day, tolerance=1e-9)
    assert_a_statement_reads(world, day)
