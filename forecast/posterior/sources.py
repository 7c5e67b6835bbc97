"""The reliability of every source, drawn for each draw of the network near where its reports put it, and corrected.

Drawn from its prior, the reliabilities of many sources leave hardly a draw that fits all reports. Each source is
therefore drawn from an approximation of its posterior, and the weight of the draw corrected by prior over proposal
(importance sampling: exact, whatever the approximation).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from forecast.digests import digest_of
from forecast.inference.engine import ENGINE, ImpossibleEvidenceError
from forecast.model.asof import AsOfNetwork, factors
from forecast.model.reliability import Grid, SourceTables, grids_of, report_logs, source_tables
from forecast.model.reports import Report
from forecast.workspace.records import ReportSource

Array = NDArray[np.float64]

SWEEPS = 2  # sources and events are told of each other so many times; more change nothing
# Nats between a factor's least and largest entry up to which an event's posterior keeps the digits of its least
# probable state. Beyond, what a source says is left out of the events' posterior before it is solved, not divided out.
DIVISIBLE = 300.0
CONTRADICTION = 6.0  # nats by which sources outweigh each other before the states of what they speak of are supposed
MOST_SUPPOSED = 16  # joint states: what contradicts most comes first


@dataclass(frozen=True)
class Component:
    """A part of the mixture: its log share, and the log proposal of each source (nodes,), normalised."""

    log_share: float
    log_proposals: list[Array]


def propose(network: AsOfNetwork, tables: SourceTables, grids: Sequence[Grid], theta: Array) -> tuple[Component, ...]:
    """Approximate the posterior of the sources' reliabilities on a few draws of theta (n_theta, draws).

    Returns the components of the mixture: one, unless sources contradict each other. Raises ImpossibleEvidenceError
    where reports exclude every state.
    """
    return _Proposal(network, tables, grids, theta).components()


class _Proposal:
    def __init__(self, network: AsOfNetwork, tables: SourceTables, grids: Sequence[Grid], theta: Array) -> None:
        self._network, self._tables, self._theta = network, tables, theta
        self._priors = [grid.log_prior for grid in grids]
        self._order = ENGINE.plan(network.cards, network.scopes, keep=())
        self._scopes = [scope for scope, _ in network.fixed]

    def components(self) -> tuple[Component, ...]:
        disputed = self._disputed(self._heard(self._priors))
        if not disputed:
            return (Component(0.0, self._approximated({})[0]),)
        made = [self._approximated(supposed) for supposed in self._suppositions(disputed)]
        log_mass = np.array([mass for _, mass in made])
        shares = np.exp(log_mass - np.logaddexp.reduce(log_mass))
        # Half of the draws go to what seems improbable: the approximation of the masses is a rough one.
        shares = (shares + 1.0 / shares.size) / 2.0
        return tuple(
            Component(float(log_share), proposals)
            for log_share, (proposals, _) in zip(np.log(shares), made, strict=True)
        )

    def _heard(self, log_proposals: Sequence[Array]) -> list[dict[int, Array]]:
        """Return, for each factor and source, the log of what the source says of the events, on average."""
        return [
            {s: _log_mean(table, log_proposals[s]) for s, table in by_source.items()}
            for by_source in self._tables.factors
        ]

    def _disputed(self, heard: Sequence[Mapping[int, Array]]) -> list[int]:
        """Return the factors whose sources contradict each other, the most contradictory first."""
        against = {i: _contradiction(list(by_source.values())) for i, by_source in enumerate(heard)}
        worst = sorted((i for i, nats in against.items() if nats > CONTRADICTION), key=lambda i: (-against[i], i))
        chosen: list[int] = []
        for i in worst:
            if prod(self._n_states(j) for j in (*chosen, i)) <= MOST_SUPPOSED:
                chosen.append(i)
        return chosen

    def _n_states(self, i: int) -> int:
        return prod(self._network.cards[v] for v in self._scopes[i])

    def _suppositions(self, disputed: Sequence[int]) -> Iterator[dict[int, Array]]:
        """Yield each joint state of the disputed factors: for each factor the logs of an indicator of its state."""
        shapes = {i: tuple(self._network.cards[v] for v in self._scopes[i]) for i in disputed}
        for states in product(*(range(prod(shape)) for shape in shapes.values())):
            supposed = {}
            for (i, shape), state in zip(shapes.items(), states, strict=True):
                indicator = np.full(prod(shape), -np.inf)
                indicator[state] = 0.0
                supposed[i] = indicator.reshape(shape)
            yield supposed

    def _approximated(self, supposed: Mapping[int, Array]) -> tuple[list[Array], float]:
        """Return the log proposal of each source, supposing some states, and about the log of the states' mass."""
        log_proposals, log_mass = self._priors, 0.0
        for _ in range(SWEEPS):
            heard = self._heard(log_proposals)
            constants = zip(self._priors, self._tables.constant, strict=True)
            unscaled = [prior + constant for prior, constant in constants]
            cavities = self._log_cavities(heard, supposed)
            if cavities is None:
                return self._priors, -np.inf
            for i, by_source in enumerate(cavities):
                for s, log_cavity in by_source.items():
                    joint = self._tables.factors[i][s] + log_cavity
                    unscaled[s] = unscaled[s] + np.logaddexp.reduce(joint.reshape(len(joint), -1), axis=1)
            log_mass = float(sum(np.logaddexp.reduce(component) for component in unscaled)) + self._log_prior_mass(
                supposed
            )
            # One that reported nothing keeps its prior bit for bit: a later source changes no earlier forecast.
            log_proposals = [
                prior if np.array_equal(own, prior) else own - np.logaddexp.reduce(own)
                for prior, own in zip(self._priors, unscaled, strict=True)
            ]
        return log_proposals, log_mass

    def _log_prior_mass(self, supposed: Mapping[int, Array]) -> float:
        """Return the log probability of what is supposed, before any report, on average over the draws."""
        if not supposed:
            return 0.0
        totals = [supposed.get(i, np.zeros(self._shape(i))) for i in range(len(self._scopes))]
        try:
            arrays, offset = self._factors(totals)
            return float(np.logaddexp.reduce(ENGINE.evaluate(self._order, arrays).log_evidence + offset))
        except ImpossibleEvidenceError:
            return -np.inf

    def _shape(self, i: int) -> tuple[int, ...]:
        return tuple(self._network.cards[v] for v in self._scopes[i])

    def _factors(self, totals: Sequence[Array]) -> tuple[list[Array], Array]:
        return factors(
            self._network, self._theta, ([total[..., np.newaxis] for total in totals], np.zeros(self._theta.shape[1]))
        )

    def _log_cavities(
        self, heard: Sequence[Mapping[int, Array]], supposed: Mapping[int, Array]
    ) -> list[dict[int, Array]] | None:
        """Return, for each factor and source, the log posterior of its events without what the source says of them.

        None where what is supposed cannot be.
        """
        totals = [supposed.get(i, np.asarray(sum(by_source.values()))) for i, by_source in enumerate(heard)]
        if any(not np.isfinite(total.max(initial=-np.inf)) for total in totals):
            raise ImpossibleEvidenceError(np.arange(self._theta.shape[1]))
        try:
            log_posterior = self._log_posteriors(totals)
        except ImpossibleEvidenceError:
            if supposed:
                return None
            raise
        cavities: list[dict[int, Array]] = []
        for i, by_source in enumerate(heard):
            if i in supposed:
                cavities.append(dict.fromkeys(by_source, supposed[i]))
                continue
            narrow = all(float(np.ptp(_finite(message))) < DIVISIBLE for message in (totals[i], *by_source.values()))
            known = log_posterior[i] if narrow else self._log_posteriors(_without(totals, i))[i] + totals[i]
            cavities.append({s: _log_divided(known, message) for s, message in by_source.items()})
        return cavities

    def _log_posteriors(self, totals: Sequence[Array]) -> list[Array]:
        """Return the log posterior of each factor's events, as if they were independent, averaged over the draws."""
        arrays, _ = self._factors(totals)
        marginals = ENGINE.evaluate(self._order, arrays).marginals
        with np.errstate(divide="ignore"):  # what is ruled out has log probability minus infinity
            logs = [np.log(marginal[:, 0].mean(axis=-1)) for marginal in marginals]
        return [_outer_sum([logs[v] for v in scope]) for scope in self._scopes]


