"""Forecasts of questions as arrays: what every score is computed from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from forecast.scoring.cells import Floats, Ints, Mask, Where
from forecast.scoring.groups import runs
from forecast.scoring.rows import KINDS, STATES, VOIDED, YES_NO, Kind, Rows, outcomes
from forecast.workspace.problems import Problem

Resolution = Literal["resolved", "open", "void"]

MICROSECONDS_A_DAY = 86_400_000_000
YES_OR_NO = ("no", "yes")


@dataclass(frozen=True)
class TableQuestion:
    """One question. `outcome` is 1 or 0, the place of the option, or the number; None while open or if void.

    `options` of a question about states are in their order if `ordered`. Times in microseconds since 1970;
    `scheduled_close` is when it was to close, which is `closes` unless the table says otherwise.
    """

    name: str
    kind: Kind
    options: tuple[str, ...]
    ordered: bool
    resolution: Resolution
    outcome: float | None
    opens: int
    closes: int
    scheduled_close: int
    topic: str


@dataclass(frozen=True)
class Forecasts:
    """n forecasts, sorted by question, forecaster and time, and the m numbers that they consist of.

    `question`, `forecaster` (n,) point into the names; `time` (n,) is in microseconds since 1970. Forecast i
    consists of `entries[first[i] : first[i] + width[i]]`: the probability of yes; one probability for each option, in
    their order; draws, rising; or quantiles, rising with their `levels` (NaN for everything else).
    `rows` (m,) says from which row of `where` each entry is.
    """

    questions: tuple[TableQuestion, ...]
    forecasters: tuple[str, ...]
    question: Ints
    forecaster: Ints
    time: Ints
    first: Ints
    width: Ints
    entries: Floats
    levels: Floats
    where: Where
    rows: Ints
    warnings: tuple[Problem, ...]

    @property
    def closes(self) -> Ints:
        """(n,) when the question of each forecast closes."""
        return np.array([question.closes for question in self.questions], dtype=np.int64)[self.question]

    @property
    def outcome(self) -> Floats:
        """(n,) how the question of each forecast turned out, NaN while it is not known."""
        outcomes = [np.nan if question.outcome is None else question.outcome for question in self.questions]
        return np.array(outcomes, dtype=float)[self.question]

    def only(self, keep: Mask) -> Forecasts:
        """Return some of the forecasts, chosen by `keep` (n,). Questions and forecasters keep their places."""
        return replace(
            self,
            question=self.question[keep],
            forecaster=self.forecaster[keep],
            time=self.time[keep],
            first=self.first[keep],
            width=self.width[keep],
        )


def resolved(forecasts: Forecasts) -> Forecasts:
    """Return the forecasts of questions whose outcome is known."""
    known = np.array([question.resolution == "resolved" for question in forecasts.questions], dtype=bool)
    return forecasts.only(known[forecasts.question])


def known_at(forecasts: Forecasts, end: int) -> Forecasts:
    """Return what was known before a moment: forecasts made before `end`; what does not close before it is open."""
    questions = tuple(
        question if question.closes < end else replace(question, resolution="open", outcome=None)
        for question in forecasts.questions
    )
    return replace(forecasts, questions=questions).only(forecasts.time < end)


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
    for question, states in by_question.items():
        has_order = not math.isnan(states[0][0])
        states.sort(key=lambda one: one[0] if has_order else one[1])
        for at, (_, _, pair) in enumerate(states):
            place[pair] = at
        options[question] = tuple(state[row] for _, row, _ in states), has_order or rows.ordered
    places = np.zeros(len(rows))
    places[chosen] = place[inverse]
    return places, options


def _questions(rows: Rows, options: dict[int, tuple[tuple[str, ...], bool]]) -> Iterator[TableQuestion]:
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
        yield TableQuestion(
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
