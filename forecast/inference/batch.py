"""Exact inference for all draws at once. Axes: factor variables first, then regions, draws last and contiguous."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elimination import Plan, Scope, Step

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


_Table = tuple[Array, Scope]


class _Inward(NamedTuple):
    """All slots; the maximum taken out of each step's message; the product of each step's given factors, if any."""

    slots: list[Array]
    peaks: list[Array]
    given: list[_Table | None]
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
    marginals = _outward(network, inward, masks if by_region else everything, {})
    return Solution(log_evidence, _log_regions(mass, inward), marginals)


def joints(network: Plan, factors: Sequence[Array], wanted: Sequence[int]) -> tuple[Array, list[Array]]:
    """Compute the log evidence (draws), and P(states of its scope | evidence) for some of the factors.

    One pass inward and one outward, whatever their number. `wanted` are places in `factors`; the joints are (states...,
    draws), axes as in the factor's scope. Raises as `solve`.

    Source: Darwiche (2003), "A differential approach to inference in Bayesian networks".
    """
    everything = np.ones((1, *(network.cards[v] for v in network.keep)))
    inward = _inward(network, factors)
    total = _log_mass(inward.root.reshape(-1, inward.root.shape[-1]).sum(axis=0), inward.log_scale)
    found: dict[int, Array] = dict.fromkeys(wanted, np.empty(0))
    _outward(network, inward, everything, found)
    return total, [_joint(found[slot]) for slot in wanted]


def _joint(unscaled: Array) -> Array:
    table = unscaled[..., 0, :]
    return np.asarray(table / table.sum(axis=tuple(range(table.ndim - 1))))


def messages(network: Plan, factors: Sequence[Array]) -> list[Array]:
    """Return all slots of an elimination, the given factors and then each step's message, its maximum taken out.

    Raises as `solve`.
    """
    inward = _inward(network, factors)
    _log_mass(inward.root.reshape(-1, inward.root.shape[-1]).sum(axis=0), inward.log_scale)
    return inward.slots


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
    given: list[_Table | None] = []
    log_scale = np.zeros(n_draws)
    for step in network.steps:
        given.append(_given(network, slots, step))
        messages = [(slots[slot], network.scopes[slot]) for slot in step.inputs if slot >= network.n_factors]
        message = _contract(network, messages if given[-1] is None else [given[-1], *messages], step.scope)
        # The maximum is taken out of each message, so that long products neither overflow nor vanish.
        peak = message.max(axis=tuple(range(message.ndim - 1)))
        if not peak.all():
            raise ImpossibleEvidenceError(np.flatnonzero(peak == 0.0))
        message /= peak
        log_scale = log_scale + np.log(peak)
        slots.append(message)
        peaks.append(peak)
    root = _contract(network, [(slots[slot], network.scopes[slot]) for slot in network.root], network.keep)
    if root.shape[-1] != n_draws:
        root = np.broadcast_to(root, (*root.shape[:-1], n_draws))
    return _Inward(slots, peaks, given, root, log_scale)


def _given(network: Plan, slots: Sequence[Array], step: Step) -> _Table | None:
    """Multiply the given factors of a step, once for both passes."""
    factors = [(slots[slot], network.scopes[slot]) for slot in step.inputs if slot < network.n_factors]
    if len(factors) <= 1:
        return factors[0] if factors else None
    scope = tuple(sorted({v for _, own in factors for v in own}))
    return _contract(network, factors, scope), scope


def _outward(network: Plan, inward: _Inward, masks: Array, joints: dict[int, Array]) -> tuple[Array, ...]:
    """Compute every marginal; and fill in, for the factors that `joints` names, the joint of each one's scope."""
    n_regions, n_draws = masks.shape[0], inward.root.shape[-1]
    slots = inward.slots
    adjoints: dict[int, Array] = {}
    marginals: list[Array] = [np.empty(0)] * len(network.cards)

    def send(messages: Sequence[int], others: list[_Table], above: Array, above_scope: Scope) -> None:
        # Only messages pass the derivative on; given factors end it.
        for slot in messages:
            rest = [*others, *((slots[other], network.scopes[other]) for other in messages if other != slot)]
            adjoints[slot] = _contract(network, rest, network.scopes[slot], above, above_scope)

    seed = np.moveaxis(masks, 0, -1)[..., np.newaxis]
    of_root = [slot for slot in network.root if slot >= network.n_factors]
    send(of_root, [(slots[s], network.scopes[s]) for s in network.root if s < network.n_factors], seed, network.keep)
    for variable in network.keep:
        marginals[variable] = _contract(network, [(inward.root, network.keep)], (variable,), seed, network.keep)
    for slot in (slot for slot in network.root if slot in joints):
        joints[slot] = _contract(network, [(inward.root, network.keep)], network.scopes[slot], seed, network.keep)
    for step, peak, given in zip(
        *(reversed(part) for part in (network.steps, inward.peaks, inward.given)), strict=True
    ):
        # The derivative by the message before its maximum was taken out; without this, long products vanish.
        above = adjoints.pop(step.output) / peak
        others = [] if given is None else [given]
        messages = [slot for slot in step.inputs if slot >= network.n_factors]
        for slot in (slot for slot in step.inputs if slot in joints):
            below = [*others, *((slots[message], network.scopes[message]) for message in messages)]
            joints[slot] = _contract(network, below, network.scopes[slot], above, step.scope)
        send(messages, others, above, step.scope)
        if messages:
            # A message that comes in, times the derivative by it, is the joint of its scope: the smallest one will do.
            slot = min(messages, key=lambda slot: slots[slot].size)
            below = [(slots[slot], network.scopes[slot])]
            joint = _contract(network, below, (step.variable,), adjoints[slot], network.scopes[slot])
        else:
            joint = _contract(network, others, (step.variable,), above, step.scope)
        marginals[step.variable] = joint
    return tuple(_normalised(marginal, n_regions, n_draws) for marginal in marginals)


def _normalised(marginal: Array, n_regions: int, n_draws: int) -> Array:
    full = np.broadcast_to(marginal, (marginal.shape[0], n_regions, n_draws))
    return full / full.sum(axis=(0, 1))


def _contract(
    network: Plan,
    factors: Sequence[_Table],
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
