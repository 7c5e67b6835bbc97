"""What is settled: the course of every event so far, and its likelihood."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from itertools import pairwise, product
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.cpt.kind import higher
from forecast.inference.tape import NumpyMath
from forecast.model.layout import Index, Layout, exposed_between
from forecast.workspace.records import Event, Item, Settled


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

    A reached event takes its next steps to the first of the states; a status comes into it. What it cannot be without
    (`requires`) comes true with it, where there is one way only in which it can.

    Raises ValueError where none of the states is still to come.
    """
    path = known.paths[v]
    day = max(path.until, known.as_of)
    if path.on(day) in states and any(change == day for change, _ in path.changes):
        return known  # it came with what requires it
    later = range(path.on(day) + 1, layout.cards[v]) if layout.events[v].kind == "reached" else range(layout.cards[v])
    state = next((x for x in later if x in states and x != path.on(day)), None)
    if state is None:
        msg = f"'{layout.events[v].id}' has none of the states {states} to come on {day}"
        raise ValueError(msg)
    event = layout.events[v]
    entered = event.states[path.on(day) + 1 : state + 1] if event.kind == "reached" else (event.states[state],)
    known = _with_required(layout, known, event, entered)
    changes = (*(change for change in path.changes if change[0] != day), (day, state))
    return replace(known, paths={**known.paths, v: Path(path.first, changes, day)})


def _with_required(layout: Layout, known: Known, event: Event, entered: Collection[str]) -> Known:
    """Return what would be known if what an event requires for some states came true on the as-of day."""
    for one in event.requires:
        if one.state not in entered or len(one.any_of) > 1:
            continue
        for condition in one.any_of[0]:
            p = layout.index[condition.event]
            if p in known.paths and known.paths[p].on(max(known.paths[p].until, known.as_of)) not in (
                needed := [layout.state(condition.event, state) for state in condition.states]
            ):
                known = suppose(layout, known, p, needed)
    return known


Array = NDArray[np.float64]


@dataclass(frozen=True)
class RowOfCauses:
    """A row that theta does not hold, because it holds the causes that act in it: theta indices (causes, numbers).

    `is_rate`: of a reached event the rates add up; of the others the highest state counts.
    """

    is_rate: bool
    causes: Index

    def numbers(self, theta: Any) -> list[Any]:
        """Compute the numbers of the row, each (1, draws)."""
        of_causes = [[theta[index : index + 1] for index in cause] for cause in self.causes.tolist()]
        if self.is_rate:
            return [reduce(add, number) for number in zip(*of_causes, strict=True)]
        return reduce(higher, of_causes)


