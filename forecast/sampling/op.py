"""A recorded program as a PyTensor operation with a gradient, compiled by numba and cached on disk.

The functions of `forecast.inference.tape` stand here a second time, number by number and with their slopes: numba
compiles no masks of arrays. `tests/inference/test_engine.py` holds both together.
"""

from __future__ import annotations

from math import exp, expm1, log, log1p, tanh
from typing import Any

import numba
import numpy as np
import pytensor.tensor as pt
from pytensor.compile.maker import function as compile_function
from pytensor.compile.sharedvalue import shared
from pytensor.configdefaults import config
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_and_cache_key

from forecast.inference.tape import (
    ABSOLUTE,
    DIVIDE,
    EXP,
    EXPM1,
    LOG,
    LOG1P,
    LOG_SINHC_HALF,
    MAXIMUM,
    SERIES_BELOW_DISTANCE,
    SERIES_BELOW_SUM,
    SERIES_TERMS,
    SUM,
    SUM_OF_PAIRS,
    Program,
)
from forecast.store.program import KERNEL_CODE, source_digest

# Part of the key under which the machine code of the kernels below is kept on disk.
KERNELS = source_digest(*KERNEL_CODE)[:16]


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
def sums(v: Any, shift: Any, start: Any, stop: Any, terms: Any, a: Any, b: Any, c: Any) -> None:
    """Run a stretch of sums of products of three."""
    for k in range(start, stop):
        total = 0.0
        for i in range(terms[k], terms[k + 1]):
            total += v[a[i]] * v[b[i]] * v[c[i]]
        v[shift + k] = total


@numba.njit
def sums_of_pairs(v: Any, shift: Any, start: Any, stop: Any, terms: Any, a: Any, b: Any) -> None:
    """Run a stretch of sums of products of two: by far the most instructions."""
    for k in range(start, stop):
        total = 0.0
        for i in range(terms[k], terms[k + 1]):
            total += v[a[i]] * v[b[i]]
        v[shift + k] = total


@numba.njit
def sums_back(v: Any, d: Any, shift: Any, start: Any, stop: Any, terms: Any, a: Any, b: Any, c: Any) -> None:
    """Propagate derivatives back through a stretch of sums of products of three."""
    for k in range(stop - 1, start - 1, -1):
        above = d[shift + k]
        if above != 0.0:
            for i in range(terms[k], terms[k + 1]):
                p, q, s = a[i], b[i], c[i]
                vp, vq, vs = v[p], v[q], v[s]
                d[p] += above * vq * vs
                d[q] += above * vp * vs
                d[s] += above * vp * vq


@numba.njit
def sums_of_pairs_back(v: Any, d: Any, shift: Any, start: Any, stop: Any, terms: Any, a: Any, b: Any) -> None:
    """Propagate derivatives back through a stretch of sums of products of two."""
    for k in range(stop - 1, start - 1, -1):
        above = d[shift + k]
        if above != 0.0:
            for i in range(terms[k], terms[k + 1]):
                p, q = a[i], b[i]
                vp, vq = v[p], v[q]
                d[p] += above * vq
                d[q] += above * vp


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
def run(x: Any, given: Any, stretches: Any, terms: Any, operands: Any) -> Any:
    """Compute all values of the program at inputs x."""
    shift = given.size
    v = np.empty(shift + terms.size - 1)
    v[:shift] = given
    v[1 : 1 + x.size] = x
    a, b, c = operands[0], operands[1], operands[2]
    for stretch in range(stretches.shape[1]):
        kind, start, stop = stretches[0, stretch], stretches[1, stretch], stretches[2, stretch]
        if kind == SUM_OF_PAIRS:
            sums_of_pairs(v, shift, start, stop, terms, a, b)
        elif kind == SUM:
            sums(v, shift, start, stop, terms, a, b, c)
        else:
            for k in range(start, stop):
                i = terms[k]
                v[shift + k] = function(kind, v[a[i]], v[b[i]])
    return v


