"""How each question turned out, as every row says it."""

from __future__ import annotations

import math

import numpy as np

from forecast.scores.cells import FaultError, Floats, number
from forecast.scores.rows import KINDS, STATES, VOID, YES_NO, Rows
from forecast.workspace.problems import Problem, nearest, quoted, shown

YES_OR_NO = {"0": 0.0, "0.0": 0.0, "1": 1.0, "1.0": 1.0}  # with a point: what a column with gaps is often saved as
VOIDED = -math.inf  # stands for a question that became void


def outcomes(rows: Rows) -> tuple[Floats, tuple[Problem, ...]]:
    """Return the outcome that each row gives (n,), and the problems.

    1 or 0; the code of the state that came true; a number; VOIDED; NaN where the cell is empty or wrong.
    """
    cells = rows.cells["outcome"]
    problems = []
    kinds = rows.kind[rows.first_with(np.ones(len(rows), dtype=bool))]
    options = _options(rows)
    pairs = rows.question * len(cells.texts) + cells.codes
    different, inverse = np.unique(pairs, return_inverse=True)
    values = np.full(different.size, math.nan)
    faults: dict[int, FaultError] = {}
    codes = {text: code for code, text in enumerate(rows.cells["state"].texts)}
    for place, pair in enumerate(different.tolist()):
        question, code = divmod(pair, len(cells.texts))
        text = cells.texts[code]
        try:
            values[place] = _outcome(text, int(kinds[question]), options.get(question, ()), codes)
        except FaultError as fault:
            faults[place] = fault
    found = values[inverse]
    for row in np.flatnonzero(np.isin(inverse, list(faults))).tolist():
        wrong = faults[int(inverse[row])]
        problems.append(Problem(rows.where[row], wrong.what, wrong.got, wrong.allowed))
    return found, tuple(problems)


def _options(rows: Rows) -> dict[int, tuple[str, ...]]:
    """Return the states of each question that has any, in the order of their first rows."""
    state = rows.cells["state"]
    chosen = np.flatnonzero(state.filled)
    pairs = rows.question[chosen] * len(state.texts) + state.codes[chosen]
    _, first = np.unique(pairs, return_index=True)
    found: dict[int, list[str]] = {}
    for row in chosen[np.sort(first)].tolist():
        found.setdefault(int(rows.question[row]), []).append(state[row])
    return {question: tuple(names) for question, names in found.items()}


def _outcome(text: str, kind: int, options: tuple[str, ...], codes: dict[str, int]) -> float:
    if text == "":
        return math.nan
    if text == VOID:
        return VOIDED
    if kind == YES_NO:
        if text not in YES_OR_NO:
            near = nearest(text, [VOID])
            allowed = f"1 is yes, 0 is no, empty is an open question, void counts nowhere{near}"
            raise FaultError("outcome is neither 1 nor 0", shown(text), allowed)
        return YES_OR_NO[text]
    if kind == STATES:
        if text not in options:
            allowed = f"options are {quoted(options)}, empty is an open question, void counts nowhere"
            raise FaultError("outcome is none of the options", shown(text), allowed + nearest(text, [*options, VOID]))
        return float(codes[text])
    allowed = f"a number, as the question is about {KINDS[kind]}; empty is an open question, void counts nowhere"
    return number("outcome", text, allowed)
