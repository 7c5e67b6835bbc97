"""One case of a network: its evidence and every marginal, from one pass inward and one outward over a clique tree.

An elimination is a tree of cliques: what a step multiplies is a clique, what it sends on is a message over a
separator. A pass inward sends messages to the roots; a pass outward multiplies each clique by what is known outside
of it, which is the sum of the clique above over all but the separator, divided by the message that went up. Then each
clique holds the posterior of its variables.

`Potentials` does so with one array for each clique. `flat` does it with index lists, for networks so small that the
calls would take longer than the numbers; `compiled` with loops, for such large ones that loops are worth their import.

Source: Lauritzen and Spiegelhalter (1988), "Local computations with probabilities on graphical structures and their
application to expert systems"; Koller and Friedman (2009), sections 10.1 to 10.3; Darwiche (2003), "A differential
approach to inference in Bayesian networks".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from math import frexp, fsum, inf, log, log2, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elimination import Plan, Scope
from forecast.inference.scaled import LITTLE_ROOM, LOG_2, ROOM

Array = NDArray[np.float64]
Index = NDArray[np.intp]

NEVER_IN_DOUBT = 1e-290  # probabilities above this are right, whatever smaller ones a product has lost


class Case(NamedTuple):
    """The natural log of the total mass, and P(state | evidence) of every variable."""

    log_evidence: float
    marginals: tuple[Array, ...]


def enumerated(cards: Sequence[int], scopes: Sequence[Scope], factors: Sequence[Array]) -> Case | None:
    """Return the case of factors (states of their scopes) from the table of all joint states, without any plan.

    For networks of a few variables nothing is faster. Nothing where doubles may not hold a product, for factors that
    are not finite, and for a case without any mass.
    """
    given = np.concatenate([np.ones(1), *[factor.ravel() for factor in factors]])
    least, largest = given[given > 0.0].min(), given.max()
    if not (given.min() >= 0.0 and largest < inf) or len(factors) * (log2(largest) - log2(least)) > ROOM - len(cards):
        return None
    joint: Array | None = None
    for scope, factor in zip(scopes, factors, strict=True):
        shape = [1] * len(cards)
        for v in scope:
            shape[v] = cards[v]
        if len(scope) > 1:
            factor = factor.transpose(sorted(range(len(scope)), key=scope.__getitem__))
        aligned = factor.reshape(shape)
        joint = aligned if joint is None else joint * aligned
    if joint is None or joint.shape != tuple(cards):
        joint = np.broadcast_to(np.ones(1) if joint is None else joint, cards)  # there is a variable without any factor
    total = float(np.add.reduce(joint, axis=None))
    if not total:
        return None
    joint = joint.reshape(-1) / total
    if len(cards) == 1:
        return Case(log(total), (joint,))
    marginals, before = list[Array](), 1
    for card in cards:
        marginals.append(np.add.reduce(joint.reshape(before, card, -1), axis=(0, 2)))
        before *= card
    return Case(log(total), tuple(marginals))


class Clique(NamedTuple):
    """Multiplies `factors` and the messages of the cliques `children`, and sums `own` out.

    The message goes over `separator` to the one clique that has this one as its child; without any, the separator is
    empty. Children stand before it; `height` is that above the lowest clique below.
    """

    separator: Scope
    own: Scope
    factors: tuple[int, ...]
    children: tuple[int, ...]
    height: int


def clique_tree(network: Plan) -> tuple[Clique, ...]:
    """Return the cliques of a plan, by height, and of one height those with the most inputs first.

    A step whose product lies within that of another one is part of its clique.

    Raises ValueError for a plan that keeps variables.
    """
    if network.keep:
        msg = "a plan without variables that are kept is needed"
        raise ValueError(msg)
    return rooted_tree(network)[:-1]


def rooted_tree(network: Plan) -> tuple[Clique, ...]:
    """Return the cliques of a plan, and behind them the root: over `network.keep`, of everything that is left over."""
    found: list[tuple[Scope, Scope, list[int], list[int]]] = []
    sender: dict[int, int] = {}
    for step in network.steps:
        factors = [slot for slot in step.inputs if slot < network.n_factors]
        children = [sender[slot] for slot in step.inputs if slot >= network.n_factors]
        host = next((c for c in children if len(found[c][0]) == len(step.scope) + 1), None)
        if host is None:
            sender[step.output] = len(found)
            found.append((step.scope, (step.variable,), factors, children))
        else:
            _, own, given, below = found[host]
            others = [*below, *(c for c in children if c != host)]
            found[host] = (step.scope, (*own, step.variable), given + factors, others)
            sender[step.output] = host
    heights: dict[int, int] = {}
    waiting = list(range(len(found)))
    while waiting:
        below = [c for c in found[waiting[-1]][3] if c not in heights]
        if below:
            waiting += below
        else:
            c = waiting.pop()
            heights[c] = 1 + max((heights[child] for child in found[c][3]), default=-1)
    order = sorted(range(len(found)), key=lambda c: (heights[c], -len(found[c][2]) - len(found[c][3])))
    place = {c: i for i, c in enumerate(order)}
    cliques = [
        Clique(scope, own, tuple(of_clique), tuple([place[child] for child in children]), heights[c])
        for c in order
        for scope, own, of_clique, children in [found[c]]
    ]
    left = tuple([slot for slot in network.root if slot < network.n_factors])
    roots = tuple([place[sender[slot]] for slot in network.root if slot >= network.n_factors])
    return (*cliques, Clique((), network.keep, left, roots, 1 + max(heights.values(), default=-1)))


def strides_of(scope: Scope, cards: Sequence[int]) -> dict[int, int]:
    """Return how far apart two states of each variable are in a contiguous table over a scope."""
    strides, step = {}, 1
    for v in reversed(scope):
        strides[v] = step
        step *= cards[v]
    return strides


def powers_above(numbers: Array) -> Index:
    """Return the power of two above each number; 0 for none."""
    return np.frexp(np.where(numbers < inf, numbers, 1.0))[1].astype(np.intp)


# The two passes, clique by clique, each a few numpy calls.

Shape = tuple[int, ...]
Run = Shape  # states of what is before, of what is summed, and of what is behind

LEAST = 2.0**-1022  # the least number that doubles hold with all their digits: messages are zero or larger
SHORT = 16  # entries that lie together: numpy's loops over fewer cost more than the numbers
FEW = 8  # states that are added one after the other
SPREAD_FROM = 2_000  # entries of a clique: below this the calls cost more than short loops


class _Input(NamedTuple):
    """A table that a clique multiplies: the axes of a factor in the order `order`, seen in the `shape` of the clique.

    What is small is spread first to the shape `spread`, so that longer stretches of it lie together.
    """

    slot: int
    order: Shape | None
    shape: Shape
    spread: Shape | None


class _Output(NamedTuple):
    """The sum to a child's separator, or to a variable: by `runs`, of the table `of` (0 the belief, then such sums)."""

    target: int
    of: int
    runs: tuple[Run, ...]


