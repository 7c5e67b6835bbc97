"""Families whose causes act each by itself (noisy OR, noisy MAX), without a table over all their parents.

Every parent brings the event to some state, the leak does so too, and the highest state counts. The parents are taken
one after the other: an auxiliary variable holds the highest state so far, so that a family of twenty parents is a chain
of twenty small tables (parent divorcing: Olesen et al. 1989; for noisy MAX: Diez 1993). Everything is exact.

As of a date a cause that has still to come acts for part of the time: its survival is averaged over its own date of
arrival, independently of the others', exp(-leak) prod_p M(now_p, u_p).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import exp, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.cpt.kind import higher
from forecast.model.history import Known
from forecast.model.layout import Index, Layout, Piece, changed_hazard, exposed_between, is_constant, steps_taken
from forecast.model.rows import all_pieces

Array = NDArray[np.float64]
Scope = tuple[int, ...]

LARGEST_TABLE = 64  # entries of a table over all parents; families with more become a chain


@dataclass(frozen=True, kw_only=True)
class Hazards:
    """Hazards of the causes of a reached event, for each step still open: the leak, then each state of each parent.

    `now[k]` and `then[k]` are the theta indices of step k before and after the parent's change, `has_now` and
    `has_then` 0 where there is no cause; all (causes,). `pieces` (causes, pieces, 4): `changed_hazard`.
    """

    now: tuple[Index, ...]
    then: tuple[Index, ...]
    has_now: Array
    has_then: Array
    pieces: Array


@dataclass(frozen=True, kw_only=True)
class Contributions:
    """What the leak and each state of each parent bring about in a status or constant event: theta (causes, states).

    `acts` (causes,): 0 where there is no cause. The state is kept with probability `stay`.
    """

    theta: Index
    acts: Array
    stay: float


@dataclass(frozen=True, kw_only=True)
class CausesRecipe:
    """How theta becomes the factors of one family.

    `parents` are the parents' numbers of states, `states` the event's; the event is at `current`, or beyond. `scopes`
    are the factors': the first holds the event, as its last axis. With one factor alone that is the whole table.
    """

    v: int
    parents: tuple[int, ...]
    states: int
    current: int
    made: Hazards | Contributions
    scopes: tuple[Scope, ...]

    @property
    def auxiliary(self) -> int:
        """Number of auxiliary variables."""
        return len(self.scopes) - 1

    @property
    def highest(self) -> range:
        """States that the auxiliary variables can be in."""
        return range(self.current if isinstance(self.made, Hazards) else 0, self.states)


@dataclass(frozen=True, kw_only=True)
class StartedRecipe:
    """How theta becomes the table of one family that goes on from the states of an earlier day.

    `starts` are the numbers of states that it goes on from, `from_each` a recipe of one table for each combination of
    these, in C order. `scopes` is that of the table alone: parents, what it goes on from, the event.
    """

    v: int
    starts: tuple[int, ...]
    from_each: tuple[CausesRecipe, ...]
    scopes: tuple[Scope, ...]

    @property
    def auxiliary(self) -> int:
        """Number of auxiliary variables: none."""
        return 0


def causes_recipes(layout: Layout, known: Known, on: date) -> tuple[CausesRecipe, ...]:
    """Compile the families of independent causes for the states on a date. Auxiliary variables come after the events.

    A family is a chain if its table would have more than `LARGEST_TABLE` entries, but for a reached event with several
    steps to come: these depend on each other, and the table is over all parents (`check` predicts its size).
    """
    recipes: list[CausesRecipe] = []
    free = len(layout.cards)
    for v in filter(layout.acts_by_cause, range(len(layout.cards))):
        recipes.append(causes_recipe(layout, known, on, v, free))
        free += recipes[-1].auxiliary
    return tuple(recipes)


def causes_recipe(layout: Layout, known: Known, on: date, v: int, free: int | None = None) -> CausesRecipe:
    """Compile the family of one event; `free` is the number of its first auxiliary variable, None for one table."""
    path = known.paths.get(v)
    seen = min(path.until, on) if path else on
    current = path.on(seen) if path else 0
    entries = _entries(layout, v)
    if layout.events[v].kind == "reached":
        made: Hazards | Contributions = _hazards(layout, known, v, entries, current, (seen, on))
    else:
        made = _contributions(layout, v, entries, (on - seen).days)
    scopes = ((*layout.parents[v], v),) if free is None else _scopes(layout, v, made, free)
    parents = tuple(layout.cards[p] for p in layout.parents[v])
    return CausesRecipe(v=v, parents=parents, states=layout.cards[v], current=current, made=made, scopes=scopes)


def _entries(layout: Layout, v: int) -> list[tuple[int, int]]:
    """Return each state of each parent, by the parent's place."""
    return [(place, x) for place, p in enumerate(layout.parents[v]) for x in range(layout.cards[p])]


