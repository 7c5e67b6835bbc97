"""A straight-line program on numbers, recorded once and run many times forward and backward.

The arithmetic of the as-of rows is written for arrays of draws; recorded on a tape instead, the same functions become
a program that the sampler runs with its gradient, in two small compiled loops whatever the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.inference.program import (
    ABSOLUTE,
    BOTH_STEPS,
    DIVIDE,
    EXP,
    EXPM1,
    LOG,
    LOG1P,
    LOG_SINHC_HALF,
    MAXIMUM,
    ONE,
    SUM,
    Positions,
    Program,
    Result,
    arrange,
)


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
    """Join arrays of one axis."""
    return Traced(parts[0].tape, np.concatenate([part.at for part in parts]))


class TapeMath:
    """The functions of `forecast.inference.elementary.NumpyMath`, recorded."""

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
