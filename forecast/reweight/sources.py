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
from forecast.reweight.proposals import Component, propose
from forecast.workspace.records import ReportSource

Array = NDArray[np.float64]
Index = NDArray[np.intp]

PILOT = 100  # draws of theta over which the events' posterior is averaged while the sources are approximated


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
    the other sources at their proposals (reweight.proposals); both are brought up to date in turn. Draws are
    stratified, and in an order of their own for each source, from streams that hang on the seed and the source alone.

    Raises ImpossibleEvidenceError where reports exclude every state.
    """
    names = tuple(sorted(sources))
    grids = grids_of(network, {name: sources[name].grade for name in names})
    n_draws = theta.shape[1]
    pilot = np.ascontiguousarray(theta[:, :: max(1, n_draws // PILOT)])
    mixture = propose(network, source_tables(network, names, grids), grids, pilot)
    component = _components(mixture, n_draws, seed)
    nodes = np.empty((len(names), n_draws), dtype=np.intp)
    log_proposal = np.tile([[one.log_share] for one in mixture], n_draws)
    log_prior = np.zeros(n_draws)
    for s, (name, grid) in enumerate(zip(names, grids, strict=True)):
        rng = np.random.default_rng(int(digest_of(seed, name)[:16], 16))
        levels = (rng.permutation(n_draws) + rng.uniform(size=n_draws)) / n_draws
        for number, one in enumerate(mixture):
            cumulative = np.cumsum(np.exp(one.log_proposals[s]))
            of = component == number
            nodes[s, of] = np.minimum(np.searchsorted(cumulative, levels[of] * cumulative[-1]), cumulative.size - 1)
        log_prior += grid.log_prior[nodes[s]]
        for number, one in enumerate(mixture):
            log_proposal[number] += one.log_proposals[s][nodes[s]]
    return Reliabilities(names, grids, nodes, log_prior - np.logaddexp.reduce(log_proposal, axis=0), seed)


def _components(mixture: Sequence[Component], n_draws: int, seed: int) -> Index:
    """Return which component of a mixture each draw is from: as near to the shares as whole draws are, in any order."""
    rng = np.random.default_rng(int(digest_of(seed, "component of the mixture")[:16], 16))
    levels = (rng.permutation(n_draws) + 0.5) / n_draws
    ends = np.cumsum([np.exp(one.log_share) for one in mixture])
    return np.asarray(np.minimum(np.searchsorted(ends, levels * ends[-1]), len(mixture) - 1))
