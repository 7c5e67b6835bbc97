"""What if: the forecast had something been learned, were it imposed, or were its probability another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations
from math import fsum, isfinite

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.structure import WIDEST_GAP, Structure
from forecast.analysis.supposition import (
    ROUNDING,
    Learned,
    Reset,
    Solved,
    Supposition,
    Twin,
    descendants_of,
    solve_twin,
    twin,
)
from forecast.analysis.target import Weighted, weighted
from forecast.analysis.watch import mutual_information
from forecast.inference.engine import ENGINE
from forecast.inference.scaled import SMALLEST
from forecast.ledger.outcome import Estimate, Outcome
from forecast.model.asof import AsOfNetwork, compile_workspace
from forecast.model.history import active_items
from forecast.model.layout import rule_events
from forecast.posterior.posterior import draws_at_once, mean_joint
from forecast.posterior.weights import deviations, effective_size, no_false_certainty, pareto_k, standard_error
from forecast.words import event_name, label, percent, scenario_colour, scenario_names
from forecast.workspace.fits import logit
from forecast.workspace.problems import shown
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
class StatedUnder:
    """What a statement says of an event under what is learned, what the answer has for it, and why that is another."""

    statement: str
    expert: str
    event: str
    states: tuple[str, ...]
    stated: float
    here: float
    why: str


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """Every probability before and after a supposition, what moves most first.

    `horizon` is the day of all states; `at_once`: what is learned comes true on the as-of date; `in_time`: whether what
    is supposed has a time, as constants have none. `p_learned`: the probability of what is learned, None where nothing
    is, and at once; `commutes`: the order of what is set does not matter; `descendants`: events downstream of what is
    imposed; `set_aside`: reports that then say nothing; `stated`: statements under the same condition that say
    something else.
    """

    as_of: date
    horizon: date
    at_once: bool
    in_time: bool
    learned: tuple[str, ...]
    p_learned: float | None
    imposed: tuple[str, ...]
    set: tuple[str, ...]
    commutes: bool
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
    network, found_then = _known_then(outcome, supposition)
    made = twin(network, {act.event: act.state for act in supposition.imposed})
    weighing = _indicators(outcome, found_then)
    progress("solving every draw under the supposition")
    state = _solved(outcome, made, weighing)
    if state is None:
        raise ImpossibleError(_why_impossible(outcome, supposition))
    for change in supposition.reset:
        progress(f"solving every draw with {change.text}")
        ratio = _ratios(change, state.events[change.event])
        weighing[change.event] = weighing.get(change.event, 1.0) * ratio
        if (after := _solved(outcome, made, weighing)) is None:
            raise ImpossibleError(f"'{change.text}' is impossible given the evidence and the earlier suppositions")
        state = replace(after, p_learned=state.p_learned)
    return _table(outcome, supposition, made, state)


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
    if come and outcome.as_of >= layout.horizon:
        msg = f"nothing can come true any more: the horizon is {layout.horizon}"
        raise ImpossibleError(msg)
    then = compile_workspace(layout, outcome.workspace, outcome.as_of, None, come)
    return then, tuple(condition for condition in supposition.learned if condition.event not in come)


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
    supposed = [*(one.event for one in supposition.learned), *(act.event for act in supposition.imposed)]
    alive = outcome.posterior.asked.network.alive
    is_known = all(set(alive[one.event]) <= set(one.states) for one in supposition.learned)
    return WhatIf(
        as_of=outcome.as_of,
        horizon=outcome.layout.horizon,
        at_once=supposition.at_once,
        in_time=any(map(outcome.layout.dated, supposed)),
        learned=tuple(condition.text for condition in supposition.learned),
        p_learned=_p_learned(supposition, state, is_known=is_known),
        imposed=tuple(condition.text for condition in supposition.imposed),
        set=tuple(condition.text for condition in supposition.reset),
        commutes=len(supposition.reset) < 2,
        scenarios=tuple(sorted(scenarios, key=lambda row: -abs(row.change))),
        events=tuple(sorted(events, key=lambda row: -row.moved)),
        descendants=tuple(outcome.layout.events[v].id for v in made.descendants),
        set_aside=_set_aside(outcome, made),
        stated=_stated(outcome, supposition, made.network, state),
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


def _stated(outcome: Outcome, supposition: Supposition, network: AsOfNetwork, state: _State) -> tuple[StatedUnder, ...]:
    """List the statements under the very condition that is learned which say other than the answer, and why."""
    if supposition.imposed or supposition.reset or not supposition.learned:
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
        here = float(
            sum(state.events[layout.index[condition.event]][layout.state(condition.event, x)] for x in condition.states)
        )
        if 0.0 < here < 1.0 and abs(logit(here) - logit(p)) > WIDEST_GAP:
            row = StatedUnder(
                statement=said.id,
                expert=said.expert,
                event=condition.event,
                states=condition.states,
                stated=p,
                here=here,
                why=structure.why_other(said, here, network.known, at_once=supposition.at_once),
            )
            rows.append(row)
    return tuple(rows)


# Every what-if of one event, learned or imposed, and of two learned: for a page that has no engine.

Index = NDArray[np.intp]
Progress = Callable[[str], None]

BLOCK = 500  # draws solved at once
PAIR_BLOCK = 125  # the same where every scenario and state is solved apart: its tables are as many times larger
PAIR_DRAWS = 500  # of which the dependence of three variables at once is taken; all margins are those of every draw
MOST_EVENTS = 40  # that can be asked about; of a larger network those that tell most of the scenarios
MOST_SCALINGS, CLOSE_ENOUGH = 200, 1e-12


@dataclass(frozen=True)
class Worlds:
    """What becomes of the forecast if one event were learned or imposed, or two were learned.

    `asked`: indices of the events that can be asked about, in layout order. `learned[v, x]` and `imposed[v, x]`:
    probabilities of scenarios (with `other`) and of the states of every event. `pairs[v, w]` for v < w:
    P(scenario, state of v, state of w | E), (scenarios, states of v, states of w); `pair_draws` is the number of draws
    that their three-way dependence rests on. What is impossible given the evidence is absent, or zero.
    """

    asked: tuple[int, ...]
    learned: dict[tuple[int, int], tuple[Array, tuple[Array, ...]]]
    imposed: dict[tuple[int, int], tuple[Array, tuple[Array, ...]]]
    pairs: dict[tuple[int, int], Array]
    pair_draws: int


def worlds(outcome: Outcome, progress: Progress, most: int = MOST_EVENTS, pair_draws: int = PAIR_DRAWS) -> Worlds:
    """Compute all what-ifs of one event and of two learned ones, as `forecast.analysis.what_if` defines them.

    Single ones are exact averages over all draws. Of pairs the dependence of scenario and both events comes from
    regularly spaced draws, scaled until each two of the three have the joint distribution that all draws give them
    (iterative proportional fitting, Deming and Stephan 1940).
    """
    of = outcome.posterior
    with_scenarios = mean_joint(of.asked, of.draws.theta, of.weights.weights, of.reliabilities)
    events_asked = _most_telling(with_scenarios, most)
    progress("what if: conditioning on each event")
    between = _with_events(weighted(of), events_asked)
    learned = {
        (v, x): (with_scenarios[v][:, x] / p, tuple(joint[x] / p for joint in between[v]))
        for v in events_asked
        for x, p in enumerate(with_scenarios[v].sum(axis=0).tolist())
        if p > 0.0
    }
    progress("what if: intervening on each event")
    acts = [(v, x) for v in events_asked for x in _imposable(outcome, v)]
    imposed = dict(zip(acts, _parallel(lambda act: _imposed(outcome, *act), acts), strict=True))
    progress("what if: conditioning on two events")
    thinned = weighted(of, max(1, of.weights.weights.size // pair_draws))
    pairs = {
        (v, w): _scaled(joint, with_scenarios[v], with_scenarios[w], between[v][w])
        for (v, w), joint in _three_way(thinned, events_asked).items()
    }
    return Worlds(events_asked, learned, imposed, pairs, thinned.weights.size)


def _most_telling(with_scenarios: Sequence[Array], most: int) -> tuple[int, ...]:
    bits = [mutual_information(joint / joint.sum()) for joint in with_scenarios]
    return tuple(sorted(sorted(range(len(bits)), key=lambda v: (-bits[v], v))[:most]))


def _parallel[T, R](compute: Callable[[T], R], over: Sequence[T]) -> list[R]:
    """Compute several results at once: numpy lets go of the interpreter's lock inside its loops."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(compute, over))


