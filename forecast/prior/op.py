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
KERNEL_VERSION = 4


@numba.njit
def log_sinhc_half(x: Any) -> Any:
    """Compute ln(sinh(x/2) / (x/2)) of a number."""
    distance = abs(x)
    if distance < SERIES_BELOW_DISTANCE:
        return x * x / 24.0 - x**4 / 2880.0
    return distance / 2.0 + log(-expm1(-distance) / distance)


@numba.njit
def log_sinhc_half_slope(x: Any) -> Any:
    """Compute the derivative of `log_sinhc_half`: coth(x/2) / 2 - 1/x."""
    if abs(x) < SERIES_BELOW_DISTANCE:
        return x / 12.0 - x**3 / 720.0
    return 0.5 / tanh(x / 2.0) - 1.0 / x


@numba.njit
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


@numba.njit
def multiply_add(v: Any, start: Any, stop: Any, result: Any, a: Any, b: Any, c: Any) -> None:
    """Run a stretch of products: by far the most instructions, so in a loop of its own."""
    for i in range(start, stop):
        v[result[i]] += v[a[i]] * v[b[i]] * v[c[i]]


@numba.njit
def multiply_add_back(v: Any, d: Any, start: Any, stop: Any, result: Any, a: Any, b: Any, c: Any) -> None:
    """Propagate derivatives back through a stretch of products."""
    for i in range(stop - 1, start - 1, -1):
        above = d[result[i]]
        if above != 0.0:
            p, q, s = a[i], b[i], c[i]
            vp, vq, vs = v[p], v[q], v[s]
            d[p] += above * vq * vs
            d[q] += above * vp * vs
            d[s] += above * vp * vq


@numba.njit
def function(kind: Any, x: Any, y: Any) -> Any:
    """Compute one instruction that is not a product."""
    if kind == EXP:
        return exp(x)
    if kind == LOG:
        return log(x) if x > 0.0 else -np.inf
    if kind == EXPM1:
        return expm1(x)
    if kind == LOG1P:
        return log1p(x)
    if kind == ABSOLUTE:
        return abs(x)
    if kind == MAXIMUM:
        return max(x, y)
    if kind == DIVIDE:
        return x / y
    if kind == LOG_SINHC_HALF:
        return log_sinhc_half(x)
    return both_steps(x, y)


@numba.njit
def slopes(kind: Any, x: Any, y: Any, result: Any) -> Any:
    """Compute the derivatives of one instruction that is not a product by its two operands."""
    if kind == EXP:
        return result, 0.0
    if kind == LOG:
        return 1.0 / x, 0.0
    if kind == EXPM1:
        return result + 1.0, 0.0
    if kind == LOG1P:
        return 1.0 / (1.0 + x), 0.0
    if kind == ABSOLUTE:
        return (1.0 if x >= 0.0 else -1.0), 0.0
    if kind == MAXIMUM:
        return (1.0, 0.0) if x >= y else (0.0, 1.0)
    if kind == DIVIDE:
        return 1.0 / y, -result / y
    if kind == LOG_SINHC_HALF:
        return log_sinhc_half_slope(x), 0.0
    slope = log_sinhc_half_slope(x - y)
    between = exp(log_sinhc_half(x - y) - (x + y) / 2.0)
    return exp(-x) - between * (1.0 + x * (slope - 0.5)), x * between * (0.5 + slope)


@numba.njit
def run(x: Any, initial: Any, stretches: Any, code: Any) -> Any:
    """Compute all values of the program at inputs x."""
    v = initial.copy()
    v[1 : 1 + x.size] = x
    result, a, b = code[0], code[1], code[2]
    for stretch in range(stretches.shape[1]):
        kind, start, stop = stretches[0, stretch], stretches[1, stretch], stretches[2, stretch]
        if kind == MULTIPLY_ADD:
            multiply_add(v, start, stop, result, a, b, code[3])
        else:
            for i in range(start, stop):
                v[result[i]] = function(kind, v[a[i]], v[b[i]])
    return v


