"""Scenario rules as a partition of the joint states of the events that the rules mention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.layout import Layout
from forecast.workspace.names import OTHER as OTHER
from forecast.workspace.records import Scenario


def rule_events(layout: Layout, scenarios: Sequence[Scenario]) -> tuple[int, ...]:
    """Return the events that the rules mention, in layout order."""
    return tuple(sorted({layout.index[condition.event] for rule in scenarios for condition in rule.when}))


def scenario_of_each(layout: Layout, scenarios: Sequence[Scenario]) -> NDArray[np.intp]:
    """Return which scenario each joint state is (*cards of the rule events); the first rule that holds wins.

    The last number, that of the scenarios, is `other`.
    """
    events = rule_events(layout, scenarios)
    which = np.full([layout.cards[v] for v in events], len(scenarios), dtype=np.intp)
    for number, rule in reversed(list(enumerate(scenarios))):
        holds = np.ones((1,) * len(events), dtype=bool)
        for condition in rule.when:
            v = layout.index[condition.event]
            named = np.array([state in condition.states for state in layout.events[v].states])
            holds = holds & named.reshape([-1 if other == v else 1 for other in events])
        which[np.broadcast_to(holds, which.shape)] = number
    return which


def scenario_masks(layout: Layout, scenarios: Sequence[Scenario]) -> NDArray[np.float64]:
    """Compute 0/1 masks (scenarios + `other`, *cards of the rule events); the first rule that holds wins."""
    which = scenario_of_each(layout, scenarios)
    numbers = np.arange(len(scenarios) + 1).reshape([-1] + [1] * which.ndim)
    return np.asarray(which == numbers, dtype=np.float64)