def _with_events(chosen: Weighted, events: Sequence[int]) -> dict[int, tuple[Array, ...]]:
    """Compute the weighted mean of P(state of v, state of w | E, draw) for v asked about and every w: (of v, of w)."""
    network = chosen.asked.network
    orders = {v: (ENGINE.plan(network.cards, network.scopes, keep=(v,)), np.eye(network.cards[v])) for v in events}
    n_events = len(network.layout.cards)

    def on_block(places: Index) -> dict[int, list[Array]]:
        block = chosen.block(int(places[0]), int(places[-1]) + 1)
        tables = block.factors()[0]
        return {
            v: [(marginal @ block.weights).T for marginal in ENGINE.evaluate(order, tables, masks).marginals[:n_events]]
            for v, (order, masks) in orders.items()
        }

    sums = {v: tuple(np.zeros((network.layout.cards[v], card)) for card in network.layout.cards) for v in events}
    size = draws_at_once((order for order, _ in orders.values()), max(network.layout.cards), BLOCK)
    for part in ENGINE.in_blocks(on_block, np.arange(chosen.weights.size), size=size):
        for v, joints in part.items():
            for w, joint in enumerate(joints):
                sums[v][w][np.ix_(network.alive[v], network.alive[w])] += joint
    return sums


def _three_way(chosen: Weighted, events: Sequence[int]) -> dict[tuple[int, int], Array]:
    """Compute the weighted mean of P(scenario, state of v, state of w | E, draw) for each two events, v < w."""
    asked, network = chosen.asked, chosen.asked.network
    n_scenarios, cards = asked.masks.shape[0], network.layout.cards
    orders = {
        v: (
            ENGINE.plan(asked.plan.cards, asked.scopes, keep=(*asked.plan.keep, v)),
            _by_state(asked.masks, asked.plan.keep, v, network.cards[v]),
        )
        for v in events[:-1]
    }

    def on_block(places: Index) -> dict[tuple[int, int], Array]:
        block = chosen.block(int(places[0]), int(places[-1]) + 1)
        tables = asked.with_rules(block.factors()[0])
        joints = {}
        for v, (order, masks) in orders.items():
            marginals = ENGINE.evaluate(order, tables, masks).marginals
            for w in events[events.index(v) + 1 :]:
                joint = (marginals[w] @ block.weights).reshape(-1, n_scenarios, network.cards[v])
                joints[v, w] = np.moveaxis(joint, 0, -1)
        return joints

    sums = {(v, w): np.zeros((n_scenarios, cards[v], cards[w])) for v, w in combinations(events, 2)}
    size = draws_at_once((order for order, _ in orders.values()), n_scenarios * max(cards), PAIR_BLOCK)
    for part in ENGINE.in_blocks(on_block, np.arange(chosen.weights.size), size=size):
        for (v, w), joint in part.items():
            sums[v, w][np.ix_(range(n_scenarios), network.alive[v], network.alive[w])] += joint
    return sums


