"""A straight-line program on numbers, recorded once and run many times forward and backward.

The arithmetic of the as-of rows is written for arrays of draws; recorded on a tape instead, the same functions become
a program that the sampler runs with its gradient, in two small compiled loops whatever the network.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, inf, log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.uint32]
Array = NDArray[np.float64]
Term = tuple[int, int, int]
Result = tuple[int, int, tuple[Term, ...]]  # position, kind, terms (a function has one)

# What a result is: a sum of products v[a] v[b] v[c], or a function of v[a] (and v[b]).
SUM, EXP, LOG, EXPM1, LOG1P, ABSOLUTE, MAXIMUM, DIVIDE, LOG_SINHC_HALF, BOTH_STEPS = range(10)
SUM_OF_PAIRS, WEIGHTED_SUM = 10, 11  # sums as `arrange` finds them: it tells them apart by their operands
ONE = 0  # position of the constant 1


@dataclass(frozen=True)
class Program:
    """Results, run in order: result k is written to position `given.size` + k.

    `given` holds the constant 1, the inputs (any numbers here) and the other constants. The results are in stretches
    `stretches` (5, n) of one kind and number of terms: kind, first result, end, first term, terms of each result. The
    terms are `operands` (3, terms). In a sum of pairs the third operand is always 1, and in a weighted sum the second
    is a constant besides. `outputs` are the positions of the results asked for.
    """

    given: Array
    inputs: int
    stretches: NDArray[np.int64]
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
    kinds, widths = np.array([(kept[at][0], len(kept[at][1])) for at in order], dtype=np.int64).reshape(-1, 2).T
    first = np.flatnonzero(np.diff(kinds, prepend=-1) | np.diff(widths, prepend=-1))
    ends = np.append(first[1:], len(order))[: first.size]  # without results there is no stretch
    first_terms = (np.cumsum(widths) - widths)[first]
    operands = [[place[operand] for operand in term] for at in order for term in kept[at][1]]
    return Program(
        np.array([1.0, *(0.0,) * inputs, *(number for number, _ in fixed)]),
        inputs,
        np.stack([kinds[first], first, ends, first_terms, widths[first]]).astype(np.int64),
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
    zero, fixed = constants[0.0], set(constants.values())
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
            made = _sum(products, fixed)
        else:
            made = (kind, tuple(renamed))
        same[at] = first.setdefault(made, at)
    return {at: made for made, at in first.items()}, same


def _sum(products: list[Term], fixed: set[int]) -> tuple[int, tuple[Term, ...]]:
    """Return the kind of a sum, and its terms with a constant last in each pair."""
    if any(c != ONE for _, _, c in products):
        return SUM, tuple(products)
    pairs = tuple((b, a, c) if a in fixed else (a, b, c) for a, b, c in products)
    return WEIGHTED_SUM if all(b in fixed for _, b, _ in pairs) else SUM_OF_PAIRS, pairs


def _descending(term: Term) -> Term:
    a, b, c = sorted(term, reverse=True)
    return a, b, c


def _needed(kept: Kept, outputs: Positions) -> Kept:
    needed = set(outputs.tolist())
    for at, (_, terms) in reversed(kept.items()):
        if at in needed:
            needed.update(operand for term in terms for operand in term)
    return {at: made for at, made in kept.items() if at in needed}


@dataclass(frozen=True)
class _Instructions:
    """Equal operations: on results (n,) and operands (3, n). Sums add up over all instructions of a result."""

    kind: int
    result: Positions
    operands: Positions


class Tape:
    """Records instructions. Every value has one position; constants with equal values share one."""

    def __init__(self, n_inputs: int) -> None:
        self._inputs = n_inputs
        self._size = 2 + n_inputs
        self._constants: dict[float, int] = {1.0: ONE, 0.0: 1 + n_inputs}
        self._instructions: list[_Instructions] = []

    @property
    def inputs(self) -> Traced:
        """The inputs, as an array of one axis."""
        return Traced(self, np.arange(1, 1 + self._inputs, dtype=np.uint32))

    def constant(self, numbers: Any) -> Traced:
        """Return fixed numbers as traced values."""
        array = np.asarray(numbers, dtype=float)
        for number in array.ravel().tolist():
            if number not in self._constants:
                self._constants[number] = self._size
                self._size += 1
        positions = np.array([self._constants[number] for number in array.ravel().tolist()], dtype=np.uint32)
        return Traced(self, positions.reshape(array.shape))

    def new(self, shape: tuple[int, ...]) -> Positions:
        """Return positions for new values, which begin at zero."""
        size = int(np.prod(shape))
        positions = np.arange(self._size, self._size + size, dtype=np.uint32).reshape(shape)
        self._size += size
        return positions

    def record(self, kind: int, result: Positions, a: Any, b: Any = ONE, c: Any = ONE) -> None:
        """Record one operation for arrays of positions, which are broadcast to the result."""
        first, second, third = (np.broadcast_to(operand, result.shape).ravel() for operand in (a, b, c))
        self._instructions.append(_Instructions(kind, result.ravel(), np.stack([first, second, third])))

    def sums(self, n: int, row: Any, weight: Any, x: Traced) -> Traced:
        """Return n values, value r being the sum of weight * x over the entries with `row` == r."""
        result = self.new((n,))
        self.record(SUM, result[row], x.at, self.constant(weight).at)
        return Traced(self, result)

    def program(self, outputs: Traced) -> Program:
        """Finish: return the program of what was recorded, simplified, as far as the outputs depend on it."""
        return arrange(self._inputs, self._constants, self._results(), outputs.at)

    def _results(self) -> Iterator[Result]:
        """Yield each result with its terms, after everything that it uses: in the order of its last instruction."""
        result = np.concatenate([block.result for block in self._instructions])
        kind = np.concatenate([np.full(block.result.size, block.kind) for block in self._instructions])
        operands = np.concatenate([block.operands for block in self._instructions], axis=1).T
        order = np.argsort(result, kind="stable")
        starts = np.flatnonzero(np.diff(result[order], prepend=-1))
        groups = np.split(order, starts[1:])
        for group in sorted(groups, key=lambda group: group[-1]):
            terms = tuple((a, b, c) for a, b, c in operands[group].tolist())
            yield int(result[group[0]]), int(kind[group[0]]), terms


class Traced:
    """An array of values on a tape; arithmetic on it is recorded. Follows numpy's broadcasting."""

    __array_ufunc__ = None  # arrays on the left defer to the operators below

    def __init__(self, tape: Tape, at: NDArray[Any]) -> None:
        self.tape = tape
        self.at: Positions = np.asarray(at, dtype=np.uint32)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.at.shape

    def __getitem__(self, key: Any) -> Traced:
        return Traced(self.tape, self.at[key])

    def transposed(self, axes: tuple[int, ...]) -> Traced:
        """Return the same values with the axes in another order."""
        return Traced(self.tape, self.at.transpose(axes))

    def reshaped(self, shape: tuple[int, ...]) -> Traced:
        """Return the same values in another shape."""
        return Traced(self.tape, self.at.reshape(shape))

    def apply(self, kind: int, *others: Any) -> Traced:
        """Record an operation of self and at most one other operand (traced, an array or a number)."""
        operands = [self.at, *(self._positions(other) for other in others)]
        result = self.tape.new(np.broadcast_shapes(*(operand.shape for operand in operands)))
        self.tape.record(kind, result, *operands)
        return Traced(self.tape, result)

    def _positions(self, other: Any) -> Positions:
        return other.at if isinstance(other, Traced) else self.tape.constant(other).at

    def _plus(self, other: Any, own: float, others: float) -> Traced:
        positions = self._positions(other)
        result = self.tape.new(np.broadcast_shapes(self.shape, positions.shape))
        self.tape.record(SUM, result, self.at, self.tape.constant(own).at)
        self.tape.record(SUM, result, positions, self.tape.constant(others).at)
        return Traced(self.tape, result)

    def __add__(self, other: Any) -> Traced:
        return self._plus(other, 1.0, 1.0)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Traced:
        return self._plus(other, 1.0, -1.0)

    def __rsub__(self, other: Any) -> Traced:
        return self._plus(other, -1.0, 1.0)

    def __mul__(self, other: Any) -> Traced:
        return self.apply(SUM, other)

    __rmul__ = __mul__

    def __neg__(self) -> Traced:
        return self.apply(SUM, -1.0)

    def __truediv__(self, other: Any) -> Traced:
        return self.apply(DIVIDE, other) if isinstance(other, Traced) else self * (1.0 / other)


