"""Events: the probability of each state at the opening, now and by date, with the curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.next_step import NextStep, next_steps
from forecast.digits import exact
from forecast.plain import as_data, from_data
from forecast.posterior.by_date import Curves
from forecast.report.section import Inputs, Section, Subject, part
from forecast.words import Estimated, estimate, event_name, label, percent

Array = NDArray[np.float64]

CURVE_WIDTH, CURVE_HEIGHT = 1000.0, 100.0  # in units of its own: a curve is stretched to its place
NAMES_APART = 20.0  # least distance of the names of two states, in the same units
DAYS_TOLD = 3  # of the curves, in the table: days before the horizon, evenly
CURVE_EVERY = 2  # draws: half of them give the curves to a fraction of a percent, in half the time


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """The probability by a day; `quantiles`: the ends of its 90 % interval."""

    day: str
    probability: float
    mcse: float
    quantiles: Sequence[float]
    shown: str


@dataclass(frozen=True, kw_only=True)
class StateRow:
    """A state of an event: its probability now, at the opening (`prior`) and by date; a constant has no dates."""

    state: str
    probability: float
    mcse: float
    quantiles: Mapping[str, float]
    shown: str
    interval: str
    shown_quantiles: Sequence[str]
    prior: Estimated
    curve: Sequence[CurvePoint] | None


@dataclass(frozen=True, kw_only=True)
class NextRow:
    """A next step by the horizon: as it is now (`before`), and as it would be had the `step` before it come today.

    `taken`: the step has come since, and the numbers are of the opening. `stated`: the largest number that was given.
    """

    step: str
    next: str
    probability: float
    mcse: float
    shown: str
    before: float
    shown_before: str
    stated: float | None
    shown_stated: str
    taken: bool


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """An event: the state it is known to be in, the place of its likeliest one at the horizon, and all states.

    `next_steps`: of a reached event with several steps, each but the first.
    """

    id: str
    label: str
    question: str
    kind: str
    role: str
    current: str | None
    likeliest: int
    states: Sequence[StateRow]
    next_steps: Sequence[NextRow]


@dataclass(frozen=True, kw_only=True)
class AskedSteps:
    """The next steps of events, as of the as-of date and at the opening."""

    now: tuple[NextStep, ...]
    opening: tuple[NextStep, ...]


@part
def events(subject: Subject) -> list[EventRow]:
    """Describe every event and its states, with P(by date)."""
    outcome, prior, by_date, rows = subject.outcome, subject.material.prior, subject.by_date, []
    asked = from_data(AskedSteps, subject.material.answers.of_sections["events"])
    steps = {(step.event, step.step): (step, False) for step in asked.now}
    opening_steps = {(step.event, step.step): (step, True) for step in asked.opening}
    told = sorted((opening_steps | steps).values(), key=lambda one: not one[1])
    for v, event in enumerate(outcome.layout.events):
        now, opening = outcome.events[event.id], prior.events[event.id]
        path = outcome.posterior.asked.network.known.paths.get(v)
        states = [
            _state(
                label(state),
                estimate(now[state]),
                estimate(opening[state]),
                _curve(by_date, v, k) if event.kind != "constant" else None,
            )
            for k, state in enumerate(event.states)
        ]
        rows.append(
            EventRow(
                id=event.id,
                label=event_name(event),
                question=event.question,
                kind=event.kind,
                role=event.role,
                current=label(event.states[path.on(path.until)]) if path else None,
                likeliest=max(range(len(states)), key=lambda k: states[k].probability),
                states=states,
                next_steps=[_next(step, taken=taken) for step, taken in told if step.event == event.id],
            )
        )
    return rows


def _next(step: NextStep, *, taken: bool) -> NextRow:
    return NextRow(
        step=label(step.step),
        next=label(step.next),
        probability=step.once,
        mcse=step.once_mcse,
        shown=percent(step.once, step.once_mcse),
        before=step.now,
        shown_before=percent(step.now, step.now_mcse),
        stated=step.stated,
        shown_stated="not stated" if step.stated is None else f"stated {exact(step.stated)}",
        taken=taken,
    )


def _state(name: str, now: Estimated, opening: Estimated, curve: list[CurvePoint] | None) -> StateRow:
    return StateRow(
        state=name,
        probability=now.probability,
        mcse=now.mcse,
        quantiles=now.quantiles,
        shown=now.shown,
        interval=now.interval,
        shown_quantiles=now.shown_quantiles,
        prior=opening,
        curve=curve,
    )


def _curve(by_date: Curves, v: int, k: int) -> list[CurvePoint]:
    return [
        CurvePoint(
            day=day.isoformat(),
            probability=float(by_date.mean[v][t, k]),
            mcse=float(by_date.mcse[v][t, k]),
            quantiles=by_date.quantiles[v][t, k].tolist(),
            shown=percent(float(by_date.mean[v][t, k]), float(by_date.mcse[v][t, k])),
        )
        for t, day in enumerate(by_date.days)
    ]


@dataclass(frozen=True, kw_only=True)
class CurveDays:
    """The days of the curves, of which draws they are, and the largest correction that kept one from falling."""

    days: Sequence[str]
    every: int
    correction: float
    correction_shown: str


def _days(by_date: Curves) -> CurveDays:
    return CurveDays(
        days=[day.isoformat() for day in by_date.days],
        every=CURVE_EVERY,
        correction=by_date.correction,
        correction_shown=f"{100.0 * by_date.correction:.2f} points",
    )


class _Axis:
    """Places of the curves: from the last known day to the horizon, and from 0 to 1."""

    def __init__(self, known_until: date, days: Sequence[date]) -> None:
        whole = max((days[-1] - known_until).days, 1)
        self.places = [(day - known_until).days / whole for day in days]

    def curves(self, event: EventRow) -> list[StateCurve]:
        """Return each state's curve; of two states that of the second, and none of a step that is taken."""
        first = 1 if len(event.states) == 2 else 0  # of two states one says what the other does
        shown = [(k, curve) for k in range(first, len(event.states)) if (curve := _shown_curve(event, k)) is not None]
        heights = [CURVE_HEIGHT * (1.0 - curve[-1].probability) for _, curve in shown]
        return [
            StateCurve(
                place=k,
                state=event.states[k].state,
                shown=curve[-1].shown,
                line=points([(0.0, _known(event, k)), *self._by_day([point.probability for point in curve])]),
                fan=self._fan(event, k, curve),
                label_y=height,
            )
            for (k, curve), height in zip(shown, spread_apart(heights, NAMES_APART, CURVE_HEIGHT), strict=True)
        ]

    def _fan(self, event: EventRow, k: int, curve: Sequence[CurvePoint]) -> str:
        low, high = ([point.quantiles[end] for point in curve] for end in (0, -1))
        return points([(0.0, _known(event, k)), *self._by_day(low), *reversed(self._by_day(high))])

    def _by_day(self, values: Sequence[float]) -> list[tuple[float, float]]:
        return list(zip(self.places, values, strict=True))


