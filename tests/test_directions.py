"""Each shipped item, alone, moves each event it bears on the way it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.posterior.posterior import evaluate, query
from forecast.sampling.spec import rows_prior, theta_draws
from forecast.workspace.read import load
from forecast.workspace.records import Claim, Item, Likelihood, Settled, Support, Workspace

Array = NDArray[np.float64]
WORKSPACE = load(Path(__file__).parents[1], date(2026, 11, 23))
LAYOUT = lay_out(WORKSPACE.network)
ITEMS = {item.id: item for item in WORKSPACE.items}
SEED, FEW_DRAWS, MANY_DRAWS, ERRORS = 7, 500, 8000, 4.0


@cache
def _theta(n_draws: int) -> Array:
    """Rows drawn from their prior: no statement has a say in which way an item points."""
    prior = rows_prior(LAYOUT)
    return theta_draws(prior, np.random.default_rng(SEED).normal(size=(prior.n_coordinates, n_draws)))


class Forecast(NamedTuple):
    """Each event's states in every draw, and the weights of the draws."""

    events: tuple[Array, ...]
    weights: Array


@lru_cache(maxsize=8)
def _forecast(name: str, parts: tuple[int, ...], n_draws: int) -> Forecast:
    """Posterior of every event on the day of an item, given some of the item's parts alone."""
    item = ITEMS[name]
    items = (replace(item, bears_on=tuple(item.bears_on[i] for i in parts), supersedes=None),) if parts else ()
    workspace: Workspace = replace(WORKSPACE, items=items, watched_until=None)
    asked = query(compile_workspace(LAYOUT, workspace, item.reported), workspace.scenarios)
    found = evaluate(asked, _theta(n_draws))
    weights = np.exp(found.log_evidence - found.log_evidence.max())
    return Forecast(found.events, weights / weights.sum())


def _says(bearing: Likelihood | Support | Claim) -> Array:
    """How much the bearing favours each state of its event, on any scale."""
    event = LAYOUT.events[LAYOUT.index[bearing.event]]
    match bearing:
        case Likelihood():
            return np.array([bearing.ratios[state] for state in event.states])
        case Support():
            return np.array([float(state in bearing.states) for state in event.states])
        case Claim():
            claimed = event.states.index(bearing.state)
            states = np.arange(len(event.states))
            return (states >= claimed if event.kind == "reached" else states == claimed).astype(float)


def _errors_up(event: int, says: Array, before: Forecast, after: Forecast) -> float:
    """Return by how many Monte Carlo errors an event is moved the way `says` has it."""
    # The same draws stand on both sides, so that the error is that of the difference.
    values = [says @ one.events[event] for one in (before, after)]
    means = [float(x @ one.weights) for x, one in zip(values, (before, after), strict=True)]
    deviations = after.weights * (values[1] - means[1]) - before.weights * (values[0] - means[0])
    return (means[1] - means[0]) / float(np.sqrt(np.square(deviations).sum()))


def _is_moved(item: Item, number: int) -> bool:
    """Say whether an item moves an event the way its part of that number says, beyond the Monte Carlo error.

    It is held against the same item without its unsettled parts: what it settles has effects of its own. Parts may
    oppose each other (one makes unlikely what another makes likely): where all of them together move the event by no
    more than the error of many draws, the part alone must move it. Most move it far beyond the error of few draws.
    """
    bearing = item.bears_on[number]
    assert isinstance(bearing, Likelihood | Support | Claim)
    settled = tuple(i for i, one in enumerate(item.bears_on) if isinstance(one, Settled))
    whole, alone = tuple(range(len(item.bears_on))), tuple(sorted((*settled, number)))
    event, says = LAYOUT.index[bearing.event], _says(bearing)
    for parts, n_draws in ((whole, FEW_DRAWS), (whole, 4 * FEW_DRAWS), (whole, MANY_DRAWS), (alone, MANY_DRAWS)):
        before, after = (_forecast(item.id, one, n_draws) for one in (settled, parts))
        moved = _errors_up(event, says, before, after)
        if abs(moved) > ERRORS:
            return moved > 0.0
    return False


@pytest.mark.parametrize("item", WORKSPACE.items, ids=lambda item: item.id)
def test_an_item_alone_moves_its_events_the_way_it_says(item: Item) -> None:
    """What an item favours becomes likelier through it; what it settles holds."""
    failed = []
    for number, bearing in enumerate(item.bears_on):
        if isinstance(bearing, Settled):
            v, reached = LAYOUT.index[bearing.event], LAYOUT.state(bearing.event, bearing.state)
            after = _forecast(item.id, tuple(range(len(item.bears_on))), FEW_DRAWS)
            is_out = after.weights @ after.events[v][:reached].sum(axis=0) == 0.0
            holds = is_out or LAYOUT.events[v].kind == "status"
        else:
            holds = not isinstance(bearing, Likelihood | Support | Claim) or _is_moved(item, number)
        if not holds:
            failed.append(bearing)
    assert [] == failed
