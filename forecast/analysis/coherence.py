"""Which statements cannot all hold: linear programs over the joint probabilities of the events they name.

De Finetti's notion of coherence: a set of stated probabilities is coherent if some joint distribution gives every one
of them. Here each statement is an interval (90 %), so that only a contradiction beyond what was granted counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, product
from math import exp, prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecast.model.layout import Layout
from forecast.sampling.readings import numbers, read_at
from forecast.sampling.spec import active_statements
from forecast.store.entries import once, place_of
from forecast.workspace.fits import expit, logit, reading_quantile
from forecast.workspace.names import horizon_on
from forecast.workspace.problems import Problem, quoted, shown
from forecast.workspace.records import Condition, DatedCondition, Statement, Target, Workspace
from forecast.workspace.statement_forms.form import Ordered, StatedDistribution, StatedNumber

Array = NDArray[np.float64]

LEVEL = 0.9  # of the interval that a statement is held to
LEAST_CONDITION = 0.01  # a condition is taken to be possible: given what cannot happen, everything is coherent
LEAST_CONDITION_OF_A_RULE = 1e-7  # of an exact statement, such as a row of a table: nobody chose to speak about it
TOLERANCE = 1e-10  # of the linear programs, so that the least condition leaves no room for a contradiction
LARGEST_JOINT = 50_000  # joint states of the events of one comparison; beyond it nothing is said


@dataclass(frozen=True)
class Bound:
    """target - factor * other <= 0 over joint states: indicator tables of (event, states) conditions."""

    plus: tuple[tuple[Condition, ...], float]
    minus: tuple[tuple[Condition, ...], float]


def conflicts(
    workspace: Workspace, layout: Layout, statements: Sequence[Statement], least: int = 1, cache: Path | None = None
) -> list[tuple[str, ...]]:
    """Return smallest sets of statement ids that no joint distribution satisfies within their 90 % intervals.

    Compared are statements read with the same knowledge and for the same day, about events (scenarios, counts and
    ratios of odds or of different conditions are not linear, and left out). Pairs first; a set without such a pair that
    is still contradictory is cut down to one from which nothing can be taken.
    Fewer statements than `least` that share events are not looked at. With a folder `cache` the answer is kept there.
    """
    groups: dict[object, dict[str, list[Bound]]] = {}
    for statement in statements:
        if bounds := _bounds(workspace, statement):
            key = (
                read_at(statement, workspace.network) or workspace.network.opens,
                statement.about.by or horizon_on(workspace.network, statement.date),
            )
            groups.setdefault(key, {})[statement.id] = bounds
    parts = [part for group in groups.values() for part in _components(layout, group) if len(part) >= least]

    def sets() -> list[tuple[str, ...]]:
        return sorted(one for part in parts for one in _contradictions(layout, part))

    if cache is None or not parts:
        return sets()
    events = [(one.id, one.kind, one.states, one.requires) for one in layout.events]
    return [tuple(ids) for ids in once(place_of(cache, "coherence", parts, events), sets)]


def incoherent_rules(
    workspace: Workspace, layout: Layout, as_of: date, cache: Path | None = None
) -> tuple[Problem, ...]:
    """Report exact statements that cannot all hold within what is granted to each, at each of them, with the others."""
    statements = active_statements(workspace, as_of)
    exact = {one.id: one for one in statements if workspace.experts[one.expert].exact}
    if len(exact) < 2:
        return ()
    needs = "; ".join(line for event in layout.events for line in event.needs())
    problems = []
    for names in conflicts(workspace, layout, list(exact.values()), least=2, cache=cache):
        for name in names:
            others = quoted(other for other in names if other != name)
            what = f"statement {shown(name)}: it is exact, and cannot hold together with {others}"
            got = "; ".join(f"{other} at {exact[other].source}" for other in names if other != name)
            allowed = "what follows from rules is one number; correct one of them, or give it a wider sd"
            problems.append(Problem(exact[name].source, what, got, f"{allowed} ({needs})" if needs else allowed))
    return tuple(sorted(problems))


def _contradictions(layout: Layout, bounds: Mapping[str, Sequence[Bound]]) -> list[tuple[str, ...]]:
    if _possible(layout, bounds.values()):
        return []
    shared = {name: _events(one) for name, one in bounds.items()}
    pairs: list[tuple[str, ...]] = [
        (a, b)
        for a, b in combinations(sorted(bounds), 2)
        if shared[a] & shared[b] and not _possible(layout, [bounds[a], bounds[b]])
    ]
    in_pairs = {name for pair in pairs for name in pair}
    rest = {name: one for name, one in bounds.items() if name not in in_pairs}
    if _possible(layout, rest.values()):
        return pairs
    kept = dict(rest)
    for name in sorted(rest):
        fewer = {other: one for other, one in kept.items() if other != name}
        if not _possible(layout, fewer.values()):
            kept = fewer
    return [*pairs, tuple(sorted(kept))]


def _bounds(workspace: Workspace, statement: Statement) -> list[Bound]:
    """Write a statement as linear inequalities in joint probabilities; empty if it is none, or about several days."""
    about = statement.about
    if about.condition is None or any(isinstance(when, DatedCondition) for when in about.given):
        return []
    is_exact = workspace.experts[statement.expert].exact
    least = LEAST_CONDITION_OF_A_RULE if is_exact else LEAST_CONDITION
    reach = reading_quantile((1.0 + LEVEL) / 2.0, exact=is_exact)
    said = numbers(statement, workspace.experts, workspace.network)
    match said:
        case StatedNumber() if said.against is None:
            low, high = (expit(said.location + side * reach * said.scale) for side in (-1.0, 1.0))
            return _between(about.condition, about.given, low, high, least)
        case StatedNumber() if said.against is not None and not said.of_odds:
            low, high = (exp(said.location + side * reach * said.scale) for side in (-1.0, 1.0))
            return _ratio(about, said.against, low, high)
        case StatedDistribution():
            rows: list[Bound] = []
            for state, p in zip(about.condition.states, said.probabilities, strict=True):
                low, high = (expit(logit(p) + side * reach * said.scale) for side in (-1.0, 1.0))
                rows += _between(Condition(about.condition.event, (state,)), about.given, low, high, least)
            return rows
        case Ordered():
            return _ratio(about, said.other, 1.0, None)
    return []


def _between(condition: Condition, given: tuple[Condition, ...], low: float, high: float, least: float) -> list[Bound]:
    both = (condition, *given)
    bounds = [Bound((given, low), (both, 1.0)), Bound((both, 1.0), (given, high))]
    return [*bounds, Bound(((), least), (given, 1.0))] if given else bounds


def _ratio(target: Target, other: Target, low: float, high: float | None) -> list[Bound]:
    if target.given != other.given or other.condition is None or target.condition is None or target.by != other.by:
        return []
    first, second = (target.condition, *target.given), (other.condition, *target.given)
    bounds = [Bound((second, low), (first, 1.0))]
    return bounds if high is None else [*bounds, Bound((first, 1.0), (second, high))]


def _events(bounds: Sequence[Bound]) -> set[str]:
    return {condition.event for bound in bounds for side in (bound.plus, bound.minus) for condition in side[0]}


def _components(layout: Layout, bounds: Mapping[str, Sequence[Bound]]) -> list[dict[str, Sequence[Bound]]]:
    """Split statements into parts that share no event, and nothing that these require."""
    parts: list[tuple[set[str], dict[str, Sequence[Bound]]]] = []
    for name, one in bounds.items():
        events, members = set(_with_required(layout, _events(one))), {name: one}
        for part in [part for part in parts if part[0] & events]:
            parts.remove(part)
            events, members = events | part[0], {**part[1], **members}
        parts.append((events, members))
    return [members for _, members in parts]


def _possible(layout: Layout, statements: Iterable[Sequence[Bound]]) -> bool:
    """Say whether some joint distribution of the events satisfies all bounds (True also where it is too large)."""
    from scipy.optimize import linprog

    bounds = [bound for statement in statements for bound in statement]
    events = _with_required(layout, _events(bounds))
    cards = [layout.cards[layout.index[event]] for event in events]
    if not bounds or prod(cards) > LARGEST_JOINT:
        return True
    rows = np.stack([_mass(layout, events, cards, *b.plus) - _mass(layout, events, cards, *b.minus) for b in bounds])
    rows = rows[:, _open(layout, events)]
    n = rows.shape[1]
    solution = linprog(
        np.zeros(n),
        A_ub=rows,
        b_ub=np.zeros(len(rows)),
        A_eq=np.ones((1, n)),
        b_eq=[1.0],
        method="highs",
        options={"primal_feasibility_tolerance": TOLERANCE},
    )
    return bool(solution.status != 2)


def _with_required(layout: Layout, events: set[str]) -> list[str]:
    """Return the events with all that they require, one through the other."""
    waiting, found = list(events), set(events)
    while waiting:
        event = layout.events[layout.index[waiting.pop()]]
        more = {name for one in event.requires for name in one.events} - found
        found |= more
        waiting += more
    return sorted(found)


def _open(layout: Layout, events: Sequence[str]) -> NDArray[np.bool_]:
    """Return which joint states, flat, no event is in without what it requires.

    A step needs it on its own day: what a status has been since is not held against it.
    """
    own = [layout.events[layout.index[name]] for name in events]
    kinds = {one.id: one.kind for one in own}
    states = [dict(zip(events, combination, strict=True)) for combination in product(*(one.states for one in own))]
    held = np.ones(len(states), dtype=bool)
    for event in own:
        for one in event.requires:
            if event.kind == "reached" and any(kinds[name] == "status" for name in one.events):
                continue
            place = event.states.index(one.state)
            needing = event.states[place:] if event.kind == "reached" else (one.state,)
            held &= np.array([which[event.id] not in needing or one.is_met(which) for which in states])
    return held


def _mass(layout: Layout, events: list[str], cards: list[int], conditions: Sequence[Condition], factor: float) -> Array:
    """Return factor times the indicator of the conditions over the joint states, flat."""
    table = np.full(cards, factor)
    for condition in conditions:
        axis = events.index(condition.event)
        allowed = np.zeros(cards[axis])
        allowed[[layout.state(condition.event, state) for state in condition.states]] = 1.0
        table *= allowed.reshape([-1 if i == axis else 1 for i in range(len(cards))])
    return table.ravel()