def _by_state(masks: Array, kept: Sequence[int], v: int, card: int) -> Array:
    """Split each scenario's mask by the state of v, which becomes a kept variable if it is none yet."""
    states = np.eye(card)
    if v in kept:
        axis = kept.index(v)
        full = masks
    else:
        axis = sum(other < v for other in kept)
        full = np.repeat(np.expand_dims(masks, axis + 1), card, axis=axis + 1)
    shape = [1] * (full.ndim - 1)
    shape[axis] = card
    split = np.stack([full * states[x].reshape(shape) for x in range(card)], axis=1)
    return split.reshape(-1, *full.shape[1:])


def _scaled(joint: Array, with_v: Array, with_w: Array, between: Array) -> Array:
    """Scale a table (scenarios, states of v, states of w) until its three two-way margins are those given."""
    fitted = np.where(joint > 0.0, joint, 0.0)
    for _ in range(MOST_SCALINGS):
        before = fitted
        for axis, margin in ((2, with_v), (1, with_w), (0, between)):
            total = fitted.sum(axis=axis)
            fitted = fitted * np.expand_dims(np.divide(margin, total, out=np.zeros_like(total), where=total > 0), axis)
        if np.abs(fitted - before).max() < CLOSE_ENOUGH:
            break
    return fitted


def _imposable(outcome: Outcome, v: int) -> Sequence[int]:
    """Return the states that somebody could still put the event into; a constant's evidence does not bind its copy."""
    return outcome.posterior.asked.network.alive[v] if outcome.layout.dated(v) else range(outcome.layout.cards[v])


def _imposed(outcome: Outcome, v: int, x: int) -> tuple[Array, tuple[Array, ...]]:
    """Compute the forecast with event v put into state x; what is not downstream of it stays as it is."""
    layout, of = outcome.layout, outcome.posterior
    weights = of.weights.weights
    events = [event @ weights for event in of.evaluation.events]
    events[v] = np.eye(layout.cards[v])[x]
    below = descendants_of(layout, (v,))
    if not below and v not in rule_events(layout, outcome.workspace.scenarios):
        return of.evaluation.scenarios @ weights, tuple(events)
    solved: Solved = solve_twin(
        twin(of.asked.network, {v: x}), outcome.workspace.scenarios, of.draws.theta, of.reliabilities, {}
    )
    for w in below:
        events[w] = solved.events[w] @ weights
    return solved.scenarios @ weights, tuple(events)


