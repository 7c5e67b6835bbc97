"""A recorded program run one instruction at a time in plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable

from forecast.inference import tape
from forecast.inference.tape import Program


def interpret(program: Program, x: list[float]) -> list[float]:
    """Return the outputs of a program at inputs x."""
    values = program.initial.tolist()
    values[1 : 1 + program.inputs] = x
    starts = program.starts.tolist()
    for kind, start, stop in zip(program.operation.tolist(), starts, starts[1:], strict=False):
        for i in range(start, stop):
            a, b, c = (values[int(operand[i])] for operand in (program.a, program.b, program.c))
            result = int(program.result[i])
            if kind == tape.MULTIPLY_ADD:
                values[result] += a * b * c
            else:
                values[result] = instruction(kind, a, b)
    return [values[i] for i in program.outputs.tolist()]


def instruction(kind: int, a: float, b: float) -> float:
    """Compute one instruction from its definition."""
    one_operand: dict[int, Callable[[float], float]] = {
        tape.EXP: math.exp,
        tape.LOG: math.log,
        tape.EXPM1: math.expm1,
        tape.LOG1P: math.log1p,
        tape.ABSOLUTE: abs,
    }
    if kind in one_operand:
        return one_operand[kind](a)
    if kind == tape.MAXIMUM:
        return max(a, b)
    if kind == tape.DIVIDE:
        return a / b
    if kind == tape.LOG_SINHC_HALF:
        return math.log(math.sinh(a / 2.0) / (a / 2.0)) if abs(a) > 1e-4 else a * a / 24.0
    if kind == tape.BOTH_STEPS:
        if abs(a - b) < 1e-7:
            return -math.expm1(-a) - a * math.exp(-a)
        return -math.expm1(-a) + a * (math.exp(-b) - math.exp(-a)) / (b - a)
    raise ValueError(f"unknown instruction {kind}")
