"""A straight-line program on numbers: recorded results, simplified and put in an order that runs fast."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.uint32]
Array = NDArray[np.float64]
Term = tuple[int, int, int]
Result = tuple[int, int, tuple[Term, ...]]  # position, kind, terms (a function has one)

# What a result is: a sum of products v[a] v[b] v[c], or a function of v[a] (and v[b]).
SUM, EXP, LOG, EXPM1, LOG1P, ABSOLUTE, MAXIMUM, DIVIDE, LOG_SINHC_HALF, BOTH_STEPS, SUM_OF_PAIRS = range(11)
ONE = 0  # position of the constant 1


@dataclass(frozen=True)
class Program:
    """Results, run in order: result k is written to position `given.size` + k.

    `given` holds the constant 1, the inputs (any numbers here) and the other constants. Results `starts[i]` up to
    `starts[i + 1]` are of kind `kind[i]`; result k has the terms `terms[k]` up to `terms[k + 1]` of `operands`
    (3, terms). In a sum of pairs the third operand is always 1. `outputs` are the positions of the results asked for.
    """

    given: Array
    inputs: int
    kind: NDArray[np.int64]
    starts: NDArray[np.int64]
    terms: NDArray[np.int64]
    operands: Positions
    outputs: Positions


def arrange(inputs: int, constants: Mapping[float, int], results: Iterable[Result], outputs: Positions) -> Program:
    """Build the program of recorded results, each of which only uses results before it.

    Terms with a factor 0 are left out, a result equal to one before is computed once, and what no output depends on
    is dropped. Results are ordered by their depth, kind and number of terms: loops without jumps.
    """
    kept, same = _without_repeats(inputs, constants, results)
    outputs = np.array([same[at] for at in outputs.ravel().tolist()], dtype=np.uint32)
    kept = _needed(kept, outputs)
    depth: dict[int, int] = {}
    for at, (_, terms) in kept.items():
        depth[at] = 1 + max((depth.get(operand, 0) for term in terms for operand in term), default=0)
    order = sorted(kept, key=lambda at: (depth[at], kept[at][0], len(kept[at][1])))
    used = {operand for _, terms in kept.values() for term in terms for operand in term} | set(outputs.tolist())
    fixed = [(number, at) for number, at in constants.items() if at in used and at != ONE]
    place = {at: n for n, at in enumerate([*range(1 + inputs), *(at for _, at in fixed), *order])}
    kinds = np.array([kept[at][0] for at in order], dtype=np.int64)
    first = np.flatnonzero(np.diff(kinds, prepend=-1))
    operands = [[place[operand] for operand in term] for at in order for term in kept[at][1]]
    return Program(
        np.array([1.0, *(0.0,) * inputs, *(number for number, _ in fixed)]),
        inputs,
        kinds[first],
        np.append(first, kinds.size).astype(np.int64),
        np.cumsum([0, *(len(kept[at][1]) for at in order)], dtype=np.int64),
        np.ascontiguousarray(np.array(operands, dtype=np.uint32).reshape(-1, 3).T),
        np.array([place[at] for at in outputs.tolist()], dtype=np.uint32),
    )


Kept = dict[int, tuple[int, tuple[Term, ...]]]


def _without_repeats(
    inputs: int, constants: Mapping[float, int], results: Iterable[Result]
) -> tuple[Kept, dict[int, int]]:
    """Return the results that differ from all before, and for each position the one that holds its value.

    A position that nothing was added to holds zero.
    """
    zero = constants[0.0]
    same = defaultdict(lambda: zero, {at: at for at in (*range(1 + inputs), *constants.values())})
    first: dict[tuple[int, tuple[Term, ...]], int] = {}
    for at, kind, terms in results:
        renamed = [(same[a], same[b], same[c]) for a, b, c in terms]
        if kind == SUM:
            # ONE is the lowest position, so that a product of two has it last.
            products = sorted(_descending(term) for term in renamed if zero not in term)
            if not products or (len(products) == 1 and products[0][1] == ONE):
                same[at] = products[0][0] if products else zero
                continue
            made = (SUM_OF_PAIRS if all(c == ONE for _, _, c in products) else SUM, tuple(products))
        else:
            made = (kind, tuple(renamed))
        same[at] = first.setdefault(made, at)
    return {at: made for made, at in first.items()}, same


def _descending(term: Term) -> Term:
    a, b, c = sorted(term, reverse=True)
    return a, b, c


def _needed(kept: Kept, outputs: Positions) -> Kept:
    needed = set(outputs.tolist())
    for at, (_, terms) in reversed(kept.items()):
        if at in needed:
            needed.update(operand for term in terms for operand in term)
    return {at: made for at, made in kept.items() if at in needed}
