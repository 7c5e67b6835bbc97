"""The reliability of every source, drawn for each draw of the network near where its reports put it, and corrected.

Drawn from its prior, the reliabilities of many sources leave hardly a draw that fits all reports. Each source is
therefore drawn from an approximation of its posterior, and the weight of the draw corrected by prior over proposal
(importance sampling: exact, whatever the approximation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import AsOfNetwork, factors
from forecast.compiled.reliability import NODES, log_prior, source_tables
from forecast.digests import digest_of
from forecast.inference.batch import solve
from forecast.inference.elimination import plan
from forecast.workspace.records import ReportSource

Array = NDArray[np.float64]
Index = NDArray[np.intp]

SWEEPS = 2  # of the approximation: sources and events are told of each other so many times; more change nothing
PILOT = 100  # draws of theta over which the events' posterior is averaged while the sources are approximated


@dataclass(frozen=True)
class Reliabilities:
    """Sources in id order, the node of each in each draw (sources, draws), the log correction (draws), and the seed."""

    sources: tuple[str, ...]
    nodes: Index
    log_correction: Array
    seed: int = 0

    def thinned(self, every: int) -> Reliabilities:
        """Return those of every so-many-th draw."""
        return Reliabilities(self.sources, self.nodes[:, ::every], self.log_correction[::every], self.seed)

    @property
    def reliability(self) -> Array:
        """The reliability of each source in each draw (sources, draws)."""
        return np.asarray(NODES[self.nodes])


def draw_reliabilities(
    network: AsOfNetwork, sources: Mapping[str, ReportSource], theta: Array, seed: int
) -> Reliabilities:
    """Draw the reliability of every source, once for each draw of theta (n_theta, draws).

    The proposal of source s is p(r) prod_i sum_x Pbar(x) P(i | x, r) on a grid, with Pbar the events' posterior given
    the other sources at their proposals; both are brought up to date in turn. Draws are stratified, and in an order of
    their own for each source, from streams that hang on the seed and the source alone.
    """
    names = tuple(sorted(sources))
    prior = np.stack([log_prior(sources[name].grade) for name in names]) if names else np.zeros((0, NODES.size))
    n_draws = theta.shape[1]
    proposal = _proposal(network, names, prior, np.ascontiguousarray(theta[:, :: max(1, n_draws // PILOT)]))
    nodes = np.empty((len(names), n_draws), dtype=np.intp)
    correction = np.zeros(n_draws)
    for s, name in enumerate(names):
        rng = np.random.default_rng(int(digest_of(seed, name)[:16], 16))
        levels = (rng.permutation(n_draws) + rng.uniform(size=n_draws)) / n_draws
        cumulative = np.cumsum(np.exp(proposal[s]))
        nodes[s] = np.minimum(np.searchsorted(cumulative, levels * cumulative[-1]), NODES.size - 1)
        correction += (prior[s] - proposal[s])[nodes[s]]
    return Reliabilities(names, nodes, correction, seed)


def _proposal(network: AsOfNetwork, names: tuple[str, ...], prior: Array, theta: Array) -> Array:
    """Return the log proposal of each source (sources, nodes), normalised."""
    tables = source_tables(network, names)
    order = plan(network.cards, network.scopes, keep=())
    first = len(network.scopes) - len(network.fixed)
    rows, _ = factors(network, theta)
    log_proposal = prior
    for _ in range(SWEEPS):
        messages = [
            {s: _log_mean(table, log_proposal[s]) for s, table in by_source.items()} for by_source in tables.factors
        ]
        totals = [sum(by_source.values()) for by_source in messages]
        reported = [np.exp(total - np.max(total))[..., np.newaxis] for total in totals]
        marginals = solve(order, [*rows[:first], *reported]).marginals
        log_proposal = prior + tables.constant
        for i, by_source in enumerate(tables.factors):
            scope = network.fixed[i][0]
            believed = _product([marginals[v][:, 0].mean(axis=-1) for v in scope])
            for s, table in by_source.items():
                cavity = _without(believed, messages[i][s])
                log_proposal[s] += np.log((np.exp(table) * cavity).reshape(NODES.size, -1).sum(axis=1))
        # One that reported nothing keeps its prior bit for bit: a source that comes later changes no earlier forecast.
        silent = (log_proposal == prior).all(axis=1, keepdims=True)
        constant = np.where(silent, 0.0, np.logaddexp.reduce(log_proposal, axis=1, keepdims=True))
        log_proposal = log_proposal - constant
    return log_proposal


def _log_mean(table: Array, log_weights: Array) -> Array:
    """Average exp(table) (nodes, *states) over the nodes; return its logarithm."""
    return np.asarray(np.logaddexp.reduce(table + log_weights.reshape(-1, *(1,) * (table.ndim - 1)), axis=0))


def _product(marginals: list[Array]) -> Array:
    joint = np.ones(())
    for marginal in marginals:
        joint = np.multiply.outer(joint, marginal)
    return joint


def _without(believed: Array, log_message: Array) -> Array:
    """Take a source's own message out of the events' posterior: it must not confirm itself."""
    peak = float(np.max(log_message))
    with np.errstate(divide="ignore", invalid="ignore"):
        cavity = np.where(log_message > -np.inf, believed / np.exp(log_message - peak), believed)
    return np.asarray(cavity / cavity.sum())
