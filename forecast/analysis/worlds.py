"""Every what-if of one event, learned or imposed, and of two learned: for a page that has no engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.supposition import descendants_of, mean_of_twins, twin, undisturbed
from forecast.analysis.target import Weighted, weighted
from forecast.analysis.watch import mutual_information
from forecast.digits import UNITS, WHOLE, digits
from forecast.inference.joints import Meeting, Split
from forecast.ledger.outcome import Outcome
from forecast.model.layout import rule_events
from forecast.words import event_name, label, percent, scenario_colour, scenario_names

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Shares = tuple[Array, tuple[Array, ...]]  # P(scenario), and P(states) of every event
Progress = Callable[[str], None]

PAIR_DRAWS = 500  # of which the dependence of three variables at once is taken; all margins are those of every draw
GROUPS = 10  # of these draws, each left out once: how much the answers differ is their Monte Carlo error
MOST_EVENTS = 40  # that can be asked about; of a larger network those that tell most of the scenarios
MOST_SCALINGS, CLOSE_ENOUGH = 200, 1e-12


@dataclass(frozen=True)
class Worlds:
    """What becomes of the forecast if one event were learned or imposed, or two were learned.

    `asked`: indices of the events that can be asked about, in layout order. `learned[v, x]` and `imposed[v, x]`:
    probabilities of scenarios (with `other`) and of the states of every event; `before[v]`: the same that interventions
    on event v are held against (`undisturbed`), absent where nothing is downstream of it. `pairs[v, w]` for v < w:
    P(scenario, state of v, state of w | E), (scenarios, states of v, states of w); `pair_draws` is the number of draws
    that their three-way dependence rests on, and `pair_errors[v, w]` the largest Monte Carlo standard error, over the
    scenarios, of P(scenario | state of v, state of w, E) that comes of that, (states of v, states of w); what is not
    known is not a number. What is impossible given the evidence is absent, or zero.
    """

    asked: tuple[int, ...]
    learned: dict[tuple[int, int], Shares]
    imposed: dict[tuple[int, int], Shares]
    before: dict[int, Shares]
    pairs: dict[tuple[int, int], Array]
    pair_draws: int
    pair_errors: dict[tuple[int, int], Array]


def worlds(outcome: Outcome, progress: Progress, most: int = MOST_EVENTS, pair_draws: int = PAIR_DRAWS) -> Worlds:
    """Compute all what-ifs of one event and of two learned ones, as `forecast.analysis.what_if` defines them.

    Single ones are exact averages over all draws. Of pairs the dependence of scenario and both events comes from
    regularly spaced draws, scaled until each two of the three have the joint distribution that all draws give them
    (iterative proportional fitting, Deming and Stephan 1940).
    """
    of = outcome.posterior
    progress("what if: conditioning on each event")
    with_scenarios, between = Together(weighted(of)).of_two()
    events_asked = _most_telling(with_scenarios, most)
    learned = {
        (v, x): (with_scenarios[v][:, x] / p, tuple(joint[x] / p for joint in between[v]))
        for v in events_asked
        for x, p in enumerate(with_scenarios[v].sum(axis=0).tolist())
        if p > 0.0
    }
    progress("what if: intervening on each event")
    imposed, before = interventions(outcome, events_asked)
    progress("what if: conditioning on two events")
    thinned = weighted(of, max(1, of.weights.weights.size // pair_draws))
    size = thinned.weights.size
    ends = np.linspace(0, size, min(GROUPS, size) + 1).astype(int).tolist()
    groups = [Together(thinned.block(*of_group)).of_three(events_asked, None) for of_group in pairwise(ends)]
    pairs, errors = {}, {}
    for v, w in groups[0]:
        joints = np.stack([np.moveaxis(group[v, w][0], 2, 0) for group in groups])
        margins = with_scenarios[v], with_scenarios[w], between[v][w]
        pairs[v, w] = fitted_to_margins(joints.sum(axis=0), *margins)
        errors[v, w] = _largest_error(fitted_to_margins(joints.sum(axis=0) - joints, *margins))
    return Worlds(events_asked, learned, imposed, before, pairs, size, errors)


def _largest_error(joints: Array) -> Array:
    """Compute the largest standard error of P(scenario | x, y) by the jackknife.

    Args:
        joints: P(scenario, x, y) without each of several groups of draws, (groups, scenarios, x, y).

    Returns: (x, y); NaN of states that some groups alone make possible, or of a single group.

    Source: Efron and Tibshirani (1993), "An introduction to the bootstrap", chapter 11.
    """
    both = joints.sum(axis=1, keepdims=True)
    given = np.divide(joints, both, out=np.full_like(joints, np.nan), where=both > 0.0)
    n = len(joints)
    return np.sqrt((n - 1) * given.var(axis=0)).max(axis=0) if n > 1 else np.full(joints.shape[2:], np.nan)


def _most_telling(with_scenarios: Sequence[Array], most: int) -> tuple[int, ...]:
    bits = [mutual_information(joint / joint.sum()) for joint in with_scenarios]
    return tuple(sorted(sorted(range(len(bits)), key=lambda v: (-bits[v], v))[:most]))


class Together:
    """Joint probabilities of scenarios and of the states of events anywhere in a network, over weighted draws."""

    def __init__(self, chosen: Weighted) -> None:
        asked, network = chosen.asked, chosen.asked.network
        self._chosen, self._n = chosen, len(network.layout.cards)
        events = [Split((v,), np.eye(card)) for v, card in enumerate(network.cards[: self._n])]
        self._meeting = Meeting(asked.plan, [*events, Split(asked.plan.keep, asked.masks)])
        self._full = [*network.layout.cards, asked.masks.shape[0]]
        self._alive = [*network.alive[: self._n], range(asked.masks.shape[0])]

    def of_two(self) -> tuple[list[Array], list[list[Array]]]:
        """Compute P(scenario, state of v | E) for each event v, and P(state of v, state of w | E) for each two."""
        both = self._meeting.of_two(self._factors, self._chosen.weights)
        rows = self._meeting.rows

        def of(v: int, w: int) -> Array:
            full = np.zeros((self._full[v], self._full[w]))
            full[np.ix_(self._alive[v], self._alive[w])] = both[np.ix_(rows[v], rows[w])]
            return full

        return [of(self._n, v) for v in range(self._n)], [[of(v, w) for w in range(self._n)] for v in range(self._n)]

    def of_three(self, events: Sequence[int], others: Sequence[int] | None) -> dict[tuple[int, int], list[Array]]:
        """Compute P(state of v, state of w, what a third is in | E) for each two of some events, v < w.

        The third are the events `others`, of which zeros stand for v and w themselves, or the scenarios (None).
        """
        thirds = [self._n] if others is None else others
        three = self._meeting.of_three(self._factors, self._chosen.weights, events, thirds)

        def places(of: Sequence[int]) -> dict[int, range]:
            ends = np.cumsum([0, *(len(self._alive[v]) for v in of)]).tolist()
            return {v: range(*between) for v, between in zip(of, pairwise(ends), strict=True)}

        first, third = places(events), places(thirds)
        joints: dict[tuple[int, int], list[Array]] = {}
        for v, w in combinations(sorted(events), 2):
            joints[v, w] = []
            for u in thirds:
                full = np.zeros((self._full[v], self._full[w], self._full[u]))
                numbers = three[np.ix_(first[v], first[w], third[u])]
                full[np.ix_(self._alive[v], self._alive[w], self._alive[u])] = numbers
                joints[v, w].append(full)
        return joints

    def _factors(self, places: Index) -> list[Array]:
        block = self._chosen.block(int(places[0]), int(places[-1]) + 1)
        return self._chosen.asked.with_rules(block.factors()[0])


def fitted_to_margins(joint: Array, with_v: Array, with_w: Array, between: Array) -> Array:
    """Scale tables (..., scenarios, states of v, states of w) until their three two-way margins are those given."""
    fitted = np.where(joint > 0.0, joint, 0.0)
    for _ in range(MOST_SCALINGS):
        before = fitted
        for axis, margin in ((-1, with_v), (-2, with_w), (-3, between)):
            total = fitted.sum(axis=axis)
            fitted = fitted * np.expand_dims(np.divide(margin, total, out=np.zeros_like(total), where=total > 0), axis)
        if np.abs(fitted - before).max(initial=0.0) < CLOSE_ENOUGH:
            break
    return fitted


def _imposable(outcome: Outcome, v: int) -> Sequence[int]:
    """Return the states that somebody could still put the event into; a constant's evidence does not bind its copy."""
    return outcome.posterior.asked.network.alive[v] if outcome.layout.dated(v) else range(outcome.layout.cards[v])


