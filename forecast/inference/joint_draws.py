"""Joint states drawn exactly from a network, one for each draw of its factors: eliminate inward, draw outward."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forecast.inference.batch import messages
from forecast.inference.elimination import Plan

Array = NDArray[np.float64]
Index = NDArray[np.intp]


def draw_states(network: Plan, factors: Sequence[Array], rng: np.random.Generator) -> Index:
    """Draw the state of every variable (variables, draws) from the normalised product of the factors of each draw.

    Args:
        network: the elimination plan for the factors' scopes, without `keep`.
        factors: non-negative arrays, axes as in `network.scopes[i]`, then draws (or 1: the same for all draws).
        rng: gives one uniform number for each variable and draw.

    Raises ImpossibleEvidenceError if a draw has no mass, and ValueError for a plan that keeps variables.

    Source: Dawid (1992), "Applications of a general propagation algorithm for probabilistic expert systems".
    """
    if network.keep:
        msg = "a plan without variables that are kept is needed"
        raise ValueError(msg)
    slots = messages(network, factors)
    n_draws = max((slot.shape[-1] for slot in slots), default=1)
    states = np.zeros((len(network.cards), n_draws), dtype=np.intp)
    every = np.arange(n_draws)
    for step in reversed(network.steps):
        card = network.cards[step.variable]
        chances = np.ones((card, n_draws))
        for slot in step.inputs:
            # The states of the others are drawn by now: a table becomes a row over the variable for each draw.
            draw = every if slots[slot].shape[-1] > 1 else np.zeros(n_draws, dtype=np.intp)
            scope = network.scopes[slot]
            own = np.arange(card)[:, np.newaxis]
            chances *= slots[slot][(*(own if v == step.variable else states[v] for v in scope), draw)]
        cumulative = np.cumsum(chances, axis=0)
        below = cumulative[:-1] <= rng.uniform(size=n_draws) * cumulative[-1]
        states[step.variable] = below.sum(axis=0)
    return states
