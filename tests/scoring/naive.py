"""Scores by loops over questions, forecasters and stretches of time: what the vectorised ones are held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf, log, log2, nan
from statistics import fmean

START = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = "question,forecaster,time,probability,outcome,opens,closes"


@dataclass(frozen=True)
class Said:
    """A forecast of yes; times in hours after START."""

    question: str
    forecaster: str
    time: int
    probability: float
    until: int | None = None  # withdrawn then


@dataclass(frozen=True)
class Asked:
    """A question; times in hours after START."""

    outcome: int
    opens: int
    closes: int
    scheduled: int | None = None  # to close then


def moment(hours: int) -> str:
    """Return the text of a time."""
    return (START + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def rows(questions: Mapping[str, Asked], forecasts: Sequence[Said]) -> Iterator[dict[str, object]]:
    """Yield the rows of the table that holds these forecasts."""
    for said in forecasts:
        asked = questions[said.question]
        yield {
            "question": said.question,
            "forecaster": said.forecaster,
            "time": moment(said.time),
            "probability": said.probability,
            "end_time": "" if said.until is None else moment(said.until),
            "outcome": asked.outcome,
            "opens": moment(asked.opens),
            "closes": moment(asked.closes),
            "scheduled_close": "" if asked.scheduled is None else moment(asked.scheduled),
        }


def standing(forecasts: Sequence[Said], question: str, forecaster: str, at: float) -> float | None:
    """Return the probability that a forecaster's latest forecast of a question gives at a time, if there is one."""
    made = [one for one in forecasts if (one.question, one.forecaster) == (question, forecaster) and one.time <= at]
    last = max(made, key=lambda one: one.time) if made else None
    return None if last is None or (last.until is not None and last.until <= at) else last.probability


def p_outcome(asked: Asked, probability: float) -> float:
    """Return the probability that was given to what came true."""
    return probability if asked.outcome else 1.0 - probability


def brier(asked: Asked, probability: float) -> float:
    """Return (p - o)^2."""
    return float((probability - asked.outcome) ** 2)


def baseline(asked: Asked, probability: float) -> float:
    """Return 100 (1 + log2 p)."""
    p = p_outcome(asked, probability)
    return 100.0 * (1.0 + log2(p)) if p > 0.0 else -inf


def peer(asked: Asked, own: float, others: Sequence[float]) -> float:
    """Return 100 (ln p - mean of the others' ln p), 0 if there are none."""
    if not others:
        return 0.0
    logs = [log(p) if p > 0.0 else -inf for p in (p_outcome(asked, one) for one in (own, *others))]
    mean = fmean(logs[1:])
    return nan if logs[0] == mean == -inf else 100.0 * (logs[0] - mean)


def over_time(asked: Asked, forecasts: Sequence[Said], question: str) -> list[tuple[float, int]]:
    """Return the stretches of a question's window in which nothing changes: a time within, and the length."""
    mine = [one for one in forecasts if one.question == question]
    times = {one.time for one in mine} | {one.until for one in mine if one.until} | {asked.opens, asked.closes}
    times = {time for time in times if time <= asked.closes}
    return [((begin + end) / 2.0, end - begin) for begin, end in pairwise(sorted(times))]


def _daily(asked: Asked, forecasts: Sequence[Said], question: str, forecaster: str) -> Iterator[float]:
    """Yield for each day up to the close what stood last in it, of the forecaster's latest forecast of then."""
    mine = [one for one in forecasts if (one.question, one.forecaster) == (question, forecaster)]
    for day in range(asked.opens // 24, (asked.closes - 1) // 24 + 1):
        made = [one for one in mine if one.time < 24 * (day + 1) and one.time <= asked.closes]
        last = max(made, key=lambda one: one.time) if made else None
        if last is not None and (last.until is None or last.until > 24 * day):
            yield last.probability


def answer(
    questions: Mapping[str, Asked], forecasts: Sequence[Said], question: str, forecaster: str
) -> dict[str, float]:
    """Return every score of a forecaster on a question, by measure and timing."""
    asked = questions[question]
    rivals = sorted({one.forecaster for one in forecasts if one.question == question} - {forecaster})

    def said(who: str, at: float) -> float | None:
        return standing(forecasts, question, who, at)

    def against(at: float, own: float) -> float:
        others = [p for p in (said(who, at) for who in rivals) if p is not None]
        return peer(asked, own, others)

    stretches = over_time(asked, forecasts, question)
    stands = [(own, at, length) for at, length in stretches if (own := said(forecaster, at)) is not None]
    until = asked.closes if asked.scheduled is None else asked.scheduled
    window, covered = until - asked.opens, sum(length for _, _, length in stands)
    at_close = said(forecaster, asked.closes)
    found = {
        "coverage": covered / window,
        "baseline.time_weighted": sum(baseline(asked, own) * length for own, _, length in stands) / window,
    }
    if at_close is not None:
        found |= {"brier.spot": brier(asked, at_close), "baseline.spot": baseline(asked, at_close)}
    daily = list(_daily(asked, forecasts, question, forecaster))
    if covered:
        found["brier.time_weighted"] = sum(brier(asked, own) * length for own, _, length in stands) / covered
    if daily:
        found["brier_sum.daily"] = 2.0 * fmean(brier(asked, own) for own in daily)
    if rivals:
        if at_close is not None:
            found["peer.spot"] = against(asked.closes, at_close)
        found["peer.time_weighted"] = sum(against(at, own) * length for own, at, length in stands) / window
    return found
