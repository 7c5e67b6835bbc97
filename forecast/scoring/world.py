"""A table of forecasts as it is pooled: read from a file, and as the numbers of a panel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecast.scoring.cells import TO_POOL, Floats, Ints, Mask, runs
from forecast.scoring.panel import Panel
from forecast.scoring.read import read_rows, refuse
from forecast.scoring.rows import MICROSECONDS_A_DAY, VOIDED, YES_NO, Rows, in_hindsight, outcomes, told_in_hindsight
from forecast.workspace.fits import interval_sd, logit
from forecast.workspace.problems import Problem, Source

# What is pooled of a table of forecasts (docs/table.md): the probabilities of each expert on each yes-or-no question.

DEFAULT_LEVEL = 0.9  # of an interval whose row names none
# What 0 and 1 are read as. A convention: they have no log-odds, and nothing tells how much surer than one in a thousand
# somebody was who wrote them.
LEAST, MOST = 0.001, 0.999


@dataclass(frozen=True, kw_only=True)
class ExpertForecast:
    """One row: an expert's probability that a question resolves with yes, with an interval if one was given.

    `age` is in days before the last forecast that anybody made on the question.
    """

    expert: str
    question: str
    best: float
    low: float | None = None
    high: float | None = None
    level: float = DEFAULT_LEVEL
    outcome: int | None = None
    age: float = 0.0
    group: str | None = None
    weight: float = 1.0
    source: Source


@dataclass(frozen=True, kw_only=True)
class ForecastTable:
    """The forecasts of a file: the latest of each expert on a question, and those before it.

    `questions` are in order of their first row, with the outcome where one is known.
    """

    path: str
    forecasts: tuple[ExpertForecast, ...]
    earlier: tuple[ExpertForecast, ...] = ()
    questions: Mapping[str, int | None]
    warnings: tuple[Problem, ...]


def read_table(path: Path, today: date) -> ForecastTable:
    """Read a CSV file of forecasts.

    Raises:
        WorkspaceProblems: the file holds mistakes; all of them, by line.
    """
    rows, problems = read_rows([path], TO_POOL, today=today)
    hindsight = in_hindsight(rows) & (rows.kind == YES_NO)
    is_yes_no = (rows.kind == YES_NO) & ~hindsight
    is_latest = _latest(rows, is_yes_no)
    said = _Voiced(rows, is_yes_no)
    problems += [*said.not_inside(), *said.certainties()]
    refuse(problems)
    problems += _left_out(rows, is_yes_no, hindsight)
    problems += told_in_hindsight(rows, hindsight) if is_yes_no.any() else ()
    refuse(problems)
    known, _ = outcomes(rows)
    is_shared = is_yes_no & (known > 0.0) & (known < 1.0)
    problems += _shared(rows, is_shared)
    known = np.where(is_shared, np.nan, known)
    by_question = _first_said(rows, "question", known, ~np.isnan(known) & (known != VOIDED))
    by_group = rows.first_with(rows.cells["group"].filled, "forecaster")
    weights = _first_said(rows, "forecaster", rows.weight, ~np.isnan(rows.weight))
    ages = _ages(rows, is_yes_no)

    def forecast(row: int) -> ExpertForecast:
        group = int(by_group[rows.forecaster[row]])
        return ExpertForecast(
            expert=rows.cells["forecaster"][row],
            question=rows.cells["question"][row],
            best=float(said.best[row]),
            low=_number(said.low[row]),
            high=_number(said.high[row]),
            level=_number(rows.interval_level[row]) or DEFAULT_LEVEL,
            outcome=_outcome(by_question[rows.question[row]]),
            age=float(ages[row]),
            group=None if group < 0 else rows.cells["group"][group],
            weight=_number(weights[rows.forecaster[row]]) or 1.0,
            source=rows.where[row],
        )

    forecasts = tuple(forecast(row) for row in np.flatnonzero(is_latest).tolist())
    return ForecastTable(
        path=path.as_posix(),
        forecasts=forecasts,
        earlier=tuple(forecast(row) for row in np.flatnonzero(is_yes_no & ~is_latest).tolist()),
        questions={one.question: one.outcome for one in forecasts},
        warnings=tuple(sorted(problems)),
    )


class _Voiced:
    """Probabilities and the ends of intervals as they are pooled: 0 and 1 at the nearest value that has log-odds."""

    def __init__(self, rows: Rows, is_pooled: Mask) -> None:
        self.rows, self.is_pooled = rows, is_pooled
        self.best = _sure(rows.probability, np.full(len(rows), LEAST), np.full(len(rows), MOST))
        # An end at 0 or 1 leaves a best value that lies further out inside.
        least, most = np.fmin(LEAST, self.best), np.fmax(MOST, self.best)
        self.low, self.high = _sure(rows.low, least, most), _sure(rows.high, least, most)

    def not_inside(self) -> Iterator[Problem]:
        """Yield intervals that are none once 0 and 1 are read as they are pooled."""
        off = (self.low > self.best) | (self.best > self.high) | (self.low >= self.high)
        for row in np.flatnonzero(off & self.is_pooled & ~self.rows.wrong).tolist():
            got = f"{self.low[row]:g}, {self.best[row]:g}, {self.high[row]:g}"
            name = self.rows.heading("probability", row)
            allowed = f"0 is read as {LEAST:g} and 1 as {MOST:g}; low <= {name} <= high, and low < high"
            yield Problem(self.rows.where[row], f"the interval does not hold its {name}", got, allowed)

    def certainties(self) -> Iterator[Problem]:
        """Say once how many numbers were 0 or 1, at the first row that has one."""
        columns = (self.rows.probability, self.rows.low, self.rows.high)
        counts = sum(((column == 0.0) | (column == 1.0)).astype(np.int64) for column in columns) * self.is_pooled
        certain = np.flatnonzero(counts)
        if certain.size:
            got = f"{_counted(int(counts.sum()), 'number')} in {_counted(certain.size, 'row')}"
            allowed = f"they are read as {LEAST:g} and {MOST:g}: a certainty has no log-odds"
            yield Problem(self.rows.where[int(certain[0])], "probabilities of 0 or 1", got, allowed, "warning")


def _sure(numbers: Floats, least: Floats, most: Floats) -> Floats:
    """Return what 0 and 1 are read as, and any other number as it is."""
    return np.where(numbers == 0.0, least, np.where(numbers == 1.0, most, numbers))


def _latest(rows: Rows, is_yes_no: Mask) -> Mask:
    """(n,) whether a row is the latest one of its forecaster on its yes-or-no question."""
    chosen = np.flatnonzero(is_yes_no)
    order, starts = runs([rows.question[chosen], rows.forecaster[chosen]])
    by_time, _ = runs([rows.question[chosen], rows.forecaster[chosen], rows.time[chosen]])
    is_latest = np.zeros(len(rows), dtype=bool)
    is_latest[chosen[by_time[np.append(starts[1:], np.ones(min(order.size, 1), dtype=bool))]]] = True
    return is_latest


def _ages(rows: Rows, is_yes_no: Mask) -> Floats:
    """(n,) days before the last forecast on the question; 0 of a row without a time."""
    timed = np.flatnonzero(is_yes_no & rows.time_known)
    last = np.full(rows.question.max(initial=-1) + 1, np.iinfo(np.int64).min)
    np.maximum.at(last, rows.question[timed], rows.time[timed])
    ages = np.zeros(len(rows))
    ages[timed] = (last[rows.question[timed]] - rows.time[timed]) / MICROSECONDS_A_DAY
    return ages


def _left_out(rows: Rows, is_yes_no: Mask, hindsight: Mask) -> Iterator[Problem]:
    """Say what of a table is not pooled: states and numbers; `hindsight` is told of by itself."""
    chosen = np.flatnonzero(~is_yes_no & ~hindsight)
    if chosen.size:
        what, allowed = "forecasts of states or numbers are not pooled", "a pool is a probability of yes"
        yield Problem(rows.where[int(chosen[0])], what, _counted(chosen.size, "row"), allowed, "warning")
    if hindsight.any() and not is_yes_no.any():
        what, allowed = "every forecast was made once its outcome was known", "forecasts from before `known`"
        yield Problem(rows.where[int(np.argmax(hindsight))], what, "", allowed)
    elif len(rows) and not is_yes_no.any():
        yield Problem(rows.where[0], "no forecast of a yes-or-no question", "", "a probability without a state")


def _shared(rows: Rows, is_shared: Mask) -> Iterator[Problem]:
    """Say that a pool does not learn from a question that resolved to a share."""
    chosen = np.flatnonzero(is_shared)
    if chosen.size:
        questions = np.unique(rows.question[chosen]).size
        what, allowed = "outcomes between 0 and 1 are not used", "a pool learns from yes and no alone"
        yield Problem(rows.where[int(chosen[0])], what, _counted(questions, "question"), allowed, "warning")


def _first_said(rows: Rows, of: str, numbers: Floats, known: Mask) -> Floats:
    """(questions,) or (forecasters,): the number of the first row that says one, NaN without any."""
    first: Ints = rows.first_with(known, of)
    said: NDArray[np.float64] = np.append(numbers, np.nan)
    return said[first]


def _outcome(number: float) -> int | None:
    return None if np.isnan(number) else int(number)


def _number(number: float) -> float | None:
    return None if np.isnan(number) else float(number)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# Of a point without an interval, in log-odds, and of an interval beside the scatter of a whole panel. A convention:
# how wide an interval is says how much its author knows, but an expert's noise is mostly not in it.
DEFAULT_SD = 0.3


@dataclass(frozen=True)
class NamedPanel:
    """A panel with the names of its questions and experts, both sorted: the order of the rows changes nothing."""

    panel: Panel
    questions: tuple[str, ...]
    experts: tuple[str, ...]


def as_panel(table: ForecastTable) -> NamedPanel:
    """Return a table as numbers. Experts share a deviation where two or more of a group answer one question."""
    rows = sorted((*table.forecasts, *table.earlier), key=lambda row: (row.expert, row.question, row.age))
    questions, experts = tuple(sorted(table.questions)), tuple(sorted({row.expert for row in rows}))
    pairs = dict.fromkeys((row.expert, row.question) for row in rows)
    groups = {row.expert: row.group for row in rows}
    members = Counter((groups[expert], question) for expert, question in pairs if groups[expert] is not None)
    shared = {key: place for place, key in enumerate(sorted(key for key, n in members.items() if n > 1))}
    place, pair = {name: i for i, name in enumerate(questions)}, {key: i for i, key in enumerate(pairs)}
    of = {name: i for i, name in enumerate(experts)}
    outcome = [table.questions[name] for name in questions]
    panel = Panel(
        said=np.array([logit(row.best) for row in rows]),
        variance=np.array([_variance(row) for row in rows]),
        age=np.array([row.age for row in rows]),
        pair_of=np.array([pair[row.expert, row.question] for row in rows], dtype=np.intp),
        expert=np.array([of[expert] for expert, _ in pairs], dtype=np.intp),
        question=np.array([place[question] for _, question in pairs], dtype=np.intp),
        shared=np.array([shared.get((groups[expert], name), -1) for expert, name in pairs], dtype=np.intp),
        outcome=np.array([np.nan if known is None else float(known) for known in outcome]),
        n_experts=len(experts),
        n_shared=len(shared),
    )
    return NamedPanel(panel, questions, experts)


def _variance(row: ExpertForecast) -> float:
    """Compute the variance of a forecast relative to an expert's noise of one unit of log-odds."""
    sd = DEFAULT_SD
    if row.low is not None and row.high is not None:
        sd = interval_sd(logit(row.low), logit(row.high), row.level)
    return (1.0 + sd * sd) / (1.0 + DEFAULT_SD * DEFAULT_SD) / row.weight
