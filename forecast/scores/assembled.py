"""Rows without mistakes to forecasts."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from forecast.scores.cells import Floats, Ints
from forecast.scores.outcomes import VOIDED, outcomes
from forecast.scores.rows import KINDS, STATES, YES_NO, Rows
from forecast.scores.runs import runs
from forecast.scores.table import Forecasts, Question
from forecast.workspace.problems import Problem

YES_OR_NO = ("no", "yes")


def assembled(rows: Rows, warnings: tuple[Problem, ...]) -> Forecasts:
    """Gather rows into forecasts. The rows have no mistakes: `clashes` found none."""
    places, options = _places(rows)
    questions = tuple(_questions(rows, options))
    forecaster = rows.cells["forecaster"]
    entries = np.where(np.isnan(rows.value), rows.probability, rows.value)
    within = np.where(rows.kind == STATES, places, np.where(np.isnan(rows.level), entries, rows.level))
    keys = [rows.question, forecaster.codes, rows.time]
    order, _ = runs([*keys, within])
    first = np.flatnonzero(runs([key[order] for key in keys])[1])
    at = order[first]
    return Forecasts(
        questions=questions,
        forecasters=forecaster.texts,
        question=rows.question[at],
        forecaster=forecaster.codes[at],
        time=rows.time[at],
        first=first,
        width=np.diff(np.append(first, order.size)),
        entries=entries[order],
        levels=rows.level[order],
        where=rows.where,
        rows=order,
        warnings=warnings,
    )


def _places(rows: Rows) -> tuple[Floats, dict[int, tuple[tuple[str, ...], bool]]]:
    """Return the place of each row's state (n,), and of each question its states in order and whether that counts."""
    state = rows.cells["state"]
    chosen = np.flatnonzero(state.filled)
    pairs = rows.question[chosen] * max(len(state.texts), 1) + state.codes[chosen]
    _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    placed: dict[int, float] = {}
    for row in np.flatnonzero(~np.isnan(rows.order)).tolist():
        placed.setdefault(int(rows.question[row] * len(state.texts) + state.codes[row]), float(rows.order[row]))
    by_question: dict[int, list[tuple[float, int, int]]] = {}
    for pair, (row, key) in enumerate(zip(chosen[first].tolist(), pairs[first].tolist(), strict=True)):
        by_question.setdefault(int(rows.question[row]), []).append((placed.get(key, math.nan), row, pair))
    place = np.zeros(first.size)
    options: dict[int, tuple[tuple[str, ...], bool]] = {}
    for question, found in by_question.items():
        has_order = not math.isnan(found[0][0])
        found.sort(key=lambda one: one[0] if has_order else one[1])
        for at, (_, _, pair) in enumerate(found):
            place[pair] = at
        options[question] = tuple(state[row] for _, row, _ in found), has_order or rows.ordered
    places = np.zeros(len(rows))
    places[chosen] = place[inverse]
    return places, options


def _questions(rows: Rows, options: dict[int, tuple[tuple[str, ...], bool]]) -> Iterator[Question]:
    outcome, _ = outcomes(rows)
    firsts: list[Ints] = [
        rows.first_with(mask)
        for mask in (
            np.ones(len(rows), dtype=bool),
            ~np.isnan(outcome),
            rows.opens_known,
            rows.closes_known,
            rows.scheduled_known,
            rows.cells["topic"].filled,
        )
    ]
    states = rows.cells["state"].texts
    for question, name in enumerate(rows.cells["question"].texts):
        any_row, known, opens, closes, scheduled, topic = (int(first[question]) for first in firsts)
        kind = int(rows.kind[any_row])
        names, ordered = options.get(question, (YES_OR_NO if kind == YES_NO else (), False))
        said = math.nan if known < 0 else float(outcome[known])
        happened: float | None = None if math.isnan(said) or said == VOIDED else said
        if happened is not None and kind == STATES:
            happened = float(names.index(states[int(happened)]))
        yield Question(
            name=name,
            kind=KINDS[kind],
            options=names,
            ordered=ordered,
            resolution="open" if math.isnan(said) else "void" if said == VOIDED else "resolved",
            outcome=happened,
            opens=int(rows.opens[opens]),
            closes=int(rows.closes[closes]),
            scheduled_close=int(rows.scheduled[scheduled] if scheduled >= 0 else rows.closes[closes]),
            topic=rows.cells["topic"][topic] if topic >= 0 else "",
        )
