"""Confidence in the forecast, apart from its likelihood: a level that follows from what the numbers rest on.

ICD 203 (2015), section D.6.e.(2)(b): confidence is about the basis of a judgement, never in one sentence with its
likelihood. The limits below are this project's convention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from forecast.words import counted, long_date

Level = Literal["high", "moderate", "low"]

NARROW, WIDE = 0.2, 0.4  # width of the widest 90 % interval of a scenario
FRESH, STALE = 14, 60  # days between the last watched day and the as-of date
OWN_MANY, OWN_FEW = 0.5, 0.2  # share of the experts' statements whose number is their author's own
RECORD = 30  # resolved questions from which on a record tells something


@dataclass(frozen=True, kw_only=True)
class Reason:
    """A reason for a level of confidence, in a sentence."""

    level: Level
    text: str


@dataclass(frozen=True, kw_only=True)
class WidthReason(Reason):
    """A reason by the widest interval, in points."""

    points: float


@dataclass(frozen=True, kw_only=True)
class NewsReason(Reason):
    """A reason by the days since the news was last watched."""

    days: int


@dataclass(frozen=True, kw_only=True)
class NumbersReason(Reason):
    """A reason by the statements: how many `of` the experts' carry a number of their `own`."""

    own: int
    of: int
    editors: int
    rules: int


@dataclass(frozen=True, kw_only=True)
class RecordReason(Reason):
    """A reason by the number of resolved questions."""

    resolved: int


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """High if every reason is, low if any is, moderate otherwise."""

    level: Level
    reasons: Sequence[Reason]
    sentence: str


def graded_confidence(
    *,
    widths: Sequence[tuple[str, float]],
    coded: Sequence[tuple[str, str | None]],
    as_of: str,
    known_until: str,
    doubt: str,
    resolved: int,
) -> Confidence:
    """Grade the basis of the forecast.

    Args:
        widths: (name, width of the 90 % interval) of each scenario.
        coded: of each statement its voice (expert, editors or rule), and who coded it if its author did not.
        as_of: date of the forecast.
        known_until: last day on which the news was watched.
        doubt: why the forecast is not reliable, in one sentence; empty where it is.
        resolved: the number of resolved questions that forecasts of this workspace have been scored on.
    """
    reasons = [
        _computed(doubt),
        _spread(widths),
        _news(date.fromisoformat(as_of), date.fromisoformat(known_until)),
        _numbers(coded),
        _record(resolved),
    ]
    levels = {reason.level for reason in reasons}
    level: Level = "low" if "low" in levels else "high" if levels == {"high"} else "moderate"
    return Confidence(level=level, reasons=reasons, sentence=f"Confidence in this judgement is {level}.")


def _computed(doubt: str) -> Reason:
    if doubt:
        return Reason(level="low", text=doubt)
    return Reason(level="high", text="Every numerical check of the computation passes.")


def _graded(value: float, good: float, bad: float) -> Level:
    """Grade a value of which less is better."""
    return "high" if value <= good else "moderate" if value <= bad else "low"


def _spread(widths: Sequence[tuple[str, float]]) -> Reason:
    name, width = max(widths, key=lambda named: named[1])
    text = f"The widest 90 % interval spans {100 * width:.0f} points ({name})."
    return WidthReason(level=_graded(width, NARROW, WIDE), text=text, points=100 * width)


def _news(as_of: date, known_until: date) -> Reason:
    days = (as_of - known_until).days
    before = f"{counted(days, 'day')} before this forecast" if days else "the day of this forecast"
    text = f"The news has been watched until {long_date(known_until)}, {before}."
    return NewsReason(level=_graded(days, FRESH, STALE), text=text, days=days)


def _numbers(coded: Sequence[tuple[str, str | None]]) -> Reason:
    """Grade how many of the experts' statements carry a number of their author's own: editors and rules are none."""
    by_experts = [coder for voice, coder in coded if voice == "expert"]
    own, of = sum(coder is None for coder in by_experts), len(by_experts)
    editors, rules = (sum(voice == who for voice, _ in coded) for who in ("editors", "rule"))
    share = own / of if of else 0.0
    others = "; an editor coded the others" if own < of else ""
    text = f"{own} of {counted(of, 'statement')} by experts have their author's own number{others}."
    apart = [f"{editors} of the editors' own"] if editors else []
    apart += [counted(rules, "rule that settles an event", "rules that settle events")] if rules else []
    text += f" Not counted: {' and '.join(apart)}." if apart else ""
    level: Level = "high" if share >= OWN_MANY else "moderate" if share >= OWN_FEW else "low"
    return NumbersReason(level=level, text=text, own=own, of=of, editors=editors, rules=rules)


def _record(resolved: int) -> Reason:
    if resolved >= RECORD:
        text = f"{resolved} resolved questions show how good such forecasts have been: see scores."
        return RecordReason(level="high", text=text, resolved=resolved)
    said = (
        f"Only {counted(resolved, 'resolved question says', 'resolved questions say')}"
        if resolved
        else "No resolved question says"
    )
    text = f"{said} how good such forecasts have been."
    return RecordReason(level="moderate", text=text, resolved=resolved)
