"""Joint states drawn exactly from a network, one for each draw of its factors: eliminate inward, draw outward."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forecast.inference.batch import Factor, messages
from forecast.inference.elimination import Plan
from forecast.inference.scaled import DRAWS, Table, contract, shares

Array = NDArray[np.float64]
Index = NDArray[np.intp]


def draw_states(network: Plan, factors: Sequence[Factor], rng: np.random.Generator) -> Index:
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
    n_draws = max((slot.numbers.shape[-1] for slot in slots), default=1)
    states = np.zeros((len(network.cards), n_draws), dtype=np.intp)
    for step in reversed(network.steps):
        # The states of the others are drawn by now: a table becomes a row over the variable for each draw.
        rows = [_row(slots[slot], step.variable, network.cards[step.variable], states) for slot in step.inputs]
        chances = shares(contract(rows, (step.variable,), network.cards))
        cumulative = np.cumsum(chances, axis=0)
        below = cumulative[:-1] <= rng.uniform(size=n_draws) * cumulative[-1]
        states[step.variable] = below.sum(axis=0)
    return states


def _row(table: Table, variable: int, card: int, states: Index) -> Table:
    """Return a table at the drawn states of all its variables but one."""
    own = np.arange(card)[:, np.newaxis]
    draw = np.arange(states.shape[1]) if table.numbers.shape[-1] > 1 else np.zeros(states.shape[1], dtype=np.intp)
    at = (*(own if v == variable else states[v] for v in table.axes[:-1]), draw)
    exponents = None if table.exponents is None else table.exponents[at]
    return table._replace(numbers=table.numbers[at], axes=(variable, DRAWS), exponents=exponents)
