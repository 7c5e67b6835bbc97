"""The ladder: dated sub-questions that every network asks, an event in a state by the end of a month, all in one go.

They need no file. What settles the event resolves them (forecast.analysis.record), so that a forecast that is entered
in the ledger on its own day meets some of its outcomes within weeks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from math import ceil

import numpy as np
from numpy.typing import NDArray

from forecast.model.asof import AsOfNetwork, OtherDays
from forecast.model.layout import Layout
from forecast.posterior.by_date import QUESTION_QUANTILES, OnAllDraws, decided_by, on_all_draws, yes_in_draws
from forecast.posterior.kinds import joints_in_draws, ratio_on_all_draws
from forecast.posterior.posterior import Posterior, evaluate_events, thinned
from forecast.posterior.weights import weighted_quantiles
from forecast.workspace.records import (
    Condition,
    DatedCondition,
    Event,
    JointQuestion,
    Proposition,
    Workspace,
)

Array = NDArray[np.float64]

AHEAD = (1, 2, 3, 6, 12)  # months from that of the as-of date to those that are asked about
DRAWS = 200  # evenly spaced, of equal weight, or as many as are worth these: the horizon's numbers of all do the rest
MOST_DRAWS = 1000  # what the update of a day should not wait for
DECIMALS = 10  # of a probability in a draw, to which two sub-questions are copies


@dataclass(frozen=True, order=True)
class SubQuestion:
    """Is the event in one of the states on the day `by` (of a reached event: by then)? States in the event's order."""

    event: str
    states: tuple[str, ...]
    by: date

    @property
    def events(self) -> tuple[str, ...]:
        """The events that are named."""
        return (self.event,)

    @property
    def about(self) -> Condition:
        """What is asked of the event."""
        return Condition(self.event, self.states)

    @property
    def name(self) -> str:
        """It in one word, as EVENT=STATE,STATE@DAY."""
        return f"{self.event}={','.join(self.states)}@{self.by}"


@dataclass(frozen=True)
class JointSubQuestion:
    """Is a scenario, or an event under a condition, so on the day `by`? One of the workspace's questions asks it."""

    about: Proposition
    given: Proposition | None
    by: date

    @property
    def events(self) -> tuple[str, ...]:
        """The events that are named."""
        named = (self.about, *(() if self.given is None else (self.given,)))
        return tuple(dict.fromkeys(one.event for about in named for one in about.conditions))

    @property
    def name(self) -> str:
        """It in one word, as EVENT=STATE@DAY|EVENT=STATE@DAY, of a scenario by its id."""
        given = "" if self.given is None else f"|{_in_one_word(self.given, self.by)}"
        return f"{_in_one_word(self.about, self.by)}{given}"


def _in_one_word(about: Proposition, by: date) -> str:
    if about.scenario is not None:
        return f"{about.scenario}@{by}"
    return ";".join(SubQuestion(one.event, one.states, day_of(one, by)).name for one in about.conditions)


def day_of(condition: Condition, by: date) -> date:
    """Return the day on which a condition of a question is read: its own, or the question's last."""
    return (isinstance(condition, DatedCondition) and condition.held_by) or by


@dataclass(frozen=True, kw_only=True)
class SubQuestionEstimate:
    """A sub-question with P(yes), its quantiles over draws (in the order of QUESTION_QUANTILES), and Monte Carlo error.

    `question` is the id of the workspace's question that asks the same, if there is one.
    """

    asks: SubQuestion | JointSubQuestion
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


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """The sub-questions of a date with their probabilities (rows), in one order.

    `questions` are the ids of the workspace's questions that ask the same. `yes` (rows, draws) is P(yes) in each draw
    that was solved, `weights` those of these draws; `averaged` holds the rows of each event and their averages.
    `joints` are the questions about scenarios and under conditions.
    """

    asks: tuple[SubQuestion, ...]
    questions: tuple[str | None, ...]
    probabilities: Array
    yes: Array
    weights: Array
    averaged: tuple[tuple[list[int], OnAllDraws], ...]
    joints: tuple[SubQuestionEstimate, ...]

    @cached_property
    def estimates(self) -> tuple[SubQuestionEstimate, ...]:
        """The same with errors and quantiles, which take longer than the probabilities and enter no ledger."""
        if not self.asks:
            return self.joints
        errors = np.zeros(len(self.asks))
        for rows, of_event in self.averaged:
            errors[rows] = of_event.mcse()
        quantiles = weighted_quantiles(self.yes, self.weights, np.array(QUESTION_QUANTILES))
        of_events = (
            SubQuestionEstimate(
                asks=one, question=question, probability=probability, quantiles=tuple(levels), mcse=error
            )
            for one, question, probability, levels, error in zip(
                self.asks,
                self.questions,
                self.probabilities.tolist(),
                quantiles.tolist(),
                errors.tolist(),
                strict=True,
            )
        )
        return (*of_events, *self.joints)


