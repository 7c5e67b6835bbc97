"""Variable elimination, planned once for a set of factor scopes and run later on any number of draws.

To sum a variable out, all factors that hold it are multiplied and the product is added up over its states; the result
is a new factor, a message, over the variables that were beside it. The order is all that matters for the cost: each
product has an entry for every joint state of its variables. Finding the best order is NP-hard, so one is searched for
greedily, and again with some chance where tables are large.

Source: Koller and Friedman (2009), "Probabilistic graphical models", chapter 9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf, prod
from random import Random
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from forecast.inference.tape import ONE, SUM, Positions, Tape, Traced

Scope = tuple[int, ...]


class ImpossibleEvidenceError(ValueError):
    """Some draw gives the evidence probability zero; `draws` are their indices.

    The product of the factors at the places `factors` alone has no mass in those draws.
    """

    def __init__(self, draws: NDArray[np.intp], factors: Sequence[int] = ()) -> None:
        self.draws = draws
        self.factors = tuple(factors)
        super().__init__(f"the evidence has probability zero in {draws.size} draw(s)")


@dataclass(frozen=True)
class EliminationStep:
    """Multiply the factors in `inputs`, sum out `variable`, and store the message over `scope` in slot `output`."""

    variable: int
    inputs: tuple[int, ...]
    scope: Scope
    output: int


@dataclass(frozen=True)
class Plan:
    """An elimination order as steps. Slots 0 .. n-1 are the n given factors, later slots are messages.

    `scopes[slot]` are the variables of a slot, `root` the slots that are left when every variable but those of
    `keep` is summed out.
    """

    cards: tuple[int, ...]
    scopes: tuple[Scope, ...]
    n_factors: int
    steps: tuple[EliminationStep, ...]
    keep: Scope
    root: tuple[int, ...]

    @cached_property
    def largest_table(self) -> int:
        """Entries of the largest product formed on the way: the memory of one draw is of this order."""
        return max(self._products, default=1)

    @cached_property
    def work(self) -> int:
        """Entries of all products formed on the way: the time of one draw is of this order."""
        return sum(self._products)

    @cached_property
    def message_entries(self) -> int:
        """Entries of all messages and factors."""
        return sum(self._sizes)

    @cached_property
    def prepared(self) -> dict[str, Any]:
        """What executors have made of the plan, by their names: it is used again for the next case."""
        return {}

    @cached_property
    def _sizes(self) -> list[int]:
        return [prod([self.cards[v] for v in scope]) for scope in self.scopes]

    @cached_property
    def _products(self) -> list[int]:
        steps = [self.cards[step.variable] * self._sizes[step.output] for step in self.steps]
        return [*steps, prod([self.cards[v] for v in self.keep])]


def plan(cards: Sequence[int], scopes: Iterable[Scope], keep: Iterable[int] = ()) -> Plan:
    """Choose an elimination order by the min-fill heuristic and compile it into steps.

    Args:
        cards: number of states of each variable, by index.
        scopes: the variables of each factor, in the order of the factor's axes.
        keep: variables that are never summed out (they form the root table).

    Ties go to the smaller table and then to the lower index, so the same network always gets the same order.

    Source: Koller and Friedman (2009), sections 9.4 and 9.4.3.2.
    """
    slots = [tuple(scope) for scope in scopes]
    kept, n_factors = tuple(sorted(set(keep))), len(slots)
    order = _order(cards, slots, kept)
    # A factor is multiplied where the first of its variables is summed out (Dechter 1999, "bucket elimination").
    last = len(order)
    place = [last] * len(cards)
    for at, variable in enumerate(order):
        place[variable] = at
    buckets: list[list[int]] = [[] for _ in range(last + 1)]
    for slot, scope in enumerate(slots):
        buckets[min([place[v] for v in scope], default=last)].append(slot)
    steps = []
    for variable, inputs in zip(order, buckets, strict=False):
        scope = tuple(sorted({v for slot in inputs for v in slots[slot]} - {variable}))
        output = len(slots)
        slots.append(scope)
        steps.append(EliminationStep(variable, tuple(inputs), scope, output))
        buckets[min([place[v] for v in scope], default=last)].append(output)
    return Plan(tuple(cards), tuple(slots), n_factors, tuple(steps), kept, tuple(buckets[last]))


class Semiring[T](Protocol):
    """What products and sums of tables are: of numbers, of logarithms whose sum is a maximum, or recorded on a tape."""

    def message(self, given: Sequence[T], received: Sequence[T], step: EliminationStep) -> T:
        """Multiply factors that were given and messages that came in, and sum out the variable of the step."""


def eliminate[T](network: Plan, factors: Sequence[T], semiring: Semiring[T]) -> list[T]:
    """Run the steps of a plan; return all slots: the factors, then each step's message.

    Source: Koller and Friedman (2009), section 9.3; for any commutative semiring Aji and McEliece (2000), "The
    generalized distributive law".
    """
    slots = list(factors)
    for step in network.steps:
        given = [slots[slot] for slot in step.inputs if slot < network.n_factors]
        received = [slots[slot] for slot in step.inputs if slot >= network.n_factors]
        slots.append(semiring.message(given, received, step))
    return slots


# Orders. A set of variables is an integer with a bit for each, so that neighbourhoods are joined and counted in words.

SEARCHED_FROM = 100_000  # entries of all products: below this the first order is as good as any
ENTRIES_A_LOOK = 1_000, 4_000  # entries that a look at a neighbour must promise: by weights, by chance
MOST_LOOKS = 100_000  # however large the tables are: about a second
NOISE = (1.0, 0.3)  # by how much the costs of one order after the other are changed by chance


def _order(cards: Sequence[int], scopes: Iterable[Scope], keep: Scope) -> list[int]:
    """Find an order: that of min-fill, and where its tables are large the best of more, some found by chance.

    Chance has a fixed seed, and the search ends by a count of looks at neighbours, not by time, so that the same
    network has always the same order. Variables whose neighbours are all joined come first in some best order,
    whatever their states, and min-fill takes them first: only what is left behind them, the core, is searched.

    Source: Koller and Friedman (2009), section 9.4.3.2 (greedy orders, weights and random choices); Bodlaender, Koster
    and van den Eijkhof (2005), "Preprocessing rules for triangulation of probabilistic networks".
    """
    best = _Search(cards, _graph(len(cards), {*scopes, keep}), keep)
    best.run(until_one_lacks=True)
    if best.is_done:
        return best.order  # no edge is lacking anywhere: nothing is left to search
    core = best.copy()
    best.run()
    # To begin a search costs something for each variable, too.
    spent = expected = best.looks - core.looks + len(cards)
    for attempt in count():
        # The search by weights gains most; those by chance, each of them less.
        affordable = min(best.entries // ENTRIES_A_LOOK[attempt > 0], MOST_LOOKS)
        if best.entries < SEARCHED_FROM or spent > affordable:
            return best.order
        if not attempt:
            core.weigh(cards)
        search = core.copy()
        if attempt:
            search.change(Random(attempt), NOISE[attempt % len(NOISE)])
        search.run(limit=best.entries)
        spent += expected
        if search.entries < best.entries:
            best = search
    raise AssertionError


def _graph(n: int, scopes: Iterable[Scope]) -> list[int]:
    """Return the neighbours of each variable: those that share a scope with it."""
    graph = [0] * n
    for scope in scopes:
        joined = 0
        for v in scope:
            joined |= 1 << v
        for v in scope:
            graph[v] |= joined
    return [around & ~(1 << v) for v, around in enumerate(graph)]


class _Search:
    """A greedy order: the cheapest variable is taken next, its neighbours are joined, and it is left out.

    The cost of a variable is how many edges its neighbours lack (min-fill), or once they are weighed, how much these
    weigh: an edge as the product of its ends' numbers of states. Ties go to the smaller table, then to the lower index.
    What a step changes is counted again, nothing else; restarts are copies that go on from where searches part.
    """

    def __init__(self, cards: Sequence[int], graph: list[int], keep: Iterable[int]) -> None:
        self.order: list[int] = []
        self.entries = 0  # of all products so far
        self.looks = 0  # at neighbours
        self._graph = graph
        # A variable without states, which impossible evidence leaves, cannot be divided out of a size.
        self._cards = [max(card, 1) for card in cards]
        self._everybody = self._waiting = (1 << len(cards)) - 1
        for v in keep:
            self._waiting &= ~(1 << v)
        self._sizes = [1] * len(cards)  # of the product that sums the variable out
        self._lacks = [0] * len(cards)
        self._factors = [1.0] * len(cards)
        for v in _members(self._waiting):
            self._sizes[v] = prod([self._cards[v], *[self._cards[a] for a in _members(graph[v])]])
        self.weigh([1] * len(cards))

    @property
    def is_done(self) -> bool:
        """Whether only variables that are kept are left."""
        return not self._waiting

    def copy(self) -> _Search:
        """Return a search that goes on from here by itself."""
        other = copy(self)
        for name in ("order", "_graph", "_sizes", "_lacks", "_factors", "_heap"):
            setattr(other, name, [*getattr(self, name)])
        other._costs = {**self._costs}
        return other

    def weigh(self, weights: Sequence[int]) -> None:
        """Let an edge count as much as the product of its ends' weights."""
        self._weights = weights
        # A sum of weights is a sum of powers of two: for each, those whose weight has it.
        powers = [1 << bit for bit in range(max(weights, default=0).bit_length())]
        having = [sum(1 << v for v, weight in enumerate(weights) if weight & power) for power in powers]
        self._planes = [(power, of_power) for power, of_power in zip(powers, having, strict=True) if of_power]
        for v in _members(self._waiting):
            self._lacks[v] = self._lacking(v, self._graph[v])
        self._begin()

    def change(self, by_chance: Random, most: float) -> None:
        """Multiply the cost of each variable by a number from 1 to 1 + `most`."""
        self._factors = [1.0 + most * by_chance.random() for _ in self._factors]
        self._begin()

    def _begin(self) -> None:
        self._costs = {v: self._cost(v) for v in _members(self._waiting)}
        self._heap = [*self._costs.values()]
        heapify(self._heap)

    def _cost(self, v: int) -> tuple[float, int, int]:
        return self._lacks[v] * self._factors[v], self._sizes[v], v

    def run(self, *, until_one_lacks: bool = False, limit: float = inf) -> None:
        """Go on to the end, to the first variable whose neighbours lack an edge, or to so many entries."""
        while self._heap and self.entries < limit:
            cost = heappop(self._heap)
            lacking, size, v = cost
            if self._costs.get(v) != cost:
                continue  # its cost has changed: it waits in another place
            if until_one_lacks and lacking:
                heappush(self._heap, cost)
                return
            around = self._graph[v]
            self._leave_out(v, size)
            self._join(around, v) if lacking else self._loosen(around, v)
            if self._waiting and around == self._everybody:
                # Everything left is joined with everything: each has the same table, and the lowest index is next.
                for a in _members(self._waiting):
                    size //= self._cards[v]
                    self._leave_out(a, size)
                    v = a

    def _leave_out(self, v: int, size: int) -> None:
        self.order.append(v)
        self.entries += size
        self._everybody &= ~(1 << v)
        self._waiting &= ~(1 << v)
        del self._costs[v]

    def _loosen(self, around: int, v: int) -> None:
        """Take a variable from its neighbours, which are all joined: they lack less, and nobody else is touched."""
        graph, without, card = self._graph, ~(1 << v), self._cards[v]
        for a in _members(around):
            graph[a] &= without
            if self._waiting >> a & 1:
                if others := graph[a] & ~around:
                    self._lacks[a] -= self._weights[v] * self._weight(others)
                self._sizes[a] //= card
                self._wait(a)

    def _join(self, around: int, v: int) -> None:
        """Join all neighbours of a variable that is left out, and count again what any of this changes."""
        graph, sizes, cards, lacks, weights = self._graph, self._sizes, self._cards, self._lacks, self._weights
        members = _members(around)
        for a in members:
            graph[a] &= ~(1 << v)
            sizes[a] //= cards[v]
        touched, rest = 0, around
        for a in members:
            rest &= ~(1 << a)
            lacking = rest & ~graph[a]
            while lacking:
                bit = lacking & -lacking
                lacking ^= bit
                b = bit.bit_length() - 1
                # Whoever knows both, and is none of the members, lacks this edge no more.
                if both := graph[a] & graph[b] & ~around & self._waiting:
                    touched |= both
                    for c in _members(both):
                        lacks[c] -= weights[a] * weights[b]
                sizes[a] *= cards[b]
                sizes[b] *= cards[a]
                graph[a] |= bit
                graph[b] |= 1 << a
        for c in _members(touched):
            self._wait(c)
        for a in members:
            if self._waiting >> a & 1:
                # Members are all joined: what one lacks is an edge to somebody else.
                lacks[a] = self._lacking(a, graph[a] & ~around)
                self._wait(a)
        self.looks += len(members) + touched.bit_count()

    def _lacking(self, v: int, some: int) -> int:
        """Return the weight of the edges that the neighbours of a variable lack, with one end among some of them."""
        graph, lacks, rest = self._graph, 0, self._graph[v]
        for a in _members(some):
            rest &= ~(1 << a)
            if lacking := rest & ~graph[a]:
                lacks += self._weights[a] * self._weight(lacking)
        self.looks += some.bit_count()
        return lacks

    def _weight(self, of: int) -> int:
        total = 0
        for power, having in self._planes:
            total += power * (of & having).bit_count()
        return total

    def _wait(self, v: int) -> None:
        cost = self._cost(v)
        if self._costs.get(v) != cost:
            self._costs[v] = cost
            heappush(self._heap, cost)


