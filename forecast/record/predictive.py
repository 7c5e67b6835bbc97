"""What the statements alone imply, beside what the prior of the tables implies before anybody spoke."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.prior.rows_prior import theta_draws
from forecast.record.outcome import Estimate, Outcome, estimates
from forecast.record.tables import as_row
from forecast.reweight.evaluate import Evaluation, evaluate

Array = NDArray[np.float64]

FLAT_DRAWS = 1000  # of the flat prior: its means are good to about a percentage point


@dataclass(frozen=True)
class Predictive:
    """The flat prior at the opening, and what the statements left of it.

    `scenarios`: id -> estimate; `events`: id -> state -> estimate; `pulls`: id of an event -> its pull.
    """

    scenarios: Mapping[str, Estimate]
    events: Mapping[str, Mapping[str, Estimate]]
    pulls: Mapping[str, float]


def prior_predictive(prior: Outcome) -> Predictive:
    """Evaluate the flat prior (standard normal coordinates, equal weights) at the opening, and compute the pulls.

    `prior` is the outcome of the statements alone at the opening. An event's pull towards its default is the share of
    the flat prior's variance of log-odds, summed over the event's states, that is left after the statements: 1 where
    nobody said anything that bears on it.
    """
    rows = prior.posterior.spec.rows
    coordinates = np.random.default_rng(prior.seed).standard_normal((rows.n_coordinates, FLAT_DRAWS))
    flat = evaluate(prior.posterior.asked, theta_draws(rows, coordinates))
    weights = np.full(FLAT_DRAWS, 1.0 / FLAT_DRAWS)
    scenarios, events = estimates(prior.workspace, prior.layout, flat, weights)
    told = prior.posterior.evaluation
    pulls = {event.id: _variance(told, v) / _variance(flat, v) for v, event in enumerate(prior.layout.events)}
    return Predictive(scenarios, events, pulls)


def _variance(found: Evaluation, v: int) -> float:
    """Sum the variances over draws of the log-odds of each state against the others."""
    states = found.events[v]
    # The others are added up: 1 - P would lose the digits of a state that is nearly certain.
    others = np.stack([np.delete(states, x, axis=0).sum(axis=0) for x in range(len(states))])
    return float((np.log(states) - np.log(others)).var(axis=1).sum())


def with_flat(table: Mapping[str, Any], found: Predictive) -> dict[str, Any]:
    """Return a prior in the form of forecast.json with `flat` at every scenario and state, `pull` at every event."""
    scenarios = [row | {"flat": as_row(found.scenarios[row["id"]])} for row in table["scenarios"]]
    events = [
        event
        | {
            "states": [row | {"flat": as_row(found.events[event["id"]][row["state"]])} for row in event["states"]],
            "pull": found.pulls[event["id"]],
        }
        for event in table["events"]
    ]
    return {**table, "scenarios": scenarios, "events": events}
