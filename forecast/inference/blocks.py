"""Many draws of one network as a circuit of rows, run by compiled loops: numba's other door of the engine.

A plan is compiled once into a straight list of operations: products of tables clique by clique, sums to messages, and
on the way outward the beliefs of the cliques, which are divided by the messages that went in. An operation works on
whole rows, a row being one number of every draw of a block; so each loop runs along memory that lies together, in
vectors, and a block with all its tables stays in the processor's cache.

The circuit leaves out what is known when it is compiled: where a table that all draws share is zero, no product is
formed, and factors of one are not multiplied. So rules and merged classes, tables of zeros and ones, cost what they
let through. Each draw has a lane of its own, no sum is reordered, and no product is fused with a sum: neither the
number of draws in a block, nor that of threads, nor the processor changes a bit. Only logarithms are numpy's.

Plain doubles hold the numbers; each table carries the powers of two between which they lie, as in `scaled`. Where
these get far apart the largest number of each draw is taken out, and where not even that is enough the circuit
declines, and `batch` takes over.

Source: Lauritzen and Spiegelhalter (1988), "Local computations with probabilities on graphical structures and their
application to expert systems"; Darwiche (2003), "A differential approach to inference in Bayesian networks" (networks
as arithmetic circuits); Koller and Friedman (2009), sections 10.2 and 10.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import frexp, inf, prod
from typing import Any, NamedTuple

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from forecast.inference.batch import Factor, Solution
from forecast.inference.elimination import Plan, Scope
from forecast.inference.junction import Clique, rooted_tree
from forecast.inference.scaled import LITTLE_ROOM, LOG_2, ROOM, Table

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Operations = NDArray[np.uint32]

ZERO, ONE = 0, 1  # rows that hold these numbers
WIDTH = 128  # draws in a row: the rows of twenty events then fit into a processor's second cache
OPERANDS = 4  # of an operation
# Operations on rows: products of two to four, the sum of one to four, the same added on, and a quotient.
PRODUCT, SUM, ADD, QUOTIENT = 0, 4, 8, 13
# Steps, each about a table: they differ in its bounds, and in what is done behind their operations.
MULTIPLIED, SUMMED, MESSAGE, DIVIDED, WRITTEN, SHARED = range(6)
INFINITY = np.uint64(0x7FF0 << 48)  # its bits, which are less than those of what is negative or no number


@intrinsic
def _bits_at(_context: Any, address: Any) -> Any:
    """Read memory at an address as integers."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.uint64)(address), code


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _load(address: Any, bits: Any, first: Any, n_rows: Any, stride: Any, n: Any, width: Any) -> Any:
    """Copy `n` numbers of each row of a factor, the last one again up to the width; return their extreme bits.

    The bits of doubles without a sign are in the order of the numbers, infinity and what is no number behind all; those
    with one are larger still. The least is that of the positive ones: of zero, one less is the largest number of all.
    """
    below, most = ~np.uint64(0), np.uint64(0)
    at = np.uint64(first) * width
    for r in range(n_rows):
        source: Any = _bits_at(address + r * stride)  # type: ignore[call-arg]  # numba fills in the context
        for d in range(n):
            x = source[d]
            bits[at + d] = x
            most = max(most, x)
            below = min(below, x - np.uint64(1))
        last = source[n - np.uint64(1)]
        for d in range(n, width):
            bits[at + d] = last
        at += width
    return below + np.uint64(1), most


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _measure(members: Any, start: Any, stop: Any, bits: Any, width: Any) -> Any:
    """Return the powers of two between which the positive numbers of some rows lie."""
    least, most = np.int64(0x7FF0 << 48), np.int64(0)
    for k in range(start, stop):
        at = np.uint64(members[k]) * width
        for d in range(width):
            x = bits[at + d]
            most = max(most, x)
            least = min(least, x if x > 0 else np.int64(0x7FF0 << 48))
    if most == 0:
        return np.int64(0), np.int64(0)
    low = (least >> 52) - 1023
    return (low if low > -1023 else np.int64(-1074)), (most >> 52) - 1022


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _take_out(members: Any, start: Any, stop: Any, rows: Any, bits: Any, width: Any, scale: Any) -> None:
    """Divide each draw by the power of two above its largest number, and add that power to its scale."""
    for d in range(width):
        most = np.int64(0)
        for k in range(start, stop):
            most = max(most, bits[np.uint64(members[k]) * width + d])
        if most > 0:
            power = (most >> 52) - 1022
            scale[d] += power
            half = power // 2  # a power of two that a double does not hold is two that it does
            for k in range(start, stop):
                at = np.uint64(members[k]) * width + d
                rows[at] = rows[at] * 2.0**-half * 2.0 ** (half - power)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _operate(operations: Any, first: Any, stop: Any, rows: Any, width: Any) -> None:  # noqa: C901  # a switch
    """Run operations: a kind, the row that is written, and four that are read."""
    for k in range(first, stop):
        at = 6 * k
        kind = operations[at]
        o = np.uint64(operations[at + 1]) * width
        a = np.uint64(operations[at + 2]) * width
        b = np.uint64(operations[at + 3]) * width
        c = np.uint64(operations[at + 4]) * width
        e = np.uint64(operations[at + 5]) * width
        if kind == PRODUCT + 2:
            for d in range(width):
                rows[o + d] = rows[a + d] * rows[b + d]
        elif kind == SUM + 2:
            for d in range(width):
                rows[o + d] = rows[a + d] + rows[b + d]
        elif kind == SUM + 3:
            for d in range(width):
                rows[o + d] = (rows[a + d] + rows[b + d]) + rows[c + d]
        elif kind == PRODUCT + 3:
            for d in range(width):
                rows[o + d] = (rows[a + d] * rows[b + d]) * rows[c + d]
        elif kind == SUM + 4:
            for d in range(width):
                rows[o + d] = (rows[a + d] + rows[b + d]) + (rows[c + d] + rows[e + d])
        elif kind == ADD + 4:
            for d in range(width):
                rows[o + d] += (rows[a + d] + rows[b + d]) + (rows[c + d] + rows[e + d])
        elif kind == PRODUCT + 4:
            for d in range(width):
                rows[o + d] = (rows[a + d] * rows[b + d]) * (rows[c + d] * rows[e + d])
        elif kind == QUOTIENT:
            for d in range(width):
                x, y = rows[a + d], rows[b + d]
                rows[o + d] = x / (y if y > 0.0 else 1.0)
        elif kind == SUM + 1:
            for d in range(width):
                rows[o + d] = rows[a + d]
        elif kind == ADD + 1:
            for d in range(width):
                rows[o + d] += rows[a + d]
        elif kind == ADD + 2:
            for d in range(width):
                rows[o + d] += rows[a + d] + rows[b + d]
        elif kind == ADD + 3:
            for d in range(width):
                rows[o + d] += (rows[a + d] + rows[b + d]) + rows[c + d]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _write(
    members: Any, start: Any, stop: Any, rows: Any, width: Any, out: Any, place: Any, stride: Any, n: Any
) -> None:
    """Write rows to the results as they are."""
    for k in range(start, stop):
        at = np.uint64(members[k]) * width
        for d in range(n):
            out[place + d] = rows[at + d]
        place += stride


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _write_shares(
    members: Any, start: Any, stop: Any, rows: Any, width: Any, total: Any, out: Any, place: Any, stride: Any, n: Any
) -> None:
    """Write rows to the results, divided by their sum."""
    total[:] = 0.0
    for k in range(start, stop):
        at = np.uint64(members[k]) * width
        for d in range(width):
            total[d] += rows[at + d]
    for k in range(start, stop):
        at = np.uint64(members[k]) * width
        for d in range(n):
            out[place + d] = rows[at + d] / total[d]
        place += stride


