"""A table of forecasts as a workspace (every question an event, every row a statement), and as a smaller prior."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecast.inference.tape import LinearMap
from forecast.sampling.spec import PriorSpec, TargetOdds
from forecast.scoring.cells import EPOCH, MICROSECOND, TO_POOL, Floats, Ints, Mask, runs
from forecast.scoring.read import read_rows, refuse
from forecast.scoring.rows import VOIDED, YES_NO, Rows, outcomes
from forecast.workspace.problems import Problem, Source
from forecast.workspace.records import (
    Condition,
    Cpt,
    Event,
    Expert,
    Network,
    Probability,
    Publication,
    Resolution,
    Statement,
    Target,
    Workspace,
)

# What is pooled of a table of forecasts (docs/table.md): the latest probability of each expert on each question.

DEFAULT_LEVEL = 0.9  # of an interval whose row names none
# What 0 and 1 are read as. A convention: they have no log-odds, and nothing tells how much surer than one in a thousand
# somebody was who wrote them.
LEAST, MOST = 0.001, 0.999


@dataclass(frozen=True, kw_only=True)
class ExpertForecast:
    """One row: an expert's probability that a question resolves with yes, with an interval if one was given."""

    expert: str
    question: str
    best: float
    low: float | None = None
    high: float | None = None
    level: float = DEFAULT_LEVEL
    outcome: int | None = None
    day: date | None = None
    group: str | None = None
    weight: float = 1.0
    source: Source


@dataclass(frozen=True, kw_only=True)
class ForecastTable:
    """The forecasts of a file. `questions` are in order of their first row, with the outcome where one is known."""

    path: str
    forecasts: tuple[ExpertForecast, ...]
    questions: Mapping[str, int | None]
    warnings: tuple[Problem, ...]


