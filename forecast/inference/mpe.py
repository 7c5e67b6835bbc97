"""The most probable joint state, for all draws at once: the plan of an elimination with maxima in place of sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.inference.batch import Factor
from forecast.inference.elimination import Plan, Scope
from forecast.inference.scaled import Table, logs

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
    choices: list[Index] = []
    for step in network.steps:
        axes = (*step.scope, step.variable)
        table = _log_product(network, slots, step.inputs, axes)
        choices.append(table.argmax(axis=-2))
        slots.append(table.max(axis=-2))
    root = np.broadcast_to(
        _log_product(network, slots, network.root, network.keep), (*_shape(network, network.keep), n_draws)
    ).reshape(-1, n_draws)
    masks = np.ones((1, root.shape[0])) if regions is None else regions.reshape(regions.shape[0], -1)
    masked = np.where(masks[:, :, np.newaxis] > 0.0, root, -np.inf)
    best = masked.argmax(axis=1)
    log_mass = np.take_along_axis(masked, best[:, np.newaxis], axis=1)[:, 0]
    states = np.zeros((len(network.cards), *best.shape), dtype=np.intp)
    if network.keep:
        states[list(network.keep)] = np.unravel_index(best, _shape(network, network.keep))
    for step, choice in zip(reversed(network.steps), reversed(choices), strict=True):
        # A message that no draw has of its own has a draw axis of length one.
        draw = np.minimum(np.arange(n_draws), choice.shape[-1] - 1)
        states[step.variable] = choice[(*states[list(step.scope)], draw)]
    return MostProbable(log_mass, states)


def _shape(network: Plan, scope: Scope) -> tuple[int, ...]:
    return tuple(network.cards[v] for v in scope)


def _log_product(network: Plan, slots: Sequence[Array], inputs: Sequence[int], axes: Scope) -> Array:
    """Add log tables up over the axes of `axes`, in that order, draws last."""
    total = np.zeros((*_shape(network, axes), 1))
    for slot in inputs:
        scope = network.scopes[slot]
        order = [scope.index(v) for v in axes if v in scope]
        shape = [network.cards[v] if v in scope else 1 for v in axes]
        total = total + slots[slot].transpose(*order, len(scope)).reshape(*shape, slots[slot].shape[-1])
    return total
