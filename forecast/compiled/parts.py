"""What each part of an item says: P(report | x) over the states of its events if it is informative, worn by time."""

from __future__ import annotations

from datetime import date, timedelta
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.layout import Layout
from forecast.compiled.paths import Known
from forecast.compiled.scenarios import OTHER, rule_events, scenario_of_each
from forecast.workspace.evidence_forms.support import DECIBANS
from forecast.workspace.records import Bearing, Claim, Item, Likelihood, OnScenarios, Settled, Support

Array = NDArray[np.float64]
Scope = tuple[int, ...]

WEARS_OFF_AFTER = timedelta(days=180)


def content(bearing: Bearing) -> tuple[Any, ...]:
    """Return what a part says, without its place in a file."""
    match bearing:
        case Settled(event=event, state=state):
            return Settled, event, state
        case Claim(event=event, state=state):
            return Claim, event, state
        case Likelihood(event=event, ratios=ratios, until=until):
            return Likelihood, event, until, *ratios.items()
        case Support(event=event, strength=strength, states=states, until=until):
            return Support, event, strength, states, until
        case OnScenarios(ratios=ratios, rules=rules, until=until):
            return OnScenarios, rules, until, *ratios.items()


def on_event(
    layout: Layout, known: Known, item: Item, bearing: Claim | Likelihood | Support, on: date
) -> tuple[Array, float]:
    """Return lambda'(x) = lambda(now) + share (lambda(x) - lambda(now)) and the mean of the unworn lambda."""
    v = layout.index[bearing.event]
    event, path = layout.events[v], known.paths.get(v)
    full = _likelihood(layout, bearing)
    mean = float(full.mean())
    if path is None:
        return full, mean  # what is said of a constant never wears
    today = min(path.until, on)
    if isinstance(bearing, Claim):
        if event.kind == "reached":
            return full, mean
        share = exp(-max(0, (on - item.reported).days) / float(event.persistence_days or 1.0))
    else:
        share = _share(item, bearing.until, today, on)
    now = full[path.on(today)]
    return now + share * (full - now), mean


def on_scenarios(
    layout: Layout, known: Known, item: Item, bearing: OnScenarios, on: date
) -> tuple[Scope, Array, float]:
    """Return the events of the rules, lambda'(x) over their joint states, and the mean over the scenarios' numbers.

    lambda(x) is the number of the scenario that x is, the largest number 1. It wears off towards the value that it has
    if all dated events stay as they are known to be, whatever the constants are: lambda'(x) = lambda(x now) + share
    (lambda(x) - lambda(x now)). The time ahead begins where the first of the dated events is no longer known.
    """
    scope = rule_events(layout, bearing.rules)
    ratios = np.array([bearing.ratios[name] for name in (*(rule.id for rule in bearing.rules), OTHER)])
    ratios = ratios / ratios.max()
    full, mean = ratios[scenario_of_each(layout, bearing.rules)], float(ratios.mean())
    dated = {v: known.paths[v] for v in scope if v in known.paths}
    if not dated:
        return scope, full, mean
    share = _share(item, bearing.until, min(on, *(path.until for path in dated.values())), on)
    if share == 1.0:
        return scope, full, mean  # exactly: a scenario's joint states stay level, whatever they wear off towards
    states = {v: path.on(min(path.until, on)) for v, path in dated.items()}
    now = full[tuple(slice(states[v], states[v] + 1) if v in states else slice(None) for v in scope)]
    return scope, now + share * (full - now), mean


def _share(item: Item, until: date | None, today: date, on: date) -> float:
    """Return how much of what was said on what is to come still stands: of the days ahead, those until it is worn."""
    left = max(0, ((until or item.reported + WEARS_OFF_AFTER) - today).days)
    ahead = (on - today).days
    return min(1.0, left / ahead) if ahead > 0 else float(left > 0)


def _likelihood(layout: Layout, bearing: Claim | Likelihood | Support) -> Array:
    """Return lambda(x), the probability of an informative report under each state, its maximum 1."""
    event = layout.events[layout.index[bearing.event]]
    match bearing:
        case Likelihood():
            ratios = np.array([bearing.ratios[state] for state in event.states])
            return np.asarray(ratios / ratios.max())
        case Support():
            favoured = np.array([state in bearing.states for state in event.states])
            return np.where(favoured, 1.0, 10.0 ** (-DECIBANS[bearing.strength] / 10.0))
        case Claim():
            claimed = event.states.index(bearing.state)
            states = np.arange(len(event.states))
            return (states >= claimed if event.kind == "reached" else states == claimed).astype(float)