class _Pass(NamedTuple):
    """A clique as both passes go through it: its own variables are the first axes, the separator the last ones.

    Inward it multiplies `inputs` and sums its own states out (`message`). Outward it sums its belief to the separators
    of `children`, whose targets are their slots, and to `marginals`, whose targets are variables.
    """

    shape: Shape
    own_states: int
    separator_states: int
    inputs: tuple[_Input, ...]
    message: tuple[Run, ...]
    children: tuple[_Output, ...]
    marginals: tuple[_Output, ...]
    is_root: bool


class _Product(NamedTuple):
    """What a clique multiplies to: `numbers` times two to the `power`; the positive ones from 2^low to below 2^high."""

    numbers: Array
    low: int
    high: int
    power: int


class Potentials:
    """A network as one array for each clique, its axes in the order in which variables are summed out.

    In this order a message goes over the last axes of its clique, and whatever goes through another clique keeps the
    order of its axes, so that no table but a given factor is ever turned around.
    """

    def __init__(self, network: Plan) -> None:
        cards, self._n_factors = network.cards, network.n_factors
        place = [0] * len(cards)
        for at, step in enumerate(network.steps):
            place[step.variable] = at
        rank = place.__getitem__
        self._scalars = [slot for slot, scope in enumerate(network.scopes[: network.n_factors]) if not scope]
        self._passes: list[_Pass] = []
        separators: list[Scope] = []
        for clique in clique_tree(network):
            separator = tuple(sorted(clique.separator, key=rank))
            separators.append(separator)
            axes = clique.own + separator
            shape = tuple([cards[v] for v in axes])
            factors = [(slot, network.scopes[slot]) for slot in clique.factors]
            children = [(network.n_factors + child, separators[child]) for child in clique.children]
            inputs = [_input(slot, scope, axes, shape, rank) for slot, scope in factors + children]
            if len(inputs) > 1:
                inputs.sort(key=lambda one: (prod(one.shape), one.slot))  # the smallest are multiplied first
            # What is summed to a separator is summed on from there, so the largest separators come first.
            made, to_children = [(axes, shape)], list[_Output]()
            for slot, scope in sorted(children, key=lambda child: -len(child[1])):
                to_children.append(_output(slot, scope, made))
                made.append((scope, tuple([cards[v] for v in scope])))
            own_states, separator_states = prod(shape[: len(clique.own)]), prod(shape[len(clique.own) :])
            clique_pass = _Pass(
                shape=shape,
                own_states=own_states,
                separator_states=separator_states,
                inputs=tuple(inputs),
                message=((1, own_states, separator_states),) if own_states > 1 else (),
                children=tuple(to_children),
                marginals=tuple([_output(v, (v,), made) for v in clique.own]),
                is_root=not separator,
            )
            self._passes.append(clique_pass)
        self._states = [0, *accumulate(cards)][:-1]
        self._parts = [slice(at, at + card) for at, card in zip(self._states, cards, strict=True)]
        self._variable_of = np.repeat(np.arange(len(cards)), cards)

    def solve(self, factors: Sequence[Array]) -> Case | None:
        """Return the case of factors (states of their scopes), or nothing where doubles may not hold its numbers.

        Nothing, too, for factors that are not finite and for a case without any mass.
        """
        bounds = _bounds(factors)
        if bounds is None:
            return None
        low, high = bounds
        tables, products = list(factors), list[_Product]()
        masses, exponent = [float(factors[slot]) for slot in self._scalars], 0
        for clique in self._passes:
            product = _multiplied(clique, tables, low, high)
            if product is None:
                return None
            products.append(product)
            message = _summed(product.numbers, clique.message).reshape(-1)
            least, most = product.low, product.high + clique.own_states.bit_length()
            exponent += product.power
            if least < -LITTLE_ROOM or most > LITTLE_ROOM:
                message, least, most, power = _rescaled(message)
                exponent += power
            tables.append(message)
            low.append(least)
            high.append(most)
            if clique.is_root:
                masses.append(float(message[0]))
        if not all(masses):
            return None
        n = self._n_factors
        found = self._outward(tables[n:], products, low[n:], high[n:])
        return None if found is None else Case(fsum((*map(log, masses), exponent * LOG_2)), found)

    def _outward(
        self, messages: Sequence[Array], products: list[_Product], low: Sequence[int], high: Sequence[int]
    ) -> tuple[Array, ...] | None:
        """Return all marginals; nothing where doubles may not hold them. Products are let go on the way."""
        marginals = [np.zeros(0)] * len(self._states)
        outside: dict[int, tuple[Array, int, int]] = {}  # of each clique: over its separator, with its bounds
        in_doubt = False
        for c in reversed(range(len(self._passes))):
            clique = self._passes[c]
            belief, least, most, power = products.pop()
            if not clique.is_root:
                above, of_above, up_to = outside.pop(c)
                belief = belief.reshape(clique.own_states, clique.separator_states) * above
                least += of_above
                most += up_to
            most += belief.size.bit_length()
            in_doubt |= least < -ROOM
            if most > ROOM:
                return None
            made = [belief]
            for slot, of, runs in clique.children:
                joint = _summed(made[of], runs)
                made.append(joint)
                child = slot - self._n_factors
                # Divided by the message it is a sum of products of all the others, unless a power of two was taken out.
                bottom = least - (high if power else low)[child]
                top = most - (low if power else high)[child]
                if top > ROOM:
                    return None
                ratio = joint.reshape(-1) / np.maximum(messages[child], LEAST)
                if bottom < -LITTLE_ROOM or top > LITTLE_ROOM:
                    ratio, bottom, top, _ = _rescaled(ratio)
                outside[child] = ratio, bottom, top
            for v, of, runs in clique.marginals:
                marginals[v] = _summed(made[of], runs).reshape(-1)
        joined = np.concatenate(marginals)
        shares = joined / np.add.reduceat(joined, self._states)[self._variable_of]
        if in_doubt and shares.min() < NEVER_IN_DOUBT:
            return None
        if ((shares < LEAST) & (joined > 0.0)).any():  # a share that the last division lost, or nearly
            return None
        return tuple([shares[part] for part in self._parts])