@numba.njit
def run_back(v: Any, outputs: Any, above_outputs: Any, x: Any, stretches: Any, terms: Any, operands: Any) -> Any:
    """Propagate the derivatives by the outputs back to the inputs; v are all values of the run."""
    d = np.zeros(v.size)
    for i in range(outputs.size):
        d[outputs[i]] += above_outputs[i]
    shift = v.size - terms.size + 1
    a, b, c = operands[0], operands[1], operands[2]
    for stretch in range(stretches.shape[1] - 1, -1, -1):
        kind, start, stop = stretches[0, stretch], stretches[1, stretch], stretches[2, stretch]
        if kind == SUM_OF_PAIRS:
            sums_of_pairs_back(v, d, shift, start, stop, terms, a, b)
            continue
        if kind == SUM:
            sums_back(v, d, shift, start, stop, terms, a, b, c)
            continue
        for k in range(stop - 1, start - 1, -1):
            above = d[shift + k]
            if above != 0.0:
                i = terms[k]
                by_first, by_second = slopes(kind, v[a[i]], v[b[i]], v[shift + k])
                d[a[i]] += above * by_first
                d[b[i]] += above * by_second
    return d[1 : 1 + x.size].copy()


@numba.njit
def run_for_outputs(x: Any, outputs: Any, given: Any, stretches: Any, terms: Any, operands: Any) -> Any:
    """Compute the outputs of a program, and all its values."""
    v = run(x, given, stretches, terms, operands)
    return v[outputs], v


class ProgramOutputs(Op):
    """Outputs of a program, and all its values, from inputs x (inputs,) and its arrays. Only x has a gradient."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Any:
        """Take x, outputs, given, stretches, terms, operands."""
        made = [pt.vector("outputs", dtype="float64"), pt.vector("values", dtype="float64")]
        return Apply(self, [pt.as_tensor_variable(i) for i in inputs], made)

    def perform(self, _node: Any, inputs: Any, outputs: Any) -> None:
        """Run forward (the numba kernel, also in other modes)."""
        outputs[0][0], outputs[1][0] = run_for_outputs(*inputs)

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Return the gradient by x; the arrays of the program have none, and the values serve only the gradient."""
        x, at, _given, *code = inputs
        gradient = ProgramGradient()(outputs[1], at, cotangents[0], x, *code)
        return [gradient, *(disconnected_type() for _ in inputs[1:])]

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        """Only x reaches the outputs."""
        return [[i == 0, False] for i in range(len(node.inputs))]


class ProgramGradient(Op):
    """Derivative of a weighted sum of a program's outputs by its inputs."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Any:
        """Take values, outputs, the weight of each output, x, stretches, terms, operands."""
        return Apply(self, [pt.as_tensor_variable(i) for i in inputs], [pt.vector("gradient", dtype="float64")])

    def perform(self, _node: Any, inputs: Any, outputs: Any) -> None:
        """Run backward."""
        outputs[0][0] = run_back(*inputs)


@register_funcify_and_cache_key(ProgramOutputs)  # type: ignore[untyped-decorator]  # pytensor ships partial types
def _outputs_in_numba(_op: Any, **_: Any) -> Any:
    return run_for_outputs, f"forecast-program-outputs-{KERNELS}"


@register_funcify_and_cache_key(ProgramGradient)  # type: ignore[untyped-decorator]  # pytensor ships partial types
def _gradient_in_numba(_op: Any, **_: Any) -> Any:
    return run_back, f"forecast-program-gradient-{KERNELS}"


def packed(program: Program) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays of a program as the operation takes them: few, for each costs time to compile."""
    return {
        "outputs": program.outputs,
        "given": program.given,
        "stretches": np.stack([program.kind, program.starts[:-1], program.starts[1:]]),
        "terms": program.terms,
        "operands": program.operands,
    }


def program_outputs(x: Any, program: Program, data: Any) -> Any:
    """Apply a program to x. `data(array, name)` registers an array that may change without compiling anew."""
    arrays = (data(array, f"program_{name}") for name, array in packed(program).items())
    made: Any = ProgramOutputs()(x, *arrays)
    return made[0]


def run_draws(x: Any, program: Program) -> Any:
    """Compute the outputs (draws, outputs) of a program for many inputs x (draws, inputs), one after the other."""
    inputs = pt.vector("x", dtype="float64")
    with config.change_flags(numba__fastmath=False):  # as in the density: the same numbers on every processor
        compute: Any = compile_function([inputs], program_outputs(inputs, program, shared), mode="NUMBA")
    return np.array([compute(row) for row in x]).reshape(len(x), program.outputs.size)
