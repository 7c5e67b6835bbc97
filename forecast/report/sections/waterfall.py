"""Why the forecast moved: the steps of the evidence, and where their bars stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, log10
from typing import ClassVar

from forecast.analysis.why import MONTE_CARLO, Step, Stretch, Why
from forecast.ledger.differences import NOTHING_EDITED, Edited
from forecast.report.section import Section, Subject, part, plain
from forecast.words import long_date, percent, scenario_names, signed_points

ROUND = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0)  # between ticks
MOST_TICKS = 7
BEYOND = 2.0  # Monte Carlo errors from which on a step is told in words
STEPS = 5  # in the brief
ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
SHORT, TOLD = 60, 110  # characters of a headline in a list, and in a sentence
TOLD_STEPS = 4  # on the first page
TOP = 12  # steps shown one by one; the others are added up
WIDTH, LEAST = 1000.0, 4.0  # of the bars' area, in units of its own, and of a bar that is there at all
FINEST = 3  # decimals of a step in points
EDITED = "no report: statements or model were edited, and drawn anew"  # in short; the waterfall names the files
OTHER_INPUTS = "inputs"  # the kind of the step that is no report, where the inputs of the two ends differ


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """A step of the forecast, from where the one before it ended; `alone`: what the item would add as the last one.

    `step_shown` is rounded by the Monte Carlo error, for sentences; `value_shown` has the error beside it, which tells
    the same, and is never "0" for a step that is drawn.
    """

    what: str
    headline: str | None
    on: str | None
    kind: str
    step: float
    mcse: float | None
    step_shown: str
    value_shown: str
    error_shown: str
    from_: float
    to: float
    decibans: float | None
    decibans_shown: str
    alone: float | None
    alone_shown: str
    reliable: bool

    @property
    def is_drawn(self) -> bool:
        """Whether the step has a bar: it is something when it is printed."""
        return self.step != 0.0 and not self.value_shown.startswith("<")

    @property
    def is_beyond_error(self) -> bool:
        """Whether the step is drawn, and at least twice its Monte Carlo error."""
        return self.is_drawn and abs(self.step) >= BEYOND * (self.mcse or 0.0)


@dataclass(frozen=True, kw_only=True)
class Waterfall:
    """The steps that lead a scenario from an earlier forecast to this one, the ends of their axis, and a sentence.

    `edited`: what changed in between and is no report, a short text for each kind of record.
    """

    scenario: str
    name: str
    since: str
    by: str
    edited: Sequence[str]
    from_: float
    from_shown: str
    to: float
    to_shown: str
    rows: Sequence[StepRow]
    draws: int
    unreliable: int
    sentence: str
    axis_from: float
    axis_to: float


def waterfall(table: Why, names: Mapping[str, str], mcse: float, edited: Edited = NOTHING_EDITED) -> Waterfall:
    """Describe a table of forecast.analysis.why: a sentence, and a row for each step.

    Args:
        table: the steps.
        names: of the scenarios, by id.
        mcse: Monte Carlo standard error of the scenario.
        edited: which inputs were, apart from the evidence.
    """
    rows = _placed(table, edited)
    name = names[table.target]
    ends = [table.from_, table.to, *(row.from_ for row in rows)]
    ends += [row.to + sign * (row.mcse or 0.0) for row in rows for sign in (-1.0, 1.0)]
    low, high = min(ends), max(ends)
    room = max(0.0005, 0.08 * (high - low))
    return Waterfall(
        scenario=table.target,
        name=name,
        since=_since(table),
        by=table.by,
        edited=edited.records,
        from_=table.from_,
        from_shown=percent(table.from_, mcse),
        to=table.to,
        to_shown=percent(table.to, mcse),
        rows=rows,
        draws=table.draws,
        unreliable=table.unreliable,
        sentence=_moved(name, table, rows, mcse),
        axis_from=max(0.0, low - room),
        axis_to=min(1.0, high + room),
    )


def _placed(table: Why, edited: Edited) -> list[StepRow]:
    """Give every step where it begins and ends: they are summed, so that the last one ends at the forecast."""
    at, rows = table.from_, []
    for step in table.rows:
        rows.append(_step(step, at, edited))
        at += step.step
    return rows


def _step(step: Step | Stretch, at: float, edited: Edited) -> StepRow:
    retracted = step.kind == "retraction"
    what = f"retracted: {step.what}" if retracted else step.what
    if step.kind == OTHER_INPUTS:
        inputs = ", ".join(edited.files) or what.removesuffix(f" and {MONTE_CARLO}")
        what = f"no report, but other inputs ({inputs}), drawn anew"
    headline = None if step.headline is None else f"{'Retracted: ' if retracted else ''}{step.headline}"
    value, error = with_error(step.step, step.mcse)
    return StepRow(
        what=what,
        headline=headline,
        on=None if step.on is None else step.on.isoformat(),
        kind=step.kind,
        step=step.step,
        mcse=step.mcse,
        step_shown=signed_points(step.step, step.mcse),
        value_shown=value,
        error_shown=error,
        from_=at,
        to=at + step.step,
        decibans=step.decibans,
        decibans_shown="—" if step.decibans is None else _signed(step.decibans, 1),
        alone=step.leave_one_out,
        alone_shown="—" if step.leave_one_out is None else signed_points(step.leave_one_out, None),
        reliable=step.reliable,
    )


def with_error(step: float, mcse: float | None) -> tuple[str, str]:
    """Write a step and its Monte Carlo standard error in points, to the error's first digit, in one or two decimals.

    A step that would then be written as nothing has more of them, at most FINEST; the error is empty where nobody
    computed it and where it is 0, and only a step of exactly 0 is "0".
    """
    value, error = 100.0 * step, None if mcse is None else 100.0 * mcse
    decimals = min(max(1, ceil(-log10(error))), 2) if error else 1
    while value and not round(abs(value), decimals) and decimals < FINEST:
        decimals += 1
    least = f"<{10.0**-decimals:.{decimals}f}"
    shown = "0" if not value else _signed(value, decimals) if round(abs(value), decimals) else least
    told = "" if not error else f"{error:.{decimals}f}" if round(error, decimals) else least
    return shown, told


def _since(table: Why) -> str:
    """Write the date in the name of the update in words."""
    return ISO.sub(lambda day: long_date(day[0]), table.since)


def largest_steps(fall: Waterfall) -> list[StepRow]:
    """Return the largest steps that are at least twice their error; what others did together is none."""
    moving = [row for row in _short(fall).rows if row.kind not in {"others", "monte_carlo"} and row.is_beyond_error]
    told = sorted(moving, key=lambda row: -abs(row.step))[:TOLD_STEPS]
    return [replace(row, what=EDITED) if row.kind == OTHER_INPUTS and fall.edited else row for row in told]


def in_points(shown: str) -> str:
    """Write a printed number of points with its unit."""
    return f"{shown} {'point' if shown.strip('+−') == '1' else 'points'}"


def shortened(text: str, most: int) -> str:
    """Return at most so many characters of a text, cut at a word where one ends late enough."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[most // 2 :] else cut).rstrip(" ,;:") + "…"


