"""The passes over a clique tree as compiled loops, for networks with large tables: numba's door of the engine.

The states of a clique are gone through like the digits of a counter, one variable after the other. A table is
multiplied in as soon as the last of its variables has its state, so where it is zero, everything behind is left out;
and a sum is added up as soon as the last of the variables that it keeps is done. So the work follows what is
possible, not the size of the table, and no product is ever stored: memory is that of the messages.

One loop serves both passes: it multiplies tables of numbers, and adds the products up into others.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import frexp, fsum, inf, log, prod
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from forecast.inference.elimination import ImpossibleEvidenceError, Plan, Scope
from forecast.inference.junction import NEVER_IN_DOUBT, Case, clique_tree, strides_of
from forecast.inference.scaled import LOG_2, ROOM

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def run(numbers: Any, sums: Any, loops: Any, start: Any) -> None:  # noqa: C901  # one loop: calls would cost its time
    """Multiply tables and add the products up, as `Loops` has written it down from `start` on.

    `numbers` holds the tables that are multiplied, `sums` those that products are added to.
    """
    depth = loops[start]
    n_tables = loops[start + 1]
    at = start + 2
    shape = loops[at : at + depth]
    inputs = loops[at + depth : at + 2 * depth + 1]  # those whose last variable is that of a depth
    outputs = loops[at + 2 * depth + 1 : at + 3 * depth + 2]
    moved = loops[at + 3 * depth + 2 : at + 4 * depth + 3]
    at += 4 * depth + 3
    place = loops[at : at + n_tables].copy()
    which = loops[at + n_tables : at + n_tables + moved[depth]]
    stride = loops[at + n_tables + moved[depth] : at + n_tables + 2 * moved[depth]]
    inner = loops[at + n_tables + 2 * moved[depth] : at + 2 * n_tables + 2 * moved[depth]]
    state = np.zeros(depth, np.int64)
    product = np.ones(depth + 1)
    total = np.zeros(depth + 1)
    last = depth - 1
    first_in, stop_in = inputs[last], inputs[last + 1]
    first_out, stop_out = outputs[last], outputs[last + 1]
    d = 0
    while d >= 0:
        if d == last:
            p0 = product[d]
            subtotal = 0.0
            n = shape[last]
            if stop_in - first_in == 1 and stop_out - first_out <= 1:
                a, by = place[first_in], inner[first_in]
                if stop_out == first_out:
                    for x in range(n):
                        subtotal += numbers[a + x * by]
                    subtotal *= p0
                else:
                    o, by_o = place[first_out], inner[first_out]
                    for x in range(n):
                        p = p0 * numbers[a + x * by]
                        sums[o + x * by_o] += p
                        subtotal += p
            elif stop_in - first_in == 2 and stop_out - first_out <= 1:
                a, by = place[first_in], inner[first_in]
                b, by_b = place[first_in + 1], inner[first_in + 1]
                if stop_out == first_out:
                    for x in range(n):
                        subtotal += numbers[a + x * by] * numbers[b + x * by_b]
                    subtotal *= p0
                else:
                    o, by_o = place[first_out], inner[first_out]
                    for x in range(n):
                        p = p0 * numbers[a + x * by] * numbers[b + x * by_b]
                        sums[o + x * by_o] += p
                        subtotal += p
            else:
                for x in range(n):
                    p = p0
                    for i in range(first_in, stop_in):
                        p *= numbers[place[i] + x * inner[i]]
                    if p != 0.0:
                        for i in range(first_out, stop_out):
                            sums[place[i] + x * inner[i]] += p
                        subtotal += p
            total[d] = subtotal
            state[d] = n
        elif state[d] < shape[d]:
            p = product[d]
            for i in range(inputs[d], inputs[d + 1]):
                p *= numbers[place[i]]
            if p != 0.0:
                d += 1
                product[d] = p
                total[d] = 0.0
                state[d] = 0
                continue
            for k in range(moved[d], moved[d + 1]):
                place[which[k]] += stride[k]
            state[d] += 1
            continue
        else:
            for k in range(moved[d], moved[d + 1]):
                place[which[k]] -= stride[k] * shape[d]
        # All states of this depth are done: go on with the next one of the depth above.
        d -= 1
        if d >= 0:
            subtotal = total[d + 1]
            for i in range(outputs[d], outputs[d + 1]):
                sums[place[i]] += subtotal
            total[d] += subtotal
            for k in range(moved[d], moved[d + 1]):
                place[which[k]] += stride[k]
            state[d] += 1


@numba.njit(cache=True, nogil=True, error_model="numpy")
def extremes(numbers: Any) -> Any:
    """Return the least positive number (infinity, if there is none) and the largest one."""
    least, largest = np.inf, 0.0
    for number in numbers:
        largest = max(largest, number)
        if 0.0 < number < least:
            least = number
    return least, largest


@numba.njit(cache=True, nogil=True, error_model="numpy")
def divide(joint: Any, message: Any) -> None:
    """Divide where there is something to divide by: the rest is zero already."""
    for i in range(joint.size):
        if message[i] > 0.0:
            joint[i] /= message[i]


START = 20.0  # what it takes to begin with a loop, in multiplications


class _Loops:
    """Writes down for `run` how a clique is gone through."""

    def __init__(self, cards: Sequence[int]) -> None:
        self._cards = cards
        self._written: list[int] = []
        self.starts: list[int] = []

    def add(self, axes: Scope, inputs: Sequence[tuple[int, Scope]], outputs: Sequence[tuple[int, Scope]]) -> None:
        """Add a clique: `axes` are its variables, `inputs` and `outputs` where tables begin and over what they are."""
        tables = [*inputs, *outputs]
        order = self._order(axes, [scope for _, scope in tables])
        depth_of = {v: depth for depth, v in enumerate(order)}
        ranked = sorted(inputs, key=lambda table: max((depth_of[v] for v in table[1]), default=0))
        summed = sorted(outputs, key=lambda table: max((depth_of[v] for v in table[1]), default=0))
        tables = [*ranked, *summed]
        last = [max((depth_of[v] for v in scope), default=0) for _, scope in tables]
        strides = [strides_of(scope, self._cards) for _, scope in tables]
        n, depths = len(inputs), range(len(order))
        touched = [[i for i, of_table in enumerate(strides) if v in of_table] for v in order]
        written = self._written
        self.starts.append(len(written))
        written += [len(order), len(tables), *(self._cards[v] for v in order)]
        written += [*(sum(at < depth for at in last[:n]) for depth in depths), n]
        written += [*(n + sum(at < depth for at in last[n:]) for depth in depths), len(tables)]
        written += np.cumsum([0, *map(len, touched)]).tolist()
        written += [at for at, _ in tables]
        written += [i for of_depth in touched for i in of_depth]
        written += [strides[i][v] for v, of_depth in zip(order, touched, strict=True) for i in of_depth]
        written += [of_table.get(order[-1], 0) for of_table in strides]

    def _order(self, axes: Scope, scopes: Sequence[Scope]) -> Scope:
        """Put last the variables that are in few tables: what is in the innermost loop is done most often."""
        left, order = set(axes), []
        open_tables = [set(scope) for scope in scopes]
        while left:
            v = min(left, key=lambda v: (sum(v in one for one in open_tables) + START / self._cards[v], v))
            order.append(v)
            left.discard(v)
            open_tables = [one for one in open_tables if v not in one]
        return tuple(reversed(order))

    def finished(self) -> Index:
        return np.array(self._written, dtype=np.int64)


class Compiled:
    """A network as loops over its clique tree."""

    def __init__(self, network: Plan) -> None:
        cards, n_factors = network.cards, network.n_factors
        self.network = network
        self.cliques = clique_tree(network)
        scopes = [*network.scopes[:n_factors], *(clique.separator for clique in self.cliques)]
        firsts = np.cumsum([0, *(prod(cards[v] for v in scope) for scope in scopes)]).tolist()
        self._firsts = firsts
        states = np.cumsum([0, *cards]).tolist()
        self._states = states
        self._scalars = [i for i, scope in enumerate(scopes[:n_factors]) if not scope]
        inward, outward = _Loops(cards), _Loops(cards)
        shift = firsts[n_factors]  # of messages, which alone are summed
        for c, clique in enumerate(self.cliques):
            axes = (*clique.separator, *clique.own)
            given = [(firsts[slot], scopes[slot]) for slot in self._inputs(c)]
            own = (firsts[n_factors + c] - shift, clique.separator)
            inward.add(axes, given, [own])
            below = [(firsts[n_factors + k] - shift, scopes[n_factors + k]) for k in clique.children]
            marginals = [(firsts[-1] - shift + states[v], (v,)) for v in clique.own]
            above = (firsts[-1] + own[0], clique.separator)
            outward.add(axes, [*given, above], [*below, *marginals])
        self._inward, self._outward = inward.finished(), outward.finished()
        self._inward_starts, self._outward_starts = inward.starts, outward.starts

    def _inputs(self, c: int) -> list[int]:
        return [*self.cliques[c].factors, *(self.network.n_factors + k for k in self.cliques[c].children)]

    def _below(self, c: int) -> list[int]:
        """Return the factors that the message of a clique is made of."""
        waiting, factors = [c], list[int]()
        while waiting:
            clique = self.cliques[waiting.pop()]
            waiting += clique.children
            factors += clique.factors
        return sorted(factors)

    def solve(self, factors: Sequence[Array]) -> Case | None:
        """Return the case of factors (states of their scopes), or nothing where doubles may not hold its numbers.

        Nothing, too, for factors that are not finite. Raises ImpossibleEvidenceError for a case without any mass.
        """
        firsts, given = self._firsts, self._firsts[self.network.n_factors]
        # The factors, then the messages, then what is known outside of each clique, over the same separators.
        numbers = np.zeros(2 * firsts[-1] - given)
        if factors:
            np.concatenate([factor.ravel() for factor in factors], out=numbers[:given])
        if not (numbers[:given].min(initial=0.0) >= 0.0 and numbers[:given].max(initial=0.0) < inf):
            return None
        inward = self._pass_inward(numbers)
        if inward is None:
            return None
        log_evidence, lows, highs = inward
        marginals, in_doubt = self._pass_outward(numbers, lows, highs)
        parts = [marginals[start:stop] for start, stop in zip(self._states[:-1], self._states[1:], strict=True)]
        shares = tuple(part / part.sum() for part in parts)
        if in_doubt and min(share.min() for share in shares) < NEVER_IN_DOUBT:
            return None
        return Case(log_evidence, shares)

    def _pass_inward(self, numbers: Array) -> tuple[float, list[int], list[int]] | None:
        """Write the messages; return the log of the mass, and the powers of two between which each clique lies."""
        firsts, n_factors = self._firsts, self.network.n_factors
        powers = [_powers(numbers[firsts[slot] : firsts[slot + 1]]) for slot in range(n_factors)]
        messages, exponent = numbers[firsts[n_factors] : firsts[-1]], 0
        lows, highs = list[int](), list[int]()
        masses = [float(numbers[firsts[slot]]) for slot in self._scalars]
        for mass, slot in zip(masses, self._scalars, strict=True):
            if not mass:
                raise ImpossibleEvidenceError(np.zeros(1, dtype=np.intp), (slot,))
        for c, clique in enumerate(self.cliques):
            inputs = [powers[slot] for slot in self._inputs(c)]
            lows.append(sum(min(low, 0) for low, _ in inputs))
            highs.append(sum(max(high, 0) for _, high in inputs))
            if lows[-1] < -ROOM or highs[-1] > ROOM:
                return None
            run(numbers, messages, self._inward, self._inward_starts[c])
            message = numbers[firsts[n_factors + c] : firsts[n_factors + c + 1]]
            low, power = _scaled(message)
            if not message.any():
                raise ImpossibleEvidenceError(np.zeros(1, dtype=np.intp), self._below(c))
            powers.append((low, 0))
            exponent += power
            if not clique.separator:
                masses.append(float(message[0]))
        return fsum((*map(log, masses), exponent * LOG_2)), lows, highs

    def _pass_outward(self, numbers: Array, lows: Sequence[int], highs: Sequence[int]) -> tuple[Array, bool]:
        """Return the marginals one behind the other, each up to a number, and whether a small one may be lost."""
        firsts, n_factors = self._firsts, self.network.n_factors
        given = firsts[n_factors]
        messages, outside = numbers[given : firsts[-1]], numbers[firsts[-1] :]
        sums, in_doubt = np.zeros(messages.size + self._states[-1]), False
        for c in reversed(range(len(self.cliques))):
            at = slice(firsts[n_factors + c] - given, firsts[n_factors + c + 1] - given)
            above = outside[at]
            above[:] = sums[at] if self.cliques[c].separator else 1.0
            low = 0
            if self.cliques[c].separator:
                divide(above, messages[at])
                low, _ = _scaled(above)
            in_doubt |= lows[c] + low - highs[c] < -ROOM
            run(numbers, sums, self._outward, self._outward_starts[c])
        return sums[messages.size :], in_doubt


def _powers(numbers: Array) -> tuple[int, int]:
    """Return the powers of two between which the positive ones lie."""
    least, largest = extremes(numbers)
    return (frexp(least)[1] - 1, frexp(largest)[1]) if largest else (0, 0)


def _scaled(numbers: Array) -> tuple[int, int]:
    """Divide by the power of two above the largest number; return that of the least one, and the one divided by."""
    low, power = _powers(numbers)
    np.ldexp(numbers, -power, out=numbers)
    return low - power, power
