"""The as-of network's rows: each CPT row of theta becomes P(state on the query date | what is known now, parents)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.inference.tape import NumpyMath
from forecast.model.history import Known
from forecast.model.layout import (
    Index,
    Layout,
    Piece,
    Spans,
    changed_hazard,
    exposed_between,
    is_constant,
    mean_hazard,
    pieces_of_change,
    steps_taken,
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StepRows:
    """Rows of reached events that all have the same number m of steps still open; one array (rows,) a step."""

    table: tuple[Index, ...]  # m + 1: where P(0, 1, .. m steps taken) go in the flat table
    now: tuple[Index, ...]  # m: theta of each step with the dated parents at their known state
    then: tuple[Index, ...]  # m: theta of each step with the parents as the row says
    share: Array  # exposure still to come, of which the window holds 1


@dataclass(frozen=True)
class TimedRows:
    """The same where time does not pass evenly for the event or for a parent that has to move.

    `pieces` (rows, pieces, 4): weight of each piece of the parents' date of change, and the exposure before, within and
    after it (`changed_hazard`).
    """

    table: tuple[Index, ...]
    now: tuple[Index, ...]
    then: tuple[Index, ...]
    pieces: Array


@dataclass(frozen=True)
class CopiedRows:
    """Entries of status and constant events: stay * [state is the current one] + (1 - stay) * theta."""

    table: Index
    theta: Index
    stay: Array
    current: Array


@dataclass(frozen=True, kw_only=True)
class RowRecipe:
    """How theta becomes the flat table of compiled rows. Entries that no part names are zero."""

    n_table: int
    certain: Index  # entries that are one: a reached event whose last step is taken
    copied: CopiedRows
    steps: tuple[StepRows | TimedRows, ...]


def row_recipe(layout: Layout, known: Known, on: date, only: Collection[int] | None = None) -> RowRecipe:
    """Compile the rows for the states on a date, given what is known; of all events, or of some `only`.

    A step of a reached event has a hazard that its parents and its timing decide. A parent that has still to move does
    so on a uniform date (`mean_hazard`) or, where the event or the parent has a timing, on a date that is distributed
    as the parent's own exposure (`changed_hazard`). A status keeps its current state with probability
    exp(-days / persistence) and is drawn anew from its row otherwise. A step that lacks what it requires both now and
    then is not taken, nor is any after it; a status whose state lacks it then has been drawn anew. Events whose causes
    act each by itself are left out.
    """
    certain: list[int] = []
    copied: list[tuple[int, int, float, float]] = []
    steps: dict[int, list[_Steps]] = {}
    timed: dict[tuple[int, int], list[_Timed]] = {}
    for v, event in enumerate(layout.events):
        if only is not None and v not in only:
            continue
        if layout.acts_by_cause(v):
            continue  # forecast.model.causes
        path = known.paths.get(v)
        seen = min(path.until, on) if path else on
        days = (on - seen).days
        current = path.on(seen) if path else 0
        is_even = days == 0 or is_constant(layout, [v, *layout.parents[v]])
        for row, configuration in enumerate(layout.configurations(v)):
            entry = layout.table_offsets[v] + row * layout.cards[v]
            if event.kind != "reached":
                is_kept = event.persistence_days and layout.theta_index(v, row, current) not in layout.excluded
                stay = exp(-days / event.persistence_days) if event.persistence_days and is_kept else 0.0
                for state in range(layout.cards[v]):
                    theta = layout.theta_index(v, row, state)
                    copied.append((entry + state, theta, stay, float(state == current)))
                continue
            now = layout.row(v, _as_known(layout, known, v, configuration, seen))
            open_steps = _open_steps(layout, v, current, (now, row))
            if not open_steps:
                certain.append(entry + current)
                continue
            table, at_now, at_then = (
                [entry + state for state in range(current, open_steps.stop + 1)],
                [layout.theta_index(v, now, k) for k in open_steps],
                [layout.theta_index(v, row, k) for k in open_steps],
            )
            movers = [] if is_even else _movers(layout, known, v, configuration, seen)
            if not movers or is_constant(layout, [v, *movers]):
                share = exposed_between(layout, v, seen, on)
                steps.setdefault(len(open_steps), []).append((table, at_now, at_then, share))
            else:
                pieces = all_pieces(layout, v, movers, seen, on)
                timed.setdefault((len(open_steps), len(pieces)), []).append((table, at_now, at_then, pieces))
    return RowRecipe(
        n_table=layout.n_table,
        certain=np.array(certain, dtype=np.intp),
        copied=CopiedRows(
            *(
                np.array(column, dtype=kind)
                for column, kind in zip(
                    list(zip(*copied, strict=True)) or [()] * 4, (np.intp, np.intp, float, float), strict=True
                )
            )
        ),
        steps=(*(_step_rows(steps[m]) for m in sorted(steps)), *(_timed_rows(timed[key]) for key in sorted(timed))),
    )


def _open_steps(layout: Layout, v: int, current: int, rows: tuple[int, int]) -> range:
    """Return the steps from the current one on, up to one that lacks what it requires in both of two rows."""
    steps = range(current, layout.cards[v] - 1)
    if not layout.events[v].requires:
        return steps
    closed = (k for k in steps if all(layout.theta_index(v, row, k) in layout.excluded for row in rows))
    return range(current, next(closed, steps.stop))


_Steps = tuple[list[int], list[int], list[int], float]
_Timed = tuple[list[int], list[int], list[int], tuple[Piece, ...]]


def _step_rows(rows: list[_Steps]) -> StepRows:
    table, now, then, share = zip(*rows, strict=True)
    return StepRows(_by_step(table), _by_step(now), _by_step(then), np.array(share))


def _timed_rows(rows: list[_Timed]) -> TimedRows:
    table, now, then, pieces = zip(*rows, strict=True)
    return TimedRows(_by_step(table), _by_step(now), _by_step(then), np.array(pieces))


def _by_step(rows: tuple[list[int], ...]) -> tuple[Index, ...]:
    return tuple(np.array(rows, dtype=np.intp).T.copy())


def all_pieces(layout: Layout, v: int, movers: list[int], seen: date, on: date) -> tuple[Piece, ...]:
    """Cut the dates on which some parents change between two days into pieces of even pace."""
    start, stop = (float((day - layout.opens).days) for day in (seen, on))
    return pieces_of_change(layout, v, movers, Spans(start, stop, start, stop, stop))


def _movers(layout: Layout, known: Known, v: int, configuration: tuple[int, ...], day: date) -> list[int]:
    """Return the dated parents that are not yet in the state of a configuration."""
    return [
        p
        for p, now, then in zip(
            layout.parents[v], _as_known(layout, known, v, configuration, day), configuration, strict=True
        )
        if now != then
    ]


def _as_known(layout: Layout, known: Known, v: int, configuration: tuple[int, ...], day: date) -> tuple[int, ...]:
    return tuple(
        known.paths[p].on(day) if p in known.paths else state
        for p, state in zip(layout.parents[v], configuration, strict=True)
    )


def row_values(xp: Any, recipe: RowRecipe, theta: Any) -> list[tuple[Index, Any]]:
    """Compute the entries of the flat table as (where, values (entries, draws)) from theta (n_theta, draws)."""
    copied = recipe.copied
    stay, current = copied.stay[:, np.newaxis], copied.current[:, np.newaxis]
    values: list[tuple[Index, Any]] = [(copied.table, stay * current + (1.0 - stay) * theta[copied.theta])]
    for group in recipe.steps:
        hazards = [_hazard(xp, group, theta[now], theta[then]) for now, then in zip(group.now, group.then, strict=True)]
        values += zip(group.table, steps_taken(xp, hazards), strict=True)
    return values


def _hazard(xp: Any, group: StepRows | TimedRows, now: Any, then: Any) -> Any:
    if isinstance(group, StepRows):
        share = group.share[:, np.newaxis]
        return mean_hazard(xp, share * now, share * then)
    columns = np.moveaxis(group.pieces[..., np.newaxis], 0, 2)  # (pieces, 4, rows, 1)
    return changed_hazard(xp, now, then, [(piece[0], piece[1], piece[2], piece[3]) for piece in columns])


def row_table(recipe: RowRecipe, theta: Array) -> Array:
    """Compute the flat table of compiled rows (n_table, draws) from theta (n_theta, draws)."""
    table = np.zeros((recipe.n_table, theta.shape[1]))
    table[recipe.certain] = 1.0
    for where, values in row_values(NumpyMath, recipe, theta):
        table[where] = values
    return table
