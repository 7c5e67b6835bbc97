"""The evidence on every draw: its probability, and the posterior of scenarios and events within each draw."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import AsOfNetwork, factors
from forecast.compiled.scenarios import rule_events, scenario_masks
from forecast.inference.batch import ImpossibleEvidenceError, log_evidence, log_regions, solve
from forecast.inference.elimination import Plan, plan
from forecast.reweight.sources import Reliabilities
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


def evaluate(asked: Query, theta: Array, drawn: Reliabilities | None = None) -> Evaluation:
    """Solve every draw exactly. Raises ImpossibleEvidenceError if a draw has no mass.

    Args:
        asked: the network and the scenarios.
        theta: (n_theta, draws).
        drawn: the reliability of each source in each draw; None: every source at its prior mean.
    """
    with_reports = _factors(asked.network, drawn)

    def solved(*block: Array) -> tuple[Array, Array, tuple[Array, ...]]:
        tables, offset = with_reports(*block)
        solution = solve(asked.plan, tables, asked.masks, by_region=False)
        return solution.log_evidence + offset, _shares(solution.log_regions), solution.marginals

    parts = _by_block(solved, theta, *_places(drawn))
    return Evaluation(
        np.concatenate([evidence for evidence, _, _ in parts]),
        np.concatenate([shares for _, shares, _ in parts], axis=1),
        tuple(
            _all_states(asked.network, v, np.concatenate([marginals[v][:, 0] for _, _, marginals in parts], axis=1))
            for v in _events(asked)
        ),
    )


def mean_joint(asked: Query, theta: Array, weights: Array, drawn: Reliabilities | None = None) -> tuple[Array, ...]:
    """Compute the weighted mean of P(s, x_v | E, theta_d) for each event: (scenarios, states), summing to one.

    `weights` (draws) are the normalised importance weights.
    """
    with_reports = _factors(asked.network, drawn)

    def summed(share: Array, *block: Array) -> list[Array]:
        tables, _ = with_reports(*block)
        marginals = solve(asked.plan, tables, asked.masks).marginals
        return [(_all_states(asked.network, v, marginals[v]) * share).sum(axis=2).T for v in _events(asked)]

    parts = _by_block(summed, weights, theta, *_places(drawn))
    return tuple(np.sum(of_event, axis=0) for of_event in zip(*parts, strict=True))


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


def evaluate_scenarios(asked: Query, theta: Array, drawn: Reliabilities | None = None) -> tuple[Array, Array]:
    """Compute log evidence (draws) and P(s | E, theta_d) (scenarios, draws) alone: the inward pass."""
    with_reports = _factors(asked.network, drawn)

    def solved(*block: Array) -> tuple[Array, Array]:
        tables, offset = with_reports(*block)
        regions = log_regions(asked.plan, tables, asked.masks)
        return np.logaddexp.reduce(regions, axis=0) + offset, _shares(regions)

    parts = _by_block(solved, theta, *_places(drawn))
    return np.concatenate([evidence for evidence, _ in parts]), np.concatenate([shares for _, shares in parts], axis=1)


def evaluate_regions(asked: Sequence[Query], theta: Array, drawn: Reliabilities | None = None) -> list[Array]:
    """Compute P(region | E, theta_d) (regions, draws) of several queries of one network.

    The factors, a third of the work of one query, are computed once for all of them.
    """
    with_reports = _factors(asked[0].network, drawn)

    def solved(*block: Array) -> list[Array]:
        tables, _ = with_reports(*block)
        return [_shares(log_regions(one.plan, tables, one.masks)) for one in asked]

    parts = _by_block(solved, theta, *_places(drawn))
    return [np.concatenate(of_query, axis=1) for of_query in zip(*parts, strict=True)]


def evidence_of(network: AsOfNetwork, theta: Array) -> Array:
    """Compute the log evidence (draws) of a network."""
    elimination = plan(network.cards, network.scopes)

    def solved(block: Array) -> Array:
        tables, offset = factors(network, block)
        return log_evidence(elimination, tables) + offset

    return np.concatenate(_by_block(solved, theta))


def is_possible(network: AsOfNetwork, theta: Array) -> bool:
    """Say whether the evidence of a network has any probability on the given draws."""
    try:
        evidence_of(network, theta)
    except ImpossibleEvidenceError:
        return False
    return True


def _factors(network: AsOfNetwork, drawn: Reliabilities | None) -> Callable[..., tuple[list[Array], Array]]:
    """Return what computes the factors of a block of draws, given its theta and (if they are drawn) its places."""
    if drawn is None:
        return lambda theta: factors(network, theta)
    tables = drawn.tables(network)
    return lambda theta, places: drawn.of_draws(places).factors(network, theta, tables)


def _places(drawn: Reliabilities | None) -> list[Any]:
    return [] if drawn is None else [np.arange(drawn.log_correction.size)]


def _by_block[T](solved: Callable[..., T], *by_draw: Any) -> list[T]:
    """Call a function on each block of draws (last axis); results in order, so that they do not hang on the threads.

    numpy lets go of the interpreter's lock inside its loops, so the blocks share the processor's cores.
    """
    starts = range(0, by_draw[0].shape[-1], BLOCK)

    def on_block(start: int) -> T:
        try:
            return solved(*(values[..., start : start + BLOCK] for values in by_draw))
        except ImpossibleEvidenceError as impossible:
            raise ImpossibleEvidenceError(impossible.draws + start) from impossible

    with ThreadPoolExecutor(min(len(starts), os.cpu_count() or 1)) as pool:
        return list(pool.map(on_block, starts))
