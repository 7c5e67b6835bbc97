"""A recorded program as a PyTensor operation with a gradient, compiled by numba and cached on disk.

The functions of `forecast.inference.tape` stand here a second time, number by number and with their slopes: numba
compiles no masks of arrays. `tests/inference/test_engine.py` holds both together.
"""

from __future__ import annotations

from math import exp, expm1, log, log1p
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
    WEIGHTED_SUM,
    Program,
)
from forecast.store.program import KERNEL_CODE, source_digest

# Part of the key under which the machine code of the kernels below is kept on disk.
KERNELS = source_digest(*KERNEL_CODE)[:16]
SUMS = (SUM, SUM_OF_PAIRS, WEIGHTED_SUM)


@numba.njit
def log_sinhc_half(x: Any) -> Any:
    """Compute ln(sinh(x/2) / (x/2)) of a number, and its derivative coth(x/2) / 2 - 1/x."""
    distance = abs(x)
    if distance < SERIES_BELOW_DISTANCE:
        return x * x / 24.0 - x**4 / 2880.0, x / 12.0 - x**3 / 720.0
    gone = -expm1(-distance)
    slope = 1.0 / gone - 0.5 - 1.0 / distance
    return distance / 2.0 + log(gone / distance), slope if x > 0.0 else -slope


@numba.njit
def both_steps(first: Any, second: Any) -> Any:
    """Compute P(two consecutive steps are taken within one unit of time) for their rates, and its two derivatives."""
    log_ratio, slope = log_sinhc_half(first - second)
    between = exp(log_ratio - (first + second) / 2.0)
    by_first = exp(-first) - between * (1.0 + first * (slope - 0.5))
    by_second = first * between * (0.5 + slope)
    if first + second >= SERIES_BELOW_SUM:
        return -expm1(-first) - first * between, by_first, by_second
    power, polynomial, series, factorial, sign = 1.0, 1.0, 0.5, 2.0, 1.0
    for n in range(1, SERIES_TERMS):
        power *= first
        polynomial = power + polynomial * second
        factorial *= n + 2
        sign = -sign
        series += sign * polynomial / factorial
    return first * second * series, by_first, by_second


# Stretches of sums. All results of one have as many terms, so that the ends of the inner loops are predicted. What
# nothing hangs on (a derivative of 0) is passed over on the way back: its operands may be infinite. A result may be a
# term of a later one in its stretch, so that the way back begins at its end.


@numba.njit
def sums(v: Any, k: Any, stop: Any, i: Any, width: Any, a: Any, b: Any, c: Any) -> None:
    """Compute sums of products of three."""
    while k < stop:
        total = 0.0
        for term in range(i, i + width):
            total += v[a[term]] * v[b[term]] * v[c[term]]
        v[k] = total
        k, i = k + 1, i + width


@numba.njit
def sums_of_pairs(v: Any, k: Any, stop: Any, i: Any, width: Any, a: Any, b: Any) -> None:
    """Compute sums of products of two: by far the most instructions."""
    while k < stop:
        total = 0.0
        for term in range(i, i + width):
            total += v[a[term]] * v[b[term]]
        v[k] = total
        k, i = k + 1, i + width


@numba.njit
def sums_back(v: Any, d: Any, start: Any, stop: Any, i: Any, width: Any, a: Any, b: Any, c: Any) -> None:
    """Propagate derivatives back through sums of products of three."""
    i += (stop - start - 1) * width
    for k in range(stop - 1, start - 1, -1):
        above = d[k]
        for term in range(i, i + width if above != 0.0 else i):
            p, q, s = a[term], b[term], c[term]
            vp, vq, vs = v[p], v[q], v[s]
            d[p] += above * vq * vs
            d[q] += above * vp * vs
            d[s] += above * vp * vq
        i -= width


@numba.njit
def sums_of_pairs_back(v: Any, d: Any, start: Any, stop: Any, i: Any, width: Any, a: Any, b: Any) -> None:
    """Propagate derivatives back through sums of products of two."""
    i += (stop - start - 1) * width
    for k in range(stop - 1, start - 1, -1):
        above = d[k]
        for term in range(i, i + width if above != 0.0 else i):
            p, q = a[term], b[term]
            vp, vq = v[p], v[q]
            d[p] += above * vq
            d[q] += above * vp
        i -= width


@numba.njit
def weighted_sums_back(v: Any, d: Any, start: Any, stop: Any, i: Any, width: Any, a: Any, b: Any) -> None:
    """Propagate derivatives back through weighted sums, whose weights are constants and need none."""
    i += (stop - start - 1) * width
    for k in range(stop - 1, start - 1, -1):
        above = d[k]
        for term in range(i, i + width):
            d[a[term]] += above * v[b[term]]
        i -= width