@numba.njit(cache=True, nogil=True, error_model="numpy")
def run(  # noqa: C901  # one loop over blocks and steps
    sources: Any, steps: Any, operands: Any, operations: Any, members: Any, bounds: Any,
    rows: Any, bits: Any, unsigned: Any, total: Any, out: Any, scales: Any, n_draws: Any, width: Any,
) -> Any:  # fmt: skip
    """Run a circuit on all draws, block by block; say whether plain doubles held everything.

    Args:
        sources: of each factor with draws its address, bytes from row to row, rows, first row of its own, and table.
        steps: kind, table, its operations (from, to), operands (from, to), rows (from, to), and log2 of a sum's terms
            or the place of the result.
        operands: the tables that steps read.
        operations: as `_operate` reads them.
        members: rows of tables.
        bounds: (tables, 2) powers of two between which the numbers of each table lie.
        rows: what is computed: so many rows of `width` draws.
        bits: the same memory as integers.
        unsigned: the same without a sign.
        total: a row.
        out: (rows * draws) what is asked for.
        scales: (draws) powers of two by which the masses are to be multiplied.
        n_draws: how many there are.
        width: draws in a row.
    """
    stride = np.uint64(n_draws)
    for begin in range(0, n_draws, np.int64(width)):
        n = np.uint64(min(np.int64(width), n_draws - begin))
        for f in range(sources.shape[0]):
            address = sources[f, 0] + 8 * begin
            smallest, largest = _load(address, unsigned, sources[f, 3], sources[f, 2], sources[f, 1], n, width)
            if largest >= INFINITY:
                return False
            least, most = np.int64(smallest), np.int64(largest)
            table = sources[f, 4]
            low = (least >> 52) - 1023
            bounds[table, 0] = 0 if most == 0 else (low if low > -1023 else -1074)
            bounds[table, 1] = 0 if most == 0 else (most >> 52) - 1022
        scale = np.zeros(np.int64(width), np.int64)
        dropped = np.zeros(np.int64(width), np.int64)
        for s in range(steps.shape[0]):
            kind, table = steps[s, 0], steps[s, 1]
            low, high = np.int64(0), np.int64(0)
            for k in range(steps[s, 4], steps[s, 5]):
                low += min(bounds[operands[k], 0], 0)
                high += max(bounds[operands[k], 1], 0)
            if kind in (SUMMED, MESSAGE, DIVIDED):
                high += steps[s, 8]
            if low < -ROOM or high > ROOM:
                return False
            _operate(operations, steps[s, 2], steps[s, 3], rows, width)
            if kind in (MESSAGE, DIVIDED) and (low < -LITTLE_ROOM or high > LITTLE_ROOM):
                low, high = _measure(members, steps[s, 6], steps[s, 7], bits, width)
                if low < -LITTLE_ROOM or high > LITTLE_ROOM:
                    _take_out(
                        members, steps[s, 6], steps[s, 7], rows, bits, width, scale if kind == MESSAGE else dropped
                    )
                    low, high = _measure(members, steps[s, 6], steps[s, 7], bits, width)
            place = np.uint64(steps[s, 8]) * stride + np.uint64(begin)
            if kind == SHARED:
                if high - low > ROOM:
                    low, high = _measure(members, steps[s, 6], steps[s, 7], bits, width)
                    if high - low > ROOM:
                        return False
                _write_shares(members, steps[s, 6], steps[s, 7], rows, width, total, out, place, stride, n)
            elif kind == WRITTEN:
                _write(members, steps[s, 6], steps[s, 7], rows, width, out, place, stride, n)
            else:
                bounds[table, 0], bounds[table, 1] = low, high
        for d in range(n):
            scales[begin + d] = scale[d]
    return True


