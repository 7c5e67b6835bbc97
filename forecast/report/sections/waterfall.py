"""Why the forecast moved: the steps of the evidence, and where their bars stand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from forecast.analysis.why import Step, Stretch, Why
from forecast.report.section import Section, Subject, part, plain
from forecast.words import long_date, percent, scenario_names, signed_points

ROUND = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0)  # distances of ticks
STEPS = 5  # in the brief
ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
LABEL, SHORT, TOLD = 44, 60, 110  # characters of a headline beside a bar, in a list, and in a sentence
TOLD_STEPS = 4  # on the first page
TOP = 12  # steps shown one by one; the others are added up
WIDTH, LINE, PAD = 620.0, 26.0, 6.0  # of the figure: width of the bars' area, height of a row, room beside the axis


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """A step of the forecast, from where the one before it ended; `alone`: what the item would add as the last one."""

    what: str
    label: str
    headline: str | None
    on: str | None
    kind: str
    step: float
    step_shown: str
    error_shown: str
    from_: float
    to: float
    decibans: float | None
    decibans_shown: str
    alone: float | None
    alone_shown: str
    reliable: bool


@dataclass(frozen=True, kw_only=True)
class Waterfall:
    """The steps that lead a scenario from an earlier forecast to this one, the ends of their axis, and a sentence."""

    scenario: str
    name: str
    since: str
    by: str
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


def waterfall(table: Why, names: Mapping[str, str], mcse: float) -> Waterfall:
    """Describe a table of forecast.analysis.why: a sentence, and a row for each step.

    Args:
        table: the steps.
        names: of the scenarios, by id.
        mcse: Monte Carlo standard error of the scenario.
    """
    rows = _placed(table)
    name = names[table.target]
    ends = [table.from_, table.to, *(row.from_ for row in rows), *(row.to for row in rows)]
    low, high = min(ends), max(ends)
    room = max(0.02, 0.08 * (high - low))
    return Waterfall(
        scenario=table.target,
        name=name,
        since=_since(table.since),
        by=table.by,
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


def _placed(table: Why) -> list[StepRow]:
    """Give every step where it begins and ends: they are summed, so that the last one ends at the forecast."""
    at, rows = table.from_, []
    for step in table.rows:
        rows.append(_step(step, at))
        at += step.step
    return rows


def _step(step: Step | Stretch, at: float) -> StepRow:
    retracted = step.kind == "retraction"
    what = f"retracted: {step.what}" if retracted else step.what
    headline = None if step.headline is None else f"{'Retracted: ' if retracted else ''}{step.headline}"
    return StepRow(
        what=what,
        label=shortened(headline or what, LABEL),
        headline=headline,
        on=None if step.on is None else step.on.isoformat(),
        kind=step.kind,
        step=step.step,
        step_shown=signed_points(step.step, step.mcse),
        error_shown="—" if step.mcse is None else f"{100.0 * step.mcse:.1f}",
        from_=at,
        to=at + step.step,
        decibans=step.decibans,
        decibans_shown="—" if step.decibans is None else _signed(step.decibans, 1),
        alone=step.leave_one_out,
        alone_shown="—" if step.leave_one_out is None else signed_points(step.leave_one_out, None),
        reliable=step.reliable,
    )


def _since(name: str) -> str:
    """Write the date in the name of an update in words."""
    return ISO.sub(lambda day: long_date(day[0]), name)


def largest_steps(fall: Waterfall) -> list[StepRow]:
    """Return the largest steps that are beyond their error."""
    moving = [row for row in _short(fall).rows if float(row.step_shown.replace("−", "-"))]
    return sorted(moving, key=lambda row: -abs(row.step))[:TOLD_STEPS]


def in_points(shown: str) -> str:
    """Write a printed number of points with its unit."""
    return f"{shown} {'point' if shown.strip('+−') == '1' else 'points'}"


def shortened(text: str, most: int) -> str:
    """Return at most so many characters of a text, cut at a word where one ends late enough."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[most // 2 :] else cut) + "…"


def _signed(value: float, decimals: int) -> str:
    text = f"{value:+z.{decimals}f}".replace("-", "−")
    return text.lstrip("+") if not float(text.replace("−", "-")) else text


def _moved(name: str, table: Why, rows: Sequence[StepRow], mcse: float) -> str:
    change = table.to - table.from_
    size = f"{percent(table.from_, mcse)} to {percent(table.to, mcse)}"
    verb = "rose" if change > 0 else "fell"
    if percent(table.from_, mcse) == percent(table.to, mcse):
        said = f"{name} stands at {percent(table.to, mcse)}, as it did by {_since(table.since)}"
    else:
        said = f"Since {_since(table.since)}, {name} {verb} from {size}"
    single = [row for row in rows if row.kind in {"item", "retraction"}]
    if not single:
        return f"{said}."
    largest = max(single, key=lambda row: abs(row.step))
    if not float(largest.step_shown.replace("−", "-")):
        return f"{said}. No single report moved it beyond the Monte Carlo error."
    report = f"“{shortened(largest.headline, TOLD)}”" if largest.headline else largest.what
    return f"{said}. The largest step by a single report, {in_points(largest.step_shown)}: {report}"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar of the waterfall: its left end, width, end of the step, top, and whether the step goes up."""

    x: float
    width: float
    to: float
    y: float
    up: bool


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Places of the waterfall: one row each, first and last the forecasts that it leads from and to."""

    width: float
    line: float
    height: float
    steps: Sequence[Bar]
    first: float
    last: float
    ticks: Sequence[tuple[float, str]]


def bars(fall: Waterfall) -> Bars:
    """Place the bars of a waterfall."""
    low, high = fall.axis_from, fall.axis_to

    def x(value: float) -> float:
        return float(PAD + (WIDTH - 2 * PAD) * (value - low) / (high - low))

    return Bars(
        width=WIDTH,
        line=LINE,
        height=(len(fall.rows) + 2) * LINE,
        steps=[
            Bar(
                x=min(x(row.from_), x(row.to)),
                width=abs(x(row.to) - x(row.from_)),
                to=x(row.to),
                y=(i + 1) * LINE,
                up=row.step >= 0,
            )
            for i, row in enumerate(fall.rows)
        ],
        first=x(fall.from_),
        last=x(fall.to),
        ticks=[(x(tick), f"{100 * tick:.0f}") for tick in _ticks(low, high)],
    )


def _ticks(low: float, high: float) -> list[float]:
    """Return round values within a range, at most seven of them."""
    size = next(size for size in ROUND if (high - low) / size <= 7)
    return [size * i for i in range(1 + int(high / size)) if low <= size * i]


@part
def since_prior(subject: Subject) -> Waterfall:
    """Return the steps since the statements alone."""
    return _fall(subject, subject.material.answers.since_prior)


@part
def since_update(subject: Subject) -> Waterfall | None:
    """Return the steps since the last update; None for a first forecast, and where there are too many."""
    table = subject.material.answers.since_update
    return None if table is None else _fall(subject, table)


def _fall(subject: Subject, table: Why) -> Waterfall:
    outcome = subject.outcome
    return waterfall(table, scenario_names(outcome), outcome.scenarios[table.target].mcse)


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
            since_update=None if update is None else _short(update),
            update_bars=None if update is None else bars(update),
            since_prior=_short(prior),
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
        headlines = [(row, row.headline) for row in fall.rows if row.headline]
        largest = sorted(headlines, key=lambda pair: -abs(pair[0].step))[:STEPS]
        lines = [f"- {in_points(row.step_shown)}: {plain(headline)} ({row.on})" for row, headline in largest]
        return ["## Why it moved", plain(fall.sentence), *lines]
