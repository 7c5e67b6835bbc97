"""Confidence in the forecast, apart from its likelihood: a level that follows from what the numbers rest on.

ICD 203 (2015), section D.6.e.(2)(b): confidence is about the basis of a judgement, never in one sentence with its
likelihood. The limits below are this project's convention.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

from forecast.report.wording import counted, long_date

Level = Literal["high", "moderate", "low"]
Reason = dict[str, Any]

NARROW, WIDE = 0.2, 0.4  # width of the widest 90 % interval of a scenario
FRESH, STALE = 14, 60  # days between the last watched day and the as-of date
OWN_MANY, OWN_FEW = 0.5, 0.2  # share of statements whose number is their author's own
RECORD = 30  # resolved questions from which on a record tells something


def confidence(
    scenarios: Sequence[Mapping[str, Any]],
    statements: Sequence[Mapping[str, Any]],
    question: Mapping[str, Any],
    doubt: str,
    resolved: int,
) -> dict[str, Any]:
    """Grade the basis of the forecast.

    High if every reason is, low if any is, moderate otherwise.

    Args:
        scenarios: rows with `quantiles`.
        statements: rows with `coded_by`.
        question: with `as_of` and `known_until`.
        doubt: why the forecast is not reliable, in one sentence; empty where it is.
        resolved: the number of resolved questions that forecasts of this workspace have been scored on.
    """
    reasons = [
        _computed(doubt),
        _spread(scenarios),
        _news(question),
        _numbers(statements),
        _record(resolved),
    ]
    levels = {reason["level"] for reason in reasons}
    level: Level = "low" if "low" in levels else "high" if levels == {"high"} else "moderate"
    return {"level": level, "reasons": reasons, "sentence": f"Confidence in this judgement is {level}."}


def _computed(doubt: str) -> Reason:
    if doubt:
        return {"level": "low", "text": doubt}
    return {"level": "high", "text": "Every numerical check of the computation passes."}


def _graded(value: float, good: float, bad: float) -> Level:
    """Grade a value of which less is better."""
    return "high" if value <= good else "moderate" if value <= bad else "low"


def _spread(scenarios: Sequence[Mapping[str, Any]]) -> Reason:
    widest = max(scenarios, key=lambda row: float(row["quantiles"]["0.95"] - row["quantiles"]["0.05"]))
    width = float(widest["quantiles"]["0.95"] - widest["quantiles"]["0.05"])
    text = f"What experts and sources leave open spans at most {100 * width:.0f} points ({widest['name']})."
    return {"level": _graded(width, NARROW, WIDE), "text": text, "points": 100 * width}


def _news(question: Mapping[str, Any]) -> Reason:
    known = date.fromisoformat(question["known_until"])
    days = (date.fromisoformat(question["as_of"]) - known).days
    before = f"{counted(days, 'day')} before this forecast" if days else "the day of this forecast"
    text = f"The news has been watched until {long_date(known)}, {before}."
    return {"level": _graded(days, FRESH, STALE), "text": text, "days": days}


def _numbers(statements: Sequence[Mapping[str, Any]]) -> Reason:
    own = sum(row["coded_by"] is None for row in statements)
    of = len(statements)
    share = own / of if of else 0.0
    others = "; on the others an editor put one" if own < of else ""
    text = f"{own} of {of} statements carry a number of their author's own{others}."
    level: Level = "high" if share >= OWN_MANY else "moderate" if share >= OWN_FEW else "low"
    return {"level": level, "text": text, "own": own, "of": of}


def _record(resolved: int) -> Reason:
    if resolved >= RECORD:
        text = f"{resolved} resolved questions tell how good such forecasts have been: see scores."
        return {"level": "high", "text": text, "resolved": resolved}
    said = (
        f"Only {counted(resolved, 'resolved question says', 'resolved questions say')}"
        if resolved
        else "No resolved question says"
    )
    return {"level": "moderate", "text": f"{said} how good such forecasts have been.", "resolved": resolved}
