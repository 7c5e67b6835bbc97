"""What if: the forecast had something been learned, were it imposed, or were its probability another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import fsum, isfinite, prod

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.projection import UnreachableError, dutch_books, project
from forecast.analysis.structure import WIDEST_GAP, Structure
from forecast.analysis.supposition import (
    ROUNDING,
    Learned,
    Reset,
    Supposition,
    TooDenseError,
    Twin,
    descendants_of,
    solve_twin,
    twin,
    undisturbed,
)
from forecast.inference.scaled import SMALLEST
from forecast.ledger.outcome import Estimate, Outcome
from forecast.model.asof import AsOfNetwork, Scope, compile_workspace
from forecast.model.history import active_items
from forecast.posterior.weights import deviations, effective_size, no_false_certainty, pareto_k, standard_error
from forecast.workspace.fits import logit
from forecast.workspace.problems import shown
from forecast.workspace.records import Settled

Array = NDArray[np.float64]

MOST_SET = 20_000  # joint states of the events that are set
LEAST_SET = 1e-300  # a probability below it cannot be set to another one: the ratio would leave the range of doubles


class ImpossibleError(ValueError):
    """What is supposed cannot be, given the evidence; the message names what of it."""


@dataclass(frozen=True)
class _State:
    """The mean joint of the imposed world: `p_learned` of the conditions, weights (draws), and probabilities.

    `p_learned_mcse`: the Monte Carlo standard error of `p_learned`.
    `draws`: P(scenario) and P(state of each event) in every draw, (parts, draws) each, the scenarios first.
    """

    p_learned: float
    p_learned_mcse: float
    weights: Array
    scenarios: Array
    events: tuple[Array, ...]
    draws: tuple[Array, ...]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A probability before and after a supposition, of a scenario or a state, and the Monte Carlo errors.

    `forecast` is that of the forecast. `before` is the same, but for what is downstream of an intervention: there it
    follows from its causes alone, as after, so that the change is what the intervention does.
    """

    id: str
    forecast: float
    forecast_mcse: float
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
    """A report about what is imposed or lies below it; `decibans` None: it excludes states.

    What it says of causes still counts, and so does what it says of the imposed event before.
    """

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
class StatedUnder:
    """What a statement says of an event under what is learned, what the answer has for it, and why that is another.

    `here_mcse`: the Monte Carlo standard error of what the answer has.
    """

    statement: str
    expert: str
    event: str
    states: tuple[str, ...]
    stated: float
    here: float
    here_mcse: float
    why: str


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """Every probability before and after a supposition, what moves most first.

    `horizon` is that of the forecast and `on` the day of all states, as a rule the same; `at_once`: what is learned or
    imposed comes true on the as-of date, otherwise it is so on the day `on`; `in_time`: whether what is supposed has a
    time, as constants have none. `p_learned`: the probability of what is learned, and its Monte Carlo standard error,
    None where nothing is, and at once;
    `descendants`: events downstream of what is imposed; `set_aside`: reports that say nothing of these, before and
    after; `stated`: statements under the same condition that say something else.
    """

    as_of: date
    horizon: date
    on: date
    at_once: bool
    in_time: bool
    learned: tuple[str, ...]
    p_learned: float | None
    p_learned_mcse: float | None
    imposed: tuple[str, ...]
    set: tuple[str, ...]
    scenarios: tuple[Effect, ...]
    events: tuple[EventEffect, ...]
    descendants: tuple[str, ...]
    set_aside: tuple[SetAside, ...]
    stated: tuple[StatedUnder, ...]
    diagnostics: DrawSupport