UNIT = 10_000  # the page computes with ten-thousandths: finer than anything it prints
CERTAIN = 0.995  # a scenario above this is as good as certain


@dataclass(frozen=True, kw_only=True)
class WorldScenario:
    """A scenario: its name and colour on the page."""

    id: str
    name: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class WorldEvent:
    """An event and its states, as the page calls them, and whether it can be asked about."""

    id: str
    label: str
    states: tuple[str, ...]
    asked: bool


@dataclass(frozen=True, kw_only=True)
class World:
    """The scenarios, and the states of every event, in units of 1 / UNIT."""

    scenarios: tuple[int, ...]
    events: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class WorldRow:
    """A state of an event, and every scenario if it is learned and if it is imposed, in words.

    `first`: of the event's rows; `states`: how many rows the event has.
    """

    event: str
    state: str
    first: bool
    states: int
    learned: tuple[str, ...]
    imposed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class WorldsTable:
    """All what-ifs as the page's script reads them, in units of 1 / `unit`.

    `learned` and `imposed`: by "event.state", both by number; `pairs`: "event.event" -> [state][state] -> scenarios
    given both, None where they cannot both be; `pair_draws`: how many draws these rest on; `begin`: what to show first,
    event and state by number; `rows`: those of one event in words.
    """

    unit: int
    scenarios: tuple[WorldScenario, ...]
    events: tuple[WorldEvent, ...]
    now: World
    learned: Mapping[str, World]
    imposed: Mapping[str, World]
    pairs: Mapping[str, tuple[tuple[tuple[int, ...] | None, ...], ...]]
    pair_draws: int
    begin: tuple[int, int]
    rows: tuple[WorldRow, ...]


def worlds_table(outcome: Outcome, made: Worlds) -> WorldsTable:
    """Write what-ifs in whole units and in words."""
    names = scenario_names(outcome)
    weights = outcome.posterior.weights.weights
    evaluation = outcome.posterior.evaluation
    now = (evaluation.scenarios @ weights, tuple(event @ weights for event in evaluation.events))
    return WorldsTable(
        unit=UNIT,
        scenarios=tuple(
            WorldScenario(id=name, name=names[name], colour=scenario_colour(outcome, name))
            for name in outcome.scenario_ids
        ),
        events=tuple(
            WorldEvent(
                id=event.id, label=event_name(event), states=tuple(map(label, event.states)), asked=v in made.asked
            )
            for v, event in enumerate(outcome.layout.events)
        ),
        now=_world(now),
        learned={f"{v}.{x}": _world(shares) for (v, x), shares in made.learned.items()},
        imposed={f"{v}.{x}": _world(shares) for (v, x), shares in made.imposed.items()},
        pairs={f"{v}.{w}": _pair(joint) for (v, w), joint in made.pairs.items()},
        pair_draws=made.pair_draws,
        begin=_telling(made, now[0]),
        rows=tuple(_rows(outcome, made)),
    )


def _telling(made: Worlds, now: Array) -> tuple[int, int]:
    """Return what would move the scenarios most if it were learned, short of making one of them certain."""

    def moved(place: tuple[int, int]) -> float:
        after = made.learned[place][0]
        return 0.0 if after.max() > CERTAIN else float(np.abs(after - now).sum())

    return max(sorted(made.learned), key=moved)


def _world(shares: tuple[Array, tuple[Array, ...]]) -> World:
    return World(scenarios=_units(shares[0]), events=tuple(_units(event) for event in shares[1]))


def _units(probabilities: Array) -> tuple[int, ...]:
    return tuple(round(UNIT * p) for p in probabilities.tolist())


def _pair(joint: Array) -> tuple[tuple[tuple[int, ...] | None, ...], ...]:
    return tuple(
        tuple(
            _units(joint[:, x, y] / p) if (p := float(joint[:, x, y].sum())) > 0.0 else None
            for y in range(joint.shape[2])
        )
        for x in range(joint.shape[1])
    )


def _rows(outcome: Outcome, made: Worlds) -> Iterator[WorldRow]:
    """Yield a row for each event and state: every scenario if it is learned, and if it is imposed."""

    def in_words(shares: tuple[Array, tuple[Array, ...]] | None) -> tuple[str, ...]:
        if shares is None:
            return ("—",) * len(outcome.scenario_ids)
        return tuple(percent(p, None) for p in shares[0].tolist())

    for v in made.asked:
        event = outcome.layout.events[v]
        for x, state in enumerate(event.states):
            yield WorldRow(
                event=event_name(event),
                state=label(state),
                first=x == 0,
                states=len(event.states),
                learned=in_words(made.learned.get((v, x))),
                imposed=in_words(made.imposed.get((v, x))),
            )
