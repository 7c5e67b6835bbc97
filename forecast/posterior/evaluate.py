"""The evidence on every draw: its probability, and the posterior of scenarios and events within each draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.inference.engine import ENGINE, ImpossibleEvidenceError, Plan
from forecast.inference.scaled import NotFiniteError
from forecast.model.asof import AsOfNetwork, factors
from forecast.model.layout import rule_events, scenario_masks
from forecast.posterior.sources import Reliabilities
from forecast.workspace.records import Item, Scenario

Array = NDArray[np.float64]


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
    """The evidence is impossible; `items` are a smallest set of items that contradict each other.

    `needs` are what events require and these items leave out, a line each; none where they contradict each other by
    themselves.
    """

    def __init__(self, items: Sequence[Item], needs: Sequence[str] = ()) -> None:
        self.items, self.needs = tuple(items), tuple(needs)
        why = f" ({'; '.join(needs)})" if needs else ""
        super().__init__("evidence with probability zero: " + ", ".join(item.id for item in items) + why)


def query(network: AsOfNetwork, scenarios: Sequence[Scenario]) -> Query:
    """Plan the elimination of a network; the events of the scenario rules are kept to the last."""
    layout = network.layout
    kept = rule_events(layout, scenarios)
    masks = scenario_masks(layout, scenarios)
    alive = tuple(slice(network.alive[v].start, network.alive[v].stop) for v in kept)
    return Query(network, ENGINE.plan(network.cards, network.scopes, keep=kept), masks[:, *alive])


def evaluate(queried: Query, theta: Array, drawn: Reliabilities | None = None) -> Evaluation:
    """Solve every draw exactly. Raises ImpossibleEvidenceError if a draw has no mass.

    Args:
        queried: the network and the scenarios.
        theta: (n_theta, draws).
        drawn: the reliability of each source in each draw; None: every source at its prior mean.
    """
    with_reports = _factors(queried.network, drawn)

    def solved(*block: Array) -> tuple[Array, Array, tuple[Array, ...]]:
        tables, offset = with_reports(*block)
        solution = ENGINE.evaluate(queried.plan, tables, queried.masks, by_region=False)
        return solution.log_evidence + offset, _shares(solution.log_regions), solution.marginals

    parts = ENGINE.in_blocks(solved, theta, *_places(drawn))
    return Evaluation(
        np.concatenate([evidence for evidence, _, _ in parts]),
        np.concatenate([shares for _, shares, _ in parts], axis=1),
        tuple(
            _all_states(queried.network, v, np.concatenate([marginals[v][:, 0] for _, _, marginals in parts], axis=1))
            for v in _events(queried)
        ),
    )


def mean_joint(queried: Query, theta: Array, weights: Array, drawn: Reliabilities | None = None) -> tuple[Array, ...]:
    """Compute the weighted mean of P(s, x_v | E, theta_d) for each event: (scenarios, states), summing to one.

    `weights` (draws) are the normalised importance weights.
    """
    with_reports = _factors(queried.network, drawn)

    def summed(share: Array, *block: Array) -> list[Array]:
        tables, _ = with_reports(*block)
        marginals = ENGINE.evaluate(queried.plan, tables, queried.masks).marginals
        return [(_all_states(queried.network, v, marginals[v]) * share).sum(axis=2).T for v in _events(queried)]

    parts = ENGINE.in_blocks(summed, weights, theta, *_places(drawn))
    return tuple(np.sum(of_event, axis=0) for of_event in zip(*parts, strict=True))


def _shares(log_regions: Array) -> Array:
    shares = np.exp(log_regions - log_regions.max(axis=0))
    return np.asarray(shares / shares.sum(axis=0))


def _events(queried: Query) -> range:
    return range(len(queried.network.layout.cards))


def _all_states(network: AsOfNetwork, v: int, alive: Array) -> Array:
    """Put zeros where the event can no longer be (states on the first axis)."""
    full = np.zeros((network.layout.cards[v], *alive.shape[1:]))
    full[network.alive[v].start : network.alive[v].stop] = alive
    return full


def evaluate_scenarios(queried: Query, theta: Array, drawn: Reliabilities | None = None) -> tuple[Array, Array]:
    """Compute log evidence (draws) and P(s | E, theta_d) (scenarios, draws) alone: the inward pass."""
    with_reports = _factors(queried.network, drawn)

    def solved(*block: Array) -> tuple[Array, Array]:
        tables, offset = with_reports(*block)
        regions = ENGINE.log_regions(queried.plan, tables, queried.masks)
        return np.logaddexp.reduce(regions, axis=0) + offset, _shares(regions)

    parts = ENGINE.in_blocks(solved, theta, *_places(drawn))
    return np.concatenate([evidence for evidence, _ in parts]), np.concatenate([shares for _, shares in parts], axis=1)


def evaluate_regions(queries: Sequence[Query], theta: Array, drawn: Reliabilities | None = None) -> list[Array]:
    """Compute P(region | E, theta_d) (regions, draws) of several queries of one network.

    The factors, a third of the work of one query, are computed once for all of them.
    """
    with_reports = _factors(queries[0].network, drawn)

    def solved(*block: Array) -> list[Array]:
        tables, _ = with_reports(*block)
        return [_shares(ENGINE.log_regions(queried.plan, tables, queried.masks)) for queried in queries]

    parts = ENGINE.in_blocks(solved, theta, *_places(drawn))
    return [np.concatenate(of_query, axis=1) for of_query in zip(*parts, strict=True)]


def evidence_of(network: AsOfNetwork, theta: Array) -> Array:
    """Compute the log evidence (draws) of a network."""
    elimination = ENGINE.plan(network.cards, network.scopes)

    def solved(block: Array) -> Array:
        tables, offset = factors(network, block)
        return ENGINE.log_evidence(elimination, tables) + offset

    return np.concatenate(ENGINE.in_blocks(solved, theta))


def is_possible(network: AsOfNetwork, theta: Array) -> bool:
    """Say whether the evidence of a network has any probability on the given draws."""
    try:
        evidence_of(network, theta)
    except ImpossibleEvidenceError:
        return False
    return True


def is_defined(network: AsOfNetwork, theta: Array) -> bool:
    """Say whether every number of a network is finite on the given draws (or zero: then it is merely impossible)."""
    try:
        return bool(np.isfinite(evidence_of(network, theta)).all())
    except ImpossibleEvidenceError:
        return True
    except NotFiniteError:
        return False


def _factors(network: AsOfNetwork, drawn: Reliabilities | None) -> Callable[..., tuple[list[Array], Array]]:
    """Return what computes the factors of a block of draws, given its theta and (if they are drawn) its places."""
    if drawn is None:
        return lambda theta: factors(network, theta)
    tables = drawn.tables(network)
    return lambda theta, places: drawn.of_draws(places).factors(network, theta, tables)


def _places(drawn: Reliabilities | None) -> list[Any]:
    return [] if drawn is None else [np.arange(drawn.log_correction.size)]