def ladder(workspace: Workspace, layout: Layout, as_of: date, posterior: Posterior) -> Ladder:
    """Compute every sub-question that is open on a date, by day and then in the order of the network's file.

    Asked are all events by the end of some of the next months (AHEAD), and the workspace's own questions that end in
    these months, by their days; behind them those about scenarios and under conditions. Left out are those that are
    certain in all draws, and copies: what has the same probability in every draw as one before it, or as its opposite.

    The probabilities are those of forecast.posterior.by_date, within their Monte Carlo error: all days are solved in
    one elimination on some of the draws, as many as are worth DRAWS of equal weight (at most MOST_DRAWS), and corrected
    by what all draws have at the horizon (`on_all_draws`).
    """
    months = months_asked(as_of, layout.horizon)
    own = {
        SubQuestion(question.about.event, tuple(question.about.states), question.by): question.id
        for question in workspace.questions
        if question.opens <= as_of and month_of(question.by) in months
    }
    some = thinned(posterior, _draws_asked(posterior))
    compiled: dict[date, AsOfNetwork] = {}
    answered = list(_answered(workspace, layout, some, _asked(layout, months, own), compiled))
    values = np.array([yes for _, yes in answered]).reshape(len(answered), some.weights.weights.size)
    kept, copies = [], set()
    for row, (one, key) in enumerate(zip((one for one, _ in answered), _keys(values), strict=True)):
        if one in own or not (key is None or key in copies):
            kept.append(row)
            copies.add(key)
    asks, values = [answered[row][0] for row in kept], values[kept]
    by_event: dict[int, list[int]] = {}
    for row, one in enumerate(asks):
        by_event.setdefault(layout.index[one.event], []).append(row)
    averaged = tuple((rows, on_all_draws(values[rows], some, posterior, v)) for v, rows in by_event.items())
    probabilities = np.zeros(len(asks))
    for rows, of_event in averaged:
        probabilities[rows] = of_event.mean
    return Ladder(
        asks=tuple(asks),
        questions=tuple(own.get(one) for one in asks),
        probabilities=probabilities,
        yes=values,
        weights=some.weights.weights,
        averaged=averaged,
        joints=tuple(_joints(workspace, as_of, posterior, some, copies, compiled)),
    )


def _joints(
    workspace: Workspace,
    as_of: date,
    every: Posterior,
    some: Posterior,
    copies: set[bytes | None],
    compiled: Mapping[date, AsOfNetwork],
) -> Iterator[SubQuestionEstimate]:
    """Yield the workspace's questions about scenarios and under conditions that are open, not certain and no copies.

    `copies` holds the keys of what is asked already, `compiled` the networks of its days.
    """
    layout = every.asked.network.layout
    months = months_asked(as_of, layout.horizon)
    asked = [
        one
        for one in workspace.further
        if isinstance(one, JointQuestion) and one.opens <= as_of and month_of(one.by) in months
    ]
    for one in joints_in_draws(workspace, layout, as_of, some, asked, compiled) if asked else ():
        both, under, weights = one.share[one.yes], one.under, one.of.weights.weights
        if not one.is_open or not float(under @ weights) > 0.0:
            continue
        in_draws = np.divide(both, under, out=np.zeros_like(both), where=under > 0.0)
        (key,) = _keys(in_draws[np.newaxis, under > 0.0])
        if key is None or key in copies:
            continue
        copies.add(key)
        question = one.question
        probability, error = ratio_on_all_draws(one, every, layout)
        weighed = weights * under
        levels = weighted_quantiles(in_draws[np.newaxis], weighed / weighed.sum(), np.array(QUESTION_QUANTILES))[0]
        yield SubQuestionEstimate(
            asks=JointSubQuestion(question.about, question.given, question.by),
            question=question.id,
            probability=probability,
            quantiles=tuple(levels.tolist()),
            mcse=error,
        )


def _draws_asked(posterior: Posterior) -> int:
    """Return how many evenly spaced draws are worth DRAWS of equal weight, at most MOST_DRAWS."""
    weights = posterior.weights
    return min(MOST_DRAWS, ceil(DRAWS * weights.weights.size / weights.effective_size))


def _asked(layout: Layout, months: dict[int, date], own: dict[SubQuestion, str]) -> dict[date, list[SubQuestion]]:
    """Return what is asked about each day, in the order of the days."""
    asked: dict[date, list[SubQuestion]] = {}
    for day in sorted({*months.values(), *(one.by for one in own)}):
        of_day = [*_of_day(layout, day)] if day in months.values() else []
        asked[day] = [*of_day, *(one for one in own if one.by == day and one not in of_day)]
    return asked


def _of_day(layout: Layout, day: date) -> Iterator[SubQuestion]:
    for event in layout.events:
        yield from (SubQuestion(event.id, states, day) for states in states_asked(event))


def _answered(
    workspace: Workspace,
    layout: Layout,
    posterior: Posterior,
    asked: dict[date, list[SubQuestion]],
    compiled: dict[date, AsOfNetwork],
) -> Iterator[tuple[SubQuestion, Array]]:
    """Yield P(yes) in every draw of each question that settled evidence leaves open; `compiled` gets the networks."""
    days = OtherDays(workspace, posterior.asked.network)
    networks, still_open = [], []
    for day, of_day in asked.items():
        network = compiled[day] = days.on(day)
        of_day = [one for one in of_day if decided_by(network, one.about, one.by) is None]
        if of_day:
            networks.append(network)
            still_open.append(of_day)
    to_solve = [network for network in networks if network.on != posterior.asked.network.on]
    solved = iter(evaluate_events(to_solve, posterior.draws.theta, posterior.reliabilities))
    for network, of_day in zip(networks, still_open, strict=True):
        events = posterior.evaluation.events if network.on == posterior.asked.network.on else next(solved)
        for one in of_day:
            yield one, yes_in_draws(layout, posterior, one.about, one.by, events[layout.index[one.event]])


def _keys(yes: Array) -> Iterator[bytes | None]:
    """Yield what copies and opposites have in common, of each row (rows, draws); None for what is certain."""
    rounded = np.round(yes, DECIMALS)
    is_certain = (rounded == 0.0).all(axis=1) | (rounded == 1.0).all(axis=1)
    # An opposite is told by the first draw that is not at one half.
    first = np.take_along_axis(rounded, (rounded != 0.5).argmax(axis=1)[:, np.newaxis], axis=1)
    alike = np.where(first > 0.5, np.round(1.0 - rounded, DECIMALS), rounded) + 0.0
    for row, certain in zip(alike, is_certain, strict=True):
        yield None if certain else row.tobytes()