def _multiplied(clique: _Pass, tables: Sequence[Array], low: Sequence[int], high: Sequence[int]) -> _Product | None:
    """Multiply what comes in, the smallest tables first; nothing where doubles may not hold the products."""
    product: Array | None = None
    least = most = power = 0
    for slot, order, shape, spread in clique.inputs:
        table = tables[slot]
        if order is not None:
            table = table.transpose(order)
        table = table.reshape(shape)
        if spread is not None:
            table = np.broadcast_to(table, spread).copy()
        least += low[slot]
        most += high[slot]
        if product is None:
            product = table
            continue
        if least < -ROOM // 2 or most > ROOM // 2:
            product, least, most, taken = _rescaled(product)
            power += taken
            least += low[slot]
            most += high[slot]
            if least < -ROOM or most > ROOM // 2:
                return None
        product = product * table
    return _Product(np.ones(clique.shape) if product is None else product, least, most, power)


def _input(slot: int, scope: Scope, axes: Scope, shape: Shape, rank: Callable[[int], int]) -> _Input:
    order: Shape | None = None
    if len(scope) > 1:
        places = [rank(v) for v in scope]
        if places != (in_order := sorted(places)):
            order = tuple([places.index(place) for place in in_order])
    seen = tuple([n if v in scope else 1 for v, n in zip(axes, shape, strict=True)])
    spread = None
    if prod(shape) >= SPREAD_FROM:
        row = len(shape)
        while row and prod(shape[row:]) < SHORT:
            row -= 1
        if seen[row:] != shape[row:] and max(seen[row:]) > 1:
            spread = seen[:row] + shape[row:]
    return _Input(slot, order, seen, spread)


