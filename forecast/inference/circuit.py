"""Exact inference recorded on a tape: several queries on several networks, whose shared parts are computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.inference.elimination import EliminationStep, eliminate, plan
from forecast.inference.tape import ONE, SUM, Positions, Tape, Traced

Scope = tuple[int, ...]


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