def _members(of: int) -> list[int]:
    members = []
    while of:
        lowest = of & -of
        members.append(lowest.bit_length() - 1)
        of ^= lowest
    return members


def minimal_contradiction[Item](items: Sequence[Item], is_possible: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """Find a part of impossible items that is impossible, while leaving out any one of it makes the rest possible.

    Args:
        items: what is impossible together.
        is_possible: says of some of the items, in their order, whether they are possible together. Leaving out an
            item never makes impossible what was possible.

    Returns the part in the order of the items; nothing, if not even no item at all is possible. For a part of k among n
    items it needs about 2 k log2(n / k) + 2 k checks.

    Source: Junker (2004), "QuickXplain: preferred explanations and relaxations for over-constrained problems".
    """
    if not is_possible(()):
        return []
    index = _conflict(
        range(0), False, range(len(items)), lambda places: is_possible([items[i] for i in sorted(places)])
    )
    return [items[i] for i in sorted(index)]


def _conflict(
    background: Sequence[int], has_grown: bool, places: Sequence[int], is_possible: Callable[[Sequence[int]], bool]
) -> list[int]:
    """Find a smallest part of `places` that is impossible together with the background.

    `has_grown`: the background is larger than when it was last known to be possible.
    """
    if has_grown and not is_possible(background):
        return []
    if len(places) <= 1:
        return list(places)
    half = len(places) // 2
    first, second = places[:half], places[half:]
    in_second = _conflict([*background, *first], bool(first), second, is_possible)
    in_first = _conflict([*background, *in_second], bool(in_second), first, is_possible)
    return [*in_first, *in_second]


# Exact inference recorded on a tape: several queries on several networks, whose shared parts are computed once.


@dataclass(frozen=True)
class TapeTable:
    """A factor on the tape: `entries` has one axis for each variable of `scope`; `key` says what it is made of."""

    scope: Scope
    entries: Positions
    key: tuple[object, ...]


class Queries:
    """Records queries on a tape; equal partial results are recorded once (hash-consing by what they are made of)."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._made: dict[tuple[object, ...], TapeTable] = {}

    def table(self, scope: Scope, values: Traced) -> TapeTable:
        """Return traced values (one axis for each variable of the scope) as a factor."""
        return TapeTable(scope, values.at, ("values", scope, *values.at.ravel().tolist()))

    def masses(
        self, cards: Sequence[int], factors: Iterable[TapeTable], scope: Scope, targets: Sequence[NDArray[np.float64]]
    ) -> list[Traced]:
        """Record, for each target (a fixed table over `scope`), the total mass of the factors times the target.

        The variables of `scope` are summed out last, so that the targets share everything before.
        """
        root = self._eliminate(cards, list(factors), scope)
        fixed = [self.table(scope, self._tape.constant(target)) for target in targets]
        return [Traced(self._tape, self._sum_product([root, target], ()).entries) for target in fixed]

    def _eliminate(self, cards: Sequence[int], tables: list[TapeTable], keep: Scope) -> TapeTable:
        used = sorted({v for table in tables for v in table.scope} | set(keep))
        local = {v: i for i, v in enumerate(used)}
        order = plan(
            [cards[v] for v in used],
            [tuple(local[v] for v in table.scope) for table in tables],
            keep=[local[v] for v in keep],
        )
        slots = eliminate(order, tables, _Recording(self._sum_product, used))
        return self._sum_product([slots[i] for i in order.root], tuple(sorted(keep)))

    def _sum_product(self, tables: list[TapeTable], scope: Scope) -> TapeTable:
        """Multiply tables and sum to `scope`; more than three are multiplied two at a time, smallest first."""
        tables = sorted(tables, key=_by_size)
        while len(tables) > 3:
            first, second, *rest = tables
            joint = tuple(sorted({*first.scope, *second.scope}))
            tables = sorted([self._sum_product([first, second], joint), *rest], key=_by_size)
        key = (scope, *(table.key for table in tables))
        if key not in self._made:
            self._made[key] = self._recorded(tables, scope)
        return self._made[key]

    def _recorded(self, tables: list[TapeTable], scope: Scope) -> TapeTable:
        variables = sorted({v for table in tables for v in table.scope} | set(scope))
        cards = {v: size for table in tables for v, size in zip(table.scope, table.entries.shape, strict=True)}
        shape = [cards[v] for v in variables]
        made = TapeTable(scope, self._tape.new(tuple(cards[v] for v in scope)), ("made", len(self._made)))
        operands = [_spread(table, variables, shape) for table in tables]
        operands += [np.array(ONE, dtype=np.uint32)] * (3 - len(operands))
        self._tape.record(SUM, _spread(made, variables, shape), *operands)
        return made


class _Recording:
    """Products and sums on the tape, of variables that a plan numbers anew."""

    def __init__(self, sum_product: Callable[[list[TapeTable], Scope], TapeTable], variables: Sequence[int]) -> None:
        self._sum_product, self._variables = sum_product, variables

    def message(self, given: Sequence[TapeTable], received: Sequence[TapeTable], step: EliminationStep) -> TapeTable:
        return self._sum_product([*given, *received], tuple(self._variables[v] for v in step.scope))


def restrict(table: TapeTable, variable: int, state: int) -> TapeTable:
    """Return the table with a variable fixed at a state (nothing is recorded for it)."""
    if variable not in table.scope:
        return table
    axis = table.scope.index(variable)
    scope = tuple(v for v in table.scope if v != variable)
    return TapeTable(scope, np.take(table.entries, state, axis=axis), (*table.key, "at", variable, state))


def select(table: TapeTable, alive: Sequence[Sequence[int]]) -> TapeTable:
    """Return the table with only some states of each variable: `alive[v]` lists those of variable v."""
    entries, shape = table.entries, table.entries.shape
    for axis, v in enumerate(table.scope):
        if len(alive[v]) < shape[axis]:
            entries = np.take(entries, list(alive[v]), axis=axis)
    if entries is table.entries:
        return table
    return TapeTable(table.scope, entries, (*table.key, "of", *(tuple(alive[v]) for v in table.scope)))


def _by_size(table: TapeTable) -> tuple[int, str]:
    return table.entries.size, repr(table.key)


def _spread(table: TapeTable, variables: list[int], shape: list[int]) -> Positions:
    order = sorted(range(len(table.scope)), key=lambda axis: table.scope[axis])
    entries = table.entries.transpose(order)
    sizes = [size if v in table.scope else 1 for v, size in zip(variables, shape, strict=True)]
    return np.broadcast_to(entries.reshape(sizes), shape)