def _contradiction(messages: Sequence[Array]) -> float:
    """Return by how many nats sources that speak of the same events outweigh each other, at most: 0 if all agree."""
    flat = [message.ravel() for message in np.broadcast_arrays(*map(_finite, messages))] if messages else []
    worst = 0.0
    for x, y in product(range(flat[0].size if flat else 0), repeat=2):
        weights = [float(message[x] - message[y]) for message in flat]
        worst = max(worst, min(sum(w for w in weights if w > 0.0), -sum(w for w in weights if w < 0.0)))
    return worst


def _without(totals: Sequence[Array], i: int) -> list[Array]:
    return [np.zeros_like(total) if place == i else total for place, total in enumerate(totals)]


def _finite(logs: Array) -> Array:
    return np.where(logs > -np.inf, logs, np.max(logs))


def _log_mean(table: Array, log_weights: Array) -> Array:
    """Average exp(table) (nodes, *states) over the nodes; return its logarithm."""
    return np.asarray(np.logaddexp.reduce(table + log_weights.reshape(-1, *(1,) * (table.ndim - 1)), axis=0))


def _outer_sum(logs: list[Array]) -> Array:
    joint = np.zeros(())
    for log in logs:
        joint = np.add.outer(joint, log)
    return joint


def _log_divided(log_posterior: Array, log_message: Array) -> Array:
    """Take a source's own message out of the events' posterior: it must not confirm itself. Normalised."""
    shown = log_message > -np.inf
    cavity = np.where(shown, log_posterior - np.where(shown, log_message, 0.0), log_posterior)
    return np.asarray(cavity - np.logaddexp.reduce(cavity, axis=None))