def _signed(value: float, decimals: int) -> str:
    text = f"{value:+z.{decimals}f}".replace("-", "−")
    return text.lstrip("+") if not float(text.replace("−", "-")) else text


def _moved(name: str, table: Why, rows: Sequence[StepRow], mcse: float) -> str:
    change = table.to - table.from_
    size = f"{percent(table.from_, mcse)} to {percent(table.to, mcse)}"
    verb = "rose" if change > 0 else "fell"
    if percent(table.from_, mcse) == percent(table.to, mcse):
        said = f"{name} stands at {percent(table.to, mcse)}, as it did by {_since(table)}"
    else:
        said = f"Since {_since(table)}, {name} {verb} from {size}"
    single = [row for row in rows if row.kind in {"item", "retraction"}]
    if not single:
        return f"{said}."
    known = [row for row in single if row.reliable and row.is_beyond_error]
    if not known:
        return f"{said}. No single report moved it by twice the Monte Carlo error, with draws enough to tell."
    largest = max(known, key=lambda row: abs(row.step))
    report = f"“{shortened(largest.headline, TOLD)}”" if largest.headline else largest.what
    size = f"{largest.value_shown} ± {largest.error_shown}" if largest.error_shown else largest.value_shown
    told = "Its largest step by a single report"
    if any(abs(row.step) > abs(largest.step) for row in single):
        told = f"{told} that has draws enough (~: too few)"
    return f"{said}. {told}, {in_points(size)}: {report}"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar of the waterfall: its left end, width, both ends of the step, those of its error, and its direction.

    A step that is nothing when it is printed has no bar: its `width` is 0.
    """

    x: float
    width: float
    from_: float
    to: float
    error: tuple[float, float] | None
    up: bool


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Places on the axis, in units of 1 / `width` of it: bars, the forecasts that they lead from and to, and ticks."""

    width: float
    steps: Sequence[Bar]
    first: float
    last: float
    ticks: Sequence[tuple[float, str]]


