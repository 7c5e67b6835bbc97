"""Exact inference for all draws at once. Axes: factor variables first, then regions, draws last and contiguous."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elimination import Plan, Scope

Array = NDArray[np.float64]

REGIONS, DRAWS = 1 << 30, (1 << 30) + 1  # axis names beside the variables' indices, in the order of the axes


class ImpossibleEvidenceError(ValueError):
    """Some draw gives the evidence probability zero; `draws` are their indices."""

    def __init__(self, draws: NDArray[np.intp]) -> None:
        self.draws = draws
        super().__init__(f"the evidence has probability zero in {draws.size} draw(s)")


class Solution(NamedTuple):
    """What one pass inward and one outward give.

    `log_evidence` (draws): natural log of the total mass.
    `log_regions` (regions, draws): natural log of the mass of each region of the root's joint states.
    `marginals[v]` (states of v, regions, draws): P(x_v, region | evidence), which sums to one over states and regions;
    without `by_region` the region axis has length one and holds P(x_v | evidence).
    """

    log_evidence: Array
    log_regions: Array
    marginals: tuple[Array, ...]


class _Inward(NamedTuple):
    slots: list[Array]
    peaks: list[Array]
    root: Array
    log_scale: Array


def solve(network: Plan, factors: Sequence[Array], regions: Array | None = None, *, by_region: bool = True) -> Solution:
    """Compute the evidence, the regions and every marginal of each draw.

    Args:
        network: the elimination plan for the factors' scopes.
        factors: non-negative arrays, axes as in `network.scopes[i]`, then draws (or 1: the same for all draws).
        regions: (regions, *states of `network.keep`), a partition of the root's joint states into 0/1 masks; None:
            one region that holds everything.
        by_region: whether the marginals are told apart by region (the outward pass then costs that many times more).

    Raises:
        ImpossibleEvidenceError: some draw has no mass at all.

    Source: Koller and Friedman (2009), chapters 9 and 10 (sum-product on a clique tree); Darwiche (2003), "A
    differential approach to inference in Bayesian networks", for the outward pass as a derivative.
    """
    everything = np.ones((1, *(network.cards[v] for v in network.keep)))
    masks = everything if regions is None else regions
    inward = _inward(network, factors)
    mass = _region_mass(network, inward, masks)
    log_evidence = _log_mass(mass.sum(axis=0), inward.log_scale)
    marginals = _outward(network, inward, masks if by_region else everything)
    return Solution(log_evidence, _log_regions(mass, inward), marginals)


def log_regions(network: Plan, factors: Sequence[Array], regions: Array) -> Array:
    """Compute the natural log of each region's mass (regions, draws): the inward pass alone. Raises as `solve`."""
    inward = _inward(network, factors)
    mass = _region_mass(network, inward, regions)
    _log_mass(mass.sum(axis=0), inward.log_scale)
    return _log_regions(mass, inward)


def _region_mass(network: Plan, inward: _Inward, masks: Array) -> Array:
    kept = list(network.keep)
    return _einsum([(masks, [REGIONS, *kept]), (inward.root, [*kept, DRAWS])], [REGIONS, DRAWS])


def _log_regions(mass: Array, inward: _Inward) -> Array:
    with np.errstate(divide="ignore"):  # a region without mass has log probability minus infinity
        return np.asarray(np.log(mass) + inward.log_scale)


def log_evidence(network: Plan, factors: Sequence[Array]) -> Array:
    """Compute the natural log of the total mass of each draw (the inward pass alone). Raises as `solve`."""
    inward = _inward(network, factors)
    return _log_mass(inward.root.reshape(-1, inward.root.shape[-1]).sum(axis=0), inward.log_scale)


def _log_mass(total: Array, log_scale: Array) -> Array:
    empty = np.flatnonzero(total == 0.0)
    if empty.size:
        raise ImpossibleEvidenceError(empty)
    return np.log(total) + log_scale


