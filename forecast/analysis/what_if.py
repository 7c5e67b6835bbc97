"""What if: the forecast had something been learned, were it imposed, or were its probability another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import fsum, isfinite

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.supposition import ROUNDING, Learned, Reset, Supposition
from forecast.analysis.twin import Twin, solve_twin, twin
from forecast.inference.scaled import SMALLEST
from forecast.ledger.outcome import Estimate, Outcome
from forecast.model.history import active_items
from forecast.posterior.mcse import deviations, standard_error
from forecast.posterior.weights import effective_size, no_false_certainty, pareto_k
from forecast.workspace.records import Settled

Array = NDArray[np.float64]

LEAST_SET = 1e-300  # a probability below it cannot be set to another one: the ratio would leave the range of doubles


class ImpossibleError(ValueError):
    """What is supposed cannot be, given the evidence; the message names what of it."""


@dataclass(frozen=True)
class _State:
    """The mean joint of the imposed world: `p_learned` of the conditions, weights (draws), and probabilities.

    `draws`: P(scenario) and P(state of each event) in every draw, (parts, draws) each, the scenarios first.
    """

    p_learned: float
    weights: Array
    scenarios: Array
    events: tuple[Array, ...]
    draws: tuple[Array, ...]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A probability before and after a supposition, of a scenario or a state, and the Monte Carlo errors."""

    id: str
    before: float
    after: float
    change: float
    before_mcse: float
    after_mcse: float
    change_mcse: float


@dataclass(frozen=True, kw_only=True)
class EventEffect:
    """An event's states before and after; `moved`: total variation."""

    id: str
    moved: float
    states: tuple[Effect, ...]


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """A report about what is imposed or lies below it; `decibans` None: it excludes states."""

    item: str
    headline: str
    events: tuple[str, ...]
    decibans: float | None


@dataclass(frozen=True, kw_only=True)
class DrawSupport:
    """How well the draws bear a supposition."""

    ess: float
    pareto_k: float | None


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """Every probability before and after a supposition, what moves most first.

    `p_learned`: the probability of what is learned, None where nothing is; `commutes`: the order of what is set does
    not matter; `descendants`: events downstream of what is imposed; `set_aside`: reports that then say nothing.
    """

    as_of: date
    learned: tuple[str, ...]
    p_learned: float | None
    imposed: tuple[str, ...]
    set: tuple[str, ...]
    commutes: bool
    scenarios: tuple[Effect, ...]
    events: tuple[EventEffect, ...]
    descendants: tuple[str, ...]
    set_aside: tuple[SetAside, ...]
    diagnostics: DrawSupport


def what_if(outcome: Outcome, supposition: Supposition, progress: Callable[[str], None]) -> WhatIf:
    """Compute every probability before and after a supposition.

    Learned: sum_d w_d P(s, x | E, theta_d) / sum_d w_d P(x | E, theta_d), several as one condition. Imposed: in a twin
    network, the factual world with all evidence, the imposed one with the events fixed and copies of their descendants
    that no report speaks of (listed as `set_aside`); no other event moves. Reset, Jeffrey's rule: the mean joint times
    q(x) / P(x), one after the other in the order given.

    Raises ImpossibleError, TooDenseError.

    Source: Pearl (2009), "Causality", section 3.2; Jeffrey (1983), "The logic of decision", chapter 11.
    """
    for act in supposition.imposed:
        alive = outcome.posterior.asked.network.alive[act.event]
        if outcome.layout.dated(act.event) and act.state not in alive:
            msg = f"'{act.text}' is no longer possible: {_now(outcome, act.event)}"
            raise ImpossibleError(msg)
    made = twin(outcome.posterior.asked.network, {act.event: act.state for act in supposition.imposed})
    weighing = _indicators(outcome, supposition.learned)
    progress("solving every draw under the supposition")
    state = _solved(outcome, made, weighing)
    if state is None:
        raise ImpossibleError(_why_impossible(outcome, supposition.learned))
    for change in supposition.reset:
        progress(f"solving every draw with {change.text}")
        ratio = _ratios(change, state.events[change.event])
        weighing[change.event] = weighing.get(change.event, 1.0) * ratio
        if (after := _solved(outcome, made, weighing)) is None:
            raise ImpossibleError(f"'{change.text}' is impossible given the evidence and the earlier suppositions")
        state = replace(after, p_learned=state.p_learned)
    return _table(outcome, supposition, made, state)


