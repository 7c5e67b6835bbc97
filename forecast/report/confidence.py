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
OWN_MANY, OWN_FEW = 0.5, 0.2  # share of the experts' statements whose number is their author's own
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
        statements: rows with `coded_by` and `voice` (expert, editors or rule).
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
    text = f"The widest 90 % interval spans {100 * width:.0f} points ({widest['name']})."
    return {"level": _graded(width, NARROW, WIDE), "text": text, "points": 100 * width}


def _news(question: Mapping[str, Any]) -> Reason:
    known = date.fromisoformat(question["known_until"])
    days = (date.fromisoformat(question["as_of"]) - known).days
    before = f"{counted(days, 'day')} before this forecast" if days else "the day of this forecast"
    text = f"The news has been watched until {long_date(known)}, {before}."
    return {"level": _graded(days, FRESH, STALE), "text": text, "days": days}


def _numbers(statements: Sequence[Mapping[str, Any]]) -> Reason:
    """Grade how many of the experts' statements carry a number of their author's own: editors and rules are none."""
    by_experts = [row for row in statements if row["voice"] == "expert"]
    own, of = sum(row["coded_by"] is None for row in by_experts), len(by_experts)
    editors, rules = (sum(row["voice"] == voice for row in statements) for voice in ("editors", "rule"))
    share = own / of if of else 0.0
    others = "; an editor coded the others" if own < of else ""
    text = f"{own} of {counted(of, 'statement')} by experts have their author's own number{others}."
    apart = [f"{editors} of the editors' own"] if editors else []
    apart += [counted(rules, "rule that settles an event", "rules that settle events")] if rules else []
    text += f" Not counted: {' and '.join(apart)}." if apart else ""
    level: Level = "high" if share >= OWN_MANY else "moderate" if share >= OWN_FEW else "low"
    return {"level": level, "text": text, "own": own, "of": of, "editors": editors, "rules": rules}


def _record(resolved: int) -> Reason:
    if resolved >= RECORD:
        text = f"{resolved} resolved questions show how good such forecasts have been: see scores."
        return {"level": "high", "text": text, "resolved": resolved}
    said = (
        f"Only {counted(resolved, 'resolved question says', 'resolved questions say')}"
        if resolved
        else "No resolved question says"
    )
    return {"level": "moderate", "text": f"{said} how good such forecasts have been.", "resolved": resolved}
