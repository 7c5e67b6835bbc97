"""What an answer is about: a scenario, or a state of an event, as a column of probabilities that sum to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.ledger.outcome import Outcome
from forecast.posterior.posterior import Posterior, Query
from forecast.posterior.sources import Reliabilities
from forecast.workspace.names import OTHER
from forecast.workspace.problems import choice, shown
from forecast.workspace.records import Condition, Scenario

Array = NDArray[np.float64]


class UnknownTargetError(ValueError):
    """No scenario, event or state has the name; the message lists those that there are."""


@dataclass(frozen=True)
class Partition:
    """A partition of what may happen, and the part that is asked about.

    `parts` are the names (scenarios with `other`, or the states of `event`), `rules` the partition as scenario rules;
    `asked` is the place of the part, None where it is not said yet.
    """

    event: str | None
    parts: tuple[str, ...]
    rules: tuple[Scenario, ...]
    asked: int | None

    def name(self, asked: int) -> str:
        """Name a part as it is written on the command line."""
        return self.parts[asked] if self.event is None else f"{self.event}={self.parts[asked]}"


def find_target(outcome: Outcome, text: str | None) -> Partition:
    """Read SCENARIO, EVENT or EVENT=STATE (nothing: the scenarios, none of them yet). Raises UnknownTargetError."""
    rules = outcome.workspace.scenarios
    if text is None:
        return Partition(None, outcome.scenario_ids, rules, None)
    if text in outcome.scenario_ids:
        return Partition(None, outcome.scenario_ids, rules, outcome.scenario_ids.index(text))
    name, equals, state = text.partition("=")
    if equals and name.endswith((">", "<")) and name[:-1].strip() in outcome.events:
        msg = f"'{text}' is several states, and one is asked about; write EVENT=STATE"
        raise UnknownTargetError(msg)
    states = event_states(outcome, name, (*outcome.scenario_ids, *outcome.events))
    if equals and state not in states:
        msg = f"event '{name}' has no state {shown(state)}; {choice('states', state, states)}"
        raise UnknownTargetError(msg)
    event = outcome.workspace.network.events[name]
    # The last state is `other` of the rules.
    parts = tuple(Scenario(x, x, "", (Condition(name, (x,)),), event.source) for x in states[:-1])
    return Partition(name, states, parts, states.index(state) if equals else None)


def event_states(outcome: Outcome, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the states of an event. Raises UnknownTargetError, which lists the names `known`."""
    if name not in outcome.events:
        what = "scenarios and events" if OTHER in known else "events"
        is_scenario = name in outcome.scenario_ids
        said = f"{shown(name)} is a scenario; give states of events" if is_scenario else f"unknown name {shown(name)}"
        ids = [id_ for id_, event in outcome.workspace.network.events.items() if event.name == name]
        msg = f"{said}; {choice(what, name, known)}"
        if ids:
            msg = f"{shown(name)} is the name of event {shown(ids[0])}; give its id"
        raise UnknownTargetError(msg)
    return outcome.workspace.network.events[name].states


def shares_of(outcome: Outcome, target: Partition) -> Array:
    """Return P(part | E, theta_d) (parts, draws) of a forecast."""
    evaluation = outcome.posterior.evaluation
    return evaluation.scenarios if target.event is None else evaluation.events[outcome.layout.index[target.event]]


def error_of(outcome: Outcome, target: Partition) -> float | None:
    """Return the Monte Carlo error of the forecast's own probability of the part that is asked about, if one is."""
    if target.asked is None:
        return None
    part = target.parts[target.asked]
    return (outcome.scenarios if target.event is None else outcome.events[target.event])[part].mcse


def probabilities(outcome: Outcome, target: Partition) -> Array:
    """Return the forecast's own probability of each part."""
    estimates: Mapping[str, float]
    if target.event is None:
        estimates = {name: one.probability for name, one in outcome.scenarios.items()}
    else:
        estimates = {state: one.probability for state, one in outcome.events[target.event].items()}
    return np.array([estimates[part] for part in target.parts])


# The factors of a posterior as arrays, and mean joints from few draws whose margins are those of all.


@dataclass(frozen=True)
class Weighted:
    """Draws with their weights: theta (n_theta, draws), normalised weights (draws), log evidence (draws), sources."""

    asked: Query
    theta: Array
    weights: Array
    log_evidence: Array
    drawn: Reliabilities

    def block(self, start: int, stop: int) -> Weighted:
        """Return some of the draws, with the weights that they have among all."""
        of = slice(start, stop)
        drawn = self.drawn.of_draws(of)
        return Weighted(self.asked, self.theta[:, of], self.weights[of], self.log_evidence[of], drawn)

    def factors(self) -> tuple[list[Array], Array]:
        """Return the factors in the order of the network's scopes, draws last, and their log offset (draws)."""
        network = self.asked.network
        return self.drawn.factors(network, self.theta, self.drawn.tables(network))


def weighted(posterior: Posterior, every: int = 1) -> Weighted:
    """Return regularly spaced draws of a posterior, the weights normalised anew."""
    weights = posterior.weights.weights[::every]
    return Weighted(
        posterior.asked,
        np.ascontiguousarray(posterior.draws.theta[:, ::every]),
        weights / weights.sum(),
        posterior.evaluation.log_evidence[::every],
        posterior.reliabilities.thinned(every),
    )


MOST_SCALINGS, CLOSE_ENOUGH = 2000, 1e-14


def with_margins(joint: Array, rows: Array, columns: Array) -> Array:
    """Scale a table until its margins are those given; its odds ratios stay as they are.

    Where the table has nothing at all to scale, the margins enter as independent.

    Source: Deming and Stephan (1940), iterative proportional fitting.
    """
    empty = (joint.sum(axis=1) == 0.0)[:, np.newaxis] | (joint.sum(axis=0) == 0.0)
    fitted = np.where(empty, rows[:, np.newaxis] * columns, joint)
    for _ in range(MOST_SCALINGS):
        before = fitted
        for axis, margin in ((1, rows), (0, columns)):
            total = fitted.sum(axis=axis)
            scale = np.divide(margin, total, out=np.zeros_like(margin), where=total > 0.0)
            fitted = fitted * np.expand_dims(scale, axis)
        if np.abs(fitted - before).max() < CLOSE_ENOUGH:
            break
    return np.asarray(fitted / fitted.sum())