def _indicators(outcome: Outcome, learned: Sequence[Learned]) -> dict[int, Array]:
    weighing: dict[int, Array] = {}
    for condition in learned:
        indicator = np.zeros(outcome.layout.cards[condition.event])
        indicator[list(condition.states)] = 1.0
        weighing[condition.event] = weighing.get(condition.event, 1.0) * indicator
    return weighing


def _solved(outcome: Outcome, made: Twin, weighing: Mapping[int, Array]) -> _State | None:
    """Solve all draws and average them; None where no draw gives what is supposed any probability."""
    posterior = outcome.posterior
    solved = solve_twin(made, outcome.workspace.scenarios, posterior.draws.theta, posterior.reliabilities, weighing)
    with np.errstate(divide="ignore"):  # a draw of weight 0 has log weight minus infinity
        log_mass = np.log(posterior.weights.weights) + solved.log_mass - posterior.evaluation.log_evidence
    log_total = float(np.logaddexp.reduce(log_mass))
    if log_total == -np.inf:
        return None
    weights = np.exp(log_mass - log_total)
    means = tuple(_mean(event, weights) for event in solved.events)
    draws = (solved.scenarios, *solved.events)
    return _State(max(float(np.exp(log_total)), SMALLEST), weights, _mean(solved.scenarios, weights), means, draws)


def _mean(shares: Array, weights: Array) -> Array:
    """Average shares (parts, draws) that add up to one: to the last digit, so that what is supposed is certain."""
    means = shares @ weights
    return no_false_certainty(means / means.sum(), shares, weights)


def _ratios(change: Reset, now: Array) -> Array:
    """Return q(x) / P(x) for each state of an event."""
    named = list(change.probabilities)
    wanted = np.zeros_like(now)
    others = np.delete(np.arange(now.size), named)
    left, rest = 1.0 - fsum(change.probabilities.values()), float(now[others].sum())
    wanted[named] = list(change.probabilities.values())
    if rest > 0.0:
        wanted[others] = now[others] * (left / rest)
    if (wanted[now == 0.0] > 0.0).any() or (rest == 0.0 and left > ROUNDING):
        msg = f"'{change.text}' gives probability to a state that the evidence or earlier suppositions exclude"
        raise ImpossibleError(msg)
    if (wanted[(now > 0.0) & (now < LEAST_SET)] > 0.0).any():
        msg = f"'{change.text}' gives probability to a state that is nearly impossible by now (under {LEAST_SET:g})"
        raise ImpossibleError(msg)
    return np.divide(wanted, now, out=np.zeros_like(now), where=now > 0.0)


def _why_impossible(outcome: Outcome, learned: Sequence[Learned]) -> str:
    """Name a smallest set of conditions that cannot hold together."""
    network = twin(outcome.posterior.asked.network, {})
    kept = list(learned)
    for condition in learned:
        fewer = [other for other in kept if other is not condition]
        if _solved(outcome, network, _indicators(outcome, fewer)) is None:
            kept = fewer
    names = ", ".join(f"'{condition.text}'" for condition in kept)
    needs = [line for condition in kept for line in outcome.layout.events[condition.event].needs()]
    required = f"; {'; '.join(needs)}" if needs else ""
    if len(kept) > 1:
        return f"{names} cannot hold together, given the evidence{required}"
    if set(kept[0].states) & set(outcome.posterior.asked.network.alive[kept[0].event]):
        return f"{names} is impossible given the evidence{required}"
    return f"{names} is impossible given the evidence: {_now(outcome, kept[0].event)}"


