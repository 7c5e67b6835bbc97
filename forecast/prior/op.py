"""A recorded program as a PyTensor operation with a gradient, compiled by numba and cached on disk."""

from __future__ import annotations

from math import exp, expm1, log, log1p, tanh
from typing import Any

import numba
import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_and_cache_key

from forecast.inference.elementary import SERIES_BELOW_DISTANCE, SERIES_BELOW_SUM, SERIES_TERMS
from forecast.inference.tape import (
    ABSOLUTE,
    BOTH_STEPS,
    DIVIDE,
    EXP,
    EXPM1,
    LOG,
    LOG1P,
    LOG_SINHC_HALF,
    MAXIMUM,
    MULTIPLY_ADD,
    Program,
)

# Raise when the kernels below change: it is part of the key under which their machine code is kept on disk.
KERNEL_VERSION = 2


@numba.njit  # type: ignore[untyped-decorator]  # numba ships no types
def log_sinhc_half(x: Any) -> Any:
    """Compute ln(sinh(x/2) / (x/2)) of a number."""
    distance = abs(x)
    if distance < SERIES_BELOW_DISTANCE:
        return x * x / 24.0 - x**4 / 2880.0
    return distance / 2.0 + log(-expm1(-distance) / distance)


@numba.njit  # type: ignore[untyped-decorator]  # numba ships no types
def log_sinhc_half_slope(x: Any) -> Any:
    """Compute the derivative of `log_sinhc_half`: coth(x/2) / 2 - 1/x."""
    if abs(x) < SERIES_BELOW_DISTANCE:
        return x / 12.0 - x**3 / 720.0
    return 0.5 / tanh(x / 2.0) - 1.0 / x


@numba.njit  # type: ignore[untyped-decorator]  # numba ships no types
def both_steps(first: Any, second: Any) -> Any:
    """Compute P(two consecutive steps are taken within one unit of time) for their rates."""
    if first + second >= SERIES_BELOW_SUM:
        between = exp(log_sinhc_half(first - second) - (first + second) / 2.0)
        return -expm1(-first) - first * between
    power, polynomial, series, factorial, sign = 1.0, 1.0, 0.5, 2.0, 1.0
    for n in range(1, SERIES_TERMS):
        power *= first
        polynomial = power + polynomial * second
        factorial *= n + 2
        sign = -sign
        series += sign * polynomial / factorial
    return first * second * series


@numba.njit  # type: ignore[untyped-decorator]  # numba ships no types
def run(x: Any, initial: Any, operation: Any, result: Any, a: Any, b: Any, c: Any) -> Any:  # noqa: C901, PLR0912 - one branch an operation
    """Compute all values of the program at inputs x."""
    v = initial.copy()
    v[1 : 1 + x.size] = x
    for i in range(result.size):
        o, kind, p, q = result[i], operation[i], a[i], b[i]
        if kind == MULTIPLY_ADD:
            v[o] += v[p] * v[q] * v[c[i]]
        elif kind == EXP:
            v[o] = exp(v[p])
        elif kind == LOG:
            v[o] = log(v[p]) if v[p] > 0.0 else (-np.inf if v[p] == 0.0 else np.nan)
        elif kind == EXPM1:
            v[o] = expm1(v[p])
        elif kind == LOG1P:
            v[o] = log1p(v[p])
        elif kind == ABSOLUTE:
            v[o] = abs(v[p])
        elif kind == MAXIMUM:
            v[o] = max(v[p], v[q])
        elif kind == DIVIDE:
            v[o] = v[p] / v[q]
        elif kind == LOG_SINHC_HALF:
            v[o] = log_sinhc_half(v[p])
        elif kind == BOTH_STEPS:
            v[o] = both_steps(v[p], v[q])
    return v