def what_if(outcome: Outcome, supposition: Supposition, progress: Callable[[str], None]) -> WhatIf:
    """Compute every probability before and after a supposition.

    Learned: sum_d w_d P(s, x | E, theta_d) / sum_d w_d P(x | E, theta_d), several as one condition; at once, E and x on
    the as-of date as what is known, with the weights w_d P(E, x | theta_d) / P(E | theta_d): the forecast of that
    evening, had nothing else been reported. A constant has no time. Imposed: in a twin
    network, the factual world with all evidence, the imposed one with the events fixed and copies of their descendants
    that no report speaks of (listed as `set_aside`); no other event moves. What it is held against is the same without
    the intervention: the factual world with such copies. At once, the event's copy is put into the state on the as-of
    date and follows its row from then on, as those below follow theirs. Reset: the mean joint of draws and
    worlds changed as little as possible (Kullback-Leibler) to one with all these probabilities; of one event it is
    Jeffrey's rule, the joint times q(x) / P(x). The order does not matter.

    Raises ImpossibleError, TooDenseError.

    Source: Pearl (2009), "Causality", section 3.2; Jeffrey (1983), "The logic of decision", chapter 11;
    Csiszar (1975), "I-divergence geometry of probability distributions and minimization problems".
    """
    for act in supposition.imposed:
        alive = outcome.posterior.asked.network.alive[act.event]
        if outcome.layout.dated(act.event) and act.state not in alive:
            msg = f"'{act.text}' is no longer possible: {_now(outcome, act.event)}"
            raise ImpossibleError(msg)
    network, found_then = _known_then(outcome, supposition)
    made = twin(network, _acts(outcome, supposition), at_once=supposition.at_once)
    weighing = _indicators(outcome, found_then)
    progress("solving every draw under the supposition")
    state = _solved(outcome, made, weighing)
    if state is None:
        raise ImpossibleError(_why_impossible(outcome, supposition))
    if supposition.reset:
        progress("solving every draw with what is set")
        events, ratio = _ratios(outcome, supposition.reset, made, weighing, state)
        if (after := _solved(outcome, made, weighing | {events: ratio})) is None:
            raise ImpossibleError(_not_together([change.text for change in supposition.reset]))
        state = replace(after, p_learned=state.p_learned, p_learned_mcse=state.p_learned_mcse)
    return _table(outcome, supposition, made.network, state)


def _acts(outcome: Outcome, supposition: Supposition) -> dict[int, int]:
    """Return the states that are imposed; what is so already cannot be put so at once."""
    paths, layout = outcome.posterior.asked.network.known.paths, outcome.layout
    for act in supposition.imposed:
        if supposition.at_once and (path := paths.get(act.event)) is not None and path.on(path.until) == act.state:
            then = "to hold it there until the horizon date, ask without --at-once"
            msg = f"'{act.text}' cannot come true at once: '{layout.events[act.event].id}' is so already; {then}"
            raise ImpossibleError(msg)
    if supposition.at_once and supposition.imposed and outcome.as_of >= outcome.posterior.asked.network.on:
        raise ImpossibleError(_nothing_to_come(outcome))
    return {act.event: act.state for act in supposition.imposed}


def _nothing_to_come(outcome: Outcome) -> str:
    on = outcome.posterior.asked.network.on
    what = "the horizon" if on == outcome.layout.horizon else "the day that is asked about"
    return f"nothing can come true any more: {what} is {on}"


def before_intervention(outcome: Outcome, below: Sequence[int]) -> tuple[Array, ...]:
    """Return P(scenario) and P(state of each event) in every draw, of what a supposition is held against.

    Those are the forecast's, but for the scenarios and the events downstream of an intervention (`undisturbed`).
    """
    of = outcome.posterior
    if not below:
        return (of.evaluation.scenarios, *of.evaluation.events)
    made = undisturbed(of.asked.network, below)
    solved = solve_twin(made, outcome.workspace.scenarios, of.draws.theta, of.reliabilities, {}, below)
    events = (solved.events[v] if v in below else event for v, event in enumerate(of.evaluation.events))
    return (solved.scenarios, *events)