@numba.njit
def run_back(v: Any, seeds: Any, x: Any, stretches: Any, code: Any) -> Any:
    """Propagate the derivative by each value (`seeds`) back to the inputs."""
    d = seeds.copy()
    result, a, b = code[0], code[1], code[2]
    for stretch in range(stretches.shape[1] - 1, -1, -1):
        kind, start, stop = stretches[0, stretch], stretches[1, stretch], stretches[2, stretch]
        if kind == MULTIPLY_ADD:
            multiply_add_back(v, d, start, stop, result, a, b, code[3])
            continue
        for i in range(stop - 1, start - 1, -1):
            above = d[result[i]]
            if above != 0.0:
                by_first, by_second = slopes(kind, v[a[i]], v[b[i]], v[result[i]])
                d[a[i]] += above * by_first
                d[b[i]] += above * by_second
    return d[1 : 1 + x.size].copy()


class ProgramValues(Op):
    """All values of a program, from its inputs x (inputs,) and its arrays. Only x has a gradient."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Any:
        """Take x, initial, stretches, code."""
        return Apply(self, [pt.as_tensor_variable(i) for i in inputs], [pt.vector("values", dtype="float64")])

    def perform(self, _node: Any, inputs: Any, outputs: Any) -> None:
        """Run forward (the numba kernel, also in other modes)."""
        outputs[0][0] = run(*inputs)

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Return the gradient by x; the arrays of the program have none."""
        x, _initial, stretches, code = inputs
        gradient = ProgramGradient()(outputs[0], cotangents[0], x, stretches, code)
        return [gradient, *(disconnected_type() for _ in inputs[1:])]

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        """Only x reaches the values."""
        return [[i == 0] for i in range(len(node.inputs))]


class ProgramGradient(Op):
    """Derivative of seeds . values by the inputs of a program."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Any:
        """Take values, seeds, x, stretches, code."""
        return Apply(self, [pt.as_tensor_variable(i) for i in inputs], [pt.vector("gradient", dtype="float64")])

    def perform(self, _node: Any, inputs: Any, outputs: Any) -> None:
        """Run backward."""
        outputs[0][0] = run_back(*inputs)


@register_funcify_and_cache_key(ProgramValues)  # type: ignore[untyped-decorator]  # pytensor ships partial types
def _values_in_numba(_op: Any, **_: Any) -> Any:
    return run, f"forecast-program-values-{KERNEL_VERSION}"


@register_funcify_and_cache_key(ProgramGradient)  # type: ignore[untyped-decorator]  # pytensor ships partial types
def _gradient_in_numba(_op: Any, **_: Any) -> Any:
    return run_back, f"forecast-program-gradient-{KERNEL_VERSION}"


def packed(program: Program) -> dict[str, Any]:
    """Return the arrays of a program as the operation takes them: few, for each costs time to compile."""
    return {
        "initial": program.initial,
        "stretches": np.stack([program.operation, program.starts[:-1], program.starts[1:]]),
        "code": np.stack([program.result, program.a, program.b, program.c]),
    }


def program_outputs(x: Any, program: Program, data: Any) -> Any:
    """Apply a program to x. `data(name, array)` registers an array that may change without compiling anew."""
    values: Any = ProgramValues()(x, *(data(f"program_{name}", array) for name, array in packed(program).items()))
    return values[data("program_outputs", program.outputs)]


def run_draws(x: Any, program: Program) -> Any:
    """Compute the outputs (draws, outputs) of a program for many inputs x (draws, inputs), one after the other."""
    return _run_draws(np.ascontiguousarray(x), *packed(program).values(), program.outputs)


@numba.njit
def _run_draws(x: Any, initial: Any, stretches: Any, code: Any, outputs: Any) -> Any:
    results = np.empty((x.shape[0], outputs.size))
    for draw in range(x.shape[0]):
        results[draw] = run(x[draw], initial, stretches, code)[outputs]
    return results