@dataclass(frozen=True, kw_only=True)
class HistoryRecipe:
    """log P(known course) of each event, over the configurations of its undated parents.

    Flat entry e of all tables is `constant[e]` plus the sum over its terms of linear * theta + log * ln(theta), theta
    being followed by the numbers of `rows`, one after the other. Terms are sorted by entry. `scopes[i]` and `shapes[i]`
    are the undated parents of table i and their cards; the entries of table i begin at `starts[i]`. Of causes that act
    each by itself an open period has one table for each undated parent. An entry whose configuration rules the course
    out, for something was so without what it requires, has the constant minus infinity; a course that every
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
    rows: tuple[RowOfCauses, ...]


def history_recipe(layout: Layout, known: Known) -> HistoryRecipe:
    """Compile the likelihood of the known courses.

    Reached: an open step over a period gives exp(-theta * exposure), a step on its day times theta (the density up to
    constants: the pace of time on that day is one). Status: a spell in x gives exp(-days / tau * (1 - theta_x)), a
    change to x' times theta_x' / tau. A child that moves on the day of its parent sees the parent before that day,
    unless it would lack what it requires: then the parent moved first.
    """
    tables: list[_Table] = []
    rows = _Rows(layout)
    for v, path in known.paths.items():
        undated, course = _undated(layout, known, v), _course(layout, known, v, path)
        if layout.acts_by_cause(v) and layout.events[v].kind == "reached":
            tables += _open_periods(layout, v, undated, course)
            course = replace(course, spells=())
        if course.spells or course.changes:
            tables.append((undated, _entries(rows, v, course, undated)))
    return _recipe(layout, tables, tuple(rows.made))


Coefficients = dict[int, tuple[float, float]]
_Entry = tuple[Coefficients, float]
_Table = tuple[tuple[int, ...], list[_Entry]]  # undated parents, and an entry for each of their joint states


def _recipe(layout: Layout, tables: Sequence[_Table], rows: tuple[RowOfCauses, ...]) -> HistoryRecipe:
    scopes, shapes, starts = [], [], []
    terms: list[tuple[int, int, float, float]] = []
    constants: list[float] = []
    for undated, entries in tables:
        is_silent = not any(numbers or constant == -math.inf for numbers, constant in entries)
        if is_silent or _is_ruled_out(entries):
            continue
        scopes.append(undated)
        shapes.append(tuple(layout.cards[p] for p in undated))
        starts.append(len(constants))
        for numbers, constant in entries:
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
        rows=rows,
    )


def ruled_out(layout: Layout, known: Known) -> frozenset[int]:
    """Return the events that were, whatever their undated parents, without what they require."""
    found = []
    for v, path in known.paths.items():
        if layout.events[v].requires:
            course = _course(layout, known, v, path)
            if _is_ruled_out(_entries(_Rows(layout), v, course, _undated(layout, known, v))):
                found.append(v)
    return frozenset(found)


def _undated(layout: Layout, known: Known, v: int) -> tuple[int, ...]:
    return tuple(p for p in layout.parents[v] if p not in known.paths)


def _is_ruled_out(entries: Sequence[_Entry]) -> bool:
    return all(constant == -math.inf for _, constant in entries)


Dated = dict[int, int]  # states of the dated parents


@dataclass(frozen=True)
class _Course:
    """What is known of one event: of the spells (dated parents, number of the row, coefficient), and of the changes the
    dated parents before the day and after it, and the number of the row.
    """

    spells: tuple[tuple[Dated, int, float], ...]
    changes: tuple[tuple[Dated, Dated, int], ...]
    constant: float


def _course(layout: Layout, known: Known, v: int, path: Path) -> _Course:
    event = layout.events[v]
    spells: list[tuple[Dated, int, float]] = []
    changes: list[tuple[Dated, Dated, int]] = []
    constant = 0.0
    parents = {p: known.paths[p] for p in layout.parents[v] if p in known.paths}
    end = min(path.until, layout.horizon)
    cuts = {day for other in [path, *parents.values()] for day, _ in other.changes if layout.opens < day < end}
    days = [layout.opens, *sorted(cuts), end]
    for start, stop in pairwise(days):
        state, dated = path.on(start), {p: other.on(start) for p, other in parents.items()}
        if event.kind == "status":
            rate = (stop - start).days / _persistence(event.persistence_days)
            spells.append((dated, state, rate))
            constant -= rate
        elif state < layout.cards[v] - 1:
            spells.append((dated, state, -exposed_between(layout, v, start, stop)))
    state = path.first
    for day, after in path.changes:
        if day > end:
            break
        dated = {p: other.before(day) for p, other in parents.items()}
        since = {p: other.on(day) for p, other in parents.items()}
        steps = [after] if event.kind == "status" else range(state, after)
        changes += [(dated, since, k) for k in steps]
        if event.kind == "status":
            constant -= math.log(_persistence(event.persistence_days))
        state = after
    return _Course(tuple(spells), tuple(changes), constant)


def _persistence(days: float | None) -> float:
    if days is None:
        msg = "a status event needs persistence_days"
        raise ValueError(msg)
    return days


class _Rows:
    """Where the numbers of rows stand: in theta, or behind it where theta holds causes."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._free = layout.n_theta
        self._starts: dict[tuple[int, tuple[int, ...]], int] = {}
        self.made: list[RowOfCauses] = []

    def index(self, v: int, configuration: tuple[int, ...], k: int) -> int:
        """Return the index of number k of a row."""
        layout = self.layout
        if not layout.acts_by_cause(v):
            return layout.theta_index(v, layout.row(v, configuration), k)
        if (v, configuration) not in self._starts:
            numbers = range(layout.width(v))
            causes = [[layout.theta_index(v, cause, x) for x in numbers] for cause in acting(layout, v, configuration)]
            self.made.append(RowOfCauses(layout.events[v].kind == "reached", np.array(causes, dtype=np.intp)))
            self._starts[v, configuration] = self._free
            self._free += len(numbers)
        return self._starts[v, configuration] + k


