"""What one evidence item does to the forecast: the same day with it and without it, and by which way it does that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from math import isfinite, log

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.chronology import LEAST_SIZE
from forecast.ledger.outcome import Estimate, Outcome
from forecast.ledger.tables import Diagnostics, by_level, diagnostics
from forecast.model.asof import compile_workspace
from forecast.model.history import active_items
from forecast.model.reliability import Grid, informative_at
from forecast.posterior.evaluate import Evaluation, evaluate, query
from forecast.posterior.mcse import deviations, standard_error
from forecast.posterior.posterior import Posterior
from forecast.posterior.sources import Reliabilities, draw_reliabilities
from forecast.posterior.weights import MAX_PARETO_K, effective_size, smooth
from forecast.workspace.records import Item, Workspace, events_of

Array = NDArray[np.float64]


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
