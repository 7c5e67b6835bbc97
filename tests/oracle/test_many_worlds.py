"""Random worlds of all kinds, each by its seed: forecasts and what statements read, against the enumeration.

36 of them run with every test, 200 with `make trust`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.model.layout import lay_out
from forecast.sampling.spec import rows_prior, theta_draws
from forecast.workspace.names import seen_on
from forecast.workspace.records import Count, MoreLikelyThan, Roll, Statement, Target, Times
from tests.oracle.agreement import assert_enumerated, assert_read
from tests.oracle.random_worlds import (
    World,
    named,
    random_theta,
    random_world,
    some_day,
    timed,
    with_parts_on_scenarios,
)
from tests.oracle.statements import Reader, random_statements
from tests.worlds import HERE, HORIZON, OPENS, second_target

Array = NDArray[np.float64]
FEW, MANY = 36, 200
SMALL, LARGE = (4, 5), (5, 14)  # events at most, statements at most
LATEST = HORIZON + timedelta(days=400)


class Made(NamedTuple):
    """A world, what is said in it, one draw of the rows' coordinates, and who reads the statements at that draw."""

    world: World
    said: list[Statement]
    x: Array
    reader: Reader


@cache
def made(seed: int, n_events: int, n_statements: int) -> Made:
    """One world: half with timings, a third rolled on, a third with parts on scenarios."""
    rng = np.random.default_rng([seed, 13])
    world = random_world(seed, int(rng.integers(1, n_events + 1)))
    if seed % 2:
        world = timed(rng, world)
    if seed % 3 == 0:
        world = with_parts_on_scenarios(rng, world)
    if seed % 3 == 1:
        rolls = (Roll(some_day(rng, OPENS + timedelta(days=1)), LATEST, None, HERE),)
        rolled = replace(world.workspace, network=replace(world.workspace.network, rolled=rolls))
        seen = seen_on(rolled, HORIZON)
        layout = lay_out(seen.network)
        world = World(seen, layout, *random_theta(rng, layout, 3))
    prior = rows_prior(world.layout)
    x = rng.normal(size=prior.n_coordinates)
    reader = Reader(world.workspace, named(world.layout, theta_draws(prior, x[:, np.newaxis])))
    return Made(world, random_statements(rng, reader, n_statements), x, reader)


def check(one: Made, seed: int) -> None:
    """Compare one world at the horizon, or on a day before it, and its statements."""
    rng = np.random.default_rng([seed, 14])
    last = one.world.workspace.network.horizon
    as_of = some_day(rng, OPENS, last)
    assert_enumerated(one.world, as_of, some_day(rng, as_of, last) if rng.random() < 0.5 else None)
    assert_read(one.world, one.x, one.reader, one.said, LATEST)


@pytest.mark.parametrize("seed", range(FEW))
def test_random_world(seed: int) -> None:
    """P(E | theta), scenarios, events and every reading of a random world are those of the enumeration."""
    check(made(seed, *SMALL), seed)


@pytest.mark.trust
@pytest.mark.parametrize("seed", range(1000, 1000 + MANY))
def test_one_of_many_random_worlds(seed: int) -> None:
    """The same, of many worlds in which more is said."""
    check(made(seed, *LARGE), seed)


@cache
def kinds() -> Counter[str]:
    """How often each kind of statement is compared in the worlds of every test run."""
    return Counter(kind for seed in range(FEW) for one in made(seed, *SMALL).said for kind in kinds_of(one))


def kinds_of(one: Statement) -> Iterable[str]:
    """What is peculiar about a statement."""
    yield type(one.reading).__name__
    if isinstance(one.reading, Count) and one.about.by is not None:
        yield f"count per {one.reading.per} by a day"
    if isinstance(one.reading, Times | MoreLikelyThan):
        second = second_target(one.reading)
        if compared_by_days(one.about, second):
            yield "another event by another day"


def compared_by_days(about: Target, second: Target) -> bool:
    """Whether two targets are of unlike events and of unlike days."""
    return (about.condition, about.by) != (second.condition, second.by) and about.by != second.by


@pytest.mark.parametrize(
    "kind",
    ["Count", "Times", "MoreLikelyThan", "Distribution", "Probability", "another event by another day"]
    + [f"count per {per} by a day" for per in ("window", "year", "opportunity")],
)
def test_all_kinds_are_among_them(kind: str) -> None:
    """The worlds hold every kind of statement, also those that a day makes peculiar."""
    assert kinds()[kind] > 0
