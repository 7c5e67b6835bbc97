"""The engine against the enumeration on one world: the forecast as of a date, and what every statement reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.sampling.likelihood import quantities
from forecast.sampling.program import record_program
from forecast.sampling.spec import prior_spec, rows_prior, theta_draws
from forecast.workspace.records import Statement, Workspace
from tests.oracle.engine import answer
from tests.oracle.enumeration import AsOf
from tests.oracle.random_worlds import World
from tests.oracle.statements import Reader
from tests.sampling.interpreter import interpret

Array = NDArray[np.float64]
READABLE = 14.0  # log-odds: further out the rounding of 1 - p is more than the tolerance


def enumerated(oracle: AsOf) -> tuple[Array, dict[str, Array], dict[tuple[str, str, str], Array]]:
    """Log P(E), P(scenario | E) and P(event in state, scenario | E) by summing over the joint."""
    log_evidence = np.logaddexp.reduce(list(oracle.log_joint.values()))
    by_scenario: dict[str, Array] = defaultdict(lambda: np.zeros(1))
    by_state: dict[tuple[str, str, str], Array] = defaultdict(lambda: np.zeros(1))
    for combination, chance in oracle.log_joint.items():
        states = dict(zip(oracle.network.events, combination, strict=True))
        scenario, share = oracle.scenario(states), np.exp(chance - log_evidence)
        by_scenario[scenario] = by_scenario[scenario] + share
        for name, state in states.items():
            by_state[name, state, scenario] = by_state[name, state, scenario] + share
    return log_evidence, by_scenario, by_state


def assert_enumerated(world: World, as_of: date, on: date | None = None, tolerance: float = 1e-10) -> None:
    """Log P(E|theta), P(s|E) and P(s, x|E) of every draw are those of the enumeration.

    The log of the evidence to the tolerance, or to that part of it where it is large.
    """
    log_evidence, by_scenario, by_state = enumerated(AsOf(world.workspace, world.theta, as_of, on))
    found = answer(world.workspace, world.flat, as_of, on)
    np.testing.assert_allclose(log_evidence, found.log_evidence, rtol=tolerance, atol=tolerance)
    regions = [*(scenario.id for scenario in world.workspace.scenarios), "other"]
    n_draws = world.flat.shape[1]
    for i, region in enumerate(regions):
        share = by_scenario[region] + np.zeros(n_draws)
        np.testing.assert_allclose(share, found.p_scenario[i], rtol=0, atol=tolerance)
        for v, event in enumerate(world.layout.events):
            expected = [by_state[event.id, state, region] + np.zeros(n_draws) for state in event.states]
            np.testing.assert_allclose(np.array(expected), found.joint[v][:, i], rtol=0, atol=tolerance)
    np.testing.assert_allclose(1.0, found.p_scenario.sum(axis=0), rtol=0, atol=1e-12)


def assert_read(
    world: World, x: Array, reader: Reader, statements: Sequence[Statement], as_of: date, tolerance: float = 1e-9
) -> None:
    """What each statement reads is the enumeration's, by the sampler's program and by the batched engine alike.

    Args:
        world: its events, items and scenarios; its own rows are not used.
        x: one draw of the coordinates of all rows.
        reader: the enumeration at the rows that x gives.
        statements: those that are read; further out than READABLE they are left out.
        as_of: a date on which all of them were made.
        tolerance: absolute, on the log-odds scale.
    """
    flat = theta_draws(rows_prior(world.layout), x[:, np.newaxis])
    expected = {one.id: [float(quantity[0]) for quantity in reader.implied(one)] for one in statements}
    kept = [one for one in statements if np.abs(expected[one.id]).max() < READABLE]
    spoken: Workspace = replace(world.workspace, statements=tuple(kept))
    spec = replace(prior_spec(world.layout, spoken, as_of), rows=rows_prior(world.layout))  # of x, whatever is stated
    wanted = [quantity for name in spec.statement_ids for quantity in expected[name]]
    np.testing.assert_allclose(wanted, interpret(record_program(spec), x.tolist()), rtol=0, atol=tolerance)
    if wanted:
        rows = range(spec.quantities.n_rows)
        np.testing.assert_allclose(wanted, quantities(spec, flat, rows)[:, 0], rtol=0, atol=tolerance)
