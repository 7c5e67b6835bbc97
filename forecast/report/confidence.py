"""Confidence in the forecast, apart from its likelihood: a level that follows from what the numbers rest on.

ICD 203 (2015), section D.6.e.(2)(b): confidence is about the extent, quality and agreement of the sources, about key
assumptions and gaps, never in one sentence with a likelihood. How wide an interval is and how well the draws were
computed are no grounds of it. The limits below are this project's convention.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from forecast.words import counted, long_date

Level = Literal["high", "moderate", "low"]

SOURCES_MANY, SOURCES_FEW = 10, 3  # sources whose reports count
GOOD_MANY, GOOD_FEW = 0.5, 0.2  # share of the reports from sources of grade A or B
FRESH, STALE = 14, 60  # days between the last watched day and the as-of date
APART, FAR_APART = 0.1, 0.3  # difference from a market or crowd on one question
DISAGREEING = 0.1  # share of the statements that lie far from all the others
DEFAULTS_FEW, DEFAULTS_MANY = 0.1, 0.4  # share of the events' tables that no statement is about
ONE_CODER, MOST_OF_ONE = 0.25, 0.5  # share of the statements whose numbers are one person's
RECORD = 30  # resolved questions from which on a record tells something


@dataclass(frozen=True, kw_only=True)
class Reason:
    """A ground of confidence: what it is about, its level, a sentence, and the numbers that decide the level."""

    about: str
    level: Level
    text: str
    numbers: dict[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """High if every ground is, low if any is, moderate otherwise."""

    level: Level
    reasons: Sequence[Reason]
    sentence: str


def graded_confidence(reasons: Sequence[Reason]) -> Confidence:
    """Grade the basis of the forecast by its grounds."""
    levels = {reason.level for reason in reasons}
    level: Level = "low" if "low" in levels else "high" if levels == {"high"} else "moderate"
    return Confidence(level=level, reasons=reasons, sentence=f"Confidence in the basis is {level}.")


def _graded(value: float, good: float, bad: float) -> Level:
    """Grade a value of which less is better."""
    return "high" if value <= good else "moderate" if value <= bad else "low"


def sources(reports: Sequence[tuple[str, str]], latest: Sequence[str] = ()) -> Reason:
    """Grade extent and quality: (source, its grade) of each report that counts, and the grades of the latest ones."""
    names, good = {source for source, _ in reports}, sum(grade in {"A", "B"} for _, grade in reports)
    share = good / len(reports) if reports else 0.0
    few = len(names) < SOURCES_FEW or share < GOOD_FEW
    late = sum(grade in {"A", "B"} for grade in latest)
    is_many = len(names) >= SOURCES_MANY and share >= GOOD_MANY and (late > 0 or not latest)
    level: Level = "low" if few else "high" if is_many else "moderate"
    text = "No report counts as yet."
    if reports:
        text = f"{counted(len(reports), 'report')} from {counted(len(names), 'source')}, {good} of them graded A or B"
        text += f"; of the latest {len(latest)}, {late or 'none'}." if latest else "."
    return Reason(
        about="Sources",
        level=level,
        text=text,
        numbers={"reports": len(reports), "sources": len(names), "good": good, "latest_good": late},
    )


def news(as_of: date, known_until: date) -> Reason:
    """Grade the gap between the last day on which the news was watched and the forecast."""
    days = (as_of - known_until).days
    before = f"{counted(days, 'day')} before this forecast" if days else "the day of this forecast"
    text = f"The news has been watched until {long_date(known_until)}, {before}."
    return Reason(about="News", level=_graded(days, FRESH, STALE), text=text, numbers={"days": days})


def agreement(
    statements: int, disagree: int, apart: float | None, question: str = "an open question", in_odds: str = ""
) -> Reason:
    """Grade agreement: statements far from the others, and the largest difference from a market or crowd.

    `question` is what they differ on; `in_odds` says where the odds differ most, if that is on another question.
    """
    share = disagree / statements if statements else 0.0
    level: Level = "high" if not disagree and (apart or 0.0) <= APART else "moderate"
    if share > DISAGREEING or (apart or 0.0) > FAR_APART:
        level = "low"
    said = f"{disagree or 'none'} of {counted(statements, 'statement')} {'lies' if disagree < 2 else 'lie'} far from "
    said += "the others"
    # The market first: where agreement is low, it is mostly for that.
    if apart is None:
        text = f"{said[0].upper()}{said[1:]}; no market or crowd has a number on an open question."
    else:
        text = f"A market or crowd differs by {100 * apart:.0f} points on {question}{in_odds}; {said}."
    return Reason(
        about="Agreement",
        level=level,
        text=text,
        numbers={"statements": statements, "disagree": disagree, "points": None if apart is None else 100 * apart},
    )


def assumptions(tables: int, defaults: int, leaning: int) -> Reason:
    """Grade key assumptions: events that no statement is about, and scenarios that lean on default numbers."""
    text = (
        f"No statement is about {defaults} of {counted(tables, 'event')}: defaults hold there."
        if defaults
        else f"Each of {counted(tables, 'event')} has a statement about it."
    )
    if leaning:
        text += f" {counted(leaning, 'scenario leans', 'scenarios lean')} on default effects or levels (power-scaling)."
    level = _graded(defaults / max(tables, 1), DEFAULTS_FEW, DEFAULTS_MANY)
    return Reason(
        about="Assumptions",
        level="moderate" if leaning and level == "high" else level,
        text=text,
        numbers={"tables": tables, "defaults": defaults, "leaning": leaning},
    )


def coding(coders: Sequence[str], by_rule: int = 0) -> Reason:
    """Grade the dependence on one coder: who put a number on each statement, those that a rule settles left out."""
    who, most = max(Counter(coders).items(), key=lambda pair: (pair[1], pair[0]), default=("", 0))
    text = "Nobody stated a number."
    if most:
        text = f"{most} of {counted(len(coders) + by_rule, 'statement')} carry one coder's numbers ({who})"
        text += f"; rules settle {by_rule}." if by_rule else "."
    share = most / len(coders) if coders else 1.0
    return Reason(
        about="Coding",
        level=_graded(share, ONE_CODER, MOST_OF_ONE),
        text=text,
        numbers={"most": most, "of": len(coders), "by_rule": by_rule},
    )


def record(resolved: int, worse_than: Sequence[str], *, ahead: bool) -> Reason:
    """Grade the record: resolved questions, and benchmarks against which the forecast did clearly worse.

    `ahead`: whether any number that stood in the ledger before its outcome has been resolved. What was replayed by
    people who knew the outcome is no record.
    """
    level: Level = "low" if worse_than or not ahead else "high" if resolved >= RECORD else "moderate"
    if worse_than:
        text = f"On {resolved} resolved questions such forecasts did worse than {', '.join(worse_than)}."
    elif not resolved:
        text = "No resolved question says how good such forecasts are."
    elif not ahead:
        text = (
            f"{counted(resolved, 'resolved question was', 'resolved questions were')}"
            " forecast by people who knew the outcome, and none before it."
        )
    elif resolved >= RECORD:
        text = f"{resolved} resolved questions show how good such forecasts have been."
    else:
        text = (
            f"Only {counted(resolved, 'resolved question says', 'resolved questions say')} how good such forecasts are."
        )
    return Reason(about="Record", level=level, text=text, numbers={"resolved": resolved})