def read_table(path: Path, today: date) -> ForecastTable:
    """Read a CSV file of forecasts. Of several forecasts of one expert on a question the latest is taken.

    Raises:
        WorkspaceProblems: the file holds mistakes; all of them, by line.
    """
    rows, problems = read_rows([path], TO_POOL, today=today)
    is_yes_no = rows.kind == YES_NO
    is_latest = _latest(rows, is_yes_no)
    said = _Voiced(rows, is_latest)
    problems += [*said.not_inside(), *said.certainties()]
    refuse(problems)
    problems += _left_out(rows, is_yes_no, is_latest)
    refuse(problems)
    known, _ = outcomes(rows)
    by_question = _first_said(rows, "question", known, ~np.isnan(known) & (known != VOIDED))
    by_group = rows.first_with(rows.cells["group"].filled, "forecaster")
    weights = _first_said(rows, "forecaster", rows.weight, ~np.isnan(rows.weight))
    forecasts = []
    for row in np.flatnonzero(is_latest).tolist():
        expert, question = rows.forecaster[row], rows.question[row]
        group = int(by_group[expert])
        forecasts.append(
            ExpertForecast(
                expert=rows.cells["forecaster"][row],
                question=rows.cells["question"][row],
                best=float(said.best[row]),
                low=_number(said.low[row]),
                high=_number(said.high[row]),
                level=_number(rows.interval_level[row]) or DEFAULT_LEVEL,
                outcome=_outcome(by_question[question]),
                day=_day(rows, row),
                group=None if group < 0 else rows.cells["group"][group],
                weight=_number(weights[expert]) or 1.0,
                source=rows.where[row],
            )
        )
    questions = {forecast.question: forecast.outcome for forecast in forecasts}
    return ForecastTable(
        path=path.as_posix(), forecasts=tuple(forecasts), questions=questions, warnings=tuple(sorted(problems))
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


def _left_out(rows: Rows, is_yes_no: Mask, is_latest: Mask) -> Iterator[Problem]:
    """Say what of a table is not pooled: states and numbers, and forecasts that were revised."""
    for mask, what, allowed in (
        (~is_yes_no, "forecasts of states or numbers are not pooled", "a pool is a probability of yes"),
        (is_yes_no & ~is_latest, "earlier forecasts are not pooled", "the latest of each forecaster on a question is"),
    ):
        chosen = np.flatnonzero(mask)
        if chosen.size:
            yield Problem(rows.where[int(chosen[0])], what, _counted(chosen.size, "row"), allowed, "warning")
    if len(rows) and not is_yes_no.any():
        yield Problem(rows.where[0], "no forecast of a yes-or-no question", "", "a probability without a state")


def _first_said(rows: Rows, of: str, numbers: Floats, known: Mask) -> Floats:
    """(questions,) or (forecasters,): the number of the first row that says one, NaN without any."""
    first: Ints = rows.first_with(known, of)
    said: NDArray[np.float64] = np.append(numbers, np.nan)
    return said[first]


def _outcome(number: float) -> int | None:
    return None if np.isnan(number) else int(number)


def _number(number: float) -> float | None:
    return None if np.isnan(number) else float(number)


def _day(rows: Rows, row: int) -> date | None:
    return (EPOCH + int(rows.time[row]) * MICROSECOND).date() if rows.time_known[row] else None


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


NO, YES = STATES = ("no", "yes")
# Of a point without an interval, in log-odds. Less than a workspace's default, which is for words: here the author
# wrote the number, and how noisily an expert writes is what omega learns.
DEFAULT_SD = 0.3


def as_workspace(table: ForecastTable, today: date) -> Workspace:
    """Write a table as the workspace that says the same.

    A question is a constant with two states and no parents, so it has no history and the dates of its statements do
    not enter its numbers. An expert without a group is a group of their own. Questions, experts and statements are
    sorted by name: the order of the rows changes nothing.
    """
    opens = today + timedelta(days=1)  # all was said before: everything is read at the opening
    source = Source(table.path, 1)
    events = {name: _event(name, source) for name in sorted(table.questions)}
    network = Network(title=table.path, opens=opens, horizon=opens + timedelta(days=1), events=events, source=source)
    experts = {forecast.expert: _expert(forecast) for forecast in sorted(table.forecasts, key=_pair)}
    statements = tuple(
        _statement(forecast, table.questions[forecast.question], today)
        for forecast in sorted(table.forecasts, key=_pair)
    )
    return Workspace(
        root="",
        network=network,
        scenarios=(),
        experts=experts,
        statements=statements,
        sources={},
        items=(),
        watched_until=None,
        digests={},
    )


def _pair(forecast: ExpertForecast) -> tuple[str, str]:
    return forecast.expert, forecast.question


def _event(name: str, source: Source) -> Event:
    # Without parents "logistic" is one normal log-odds; "shared" would add a second one that nothing tells apart.
    return Event(
        id=name,
        question=name,
        kind="constant",
        states=STATES,
        resolves=name,
        parents=(),
        role="driver",
        initial=None,
        persistence_days=None,
        cpt=Cpt("logistic", None),
        source=source,
    )


def _expert(forecast: ExpertForecast) -> Expert:
    # The two kinds of names are kept apart: a group may be called as an expert is.
    group = f"expert {forecast.expert}" if forecast.group is None else f"group {forecast.group}"
    return Expert(
        id=forecast.expert,
        name=forecast.expert,
        role="",
        group=group,
        default_sd=DEFAULT_SD,
        weight=forecast.weight,
        source=forecast.source,
    )


def _statement(forecast: ExpertForecast, outcome: int | None, today: date) -> Statement:
    return Statement(
        id=f"{forecast.expert}: {forecast.question}",
        date=forecast.day or today,
        expert=forecast.expert,
        publication=Publication(forecast.source.path, None, None),
        says="",
        about=Target(Condition(forecast.question, (YES,)), None, (), None),
        reading=Probability(forecast.best, forecast.low, forecast.high, forecast.level, None),
        coded_by=None,
        why="",
        resolved=None if outcome is None else Resolution(STATES[outcome], today, None),
        source=forecast.source,
    )


def shared_sides(spec: PriorSpec) -> PriorSpec:
    """Return the same spec with equal sides counted once: all who answer a question read one probability."""
    first: dict[tuple[object, ...], int] = {}
    number: list[int] = []
    kept: list[TargetOdds] = []
    for side in spec.sides:
        key = (side.network, side.given, side.variables, side.table.tobytes())
        if key not in first:
            first[key] = len(kept)
            kept.append(side)
        number.append(first[key])
    quantities = spec.quantities
    part, side_of = np.divmod(quantities.column, len(spec.sides))  # which logarithm, and of which side
    column = part * len(kept) + np.array(number, dtype=np.intp)[side_of]
    return replace(
        spec, sides=tuple(kept), quantities=LinearMap(quantities.n_rows, quantities.row, column, quantities.weight)
    )


def folded_deviations(spec: PriorSpec) -> PriorSpec:
    """Return the spec with every deviation that a single reading has to itself taken into that reading's noise.

    Such a deviation (of somebody who is alone in a group) tells no two readings apart: it only adds to the noise. It
    is normal and the noise is Student's t, so that adding the squares of their scales makes the sum's tails a little
    heavy: one forecast of .05 alone is pooled at .111 instead of .093; from two on it is less than .002.
    """
    deviations, n_stated = spec.deviations, spec.stated.location.size
    readings = np.bincount(deviations.column, minlength=len(spec.deviation_labels))
    lone = (readings[deviations.column] == 1) & (deviations.row < n_stated)
    variance = np.square(spec.stated.scale)
    # The noise is divided by the expert's weight afterwards; the deviation is not.
    np.add.at(
        variance, deviations.row[lone], spec.stated.weight[deviations.row[lone]] * np.square(deviations.weight[lone])
    )
    used = np.unique(deviations.column[~lone])
    return replace(
        spec,
        stated=replace(spec.stated, scale=np.sqrt(variance)),
        deviations=LinearMap(
            deviations.n_rows,
            deviations.row[~lone],
            np.searchsorted(used, deviations.column[~lone]),
            deviations.weight[~lone],
        ),
        deviation_labels=tuple(spec.deviation_labels[column] for column in used.tolist()),
    )