def acting(layout: Layout, v: int, configuration: Sequence[int]) -> list[int]:
    """Return the causes that act in a configuration of the parents (rows of theta), the leak first."""
    causes = (layout.cause(v, place, x) for place, x in enumerate(configuration))
    return [0, *(cause for cause in causes if cause is not None)]


def _entries(rows: _Rows, v: int, course: _Course, undated: Sequence[int]) -> list[_Entry]:
    """Return an entry for every joint state of the undated parents of an event."""
    states = product(*(range(rows.layout.cards[p]) for p in undated))
    return [_entry(rows, v, course, dict(zip(undated, of, strict=True))) for of in states]


def _entry(rows: _Rows, v: int, course: _Course, undated: dict[int, int]) -> _Entry:
    """Sum the terms of an event's course for one joint state of its undated parents."""
    layout = rows.layout
    linear: dict[int, float] = defaultdict(float)
    log: dict[int, float] = defaultdict(float)
    for dated, k, coefficient in course.spells:
        index = rows.index(v, _configuration(layout, v, dated | undated), k)
        if index not in layout.excluded:
            linear[index] += coefficient
        elif coefficient and layout.events[v].kind == "status":
            return {}, -math.inf
    for before, since, k in course.changes:
        places = (rows.index(v, _configuration(layout, v, dated | undated), k) for dated in (before, since))
        index = next((place for place in places if place not in layout.excluded), -1)
        if index < 0:
            return {}, -math.inf
        log[index] += 1.0
    numbers = {i: (linear.get(i, 0.0), log.get(i, 0.0)) for i in {*linear, *log}}
    return {i: pair for i, pair in numbers.items() if pair != (0.0, 0.0)}, course.constant


def _configuration(layout: Layout, v: int, states: Mapping[int, int]) -> tuple[int, ...]:
    return tuple(states[p] for p in layout.parents[v])


def _open_periods(layout: Layout, v: int, undated: Sequence[int], course: _Course) -> Iterator[_Table]:
    """Yield what an open step says of causes that act each by itself: one table of each parent, never of several.

    Their hazards add up, so that the log of the survival does.
    """
    of_dated: dict[int, float] = defaultdict(float)
    of_undated: dict[int, float] = defaultdict(float)  # by step
    for dated, k, coefficient in course.spells:
        acts = [layout.cause(v, place, dated.get(p, 0)) for place, p in enumerate(layout.parents[v])]
        for cause in (0, *(cause for cause in acts if cause is not None)):
            of_dated[layout.theta_index(v, cause, k)] += coefficient
        of_undated[k] += coefficient
    yield (), [({theta: (coefficient, 0.0) for theta, coefficient in of_dated.items() if coefficient}, 0.0)]
    for place, p in enumerate(layout.parents[v]):
        if p in undated:
            entries: list[_Entry] = []
            for x in range(layout.cards[p]):
                link = layout.cause(v, place, x)
                terms = () if link is None else of_undated.items()
                entries.append(
                    ({layout.theta_index(v, link or 0, k): (number, 0.0) for k, number in terms if number}, 0.0)
                )
            yield (p,), entries


def history_values(xp: Any, recipe: HistoryRecipe, theta: Any) -> Any:
    """Compute the terms (terms, draws) whose sums by entry are the log tables, without the constants."""
    if recipe.rows:
        theta = xp.joined([theta, *(number for row in recipe.rows for number in row.numbers(theta))])
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
