"""What watching an event for some days is worth: bits about the scenarios, and how each outcome would move them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.target import Weighted, weighted, with_margins
from forecast.inference.engine import ENGINE, ImpossibleEvidenceError, Plan, draws_at_once
from forecast.ledger.outcome import Outcome
from forecast.model.asof import AsOfNetwork, compile_workspace
from forecast.model.between import between_table, leaf_scope, row_when, seen_chain, seen_status, watched_events
from forecast.model.layout import rule_events
from forecast.posterior.posterior import evaluate, query
from forecast.workspace.records import Scenario

Array = NDArray[np.float64]
Index = NDArray[np.intp]

BLOCK = 500  # draws solved at once
DRAWS = 500  # of which the odds between scenarios and states are taken; the margins are those of more draws
CURVE_DRAWS = 2000  # of which P(by a date) is taken, as in the report


@dataclass(frozen=True, kw_only=True)
class Move:
    """How far a scenario would move: from its probability now to the one after."""

    scenario: str
    from_: float
    to: float


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A state that an event may be seen in, its probability, and what the scenarios then are.

    `moves` is the scenario that moves most.
    """

    state: str
    probability: float
    scenarios: Mapping[str, float]
    moves: Move


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What watching an event tells of the scenarios.

    `now`: the state known today; `defines`: a scenario's rule names it; `bits`: mutual information of its state on the
    date and the scenario; `share`: of the entropy of the scenarios; `bits_per_unit` of a cost, None without one;
    `outcomes`: the largest movement first.
    """

    event: str
    kind: str
    now: str
    defines: bool
    bits: float
    share: float
    cost: float | None
    bits_per_unit: float | None
    outcomes: tuple[Sight, ...]


@dataclass(frozen=True, kw_only=True)
class WatchList:
    """The events that can be watched until a day, most bits (per unit of cost, where costs are given) first.

    `entropy`: bits, of the scenarios today; `left_out`: constants, as nothing public need be seen of them by then.
    """

    by: date
    entropy: float
    left_out: tuple[str, ...]
    events: tuple[Watched, ...]


def watch_list(outcome: Outcome, days: int, costs: Mapping[str, float]) -> WatchList:
    """Rank the dated events by what their state in some days will tell of the scenarios.

    Args:
        outcome: the forecast.
        days: of watching, from the as-of date on; not beyond the horizon.
        costs: of watching an event, in any unit, above zero.

    The odds between scenarios and states on the date come from `joints_on`; both margins are the forecast's own.
    """
    by = min(outcome.as_of + timedelta(days=days), outcome.layout.horizon)
    of = outcome.posterior
    scenarios = of.evaluation.scenarios @ of.weights.weights
    joints = joints_by(outcome, by, scenarios)
    held: Array = scenarios[scenarios > 0.0]
    entropy = max(-float(held @ np.log2(held)), 0.0) + 0.0  # of what is certain no negative zero
    defining = rule_events(outcome.layout, outcome.workspace.scenarios)
    rows = []
    for v, joint in joints.items():
        event, path = outcome.layout.events[v], outcome.posterior.asked.network.known.paths[v]
        bits = mutual_information(joint)
        cost = costs.get(event.id)
        rows.append(
            Watched(
                event=event.id,
                kind=event.kind,
                now=event.states[path.on(path.until)],
                defines=v in defining,
                bits=bits,
                share=bits / entropy if entropy > 0.0 else 0.0,
                cost=cost,
                bits_per_unit=None if cost is None else bits / cost,
                outcomes=_outcomes(outcome.scenario_ids, event.states, joint),
            )
        )
    rows.sort(key=lambda row: (row.cost is None, -(row.bits_per_unit or row.bits), row.event))
    left_out = tuple(event.id for v, event in enumerate(outcome.layout.events) if v not in joints)
    return WatchList(by=by, entropy=entropy, left_out=left_out, events=tuple(rows))


def joints_by(outcome: Outcome, by: date, parts: Array, rules: Sequence[Scenario] | None = None) -> dict[int, Array]:
    """Compute P(part, state of v on a date | E) for each dated event, (parts, states).

    The margins are those of the forecast. `parts` are its own probabilities of a partition: its scenarios, or what
    `rules` say, the last part being where none of them holds.
    """
    of = outcome.posterior
    every, thin = (max(1, of.weights.weights.size // draws) for draws in (CURVE_DRAWS, DRAWS))
    share = of.weights.weights[::every] / of.weights.weights[::every].sum()
    states = _on(outcome, by, every)
    chosen = weighted(of, thin)
    if rules is not None:
        chosen = replace(chosen, asked=query(of.asked.network, rules))
    few = joints_on(chosen, by)
    return {v: with_margins(joint, parts, states[v] @ share) for v, joint in few.items()}


def _on(outcome: Outcome, by: date, every: int) -> list[Array]:
    """Compute P(state of each event on a date) in evenly spaced draws, as the forecast's curves do (reweight.curves).

    A reached event is never likelier to have got somewhere by the date than by the horizon.
    """
    of, layout = outcome.posterior, outcome.layout
    last = [states[:, ::every] for states in of.evaluation.events]
    if by >= layout.horizon:
        return last
    theta = np.ascontiguousarray(of.draws.theta[:, ::every])
    network = compile_workspace(layout, outcome.workspace, outcome.as_of, on=by)
    queried = query(network, ())
    on_day = evaluate(queried, theta, of.reliabilities.thinned(every)).events
    by_event = []
    alive_events = network.alive[: len(layout.cards)]
    for event, alive, states, at_end in zip(layout.events, alive_events, on_day, last, strict=True):
        if event.kind == "reached":
            least = np.minimum(*(np.cumsum(table[::-1], axis=0)[::-1] for table in (states, at_end)))
            least[: alive.start + 1] = 1.0  # not the rounded sum, which would leave a trace of steps long taken
            states = least - np.append(least[1:], np.zeros((1, least.shape[1])), axis=0)
        by_event.append(states)
    return by_event


def mutual_information(joint: Array) -> float:
    """Compute the mutual information, in bits, of the two axes of a joint distribution.

    Source: Cover and Thomas (2006), section 2.3.
    """
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    held = joint > 0.0
    bits = float((joint[held] * np.log2(joint[held] / apart[held])).sum())
    return max(bits, 0.0)  # never negative; what is below zero is rounding


def joints_on(chosen: Weighted, day: date) -> dict[int, Array]:
    """Compute the weighted mean of P(scenario, state of v on a day | E, draw) for each dated event.

    (scenarios, states). Each event's state on the day is a variable of its own, a child of the event and its parents
    that nothing hangs on; one elimination gives them all. Of a reached event with reached children the date is also
    news of how long it will act on them: its states on the day are solved one by one with the children's rows so.
    """
    network, queried = chosen.asked.network, chosen.asked
    watched = watched_events(network)
    beside = {v: scope for v in watched if (scope := leaf_scope(network, v, day)) is not None}
    n = len(queried.plan.cards)
    cards = (*queried.plan.cards, *(network.cards[v] for v in beside))
    scopes = (*queried.scopes, *((*scope, n + i) for i, scope in enumerate(beside.values())))
    order = ENGINE.plan(cards, scopes, keep=queried.plan.keep)
    joints = {v: np.zeros((queried.masks.shape[0], network.layout.cards[v])) for v in watched}
    causes = _causes(network) if day < network.on else {}

    def on_block(places: Index) -> list[Array]:
        block, sums = chosen.block(int(places[0]), int(places[-1]) + 1), {}
        tables, _ = block.factors()
        leaves = {v: between_table(network, v, day, block.theta) for v in beside}
        marginals = ENGINE.evaluate(order, [*queried.with_rules(tables), *leaves.values()], queried.masks).marginals
        for v in watched:
            if v in beside and v not in causes:
                shares = marginals[n + list(beside).index(v)]
            elif v in beside or network.layout.events[v].kind == "reached":
                shares = _acting(block, tables, v, leaves.get(v), causes.get(v, []), day)
            else:
                shares = _redrawn(block, tables, v, day)
            sums[v] = (shares @ block.weights).T
        return [sums[v] for v in watched]

    size = draws_at_once([order], queried.masks.shape[0], BLOCK)
    for part in ENGINE.in_blocks(on_block, np.arange(chosen.weights.size), size=size):
        for v, joint in zip(watched, part, strict=True):
            joints[v][:, network.alive[v].start : network.alive[v].stop] += joint
    return joints


def _causes(network: AsOfNetwork) -> dict[int, list[int]]:
    """Return the reached events that have reached children which can still move, and those children."""
    layout, causes = network.layout, {}
    moving = [layout.events[v].kind == "reached" and len(network.alive[v]) > 1 for v in range(len(layout.cards))]
    for v, moves in enumerate(moving):
        if moves and (children := [c for c, parents in enumerate(layout.parents) if v in parents and moving[c]]):
            causes[v] = children
    return causes


def _acting(block: Weighted, tables: list[Array], v: int, leaf: Array | None, children: list[int], day: date) -> Array:
    """Compute P(state of v on the day, scenario | E, draw): (states, scenarios, draws).

    `leaf`: of its state on the day given that at the horizon and its parents; None where its row is a chain.
    """
    network, order = block.asked.network, block.asked.plan
    seen = [] if leaf is not None else seen_chain(network, v, day, block.theta)
    if seen:
        cards = list(order.cards)
        for variable in (variable for scope in network.families[v][1:] for variable in scope[-1:]):
            cards[variable] = seen[1].shape[-2]
        order = ENGINE.plan(cards, block.asked.scopes, keep=order.keep)
    logs = []
    for place, state in enumerate(network.alive[v]):
        changed = list(tables)
        if leaf is not None:
            changed[v] = tables[v] * leaf[..., place, :]
        else:
            for at, table in zip(network.places(v), (seen[0][..., place, :], *seen[1:]), strict=True):
                changed[at] = table
        for c in children:
            for at, table in zip(network.places(c), row_when(network, c, v, state, day, block.theta), strict=True):
                changed[at] = table
        logs.append(_log_regions(block, order, changed))
    log_shares = np.stack(logs)
    shares = np.exp(log_shares - log_shares.max(axis=(0, 1)))
    return np.asarray(shares / shares.sum(axis=(0, 1)))


def _redrawn(block: Weighted, tables: list[Array], v: int, day: date) -> Array:
    """Compute the same of a status whose row is a chain."""
    network, asked = block.asked.network, block.asked
    free, own = len(asked.plan.cards), set(network.places(v))
    factors, cards = seen_status(network, v, day, block.theta, free)
    given = asked.with_rules(tables)
    others = [place for place in range(len(given)) if place not in own]
    scopes = [*(asked.scopes[place] for place in others), *(scope for scope, _ in factors)]
    order = ENGINE.plan((*asked.plan.cards, *cards), scopes, keep=asked.plan.keep)
    arrays = [*(given[place] for place in others), *(table for _, table in factors)]
    return ENGINE.evaluate(order, arrays, asked.masks).marginals[free]


def _log_regions(block: Weighted, order: Plan, tables: list[Array]) -> Array:
    try:
        return ENGINE.log_regions(order, block.asked.with_rules(tables), block.asked.masks)
    except ImpossibleEvidenceError:
        # Evidence that rules the state out in one draw does so in all: rows between 0 and 1 leave the rest possible.
        return np.full((block.asked.masks.shape[0], block.weights.size), -np.inf)


def _outcomes(names: Sequence[str], states: Sequence[str], joint: Array) -> tuple[Sight, ...]:
    overall = joint.sum(axis=1)
    rows = []
    for k, state in enumerate(states):
        # Where no other state is left it is certain, and not a rounded sum of ones.
        probability = float(joint[:, k].sum()) if np.delete(joint, k, axis=1).any() else 1.0
        if not probability > 0.0:
            continue
        shares = joint[:, k] / probability
        most = int(np.argmax(np.abs(shares - overall)))
        rows.append(
            Sight(
                state=state,
                probability=probability,
                scenarios=dict(zip(names, shares.tolist(), strict=True)),
                moves=Move(scenario=names[most], from_=float(overall[most]), to=float(shares[most])),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-abs(row.moves.to - row.moves.from_), row.state)))