def _known_then(outcome: Outcome, supposition: Supposition) -> tuple[AsOfNetwork, tuple[Learned, ...]]:
    """Return the network with what comes true at once as known, and what is learned of the horizon date."""
    network, layout = outcome.posterior.asked.network, outcome.layout
    if not supposition.at_once:
        return network, supposition.learned
    come: dict[int, set[int]] = {}
    for condition in supposition.learned:
        v = condition.event
        if not layout.dated(v):
            continue
        path = network.known.paths[v]
        seen = path.on(path.until)
        to_come = {x for x in condition.states if x > seen or (layout.events[v].kind == "status" and x != seen)}
        if v in come or not to_come:
            msg = f"'{condition.text}' cannot come true at once: '{layout.events[v].id}' "
            is_so = f"is {shown(layout.events[v].states[seen])} already"
            raise ImpossibleError(f"{msg}{'comes to one state on one day' if v in come else is_so}")
        come[v] = to_come
    if come and outcome.as_of >= network.on:
        raise ImpossibleError(_nothing_to_come(outcome))
    then = compile_workspace(layout, outcome.workspace, outcome.as_of, network.on, come)
    return then, tuple(condition for condition in supposition.learned if condition.event not in come)


def _indicators(outcome: Outcome, learned: Sequence[Learned]) -> dict[Scope, Array]:
    weighing: dict[Scope, Array] = {}
    for condition in learned:
        indicator = np.zeros(outcome.layout.cards[condition.event])
        indicator[list(condition.states)] = 1.0
        weighing[condition.event,] = weighing.get((condition.event,), 1.0) * indicator
    return weighing


def _solved(outcome: Outcome, made: Twin, weighing: Mapping[Scope, Array]) -> _State | None:
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
    shares = np.exp(solved.log_mass - posterior.evaluation.log_evidence)
    error = _error_of(shares, posterior.weights.weights)
    p_learned = max(float(np.exp(log_total)), SMALLEST)
    return _State(p_learned, error, weights, _mean(solved.scenarios, weights), means, draws)


def _error_of(shares: Array, weights: Array) -> float:
    """Return the Monte Carlo standard error of the mean of one share (draws)."""
    return float(standard_error(deviations(shares[np.newaxis], weights))[0])


def _mean(shares: Array, weights: Array) -> Array:
    """Average shares (parts, draws) that add up to one: to the last digit, so that what is supposed is certain."""
    means = shares @ weights
    return no_false_certainty(means / means.sum(), shares, weights)


def _ratios(
    outcome: Outcome, reset: Sequence[Reset], made: Twin, weighing: Mapping[Scope, Array], state: _State
) -> tuple[Scope, Array]:
    """Return the events that are set, and by what their joint probabilities are multiplied.

    The smallest change of the joint distribution with all that is set (forecast.analysis.projection): of one event it
    is q(x) / P(x), Jeffrey's rule.
    """
    for change in reset:
        _check_possible(change, state.events[change.event])
    events = tuple(sorted({change.event for change in reset}))
    joint = state.events[events[0]]
    if len(events) > 1:
        of = outcome.posterior
        if prod(outcome.layout.cards[v] for v in events) > MOST_SET:
            msg = f"{len(events)} events are set, with more than {MOST_SET:,} joint states; set fewer at a time"
            raise TooDenseError(msg)
        solved = solve_twin(made, (), of.draws.theta, of.reliabilities, weighing, (), together=events)
        joint = solved.joint @ state.weights
    states = np.indices(joint.shape).reshape(len(events), -1)
    said = [(change, x) for change in reset for x in change.probabilities]
    features = np.array([states[events.index(change.event)] == x for change, x in said], dtype=float)
    targets = np.array([change.probabilities[x] for change, x in said])
    p = joint.ravel() / joint.sum()
    try:
        log_ratio = project(p, features, targets).log_ratio
    except UnreachableError as error:
        _, books = dutch_books(features[:, p > 0.0], targets)
        texts = [said[place][0].text for place in books[0].places] if books else [change.text for change in reset]
        raise ImpossibleError(_not_together(texts)) from error
    return events, np.exp(log_ratio).reshape(joint.shape)


