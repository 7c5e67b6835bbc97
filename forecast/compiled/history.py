"""What the past says: how probable the known course of each dated event was, as a function of theta.

History informs theta and undated parents only; it sends nothing back to a dated parent's future.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.exposure import exposed_between
from forecast.compiled.layout import Index, Layout
from forecast.compiled.paths import Known, Path
from forecast.inference.elementary import NumpyMath

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HistoryRecipe:
    """log P(known course) of each event, over the configurations of its undated parents.

    Flat entry e of all tables is `constant[e]` plus the sum over its terms of linear * theta + log * ln(theta).
    Terms are sorted by entry. `scopes[i]` and `shapes[i]` are the undated parents
    of table i and their cards; the entries of table i begin at `starts[i]`.
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
    change to x' times theta_x' / tau. A child that moves on the day of its parent sees the parent before that day.
    """
    scopes, shapes, starts = [], [], []
    terms: list[tuple[int, int, float, float]] = []
    constants: list[float] = []
    for v, path in known.paths.items():
        undated = tuple(p for p in layout.parents[v] if p not in known.paths)
        shape = tuple(layout.cards[p] for p in undated)
        tables = [
            _course(layout, known, v, path, dict(zip(undated, states, strict=True)))
            for states in product(*(range(card) for card in shape))
        ]
        if not any(numbers for numbers, _ in tables):
            continue
        scopes.append(undated)
        shapes.append(shape)
        starts.append(len(constants))
        for numbers, constant in tables:
            terms += [(len(constants), theta, *coefficients) for theta, coefficients in sorted(numbers.items())]
            constants.append(constant)
    columns = list(zip(*terms, strict=True)) or [()] * 4
    kinds = (np.intp, np.intp, float, float)
    entry, theta, linear, log = (np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True))
    return HistoryRecipe(
        tuple(scopes), tuple(shapes), tuple(starts), entry, theta, linear, log, np.array(constants, dtype=float)
    )


Coefficients = dict[int, tuple[float, float]]


def _course(layout: Layout, known: Known, v: int, path: Path, undated: dict[int, int]) -> tuple[Coefficients, float]:
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
            linear[layout.theta_index(v, row, state)] += rate
            constant -= rate
        elif state < layout.cards[v] - 1:
            linear[layout.theta_index(v, row, state)] -= exposed_between(layout, v, start, stop)
    state = path.first
    for day, after in path.changes:
        if day > end:
            break
        row = _row(layout, known, v, undated, day, before=True)
        steps = [after] if event.kind == "status" else range(state, after)
        for k in steps:
            log[layout.theta_index(v, row, k)] += 1.0
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
