"""Read the number (or word, count, order) that a statement was coded as."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from forecast.workspace.cursor import Cursor
from forecast.workspace.frame import Frame
from forecast.workspace.names import unknown_state, unnumbered
from forecast.workspace.nodes import MapNode
from forecast.workspace.problems import Problem, choice, shown
from forecast.workspace.read_probabilities import (
    LEVEL,
    Built,
    NumberOrInterval,
    OddsOrInterval,
    Point,
    build_odds,
    build_probability,
    build_quantiles,
    interval_problems,
)
from forecast.workspace.read_targets import TargetShape, build_target, inherit
from forecast.workspace.records import Count, Distribution, MoreLikelyThan, Times, Word
from forecast.workspace.shapes import PUT_IN, Day, Name, PastDay, Positive, Shape, Text, UnitProbability, refuse
from forecast.workspace.verbal import SCALES, terms


class WordShape(Shape):
    """A verbal term; `scale` is the author's own."""

    term: Text
    scale: Text | None = None


class TimesShape(Shape):
    """So many times as probable as something else."""

    against: TargetShape
    ratio: Positive
    low: Positive | None = None
    high: Positive | None = None
    level: UnitProbability | None = None


class CountShape(Shape):
    """A reference class: it happened so often, of so many cases."""

    happened: Annotated[int, Field(ge=0)]
    of: Annotated[int, Field(ge=1)]
    per: Literal["window", "year", "opportunity"]
    opportunities: Positive | None = None
    until: Day | None = None


def _read_share(value: Any) -> Any:
    if value == 0 and not isinstance(value, bool):
        raise refuse("may not be 0", "no evidence could ever bring it back; write 0.01, or less")
    return value


Share = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_read_share)]


READINGS = (
    "probability",
    "quantiles",
    "odds",
    "word",
    "times",
    "odds_times",
    "count",
    "more_likely_than",
    "distribution",
)


class PublicationShape(Shape):
    """Where it was published."""

    publisher: Text
    title: Text | None = None
    url: Text | None = None


class ResolvedShape(Shape):
    """How what was stated turned out."""

    state: Name | None = None
    void: Literal[True] | None = None
    on: PastDay
    url: Text | None = None


class StatementShape(Shape):
    """What an expert said, and what it was read as (in exactly one way)."""

    one_of: ClassVar[tuple[str, ...]] = READINGS

    format: Literal[1] | None = None
    id: Name
    date: PastDay
    expert: Name
    source: PublicationShape
    says: Text
    about: TargetShape
    why: Text
    coded_by: Text | None = None
    probability: NumberOrInterval | None = None
    quantiles: Annotated[dict[str, Point], Field(min_length=1)] | None = None
    odds: OddsOrInterval | None = None
    word: WordShape | None = None
    times: TimesShape | None = None
    odds_times: TimesShape | None = None
    count: CountShape | None = None
    more_likely_than: TargetShape | None = None
    distribution: Annotated[dict[Name, Share], Field(min_length=1)] | None = None
    resolved: ResolvedShape | None = None


SUM_TOLERANCE = 1e-6


SD_KEY = "sd"


def build_reading(shape: StatementShape, at: Cursor, frame: Frame) -> Built:
    """Return the reading of a statement (None where it is wrong) and the problems in it."""
    key = next((key for key in READINGS if getattr(shape, key) is not None), None)
    if key is None:
        return None, ()
    said = at.at(key).under(key)
    if shape.probability is not None:
        return build_probability(shape.probability, said)
    if shape.quantiles is not None:
        return build_quantiles(shape.quantiles, said)
    if shape.odds is not None:
        return build_odds(shape.odds, said)
    if shape.word is not None:
        return _word(shape.word, said)
    if (times := shape.times or shape.odds_times) is not None:
        return _times(shape.about, times, said, frame, of_odds=shape.times is None)
    if shape.count is not None:
        return _count(shape.about, shape.count, said, at, frame)
    if shape.more_likely_than is not None:
        return _more_likely(shape.about, shape.more_likely_than, said, frame)
    return _distribution(shape.about, shape.distribution or {}, said, frame)


def _word(shape: WordShape, at: Cursor) -> Built:
    if shape.scale is not None and shape.scale not in SCALES:
        allowed = choice("scales", shape.scale, SCALES)
        return None, (at.at("scale").problem(f"unknown scale {shown(shape.scale)}", "", allowed),)
    known, term = terms(shape.scale), " ".join(shape.term.lower().split())
    if term == PUT_IN:
        return None, ()
    if term not in known:
        of = f" of scale '{shape.scale}'" if shape.scale else " (no scale given: the surveyed words)"
        what = f"unknown term {shown(shape.term)}{of}"
        return None, (at.at("term").problem(what, "", choice("terms", term, known)),)
    return Word(term, shape.scale), ()


