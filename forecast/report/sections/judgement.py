"""Main judgement and question: the scenarios in a sentence each, what is forecast, and how sure of it one can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

import numpy as np

from forecast.analysis.story import Story
from forecast.digits import DERIVED, UNITS, points
from forecast.ledger.ledger import LEDGER
from forecast.ledger.outcome import QUANTILES
from forecast.posterior.weights import weighted_quantiles
from forecast.report.confidence import Confidence, graded_confidence
from forecast.report.section import Section, Subject, part, plain
from forecast.report.sections.grounds import statements
from forecast.report.sections.question import question
from forecast.report.sections.sampling import reweighting
from forecast.report.sections.scores import scores
from forecast.report.sections.watch import watch
from forecast.report.sections.waterfall import since_prior, since_update
from forecast.words import (
    THIN_SPACE,
    Estimated,
    estimate,
    event_names,
    exact,
    first_terms,
    first_wins,
    likelihood_word,
    long_date,
    rules_in_words,
    scenario_colour,
    scenario_names,
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

    The probability is that of its `rule`. What goes with it as a story has one of its own: of the `summary` of the
    files nobody computes it, of `story`, the most probable course, it stands beside it.
    """

    id: str
    name: str
    summary: str | None
    rule: str
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
    dots: Sequence[float]
    moved: str | None
    sentence: str


