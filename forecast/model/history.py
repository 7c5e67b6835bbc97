"""What is settled: the course of every event so far, and its likelihood."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elementary import NumpyMath
from forecast.model.hazard import exposed_between
from forecast.model.layout import Index, Layout
from forecast.workspace.records import Item, Settled


@dataclass(frozen=True)
class Path:
    """The known course of one dated event: its first state and the dated changes, each to a state index.

    `until` is the date up to which the state is known (silence counts until then).
    """

    first: int
    changes: tuple[tuple[date, int], ...]
    until: date

    def before(self, day: date) -> int:
        """Return the state just before a day: a change on the day itself does not count yet."""
        return self._last(lambda change: change < day)

    def on(self, day: date) -> int:
        """Return the state at the end of a day."""
        return self._last(lambda change: change <= day)

    def _last(self, counts: Callable[[date], bool]) -> int:
        state = self.first
        for day, after in self.changes:
            if counts(day):
                state = after
        return state


@dataclass(frozen=True)
class Known:
    """What is settled as of a date: a path for each dated event, and observed states of constants.

    `as_of` filters items; `until` = min(as_of, watched_until), within the window, is where silence stops counting.
    """

    as_of: date
    until: date
    paths: dict[int, Path]
    observed: dict[int, tuple[int, ...]]


def active_items(items: Iterable[Item], as_of: date) -> tuple[Item, ...]:
    """Return the items known on a date: reported by then, not yet retracted, not yet superseded."""
    known = [item for item in items if item.reported <= as_of]
    superseded = {item.supersedes for item in known if item.supersedes}
    return tuple(
        item for item in known if item.id not in superseded and not (item.retracted and item.retracted <= as_of)
    )


def settle(layout: Layout, items: Iterable[Item], as_of: date, watched_until: date | None) -> Known:
    """Read the settled parts of the items that are active on `as_of` as paths.

    A step lies at `happened`, else at `reported`. The same state again is no news.
    """
    # News last watched before the opening says nothing of the window: all of it is open.
    until = max(layout.opens, min(as_of, watched_until or as_of, layout.horizon))
    dated: dict[int, dict[date, int]] = {v: {} for v in range(len(layout.events)) if layout.dated(v)}
    last: dict[int, date] = {}
    observed: dict[int, tuple[int, ...]] = {}
    for item in items:
        day = item.happened or item.reported
        for bearing in item.bears_on:
            if not isinstance(bearing, Settled):
                continue
            v, state = layout.index[bearing.event], layout.state(bearing.event, bearing.state)
            if v not in dated:
                observed[v] = (*observed.get(v, ()), state)
                continue
            # Two steps of a reached event on one day: the later one; statuses never share a day (checked).
            dated[v][day] = max(state, dated[v].get(day, 0))
            last[v] = max(day, last.get(v, day))
    paths = {}
    for v, states in dated.items():
        event = layout.events[v]
        first = event.states.index(event.initial) if event.initial is not None else 0
        changes, current = [], first
        for day in sorted(states):
            if states[day] != current:
                changes.append((day, states[day]))
                current = states[day]
        paths[v] = Path(first, tuple(changes), max(until, last.get(v, until)))
    return Known(as_of, until, paths, observed)


def suppose(layout: Layout, known: Known, v: int, states: Container[int]) -> Known:
    """Return what would be known if a dated event came into one of some states on the as-of day.

    A reached event takes its next steps to the first of the states; a status comes into it.

    Raises ValueError where none of the states is still to come.
    """
    path = known.paths[v]
    day = max(path.until, known.as_of)
    later = range(path.on(day) + 1, layout.cards[v]) if layout.events[v].kind == "reached" else range(layout.cards[v])
    state = next((x for x in later if x in states and x != path.on(day)), None)
    if state is None:
        msg = f"'{layout.events[v].id}' has none of the states {states} to come on {day}"
        raise ValueError(msg)
    changes = (*(change for change in path.changes if change[0] != day), (day, state))
    return replace(known, paths={**known.paths, v: Path(path.first, changes, day)})


Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class HistoryRecipe:
    """log P(known course) of each event, over the configurations of its undated parents.

    Flat entry e of all tables is `constant[e]` plus the sum over its terms of linear * theta + log * ln(theta).
    Terms are sorted by entry. `scopes[i]` and `shapes[i]` are the undated parents
    of table i and their cards; the entries of table i begin at `starts[i]`. An entry whose configuration rules the
    course out, for something was so without what it requires, has the constant minus infinity; a course that every
    configuration rules out has no table (`ruled_out`).
    """

    scopes: tuple[tuple[int, ...], ...]
    shapes: tuple[tuple[int, ...], ...]
    starts: tuple[int, ...]
    entry: Index
    theta: Index
    linear: Array
    log: Array
    constant: Array


def history_recipe(layout: Layout, known: Known) -> HistoryRecipe:
    """Compile the likelihood of the known courses.

    Reached: an open step over a period gives exp(-theta * exposure), a step on its day times theta (the density up to
    constants: the pace of time on that day is one). Status: a spell in x gives exp(-days / tau * (1 - theta_x)), a
    change to x' times theta_x' / tau. A child that moves on the day of its parent sees the parent before that day,
    unless it would lack what it requires: then the parent moved first.
    """
    scopes, shapes, starts = [], [], []
    terms: list[tuple[int, int, float, float]] = []
    constants: list[float] = []
    for v, path in known.paths.items():
        undated, tables = _courses(layout, known, v, path)
        is_silent = not any(numbers or constant == -math.inf for numbers, constant in tables)
        if is_silent or _is_ruled_out(tables):
            continue
        scopes.append(undated)
        shapes.append(tuple(layout.cards[p] for p in undated))
        starts.append(len(constants))
        for numbers, constant in tables:
            terms += [(len(constants), theta, *coefficients) for theta, coefficients in sorted(numbers.items())]
            constants.append(constant)
    columns = list(zip(*terms, strict=True)) or [()] * 4
    kinds = (np.intp, np.intp, float, float)
    entry, theta, linear, log = (np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True))
    return HistoryRecipe(
        scopes=tuple(scopes),
        shapes=tuple(shapes),
        starts=tuple(starts),
        entry=entry,
        theta=theta,
        linear=linear,
        log=log,
        constant=np.array(constants, dtype=float),
    )


def ruled_out(layout: Layout, known: Known) -> frozenset[int]:
    """Return the events that were, whatever their undated parents, without what they require."""
    needing = (v for v in known.paths if layout.events[v].requires)
    return frozenset(v for v in needing if _is_ruled_out(_courses(layout, known, v, known.paths[v])[1]))


Coefficients = dict[int, tuple[float, float]]
Course = tuple[Coefficients, float]


def _is_ruled_out(courses: Sequence[Course]) -> bool:
    return all(constant == -math.inf for _, constant in courses)


def _courses(layout: Layout, known: Known, v: int, path: Path) -> tuple[tuple[int, ...], list[Course]]:
    """Return the undated parents of an event, and the terms of its course for each of their configurations."""
    undated = tuple(p for p in layout.parents[v] if p not in known.paths)
    states = product(*(range(layout.cards[p]) for p in undated))
    return undated, [_course(layout, known, v, path, dict(zip(undated, of, strict=True))) for of in states]


def _course(layout: Layout, known: Known, v: int, path: Path, undated: dict[int, int]) -> Course:
    """Sum the terms of one event's course for one configuration of its undated parents."""
    event = layout.events[v]
    linear: dict[int, float] = defaultdict(float)
    log: dict[int, float] = defaultdict(float)
    constant = 0.0
    parents = [known.paths[p] for p in layout.parents[v] if p in known.paths]
    end = min(path.until, layout.horizon)
    cuts = {day for other in [path, *parents] for day, _ in other.changes if layout.opens < day < end}
    days = [layout.opens, *sorted(cuts), end]
    for start, stop in pairwise(days):
        state = path.on(start)
        row = _row(layout, known, v, undated, start, before=False)
        if event.kind == "status":
            rate = (stop - start).days / _persistence(event.persistence_days)
            index = layout.theta_index(v, row, state)
            if rate and index in layout.excluded:
                return {}, -math.inf
            linear[index] += rate
            constant -= rate
        elif state < layout.cards[v] - 1 and (index := layout.theta_index(v, row, state)) not in layout.excluded:
            linear[index] -= exposed_between(layout, v, start, stop)
    state = path.first
    for day, after in path.changes:
        if day > end:
            break
        steps = [after] if event.kind == "status" else range(state, after)
        for k in steps:
            rows = (_row(layout, known, v, undated, day, before=before) for before in (True, False))
            places = [layout.theta_index(v, row, k) for row in rows]
            index = next((place for place in places if place not in layout.excluded), -1)
            if index < 0:
                return {}, -math.inf
            log[index] += 1.0
        if event.kind == "status":
            constant -= math.log(_persistence(event.persistence_days))
        state = after
    numbers = {i: (linear.get(i, 0.0), log.get(i, 0.0)) for i in {*linear, *log}}
    return {i: pair for i, pair in numbers.items() if pair != (0.0, 0.0)}, constant