def _times(about: TargetShape, times: TimesShape, at: Cursor, frame: Frame, *, of_odds: bool) -> Built:
    problems = list(interval_problems(at, times.low, times.ratio, times.high, "ratio"))
    against_shape, there = inherit(times.against, about, frame), at.at("against")
    against, more = build_target(against_shape, there.under("against"), frame)
    problems += more
    if against_shape == about:
        problems.append(there.problem("compares the target with itself"))
    if problems or against is None:
        return None, tuple(problems)
    return Times(against, times.ratio, times.low, times.high, times.level or LEVEL, of_odds), ()


def _count(about: TargetShape, count: CountShape, at: Cursor, statement: Cursor, frame: Frame) -> Built:
    problems = [*_cases(count, at, frame), *_exposure(about, count, at, statement, frame)]
    if problems:
        return None, tuple(problems)
    return Count(count.happened, count.of, count.per, count.opportunities, count.until), ()


def _cases(count: CountShape, at: Cursor, frame: Frame) -> Iterator[Problem]:
    """Report numbers of cases that do not fit together, and cases from within the window."""
    if count.happened > count.of:
        what = "happened more often than there were cases"
        yield at.at("happened").problem(what, str(count.happened), f"at most {count.of}")
    if count.per == "opportunity" and count.opportunities is None:
        yield at.problem("missing key 'opportunities'", "", "how many are expected within the window")
    if count.per != "opportunity" and count.opportunities is not None:
        what = f"'opportunities' with per {count.per}"
        yield at.at("opportunities").problem(what, "", "only with per opportunity")
    if count.until is not None and frame.network is not None and count.until >= frame.network.opens:
        allowed = f"before the opening {frame.network.opens}; later cases are evidence"
        yield at.at("until").problem("cases after the opening", str(count.until), allowed)


def _exposure(about: TargetShape, count: CountShape, at: Cursor, statement: Cursor, frame: Frame) -> Iterator[Problem]:
    """Report a target that gathers no exposure as the count would need it."""
    event = frame.events.get(about.event or "")
    if about.by is not None and event is not None and event.kind == "status":
        allowed = "a state that comes and goes gathers no exposure until a day; leave 'by' out, or give a probability"
        where = statement.at("about", "by").called(at.subject)
        yield where.problem("'by' on something that is not reached", f"an event of kind {event.kind}", allowed)
    if count.per == "year" and (about.scenario is not None or (event is not None and event.kind != "reached")):
        got = f"an event of kind {event.kind}" if event else "a scenario"
        what, allowed = "per year on something that is not reached", "per window or opportunity"
        yield at.at("per").problem(what, got, allowed)


def _more_likely(about: TargetShape, shape: TargetShape, at: Cursor, frame: Frame) -> Built:
    other_shape = inherit(shape, about, frame)
    other, problems = build_target(other_shape, at, frame)
    if other_shape == about:
        problems += (at.problem("compares the target with itself"),)
    return (None if other is None or problems else MoreLikelyThan(other)), problems


def distribution_references(statement: Cursor, frame: Frame) -> Iterator[Problem]:
    """Report states of a distribution that its event does not have, and states that it leaves out."""
    event = statement.text("about", "event")
    states = frame.names.states(event) if event is not None else None
    if not isinstance(statement.child("distribution"), MapNode) or states is None:
        return
    at = statement.at("distribution").under("distribution")
    for state in at.keys:
        if state != SD_KEY:
            yield from unknown_state(frame.names, event, state, at.key(state))
    yield from unnumbered(states, at, f"event '{event}': state ", "probability", "states")


def _distribution(about: TargetShape, entries: dict[str, float], at: Cursor, frame: Frame) -> Built:
    states = frame.names.states(about.event) if about.event else None
    shares = {state: p for state, p in entries.items() if state != SD_KEY}
    if states is None or set(shares) != set(states):
        return None, ()
    total = math.fsum(shares.values())
    if abs(total - 1) > SUM_TOLERANCE:
        return None, (at.problem("probabilities do not sum to one", f"{total:.7g}", "1 (within 0.000001)"),)
    return Distribution({state: shares[state] for state in states}, entries.get(SD_KEY)), ()
