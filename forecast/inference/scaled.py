"""Tables of non-negative numbers whose products neither vanish nor overflow: powers of two are kept apart.

A double holds numbers from 2^-1022 to 2^1023. Every table knows between which powers of two its positive entries lie,
so that before any multiplication it is known whether plain arithmetic holds the products. Where it does not, the power
of two common to a draw is taken out (which is exact); and where that is not enough, because the entries of one draw lie
too far apart, every entry carries an exponent of its own. So an entry is zero only if it is impossible.
"""

from __future__ import annotations

from bisect import insort_left
from collections.abc import Sequence
from math import frexp, log, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Int = NDArray[np.int64]
Axes = tuple[int, ...]

REGIONS, DRAWS = 1 << 30, (1 << 30) + 1  # axis names beside the variables' indices, in the order of the axes
ROOM = 960  # products of plain numbers stay within 2^-ROOM and 2^ROOM: doubles hold a little more
LITTLE_ROOM = 240  # bounds beyond this are looked at anew: they add up from product to product
NO_EXPONENT = -(1 << 40)  # of zero: below every exponent, and far from the limits of an integer
BELOW_DOUBLES = -1100  # 2 to this power is zero
SMALLEST = 5e-324  # positive double
LOG_2 = log(2.0)
_NOTHING_OUT = np.zeros(1, dtype=np.int64)


class Table(NamedTuple):
    """The numbers `numbers` * 2^`exponents` * 2^`scale`, with an axis for each variable of `axes` and last the draws.

    `exponents` (None: all zero) has the shape of `numbers`; `scale` (draws, or 1) is common to a draw. Positive
    `numbers` are from 2^`low` to below 2^`high`; with exponents they lie anywhere.
    """

    numbers: Array
    axes: Axes
    low: int
    high: int
    scale: Int = _NOTHING_OUT
    exponents: Int | None = None


def of_factor(numbers: Array, scope: Sequence[int]) -> Table:
    """Return an array (states of the scope..., draws) as a table.

    Raises ValueError for a number that is negative, infinite or not a number.
    """
    smallest, largest = _extremes(numbers)
    if not 0.0 <= smallest <= largest < np.inf:
        wrong = float(numbers[~((numbers >= 0.0) & (numbers < np.inf))].flat[0])
        msg = f"a factor over the variables {tuple(scope)} holds {wrong}; its numbers are finite and not negative"
        raise ValueError(msg)
    return Table(numbers, (*scope, DRAWS), *_bounds(numbers, smallest, largest))


def of_logs(log_numbers: Array, scope: Sequence[int]) -> Table:
    """Return the table whose natural logarithms are given (states of the scope..., draws); minus infinity is zero.

    For products that no array of doubles holds. Raises ValueError for plus infinity and for what is not a number.
    """
    if not (log_numbers < np.inf).all():
        msg = f"a factor over the variables {tuple(scope)} has a logarithm that is infinite or not a number"
        raise ValueError(msg)
    possible = log_numbers > -np.inf
    exponents = np.zeros(log_numbers.shape, dtype=np.int64)
    exponents[possible] = np.floor(log_numbers[possible] / LOG_2)
    numbers = np.exp(log_numbers - LOG_2 * exponents)
    return tightened(Table(numbers, (*scope, DRAWS), 0, 0, exponents=exponents))


def _extremes(numbers: Array) -> tuple[float, float]:
    return (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)


def _bounds(numbers: Array, smallest: float, largest: float) -> tuple[int, int]:
    """Return the powers of two between which the positive ones lie."""
    if largest == 0.0:
        return 0, 0
    return frexp(smallest or _least_positive(numbers))[1] - 1, frexp(largest)[1]


def _least_positive(numbers: Array) -> float:
    # The bits of positive doubles are in the order of the numbers; those of zero become the largest.
    bits = numbers.view(np.uint64) - np.uint64(1)
    return float((bits.min() + np.uint64(1)).view(np.float64))


def contract(tables: Sequence[Table], axes: Axes, cards: Sequence[int]) -> Table:
    """Multiply tables and sum to the variables (and regions) of `axes`, draws last.

    A variable of `axes` in no table is one everywhere. `cards` are the variables' numbers of states.
    """
    seen = {axis for one in tables for axis in one.axes}
    ones = [Table(np.ones((cards[v], 1)), (v, DRAWS), 0, 1) for v in axes if v < REGIONS and v not in seen]
    operands = sorted([*tables, *ones], key=_size)
    if not operands:
        return Table(np.ones(1), (DRAWS,), 0, 1)
    while len(operands) > 2:
        # Two at a time, smallest first: einsum has fast loops for two operands only.
        first, second, *operands = operands
        product = _product([first, second], tuple(sorted({*first.axes, *second.axes})))
        insort_left(operands, product, key=_size)
    return _product(operands, (*axes, DRAWS))


def _size(of: Table) -> int:
    return of.numbers.size


def _product(operands: Sequence[Table], axes: Axes) -> Table:
    """Multiply one or two tables and sum to `axes`."""
    if not _holds(operands):
        operands = [tightened(one) for one in operands]
        if not _holds(operands):
            return _wide_product(operands, axes)
    lengths: dict[int, int] = {}
    low = high = 0
    scale = _NOTHING_OUT
    for one in operands:
        lengths.update(zip(one.axes, one.numbers.shape, strict=True))
        low += one.low
        high += one.high
        if one.scale is not _NOTHING_OUT:
            scale = scale + one.scale
    label = {axis: i for i, axis in enumerate(lengths)}
    sublists = [part for one in operands for part in (one.numbers, [label[axis] for axis in one.axes])]
    numbers: Array = np.einsum(*sublists, [label[axis] for axis in axes])
    lengths[DRAWS] = numbers.shape[-1]
    terms = prod(lengths.values()) // max(numbers.size, 1)  # of each sum
    return Table(numbers, axes, low, high + (terms - 1).bit_length(), scale)