def _not_together(texts: Sequence[str]) -> str:
    several = list(dict.fromkeys(texts))
    names = ", ".join(f"'{text}'" for text in several)
    return f"{names} {'cannot hold together' if len(several) > 1 else 'is impossible'}, given the evidence"


def _check_possible(change: Reset, now: Array) -> None:
    named = list(change.probabilities)
    wanted = np.zeros_like(now)
    others = np.delete(np.arange(now.size), named)
    left, rest = 1.0 - fsum(change.probabilities.values()), float(now[others].sum())
    wanted[named] = list(change.probabilities.values())
    if rest > 0.0:
        wanted[others] = now[others] * (left / rest)
    if (wanted[now == 0.0] > 0.0).any() or (rest == 0.0 and left > ROUNDING):
        msg = f"'{change.text}' gives probability to a state that the evidence or what is learned excludes"
        raise ImpossibleError(msg)
    if (wanted[(now > 0.0) & (now < LEAST_SET)] > 0.0).any():
        msg = f"'{change.text}' gives probability to a state that is nearly impossible by now (under {LEAST_SET:g})"
        raise ImpossibleError(msg)


def _why_impossible(outcome: Outcome, supposition: Supposition) -> str:
    """Name a smallest set of conditions that cannot hold together."""
    kept = list(supposition.learned)
    for condition in supposition.learned:
        fewer = [other for other in kept if other is not condition]
        network, found_then = _known_then(outcome, replace(supposition, learned=tuple(fewer)))
        if _solved(outcome, twin(network, {}), _indicators(outcome, found_then)) is None:
            kept = fewer
    names = ", ".join(f"'{condition.text}'" for condition in kept)
    needs = [line for condition in kept for line in outcome.layout.events[condition.event].needs()]
    required = f"; {'; '.join(needs)}" if needs else ""
    if supposition.at_once:
        ways = "; name the way in which it comes as well" if "; or " in required else ""
        return f"{names} cannot come true at once, given the evidence{required}{ways}"
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


def _table(outcome: Outcome, supposition: Supposition, network: AsOfNetwork, state: _State) -> WhatIf:
    acts = tuple(act.event for act in supposition.imposed)
    below = descendants_of(outcome.layout, acts)
    weights, given = outcome.posterior.weights.weights, before_intervention(outcome, below)
    errors = [_errors(weights, before, state.weights, after) for before, after in zip(given, state.draws, strict=True)]

    def effects(known: Mapping[str, Estimate], place: int, after: Array) -> tuple[Effect, ...]:
        estimates = list(known.values())
        if below and (place == 0 or place - 1 in below):
            means, own = _mean(given[place], weights), standard_error(deviations(given[place], weights))
            before = list(zip(means.tolist(), own.tolist(), strict=True))
        else:
            before = [(one.probability, one.mcse) for one in estimates]
        rows = zip(known, estimates, before, after.tolist(), errors[place], strict=True)
        return tuple(_change(*row) for row in rows)

    scenarios = effects(outcome.scenarios, 0, state.scenarios)
    events = []
    for v, event in enumerate(outcome.layout.events):
        rows = effects(outcome.events[event.id], v + 1, state.events[v])
        moved = 0.5 * fsum(abs(row.change) for row in rows)
        events.append(EventEffect(id=event.id, moved=moved, states=rows))
    with np.errstate(divide="ignore"):  # a draw that what is learned rules out
        k = pareto_k(np.log(state.weights))
    supposed = [*(one.event for one in supposition.learned), *(act.event for act in supposition.imposed)]
    alive = outcome.posterior.asked.network.alive
    is_known = all(set(alive[one.event]) <= set(one.states) for one in supposition.learned)
    return WhatIf(
        as_of=outcome.as_of,
        horizon=outcome.layout.horizon,
        on=outcome.posterior.asked.network.on,
        at_once=supposition.at_once,
        in_time=any(map(outcome.layout.dated, supposed)),
        learned=tuple(condition.text for condition in supposition.learned),
        p_learned=(p_learned := _p_learned(supposition, state, is_known=is_known)),
        p_learned_mcse=None if p_learned is None else 0.0 if is_known else state.p_learned_mcse,
        imposed=tuple(condition.text for condition in supposition.imposed),
        set=tuple(condition.text for condition in supposition.reset),
        scenarios=tuple(sorted(scenarios, key=lambda row: -abs(row.change))),
        events=tuple(sorted(events, key=lambda row: -row.moved)),
        descendants=tuple(outcome.layout.events[v].id for v in below),
        set_aside=_set_aside(outcome, network, {*acts, *below}),
        stated=_stated(outcome, supposition, network, state),
        diagnostics=DrawSupport(ess=effective_size(state.weights), pareto_k=k if isfinite(k) else None),
    )


