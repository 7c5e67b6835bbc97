"""The evidence in the order in which it became known, and draws that serve every part of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import pairwise
from math import isfinite, log
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.ledger.outcome import Diagnostics, Estimate, Outcome, by_level, diagnostics
from forecast.model.asof import compile_workspace
from forecast.model.history import active_items
from forecast.model.reliability import Grid, informative_at
from forecast.posterior.passes import Passes
from forecast.posterior.posterior import Evaluation, Posterior, evaluate, evenly, evidence_of, query
from forecast.posterior.sources import Reliabilities, StagedSources, draw_reliabilities
from forecast.posterior.weights import MAX_PARETO_K, deviations, effective_size, smooth, standard_error
from forecast.workspace.records import Item, Scenario, Workspace, events_of


@dataclass(frozen=True, order=True)
class EvidenceChange:
    """An item enters (`retracts` false), or is taken back."""

    on: date
    item: str
    retracts: bool

    @property
    def kind(self) -> Literal["item", "retraction"]:
        """What the change is called."""
        return "retraction" if self.retracts else "item"


def changes(
    workspace: Workspace, as_of: date, new: Collection[str] | None = None, since: date | None = None
) -> tuple[EvidenceChange, ...]:
    """Return the changes of the evidence until a date (day included), by day, ties by id.

    Args:
        workspace: the items.
        as_of: nothing dated later counts.
        new: items that enter; None: all. Of the others only retractions after `since` are changes.
        since: the date up to which the items that are not new are as they were; None: none is.
    """
    entered = []
    for item in workspace.items:
        enters = item.reported <= as_of and (new is None or item.id in new)
        if enters:
            entered.append(EvidenceChange(item.reported, item.id, retracts=False))
        if item.retracted and item.retracted <= as_of and (enters or (since is not None and item.retracted > since)):
            entered.append(EvidenceChange(max(item.reported, item.retracted), item.id, retracts=True))
    return tuple(sorted(entered))


def before(workspace: Workspace, of: Sequence[EvidenceChange]) -> Workspace:
    """Return the workspace before any of the changes: neither what enters nor the retractions."""
    entering = {change.item for change in of if not change.retracts}
    retracted = {change.item for change in of if change.retracts}
    items = (item for item in workspace.items if item.id not in entering)
    return with_items(workspace, [replace(i, retracted=None) if i.id in retracted else i for i in items])


def prefixes(workspace: Workspace, of: Sequence[EvidenceChange]) -> Iterator[Workspace]:
    """Yield the workspace after each change; after the last one it is the workspace as of the changes' date."""
    whole = {item.id: item for item in workspace.items}
    items = {item.id: item for item in before(workspace, of).items}
    for change in of:
        item = whole[change.item]
        items[item.id] = item if change.retracts else replace(item, retracted=None)
        yield with_items(workspace, items.values())


def with_items(workspace: Workspace, items: Iterable[Item]) -> Workspace:
    """Return a workspace with other items, in id order."""
    return replace(workspace, items=tuple(sorted(items, key=lambda item: item.id)))


Array = NDArray[np.float64]

DRAWS = 4000  # of a table of many forecasts
LEAST_SIZE = 100.0  # effective draws from which on a Monte Carlo error can be told
CLOSE = 1e-12  # change of the log normalising constant at which its fixed point counts as reached
MOST_ROUNDS = 10_000


class PartEstimate(NamedTuple):
    """Probabilities (scenarios with `other`) from reweighted draws, and how well the draws bear them.

    `deviations` (scenarios, draws): what each draw contributes to the distance of each probability from its limit, by
    the delta method. `Pooled.error` makes the Monte Carlo error of a probability of them and, of their difference, that
    of a step between two estimates from these draws. Where it is not `reliable` the draws are too few to tell it.
    """

    shares: Array
    pareto_k: float
    effective_size: float
    reliable: bool
    deviations: Array


class Whole(NamedTuple):
    """The estimate of the scenarios, and the probability of each state of each event."""

    estimate: PartEstimate
    events: tuple[Array, ...]