def _holds(operands: Sequence[Table]) -> bool:
    """Say whether plain arithmetic holds the product."""
    low = high = 0
    for one in operands:
        if one.exponents is not None:
            return False
        low += one.low
        high += one.high
    return low >= -ROOM and high <= ROOM


def _wide_product(operands: Sequence[Table], axes: Axes) -> Table:
    """Multiply with an exponent for every entry, and sum relative to the largest term of each sum.

    What is more than a thousand binary orders below the largest term is no part of a sum of doubles. The product is
    formed before it is summed, which plain arithmetic does not need: a few times its memory.
    """
    union = tuple(sorted({axis for one in operands for axis in one.axes}))
    mantissas, exponents = np.ones((1,) * len(union)), np.zeros((1,) * len(union), dtype=np.int64)
    scale = _NOTHING_OUT
    for one in operands:
        own, own_exponents = _apart(one)
        scale = scale + one.scale
        mantissas, shift = np.frexp(mantissas * _spread(own, one.axes, union))
        exponents = exponents + _spread(own_exponents, one.axes, union) + shift
    exponents[mantissas == 0.0] = NO_EXPONENT
    summed = tuple(i for i, axis in enumerate(union) if axis not in axes)
    top = exponents.max(axis=summed, keepdims=True, initial=NO_EXPONENT)
    total = _shifted(mantissas, exponents - top).sum(axis=summed)
    kept = [axis for axis in union if axis in axes]
    order = [kept.index(axis) for axis in axes]
    top = top.squeeze(axis=summed).transpose(order)
    return tightened(Table(total.transpose(order), axes, 0, 0, scale, top))


def _apart(of: Table) -> tuple[Array, Int]:
    """Return every entry, but for the scale of its draw, as a number from .5 to below 1 and a power of two."""
    mantissas, exponents = np.frexp(of.numbers)
    total = exponents.astype(np.int64) if of.exponents is None else exponents + of.exponents
    total[mantissas == 0.0] = NO_EXPONENT
    return mantissas, total


def _spread[Number: (np.float64, np.int64)](entries: NDArray[Number], own: Axes, union: Axes) -> NDArray[Number]:
    """Give an array the axes of `union`, of length one where it has none."""
    ordered = entries.transpose([own.index(axis) for axis in union if axis in own])
    return np.expand_dims(ordered, tuple(i for i, axis in enumerate(union) if axis not in own))


def _shifted(mantissas: Array, exponents: Int) -> Array:
    return np.ldexp(mantissas, np.maximum(exponents, BELOW_DOUBLES).astype(np.intc))


def tightened(of: Table) -> Table:
    """Return the same table with the power of two of each draw's largest number taken out, and with true bounds.

    Without exponents if the entries of no draw lie too far apart.
    """
    mantissas, exponents = _apart(of)
    own_axes = tuple(range(mantissas.ndim - 1))
    top = exponents.max(axis=own_axes, initial=NO_EXPONENT)
    top[top == NO_EXPONENT] = 0
    exponents -= top
    positive = mantissas > 0.0
    lowest = int(exponents.min(where=positive, initial=0)) - 1
    scale = of.scale + top
    if lowest >= -ROOM:
        return Table(_shifted(mantissas, exponents), of.axes, lowest, 0, scale)
    return Table(mantissas, of.axes, lowest, 0, scale, exponents)


def eased(of: Table) -> Table:
    """Return the same table, with true bounds if those that it carries leave little room for products.

    If even these leave little, with the largest number of each draw taken out.
    """
    if of.low >= -LITTLE_ROOM and of.high <= LITTLE_ROOM:
        return of
    if of.exponents is None:
        low, high = _bounds(of.numbers, *_extremes(of.numbers))
        if low >= -LITTLE_ROOM and high <= LITTLE_ROOM:
            return of._replace(low=low, high=high)
    return tightened(of)


def is_empty(of: Table) -> NDArray[np.bool_]:
    """Say of each draw whether all its entries are zero."""
    return np.equal(of.numbers.max(axis=tuple(range(of.numbers.ndim - 1)), initial=0.0), 0.0)


def logs(of: Table) -> Array:
    """Return the natural logarithm of every entry, minus infinity for zero."""
    exponents = of.scale if of.exponents is None else of.exponents + of.scale
    with np.errstate(divide="ignore"):  # what is impossible has log mass minus infinity
        return np.asarray(np.log(of.numbers) + LOG_2 * exponents)


def shares(of: Table) -> Array:
    """Divide each draw by its sum over all other axes. What is positive is never zero but the smallest double."""
    if of.exponents is not None or of.high - of.low > ROOM:
        of = tightened(of)
    numbers = of.numbers if of.exponents is None else _shifted(of.numbers, of.exponents)
    shares = np.asarray(numbers / numbers.sum(axis=tuple(range(numbers.ndim - 1))))
    if of.exponents is not None:
        shares[(of.numbers > 0.0) & (shares == 0.0)] = SMALLEST
    return shares
