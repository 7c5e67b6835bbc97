"""Forecasts of questions as arrays: what every score is computed from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from forecast.scores.cells import Floats, Ints, Mask, Where
from forecast.workspace.problems import Problem

Kind = Literal["yes_no", "states", "draws", "quantiles"]
Resolution = Literal["resolved", "open", "void"]

MICROSECONDS_A_DAY = 86_400_000_000


@dataclass(frozen=True)
class Question:
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

    questions: tuple[Question, ...]
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
        return np.array([one.closes for one in self.questions], dtype=np.int64)[self.question]

    @property
    def outcome(self) -> Floats:
        """(n,) how the question of each forecast turned out, NaN while it is not known."""
        outcomes = [np.nan if one.outcome is None else one.outcome for one in self.questions]
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
    known = np.array([one.resolution == "resolved" for one in forecasts.questions], dtype=bool)
    return forecasts.only(known[forecasts.question])


def known_at(forecasts: Forecasts, end: int) -> Forecasts:
    """Return what was known before a moment: forecasts made before `end`; what does not close before it is open."""
    questions = tuple(
        one if one.closes < end else replace(one, resolution="open", outcome=None) for one in forecasts.questions
    )
    return replace(forecasts, questions=questions).only(forecasts.time < end)