def _scopes(layout: Layout, v: int, made: Hazards | Contributions, free: int) -> tuple[Scope, ...]:
    parents = layout.parents[v]
    if isinstance(made, Hazards) and not made.now:
        return ((v,),)  # its last step is taken, whatever the parents
    entries = prod(layout.cards[p] for p in parents) * layout.cards[v]
    if entries <= LARGEST_TABLE or len(parents) == 1 or (isinstance(made, Hazards) and len(made.now) > 1):
        return ((*parents, v),)
    links: list[Scope] = [(parents[0], free)]
    links += [(free + place - 1, p, free + place) for place, p in enumerate(parents[1:-1], 1)]
    return ((free + len(parents) - 2, parents[-1], v), *links)


def _hazards(
    layout: Layout, known: Known, v: int, entries: Sequence[tuple[int, int]], current: int, days: tuple[date, date]
) -> Hazards:
    seen, on = days
    even: tuple[Piece, ...] = (Piece(1.0, 0.0, exposed_between(layout, v, seen, on), 0.0),)
    now: list[int | None] = [0]
    then: list[int | None] = [0]
    pieces = [even]
    for place, x in entries:
        p = layout.parents[v][place]
        before = known.paths[p].on(seen) if p in known.paths else x
        now.append(layout.cause(v, place, before))
        then.append(layout.cause(v, place, x))
        is_even = before == x or seen == on or is_constant(layout, [v, p])
        pieces.append(even if is_even else all_pieces(layout, v, [p], seen, on))
    length = max(map(len, pieces))
    # Pieces of no weight make all of one length.
    padded = [[*some, *[some[-1]._replace(weight=0.0)] * (length - len(some))] for some in pieces]
    steps = range(current, layout.cards[v] - 1)
    return Hazards(
        now=tuple(_indices(layout, v, now, k) for k in steps),
        then=tuple(_indices(layout, v, then, k) for k in steps),
        has_now=_acting(now),
        has_then=_acting(then),
        pieces=np.array(padded, dtype=float),
    )


def _contributions(layout: Layout, v: int, entries: Sequence[tuple[int, int]], days: int) -> Contributions:
    rows = [0, *(layout.cause(v, place, x) for place, x in entries)]
    persistence = layout.events[v].persistence_days
    return Contributions(
        theta=np.stack([_indices(layout, v, rows, x) for x in range(layout.cards[v])], axis=1),
        acts=_acting(rows),
        stay=exp(-days / persistence) if persistence else 0.0,
    )


def _indices(layout: Layout, v: int, rows: Iterable[int | None], k: int) -> Index:
    """Return theta indices; those of what is no cause are any, for they count zero times."""
    return np.array([layout.theta_index(v, row or 0, k) for row in rows], dtype=np.intp)


def _acting(rows: Iterable[int | None]) -> Array:
    return np.array([float(row is not None) for row in rows])


def cause_hazards(xp: Any, made: Hazards, theta: Any) -> list[Any]:
    """Compute the cumulative hazard (causes, draws) of each open step by each cause, theta (n_theta, draws)."""
    has_now, has_then = made.has_now[:, np.newaxis], made.has_then[:, np.newaxis]
    columns = np.moveaxis(made.pieces[..., np.newaxis], 0, 2)  # (pieces, 4, causes, 1)
    pieces = [(piece[0], piece[1], piece[2], piece[3]) for piece in columns]
    return [
        changed_hazard(xp, has_now * theta[now], has_then * theta[then], pieces)
        for now, then in zip(made.now, made.then, strict=True)
    ]