def _p_learned(supposition: Supposition, state: _State, *, is_known: bool) -> float | None:
    """Return the probability of what is learned, to the last digit where it is known; at once it is a density."""
    if not supposition.learned or supposition.at_once:
        return None
    return 1.0 if is_known else min(state.p_learned, 1.0)


def _errors(weights: Array, before: Array, others: Array, after: Array) -> list[tuple[float, float]]:
    """Return the Monte Carlo error of each probability after, and that of its change: both are of the same draws."""
    own = deviations(after, others)
    terms = (own, own - deviations(before, weights))
    mcse, of_change = (standard_error(term).tolist() for term in terms)
    return list(zip(mcse, of_change, strict=True))


def _change(
    name: str, known: Estimate, before: tuple[float, float], after: float, errors: tuple[float, float]
) -> Effect:
    return Effect(
        id=name,
        forecast=known.probability,
        forecast_mcse=known.mcse,
        before=before[0],
        after=after,
        change=after - before[0],
        before_mcse=before[1],
        after_mcse=errors[0],
        change_mcse=errors[1],
    )


def _set_aside(outcome: Outcome, network: AsOfNetwork, touched: set[int]) -> tuple[SetAside, ...]:
    """List the reports about what is imposed or lies below: in the imposed world they say nothing."""
    headlines = {item.id: item.headline for item in outcome.workspace.items}
    names = [event.id for event in outcome.layout.events]
    rows = [
        SetAside(
            item=report.item,
            headline=headlines[report.item],
            events=tuple(names[v] for v in report.scope if v in touched),
            decibans=report.decibans if isfinite(report.decibans) else None,
        )
        for report in network.reports
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


def _stated(outcome: Outcome, supposition: Supposition, network: AsOfNetwork, state: _State) -> tuple[StatedUnder, ...]:
    """List the statements under the very condition that is learned which say other than the answer, and why."""
    if supposition.imposed or supposition.reset or not supposition.learned or network.on != outcome.layout.horizon:
        return ()
    layout = outcome.layout
    structure = Structure(workspace=outcome.workspace, layout=layout, as_of=outcome.as_of)
    learned = {(layout.events[one.event].id, frozenset(one.states)) for one in supposition.learned}
    rows = []
    for said in structure.statements:
        condition, p, given = said.about.condition, structure.stated(said), said.about.given
        under = {(one.event, frozenset(layout.state(one.event, x) for x in one.states)) for one in given}
        if condition is None or p is None or said.about.by is not None or under != learned:
            continue
        event, states = layout.index[condition.event], [layout.state(condition.event, x) for x in condition.states]
        here = float(sum(state.events[event][x] for x in states))
        if 0.0 < here < 1.0 and abs(logit(here) - logit(p)) > WIDEST_GAP:
            row = StatedUnder(
                statement=said.id,
                expert=said.expert,
                event=condition.event,
                states=condition.states,
                stated=p,
                here=here,
                here_mcse=_error_of(state.draws[event + 1][states].sum(axis=0), state.weights),
                why=structure.why_other(said, here, network.known, at_once=supposition.at_once),
            )
            rows.append(row)
    return tuple(rows)