def _output(target: int, scope: Scope, made: Sequence[tuple[Scope, Shape]]) -> _Output:
    """Sum the smallest of the tables that hold the scope."""
    best, least = 0, inf
    for k, (axes, shape) in enumerate(made):
        if (size := prod(shape)) < least and {*scope} <= {*axes}:
            best, least = k, size
    axes, shape = made[best]
    return _Output(target, best, _runs(shape, tuple([v in scope for v in axes])))


@lru_cache(maxsize=4096)
def _runs(shape: Shape, kept: tuple[bool, ...]) -> tuple[Run, ...]:
    """Return how a table is summed to the axes that are kept: axes that lie together at once, the last ones first."""
    runs, before, summed, behind = [], prod(shape), 1, 1
    for n, is_kept in zip(reversed(shape), reversed(kept), strict=True):
        if is_kept and summed > 1:
            runs.append((before, summed, behind))
            summed = 1
        before //= n
        if is_kept:
            behind *= n
        else:
            summed *= n
    return (*runs, (1, summed, behind)) if summed > 1 else tuple(runs)


def _summed(table: Array, runs: Sequence[Run]) -> Array:
    for run in runs:
        table = table.reshape(run)
        _, n, behind = run
        if behind < SHORT and n <= FEW and table.size > SHORT * SHORT:
            total = table[:, 0] + table[:, 1]
            for state in range(2, n):
                total += table[:, state]
            table = total
        else:
            table = np.add.reduce(table, axis=1)
    return table


def _bounds(factors: Sequence[Array]) -> tuple[list[int], list[int]] | None:
    """Return powers of two between which one and the positive numbers of each factor lie; nothing if one is no number.

    Nothing, too, for numbers that are negative or infinite, and for a factor without any.
    """
    if not factors:
        return [], []
    given = np.concatenate([factor.ravel() for factor in factors])
    sizes = [factor.size for factor in factors]
    if not (all(sizes) and given.min() >= 0.0 and given.max() < inf):
        return None
    firsts = [0, *accumulate(sizes)][:-1]
    least = np.minimum.reduceat(np.where(given > 0.0, given, inf), firsts)
    low = np.minimum(powers_above(least) - 1, 0)
    high = np.maximum(powers_above(np.maximum.reduceat(given, firsts)), 0)
    if low.min() < -ROOM // 2 or high.max() > ROOM // 2:
        return None
    return low.tolist(), high.tolist()


def _rescaled(numbers: Array) -> tuple[Array, int, int, int]:
    """Divide by the power of two above the largest number; return the quotients, their bounds, and that power."""
    largest = float(numbers.max())
    if not largest:
        return numbers, 0, 0, 0
    power = frexp(largest)[1]
    least = float(numbers.min(where=numbers > 0.0, initial=largest))
    return np.ldexp(numbers, -power), frexp(least)[1] - 1 - power, 0, power