def family_values(xp: Any, recipe: CausesRecipe | StartedRecipe, theta: Any) -> list[Any]:
    """Compute the factors of a family, axes as in `recipe.scopes` over all states, draws last.

    `xp` is `NumpyMath` and theta (n_theta, draws), or `TapeMath` and theta (n_theta, 1) on a tape. A chain's link holds
    P(highest so far | highest before, state of the parent), and the event itself is its end.
    """
    if isinstance(recipe, StartedRecipe):
        place = len(recipe.from_each[0].parents)
        tables = [family_values(xp, one, theta)[0] for one in recipe.from_each]
        for card in reversed(recipe.starts):
            tables = [xp.stacked(tables[at : at + card], place) for at in range(0, len(tables), card)]
        return tables
    made = recipe.made
    nothing = 0.0 * theta[0]
    if isinstance(made, Hazards) and not made.now:
        return [xp.stacked(_all_states(recipe, [1.0 + nothing], nothing), -2)]
    if isinstance(made, Hazards) and len(made.now) > 1:
        sums = [_total(*_divided(recipe, hazard)) for hazard in cause_hazards(xp, made, theta)]
        return [xp.stacked(_all_states(recipe, steps_taken(xp, sums), nothing), -2)]
    leak, parts = by_parent(recipe, brought_about(xp, recipe, theta))
    if not recipe.auxiliary:
        row = leak
        for part in parts:
            row = higher([state[..., np.newaxis, :] for state in row], part)
        return [xp.stacked(_all_states(recipe, _kept(recipe, row), nothing), -2)]
    ends, links = chain(xp, leak, parts)
    rows = [_all_states(recipe, _kept(recipe, row), nothing) for row in ends]
    return [xp.stacked([xp.stacked(row, -2) for row in rows], 0), *links]


def chain(xp: Any, leak: Sequence[Any], parts: Sequence[Sequence[Any]]) -> tuple[list[list[Any]], list[Any]]:
    """Take parents one after the other to the highest state.

    Args:
        xp: elementary functions.
        leak: P(the leak brings about each state), each (draws).
        parts: the same of each parent's states, each (states of the parent, draws).

    Returns:
        For each highest state before the last parent the distribution (states of the parent, draws) of the highest
        state; and the tables before: (states of the first parent, highest, draws), then for each parent but the last
        (highest before, states of the parent, highest, draws).
    """
    nothing = 0.0 * leak[0]
    first = xp.stacked(higher([state[np.newaxis] for state in leak], parts[0]), -2)
    links = [xp.stacked([xp.stacked(row, -2) for row in _rows(part, nothing)], 0) for part in parts[1:-1]]
    return _rows(parts[-1], nothing), [first, *links]


def brought_about(xp: Any, recipe: CausesRecipe, theta: Any) -> list[Any]:
    """Compute the probability (causes, draws) that a cause brings the event to each state from the lowest on."""
    made = recipe.made
    if isinstance(made, Hazards):
        (hazard,) = cause_hazards(xp, made, theta)
        return steps_taken(xp, [hazard])
    acts = made.acts[:, np.newaxis]
    states = [acts * theta[made.theta[:, x]] for x in range(recipe.states)]
    return [states[0] + (1.0 - acts), *states[1:]]


def by_parent(recipe: CausesRecipe, states: Sequence[Any]) -> tuple[list[Any], list[list[Any]]]:
    """Divide the probabilities (causes, draws) of each state: the leak's (draws), then those of each parent."""
    divided = [_divided(recipe, state) for state in states]
    parts = [[of_parents[place] for _, of_parents in divided] for place in range(len(recipe.parents))]
    return [leak for leak, _ in divided], parts


def _divided(recipe: CausesRecipe, of_causes: Any) -> tuple[Any, list[Any]]:
    """Divide what is given for each cause: the leak's (draws), and that of each parent's states (states, draws)."""
    ends = np.cumsum((1, *recipe.parents)).tolist()
    return of_causes[0], [of_causes[start:stop] for start, stop in pairwise(ends)]


def _total(leak: Any, parts: Sequence[Any]) -> Any:
    """Add up over the parents: (states of each parent..., draws)."""
    total = leak
    for part in parts:
        total = total[..., np.newaxis, :] + part
    return total


def _rows(part: Sequence[Any], nothing: Any) -> list[list[Any]]:
    """Return, for each highest state before, the distribution (states of the parent, draws) of the highest state."""
    rows, up_to = [], part[0]
    for before in range(len(part)):
        if before:
            up_to = up_to + part[before]
        rows.append([*[nothing] * before, up_to, *part[before + 1 :]])
    return rows


def _kept(recipe: CausesRecipe, row: Sequence[Any]) -> list[Any]:
    """Mix a row with the state that a status keeps.

    Whatever else lies between what the causes bring about and the event belongs here, at the end of a chain: a map that
    is linear in the row. One that depends on a parent needs a factor of its own behind the highest state.
    """
    stay = recipe.made.stay if isinstance(recipe.made, Contributions) else 0.0
    if not stay:
        return list(row)
    return [(1.0 - stay) * state + stay * float(x == recipe.current) for x, state in enumerate(row)]


def _all_states(recipe: CausesRecipe, row: Sequence[Any], nothing: Any) -> list[Any]:
    """Put zeros before the states that a reached event can still be in."""
    return [*[nothing] * recipe.highest.start, *row]