Index = NDArray[np.intp]

PILOT = 100  # draws of theta over which the events' posterior is averaged while the sources are approximated


@dataclass(frozen=True, kw_only=True)
class Reliabilities:
    """Sources in id order, the grid of each, its node in each draw (sources, draws), the log correction, the seed."""

    sources: tuple[str, ...]
    grids: tuple[Grid, ...]
    nodes: Index
    log_correction: Array
    seed: int = 0

    def thinned(self, every: int) -> Reliabilities:
        """Return those of a regular subset of the draws."""
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
    the other sources at their proposals (reweight.sources); both are brought up to date in turn. Draws are
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
    log_ratio = np.tile(
        [[component.log_share] for component in mixture], n_draws
    )  # of each component's density to the prior's
    for s, (name, grid) in enumerate(zip(names, grids, strict=True)):
        levels = _levels(seed, name, n_draws)
        for number, one in enumerate(mixture):
            of = component == number
            nodes[s, of] = _nodes(one.log_proposals[s], levels[of])
        # Of a source that reported nothing this is zero, to the last bit.
        for number, one in enumerate(mixture):
            log_ratio[number] += (one.log_proposals[s] - grid.log_prior)[nodes[s]]
    return Reliabilities(
        sources=names, grids=grids, nodes=nodes, log_correction=-np.logaddexp.reduce(log_ratio, axis=0), seed=seed
    )


def _levels(seed: int, name: str, n_draws: int) -> Array:
    """Return evenly spread levels (draws) between 0 and 1 in an order that is the source's own."""
    rng = np.random.default_rng(int(digest_of(seed, name)[:16], 16))
    return np.asarray((rng.permutation(n_draws) + rng.uniform(size=n_draws)) / n_draws)