def _persistence(days: float | None) -> float:
    if days is None:
        msg = "a status event needs persistence_days"
        raise ValueError(msg)
    return days


def _row(layout: Layout, known: Known, v: int, undated: dict[int, int], day: date, *, before: bool) -> int:
    states = []
    for p in layout.parents[v]:
        if p in undated:
            states.append(undated[p])
        else:
            path = known.paths[p]
            states.append(path.before(day) if before else path.on(day))
    return layout.row(v, tuple(states))


def history_values(xp: Any, recipe: HistoryRecipe, theta: Any) -> Any:
    """Compute the terms (terms, draws) whose sums by entry are the log tables, without the constants."""
    numbers = theta[recipe.theta]
    return recipe.linear[:, np.newaxis] * numbers + recipe.log[:, np.newaxis] * xp.log(numbers)


def history_tables(recipe: HistoryRecipe, theta: Array) -> list[Array]:
    """Compute each event's log P(known course) as (*cards of its undated parents, draws)."""
    if not recipe.starts:
        return []
    sums = np.zeros((recipe.constant.size, theta.shape[1])) + recipe.constant[:, np.newaxis]
    entries, first_terms = np.unique(recipe.entry, return_index=True)
    sums[entries] += np.add.reduceat(history_values(NumpyMath, recipe, theta), first_terms, axis=0)
    ends = [*recipe.starts[1:], recipe.constant.size]
    return [
        sums[start:end].reshape(*shape, theta.shape[1])
        for start, end, shape in zip(recipe.starts, ends, recipe.shapes, strict=True)
    ]