def bars(fall: Waterfall) -> Bars:
    """Place the bars of a waterfall."""
    low, high = fall.axis_from, fall.axis_to

    def x(value: float) -> float:
        return float(WIDTH * min(max((value - low) / (high - low), 0.0), 1.0))

    return Bars(
        width=WIDTH,
        steps=[_bar(row, x(row.from_), x(row.to), x) for row in fall.rows],
        first=x(fall.from_),
        last=x(fall.to),
        ticks=[(x(tick), text) for tick, text in ticks(low, high)],
    )


def _bar(row: StepRow, start: float, end: float, x: Callable[[float], float]) -> Bar:
    return Bar(
        x=min(start, end),
        width=max(abs(end - start), LEAST) if row.is_drawn else 0.0,
        from_=start,
        to=end,
        error=None if not row.mcse else (x(row.to - row.mcse), x(row.to + row.mcse)),
        up=row.step >= 0,
    )


def ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return round values within a range of probabilities, at most MOST_TICKS, each in percent with its digits."""
    size = next((size for size in ROUND if (high - low) / size <= MOST_TICKS), 1.0)
    decimals = max(0, -int(log10(100.0 * size) // 1)) if size != 0.25 else 0
    first = ceil(low / size - 1e-9)
    values = [size * i for i in range(first, int(high / size + 1e-9) + 1)]
    return [(value, f"{100.0 * value:.{decimals}f}") for value in values]


@part
def since_prior(subject: Subject) -> Waterfall:
    """Return the steps since the statements alone."""
    return _fall(subject, subject.material.answers.since_prior)


@part
def since_update(subject: Subject) -> Waterfall | None:
    """Return the steps since the last update; None for a first forecast, and where there are too many."""
    table = subject.material.answers.since_update
    return None if table is None else _fall(subject, table, subject.material.kept.edited)


def _fall(subject: Subject, table: Why, edited: Edited = NOTHING_EDITED) -> Waterfall:
    outcome = subject.outcome
    return waterfall(table, scenario_names(outcome), outcome.scenarios[table.target].mcse, edited)


def _short(fall: Waterfall) -> Waterfall:
    """Shorten the headlines of the steps: the list of evidence has them in full."""
    rows = [replace(row, headline=row.headline and shortened(row.headline, SHORT)) for row in fall.rows]
    return replace(fall, rows=rows)


@dataclass(frozen=True, kw_only=True)
class WhyShown:
    """What the section of the moves shows: both waterfalls and the places of their bars."""

    since_update: Waterfall | None
    update_bars: Bars | None
    since_prior: Waterfall
    prior_bars: Bars
    compared_with: str | None


class WhySection(Section):
    """Which evidence moved the forecast, and by how much."""

    id, title, group, place = "why", "Why it moved", "In short", 40
    entries: ClassVar[Mapping[str, int]] = {"since_update": 120, "since_prior": 130}

    @classmethod
    def shown(cls, subject: Subject) -> WhyShown:
        """Return both waterfalls."""
        update, prior = since_update(subject), since_prior(subject)
        return WhyShown(
            since_update=update,
            update_bars=None if update is None else bars(update),
            since_prior=prior,
            prior_bars=bars(prior),
            compared_with=subject.material.compared_with,
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return both waterfalls."""
        return {"since_update": since_update(subject), "since_prior": since_prior(subject)}

    @classmethod
    def brief(cls, subject: Subject) -> list[str]:
        """Return the sentence, and the largest steps of reports."""
        fall = since_update(subject) or since_prior(subject)
        headlines = [(row, row.headline) for row in fall.rows if row.headline and row.is_beyond_error]
        largest = sorted(headlines, key=lambda pair: -abs(pair[0].step))[:STEPS]
        lines = [f"- {in_points(row.value_shown)}: {plain(headline)} ({row.on})" for row, headline in largest]
        return ["## Why it moved", plain(fall.sentence), *lines]