def joined(parts: Sequence[Traced]) -> Traced:
    """Join arrays along their first axis."""
    return Traced(parts[0].tape, np.concatenate([part.at for part in parts]))


class TapeMath:
    """The functions of `forecast.inference.tape.NumpyMath`, recorded."""

    joined = staticmethod(joined)

    @staticmethod
    def stacked(parts: Sequence[Traced], axis: int) -> Traced:
        """Stack arrays that broadcast to one shape along a new axis; nothing is recorded."""
        return Traced(parts[0].tape, np.stack(np.broadcast_arrays(*(part.at for part in parts)), axis=axis))

    @staticmethod
    def exp(x: Traced) -> Traced:
        """Record e^x."""
        return x.apply(EXP)

    @staticmethod
    def log(x: Traced) -> Traced:
        """Record the natural logarithm."""
        return x.apply(LOG)

    @staticmethod
    def expm1(x: Traced) -> Traced:
        """Record e^x - 1."""
        return x.apply(EXPM1)

    @staticmethod
    def log1p(x: Traced) -> Traced:
        """Record ln(1 + x)."""
        return x.apply(LOG1P)

    @staticmethod
    def abs(x: Traced) -> Traced:
        """Record the absolute value."""
        return x.apply(ABSOLUTE)

    @staticmethod
    def maximum(x: Traced, y: Any) -> Traced:
        """Record the larger of two."""
        return x.apply(MAXIMUM, y)

    @staticmethod
    def log_sinhc_half(x: Traced) -> Traced:
        """Record ln(sinh(x/2) / (x/2))."""
        return x.apply(LOG_SINHC_HALF)

    @staticmethod
    def both_steps(first: Traced, second: Traced) -> Traced:
        """Record P(two consecutive steps are taken within one unit of time) for their rates."""
        return first.apply(BOTH_STEPS, second)