class _Rows(NamedTuple):
    """A table of a circuit: the row of each entry, an axis for each variable of `axes`, and its number."""

    axes: Scope
    rows: Index
    number: int


class _Writer:
    """Writes a circuit down, table by table. Rows that are let go are used again."""

    def __init__(self, cards: Sequence[int]) -> None:
        self.cards = cards
        self.n_rows, self.n_tables = ONE + 1, 0
        self.steps: list[list[int]] = []
        self.operands: list[int] = []
        self._operations: list[Operations] = []
        self._members: list[Index] = []
        self._n_operations = self._n_members = 0
        self._free = np.zeros(0, dtype=np.int64)

    def table(self, axes: Scope, rows: Index) -> _Rows:
        """Give a table a number."""
        self.n_tables += 1
        return _Rows(axes, rows.reshape([self.cards[v] for v in axes]), self.n_tables - 1)

    def new(self, n: int) -> Index:
        """Return rows that nobody needs."""
        again, self._free = self._free[:n], self._free[n:]
        fresh = np.arange(self.n_rows, self.n_rows + n - again.size)
        self.n_rows += fresh.size
        return np.concatenate([again, fresh])

    def let_go(self, rows: Index) -> None:
        """Rows whose numbers are not read again."""
        self._free = np.concatenate([rows, self._free])

    def product(self, tables: Sequence[_Rows], axes: Scope) -> tuple[_Rows, Index]:
        """Multiply tables over the axes; return the product and the rows made for it.

        Two at a time, smallest first, while that makes tables smaller than the product; the rest at once.
        """
        waiting, made = sorted(tables, key=_entries), list[Index]()
        size = prod([self.cards[v] for v in axes])
        while len(waiting) > 1:
            first, second, *others = waiting
            union = tuple(sorted({*first.axes, *second.axes}))
            if len(waiting) <= OPERANDS and 2 * prod([self.cards[v] for v in union]) > size:
                break
            joined, own = self._multiplied([first, second], union)
            made.append(own)
            waiting = sorted([joined, *others], key=_entries)
        whole, own = self._multiplied(waiting, axes)
        return whole, np.concatenate([*made, own])

    def _multiplied(self, tables: Sequence[_Rows], axes: Scope) -> tuple[_Rows, Index]:
        n = prod([self.cards[v] for v in axes])
        aligned = [np.full(n, ONE), *(self._spread(one, axes).ravel() for one in tables)]
        operands = _last(_last(np.stack(aligned, axis=1), ONE), ZERO)
        count = (operands > ONE).sum(axis=1)
        whole = np.where(operands[:, -1] == ZERO, ZERO, operands[:, 0])
        to_do = np.flatnonzero((count > 1) & (whole != ZERO))
        own = self.new(to_do.size)
        whole[to_do] = own
        product = self.table(axes, whole)
        written = _written(PRODUCT, count[to_do], own, operands[to_do, :OPERANDS])
        self._step(MULTIPLIED, product, tables, [written])
        return product, own

    def _spread(self, table: _Rows, axes: Scope) -> Index:
        ordered = table.rows.transpose([table.axes.index(v) for v in axes if v in table.axes])
        shape = [self.cards[v] if v in table.axes else 1 for v in axes]
        return np.broadcast_to(ordered.reshape(shape), [self.cards[v] for v in axes])

    def total(self, of: _Rows, axes: Scope, kind: int = SUMMED) -> tuple[_Rows, Index]:
        """Sum a table to the axes; return the sums and the rows made for them. A message has rows of its own."""
        others = [v for v in of.axes if v not in axes]
        terms = of.rows.transpose([of.axes.index(v) for v in (*axes, *others)])
        terms = _last(terms.reshape(prod([self.cards[v] for v in axes]), -1), ZERO)
        count = (terms != ZERO).sum(axis=1)
        sums = terms[:, 0].copy()
        to_do = np.flatnonzero(count > (0 if kind == MESSAGE else 1))
        own = self.new(to_do.size)
        sums[to_do] = own
        terms, count = terms[to_do], count[to_do]
        blocks, order = [], []
        for start in range(0, terms.shape[1], OPERANDS):
            left = np.flatnonzero(count > start)
            at = np.minimum(count[left] - start, OPERANDS)
            blocks.append(_written(ADD if start else SUM, at, own[left], terms[left, start : start + OPERANDS]))
            order.append(left)
        written = np.concatenate(blocks)[np.argsort(np.concatenate(order), kind="stable")]
        table = self.table(axes, sums)
        self._step(kind, table, [of], [written], (max(terms.shape[1], 1) - 1).bit_length())
        return table, own

    def ratio(self, joint: _Rows, message: _Rows, others: Sequence[_Rows]) -> tuple[_Rows, Index]:
        """Divide by a message, where there is anything to divide; return the quotients and their rows.

        What is left is a sum of products of `others`, the tables that the message was multiplied with.
        """
        below = self._spread(message, joint.axes).ravel()
        quotients = joint.rows.ravel().copy()
        to_do = np.flatnonzero(quotients)
        own = self.new(to_do.size)
        pairs = np.stack([quotients[to_do], below[to_do]], axis=1)
        quotients[to_do] = own
        table = self.table(joint.axes, quotients)
        written = _written(QUOTIENT, np.zeros(own.size, dtype=np.int64), own, pairs)
        terms = prod([self.cards[v] for v in {axis for one in others for axis in one.axes}])
        self._step(DIVIDED, table, others, [written], terms.bit_length())
        return table, own

    def write(self, kind: int, of: _Rows, place: int) -> int:
        """Write a table to the results, from `place` on; return the place behind it."""
        self._step(kind, of, [of], [], place, of.rows.ravel())
        return place + of.rows.size

    def _step(
        self, kind: int, table: _Rows, operands: Sequence[_Rows], written: Sequence[Operations], more: int = 0,
        members: Index | None = None,
    ) -> None:  # fmt: skip
        n = sum(len(block) for block in written)
        if members is None:
            members = np.unique(table.rows)
            members = members[members > ONE] if kind in (MESSAGE, DIVIDED) else members[:0]
        begin, at, first = self._n_operations, len(self.operands), self._n_members
        self._n_operations += n
        self._n_members += members.size
        self._operations += written
        self._members.append(members)
        self.operands += [one.number for one in operands]
        self.steps.append([kind, table.number, begin, begin + n, at, len(self.operands), first, self._n_members, more])

    @property
    def operations(self) -> Operations:
        """All operations, six numbers each."""
        return np.concatenate([np.zeros((0, 2 + OPERANDS), dtype=np.uint32), *self._operations]).ravel()

    @property
    def members(self) -> Index:
        """The rows that steps name."""
        return np.concatenate([np.zeros(0, dtype=np.int64), *self._members])