def interventions(outcome: Outcome, events: Sequence[int]) -> tuple[dict[tuple[int, int], Shares], dict[int, Shares]]:
    """Compute the forecast with each of some events put into each state, and what that is held against.

    What is not downstream of an event stays as it is. Returns `imposed` and `before` of `Worlds`.
    """
    layout, of, network = outcome.layout, outcome.posterior, outcome.posterior.asked.network
    named = rule_events(layout, outcome.workspace.scenarios)
    below = {v: descendants_of(layout, (v,)) for v in events}
    # States of one event stand together: their worlds have most in common.
    acts = [(v, x) for v in events for x in _imposable(outcome, v) if below[v] or v in named]
    held = [v for v in events if below[v]]
    twins = [(twin(network, {v: x}), below[v]) for v, x in acts]
    twins += [(undisturbed(network, below[v]), below[v]) for v in held]
    weights = of.weights.weights
    made = mean_of_twins(twins, outcome.workspace.scenarios, of.draws.theta, of.reliabilities, weights) if twins else []
    now = tuple(event @ weights for event in of.evaluation.events)

    def shares(found: tuple[Array, dict[int, Array]], known: dict[int, Array]) -> Shares:
        told = known | found[1]
        return found[0], tuple(told.get(w, event) for w, event in enumerate(now))

    alone: tuple[Array, dict[int, Array]] = (of.evaluation.scenarios @ weights, {})
    of_acts = dict(zip(acts, made[: len(acts)], strict=True))
    imposed = {
        (v, x): shares(of_acts.get((v, x), alone), {v: np.eye(layout.cards[v])[x]})
        for v in events
        for x in _imposable(outcome, v)
    }
    return imposed, {v: shares(found, {}) for v, found in zip(held, made[len(acts) :], strict=True)}


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
    given both, None where they cannot both be; `pair_draws`: how many draws these rest on; `pair_steps`: "event.event"
    -> [state][state] -> the step in which what both give is printed, for its Monte Carlo error carries no finer one;
    `begin`: what to show first, event and state by number; `rows`: those of one event in words.
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
    pair_steps: Mapping[str, tuple[tuple[int, ...], ...]]
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
        pair_steps={f"{v}.{w}": _steps(errors) for (v, w), errors in made.pair_errors.items()},
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


def _steps(errors: Array) -> tuple[tuple[int, ...], ...]:
    """Return the step of what has such a Monte Carlo error, whole percents or coarser, in units of 1 / UNIT."""

    def step(error: float) -> int:
        return round(UNIT * UNITS[max(WHOLE, digits(error)) if isfinite(error) else -1][0])

    return tuple(tuple(map(step, row)) for row in errors.tolist())


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