# Sparse linear maps on arrays of draws or on a tape, and the orthonormal basis of effects that sum to zero.

Index = NDArray[np.intp]


def zero_sum_basis(n: int) -> Array:
    """Return an orthonormal basis (n, n - 1) of the vectors of length n that sum to zero (Helmert's).

    Coordinates that are independent N(0, s^2) in it are a ZeroSumNormal of scale s; the choice of basis does not
    matter to the distribution, so neither does the order of the states.
    """
    basis = np.zeros((n, n - 1))
    for j in range(1, n):
        basis[:j, j - 1] = 1.0
        basis[j, j - 1] = -j
    return np.asarray(basis / np.sqrt((basis**2).sum(axis=0)))


@dataclass(frozen=True)
class LinearMap:
    """result[r] = sum of weight * x[column] over the entries with `row` == r. Entries are sorted by row."""

    n_rows: int
    row: Index
    column: Index
    weight: Array

    def __matmul__(self, x: Any) -> Any:
        """Apply to x (n, draws): draws of an array, or values on a tape (draws = 1)."""
        if isinstance(x, Traced):
            return x.tape.sums(self.n_rows, self.row, self.weight, x[self.column, 0])[:, np.newaxis]
        result = np.zeros((self.n_rows, x.shape[1]))
        for row, column, weight in zip(self.row, self.column, self.weight, strict=True):
            result[row] += weight * x[column]
        return result

    def padded(self) -> tuple[Index, Array]:
        """Return columns and weights (rows, most entries of a row); rows with fewer are filled up with weight 0."""
        sizes = np.bincount(self.row, minlength=self.n_rows)
        width = int(sizes.max(initial=1))
        columns, weights = np.zeros((self.n_rows, width), dtype=np.intp), np.zeros((self.n_rows, width))
        place = np.arange(self.row.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        columns[self.row, place], weights[self.row, place] = self.column, self.weight
        return columns, weights


def linear_map(rows: Sequence[dict[int, float]]) -> LinearMap:
    """Build a LinearMap from one {column: weight} for each row."""
    entries = [(r, column, weight) for r, row in enumerate(rows) for column, weight in row.items()]
    row, column, weight = zip(*entries, strict=True) if entries else ((), (), ())
    return LinearMap(
        len(rows), np.array(row, dtype=np.intp), np.array(column, dtype=np.intp), np.array(weight, dtype=float)
    )


# Elementary functions of the hazard arithmetic, and constants that are the same on every processor.

# Below these the closed forms lose digits to cancellation, and their Taylor series are exact to rounding.
SERIES_BELOW_DISTANCE = 1e-2
SERIES_BELOW_SUM = 0.1
SERIES_TERMS = 9


class NumpyMath:
    """Functions on arrays (any shape), elementwise."""

    exp = staticmethod(np.exp)
    expm1 = staticmethod(np.expm1)
    log = staticmethod(np.log)
    log1p = staticmethod(np.log1p)
    abs = staticmethod(np.abs)
    maximum = staticmethod(np.maximum)
    joined = staticmethod(np.concatenate)

    @staticmethod
    def stacked(parts: Sequence[Array], axis: int) -> Array:
        """Stack arrays that broadcast to one shape along a new axis."""
        return np.stack(np.broadcast_arrays(*parts), axis=axis)

    @staticmethod
    def log_sinhc_half(x: Array) -> Array:
        """Compute ln(sinh(x/2) / (x/2)), an even function that is 0 at 0. Also a kernel in prior/op.py: see there."""
        distance = np.abs(x)
        near = distance < SERIES_BELOW_DISTANCE
        square = np.where(near, x * x, 0.0)
        safe = np.where(near, 1.0, distance)
        closed = safe / 2.0 + np.log(-np.expm1(-safe) / safe)
        return np.where(near, square / 24.0 - square * square / 2880.0, closed)

    @staticmethod
    def both_steps(first: Array, second: Array) -> Array:
        """Compute P(two consecutive steps are taken within one unit of time) for their rates.

        1 - (second e^-first - first e^-second) / (second - first), the hypoexponential distribution function.
        """
        one = first * np.exp(-(first + second) / 2.0 + NumpyMath.log_sinhc_half(first - second))
        # The divided difference of e^-x at the nodes 0, first, second is the sum of (-1)^n p_n / (n + 2)!, p_n the
        # complete homogeneous symmetric polynomials of the two rates.
        power, polynomial, series, factorial = 1.0 + 0.0 * first, 1.0 + 0.0 * first, 0.5, 2.0
        for n in range(1, SERIES_TERMS):
            power = power * first
            polynomial = power + polynomial * second
            factorial *= n + 2
            series = series + (-1) ** n * polynomial / factorial
        near = first + second < SERIES_BELOW_SUM
        return np.where(near, first * second * series, -np.expm1(-first) - one)


PLACES = 6  # of numpy's nodes, from which they are computed anew: far more than its last digits are uncertain by
NEWTON_STEPS = 3  # each doubles the number of right digits


def exp_each(x: Array) -> Array:
    """Compute e^x elementwise."""
    return np.array([exp(number) for number in x.ravel().tolist()], dtype=float).reshape(x.shape)


def log_each(x: Array) -> Array:
    """Compute the natural logarithm elementwise, of 0 minus infinity; raises ValueError for a negative number."""
    logs = [-inf if number == 0.0 else log(number) for number in x.ravel().tolist()]
    return np.array(logs, dtype=float).reshape(x.shape)


@cache
def normal_quadrature(n: int) -> tuple[Array, Array]:
    """Return nodes and weights (n,) of Gauss's rule for the standard normal distribution; the weights sum to one.

    Nodes are the zeros of the n-th Hermite polynomial, found by Newton's method in its orthonormal recurrence from
    numpy's nodes cut to a few places; weights are 1 / sum_k h_k(x)^2 over the polynomials below degree n.

    Source: Golub and Welsch (1969); Press et al. (2007), "Numerical Recipes", section 4.6.
    """
    nodes, weights = [], []
    for start in np.round(np.polynomial.hermite_e.hermegauss(n)[0], PLACES).tolist():
        x = start
        for _ in range(NEWTON_STEPS):
            below, last = _hermite(n, x)
            x -= last / (sqrt(n) * below[-1])  # the derivative of h_n is sqrt(n) h_{n - 1}
        below, _ = _hermite(n, x)
        nodes.append(x)
        weights.append(1.0 / sum(value * value for value in below))
    total = sum(weights)
    return np.array(nodes), np.array([weight / total for weight in weights])


def _hermite(n: int, x: float) -> tuple[list[float], float]:
    """Return the orthonormal Hermite polynomials of degree 0 to n - 1 at x, and that of degree n."""
    values = [1.0, x]
    for k in range(1, n):
        values.append((x * values[k] - sqrt(k) * values[k - 1]) / sqrt(k + 1))
    return values[:n], values[n]
