"""Exact inference for all draws at once, on arrays. Axes: factor variables, then regions, draws last and contiguous.

The pass inward sums variables out one by one and keeps every message. The pass outward goes back the same way: what
lies outside of a step's message times what lies inside is the joint of its variables with the evidence, so that one
pass gives the marginals of all variables and the joints of all factors, and by region if the root's table is split.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from math import prod
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elimination import EliminationStep, ImpossibleEvidenceError, Plan, eliminate
from forecast.inference.scaled import REGIONS, Table, contract, eased, is_empty, logs, of_factor, shares

Array = NDArray[np.float64]
Factor = Array | Table  # a table where no array of doubles holds the numbers


class KeptMessages:
    """What was computed, under what it was made of; what has not been asked for the longest goes first."""

    def __init__(self, room: int) -> None:
        self._room, self._used = room, 0
        self._entries: OrderedDict[Hashable, tuple[int, object]] = OrderedDict()

    def once[T](self, key: Hashable, size: int, compute: Callable[[], T]) -> T:
        """Return what is kept under a key, or compute it and keep it: `size` bytes."""
        if key in self._entries:
            self._entries.move_to_end(key)
            return cast("T", self._entries[key][1])
        made = compute()
        self._entries[key] = size, made
        self._used += size
        while self._used > self._room and len(self._entries) > 1:
            self._used -= self._entries.popitem(last=False)[1][0]
        return made


class Solution(NamedTuple):
    """What one pass inward and one outward give.

    `log_evidence` (draws): natural log of the total mass.
    `log_regions` (regions, draws): natural log of the mass of each region of the root's joint states.
    `marginals[v]` (states of v, regions, draws): P(x_v, region | evidence), which sums to one over states and regions;
    without `by_region` the region axis has length one and holds P(x_v | evidence). Zero means impossible: a positive
    probability below every double is given as the smallest double.
    `families[k]` (states of the scope..., regions, draws): the same of the joint of the k-th scope that was asked for.
    """

    log_evidence: Array
    log_regions: Array
    marginals: tuple[Array, ...]
    families: tuple[Array, ...] = ()


class _Inward(NamedTuple):
    """All slots; the product of each step's given factors, if any; what is left when all steps are done."""

    slots: list[Table]
    given: list[Table | None]
    root: Table


def solve(
    network: Plan,
    factors: Sequence[Factor],
    regions: Array | None = None,
    *,
    by_region: bool = True,
    wanted: Sequence[int] = (),
    about: Collection[int] | None = None,
    kept: KeptMessages | None = None,
) -> Solution:
    """Compute the evidence, the regions and every marginal of each draw.

    Factors may differ by any number of orders of magnitude: no product is lost to underflow (`scaled`).

    Args:
        network: the elimination plan for the factors' scopes.
        factors: non-negative arrays, axes as in `network.scopes[i]`, then draws (or 1: the same for all draws); or
            such tables (`scaled.of_logs`).
        regions: (regions, *states of `network.keep`), a partition of the root's joint states into 0/1 masks; None:
            one region that holds everything.
        by_region: whether marginals and joints are told apart by region (the outward pass then costs that many times
            more).
        wanted: places in `factors`; the joint of the scope of each is computed in the same passes.
        about: the variables whose marginals are asked for (None: all); those of the others have no region.
        kept: messages of other networks on the same draws; those that are made of the very same tables are taken.

    Raises:
        ImpossibleEvidenceError: some draw has no mass at all.
        ValueError: a factor holds a negative number, an infinity or NaN.

    Source: Koller and Friedman (2009), chapters 9 and 10 (sum-product on a clique tree); Darwiche (2003), "A
    differential approach to inference in Bayesian networks", for the outward pass as a derivative.
    """
    everything = _everything(network)
    masks = everything if regions is None else _masks(network, regions)
    inward = _inward(network, factors, kept)
    of_regions = contract([masks, inward.root], (REGIONS,), network.cards)
    total = _total(network, inward, of_regions)
    found = dict.fromkeys(wanted, inward.root)  # each is replaced by its joint
    asked = range(len(network.cards)) if about is None else about
    marginals = _outward(network, inward, masks if by_region else everything, found, asked)
    n_draws = total.size
    return Solution(
        total,
        logs(of_regions),
        tuple(
            _of_draws(shares(marginals[v]), n_draws) if v in marginals else np.empty((card, 0, n_draws))
            for v, card in enumerate(network.cards)
        ),
        tuple(_of_draws(shares(found[slot]), n_draws) for slot in wanted),
    )


