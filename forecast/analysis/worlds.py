"""Every what-if of one event, learned or imposed, and of two learned: for a page that has no engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.supposition import (
    Solved,
    descendants_of,
    solve_twin,
    twin,
)
from forecast.analysis.target import Weighted, weighted
from forecast.analysis.watch import mutual_information
from forecast.analysis.what_if import before_intervention
from forecast.inference.engine import ENGINE, draws_at_once
from forecast.ledger.outcome import Outcome
from forecast.model.layout import rule_events
from forecast.posterior.posterior import mean_joint
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
    probabilities of scenarios (with `other`) and of the states of every event; `before[v]`: the same that interventions
    on event v are held against (`undisturbed`), absent where nothing is downstream of it. `pairs[v, w]` for v < w:
    P(scenario, state of v, state of w | E), (scenarios, states of v, states of w); `pair_draws` is the number of draws
    that their three-way dependence rests on. What is impossible given the evidence is absent, or zero.
    """

    asked: tuple[int, ...]
    learned: dict[tuple[int, int], tuple[Array, tuple[Array, ...]]]
    imposed: dict[tuple[int, int], tuple[Array, tuple[Array, ...]]]
    before: dict[int, tuple[Array, tuple[Array, ...]]]
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
    above = [v for v in events_asked if descendants_of(outcome.layout, (v,))]
    before = dict(zip(above, _parallel(lambda v: _undisturbed(outcome, v), above), strict=True))
    progress("what if: conditioning on two events")
    thinned = weighted(of, max(1, of.weights.weights.size // pair_draws))
    pairs = {
        (v, w): fitted_to_margins(joint, with_scenarios[v], with_scenarios[w], between[v][w])
        for (v, w), joint in _three_way(thinned, events_asked).items()
    }
    return Worlds(events_asked, learned, imposed, before, pairs, thinned.weights.size)


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


def fitted_to_margins(joint: Array, with_v: Array, with_w: Array, between: Array) -> Array:
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
        twin(of.asked.network, {v: x}), outcome.workspace.scenarios, of.draws.theta, of.reliabilities, {}, below
    )
    for w in below:
        events[w] = solved.events[w] @ weights
    return solved.scenarios @ weights, tuple(events)


def _undisturbed(outcome: Outcome, v: int) -> tuple[Array, tuple[Array, ...]]:
    """Compute what interventions on event v are held against."""
    weights = outcome.posterior.weights.weights
    scenarios, *events = before_intervention(outcome, descendants_of(outcome.layout, (v,)))
    return scenarios @ weights, tuple(event @ weights for event in events)


UNIT = 10_000  # the page computes with ten-thousandths: finer than anything it prints
NOTHING_SUPPOSED = "(nothing supposed)"  # in place of a state
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

    Where reports on what is downstream make a visible difference, a row before the states has the forecast and, as
    `imposed`, what interventions on the event are held against. `first`: of the event's rows; `states`: how many
    rows the event has.
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

    `learned` and `imposed`: by "event.state", both by number; `before`: by event, what interventions are held against,
    where that is visibly another than `now`; `pairs`: "event.event" -> [state][state] -> scenarios
    given both, None where they cannot both be; `pair_draws`: how many draws these rest on; `begin`: what to show first,
    event and state by number; `rows`: those of one event in words.
    """

    unit: int
    scenarios: tuple[WorldScenario, ...]
    events: tuple[WorldEvent, ...]
    now: World
    learned: Mapping[str, World]
    imposed: Mapping[str, World]
    before: Mapping[str, World]
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
        before={str(v): _world(made.before[v]) for v in _visibly_other(made, now)},
        pairs={f"{v}.{w}": _pair(joint) for (v, w), joint in made.pairs.items()},
        pair_draws=made.pair_draws,
        begin=_telling(made, now[0]),
        rows=tuple(_rows(outcome, made, now)),
    )


def _visibly_other(made: Worlds, now: tuple[Array, tuple[Array, ...]]) -> list[int]:
    """Return the events of which what interventions are held against is printed as another number than the forecast."""

    def printed(shares: tuple[Array, tuple[Array, ...]]) -> list[str]:
        return [percent(p, None) for part in (shares[0], *shares[1]) for p in part.tolist()]

    return [v for v, shares in made.before.items() if printed(shares) != printed(now)]


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


def _rows(outcome: Outcome, made: Worlds, now: tuple[Array, tuple[Array, ...]]) -> Iterator[WorldRow]:
    """Yield a row for each event and state: every scenario if it is learned, and if it is imposed."""

    def in_words(shares: tuple[Array, tuple[Array, ...]] | None) -> tuple[str, ...]:
        if shares is None:
            return ("—",) * len(outcome.scenario_ids)
        return tuple(percent(p, None) for p in shares[0].tolist())

    for v in made.asked:
        event = outcome.layout.events[v]
        before = made.before.get(v)
        has_before = before is not None and in_words(before) != in_words(now)
        if has_before:
            yield WorldRow(
                event=event_name(event),
                state=NOTHING_SUPPOSED,
                first=True,
                states=len(event.states) + 1,
                learned=in_words(now),
                imposed=in_words(before),
            )
        for x, state in enumerate(event.states):
            yield WorldRow(
                event=event_name(event),
                state=label(state),
                first=x == 0 and not has_before,
                states=len(event.states) + has_before,
                learned=in_words(made.learned.get((v, x))),
                imposed=in_words(made.imposed.get((v, x))),
            )
