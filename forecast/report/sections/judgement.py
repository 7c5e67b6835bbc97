"""Every scenario in numbers, a sentence and a figure, and which digits of it are printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

import numpy as np

from forecast.analysis.story import Story
from forecast.digits import UNITS, points
from forecast.posterior.weights import weighted_quantiles
from forecast.report.section import Section, Subject, part
from forecast.words import (
    MINUS,
    NO_SCENARIO,
    Estimated,
    estimate,
    event_names,
    likelihood_word,
    long_date,
    rare,
    rule_alone,
    rules_in_words,
    scenario_colour,
    scenario_names,
    signed_points,
)
from forecast.workspace.names import OTHER

DOTS = 20  # quantile dots a scenario: each stands for one chance in twenty (Kay et al. 2016)
DOT = 10.0  # diameter of a dot, in units of the strip's width
STRIP_WIDTH, STRIP_FOOT = 600.0, 16.0
MIN_STACK, MOST_STACK = 3, 6  # height of a strip in dots; a higher stack has smaller ones
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class ProbableCourse:
    """The most probable course of a scenario with its own probability, and its share of the scenario's."""

    text: str
    probability: float
    shown: str
    share: float
    share_shown: str


@dataclass(frozen=True, kw_only=True)
class ScenarioRow:
    """A scenario.

    The probability is that of its `rule`: that `when` holds and no earlier rule does. What goes with it as a story has
    one of its own: of the `summary` of the files nobody computes it, of `story`, the most probable course, it stands
    beside it.
    """

    id: str
    name: str
    summary: str | None
    rule: str
    when: str
    story: ProbableCourse | None
    colour: str
    probability: float
    mcse: float
    quantiles: Mapping[str, float]
    shown: str
    interval: str
    shown_quantiles: Sequence[str]
    mcse_shown: str
    word: str
    prior: Estimated
    change: float | None
    change_shown: str | None
    dots: Sequence[float]
    moved: str | None
    sentence: str


@part
def scenario_rows(subject: Subject) -> list[ScenarioRow]:
    """Describe every scenario, the likeliest first and `other` last."""
    outcome, material = subject.outcome, subject.material
    rules = rules_in_words(outcome.workspace.scenarios, event_names(outcome))
    alone = {one.id: rule_alone(one, event_names(outcome)) for one in outcome.workspace.scenarios}
    courses = {story.scenario: story for story in material.answers.stories}
    changes = {row.id: row.change for row in material.forecast.scenarios}
    summaries = {rule.id: rule.summary for rule in outcome.workspace.scenarios}
    posterior, at = outcome.posterior, (np.arange(DOTS) + 0.5) / DOTS
    dots = weighted_quantiles(posterior.evaluation.scenarios, posterior.weights.weights, at)
    horizon, names = long_date(outcome.layout.horizon), scenario_names(outcome)
    is_compared = subject.material.since is not None
    rows = []
    for i, (name, share) in enumerate(outcome.scenarios.items()):
        shown, change = estimate(share), changes.get(name)
        word, moved = likelihood_word(share.probability), _moved(change, share.mcse) if is_compared else None
        rows.append(
            ScenarioRow(
                id=name,
                name=names[name],
                summary=summaries.get(name),
                rule=rules[name],
                when=alone.get(name, "no rule holds" if alone else rules[name]),
                story=_course(courses[name]) if name in courses else None,
                colour=scenario_colour(outcome, name),
                probability=shown.probability,
                mcse=shown.mcse,
                quantiles=shown.quantiles,
                shown=shown.shown,
                interval=shown.interval,
                shown_quantiles=shown.shown_quantiles,
                mcse_shown=f"{100.0 * share.mcse:.2f} points",
                word=word,
                prior=estimate(subject.material.prior.scenarios[name]),
                change=change,
                change_shown=None if moved is None or change is None else _signed(change, share.mcse),
                dots=dots[i].tolist(),
                moved=moved,
                sentence=f"{word.capitalize()} on {horizon}: {shown.shown} that {rules[name]}"
                + (f", {moved}." if moved else "."),
            )
        )
    return sorted(rows, key=lambda row: (row.id == OTHER, -row.probability, row.id))