@dataclass(frozen=True)
class Pooled:
    """Draws `theta` (n_theta, draws) and the log of their density over that of the statements alone, `log_proposal`.

    `anchored` (draws): of a mixture the probability that a draw came from its second half, the fit that knew evidence.
    `sources`: where they stand in each draw with more or fewer of the forecast's reports.
    """

    theta: Array
    log_proposal: Array
    seed: int
    sources: StagedSources
    anchored: Array | None = None

    @cached_property
    def passes(self) -> Passes:
        """Exact inference on these draws; from one forecast to the next only what differs is computed."""
        return Passes(self.theta)

    def error(self, terms: Array) -> Array:
        """Compute Monte Carlo errors (scenarios) from deviations, or from sums and differences of them."""
        return standard_error(terms, samples=1 if self.anchored is None else 2)

    def prior(self, shares: Array) -> PartEstimate:
        """Weigh P(s | theta_d) (scenarios, draws) as the statements alone do."""
        return self._weighed(np.zeros_like(self.log_proposal), shares)

    def forecast(
        self, workspace: Workspace, posterior: Posterior, as_of: date, rules: Sequence[Scenario]
    ) -> PartEstimate:
        """Compute the forecast from some of the items as of a date: rows, history, sources and weights are their own.

        Raises ImpossibleEvidenceError if the evidence is impossible.
        """
        queried = query(compile_workspace(posterior.asked.network.layout, workspace, as_of), rules)
        drawn = self.sources.drawn(queried.network, {item.id: item.reported for item in workspace.items})
        log_evidence, shares = self.passes.evaluate_scenarios(queried, drawn)
        return self._weighed(log_evidence + drawn.log_correction, shares)

    def whole(self, workspace: Workspace, posterior: Posterior, as_of: date) -> Whole:
        """Compute the forecast of a workspace's scenarios and of all events, everything anew as in `forecast`.

        Raises ImpossibleEvidenceError if its evidence is impossible.
        """
        queried = query(compile_workspace(posterior.asked.network.layout, workspace, as_of), workspace.scenarios)
        drawn = draw_reliabilities(queried.network, workspace.sources, self.theta, self.seed)
        solved = evaluate(queried, self.theta, drawn)
        log_target = solved.log_evidence + drawn.log_correction
        weights, _ = smooth(log_target - self.log_proposal)
        return Whole(self._weighed(log_target, solved.scenarios), tuple(shares @ weights for shares in solved.events))

    def _weighed(self, log_target: Array, shares: Array) -> PartEstimate:
        weights, k = smooth(log_target - self.log_proposal)
        size = effective_size(weights)
        mean = np.asarray(shares @ weights)
        reliable = k <= MAX_PARETO_K and size >= LEAST_SIZE
        terms = weights * (shares - mean[:, np.newaxis])
        if self.anchored is None:
            return PartEstimate(mean, k, size, reliable, terms)
        # The constant Z of the anchored half is an estimate too, from the same draws: sum_d anchored_d, their number,
        # fixes it, and d log w_d / d log Z = anchored_d.
        shared = float((self.anchored * (1.0 - self.anchored)).sum())
        if shared == 0.0:  # no draw of one half could be one of the other: nothing tells how they weigh
            return PartEstimate(mean, k, size, False, terms)
        terms += (terms @ self.anchored)[:, np.newaxis] * (self.anchored / shared)
        return PartEstimate(mean, k, size, reliable, terms)