@part
def scenario_rows(subject: Subject) -> list[ScenarioRow]:
    """Describe every scenario, the likeliest first and `other` last."""
    outcome, material = subject.outcome, subject.material
    rules = rules_in_words(outcome.workspace.scenarios, event_names(outcome))
    courses = {story.scenario: story for story in material.answers.stories}
    changes = {row.id: row.change for row in material.forecast.scenarios}
    summaries = {rule.id: rule.summary for rule in outcome.workspace.scenarios}
    posterior, at = outcome.posterior, (np.arange(DOTS) + 0.5) / DOTS
    dots = weighted_quantiles(posterior.evaluation.scenarios, posterior.weights.weights, at)
    horizon, names = long_date(outcome.layout.horizon), scenario_names(outcome)
    rows = []
    for i, (name, share) in enumerate(outcome.scenarios.items()):
        shown, change = estimate(share), changes.get(name)
        word, moved = likelihood_word(share.probability), _moved(change, share.mcse, material.compared_with)
        rows.append(
            ScenarioRow(
                id=name,
                name=names[name],
                summary=summaries.get(name),
                rule=rules[name],
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
        shown=exact(probability, DERIVED),
        share=share,
        share_shown=exact(share, DERIVED),
    )


def _moved(change: float | None, mcse: float, since: str | None) -> str | None:
    return None if change is None or since is None else f"{points(change, mcse)} since {long_date(since)}"


def headline(rows: Sequence[ScenarioRow], horizon: str) -> str:
    """Say in one sentence which scenario leads, and how likely it is that none comes about."""
    named, other = rows[:-1], rows[-1]
    if not named:
        return f"No scenarios are defined for {horizon}."
    first = f"{named[0].name} {named[0].shown}"
    if len(named) > 1:
        first += f", then {named[1].name} {named[1].shown}"
    if other.probability > named[0].probability:
        return f"Likeliest on {horizon}: none of the scenarios, {other.shown}. Of the scenarios: {first}."
    return f"Likeliest on {horizon}: {first}. None of the scenarios: {other.shown}."


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
class JudgementShown:
    """What the main judgement shows; `confidence`, `moved` and `watched` are sentences of other sections."""

    scenarios: Sequence[ScenarioRow]
    strips: Mapping[str, Strip]
    axis_to: float
    levels: Sequence[str]
    first_wins: str
    doubt: str
    confidence: str
    moved: str
    watched: str


class JudgementSection(Section):
    """Every scenario with its probability, and one sentence each of what matters most."""

    id, title, group, place = "judgement", "Main judgement", "In short", 10
    entries: ClassVar[Mapping[str, int]] = {
        "headline": 30,
        "first_wins": 60,
        "axis_to": 70,
        "scenarios": 80,
        "levels": 90,
    }

    @classmethod
    def shown(cls, subject: Subject) -> JudgementShown:
        """Return the scenarios and where their dots stand."""
        rows = scenario_rows(subject)
        axis_to = scenario_axis(rows)
        return JudgementShown(
            scenarios=rows,
            strips={row.id: dot_strip(row.dots, row.quantiles, row.probability, axis_to) for row in rows},
            axis_to=axis_to,
            levels=_levels(),
            first_wins=_first_wins(subject),
            doubt=reweighting(subject).doubt,
            confidence=confidence(subject).sentence,
            moved=(since_update(subject) or since_prior(subject)).sentence,
            watched=watch(subject).sentence,
        )

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the scenarios."""
        rows = scenario_rows(subject)
        return {
            "headline": headline(rows, long_date(subject.outcome.layout.horizon)),
            "first_wins": _first_wins(subject),
            "axis_to": scenario_axis(rows),
            "scenarios": rows,
            "levels": _levels(),
        }

    @classmethod
    def brief(cls, subject: Subject) -> list[str]:
        """Return the table of scenarios; before it, what the ledger is warned of."""
        warned = [f"**{plain(line)}**" for line in subject.material.warnings if line.startswith(LEDGER)]
        table = [
            "| Scenario | Holds when | Probability | 90 % interval | In words | Change |",
            "|---|---|---:|---:|---|---|",
        ]
        for row in scenario_rows(subject):
            cells = (plain(row.name), plain(row.rule), row.shown, row.interval, row.word, row.moved or "—")
            table.append(f"| {' | '.join(cells)} |")
        order = _first_wins(subject)
        return [*warned, "\n".join(table), *([plain(order)] if order else [])]


def _levels() -> list[str]:
    return [f"{100 * level:.0f}{THIN_SPACE}%" for level in QUANTILES]


@part
def _first_wins(subject: Subject) -> str:
    return first_wins(subject.outcome.workspace.scenarios)


@dataclass(frozen=True, kw_only=True)
class WordBand:
    """A term of the ICD 203 table (2015), its band in percent, and the band as it is shown."""

    word: str
    low: float
    high: float
    shown: str


def word_table() -> list[WordBand]:
    """Return the terms of the ICD 203 table with their bands, from the least likely on."""
    return [
        WordBand(word=word, low=low, high=high, shown=f"{low:g}–{high:g}{THIN_SPACE}%")
        for word, (low, high) in first_terms().items()
    ]


@part
def confidence(subject: Subject) -> Confidence:
    """Grade the basis of the forecast."""
    about = question(subject)
    return graded_confidence(
        widths=[(row.name, row.quantiles["0.95"] - row.quantiles["0.05"]) for row in scenario_rows(subject)],
        coded=[(row.voice, row.coded_by) for row in statements(subject)],
        as_of=about.as_of,
        known_until=about.known_until,
        doubt=reweighting(subject).doubt,
        resolved=scores(subject).resolved,
    )


@dataclass(frozen=True, kw_only=True)
class ConfidenceShown:
    """What the section of confidence shows."""

    words: Sequence[WordBand]
    confidence: Confidence


class ConfidenceSection(Section):
    """Words for probabilities, and confidence apart from them."""

    id, title, group, place = "confidence", "Likelihood and confidence", "In short", 30
    entries: ClassVar[Mapping[str, int]] = {"words": 100, "confidence": 110}

    @classmethod
    def shown(cls, subject: Subject) -> ConfidenceShown:
        """Return the words and the grades."""
        return ConfidenceShown(words=word_table(), confidence=confidence(subject))

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:
        """Return the words and the grades."""
        return {"words": word_table(), "confidence": confidence(subject)}

    @classmethod
    def brief(cls, subject: Subject) -> list[str]:
        """Return the grade with the reasons that are not high."""
        graded = confidence(subject)
        return [
            plain(" ".join([graded.sentence, *(reason.text for reason in graded.reasons if reason.level != "high")]))
        ]


@dataclass(frozen=True, kw_only=True)
class DigitsShown:
    """What the section of printed digits shows."""

    digits: Sequence[str]
    scenarios: Sequence[ScenarioRow]


class DigitsSection(Section):
    """Which digits are printed."""

    id, title, group, place = "digits", "Printed digits", "Method", 180
    entries: ClassVar[Mapping[str, int]] = {"digits": 310}

    @classmethod
    def shown(cls, subject: Subject) -> DigitsShown:
        """Return the units and the scenarios."""
        return DigitsShown(digits=_units(), scenarios=scenario_rows(subject))

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:  # noqa: ARG003  # the units are those of every report
        """Return the units."""
        return {"digits": _units()}


def _units() -> list[str]:
    return [f"{100 * unit:g}" for unit, _ in UNITS]