def _course(story: Story) -> ProbableCourse:
    probability, share = story.story_probability, story.course_probability
    return ProbableCourse(
        text=story.text,
        probability=probability,
        shown=rare(probability),
        share=share,
        share_shown=rare(share),
    )


def _moved(change: float | None, mcse: float) -> str | None:
    return None if change is None else points(change, mcse)


def _signed(change: float, mcse: float) -> str:
    shown = signed_points(change, mcse)
    unit = "point" if shown[1:] == "1" else "points"
    return f"{shown} {unit}" if float(shown.replace(MINUS, "-")) else "no change"


def headline(rows: Sequence[ScenarioRow], horizon: str) -> str:
    """Say in one sentence what is likeliest on the horizon, called what it is."""
    if len(rows) < 2:
        return f"No scenarios are defined for {horizon}."
    first = likeliest_first(rows)[0]
    name = f"none of the {len(rows) - 1} scenarios" if first.name == NO_SCENARIO else first.name
    return f"Likeliest of {len(rows)} on {horizon}: {name}, {first.shown}."


def likeliest_first(rows: Sequence[ScenarioRow]) -> list[ScenarioRow]:
    """Return the scenarios by their probability, `other` among them."""
    return sorted(rows, key=lambda row: (-row.probability, row.id == OTHER, row.id))


def scenario_axis(rows: Sequence[ScenarioRow]) -> float:
    """Return where the axis of the scenario figure ends: a round tenth that holds every dot."""
    highest = max(row.dots[-1] for row in rows)
    return min(1.0, ceil(10.0 * highest + 0.2) / 10.0)


@dataclass(frozen=True, kw_only=True)
class Strip:
    """Places on a scenario's strip, in units of its width: dots, quantiles by level, mean, and ticks of the axis."""

    width: float
    height: float
    floor: float
    radius: float
    dots: Sequence[Point]
    quantiles: Mapping[str, float]
    mean: float
    ticks: Sequence[float]


def dot_strip(dots: Sequence[float], quantiles: Mapping[str, float], mean: float, axis_to: float) -> Strip:
    """Place a scenario's quantile dots on a strip: dots nearer than a diameter are stacked (Wilkinson 1999).

    What is as good as certain or impossible is one stack, whose dots are made smaller: a row of the main figure is no
    higher for it.
    """
    places = [STRIP_WIDTH * value / axis_to for value in dots]
    stacks: list[list[float]] = []
    for place in places:
        if stacks and place - stacks[-1][0] < DOT:
            stacks[-1].append(place)
        else:
            stacks.append([place])
    tallest = max(map(len, stacks))
    height = min(max(MIN_STACK, tallest), MOST_STACK) * DOT
    size = min(DOT, height / tallest)
    return Strip(
        width=STRIP_WIDTH,
        height=height + STRIP_FOOT,
        floor=height,
        radius=0.46 * size,
        dots=[
            ((stack[0] + stack[-1]) / 2, height - (level + 0.5) * size)
            for stack in stacks
            for level in range(len(stack))
        ],
        quantiles={name: STRIP_WIDTH * value / axis_to for name, value in quantiles.items()},
        mean=STRIP_WIDTH * mean / axis_to,
        ticks=[STRIP_WIDTH * tick / (10.0 * axis_to) for tick in range(round(10 * axis_to) + 1)],
    )


@dataclass(frozen=True, kw_only=True)
class DigitsShown:
    """What the section of printed digits shows."""

    digits: Sequence[str]


class DigitsSection(Section):
    """Which digits are printed."""

    id, title, group, place = "digits", "Printed digits", "Method", 180
    entries: ClassVar[Mapping[str, int]] = {"digits": 310}

    @classmethod
    def shown(cls, subject: Subject) -> DigitsShown:  # noqa: ARG003  # the units are those of every report
        """Return the units."""
        return DigitsShown(digits=_units())

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:  # noqa: ARG003  # as above
        """Return the units."""
        return {"digits": _units()}


def _units() -> list[str]:
    return [f"{100 * unit:g}" for unit, _ in UNITS]
