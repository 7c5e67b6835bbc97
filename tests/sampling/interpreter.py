"""A recorded program run one result at a time in plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable

from forecast.inference import tape as program_kinds
from forecast.inference.tape import Program


def interpret(program: Program, x: list[float]) -> list[float]:
    """Return the outputs of a program at inputs x."""
    values = program.given.tolist()
    values[1 : 1 + program.inputs] = x
    for kind, start, stop, first, width in program.stretches.T.tolist():
        for i in range(first, first + (stop - start) * width, width):
            operands = [[values[at] for at in program.operands[:, term]] for term in range(i, i + width)]
            if kind in {program_kinds.SUM, program_kinds.SUM_OF_PAIRS, program_kinds.WEIGHTED_SUM}:
                values.append(sum(a * b * c for a, b, c in operands))
            else:
                values.append(function(kind, *operands[0][:2]))
    return [values[i] for i in program.outputs.tolist()]


def function(kind: int, a: float, b: float) -> float:
    """Compute a function from its definition."""
    one_operand: dict[int, Callable[[float], float]] = {
        program_kinds.EXP: math.exp,
        program_kinds.LOG: math.log,
        program_kinds.EXPM1: math.expm1,
        program_kinds.LOG1P: math.log1p,
        program_kinds.ABSOLUTE: abs,
    }
    if kind in one_operand:
        return one_operand[kind](a)
    if kind == program_kinds.MAXIMUM:
        return max(a, b)
    if kind == program_kinds.DIVIDE:
        return a / b
    if kind == program_kinds.LOG_SINHC_HALF:
        return math.log(math.sinh(a / 2.0) / (a / 2.0)) if abs(a) > 1e-4 else a * a / 24.0
    if kind == program_kinds.BOTH_STEPS:
        if abs(a - b) < 1e-7:
            return -math.expm1(-a) - a * math.exp(-a)
        return -math.expm1(-a) + a * (math.exp(-b) - math.exp(-a)) / (b - a)
    raise ValueError(f"unknown instruction {kind}")
