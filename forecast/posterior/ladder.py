"""The ladder: dated sub-questions that every network asks, an event in a state by the end of a month, all in one go.

They need no file. What settles the event resolves them (forecast.analysis.record), so that a forecast that is entered
in the ledger on its own day meets some of its outcomes within weeks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.model.asof import AsOfNetwork, OtherDays
from forecast.model.layout import Layout
from forecast.posterior.by_date import QUESTION_QUANTILES, decided_by, yes_in_draws
from forecast.posterior.posterior import Posterior, evaluate, query, thinned
from forecast.posterior.weights import averages, weighted_quantiles
from forecast.workspace.records import Condition, Event, Question, Workspace

Array = NDArray[np.float64]

AHEAD = (1, 2, 3, 6, 12)  # months from that of the as-of date to those that are asked about
MOST_DRAWS = 1000  # evenly spaced: what the update of a day should not wait for
DECIMALS = 10  # of a probability in a draw, to which two sub-questions are copies


@dataclass(frozen=True, order=True)
class SubQuestion:
    """Is the event in one of the states on the day `by` (of a reached event: by then)? States in the event's order."""

    event: str
    states: tuple[str, ...]
    by: date

    @property
    def about(self) -> Condition:
        """What is asked of the event."""
        return Condition(self.event, self.states)

    @property
    def name(self) -> str:
        """It in one word, as EVENT=STATE,STATE@DAY."""
        return f"{self.event}={','.join(self.states)}@{self.by}"


@dataclass(frozen=True, kw_only=True)
class SubQuestionEstimate:
    """A sub-question with P(yes), its quantiles over draws (in the order of QUESTION_QUANTILES), and Monte Carlo error.

    `question` is the id of the workspace's question that asks the same, if there is one.
    """

    asks: SubQuestion
    question: str | None
    probability: float
    quantiles: tuple[float, ...]
    mcse: float


def month_of(day: date) -> int:
    """Return a month as a number, which is one more for the next."""
    return 12 * day.year + day.month - 1


def month_end(month: int) -> date:
    """Return the last day of a month (month_of)."""
    year, place = divmod(month + 1, 12)
    return date(year, place + 1, 1) - timedelta(days=1)


def months_asked(as_of: date, horizon: date) -> dict[int, date]:
    """Return the months that are asked about on a date (month_of), and the last day of each, or the horizon before it.

    They are AHEAD months after that of the date. A month of which the horizon leaves nothing is not asked about.
    """
    months = [month_of(as_of) + ahead for ahead in AHEAD]
    return {month: min(month_end(month), horizon) for month in months if month <= month_of(horizon)}


def states_asked(event: Event) -> tuple[tuple[str, ...], ...]:
    """Return what is asked of an event by a day: each step, or further; of a status each state; of a constant nothing.

    A constant has no date, so that its answer does not come with one. The state that a status began in is the last one,
    so that of two states the change is asked about.
    """
    if event.kind == "reached":
        return tuple(event.states[k:] for k in range(1, len(event.states)))
    if event.kind == "constant":
        return ()
    return tuple((state,) for state in sorted(event.states, key=lambda state: state == event.initial))


def ladder(workspace: Workspace, layout: Layout, as_of: date, posterior: Posterior) -> tuple[SubQuestionEstimate, ...]:
    """Compute every sub-question that is open on a date, by day and then in the order of the network's file.

    Asked are all events by the end of some of the next months (AHEAD), and the workspace's own questions that end in
    these months, by their days. One pass of elimination for each day answers all that is asked about it, on at most
    MOST_DRAWS of the draws. Left out are those that are certain in all draws, and copies: what has the same probability
    in every draw as one before it, or as its opposite. The probabilities are those of forecast.posterior.by_date.
    """
    months = months_asked(as_of, layout.horizon)
    own = {
        SubQuestion(question.about.event, tuple(question.about.states), question.by): question
        for question in workspace.questions
        if question.opens <= as_of and month_of(question.by) in months
    }
    some, days = thinned(posterior, MOST_DRAWS), OtherDays(workspace, posterior.asked.network)
    found: list[tuple[SubQuestion, Array]] = []
    copies: set[bytes] = set()
    for day in sorted({*months.values(), *(asked.by for asked in own)}):
        network = days.on(day)
        asked = [*_of_day(layout, day)] if day in months.values() else []
        asked += [one for one in own if one.by == day and one not in asked]
        for one, yes in _answered(network, some, asked):
            key = _key(yes)
            if one not in own and (key is None or key in copies):
                continue
            copies |= {key} if key is not None else set()
            found.append((one, yes))
    return _estimates(found, own, some.weights.weights)


def _of_day(layout: Layout, day: date) -> Iterator[SubQuestion]:
    for event in layout.events:
        yield from (SubQuestion(event.id, states, day) for states in states_asked(event))


def _answered(
    network: AsOfNetwork, posterior: Posterior, asked: Sequence[SubQuestion]
) -> Iterator[tuple[SubQuestion, Array]]:
    """Yield P(yes) in every draw of each question that settled evidence leaves open."""
    layout = network.layout
    still_open = [one for one in asked if decided_by(network, one.about, one.by) is None]
    if not still_open:
        return
    if network.on == posterior.asked.network.on:
        events = posterior.evaluation.events
    else:
        events = evaluate(query(network, ()), posterior.draws.theta, posterior.reliabilities).events
    for one in still_open:
        yield one, yes_in_draws(layout, posterior, one.about, one.by, events[layout.index[one.event]])


def _key(yes: Array) -> bytes | None:
    """Return what copies and opposites have in common, (draws) as bytes; None for what is certain in all draws."""
    rounded = np.round(yes, DECIMALS)
    if rounded.min() == rounded.max() and rounded[0] in (0.0, 1.0):
        return None
    # An opposite is told by the first draw that is not at one half.
    uneven = np.flatnonzero(rounded != 0.5)
    if uneven.size and rounded[uneven[0]] > 0.5:
        rounded = np.round(1.0 - rounded, DECIMALS)
    return (rounded + 0.0).tobytes()


def _estimates(
    found: Sequence[tuple[SubQuestion, Array]], own: dict[SubQuestion, Question], weights: Array
) -> tuple[SubQuestionEstimate, ...]:
    if not found:
        return ()
    values = np.stack([yes for _, yes in found])
    means = values @ weights
    errors = averages(values, weights, means).mcse
    quantiles = weighted_quantiles(values, weights, np.array(QUESTION_QUANTILES))
    return tuple(
        SubQuestionEstimate(
            asks=one,
            question=own[one].id if one in own else None,
            probability=float(mean),
            quantiles=tuple(map(float, row)),
            mcse=float(error),
        )
        for (one, _), mean, row, error in zip(found, means, quantiles, errors, strict=True)
    )
