"""Joints of variables that share no clique: of every two, and of every three, from one pass over the tree of cliques.

Each clique holds the posterior of its variables. What lies behind a separator hears of the rest through it alone, so
that of each state asked about only its probability given the separator is passed on, from clique to clique. Two of them
meet in one clique, three of them in one: there their numbers are multiplied with its posterior and added up, over its
states and over all draws at once, which is a product of matrices. No evidence is entered, and nothing is solved again.

Source: Koller and Friedman (2009), section 10.3.3.2 (queries beyond one clique); Lauritzen and Spiegelhalter (1988).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from itertools import combinations, pairwise, permutations
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.inference.batch import Factor
from forecast.inference.elimination import Plan, Scope
from forecast.inference.engine import ENGINE, MOST_HELD, BlockSize, draws_at_once
from forecast.inference.junction import rooted_tree

Array = NDArray[np.float64]
Index = NDArray[np.intp]
FactorsOf = Callable[[Index], Sequence[Factor]]

AT_ONCE = 1 << 19  # numbers of a product that is added up: what a processor's cache holds
COMPILED_FROM = 20_000_000  # draws times entries of cliques times parts: below this numpy is done before numba is there
# Products of a matrix multiplication that BLAS leaves to one thread: blocks of draws have threads of their own already,
# and when those of BLAS join in they spend most of their time waiting for one another.
BY_ONE_THREAD = 200_000
MOST_DRAWS = {2: 256, 3: 64}  # solved at once: of three, tables are so many that they should stay in the cache


class Split(NamedTuple):
    """A partition of the joint states of variables that some factor, or the root, holds together.

    `parts` (parts, *states of `scope`): 0/1 masks; `scope` ascending.
    """

    scope: Scope
    parts: Array


class _Branch(NamedTuple):
    """What a clique hears from one side: of each part its probability given the states of `scope`.

    `rows` are the parts, numbered over all that is asked; `numbers` (rows, *states of `scope`, draws or 1).
    """

    rows: Index
    scope: Scope
    numbers: Array


class Meeting:
    """Where the parts of some partitions meet in a tree of cliques.

    Args:
        network: the plan of the factors.
        asked: partitions; their parts are numbered through, in order (`rows`).
    """

    def __init__(self, network: Plan, asked: Sequence[Split]) -> None:
        self._cards, self._asked = network.cards, asked
        cliques = rooted_tree(network)
        self._scopes = [tuple(sorted({*one.separator, *one.own})) for one in cliques]
        self._separators = [one.separator for one in cliques]
        self._children = [one.children for one in cliques]
        self._n_factors = network.n_factors
        self._held = [place for place, scope in enumerate(self._scopes) if scope]
        scopes = (*network.scopes[: network.n_factors], *(self._scopes[place] for place in self._held))
        self._plan = ENGINE.plan(network.cards, scopes, network.keep)
        starts = np.cumsum([0, *(len(one.parts) for one in asked)])
        self.rows = [range(start, stop) for start, stop in pairwise(starts.tolist())]
        self._n_parts = int(starts[-1])
        self._compiled = False
        self._places: dict[tuple[Scope, Scope, Scope], Index] = {}
        self._hosted: list[list[_Branch]] = [[] for _ in cliques]
        for (scope, parts), rows in zip(asked, self.rows, strict=True):
            host = next(place for place, held in enumerate(self._scopes) if {*scope} <= {*held})
            self._hosted[host].append(_Branch(np.array(rows), scope, parts[..., np.newaxis]))

    def of_two(self, factors_of: FactorsOf, weights: Array) -> Array:
        """Compute the weighted sum over draws of P(part, part | evidence): (parts, parts).

        Args:
            factors_of: gives the factors of some draws, by their places, as `Engine.evaluate` takes them.
            weights: (draws).

        Raises ImpossibleEvidenceError, and TooDenseNetworkError where one draw does not fit into memory.
        """
        return self._over_draws(self._two, factors_of, weights, MOST_DRAWS[2])

    def of_three(self, factors_of: FactorsOf, weights: Array, pairs: Collection[int], others: Collection[int]) -> Array:
        """Compute the weighted sum over draws of P(part, part, part | evidence), the third one of any of `others`.

        Args:
            factors_of, weights: as of `of_two`, whose errors it raises.
            pairs: partitions, by their places: the first and the second part are of two of them.
            others: partitions, by their places.

        Returns an array (parts of `pairs`, the same, parts of `others`), each in the order of the places; it holds zero
        where two of the three are of one partition.
        """
        met = partial(self._three, pairs=pairs, others=others)
        return self._over_draws(met, factors_of, weights, MOST_DRAWS[3])

    def _over_draws(
        self, met: Callable[[list[Array], Array], Array], factors_of: FactorsOf, weights: Array, most: int
    ) -> Array:
        def on_block(places: Index) -> Array:
            return met(self._beliefs(factors_of(places)), weights[places])

        entries = sum(map(self._entries, self._scopes))
        self._compiled = weights.size * entries * self._n_parts >= COMPILED_FROM
        return np.sum(ENGINE.in_blocks(on_block, np.arange(weights.size), size=self._size(most)), axis=0)

    def _entries(self, scope: Scope) -> int:
        return prod(self._cards[v] for v in scope)

    def _size(self, most: int) -> BlockSize:
        """Return how many draws are solved at once."""
        cores = os.cpu_count() or 1
        told = sum(self._entries(separator) for separator in self._separators)
        held = sum(map(self._entries, self._scopes))
        fitting = MOST_HELD // (8 * (2 * self._n_parts * told + held) * cores)
        return BlockSize(max(1, min(most, fitting, draws_at_once([self._plan]).draws)), cores)

    def _beliefs(self, factors: Sequence[Factor]) -> list[Array]:
        """Compute P(states of each clique | evidence) in every draw, (*states, draws)."""
        ones = [np.ones((*(self._cards[v] for v in self._scopes[place]), 1)) for place in self._held]
        wanted = range(self._n_factors, self._n_factors + len(ones))
        total, found = ENGINE.families(self._plan, [*factors, *ones], wanted)
        made: list[Array] = [np.ones(total.size)] * len(self._scopes)
        for place, belief in zip(self._held, found, strict=True):
            made[place] = belief
        return made

    def _two(self, beliefs: Sequence[Array], weights: Array) -> Array:
        both = np.zeros((self._n_parts, self._n_parts))
        for clique, branches in enumerate(self._inward(beliefs, np.arange(self._n_parts))):
            scope, weighed = self._scopes[clique], beliefs[clique] * weights
            for own in self._hosted[clique]:
                whole = self._joined(weighed[np.newaxis], scope, own, ())
                both[own.rows, own.rows] = whole[0].sum(axis=-1)
            for first, second in combinations(sorted(branches, key=_rows), 2):
                met = _added_up(self._joined(weighed[np.newaxis], scope, first, second.scope), second)[0]
                both[np.ix_(first.rows, second.rows)] = met
                both[np.ix_(second.rows, first.rows)] = met.T
        return both

    def _three(
        self, beliefs: Sequence[Array], weights: Array, pairs: Collection[int], others: Collection[int]
    ) -> Array:
        first, third = (np.array([row for place in of for row in self.rows[place]], int) for of in (pairs, others))
        at = np.full((2, self._n_parts), -1)
        at[0, first], at[1, third] = np.arange(first.size), np.arange(third.size)
        every = np.unique(np.concatenate([first, third]))
        three = np.zeros((first.size, first.size, third.size))
        inward = self._inward(beliefs, every)
        for clique, branches in self._outward(beliefs, inward):
            # Of three parts at most one is not of `pairs`, and one is of `others`.
            split = [
                (place, is_first, _some(branch, (at[0, branch.rows] >= 0) == is_first))
                for place, branch in enumerate(branches)
                for is_first in (True, False)
            ]
            sides = sorted((one for one in split if one[2].rows.size), key=lambda one: (one[2].rows.size, one[0]))
            weighed = beliefs[clique] * weights
            for met, rows in self._meetings(weighed, self._scopes[clique], sides, at[1] >= 0):
                for order in permutations(range(3)):
                    a, b, c = (rows[axis] for axis in order)
                    into = at[1, c] >= 0
                    if (at[0, a] >= 0).all() and (at[0, b] >= 0).all() and into.any():
                        numbers = met.transpose(order)[:, :, into]
                        three[np.ix_(at[0, a], at[0, b], at[1, c[into]])] = numbers
        return three

    def _meetings(
        self, weighed: Array, scope: Scope, sides: Sequence[tuple[int, bool, _Branch]], is_third: NDArray[np.bool_]
    ) -> Iterator[tuple[Array, tuple[Index, Index, Index]]]:
        """Yield the joint of three parts of three sides, and which they are; the two sides with fewest parts first."""
        for i, (side, is_first, one) in enumerate(sides):
            for j in range(i + 1, len(sides)):
                other_side, is_other_first, other = sides[j]
                if other_side == side or not (is_first or is_other_first):
                    continue
                met_by = [
                    branch
                    for place, is_one, branch in sides[j + 1 :]
                    if place not in {side, other_side}
                    and is_first + is_other_first + is_one >= 2
                    and (not (is_first and is_other_first and is_one) or _any_of(is_third, one, other, branch))
                ]
                if not met_by:
                    continue
                found = [np.zeros((one.rows.size, other.rows.size, branch.rows.size)) for branch in met_by]
                told = {v for branch in met_by for v in branch.scope}
                beside = tuple(v for v in scope if v in told or v in other.scope)
                size = max(1, AT_ONCE // max(1, self._entries(beside) * weighed.shape[-1]))
                for start in range(0, one.rows.size, size):
                    few = _some(one, slice(start, start + size))
                    held = self._joined(weighed[np.newaxis], scope, few, beside)[0]
                    for branch, whole in zip(met_by, found, strict=True):
                        pair = self._joined(held, beside, other, branch.scope)
                        whole[start : start + size] = _added_up(pair, branch)
                for branch, whole in zip(met_by, found, strict=True):
                    yield whole, (one.rows, other.rows, branch.rows)

    def _inward(self, beliefs: Sequence[Array], rows: Index) -> list[list[_Branch]]:
        """Return what each clique hears of some parts from itself and from below."""
        heard: list[list[_Branch]] = []
        asked = np.zeros(self._n_parts, dtype=bool)
        asked[rows] = True
        sent: list[_Branch] = []
        for clique, children in enumerate(self._children):
            own = [one for one in self._hosted[clique] if asked[one.rows].all()]
            branches = [one for one in (*own, *(sent[child] for child in children)) if one.rows.size]
            heard.append(branches)
            sent.append(self._sent(beliefs[clique], self._scopes[clique], branches, self._separators[clique]))
        return heard

    def _outward(
        self, beliefs: Sequence[Array], inward: Sequence[Sequence[_Branch]]
    ) -> Iterator[tuple[int, list[_Branch]]]:
        """Yield each clique with what it hears from all sides, the root first."""
        above: dict[int, _Branch] = {}
        for clique in reversed(range(len(self._children))):
            branches = [*inward[clique], *([above.pop(clique)] if clique in above else [])]
            yield clique, branches
            for child in self._children[clique]:
                below = {row for branch in inward[child] for row in branch.rows.tolist()}
                others = [one for one in branches if int(one.rows[0]) not in below]
                if others:
                    separator = self._separators[child]
                    above[child] = self._sent(beliefs[clique], self._scopes[clique], others, separator)

    def _sent(self, belief: Array, scope: Scope, branches: Sequence[_Branch], separator: Scope) -> _Branch:
        """Return P(part | states of the separator) of what a clique hears from some sides."""
        mass = belief.sum(axis=tuple(axis for axis, v in enumerate(scope) if v not in separator), keepdims=True)
        given = np.divide(belief, mass, out=np.zeros(belief.shape), where=mass > 0.0)[np.newaxis]
        rows = np.concatenate([np.zeros(0, dtype=np.intp), *(branch.rows for branch in branches)])
        numbers = np.zeros((rows.size, *(self._cards[v] for v in separator), belief.shape[-1]))
        start = 0
        for branch in branches:
            stop = start + branch.rows.size
            self._joined(given, scope, branch, separator, numbers[np.newaxis, start:stop])
            start = stop
        return _Branch(rows, separator, numbers)

    def _joined(self, numbers: Array, scope: Scope, branch: _Branch, kept: Scope, out: Array | None = None) -> Array:
        """Multiply tables (tables, *states of `scope`, draws) with those of a branch; add up over all but `kept`.

        Returns (tables, parts of the branch, *states of `kept`, draws): in `out`, if that is given, which holds zeros.
        """
        if out is None:
            out = np.zeros((len(numbers), len(branch.rows), *(self._cards[v] for v in kept), numbers.shape[-1]))
        needed = tuple(v for v in scope if v in branch.scope or v in kept)
        numbers = numbers.sum(axis=tuple(axis for axis, v in enumerate(scope, 1) if v not in needed))
        if self._compiled:
            self._by_loops(numbers, needed, branch, kept, out)
            return out
        shape = [self._cards[v] if v in branch.scope else 1 for v in needed]
        spread = branch.numbers.reshape(len(branch.rows), *shape, branch.numbers.shape[-1])
        axes = tuple(axis for axis, v in enumerate(needed, 2) if v not in kept)
        wide = numbers[:, np.newaxis]
        size = max(1, AT_ONCE // max(1, numbers.size))
        for start in range(0, len(spread), size):
            out[:, start : start + size] = (wide * spread[start : start + size]).sum(axis=axes)
        return out

    def _by_loops(self, numbers: Array, needed: Scope, branch: _Branch, kept: Scope, out: Array) -> None:
        """Compute the same by compiled loops; `numbers` are over `needed`."""
        from forecast.inference.blocks import joined

        key = needed, branch.scope, kept
        if key not in self._places:
            shape = [self._cards[v] for v in needed]
            states = np.indices(shape).reshape(len(needed), prod(shape))
            at = np.zeros((3, prod(shape)), dtype=np.intp)
            for row, scope in enumerate(key):
                for v in scope:
                    at[row] = at[row] * self._cards[v] + states[needed.index(v)]
            self._places[key] = at
        n_tables, n_rows, n_draws = len(numbers), len(branch.rows), numbers.shape[-1]
        tables = np.ascontiguousarray(numbers).reshape(n_tables, self._entries(needed), n_draws)
        spread = np.ascontiguousarray(branch.numbers)
        spread = spread.reshape(n_rows, self._entries(branch.scope), spread.shape[-1])
        joined(tables, spread, self._places[key], out.reshape(n_tables, n_rows, self._entries(kept), n_draws))


def _rows(branch: _Branch) -> int:
    return int(branch.rows.size)


def _any_of(chosen: NDArray[np.bool_], *branches: _Branch) -> bool:
    return any(chosen[branch.rows].any() for branch in branches)


def _some(branch: _Branch, rows: slice | NDArray[np.bool_]) -> _Branch:
    return _Branch(branch.rows[rows], branch.scope, branch.numbers[rows])


def _added_up(joint: Array, branch: _Branch) -> Array:
    """Multiply (a, b, *states of the branch's scope, draws) with a branch; add up over states and draws: (a, b, parts).

    What is the same in every draw is multiplied when the draws are added up.
    """
    if branch.numbers.shape[-1] == 1:
        joint = joint.sum(axis=-1, keepdims=True)
    flat, given = joint.reshape(*joint.shape[:2], -1), branch.numbers.reshape(len(branch.rows), -1)
    both = np.zeros((*joint.shape[:2], len(given)))
    size = max(1, BY_ONE_THREAD // max(1, joint.shape[1] * len(given)))
    for start in range(0, flat.shape[-1], size):
        both += flat[..., start : start + size] @ given[:, start : start + size].T
    return both