def _nodes(log_proposal: Array, levels: Array) -> Index:
    """Return the nodes of a grid (draws) that a proposal reaches at levels between 0 and 1."""
    cumulative = np.cumsum(np.exp(log_proposal))
    return np.asarray(np.minimum(np.searchsorted(cumulative, levels * cumulative[-1]), cumulative.size - 1))


def _components(mixture: Sequence[Component], n_draws: int, seed: int) -> Index:
    """Return which component of a mixture each draw is from: as near to the shares as whole draws are, in any order."""
    rng = np.random.default_rng(int(digest_of(seed, "component of the mixture")[:16], 16))
    levels = (rng.permutation(n_draws) + 0.5) / n_draws
    ends = np.cumsum([np.exp(component.log_share) for component in mixture])
    return np.asarray(np.minimum(np.searchsorted(ends, levels * ends[-1]), len(mixture) - 1))


class StagedSources:
    """The reliability of every source in networks with more or fewer of the same reports, on the same draws.

    A source stands where its prior puts it until it has reported twice. Then it is drawn anew whenever it has reported
    twice as often: with n reports from an approximation of its posterior from the first m of them, m the largest power
    of two that is at most n. That is wider than its posterior, as a proposal should be, and most sources stand still
    from one network to the next. What is drawn hangs on the network alone, not on those before it.

    Args:
        of: the reliabilities in a network with all reports, which tells sources, grids and seed.
        events: (states) of each event its probabilities, by which half of a report is judged; the other half is judged
            as if every state were as likely.
        n_draws: number of draws.
    """

    def __init__(self, of: Reliabilities, events: Sequence[Array], n_draws: int) -> None:
        self._of, self._events, self._n_draws = of, events, n_draws
        self._levels = [_levels(of.seed, name, n_draws) for name in of.sources]
        self._drawn: dict[tuple[object, ...], tuple[Index, Array]] = {}

    def drawn(self, network: AsOfNetwork, reported: Mapping[str, date]) -> Reliabilities:
        """Return the reliabilities for the reports of a network; `reported` is the day of each item."""
        own: dict[str, list[Report]] = {}
        for report in sorted(network.reports, key=lambda one: (reported[one.item], one.item)):
            if not report.is_spent:
                own.setdefault(report.source, []).append(report)
        stood = [self._standing(s, own.get(name, ())) for s, name in enumerate(self._of.sources)]
        nodes = np.array([nodes for nodes, _ in stood], dtype=np.intp).reshape(len(stood), self._n_draws)
        corrections = (correction for _, correction in stood)
        return replace(self._of, nodes=nodes, log_correction=sum(corrections, start=np.zeros(self._n_draws)))

    def _standing(self, s: int, reports: Sequence[Report]) -> tuple[Index, Array]:
        """Return the node of a source in each draw, and its log correction."""
        told = reports[: 1 << (len(reports).bit_length() - 1)] if len(reports) > 1 else ()
        heard = [(one.credibility, one.kept, one.noise, self._chance(one)) for one in told]
        key = (s, *heard)
        if key not in self._drawn:
            grid = self._of.grids[s]
            log_proposal = grid.log_prior
            for credibility, kept, noise, said in heard:
                q, rest = grid.informative(credibility)
                log_proposal = log_proposal + np.log(kept * q * said + (rest + (1.0 - kept) * q) * noise)
            if heard:
                log_proposal = log_proposal - np.logaddexp.reduce(log_proposal)
            nodes = _nodes(log_proposal, self._levels[s])
            self._drawn[key] = nodes, (grid.log_prior - log_proposal)[nodes]
        return self._drawn[key]

    def _chance(self, report: Report) -> float:
        """Return the probability of what a report says if it is informative, up to the factor of its `noise`."""
        expected: Array = report.said
        for v in report.scope:
            expected = np.tensordot(self._events[v], expected, axes=1)
        return (float(expected) + float(report.said.mean())) / 2.0