def pool_draws(posterior: Posterior, seed: int, most: int = DRAWS) -> Pooled:
    """Return at most about `most` draws for forecasts from any part of the evidence.

    Of a forecast from the statements' draws, every so-many-th of them. Of an anchored one half from each: with n0
    draws of p(theta) and n1 of p(theta) L(theta) / Z, all are a sample of the mixture, whose density over p(theta) is
    (n0 + n1 L / Z) / (n0 + n1).

    Source: Kong, McCullagh, Meng, Nicolae and Tan (2003), "A theory of statistical models for Monte Carlo integration".
    """
    if posterior.anchor is None or posterior.spec.anchor is None:
        every = max(1, posterior.draws.theta.shape[1] // most)
        theta = evenly(posterior.draws.theta, every)
        return Pooled(theta, posterior.log_anchor[::every], seed, _staged(posterior, theta))
    every = max(1, 2 * posterior.draws.theta.shape[1] // most)
    before = np.ascontiguousarray(posterior.base.theta[:, ::every])
    after = posterior.draws.theta[:, ::every]
    # Without the constant of the reports, as it is left out of `log_anchor`.
    log_before = evidence_of(replace(posterior.spec.anchor, log_fixed=0.0), before)
    log_ratio = np.concatenate([log_before, posterior.log_anchor[::every]])
    log_z = log_constant(log_ratio, log_before.size)
    n = log_ratio.size
    log_proposal = np.logaddexp(np.log(log_before.size / n), np.log(1.0 - log_before.size / n) + log_ratio - log_z)
    anchored = 1.0 - np.exp(np.log(log_before.size / n) - log_proposal)
    theta = evenly(np.concatenate([before, after], axis=1), 1)
    return Pooled(theta, log_proposal, seed, _staged(posterior, theta), anchored)


def _staged(posterior: Posterior, theta: Array) -> StagedSources:
    events = [shares @ posterior.weights.weights for shares in posterior.evaluation.events]
    return StagedSources(posterior.reliabilities, events, theta.shape[1])


def log_constant(log_ratio: Array, n_before: int) -> float:
    """Estimate log Z = log E_p[L] from draws of p (the first `n_before`) and of p L / Z, by bridge sampling.

    The fixed point of Z = sum over all draws of L / (n0 + n1 L / Z): the maximum-likelihood estimate, and the bridge of
    least error.

    Args:
        log_ratio: (draws,) log L of all draws.
        n_before: how many of them, the first ones, were drawn from p.

    Source: Meng and Wong (1996), "Simulating ratios of normalizing constants via a simple identity", section 3.
    """
    n_after = log_ratio.size - n_before
    log_z = float(np.median(log_ratio))
    for _ in range(MOST_ROUNDS):
        log_terms = log_ratio - np.logaddexp(np.log(n_before), np.log(n_after) + log_ratio - log_z)
        step = float(np.logaddexp.reduce(log_terms)) - log_z
        log_z += step
        if abs(step) < CLOSE:
            break
    return log_z


# What one evidence item does to the forecast: the same day with it and without it, and by which way it does that.


@dataclass(frozen=True, kw_only=True)
class ScenarioEffect:
    """A scenario with the item; `before` without it."""

    id: str
    probability: float
    quantiles: Mapping[str, float]
    mcse: float
    before: float
    change: float


@dataclass(frozen=True, kw_only=True)
class StateEffect:
    """A state with the item; `before` without it."""

    state: str
    probability: float
    quantiles: Mapping[str, float]
    mcse: float
    before: float
    change: float


@dataclass(frozen=True, kw_only=True)
class EventStates:
    """An event that the item bears on, and its states."""

    id: str
    states: tuple[StateEffect, ...]


@dataclass(frozen=True, kw_only=True)
class ItemEffect:
    """The forecast with an item; `counts`: it is reported by the as-of date."""

    as_of: date
    known_until: date
    horizon: date
    seed: int
    counts: bool
    scenarios: tuple[ScenarioEffect, ...]
    events: tuple[EventStates, ...]
    diagnostics: Diagnostics


def effect_table(before: Outcome, after: Outcome, item: Item) -> ItemEffect:
    """Compare two outcomes of one day and seed, in the form of forecast.json.

    Each row is the estimate with the item, with `before`, the probability without it, and `change`, the difference
    (fractions of 1). `events` are those that the item bears on (on scenarios: those of their rules). Both are complete
    posteriors: the item's effect on its group, on its source's reliability and on the probabilities of the causes is in
    the difference.
    """
    events = dict.fromkeys(event for part in item.bears_on for event in events_of(part))
    return ItemEffect(
        as_of=after.as_of,
        known_until=after.posterior.asked.network.known.until,
        horizon=after.workspace.network.horizon,
        seed=after.seed,
        counts=item.reported <= after.as_of,
        scenarios=tuple(
            ScenarioEffect(
                id=name,
                probability=estimate.probability,
                quantiles=by_level(estimate),
                mcse=estimate.mcse,
                before=before.scenarios[name].probability,
                change=estimate.probability - before.scenarios[name].probability,
            )
            for name, estimate in after.scenarios.items()
        ),
        events=tuple(
            EventStates(
                id=event,
                states=tuple(
                    _of_state(state, before.events[event][state], estimate)
                    for state, estimate in after.events[event].items()
                ),
            )
            for event in events
        ),
        diagnostics=diagnostics(after),
    )


def _of_state(state: str, before: Estimate, after: Estimate) -> StateEffect:
    return StateEffect(
        state=state,
        probability=after.probability,
        quantiles=by_level(after),
        mcse=after.mcse,
        before=before.probability,
        change=after.probability - before.probability,
    )


@dataclass(frozen=True, kw_only=True)
class EffectPart:
    """A part of an item's effect on a probability, a fraction of 1, and its Monte Carlo error."""

    change: float
    mcse: float


@dataclass(frozen=True, kw_only=True)
class SplitRow:
    """The effect of an item on the probability of a scenario or a state, in three parts that add up to it.

    `before` and `now` are the probabilities without the item and with it. `direct`: what the report says, parameters
    and reliabilities as they were before it. `relearned`: parameters (and the other sources) learn from it. `source`:
    it and its own source's reliability are judged by each other.
    """

    id: str
    before: float
    direct: EffectPart
    relearned: EffectPart
    source: EffectPart
    now: float


@dataclass(frozen=True, kw_only=True)
class SplitEvent:
    """An event that the item bears on, and the effect on each state."""

    id: str
    states: tuple[SplitRow, ...]


@dataclass(frozen=True, kw_only=True)
class ItemSplit:
    """The effect of an item in parts.

    `reliability_before` and `reliability_now`: the mean of its source's reliability without the item and with it, None
    for an item that reports nothing unsettled. `pareto_k` and `ess` are those of the worse of the weights without the
    item and of those in which the parameters have learned from it; `reliable` says whether both bear the parts.
    """

    item: str
    headline: str
    reported: date
    source: str
    as_of: date
    reliability_before: float | None
    reliability_now: float | None
    scenarios: tuple[SplitRow, ...]
    events: tuple[SplitEvent, ...]
    pareto_k: float | None
    ess: float
    reliable: bool


class NoEffectError(ValueError):
    """An item that does not count has no effect to be split; the message says why."""


def split_item(found: Outcome, item: Item) -> ItemSplit:
    """Split what an item does to the forecast into its direct effect, relearned parameters, and its source.

    Raises NoEffectError for an item that is retracted or superseded.
    """
    if item not in active_items(found.workspace.items, found.as_of):
        msg = f"item '{item.id}' does not count on {found.as_of}: it is reported later, retracted or superseded"
        raise NoEffectError(msg)
    runs = _runs(found.posterior, found.workspace, item)
    layout = found.layout
    events = dict.fromkeys(event for part in item.bears_on for event in events_of(part))
    ks = [k for k in runs.pareto_ks if isfinite(k)]
    size = min(effective_size(weights) for _, weights in runs.points[1:3])
    return ItemSplit(
        item=item.id,
        headline=item.headline,
        reported=item.reported,
        source=item.report_source,
        as_of=found.as_of,
        reliability_before=runs.reliability[0],
        reliability_now=runs.reliability[1],
        scenarios=_rows(found.scenario_ids, [(one.scenarios, weights) for one, weights in runs.points]),
        events=tuple(
            SplitEvent(
                id=event,
                states=_rows(
                    layout.events[layout.index[event]].states,
                    [(one.events[layout.index[event]], weights) for one, weights in runs.points],
                ),
            )
            for event in events
        ),
        pareto_k=max(ks, default=None),
        ess=size,
        reliable=max(runs.pareto_ks) <= MAX_PARETO_K and size >= LEAST_SIZE,
    )


@dataclass(frozen=True, kw_only=True)
class _Runs:
    """The runs on the draws of a forecast, each the posterior within the draws and their weights.

    `points`: without the item; with it, weighted as without it; with it, weighted by it, its source as reliable as
    before; the forecast.
    """

    points: tuple[tuple[Evaluation, Array], ...]
    pareto_ks: tuple[float, float]
    reliability: tuple[float | None, float | None]


def _runs(found: Posterior, workspace: Workspace, item: Item) -> _Runs:
    """Solve the draws without an item, and with it as if from a source of its own, as reliable as its was before.

    P(i | x, r) is linear in q(r). A source that is reliable as the item's was before, and independent of it, therefore
    counts by the mean q of before: with it the item changes states within each draw (by the weights of before), then
    parameters and the other sources (by weights of their own), but not what is thought of its source. What the forecast
    differs by from that is the source's part.
    """
    network, theta = found.asked.network, found.draws.theta
    rest = replace(workspace, items=tuple(one for one in workspace.items if one.id != item.id))
    asked = query(compile_workspace(network.layout, rest, network.known.as_of), workspace.scenarios)
    drawn = draw_reliabilities(asked.network, workspace.sources, theta, found.reliabilities.seed)
    without = evaluate(asked, theta, drawn)
    outside = drawn.log_correction - found.log_anchor
    before = smooth(without.log_evidence + outside)
    report = next((one for one in network.reports if one.item == item.id), None)
    now = found.weights.weights
    if report is None:
        # What is settled is public and says nothing of its source.
        with_it, forecast = evaluate(found.asked, theta, drawn), (found.evaluation, now)
        points = ((without, before.weights), (with_it, before.weights), forecast, forecast)
        return _Runs(points=points, pareto_ks=(before.pareto_k, found.weights.pareto_k), reliability=(None, None))
    place = drawn.sources.index(item.report_source)
    q, _ = informative_at(drawn.grids[place].log_odds, item.credibility)
    informative = float(q[drawn.nodes[place]] @ before.weights)
    alone = "a source of its own"
    apart = replace(report, source=alone, credibility=NO_SHIFT)
    reports = tuple(apart if one.item == item.id else one for one in network.reports)
    own = Grid(np.array([log(informative / (1.0 - informative))]), np.zeros(1))
    fixed = Reliabilities(
        sources=(*drawn.sources, alone),
        grids=(*drawn.grids, own),
        nodes=np.concatenate([drawn.nodes, np.zeros((1, theta.shape[1]), dtype=np.intp)]),
        log_correction=drawn.log_correction,
        seed=drawn.seed,
    )
    with_it = evaluate(replace(found.asked, network=replace(network, reports=reports)), theta, fixed)
    relearned = smooth(with_it.log_evidence + outside)
    learned = found.reliabilities.reliability[found.reliabilities.sources.index(item.report_source)]
    return _Runs(
        points=(
            (without, before.weights),
            (with_it, before.weights),
            (with_it, relearned.weights),
            (found.evaluation, now),
        ),
        pareto_ks=(before.pareto_k, relearned.pareto_k),
        reliability=(float(drawn.reliability[place] @ before.weights), float(learned @ now)),
    )


NO_SHIFT = 3  # the credibility that leaves the log-odds of the reliability as they are


def _rows(names: tuple[str, ...], steps: list[tuple[Array, Array]]) -> tuple[SplitRow, ...]:
    """Take the differences between the runs, (names, draws) and weights (draws): by construction they add up."""
    points = [of @ weights for of, weights in steps]
    terms = [deviations(of, weights) for of, weights in steps]
    errors = [standard_error(after - ahead) for ahead, after in pairwise(terms)]

    def part(step: int, i: int) -> EffectPart:
        return EffectPart(change=float(points[step + 1][i] - points[step][i]), mcse=float(errors[step][i]))

    return tuple(
        SplitRow(
            id=name,
            before=float(points[0][i]),
            direct=part(0, i),
            relearned=part(1, i),
            source=part(2, i),
            now=float(points[3][i]),
        )
        for i, name in enumerate(names)
    )