def _entries(table: _Rows) -> tuple[int, int]:
    return table.rows.size, table.number


def _last(operands: Index, row: int) -> Index:
    """Put a row behind the other operands, whose order stays: their product or sum does not depend on their places."""
    if not (operands == row).any():
        return operands
    return np.take_along_axis(operands, np.argsort(operands == row, axis=1, kind="stable"), axis=1)


def _written(kind: int, count: Index, own: Index, operands: Index) -> Operations:
    """Return operations: kinds that follow the number of operands, rows written, rows read."""
    written = np.zeros((own.size, 2 + OPERANDS), dtype=np.uint32)
    written[:, 0], written[:, 1] = kind + count, own
    written[:, 2 : 2 + operands.shape[1]] = operands
    return written


STORED_UP_TO = 20_000  # entries of products: beyond this they are made again on the way outward
CIRCUITS = 8  # of a plan that are kept: the same question comes again with other numbers


class _Circuit:
    """One question to a plan, compiled: which factors have draws, what the others leave out, and what is asked."""

    def __init__(
        self, network: Plan, shared: Sequence[Array | None], masks: Array, wanted: Sequence[int], *,
        by_region: bool, outward: bool,
    ) -> None:  # fmt: skip
        """Compile; `shared` are the factors that all draws have in common, None for the others."""
        self._cliques = rooted_tree(network)
        self._region = len(network.cards)
        self._writer = _Writer((*network.cards, masks.shape[0]))
        self.given = [self._factor(network.scopes[slot], one) for slot, one in enumerate(shared)]
        self._messages: list[_Rows] = []
        self._stored = outward and network.work <= STORED_UP_TO
        products = [self._inward(clique) for clique in self._cliques]
        root, _ = products[-1]
        apart = np.where(np.moveaxis(masks, 0, -1) > 0.0, root.rows[..., np.newaxis], ZERO)
        belief = _Rows((*root.axes, self._region), apart, root.number)
        self.n_out = self._writer.write(WRITTEN, self._writer.total(belief, (self._region,))[0], 0)
        self.marginals: dict[int, int] = {}  # where the result of each variable begins
        self.families: dict[int, int] = {}
        if outward:
            beyond = (self._region,) if by_region else ()
            self._outward(products, belief if by_region else root, beyond, {*wanted})
        self.n_rows, self.n_tables = self._writer.n_rows, self._writer.n_tables
        self.steps = np.array(self._writer.steps, dtype=np.int64)
        self.operands = np.array(self._writer.operands, dtype=np.int64)
        self.operations, self.members = self._writer.operations, self._writer.members

    def _factor(self, scope: Scope, shared: Array | None) -> tuple[int, _Rows]:
        """Give a factor rows; return the first of them, and the table: known zeros and ones need none of them."""
        rows = self._writer.new(prod([self._writer.cards[v] for v in scope]))
        first = int(rows[0])
        if shared is not None:
            rows = np.where(shared.ravel() == 0.0, ZERO, ONE if _selects(shared) else rows)
        return first, self._writer.table(scope, rows)

    def _product(self, clique: Clique) -> tuple[_Rows, Index]:
        tables = [self.given[slot][1] for slot in clique.factors] + [self._messages[c] for c in clique.children]
        return self._writer.product(tables, clique.separator + clique.own)

    def _inward(self, clique: Clique) -> tuple[_Rows, Index]:
        product, own = self._product(clique)
        if clique is not self._cliques[-1]:
            self._messages.append(self._writer.total(product, clique.separator, MESSAGE)[0])
            if not self._stored:
                self._writer.let_go(own)
        return product, own

    def _outward(self, products: list[tuple[_Rows, Index]], belief: _Rows, beyond: Scope, wanted: set[int]) -> None:
        """Write what every clique believes, which is its product times what is known outside of it."""
        writer, outside = self._writer, dict[int, tuple[_Rows, Index]]()
        for c in reversed(range(len(self._cliques))):
            clique, done = self._cliques[c], list[Index]()
            given = [self.given[slot][1] for slot in clique.factors]
            if c in outside:
                product, own = products[c] if self._stored else self._product(clique)
                above, of_above = outside.pop(c)
                belief, of_belief = writer.product([product, above], (*clique.separator, *clique.own, *beyond))
                done = [own, of_above, of_belief]
                given.append(above)
            sums = [belief]
            for child in sorted(clique.children, key=lambda k: (-self._messages[k].rows.size, k)):
                sums.append(self._sum(sums, (*self._cliques[child].separator, *beyond), done))
                others = [self._messages[other] for other in clique.children if other != child]
                outside[child] = writer.ratio(sums[-1], self._messages[child], [*given, *others])
            for slot in (slot for slot in clique.factors if slot in wanted):
                sums.append(self._sum(sums, (*self.given[slot][1].axes, *beyond), done))
                self.families[slot], self.n_out = self.n_out, writer.write(SHARED, sums[-1], self.n_out)
            for v in clique.own:
                marginal = self._sum(sums, (v, *beyond), done)
                self.marginals[v], self.n_out = self.n_out, writer.write(SHARED, marginal, self.n_out)
            for rows in done:
                writer.let_go(rows)

    def _sum(self, tables: Sequence[_Rows], axes: Scope, made: list[Index]) -> _Rows:
        """Sum the smallest table that has the axes."""
        table, own = self._writer.total(min((one for one in tables if {*axes} <= {*one.axes}), key=_entries), axes)
        made.append(own)
        return table


