"""Every what-if of one event, learned or imposed, and of two learned: for a page that has no engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.tables import Weighted, weighted
from forecast.analysis.twin import Solved, descendants_of, solve_twin, twin
from forecast.analysis.watch import mutual_information
from forecast.inference.engine import ENGINE
from forecast.ledger.outcome import Outcome
from forecast.model.layout import rule_events
from forecast.posterior.evaluate import mean_joint
from forecast.words import event_name, label, percent, scenario_colour, scenario_names

Array = NDArray[np.float64]
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


def worlds(found: Outcome, progress: Progress, most: int = MOST_EVENTS, pair_draws: int = PAIR_DRAWS) -> Worlds:
    """Compute all what-ifs of one event and of two learned ones, as `forecast.analysis.what_if` defines them.

    Single ones are exact averages over all draws. Of pairs the dependence of scenario and both events comes from
    every so-many-th draw, scaled until each two of the three have the joint distribution that all draws give them
    (iterative proportional fitting, Deming and Stephan 1940).
    """
    of = found.posterior
    with_scenarios = mean_joint(of.asked, of.draws.theta, of.weights.weights, of.reliabilities)
    asked = _most_telling(with_scenarios, most)
    progress("what if: conditioning on each event")
    between = _with_events(weighted(of), asked)
    learned = {
        (v, x): (with_scenarios[v][:, x] / p, tuple(joint[x] / p for joint in between[v]))
        for v in asked
        for x, p in enumerate(with_scenarios[v].sum(axis=0).tolist())
        if p > 0.0
    }
    progress("what if: intervening on each event")
    acts = [(v, x) for v in asked for x in _imposable(found, v)]
    imposed = dict(zip(acts, _parallel(lambda act: _imposed(found, *act), acts), strict=True))
    progress("what if: conditioning on two events")
    thinned = weighted(of, max(1, of.weights.weights.size // pair_draws))
    pairs = {
        (v, w): _scaled(joint, with_scenarios[v], with_scenarios[w], between[v][w])
        for (v, w), joint in _three_way(thinned, asked).items()
    }
    return Worlds(asked, learned, imposed, pairs, thinned.weights.size)


def _most_telling(with_scenarios: Sequence[Array], most: int) -> tuple[int, ...]:
    bits = [mutual_information(joint / joint.sum()) for joint in with_scenarios]
    return tuple(sorted(sorted(range(len(bits)), key=lambda v: (-bits[v], v))[:most]))


def _parallel[T, R](compute: Callable[[T], R], over: Sequence[T]) -> list[R]:
    """Compute several results at once: numpy lets go of the interpreter's lock inside its loops."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(compute, over))


def _with_events(chosen: Weighted, asked: Sequence[int]) -> dict[int, tuple[Array, ...]]:
    """Compute the weighted mean of P(state of v, state of w | E, draw) for v asked about and every w: (of v, of w)."""
    network = chosen.asked.network
    orders = {v: (ENGINE.plan(network.cards, network.scopes, keep=(v,)), np.eye(network.cards[v])) for v in asked}
    n_events = len(network.layout.cards)

    def on_block(places: Index) -> dict[int, list[Array]]:
        block = chosen.block(int(places[0]), int(places[-1]) + 1)
        tables = block.factors()[0]
        return {
            v: [(marginal @ block.weights).T for marginal in ENGINE.evaluate(order, tables, masks).marginals[:n_events]]
            for v, (order, masks) in orders.items()
        }

    sums = {v: tuple(np.zeros((network.layout.cards[v], card)) for card in network.layout.cards) for v in asked}
    for part in ENGINE.in_blocks(on_block, np.arange(chosen.weights.size), size=BLOCK):
        for v, joints in part.items():
            for w, joint in enumerate(joints):
                sums[v][w][np.ix_(network.alive[v], network.alive[w])] += joint
    return sums


def _three_way(chosen: Weighted, asked: Sequence[int]) -> dict[tuple[int, int], Array]:
    """Compute the weighted mean of P(scenario, state of v, state of w | E, draw) for each two events, v < w."""
    network, rules = chosen.asked.network, chosen.asked.plan.keep
    n_scenarios, cards = chosen.asked.masks.shape[0], network.layout.cards
    orders = {
        v: (
            ENGINE.plan(network.cards, network.scopes, keep=(*rules, v)),
            _by_state(chosen.asked.masks, rules, v, network.cards[v]),
        )
        for v in asked[:-1]
    }

    def on_block(places: Index) -> dict[tuple[int, int], Array]:
        block = chosen.block(int(places[0]), int(places[-1]) + 1)
        tables = block.factors()[0]
        found = {}
        for v, (order, masks) in orders.items():
            marginals = ENGINE.evaluate(order, tables, masks).marginals
            for w in asked[asked.index(v) + 1 :]:
                joint = (marginals[w] @ block.weights).reshape(-1, n_scenarios, network.cards[v])
                found[v, w] = np.moveaxis(joint, 0, -1)
        return found

    sums = {(v, w): np.zeros((n_scenarios, cards[v], cards[w])) for v, w in combinations(asked, 2)}
    for part in ENGINE.in_blocks(on_block, np.arange(chosen.weights.size), size=PAIR_BLOCK):
        for (v, w), joint in part.items():
            sums[v, w][np.ix_(range(n_scenarios), network.alive[v], network.alive[w])] += joint
    return sums


