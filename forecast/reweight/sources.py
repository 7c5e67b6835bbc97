"""The reliability of every source, drawn for each draw of the network near where its reports put it, and corrected.

Drawn from its prior, the reliabilities of many sources leave hardly a draw that fits all reports. Each source is
therefore drawn from an approximation of its posterior, and the weight of the draw corrected by prior over proposal
(importance sampling: exact, whatever the approximation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.asof import AsOfNetwork, factors
from forecast.compiled.reliability import Grid, SourceTables, grids_of, report_logs, source_tables
from forecast.digests import digest_of
from forecast.inference.batch import ImpossibleEvidenceError, solve
from forecast.inference.elimination import plan
from forecast.workspace.records import ReportSource

Array = NDArray[np.float64]
Index = NDArray[np.intp]

SWEEPS = 2  # of the approximation: sources and events are told of each other so many times; more change nothing
PILOT = 100  # draws of theta over which the events' posterior is averaged while the sources are approximated
# Nats between a factor's least and largest entry up to which an event's posterior keeps the digits of its least
# probable state. Beyond, what a source says is left out of the events' posterior before it is solved, not divided out.
DIVISIBLE = 300.0


@dataclass(frozen=True)
class Reliabilities:
    """Sources in id order, the grid of each, its node in each draw (sources, draws), the log correction, the seed."""

    sources: tuple[str, ...]
    grids: tuple[Grid, ...]
    nodes: Index
    log_correction: Array
    seed: int = 0

    def thinned(self, every: int) -> Reliabilities:
        """Return those of every so-many-th draw."""
        return replace(self, nodes=self.nodes[:, ::every], log_correction=self.log_correction[::every])

    def of_draws(self, places: slice | Index) -> Reliabilities:
        """Return those of some draws."""
        return replace(self, nodes=self.nodes[:, places], log_correction=self.log_correction[places])

    @property
    def reliability(self) -> Array:
        """The reliability of each source in each draw (sources, draws)."""
        rows = [grid.reliability[nodes] for grid, nodes in zip(self.grids, self.nodes, strict=True)]
        return np.array(rows).reshape(self.nodes.shape)

    def tables(self, network: AsOfNetwork) -> SourceTables:
        """Return the reports of a network at every node of the sources."""
        return source_tables(network, self.sources, self.grids)

    def factors(self, network: AsOfNetwork, theta: Array, tables: SourceTables) -> tuple[list[Array], Array]:
        """Compute a network's factors and their log offset, each source standing at its node in each draw.

        `theta` (n_theta, draws) is of the draws of these reliabilities; `tables` are those of the same network.
        """
        return factors(network, theta, report_logs(tables, self.nodes))


def draw_reliabilities(
    network: AsOfNetwork, sources: Mapping[str, ReportSource], theta: Array, seed: int
) -> Reliabilities:
    """Draw the reliability of every source, once for each draw of theta (n_theta, draws).

    The proposal of source s is p(r) prod_i sum_x Pbar(x) P(i | x, r) on a grid, with Pbar the events' posterior given
    the other sources at their proposals; both are brought up to date in turn. Draws are stratified, and in an order of
    their own for each source, from streams that hang on the seed and the source alone.

    Raises ImpossibleEvidenceError where reports exclude every state.
    """
    names = tuple(sorted(sources))
    grids = grids_of(network, {name: sources[name].grade for name in names})
    n_draws = theta.shape[1]
    pilot = np.ascontiguousarray(theta[:, :: max(1, n_draws // PILOT)])
    proposal = _Proposal(network, source_tables(network, names, grids), grids, pilot).log_proposals()
    nodes = np.empty((len(names), n_draws), dtype=np.intp)
    correction = np.zeros(n_draws)
    for s, (name, grid) in enumerate(zip(names, grids, strict=True)):
        rng = np.random.default_rng(int(digest_of(seed, name)[:16], 16))
        levels = (rng.permutation(n_draws) + rng.uniform(size=n_draws)) / n_draws
        cumulative = np.cumsum(np.exp(proposal[s]))
        nodes[s] = np.minimum(np.searchsorted(cumulative, levels * cumulative[-1]), grid.log_odds.size - 1)
        correction += (grid.log_prior - proposal[s])[nodes[s]]
    return Reliabilities(names, grids, nodes, correction, seed)


class _Proposal:
    """The sources' proposals, approximated on a few draws of theta."""

    def __init__(self, network: AsOfNetwork, tables: SourceTables, grids: Sequence[Grid], theta: Array) -> None:
        self._network, self._tables, self._grids, self._theta = network, tables, grids, theta
        self._order = plan(network.cards, network.scopes, keep=())

    def log_proposals(self) -> list[Array]:
        """Return the log proposal of each source (nodes,), normalised."""
        priors = [grid.log_prior for grid in self._grids]
        log_proposal = priors
        for _ in range(SWEEPS):
            heard = [
                {s: _log_mean(table, log_proposal[s]) for s, table in by_source.items()}
                for by_source in self._tables.factors
            ]
            log_proposal = [prior + constant for prior, constant in zip(priors, self._tables.constant, strict=True)]
            for i, cavities in enumerate(self._log_cavities(heard)):
                for s, log_cavity in cavities.items():
                    joint = self._tables.factors[i][s] + log_cavity
                    log_proposal[s] = log_proposal[s] + np.logaddexp.reduce(joint.reshape(len(joint), -1), axis=1)
            # One that reported nothing keeps its prior bit for bit: a later source changes no earlier forecast.
            log_proposal = [
                prior if np.array_equal(own, prior) else own - np.logaddexp.reduce(own)
                for prior, own in zip(priors, log_proposal, strict=True)
            ]
        return log_proposal

    def _log_cavities(self, heard: Sequence[Mapping[int, Array]]) -> list[dict[int, Array]]:
        """Return, for each factor and source, the log posterior of its events without what the source says of them."""
        totals = [np.asarray(sum(by_source.values())) for by_source in heard]
        if any(not np.isfinite(total.max(initial=-np.inf)) for total in totals):
            raise ImpossibleEvidenceError(np.arange(self._theta.shape[1]))
        log_posterior = self._log_posteriors(totals)
        cavities: list[dict[int, Array]] = []
        for i, by_source in enumerate(heard):
            narrow = all(float(np.ptp(_finite(message))) < DIVISIBLE for message in (totals[i], *by_source.values()))
            # A state that is ruled out says nothing of a source: its report on the others is what counts.
            known = log_posterior[i] if narrow else self._log_posteriors(_without(totals, i))[i] + totals[i]
            cavities.append({s: _log_divided(known, message) for s, message in by_source.items()})
        return cavities

    def _log_posteriors(self, totals: Sequence[Array]) -> list[Array]:
        """Return the log posterior of each factor's events, as if they were independent, averaged over the draws."""
        reported = [total[..., np.newaxis] for total in totals]
        arrays, _ = factors(self._network, self._theta, (reported, np.zeros(self._theta.shape[1])))
        marginals = solve(self._order, arrays).marginals
        with np.errstate(divide="ignore"):  # what is ruled out has log probability minus infinity
            logs = [np.log(marginal[:, 0].mean(axis=-1)) for marginal in marginals]
        scopes = [scope for scope, _ in self._network.fixed]
        return [_outer_sum([logs[v] for v in scope]) for scope in scopes]


def _without(totals: Sequence[Array], i: int) -> list[Array]:
    return [np.zeros_like(total) if place == i else total for place, total in enumerate(totals)]


def _finite(logs: Array) -> Array:
    return np.where(logs > -np.inf, logs, np.max(logs))


def _log_mean(table: Array, log_weights: Array) -> Array:
    """Average exp(table) (nodes, *states) over the nodes; return its logarithm."""
    return np.asarray(np.logaddexp.reduce(table + log_weights.reshape(-1, *(1,) * (table.ndim - 1)), axis=0))


def _outer_sum(logs: list[Array]) -> Array:
    joint = np.zeros(())
    for one in logs:
        joint = np.add.outer(joint, one)
    return joint


def _log_divided(log_posterior: Array, log_message: Array) -> Array:
    """Take a source's own message out of the events' posterior: it must not confirm itself. Normalised."""
    shown = log_message > -np.inf
    cavity = np.where(shown, log_posterior - np.where(shown, log_message, 0.0), log_posterior)
    return np.asarray(cavity - np.logaddexp.reduce(cavity, axis=None))