def _selects(shared: Array) -> bool:
    return bool(((shared == 0.0) | (shared == 1.0)).all())


class _Runner:
    """A circuit with the memory that it runs in: as much as there are threads that use it at once."""

    def __init__(self, circuit: _Circuit) -> None:
        self.circuit = circuit
        self._idle: list[Array] = []

    def __call__(self, factors: Sequence[Array], n_draws: int) -> tuple[Array, Index] | None:
        """Return the results (rows, draws) and the scale of the masses; nothing where doubles may not hold them."""
        circuit, width = self.circuit, min(WIDTH, n_draws)
        rows = self._idle.pop() if self._idle else np.zeros(0)
        if rows.size != circuit.n_rows * width:
            rows = np.empty(circuit.n_rows * width)
        rows[:width] = 0.0
        rows[width : 2 * width] = 1.0
        bounds = np.zeros((circuit.n_tables, 2), dtype=np.int64)
        bounds[:, 1] = 1
        sources, kept = list[tuple[int, ...]](), list[Array]()
        for (first, table), factor in zip(circuit.given, factors, strict=True):
            flat = factor.reshape(-1, factor.shape[-1])
            if flat.shape[-1] == n_draws:
                if flat.strides[-1] != flat.itemsize:
                    flat = np.ascontiguousarray(flat)
                kept.append(flat)
                address = flat.__array_interface__["data"][0]
                sources.append((address, flat.strides[0], flat.shape[0], first, table.number))
            else:
                rows.reshape(-1, width)[first : first + flat.shape[0]] = flat
                least, most = flat.min(initial=inf, where=flat > 0.0), flat.max(initial=0.0)
                if not (flat.min(initial=0.0) >= 0.0 and most < inf):
                    return None
                bounds[table.number] = (frexp(least)[1] - 1, frexp(most)[1]) if most else (0, 0)
        out, scales = np.empty((circuit.n_out, n_draws)), np.zeros(n_draws, dtype=np.int64)
        tables = circuit.steps, circuit.operands, circuit.operations, circuit.members, bounds
        found = np.array(sources, dtype=np.int64).reshape(-1, 5)
        memory = rows, rows.view(np.int64), rows.view(np.uint64), np.empty(width), out.reshape(-1), scales
        held = run(found, *tables, *memory, n_draws, np.uint64(width))
        self._idle.append(rows)
        return (out, scales) if held else None