@numba.njit
def function(kind: Any, x: Any, y: Any) -> Any:
    """Compute one instruction that is not a sum, and its derivatives by its two operands: they share most of it."""
    if kind == EXP:
        power = exp(x)
        return power, power, 0.0
    if kind == LOG:
        return (log(x), 1.0 / x, 0.0) if x > 0.0 else (-np.inf, np.inf, 0.0)
    if kind == EXPM1:
        less = expm1(x)
        return less, less + 1.0, 0.0
    if kind == LOG1P:
        return log1p(x), 1.0 / (1.0 + x), 0.0
    if kind == ABSOLUTE:
        return (x, 1.0, 0.0) if x >= 0.0 else (-x, -1.0, 0.0)
    if kind == MAXIMUM:
        return (x, 1.0, 0.0) if x >= y else (y, 0.0, 1.0)
    if kind == DIVIDE:
        ratio = x / y
        return ratio, 1.0 / y, -ratio / y
    if kind == LOG_SINHC_HALF:
        value, slope = log_sinhc_half(x)
        return value, slope, 0.0
    return both_steps(x, y)


@numba.njit
def run(x: Any, given: Any, stretches: Any, operands: Any) -> Any:
    """Compute all values of the program at inputs x, and the slopes (functions, 2) of its functions."""
    shift = given.size
    n_results, n_functions = 0, 0
    for stretch in range(stretches.shape[1]):
        n = stretches[2, stretch] - stretches[1, stretch]
        n_results += n
        n_functions += 0 if stretches[0, stretch] in SUMS else n
    v, slopes = np.empty(shift + n_results), np.empty((n_functions, 2))
    v[:shift] = given
    v[1 : 1 + x.size] = x
    a, b, c = operands[0], operands[1], operands[2]
    place = 0
    for stretch in range(stretches.shape[1]):
        kind, start, stop, i, width = stretches[:, stretch]
        if kind == SUM:
            sums(v, shift + start, shift + stop, i, width, a, b, c)
        elif kind in SUMS:
            sums_of_pairs(v, shift + start, shift + stop, i, width, a, b)
        else:
            for k in range(shift + start, shift + stop):
                v[k], slopes[place, 0], slopes[place, 1] = function(kind, v[a[i]], v[b[i]])
                place, i = place + 1, i + 1
    return v, slopes


@numba.njit
def run_back(v: Any, slopes: Any, outputs: Any, above_outputs: Any, x: Any, stretches: Any, operands: Any) -> Any:
    """Propagate the derivatives by the outputs back to the inputs; v and the slopes are those of the run."""
    d = np.zeros(v.size)
    for i in range(outputs.size):
        d[outputs[i]] += above_outputs[i]
    shift = v.size
    for stretch in range(stretches.shape[1]):
        shift -= stretches[2, stretch] - stretches[1, stretch]
    a, b, c = operands[0], operands[1], operands[2]
    place = len(slopes)
    for stretch in range(stretches.shape[1] - 1, -1, -1):
        kind, start, stop, i, width = stretches[:, stretch]
        if kind == WEIGHTED_SUM:
            weighted_sums_back(v, d, shift + start, shift + stop, i, width, a, b)
        elif kind == SUM_OF_PAIRS:
            sums_of_pairs_back(v, d, shift + start, shift + stop, i, width, a, b)
        elif kind == SUM:
            sums_back(v, d, shift + start, shift + stop, i, width, a, b, c)
        else:
            place -= stop - start
            for n in range(stop - start - 1, -1, -1):
                above = d[shift + start + n]
                if above != 0.0:
                    d[a[i + n]] += above * slopes[place + n, 0]
                    d[b[i + n]] += above * slopes[place + n, 1]
    return d[1 : 1 + x.size].copy()


@numba.njit
def run_for_outputs(x: Any, outputs: Any, given: Any, stretches: Any, operands: Any) -> Any:
    """Compute the outputs of a program, all its values, and the slopes of its functions."""
    v, slopes = run(x, given, stretches, operands)
    return v[outputs], v, slopes


class ProgramOutputs(Op):
    """Outputs of a program, its values and slopes, from inputs x (inputs,) and its arrays. Only x has a gradient."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Any:
        """Take x, outputs, given, stretches, operands."""
        made = [pt.vector("outputs", dtype="float64"), pt.vector("values", dtype="float64")]
        made.append(pt.matrix("slopes", dtype="float64"))
        return Apply(self, [pt.as_tensor_variable(i) for i in inputs], made)

    def perform(self, _node: Any, inputs: Any, outputs: Any) -> None:
        """Run forward (the numba kernel, also in other modes)."""
        outputs[0][0], outputs[1][0], outputs[2][0] = run_for_outputs(*inputs)

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Return the gradient by x; the arrays of the program have none, and the rest serves only the gradient."""
        x, at, _given, *code = inputs
        gradient = ProgramGradient()(*outputs[1:], at, cotangents[0], x, *code)
        return [gradient, *(disconnected_type() for _ in inputs[1:])]

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        """Only x reaches the outputs."""
        return [[i == 0, False, False] for i in range(len(node.inputs))]


class ProgramGradient(Op):
    """Derivative of a weighted sum of a program's outputs by its inputs."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Any:
        """Take values, slopes, outputs, the weight of each output, x, stretches, operands."""
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
        "stretches": program.stretches,
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