def messages(network: Plan, factors: Sequence[Factor]) -> list[Table]:
    """Return all slots of an elimination, the given factors and then each step's message. Raises as `solve`."""
    inward = _inward(network, factors)
    _total(network, inward, inward.root)
    return inward.slots


def log_regions(network: Plan, factors: Sequence[Factor], regions: Array) -> Array:
    """Compute the natural log of each region's mass (regions, draws): the inward pass alone. Raises as `solve`."""
    inward = _inward(network, factors)
    of_regions = contract([_masks(network, regions), inward.root], (REGIONS,), network.cards)
    _total(network, inward, of_regions)
    return logs(of_regions)


def log_evidence(network: Plan, factors: Sequence[Factor]) -> Array:
    """Compute the natural log of the total mass of each draw (the inward pass alone). Raises as `solve`."""
    inward = _inward(network, factors)
    return _total(network, inward, inward.root)


def _everything(network: Plan) -> Table:
    return _masks(network, np.ones((1, *(network.cards[v] for v in network.keep))))


def _masks(network: Plan, regions: Array) -> Table:
    return of_factor(np.moveaxis(regions, 0, -1)[..., np.newaxis], (*network.keep, REGIONS))


def _total(network: Plan, inward: _Inward, mass: Table) -> Array:
    """Compute the natural log of the total of `mass`, which holds the root's."""
    total = contract([mass], (), network.cards)
    empty = np.flatnonzero(is_empty(total))
    if empty.size:
        raise _impossible(network, inward) or ImpossibleEvidenceError(empty, range(network.n_factors))
    return logs(total)


def _impossible(network: Plan, inward: _Inward) -> ImpossibleEvidenceError | None:
    """Find the first message that has no mass in some draw, and the factors that it is made of."""
    made_by = {step.output: step for step in network.steps}
    for step in network.steps:
        empty = np.flatnonzero(is_empty(inward.slots[step.output]))
        if empty.size:
            waiting, factors = [step.output], []
            while waiting:
                slot = waiting.pop()
                if slot in made_by:
                    waiting += made_by[slot].inputs
                else:
                    factors.append(slot)
            return ImpossibleEvidenceError(empty, sorted(factors))
    return None


def _inward(network: Plan, factors: Sequence[Factor], kept: KeptMessages | None = None) -> _Inward:
    slots = [
        factor if isinstance(factor, Table) else of_factor(factor, network.scopes[i])
        for i, factor in enumerate(factors)
    ]
    sums = _Sums(network, kept)
    slots = eliminate(network, slots, sums)
    root = contract([slots[slot] for slot in network.root], network.keep, network.cards)
    return _Inward(slots, sums.given, root)


class _Sums:
    """Products and sums of tables of numbers; keeps each step's product of given factors for the outward pass."""

    def __init__(self, network: Plan, kept: KeptMessages | None) -> None:
        self._cards, self._kept = network.cards, kept
        self.given: list[Table | None] = []

    def message(self, given: Sequence[Table], received: Sequence[Table], step: EliminationStep) -> Table:
        def compute() -> tuple[Table | None, Table, tuple[Table, ...]]:
            own = _joined(given, self._cards) if given else None
            made = eased(contract(received if own is None else [own, *received], step.scope, self._cards))
            return own, made, (*given, *received)

        if self._kept is None:
            own, made, _ = compute()
        else:
            # The inputs are kept with it, so that no other table takes their place in memory.
            key = (step.variable, step.scope, len(given), *map(id, (*given, *received)))
            size = 8 * prod(self._cards[v] for v in step.scope) * (1 + self._cards[step.variable])
            n_draws = max((one.numbers.shape[-1] for one in (*given, *received)), default=1)
            own, made, _ = self._kept.once(key, size * n_draws, compute)
        self.given.append(own)
        return made