def _by_state(masks: Array, rules: Sequence[int], v: int, card: int) -> Array:
    """Split each scenario's mask by the state of v, which becomes a kept variable if it is none yet."""
    states = np.eye(card)
    if v in rules:
        axis = rules.index(v)
        full = masks
    else:
        axis = sum(rule < v for rule in rules)
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


def _imposable(found: Outcome, v: int) -> Sequence[int]:
    """Return the states that somebody could still put the event into; a constant's evidence does not bind its copy."""
    return found.posterior.asked.network.alive[v] if found.layout.dated(v) else range(found.layout.cards[v])


def _imposed(found: Outcome, v: int, x: int) -> tuple[Array, tuple[Array, ...]]:
    """Compute the forecast with event v put into state x; what is not downstream of it stays as it is."""
    layout, of = found.layout, found.posterior
    weights = of.weights.weights
    events = [event @ weights for event in of.evaluation.events]
    events[v] = np.eye(layout.cards[v])[x]
    below = descendants_of(layout, (v,))
    if not below and v not in rule_events(layout, found.workspace.scenarios):
        return of.evaluation.scenarios @ weights, tuple(events)
    solved: Solved = solve_twin(
        twin(of.asked.network, {v: x}), found.workspace.scenarios, of.draws.theta, of.reliabilities, {}
    )
    for w in below:
        events[w] = solved.events[w] @ weights
    return solved.scenarios @ weights, tuple(events)


UNIT = 10_000  # the page computes with ten-thousandths: finer than anything it prints
CERTAIN = 0.995  # a scenario above this is as good as certain


def worlds_table(found: Outcome, made: Worlds) -> dict[str, Any]:
    """Write what-ifs as nested lists.

    Returns `begin` (what to show first: event and state by number), `scenarios` and `events` (names, with `asked`:
    whether the event can be asked about), `now`, `learned` and `imposed` ("event.state" by number -> scenarios and
    events), `pairs` ("event.event" -> [state][state] -> scenarios given both, None where they cannot both be), all in
    units of 1 / `unit`; `pair_draws`; `rows`: the single ones in words, for a table.
    """
    names = scenario_names(found)
    weights = found.posterior.weights.weights
    evaluation = found.posterior.evaluation
    now = (evaluation.scenarios @ weights, tuple(event @ weights for event in evaluation.events))
    return {
        "unit": UNIT,
        "scenarios": [
            {"id": name, "name": names[name], "colour": scenario_colour(found, name)} for name in found.scenario_ids
        ],
        "events": [
            {
                "id": event.id,
                "label": event_name(event),
                "states": list(map(label, event.states)),
                "asked": v in made.asked,
            }
            for v, event in enumerate(found.layout.events)
        ],
        "now": _world(now),
        "learned": {f"{v}.{x}": _world(one) for (v, x), one in made.learned.items()},
        "imposed": {f"{v}.{x}": _world(one) for (v, x), one in made.imposed.items()},
        "pairs": {f"{v}.{w}": _pair(joint) for (v, w), joint in made.pairs.items()},
        "pair_draws": made.pair_draws,
        "begin": list(_telling(made, now[0])),
        "rows": _rows(found, made),
    }


def _telling(made: Worlds, now: Array) -> tuple[int, int]:
    """Return what would move the scenarios most if it were learned, short of making one of them certain."""

    def moved(place: tuple[int, int]) -> float:
        after = made.learned[place][0]
        return 0.0 if after.max() > CERTAIN else float(np.abs(after - now).sum())

    return max(sorted(made.learned), key=moved)


def _world(one: tuple[Array, tuple[Array, ...]]) -> dict[str, Any]:
    return {"scenarios": _units(one[0]), "events": [_units(event) for event in one[1]]}


def _units(probabilities: Array) -> list[int]:
    return [round(UNIT * p) for p in probabilities.tolist()]


def _pair(joint: Array) -> list[list[list[int] | None]]:
    return [
        [
            _units(joint[:, x, y] / p) if (p := float(joint[:, x, y].sum())) > 0.0 else None
            for y in range(joint.shape[2])
        ]
        for x in range(joint.shape[1])
    ]


def _rows(found: Outcome, made: Worlds) -> list[dict[str, Any]]:
    """Return a row for each event and state: every scenario if it is learned, and if it is imposed."""
    rows = []
    for v in made.asked:
        event = found.layout.events[v]
        for x, state in enumerate(event.states):
            row = {"event": event_name(event), "state": label(state), "first": x == 0, "states": len(event.states)}
            for how, table in (("learned", made.learned), ("imposed", made.imposed)):
                one = table.get((v, x))
                row[how] = (
                    ["—"] * len(found.scenario_ids) if one is None else [percent(p, None) for p in one[0].tolist()]
                )
            rows.append(row)
    return rows