def _shown_curve(event: EventRow, k: int) -> Sequence[CurvePoint] | None:
    """Return the curve of a state, None of a step that is taken already: that it is stays so."""
    return None if event.kind == "reached" and _known(event, k) else event.states[k].curve


def _known(event: EventRow, k: int) -> float:
    """Return the probability of a state where the known course ends: it is known, so 0 or 1."""
    current = next(i for i, state in enumerate(event.states) if state.state == event.current)
    return float(k <= current if event.kind == "reached" else k == current)


def spread_apart(ends: Sequence[float], apart: float, most: float) -> list[float]:
    """Move places apart that would stand on one another, keeping their order: up, and down again from the end."""
    order = sorted(range(len(ends)), key=lambda i: ends[i])
    places = list(ends)
    for before, after in pairwise(order):
        places[after] = max(places[after], places[before] + apart)
    highest = most
    for i in reversed(order):
        places[i] = min(places[i], highest)
        highest = places[i] - apart
    return places


def points(places: Sequence[tuple[float, float]]) -> str:
    """Write (share of the time, probability) as points of a curve, in units of CURVE_WIDTH and CURVE_HEIGHT."""
    return " ".join(f"{CURVE_WIDTH * x:.1f},{CURVE_HEIGHT * (1 - p):.1f}" for x, p in places)


@dataclass(frozen=True, kw_only=True)
class StateCurve:
    """A state's curve and 90 % band as points, its name, its last number, and the height at which the name stands.

    `place` is that of the state among all of its event's.
    """

    place: int
    state: str
    shown: str
    line: str
    fan: str
    label_y: float


@dataclass(frozen=True, kw_only=True)
class EventsShown:
    """What the section of events shows; `lines`: the curve of each state that has one, by event.

    `told`: which of the curves' days the table has. The horizon is none: the forecast there is that of all draws.
    """

    events: Sequence[EventRow]
    curves: CurveDays
    lines: Mapping[str, Sequence[StateCurve]]
    told: Sequence[int]
    known_until: str
    horizon: str


def _told(days: int) -> list[int]:
    """Return the places of at most DAYS_TOLD days, the first among them and not the last one, unless it is alone."""
    before = max(days - 1, 1)
    return list(range(0, before, -(-before // DAYS_TOLD)))


class EventsSection(Section):
    """Every event: before any evidence, now, and by date."""

    id, title, group, place = "events", "Events", "Explore", 90
    entries: ClassVar[Mapping[str, int]] = {"events": 170, "curves": 180}

    @classmethod
    def asks(cls, inputs: Inputs) -> object:
        """Suppose each step that is still to come."""
        now, opening = next_steps(inputs.outcome), next_steps(inputs.prior, at_opening=True)
        return as_data(AskedSteps(now=now, opening=opening))

    @classmethod
    def shown(cls, subject: Subject) -> EventsShown:
        """Return the events and their curves."""
        outcome = subject.outcome
        known_until, rows = outcome.posterior.asked.network.known.until, events(subject)
        axis = _Axis(known_until, subject.by_date.days)
        return EventsShown(
            events=rows,
            curves=_days(subject.by_date),
            lines={row.id: axis.curves(row) for row in rows},
            told=_told(len(subject.by_date.days)),
            known_until=known_until.isoformat(),
            horizon=outcome.layout.horizon.isoformat(),
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the events and the days of their curves."""
        return {"events": events(subject), "curves": _days(subject.by_date)}