@numba.njit  # type: ignore[untyped-decorator]  # numba ships no types
def run_back(v: Any, seeds: Any, x: Any, operation: Any, result: Any, a: Any, b: Any, c: Any) -> Any:  # noqa: C901, PLR0912 - one branch an operation
    """Propagate the derivative by each value (`seeds`) back to the inputs."""
    d = seeds.copy()
    for i in range(result.size - 1, -1, -1):
        above = d[result[i]]
        if above == 0.0:
            continue
        kind, p, q = operation[i], a[i], b[i]
        if kind == MULTIPLY_ADD:
            s = c[i]
            vp, vq, vs = v[p], v[q], v[s]
            d[p] += above * vq * vs
            d[q] += above * vp * vs
            d[s] += above * vp * vq
        elif kind == EXP:
            d[p] += above * v[result[i]]
        elif kind == LOG:
            d[p] += above / v[p]
        elif kind == EXPM1:
            d[p] += above * (v[result[i]] + 1.0)
        elif kind == LOG1P:
            d[p] += above / (1.0 + v[p])
        elif kind == ABSOLUTE:
            d[p] += above if v[p] >= 0.0 else -above
        elif kind == MAXIMUM:
            d[p if v[p] >= v[q] else q] += above
        elif kind == DIVIDE:
            d[p] += above / v[q]
            d[q] -= above * v[result[i]] / v[q]
        elif kind == LOG_SINHC_HALF:
            d[p] += above * log_sinhc_half_slope(v[p])
        elif kind == BOTH_STEPS:
            first, second = v[p], v[q]
            slope = log_sinhc_half_slope(first - second)
            between = exp(log_sinhc_half(first - second) - (first + second) / 2.0)
            d[p] += above * (exp(-first) - between * (1.0 + first * (slope - 0.5)))
            d[q] += above * first * between * (0.5 + slope)
    return d[1 : 1 + x.size].copy()


class ProgramValues(Op):  # type: ignore[misc]  # pytensor ships partial types
    """All values of a program, from its inputs x (inputs,) and its arrays. Only x has a gradient."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Any:
        """Take x, initial, operation, result, a, b, c."""
        return Apply(self, [pt.as_tensor_variable(i) for i in inputs], [pt.vector("values", dtype="float64")])

    def perform(self, _node: Any, inputs: Any, outputs: Any) -> None:
        """Run forward (the numba kernel, also in other modes)."""
        outputs[0][0] = run(*inputs)

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Return the gradient by x; the arrays of the program have none."""
        x, _initial, *instructions = inputs
        gradient = ProgramGradient()(outputs[0], cotangents[0], x, *instructions)
        return [gradient, *(disconnected_type() for _ in inputs[1:])]

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        """Only x reaches the values."""
        return [[i == 0] for i in range(len(node.inputs))]


class ProgramGradient(Op):  # type: ignore[misc]  # pytensor ships partial types
    """Derivative of seeds . values by the inputs of a program."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Any:
        """Take values, seeds, x, operation, result, a, b, c."""
        return Apply(self, [pt.as_tensor_variable(i) for i in inputs], [pt.vector("gradient", dtype="float64")])

    def perform(self, _node: Any, inputs: Any, outputs: Any) -> None:
        """Run backward."""
        outputs[0][0] = run_back(*inputs)


@register_funcify_and_cache_key(ProgramValues)
def _values_in_numba(_op: Any, **_: Any) -> Any:
    return run, f"forecast-program-values-{KERNEL_VERSION}"


@register_funcify_and_cache_key(ProgramGradient)
def _gradient_in_numba(_op: Any, **_: Any) -> Any:
    return run_back, f"forecast-program-gradient-{KERNEL_VERSION}"


def program_outputs(x: Any, program: Program, data: Any) -> Any:
    """Apply a program to x. `data(name, array)` registers an array that may change without compiling anew."""
    names = ("initial", "operation", "result", "a", "b", "c")
    values = ProgramValues()(x, *(data(f"program_{name}", getattr(program, name)) for name in names))
    return values[data("program_outputs", program.outputs)]