def solve(
    network: Plan, factors: Sequence[Factor], regions: Array | None = None, *, by_region: bool = True,
    wanted: Sequence[int] = (), outward: bool = True,
) -> Solution | None:  # fmt: skip
    """Compute what `batch.solve` does; without `outward` neither marginals nor families.

    Nothing where doubles may not hold the numbers, for factors that are not finite, and if a draw has no mass.
    """
    if not all(network.cards):
        return None
    arrays = [factor.numbers if isinstance(factor, Table) else factor for factor in factors]
    n_draws = max((array.shape[-1] for array in arrays), default=1)
    kept = tuple([network.cards[v] for v in network.keep])
    masks = np.ones((1, *kept)) if regions is None else regions
    if not _selects(masks) or n_draws == 1:
        return None
    scale = np.zeros(1, dtype=np.int64)
    for factor, array, scope in zip(factors, arrays, network.scopes, strict=False):
        if array.shape not in {(shape := tuple([network.cards[v] for v in scope])) + (1,), (*shape, n_draws)}:
            msg = f"a factor over the variables {scope} has the shape {array.shape}"
            raise ValueError(msg)
        if isinstance(factor, Table):
            if factor.exponents is not None or factor.axes[:-1] != scope:
                return None
            scale = scale + factor.scale
    by_region &= masks.shape[0] > 1
    runner = _runner(network, arrays, masks, tuple(wanted), by_region=by_region, outward=outward)
    results = runner(arrays, n_draws)
    if results is None:
        return None
    out, scales = results
    of_regions = out[: masks.shape[0]]
    total = of_regions.sum(axis=0)
    if not total.all():
        return None
    with np.errstate(divide="ignore"):  # a region that is impossible has log mass minus infinity
        log_regions = np.log(of_regions) + LOG_2 * (scales + scale)
    last = masks.shape[0] if by_region else 1

    def result(place: int, scope: Scope) -> Array:
        shape = tuple([network.cards[v] for v in scope])
        return out[place : place + prod(shape) * last].reshape(*shape, last, n_draws)

    circuit = runner.circuit
    return Solution(
        np.log(total) + LOG_2 * (scales + scale),
        log_regions,
        tuple([result(circuit.marginals[v], (v,)) for v in range(len(network.cards))]) if outward else (),
        tuple([result(circuit.families[slot], network.scopes[slot]) for slot in wanted]) if outward else (),
    )


