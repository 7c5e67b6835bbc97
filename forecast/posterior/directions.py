"""Do parents act in the direction that was given? What each does in the forecast, against what was said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from math import inf

import numpy as np
from numpy.typing import NDArray

from forecast.cpt import KINDS
from forecast.digits import share
from forecast.model.layout import Layout
from forecast.posterior.posterior import Posterior
from forecast.sampling.readings import numbers
from forecast.sampling.spec import active_statements
from forecast.workspace.fits import logit
from forecast.workspace.problems import Problem, Source, shown
from forecast.workspace.records import Event, Workspace
from forecast.workspace.statement_forms.form import StatedNumber

Array = NDArray[np.float64]

NEXT_TO_NOTHING = 0.05  # a rule that leaves an event no more than this calls what it is conditioned on necessary
DECIMALS = 2


@dataclass(frozen=True, kw_only=True)
class Direction:
    """A parent of event v, by its place among the parents: 1 raises, -1 lowers; `said`: in which words, and where."""

    v: int
    place: int
    sign: int
    said: str
    source: Source


def direction_doubts(layout: Layout, workspace: Workspace, found: Posterior) -> tuple[Problem, ...]:
    """Warn of every parent that ends up doing the opposite of what was said: on average, and in most draws.

    Args:
        layout: of the workspace's network.
        workspace: as of the date.
        found: the draws of the forecast and their weights.
    """
    last = max((statement.date for statement in workspace.statements), default=layout.opens)
    weights = found.weights.weights
    others = [states @ weights for states in found.evaluation.events]
    doubts = []
    for one in directions(layout, workspace, last):
        with_first, with_last = effect(layout, found.draws.theta, others, one.v, one.place)
        change = one.sign * (with_last - with_first)
        if float(change @ weights) < 0.0 and float((change < 0.0) @ weights) > 0.5:
            doubts.append(_doubt(layout, one, float(with_first @ weights), float(with_last @ weights)))
    return tuple(sorted(doubts))


def directions(layout: Layout, workspace: Workspace, as_of: date) -> tuple[Direction, ...]:
    """Return the directions that were given, and the parents that a rule calls necessary.

    Not of events whose causes act each by itself: nothing can make a cause lower them.
    """
    return tuple(
        one
        for v, event in enumerate(layout.events)
        if not layout.acts_by_cause(v)
        for one in (*_given(v, event), *_necessary(v, event, workspace, as_of))
    )


def _given(v: int, event: Event) -> Iterator[Direction]:
    for place, parent in enumerate(event.parents):
        sign = event.direction(parent)
        if sign and not KINDS[event.cpt.kind].keeps_directions:
            said = f"is given under {'raises' if sign > 0 else 'lowers'}"
            yield Direction(v=v, place=place, sign=sign, said=said, source=event.source)


def _necessary(v: int, event: Event, workspace: Workspace, as_of: date) -> Iterator[Direction]:
    """Yield the parents without which (in its first states) an exact expert leaves an event next to nothing."""
    for statement in active_statements(workspace, as_of):
        about = statement.about
        if about.condition is None or about.condition.event != event.id or len(about.given) != 1:
            continue
        (given,) = about.given
        said = numbers(statement, workspace.experts, workspace.network)
        if given.event not in event.parents or not workspace.experts[statement.expert].exact:
            continue
        states = workspace.network.events[given.event].states
        is_absent = given.states == states[: len(given.states)]
        is_later = about.condition.states == event.states[-len(about.condition.states) :]
        least = said.location if isinstance(said, StatedNumber) and said.against is None else inf
        if is_absent and is_later and least <= logit(NEXT_TO_NOTHING):
            what = f"is called necessary by statement {shown(statement.id)}"
            place = event.parents.index(given.event)
            yield Direction(v=v, place=place, sign=1, said=what, source=statement.source)


def effect(layout: Layout, theta: Array, others: list[Array], v: int, place: int) -> tuple[Array, Array]:
    """Compute how far event v goes (draws) with a parent in its first and in its last state, as a share of its states.

    0 is its first state, 1 its last: of two states the probability of the second. The parent is set, not observed:
    averaged are the rows, for the whole window, over the other parents as they are forecast, each by itself.

    Args:
        layout: of the network.
        theta: (n_theta, draws).
        others: of each event the probabilities of its states.
        v: the event.
        place: of the parent among the event's parents.
    """
    configurations = layout.configurations(v)
    found = []
    for state in (0, layout.cards[layout.parents[v][place]] - 1):
        total = np.zeros(theta.shape[1])
        for row, configuration in enumerate(configurations):
            if configuration[place] == state:
                rest = [
                    others[p][x]
                    for i, (p, x) in enumerate(zip(layout.parents[v], configuration, strict=True))
                    if i != place
                ]
                total += float(np.prod(rest)) * _reach(layout, theta, v, row)
        found.append(total)
    return found[0], found[1]


def _reach(layout: Layout, theta: Array, v: int, row: int) -> Array:
    """Return the mean state of a row (draws), from 0 for the first to 1 for the last."""
    width = layout.width(v)
    start = layout.theta_index(v, row, 0)
    numbers_of_row = theta[start : start + width]
    if layout.events[v].kind == "reached":
        return np.asarray(np.cumprod(-np.expm1(-numbers_of_row), axis=0).mean(axis=0))
    return np.asarray(np.arange(width) @ numbers_of_row / (width - 1))


def _doubt(layout: Layout, one: Direction, first: float, last: float) -> Problem:
    event, parent = layout.events[one.v], layout.events[layout.parents[one.v][one.place]]
    how = ("lowers", "raises")[one.sign < 0]
    what = f"event {shown(event.id)}: parent {shown(parent.id)} {one.said}, and {how} it in the forecast"
    of = f"P({event.states[1]})" if len(event.states) == 2 else "mean state, 0 the first and 1 the last,"
    shares = (share(value, DECIMALS) for value in (first, last))
    ends = ", ".join(f"{p} with {shown(parent.states[x])}" for p, x in zip(shares, (0, -1), strict=True))
    key = "raises" if one.sign > 0 else "lowers"
    allowed = f"`{key}` under cpt 'shared' or 'logistic' holds the direction; or state these rows"
    return Problem(one.source, what, f"{of} {ends}", allowed, "warning")
