"""Variable elimination, planned once for a set of factor scopes and run later on any number of draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

Scope = tuple[int, ...]


@dataclass(frozen=True)
class Step:
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
    steps: tuple[Step, ...]
    keep: Scope
    root: tuple[int, ...]

    @property
    def largest_table(self) -> int:
        """Entries of the largest product formed on the way: the cost of one draw is of this order."""
        sizes = [prod(self.cards[v] for v in (*step.scope, step.variable)) for step in self.steps]
        return max([*sizes, prod(self.cards[v] for v in self.keep)], default=1)


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
        steps.append(Step(variable, inputs, scope, output))
        open_slots -= set(inputs)
        open_slots.add(output)
        for slot in inputs:
            for v in slots[slot]:
                holding[v].discard(slot)
        for v in scope:
            holding[v].add(output)
    return Plan(tuple(cards), tuple(slots), len(slots) - len(steps), tuple(steps), kept, tuple(sorted(open_slots)))


def _min_fill_order(cards: Sequence[int], scopes: Sequence[Scope], keep: Scope) -> list[int]:
    neighbours: dict[int, set[int]] = {v: set() for v in range(len(cards))}
    for scope in [*scopes, keep]:
        for a, b in combinations(scope, 2):
            neighbours[a].add(b)
            neighbours[b].add(a)

    def cost(variable: int) -> tuple[int, int, int]:
        around = neighbours[variable]
        fill = sum(b not in neighbours[a] for a, b in combinations(around, 2))
        return fill, prod(cards[v] for v in around) * cards[variable], variable

    remaining = set(range(len(cards))) - set(keep)
    costs = {v: cost(v) for v in remaining}
    order = []
    while remaining:
        variable = min(remaining, key=costs.__getitem__)
        order.append(variable)
        remaining.discard(variable)
        around = neighbours.pop(variable)
        for a in around:
            neighbours[a].discard(variable)
        for a, b in combinations(around, 2):
            neighbours[a].add(b)
            neighbours[b].add(a)
        # Only the neighbours and their neighbours can have another fill than before.
        touched = around.union(*(neighbours[a] for a in around)) & remaining
        costs.update({v: cost(v) for v in touched})
    return order