def _runner(
    network: Plan, arrays: Sequence[Array], masks: Array, wanted: tuple[int, ...], *, by_region: bool, outward: bool
) -> _Runner:
    """Compile a circuit, or find the one that was: another pattern of zeros and ones is another circuit."""
    shared = [array[..., 0] if array.shape[-1] == 1 else None for array in arrays]
    patterns = tuple([None if one is None else (_selects(one), np.sign(one).tobytes()) for one in shared])
    key = (patterns, masks.shape[0], masks.tobytes(), wanted, by_region, outward)
    circuits: dict[tuple[object, ...], _Runner] = network.prepared.setdefault("circuits", {})
    if key not in circuits:
        while len(circuits) >= CIRCUITS:
            circuits.pop(next(iter(circuits)), None)
        circuits[key] = _Runner(_Circuit(network, shared, masks, wanted, by_region=by_region, outward=outward))
    return circuits[key]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def joined(numbers: Any, spread: Any, at: Any, out: Any) -> None:
    """Multiply tables with tables, entry by entry, and add the products up: rows of draws throughout.

    Args:
        numbers: (tables, entries, draws).
        spread: (others, entries, draws or 1).
        at: (3, products) which entries of the two are multiplied, and which one of the results that is added to.
        out: (tables, others, entries, draws), zeros.
    """
    n = numbers.shape[2]
    for i in range(numbers.shape[0]):
        for j in range(spread.shape[0]):
            for k in range(at.shape[1]):
                a, b, c = at[0, k], at[1, k], at[2, k]
                if spread.shape[2] == 1:
                    factor = spread[j, b, 0]
                    if factor != 0.0:
                        for d in range(n):
                            out[i, j, c, d] += numbers[i, a, d] * factor
                else:
                    for d in range(n):
                        out[i, j, c, d] += numbers[i, a, d] * spread[j, b, d]
