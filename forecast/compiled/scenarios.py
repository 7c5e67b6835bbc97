"""Scenario rules as a partition of the joint states of the events that the rules mention."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.layout import Layout
from forecast.workspace.records import Scenario

OTHER = "other"


def rule_events(layout: Layout, scenarios: Sequence[Scenario]) -> tuple[int, ...]:
    """Return the events that the rules mention, in layout order."""
    return tuple(sorted({layout.index[condition.event] for rule in scenarios for condition in rule.when}))


def scenario_masks(layout: Layout, scenarios: Sequence[Scenario]) -> NDArray[np.float64]:
    """Compute 0/1 masks (scenarios + `other`, *cards of the rule events); the first rule that holds wins."""
    events = rule_events(layout, scenarios)
    masks = np.zeros((len(scenarios) + 1, *(layout.cards[v] for v in events)))
    for states in product(*(range(layout.cards[v]) for v in events)):
        named = {layout.events[v].id: layout.events[v].states[x] for v, x in zip(events, states, strict=True)}
        matches = (i for i, rule in enumerate(scenarios) if all(named[when.event] in when.states for when in rule.when))
        masks[(next(matches, len(scenarios)), *states)] = 1.0
    return masks