def _variables(tables: Sequence[Table]) -> set[int]:
    return {axis for one in tables for axis in one.axes if axis < REGIONS}


def _outward(
    network: Plan, inward: _Inward, masks: Table, joints: dict[int, Table], about: Collection[int]
) -> dict[int, Table]:
    """Compute some marginals with their regions; and replace, in `joints`, each factor's entry by its scope's joint.

    All of it up to a number for each draw.
    """
    slots, cards = inward.slots, network.cards
    adjoints: dict[int, Table] = {}
    marginals: dict[int, Table] = {}
    needed = _needed(network, joints, about)

    def send(inputs: Sequence[int], given: Sequence[Table], above: Table) -> None:
        # Only messages pass the derivative on; given factors end it, and so do messages behind which nothing is asked.
        received = [slot for slot in inputs if slot in needed]
        ended = [slots[slot] for slot in inputs if slot >= network.n_factors and slot not in needed]
        others = _all_but_one([slots[slot] for slot in received], [*given, *ended], cards)
        for slot, rest in zip(received, others, strict=True):
            adjoints[slot] = eased(contract([*rest, above], (*network.scopes[slot], REGIONS), cards))

    send(network.root, [slots[slot] for slot in network.root if slot < network.n_factors], masks)
    for variable in (variable for variable in network.keep if variable in about):
        marginals[variable] = contract([inward.root, masks], (variable, REGIONS), cards)
    for slot in (slot for slot in network.root if slot in joints):
        joints[slot] = contract([inward.root, masks], (*network.scopes[slot], REGIONS), cards)
    for step, own in zip(reversed(network.steps), reversed(inward.given), strict=True):
        if step.output not in needed:
            continue
        above = adjoints.pop(step.output)
        given = [] if own is None else [own]
        received = [slot for slot in step.inputs if slot >= network.n_factors]
        for slot in (slot for slot in step.inputs if slot in joints):
            below = [*given, *(slots[message] for message in received), above]
            joints[slot] = contract(below, (*network.scopes[slot], REGIONS), cards)
        send(step.inputs, given, above)
        if step.variable not in about:
            continue
        if told := [slot for slot in received if slot in adjoints]:
            # A message that comes in, times the derivative by it, is the joint of its scope: the smallest one will do.
            slot = min(told, key=lambda slot: slots[slot].numbers.size)
            factors = [slots[slot], adjoints[slot]]
        else:
            factors = [*given, *(slots[slot] for slot in received), above]
        marginals[step.variable] = contract(factors, (step.variable, REGIONS), cards)
    return marginals


def _needed(network: Plan, joints: Collection[int], about: Collection[int]) -> set[int]:
    """Return the messages whose derivatives are asked for: those of steps at or behind which something is."""
    needed: set[int] = set()
    for step in network.steps:
        if step.variable in about or any(slot in needed or slot in joints for slot in step.inputs):
            needed.add(step.output)
    return needed


def _all_but_one(tables: Sequence[Table], context: Sequence[Table], cards: Sequence[int]) -> Iterator[Sequence[Table]]:
    """Yield for each table what multiplies to the product of all others and the context: halves are multiplied once."""
    if len(tables) == 1:
        yield context
    if len(tables) <= 1:
        return
    half = len(tables) // 2
    left, right = tables[:half], tables[half:]
    yield from _all_but_one(left, _with(context, right, cards), cards)
    yield from _all_but_one(right, _with(context, left, cards), cards)


def _with(context: Sequence[Table], tables: Sequence[Table], cards: Sequence[int]) -> Sequence[Table]:
    """Add the product of tables to a context; what has the same axes is multiplied there and then."""
    joined = _joined(tables, cards)
    alike = [one for one in context if one.axes == joined.axes]
    return [*(one for one in context if one.axes != joined.axes), _joined([*alike, joined], cards)]


def _joined(tables: Sequence[Table], cards: Sequence[int]) -> Table:
    return tables[0] if len(tables) == 1 else eased(contract(tables, tuple(sorted(_variables(tables))), cards))


def _of_draws(numbers: Array, n_draws: int) -> Array:
    return np.broadcast_to(numbers, (*numbers.shape[:-1], n_draws))
