"""Variable elimination, planned once for a set of factor scopes and run later on any number of draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import combinations
from math import prod
from typing import Protocol

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

    @property
    def largest_table(self) -> int:
        """Entries of the largest product formed on the way: the memory of one draw is of this order."""
        return max(self._products, default=1)

    @property
    def work(self) -> int:
        """Entries of all products formed on the way: the time of one draw is of this order."""
        return sum(self._products)

    @property
    def _products(self) -> list[int]:
        steps = [prod(self.cards[v] for v in (*step.scope, step.variable)) for step in self.steps]
        return [*steps, prod(self.cards[v] for v in self.keep)]


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
    kept = tuple(sorted(set(keep)))
    open_slots = set(range(len(slots)))
    holding: dict[int, set[int]] = {v: set() for v in range(len(cards))}
    for slot, scope in enumerate(slots):
        for variable in scope:
            holding[variable].add(slot)
    steps = []
    for variable in _min_fill_order(cards, slots, kept):
        inputs = tuple(sorted(holding[variable]))
        scope = tuple(sorted({v for slot in inputs for v in slots[slot]} - {variable}))
        output = len(slots)
        slots.append(scope)
        steps.append(EliminationStep(variable, inputs, scope, output))
        open_slots -= set(inputs)
        open_slots.add(output)
        for slot in inputs:
            for v in slots[slot]:
                holding[v].discard(slot)
        for v in scope:
            holding[v].add(output)
    return Plan(tuple(cards), tuple(slots), len(slots) - len(steps), tuple(steps), kept, tuple(sorted(open_slots)))


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


def _min_fill_order(cards: Sequence[int], scopes: Sequence[Scope], keep: Scope) -> list[int]:
    """Take the variable whose neighbours lack the fewest edges among themselves; join them; go on without it."""
    neighbours: list[set[int]] = [set() for _ in cards]
    for scope in {*scopes, keep}:
        for a, b in combinations(scope, 2):
            neighbours[a].add(b)
            neighbours[b].add(a)
    fill = [sum(len(around - neighbours[a]) - 1 for a in around) // 2 for around in neighbours]
    size = [card * prod(cards[a] for a in around) for card, around in zip(cards, neighbours, strict=True)]
    remaining = set(range(len(cards))) - set(keep)
    waiting = [(fill[v], size[v], v) for v in remaining]
    heapify(waiting)
    order = []
    while waiting:
        *cost, variable = heappop(waiting)
        if variable not in remaining or cost != [fill[variable], size[variable]]:
            continue  # its cost has changed: it waits in another place
        order.append(variable)
        remaining.discard(variable)
        around = neighbours[variable]
        touched = set(around)
        for a, b in combinations(sorted(around), 2):
            if b not in neighbours[a]:
                # The new edge is one less to fill for every common neighbour, and new pairs for its two ends.
                common = neighbours[a] & neighbours[b]
                touched |= common
                for c in common:
                    fill[c] -= 1
                for end, other in ((a, b), (b, a)):
                    fill[end] += len(neighbours[end]) - len(common)
                    size[end] *= cards[other]
                neighbours[a].add(b)
                neighbours[b].add(a)
        for a in around:
            fill[a] -= len(neighbours[a]) - len(around)  # the pairs of the variable with those that it does not touch
            neighbours[a].discard(variable)
            # A variable without states, which impossible evidence leaves, cannot be divided out.
            size[a] = size[a] // cards[variable] if cards[variable] else prod(cards[v] for v in (a, *neighbours[a]))
        for v in touched & remaining:
            heappush(waiting, (fill[v], size[v], v))
    return order


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