def _inward(network: Plan, factors: Sequence[Array]) -> _Inward:
    n_draws = max((factor.shape[-1] for factor in factors), default=1)
    slots = list(factors)
    peaks: list[Array] = []
    log_scale = np.zeros(n_draws)
    for step in network.steps:
        message = _contract(network, [(slots[slot], network.scopes[slot]) for slot in step.inputs], step.scope)
        # The maximum is taken out of each message, so that long products neither overflow nor vanish.
        peak = message.reshape(-1, message.shape[-1]).max(axis=0)
        if not peak.all():
            raise ImpossibleEvidenceError(np.flatnonzero(peak == 0.0))
        message /= peak
        log_scale = log_scale + np.log(peak)
        slots.append(message)
        peaks.append(peak)
    root = _contract(network, [(slots[slot], network.scopes[slot]) for slot in network.root], network.keep)
    if root.shape[-1] != n_draws:
        root = np.broadcast_to(root, (*root.shape[:-1], n_draws))
    return _Inward(slots, peaks, root, log_scale)


def _outward(network: Plan, inward: _Inward, masks: Array) -> tuple[Array, ...]:
    n_regions, n_draws = masks.shape[0], inward.root.shape[-1]
    slots = inward.slots
    adjoints: dict[int, Array] = {}
    marginals: list[Array] = [np.empty(0)] * len(network.cards)

    def send(inputs: Sequence[int], above: Array, above_scope: Scope) -> None:
        for slot in inputs:
            if slot >= network.n_factors:  # only messages pass the derivative on; given factors end it
                others = [(slots[other], network.scopes[other]) for other in inputs if other != slot]
                adjoints[slot] = _contract(network, others, network.scopes[slot], above, above_scope)

    seed = np.moveaxis(masks, 0, -1)[..., np.newaxis]
    send(network.root, seed, network.keep)
    for variable in network.keep:
        marginals[variable] = _contract(network, [(inward.root, network.keep)], (variable,), seed, network.keep)
    for step, peak in zip(reversed(network.steps), reversed(inward.peaks), strict=True):
        # The derivative by the message before its maximum was taken out; without this, long products vanish.
        above = adjoints.pop(step.output) / peak
        inputs = [(slots[slot], network.scopes[slot]) for slot in step.inputs]
        marginals[step.variable] = _contract(network, inputs, (step.variable,), above, step.scope)
        send(step.inputs, above, step.scope)
    return tuple(_normalised(marginal, n_regions, n_draws) for marginal in marginals)


def _normalised(marginal: Array, n_regions: int, n_draws: int) -> Array:
    full = np.broadcast_to(marginal, (marginal.shape[0], n_regions, n_draws))
    return full / full.sum(axis=(0, 1))


def _contract(
    network: Plan,
    factors: Sequence[tuple[Array, Scope]],
    scope: Scope,
    above: Array | None = None,
    above_scope: Scope = (),
) -> Array:
    """Multiply factors (and the derivative `above`, which has a region axis) and sum to `scope`."""
    regional = [] if above is None else [REGIONS]
    operands = [(table, [*factor_scope, DRAWS]) for table, factor_scope in factors]
    if above is not None:
        operands.append((above, [*above_scope, REGIONS, DRAWS]))
    seen = {axis for _, axes in operands for axis in axes}
    operands += [(np.ones((network.cards[v], 1)), [v, DRAWS]) for v in scope if v not in seen]
    if not operands:
        return np.ones((*(network.cards[v] for v in scope), 1))
    operands.sort(key=lambda operand: operand[0].size)
    while len(operands) > 2:
        # Two at a time, smallest first: einsum has fast loops for two operands only.
        (a, a_axes), (b, b_axes) = operands[:2]
        axes = sorted({*a_axes, *b_axes})
        product = _einsum([(a, a_axes), (b, b_axes)], axes)
        operands = sorted([(product, axes), *operands[2:]], key=lambda operand: operand[0].size)
    return _einsum(operands, [*scope, *regional, DRAWS])


def _einsum(operands: Sequence[tuple[Array, list[int]]], axes: list[int]) -> Array:
    label = {axis: i for i, axis in enumerate(sorted({axis for _, used in operands for axis in used}))}
    sublists = [part for table, used in operands for part in (table, [label[axis] for axis in used])]
    return np.einsum(*sublists, [label[axis] for axis in axes])  # type: ignore[no-any-return]  # the sublist form of einsum has no precise type