def _now(outcome: Outcome, v: int) -> str:
    event = outcome.layout.events[v]
    states = outcome.posterior.asked.network.alive[v]
    possible = [event.states[x] for x in states]
    return f"'{event.id}' can only be {' or '.join(repr(state) for state in possible)} by now"


def _table(outcome: Outcome, supposition: Supposition, made: Twin, state: _State) -> WhatIf:
    evaluation = outcome.posterior.evaluation
    errors = [
        _errors(outcome.posterior.weights.weights, before, state.weights, after)
        for before, after in zip((evaluation.scenarios, *evaluation.events), state.draws, strict=True)
    ]
    scenarios = [
        _change(name, one, after, *error)
        for (name, one), after, error in zip(
            outcome.scenarios.items(), state.scenarios.tolist(), errors[0], strict=True
        )
    ]
    events = []
    for v, event in enumerate(outcome.layout.events):
        known = outcome.events[event.id].items()
        after = zip(known, state.events[v].tolist(), errors[v + 1], strict=True)
        rows = tuple(_change(x, one, p, *error) for (x, one), p, error in after)
        moved = 0.5 * fsum(abs(row.change) for row in rows)
        events.append(EventEffect(id=event.id, moved=moved, states=rows))
    with np.errstate(divide="ignore"):  # a draw that what is learned rules out
        k = pareto_k(np.log(state.weights))
    return WhatIf(
        as_of=outcome.as_of,
        learned=tuple(condition.text for condition in supposition.learned),
        p_learned=state.p_learned if supposition.learned else None,
        imposed=tuple(condition.text for condition in supposition.imposed),
        set=tuple(condition.text for condition in supposition.reset),
        commutes=len(supposition.reset) < 2,
        scenarios=tuple(sorted(scenarios, key=lambda row: -abs(row.change))),
        events=tuple(sorted(events, key=lambda row: -row.moved)),
        descendants=tuple(outcome.layout.events[v].id for v in made.descendants),
        set_aside=_set_aside(outcome, made),
        diagnostics=DrawSupport(ess=effective_size(state.weights), pareto_k=k if isfinite(k) else None),
    )


def _errors(weights: Array, before: Array, others: Array, after: Array) -> list[tuple[float, float]]:
    """Return the Monte Carlo error of each probability after, and that of its change: both are of the same draws."""
    own = deviations(after, others)
    terms = (own, own - deviations(before, weights))
    mcse, of_change = (standard_error(term).tolist() for term in terms)
    return list(zip(mcse, of_change, strict=True))


def _change(name: str, before: Estimate, after: float, mcse: float, change_mcse: float) -> Effect:
    return Effect(
        id=name,
        before=before.probability,
        after=after,
        change=after - before.probability,
        before_mcse=before.mcse,
        after_mcse=mcse,
        change_mcse=change_mcse,
    )


def _set_aside(outcome: Outcome, made: Twin) -> tuple[SetAside, ...]:
    """List the reports about what is imposed or lies below: in the imposed world they say nothing."""
    touched = {*made.imposed, *made.descendants}
    headlines = {item.id: item.headline for item in outcome.workspace.items}
    names = [event.id for event in outcome.layout.events]
    rows = [
        SetAside(
            item=report.item,
            headline=headlines[report.item],
            events=tuple(names[v] for v in report.scope if v in touched),
            decibans=report.decibans if isfinite(report.decibans) else None,
        )
        for report in made.network.reports
        if touched.intersection(report.scope) and report.decibans > 0.0
    ]
    for item in active_items(outcome.workspace.items, outcome.as_of):
        # A settled state of a dated event is where it stands, in both worlds; a constant that was seen is evidence.
        seen = [part.event for part in item.bears_on if isinstance(part, Settled)]
        about = tuple(
            name for name in seen if (v := outcome.layout.index[name]) in touched and not outcome.layout.dated(v)
        )
        if about:
            rows.append(SetAside(item=item.id, headline=item.headline, events=about, decibans=None))
    return tuple(sorted(rows, key=lambda row: (-(row.decibans or float("inf")), row.item)))
