"""The as-of network's rows: each CPT row of theta becomes P(state on the query date | what is known now, parents)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.hazard import mean_hazard, steps_taken
from forecast.compiled.layout import Index, Layout
from forecast.compiled.paths import Known
from forecast.inference.elementary import NumpyMath

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StepRows:
    """Rows of reached events that all have the same number m of steps still open; one array (rows,) a step."""

    table: tuple[Index, ...]  # m + 1: where P(0, 1, .. m steps taken) go in the flat table
    now: tuple[Index, ...]  # m: theta of each step with the dated parents at their known state
    then: tuple[Index, ...]  # m: theta of each step with the parents as the row says
    share: Array  # part of the window still to come


@dataclass(frozen=True)
class CopiedRows:
    """Entries of status and constant events: stay * [state is the current one] + (1 - stay) * theta."""

    table: Index
    theta: Index
    stay: Array
    current: Array


@dataclass(frozen=True)
class RowRecipe:
    """How theta becomes the flat table of compiled rows. Entries that no part names are zero."""

    n_table: int
    certain: Index  # entries that are one: a reached event whose last step is taken
    copied: CopiedRows
    steps: tuple[StepRows, ...]


def row_recipe(layout: Layout, known: Known, on: date) -> RowRecipe:
    """Compile the rows for the states on a date, given what is known.

    A step of a reached event has a constant hazard given its parents; a parent that has still to move acts for part
    of the time (`mean_hazard`). A status keeps its current state with probability exp(-days / persistence) and is
    drawn anew from its row otherwise.
    """
    certain: list[int] = []
    copied: list[tuple[int, int, float, float]] = []
    steps: dict[int, list[tuple[list[int], list[int], list[int], float]]] = {}
    for v, event in enumerate(layout.events):
        path = known.paths.get(v)
        seen = min(path.until, on) if path else on
        days = (on - seen).days
        current = path.on(seen) if path else 0
        for row, configuration in enumerate(layout.configurations(v)):
            entry = layout.table_offsets[v] + row * layout.cards[v]
            if event.kind != "reached":
                stay = exp(-days / event.persistence_days) if event.persistence_days else 0.0
                for state in range(layout.cards[v]):
                    theta = layout.theta_index(v, row, state)
                    copied.append((entry + state, theta, stay, float(state == current)))
                continue
            open_steps = range(current, layout.cards[v] - 1)
            if not open_steps:
                certain.append(entry + current)
                continue
            now = layout.row(v, _as_known(layout, known, v, configuration, seen))
            steps.setdefault(len(open_steps), []).append(
                (
                    [entry + state for state in range(current, layout.cards[v])],
                    [layout.theta_index(v, now, k) for k in open_steps],
                    [layout.theta_index(v, row, k) for k in open_steps],
                    days / layout.window_days,
                )
            )
    return RowRecipe(
        layout.n_table,
        np.array(certain, dtype=np.intp),
        CopiedRows(
            *(
                np.array(column, dtype=kind)
                for column, kind in zip(
                    list(zip(*copied, strict=True)) or [()] * 4, (np.intp, np.intp, float, float), strict=True
                )
            )
        ),
        tuple(_step_rows(steps[m]) for m in sorted(steps)),
    )


def _step_rows(rows: list[tuple[list[int], list[int], list[int], float]]) -> StepRows:
    table, now, then, share = zip(*rows, strict=True)
    table_at, now_at, then_at = (tuple(np.array(part, dtype=np.intp).T.copy()) for part in (table, now, then))
    return StepRows(table_at, now_at, then_at, np.array(share))


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
        share = group.share[:, np.newaxis]
        hazards = [
            mean_hazard(xp, share * theta[now], share * theta[then])
            for now, then in zip(group.now, group.then, strict=True)
        ]
        values += zip(group.table, steps_taken(xp, hazards), strict=True)
    return values


def row_table(recipe: RowRecipe, theta: Array) -> Array:
    """Compute the flat table of compiled rows (n_table, draws) from theta (n_theta, draws)."""
    table = np.zeros((recipe.n_table, theta.shape[1]))
    table[recipe.certain] = 1.0
    for where, values in row_values(NumpyMath, recipe, theta):
        table[where] = values
    return table
