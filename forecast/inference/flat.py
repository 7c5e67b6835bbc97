"""A small network as index lists: all cliques of one height at once, in a few numpy calls for each height.

For small networks the time goes into calls, not numbers. So the tables of all cliques of one height are one array here,
and the lists that say where its entries find their factors are made once for a network. It is the pass of `junction`,
inward and outward, and gives the same numbers but for the last digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, islice, pairwise
from math import fsum, inf, log, log2, prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elimination import Plan
from forecast.inference.junction import NEVER_IN_DOUBT, Case, Clique, clique_tree, powers_above, strides_of
from forecast.inference.scaled import LOG_2, ROOM

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_Part = tuple[Index, int]  # of a list, and what is added to it


@lru_cache(maxsize=1024)
def _places(shape: tuple[int, ...], strides: tuple[int, ...]) -> Index:
    """Return where each entry of a table of that shape finds its own in another one, which has those strides."""
    at = np.zeros(1, dtype=np.intp)
    for n, stride in zip(shape, strides, strict=True):
        at = (at[:, np.newaxis] + np.arange(0, n * stride, stride) if stride else np.repeat(at, n)).reshape(-1)
    return at


@dataclass(frozen=True)
class _Level:
    """The cliques of one height, one behind the other.

    An entry is the product of the numbers at `inputs`: round r has them for the first entries, as far as cliques have
    so many inputs. `starts` are the entries with which the sums of the messages begin, `sums` where the sums are
    written, and `above[i]` is the place among them that entry i goes into. The messages that come in stand at
    `received`; entry `source[k]` is part of the one at `received[target[k]]`. `cliques` are those of the level, `sent`
    where their messages begin among the sums; `children` are the senders of what comes in, `parents` the places of the
    receivers in the level, `sizes` how many numbers each of them has.
    """

    inputs: tuple[Index, ...]
    starts: Index
    above: Index
    source: Index
    target: Index
    received: Index
    sums: slice
    cliques: slice
    sent: list[int]
    children: list[int]
    parents: list[int]
    sizes: list[int]

    @cached_property
    def scaling(self) -> _Scaling:
        """Where messages begin, for those that need a scale."""
        sent_sizes = np.diff([*self.sent, self.sums.stop - self.sums.start])
        return _Scaling(
            self.cliques,
            np.array(self.sent, dtype=np.intp),
            np.repeat(np.arange(len(self.sent)), sent_sizes),
            np.array(self.children, dtype=np.intp),
            np.array(self.parents, dtype=np.intp),
            np.cumsum([0, *self.sizes])[:-1],
            np.repeat(np.arange(len(self.sizes)), self.sizes),
        )


class _Scaling(NamedTuple):
    """Where messages begin, and whose each entry is: of those that a level sends, and of those that it receives.

    `cliques` are the level's own, `children` the senders of what it receives, `parents` the receivers' places in the
    level.
    """

    cliques: slice
    sent: Index
    sent_of: Index
    children: Index
    parents: Index
    received: Index
    received_of: Index


class Flat:
    """A network as index lists into one array of numbers: the factors, the number one, and the messages.

    Plain doubles hold the numbers of most networks as they are. Where they might not, each message is divided by a
    power of two; and where not even that is enough, `solve` says so.
    """

    def __init__(self, network: Plan) -> None:
        cards, n_factors = network.cards, network.n_factors
        cliques = clique_tree(network)
        scopes = [*network.scopes[:n_factors], (), *(clique.separator for clique in cliques)]
        firsts = [0, *accumulate([prod([cards[v] for v in scope]) for scope in scopes])]
        strides = [strides_of(scope, cards) for scope in scopes]
        one, self._size = n_factors, firsts[-1]
        self._firsts, self._n_given = firsts[:n_factors], firsts[n_factors]
        scalars = [i for i, scope in enumerate(scopes[:n_factors]) if not scope]
        roots = [one + 1 + c for c, clique in enumerate(cliques) if not clique.separator]
        self._masses = np.array([firsts[slot] for slot in (*scalars, *roots)], dtype=np.intp)
        self._states = [0, *accumulate(cards)][:-1]
        self._variable_of = np.repeat(np.arange(len(cards)), cards)
        self._parts = [slice(at, at + card) for at, card in zip(self._states, cards, strict=True)]
        self._cliques = cliques
        self._n_cliques = len(cliques)
        sources, targets = list[_Part](), list[_Part]()
        lists: list[list[_Part]] = [sources, targets]
        of_levels: list[Any] = []
        n_entries = 0
        for level in _by_height(cliques):
            rounds: list[list[_Part]] = []
            starts, above, source, target, received = (list[_Part]() for _ in range(5))
            sent, children, parents, sizes = list[int](), list[int](), list[int](), list[int]()
            n = n_sums = n_received = 0
            for c in level:
                clique = cliques[c]
                axes = clique.separator + clique.own
                shape = tuple([cards[v] for v in axes])
                n_own = prod([cards[v] for v in clique.own])
                message = firsts[one + 2 + c] - firsts[one + 1 + c]
                size = message * n_own
                entries = _places((size,), (1,))
                for r, slot in enumerate([*clique.factors, *[one + 1 + k for k in clique.children]] or [one]):
                    if r == len(rounds):
                        rounds.append([])
                    found = strides[slot].get
                    at = _places(shape, tuple([found(v, 0) for v in axes]))
                    rounds[r].append((at, firsts[slot]))
                    if slot > one:
                        length = firsts[slot + 1] - firsts[slot]
                        source.append((entries, n))
                        target.append((at, n_received))
                        received.append((_places((length,), (1,)), firsts[slot]))
                        n_received += length
                        children.append(slot - one - 1)
                        parents.append(c - level.start)
                        sizes.append(length)
                for v in clique.own:
                    sources.append((entries, n_entries + n))
                    targets.append((_places(shape, tuple([int(v == axis) for axis in axes])), self._states[v]))
                above.append((_places((message, n_own), (1, 0)), n_sums))
                starts.append((_places((message,), (n_own,)), n))
                sent.append(n_sums)
                n += size
                n_sums += message
            begin = firsts[one + 1 + level.start]
            lists += [*rounds, starts, above, source, target, received]
            places = slice(begin, begin + n_sums), slice(level.start, level.stop)
            of_levels.append((len(rounds), *places, sent, children, parents, sizes))
            n_entries += n
        joined = iter(_joined(lists))
        self._source, self._target = next(joined), next(joined)
        self._levels = []
        for n_rounds, *more in of_levels:
            of_level: list[Any] = [tuple(islice(joined, n_rounds)), *islice(joined, 5), *more]
            self._levels.append(_Level(*of_level))
        self._n_entries = n_entries
        self._most_terms = log2(max(n_entries, 1)) * len(cliques)

    def solve(self, factors: Sequence[Array]) -> Case | None:
        """Return the case of factors (states of their scopes), or nothing where doubles may not hold its numbers.

        Nothing, too, for factors that are not finite and for a case without any mass.
        """
        values = np.empty(self._size)
        given = values[: self._n_given]
        if factors:
            np.concatenate([factor.ravel() for factor in factors], out=given)
        values[self._n_given] = 1.0
        least = given.min(where=given > 0.0, initial=1.0)
        largest = given.max(initial=1.0)
        if not (given.min(initial=0.0) >= 0.0 and largest < inf):
            return None
        spread = len(factors) * (log2(largest) - log2(least))
        found = self._plain(values) if spread + self._most_terms < ROOM else self._scaled(values)
        if found is None:
            return None
        log_evidence, marginals = found
        shares = self._shares(marginals)
        return Case(log_evidence, tuple([shares[part] for part in self._parts]))

    def _plain(self, values: Array) -> tuple[float, Array] | None:
        products = [_inward(level, values) for level in self._levels]
        masses = values[self._masses].tolist()
        if not all(masses):
            return None
        outside = np.ones(self._size)
        beliefs = np.empty(self._n_entries)
        stop = self._n_entries
        for level, product in zip(reversed(self._levels), reversed(products), strict=True):
            belief = beliefs[stop - product.size : stop]
            stop -= product.size
            np.multiply(product, outside[level.sums][level.above], out=belief)
            if level.received.size:
                outside[level.received] = _divided(level, belief, values)
        return fsum(map(log, masses)), np.bincount(self._target, beliefs[self._source], self._variable_of.size)

    def _scaled(self, values: Array) -> tuple[float, Array] | None:
        given = values[: self._n_given]
        low = np.minimum(powers_above(np.minimum.reduceat(np.where(given > 0.0, given, inf), self._firsts)) - 1, 0)
        high = np.maximum(powers_above(np.maximum.reduceat(given, self._firsts)), 0)
        if float(high.sum() - low.sum()) + self._most_terms < ROOM:
            return self._plain(values)
        lows = np.array([low[list(clique.factors)].sum() for clique in self._cliques], dtype=float)
        highs = np.array([high[list(clique.factors)].sum() for clique in self._cliques], dtype=float)
        if highs.max(initial=0.0) > ROOM:
            return None
        exponent, products = 0, []
        sent = np.zeros(self._n_cliques)  # the least power of two of each message, once its largest number is below one
        for level in self._levels:
            at = level.scaling
            np.add.at(lows[at.cliques], at.parents, sent[at.children])
            if lows[at.cliques].min() < -ROOM:
                return None
            products.append(_inward(level, values))
            powers, sent[at.cliques] = _scale(values[level.sums], at.sent, at.sent_of)
            exponent += int(powers.sum())
        masses = values[self._masses].tolist()
        if not all(masses):
            return None
        outside = np.ones(self._size)
        beliefs = np.empty(self._n_entries)
        stop, in_doubt = self._n_entries, False
        above = np.zeros(self._n_cliques)
        for level, product in zip(reversed(self._levels), reversed(products), strict=True):
            at = level.scaling
            in_doubt |= bool((lows[at.cliques] + above[at.cliques] - highs[at.cliques]).min() < -ROOM)
            belief = beliefs[stop - product.size : stop]
            stop -= product.size
            np.multiply(product, outside[level.sums][level.above], out=belief)
            if level.received.size:
                joint = _divided(level, belief, values)
                _, above[at.children] = _scale(joint, at.received, at.received_of)
                outside[level.received] = joint
        marginals = np.bincount(self._target, beliefs[self._source], self._variable_of.size)
        if in_doubt and self._shares(marginals).min() < NEVER_IN_DOUBT:
            return None
        return fsum((*map(log, masses), exponent * LOG_2)), marginals

    def _shares(self, marginals: Array) -> Array:
        return marginals / np.add.reduceat(marginals, self._states)[self._variable_of]


def _scale(numbers: Array, starts: Index, owner: Index) -> tuple[Index, Index]:
    """Divide each message by the power of two above its largest number; return these, and those of the least ones."""
    powers = powers_above(np.maximum.reduceat(numbers, starts))
    np.ldexp(numbers, -powers[owner], out=numbers)
    least = np.minimum.reduceat(np.where(numbers > 0.0, numbers, inf), starts)
    return powers, powers_above(least) - 1


def _inward(level: _Level, values: Array) -> Array:
    """Multiply the cliques of a level, write their messages, and return the products."""
    first, *others = level.inputs
    product = values[first]
    for at in others:
        product[: at.size] *= values[at]
    values[level.sums] = np.add.reduceat(product, level.starts)
    return product


def _divided(level: _Level, belief: Array, values: Array) -> Array:
    """Return the derivative of the mass by each number of the messages that come in: 0 where the number itself is 0."""
    joint = np.bincount(level.target, belief[level.source], level.received.size)
    message = values[level.received]
    message[message == 0.0] = inf
    joint /= message
    return joint


def _by_height(cliques: Sequence[Clique]) -> Iterator[range]:
    start = 0
    while start < len(cliques):
        stop = start
        while stop < len(cliques) and cliques[stop].height == cliques[start].height:
            stop += 1
        yield range(start, stop)
        start = stop


def _joined(lists: Sequence[Sequence[_Part]]) -> list[Index]:
    """Join the parts of each list, with what is added to each; all at once, as calls cost more than small numbers."""
    parts = [part for one in lists for part, _ in one]
    sizes = [part.size for part in parts]
    joined = np.concatenate(parts)
    joined += np.repeat([shift for one in lists for _, shift in one], sizes)
    ends = [0, *accumulate(sizes)]
    at = [ends[stop] for stop in (0, *accumulate(map(len, lists)))]
    return [joined[start:stop] for start, stop in pairwise(at)]
