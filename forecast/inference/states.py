"""Joint states of a network, for all draws at once: the most probable one, and one drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.inference.batch import Factor, messages
from forecast.inference.elimination import EliminationStep, Plan, Scope, eliminate
from forecast.inference.scaled import DRAWS, Table, contract, logs, shares

Array = NDArray[np.float64]
Index = NDArray[np.intp]


class MostProbable(NamedTuple):
    """The best joint state within each region of the root, and its mass.

    `log_mass` (regions, draws): natural log of the product of all factors there, minus infinity in a region that has
    no mass. `states` (variables, regions, draws): the state of each variable; meaningless where there is no mass.
    """

    log_mass: Array
    states: Index


def most_probable(network: Plan, factors: Sequence[Factor], regions: Array | None = None) -> MostProbable:
    """Find the joint state of the largest mass in each draw and region. Of equal ones it takes always the same.

    Args:
        network: the elimination plan for the factors' scopes.
        factors: non-negative arrays, axes as in `network.scopes[i]`, then draws (or 1: the same for all draws).
        regions: (regions, *states of `network.keep`), 0/1 masks of the root's joint states; None: one that holds
            everything.

    Source: Koller and Friedman (2009), section 13.2 (max-product variable elimination with traceback).
    """
    with np.errstate(divide="ignore"):  # what is impossible has log mass minus infinity
        slots = [logs(factor) if isinstance(factor, Table) else np.log(factor) for factor in factors]
    n_draws = max((factor.shape[-1] for factor in slots), default=1)
    maxima = _Maxima(network)
    tables = [_Logs(scope, slot) for scope, slot in zip(network.scopes, slots, strict=False)]
    reduced = eliminate(network, tables, maxima)
    product = maxima.product([reduced[slot] for slot in network.root], network.keep)
    root = np.broadcast_to(product, (*(network.cards[v] for v in network.keep), n_draws)).reshape(-1, n_draws)
    masks = np.ones((1, root.shape[0])) if regions is None else regions.reshape(regions.shape[0], -1)
    masked = np.where(masks[:, :, np.newaxis] > 0.0, root, -np.inf)
    best = masked.argmax(axis=1)
    log_mass = np.take_along_axis(masked, best[:, np.newaxis], axis=1)[:, 0]
    states = np.zeros((len(network.cards), *best.shape), dtype=np.intp)
    if network.keep:
        states[list(network.keep)] = np.unravel_index(best, tuple(network.cards[v] for v in network.keep))
    for step, choice in zip(reversed(network.steps), reversed(maxima.choices), strict=True):
        # A message that no draw has of its own has a draw axis of length one.
        draw = np.minimum(np.arange(n_draws), choice.shape[-1] - 1)
        states[step.variable] = choice[(*states[list(step.scope)], draw)]
    return MostProbable(log_mass, states)


class _Logs(NamedTuple):
    """Logarithms of a table, an axis for each variable of its scope, draws last."""

    scope: Scope
    numbers: Array


class _Maxima:
    """Sums of logarithms and their maxima; keeps the best state of each variable for the way back."""

    def __init__(self, network: Plan) -> None:
        self._cards = network.cards
        self.choices: list[Index] = []

    def message(self, given: Sequence[_Logs], received: Sequence[_Logs], step: EliminationStep) -> _Logs:
        table = self.product([*given, *received], (*step.scope, step.variable))
        self.choices.append(table.argmax(axis=-2))
        return _Logs(step.scope, table.max(axis=-2))

    def product(self, tables: Sequence[_Logs], axes: Scope) -> Array:
        """Add log tables up over the axes of `axes`, in that order, draws last."""
        total = np.zeros((*(self._cards[v] for v in axes), 1))
        for scope, numbers in tables:
            order = [scope.index(v) for v in axes if v in scope]
            shape = [self._cards[v] if v in scope else 1 for v in axes]
            total = total + numbers.transpose(*order, len(scope)).reshape(*shape, numbers.shape[-1])
        return total


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
