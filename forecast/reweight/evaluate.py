"""The evidence on every draw: its probability, and the posterior of scenarios and events within each draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import AsOfNetwork, factors
from forecast.compiled.scenarios import rule_events, scenario_masks
from forecast.inference.batch import ImpossibleEvidenceError, log_evidence, log_regions, solve
from forecast.inference.elimination import Plan, plan
from forecast.workspace.records import Item, Scenario

Array = NDArray[np.float64]

BLOCK = 1000  # draws solved at once: large enough for numpy's loops, small enough for the processor's cache


@dataclass(frozen=True)
class Query:
    """A compiled network with its elimination plan and the scenarios as masks over the root."""

    network: AsOfNetwork
    plan: Plan
    masks: Array


@dataclass(frozen=True)
class Evaluation:
    """Posterior within each draw.

    `log_evidence` (draws); `scenarios` (scenarios with `other`, draws) = P(s | E, theta_d); `events[v]` (states of v,
    draws) = P(x_v | E, theta_d).
    """

    log_evidence: Array
    scenarios: Array
    events: tuple[Array, ...]


class ContradictionError(ValueError):
    """The evidence is impossible; `items` are a smallest set of items that contradict each other."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = tuple(items)
        super().__init__("evidence with probability zero: " + ", ".join(item.id for item in items))


def query(network: AsOfNetwork, scenarios: Sequence[Scenario]) -> Query:
    """Plan the elimination of a network; the events of the scenario rules are kept to the last."""
    layout = network.layout
    kept = rule_events(layout, scenarios)
    masks = scenario_masks(layout, scenarios)
    alive = tuple(slice(network.alive[v].start, network.alive[v].stop) for v in kept)
    return Query(network, plan(network.cards, network.scopes, keep=kept), masks[:, *alive])


def evaluate(asked: Query, theta: Array) -> Evaluation:
    """Solve every draw (theta: (n_theta, draws)) exactly. Raises ImpossibleEvidenceError if a draw has no mass."""
    parts = []
    for block in _blocks(theta):
        tables, offset = factors(asked.network, block)
        solution = solve(asked.plan, tables, asked.masks, by_region=False)
        parts.append((solution.log_evidence + offset, _shares(solution.log_regions), solution.marginals))
    return Evaluation(
        np.concatenate([evidence for evidence, _, _ in parts]),
        np.concatenate([shares for _, shares, _ in parts], axis=1),
        tuple(
            _all_states(asked.network, v, np.concatenate([marginals[v][:, 0] for _, _, marginals in parts], axis=1))
            for v in _events(asked)
        ),
    )


def mean_joint(asked: Query, theta: Array, weights: Array) -> tuple[Array, ...]:
    """Compute the weighted mean of P(s, x_v | E, theta_d) for each event: (scenarios, states), summing to one.

    `weights` (draws) are the normalised importance weights.
    """
    totals = [np.zeros((asked.masks.shape[0], card)) for card in asked.network.layout.cards]
    start = 0
    for block in _blocks(theta):
        tables, _ = factors(asked.network, block)
        solution = solve(asked.plan, tables, asked.masks)
        share = weights[start : start + block.shape[1]]
        start += block.shape[1]
        for v in _events(asked):
            totals[v] += (_all_states(asked.network, v, solution.marginals[v]) * share).sum(axis=2).T
    return tuple(totals)


def _shares(log_regions: Array) -> Array:
    shares = np.exp(log_regions - log_regions.max(axis=0))
    return np.asarray(shares / shares.sum(axis=0))


def _events(asked: Query) -> range:
    return range(len(asked.network.layout.cards))


def _all_states(network: AsOfNetwork, v: int, alive: Array) -> Array:
    """Put zeros where the event can no longer be (states on the first axis)."""
    full = np.zeros((network.layout.cards[v], *alive.shape[1:]))
    full[network.alive[v].start : network.alive[v].stop] = alive
    return full


def evaluate_scenarios(asked: Query, theta: Array) -> tuple[Array, Array]:
    """Compute log evidence (draws) and P(s | E, theta_d) (scenarios, draws) alone: the inward pass."""
    parts = []
    for block in _blocks(theta):
        tables, offset = factors(asked.network, block)
        regions = log_regions(asked.plan, tables, asked.masks)
        parts.append((np.logaddexp.reduce(regions, axis=0) + offset, _shares(regions)))
    return np.concatenate([evidence for evidence, _ in parts]), np.concatenate([shares for _, shares in parts], axis=1)


def evidence_of(network: AsOfNetwork, theta: Array) -> Array:
    """Compute the log evidence (draws) of a network."""
    elimination = plan(network.cards, network.scopes)
    parts = []
    for block in _blocks(theta):
        tables, offset = factors(network, block)
        parts.append(log_evidence(elimination, tables) + offset)
    return np.concatenate(parts)


def is_possible(network: AsOfNetwork, theta: Array) -> bool:
    """Say whether the evidence of a network has any probability on the given draws."""
    try:
        evidence_of(network, theta)
    except ImpossibleEvidenceError:
        return False
    return True


def _blocks(theta: Array) -> list[Array]:
    return [theta[:, start : start + BLOCK] for start in range(0, theta.shape[1], BLOCK)]
