"""Each shipped item, alone, moves each event it bears on the way it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.model.asof import compile_workspace
from forecast.model.layout import Layout, lay_out
from forecast.posterior.posterior import evaluate, query
from forecast.sampling.spec import rows_prior, theta_draws
from forecast.workspace.read import load
from forecast.workspace.records import Claim, Item, Likelihood, Settled, Support, Workspace

Array = NDArray[np.float64]
WORKSPACE = load(Path(__file__).parents[1], date(2026, 11, 23))
LAYOUT = lay_out(WORKSPACE.network)
# Rows drawn from their prior: no statement has a say in which way an item points.
THETA = theta_draws(rows_prior(LAYOUT), np.random.default_rng(7).normal(size=(rows_prior(LAYOUT).n_coordinates, 8000)))


def _forecast(items: tuple[Item, ...], as_of: date, layout: Layout = LAYOUT) -> list[Array]:
    """Mean posterior of every event given some items, as of a date."""
    workspace: Workspace = replace(WORKSPACE, items=items, watched_until=None)
    asked = query(compile_workspace(layout, workspace, as_of), workspace.scenarios)
    found = evaluate(asked, THETA)
    weights = np.exp(found.log_evidence - found.log_evidence.max())
    return [event @ (weights / weights.sum()) for event in found.events]


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


@pytest.mark.parametrize("item", WORKSPACE.items, ids=lambda item: item.id)
def test_an_item_alone_moves_its_events_the_way_it_says(item: Item) -> None:
    """What an item favours becomes likelier through it; what it settles holds."""
    alone = replace(item, supersedes=None)
    settled = tuple(bearing for bearing in item.bears_on if isinstance(bearing, Settled))
    # Against the same item without its unsettled parts: what it settles has its own effects.
    before = _forecast((replace(alone, bears_on=settled),) if settled else (), item.reported)
    after = _forecast((alone,), item.reported)
    moves = []
    on_events = [bearing for bearing in item.bears_on if isinstance(bearing, Settled | Likelihood | Support | Claim)]
    for bearing in on_events:
        v = LAYOUT.index[bearing.event]
        if isinstance(bearing, Settled):
            reached = LAYOUT.state(bearing.event, bearing.state)
            moves.append(after[v][:reached].sum() == 0.0 or LAYOUT.events[v].kind == "status")
        else:
            moves.append(float((after[v] - before[v]) @ _says(bearing)) > 0.0)
    assert moves == [True] * len(on_events)
