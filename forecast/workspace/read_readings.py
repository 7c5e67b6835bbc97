"""Read the number (or word, count, order) that a statement was coded as."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from forecast.workspace.frame import Frame
from forecast.workspace.names import unknown_state
from forecast.workspace.nodes import MapNode, Node, child, line_at, text_at
from forecast.workspace.problems import Problem, Source, choice, shown
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


def build_reading(shape: StatementShape, node: Node, frame: Frame, path: str, subject: str) -> Built:
    """Return the reading of a statement (None where it is wrong) and the problems in it."""
    if shape.probability is not None:
        return build_probability(shape.probability, node, path, f"{subject}: probability")
    if shape.quantiles is not None:
        return build_quantiles(shape.quantiles, node, path, f"{subject}: quantiles")
    if shape.odds is not None:
        return build_odds(shape.odds, node, path, f"{subject}: odds")
    if shape.word is not None:
        return _word(shape.word, node, path, f"{subject}: word")
    if shape.times is not None:
        return _times(shape, shape.times, "times", node, frame, path, subject)
    if shape.odds_times is not None:
        return _times(shape, shape.odds_times, "odds_times", node, frame, path, subject)
    if shape.count is not None:
        return _count(shape, shape.count, node, frame, path, f"{subject}: count")
    if shape.more_likely_than is not None:
        return _more_likely(shape, node, frame, path, f"{subject}: more_likely_than")
    if shape.distribution is not None:
        return _distribution(shape, shape.distribution, node, frame, path, f"{subject}: distribution")
    return None, ()


def _word(shape: WordShape, node: Node, path: str, subject: str) -> Built:
    if shape.scale is not None and shape.scale not in SCALES:
        where = Source(path, line_at(node, "word", "scale"))
        return None, (
            Problem(where, f"{subject}: unknown scale {shown(shape.scale)}", "", choice("scales", shape.scale, SCALES)),
        )
    known, term = terms(shape.scale), " ".join(shape.term.lower().split())
    if term == PUT_IN:
        return None, ()
    if term not in known:
        of = f" of scale '{shape.scale}'" if shape.scale else " (no scale given: the surveyed words)"
        where = Source(path, line_at(node, "word", "term"))
        return None, (
            Problem(where, f"{subject}: unknown term {shown(shape.term)}{of}", "", choice("terms", term, known)),
        )
    return Word(term, shape.scale), ()


def _times(
    shape: StatementShape, times: TimesShape, key: str, node: Node, frame: Frame, path: str, subject: str
) -> Built:
    subject = f"{subject}: {key}"
    problems = list(interval_problems(key, times.low, times.ratio, times.high, node, path, subject, "ratio"))
    against_shape = inherit(times.against, shape.about, frame)
    against_node = child(child(node, key), "against") or node
    against, found = build_target(against_shape, against_node, frame, path, f"{subject}: against")
    problems += found
    if against_shape == shape.about:
        problems.append(Problem(Source(path, against_node.line), f"{subject}: compares the target with itself"))
    if problems or against is None:
        return None, tuple(problems)
    return Times(against, times.ratio, times.low, times.high, times.level or LEVEL, key == "odds_times"), ()


def _count(shape: StatementShape, count: CountShape, node: Node, frame: Frame, path: str, subject: str) -> Built:
    problems: list[Problem] = []
    if count.happened > count.of:
        where = Source(path, line_at(node, "count", "happened"))
        problems.append(
            Problem(
                where,
                f"{subject}: happened more often than there were cases",
                str(count.happened),
                f"at most {count.of}",
            )
        )
    if count.per == "opportunity" and count.opportunities is None:
        where = Source(path, line_at(child(node, "count") or node))
        allowed = "how many are expected within the window"
        problems.append(Problem(where, f"{subject}: missing key 'opportunities'", "", allowed))
    if count.per != "opportunity" and count.opportunities is not None:
        where = Source(path, line_at(node, "count", "opportunities"))
        problems.append(
            Problem(where, f"{subject}: 'opportunities' with per {count.per}", "", "only with per opportunity")
        )
    if count.until is not None and frame.network is not None and count.until >= frame.network.opens:
        where = Source(path, line_at(node, "count", "until"))
        allowed = f"before the opening {frame.network.opens}; later cases are evidence"
        problems.append(Problem(where, f"{subject}: cases after the opening", str(count.until), allowed))
    event = frame.events.get(shape.about.event or "")
    if shape.about.by is not None and event is not None and event.kind == "status":
        where = Source(path, line_at(node, "about", "by"))
        allowed = "a state that comes and goes gathers no exposure until a day; leave 'by' out, or give a probability"
        got = f"an event of kind {event.kind}"
        problems.append(Problem(where, f"{subject}: 'by' on something that is not reached", got, allowed))
    if count.per == "year" and (shape.about.scenario is not None or (event is not None and event.kind != "reached")):
        where = Source(path, line_at(node, "count", "per"))
        got = f"an event of kind {event.kind}" if event else "a scenario"
        problems.append(
            Problem(where, f"{subject}: per year on something that is not reached", got, "per window or opportunity")
        )
    if problems:
        return None, tuple(problems)
    return Count(count.happened, count.of, count.per, count.opportunities, count.until), ()


def _more_likely(shape: StatementShape, node: Node, frame: Frame, path: str, subject: str) -> Built:
    if shape.more_likely_than is None:
        return None, ()
    other_shape = inherit(shape.more_likely_than, shape.about, frame)
    other_node = child(node, "more_likely_than") or node
    other, problems = build_target(other_shape, other_node, frame, path, subject)
    if other_shape == shape.about:
        problems += (Problem(Source(path, other_node.line), f"{subject}: compares the target with itself"),)
    return (None if other is None or problems else MoreLikelyThan(other)), problems


def distribution_references(statement: Node, frame: Frame, path: str, subject: str) -> Iterator[Problem]:
    """Report states of a distribution that its event does not have, and states that it leaves out."""
    node, event = child(statement, "distribution"), text_at(statement, "about", "event")
    states = frame.names.states(event) if event is not None else None
    if not isinstance(node, MapNode) or states is None:
        return
    for state in node.entries:
        if state != SD_KEY:
            where = Source(path, node.key_lines[state])
            yield from unknown_state(frame.names, event, state, where, f"{subject}: distribution")
    for state in states:
        if state not in node.entries:
            what = f"{subject}: distribution: event '{event}': state '{state}' has no probability"
            yield Problem(Source(path, node.line), what, "", choice("states", "", states))


def _distribution(
    shape: StatementShape, entries: dict[str, float], node: Node, frame: Frame, path: str, subject: str
) -> Built:
    states = frame.names.states(shape.about.event) if shape.about.event else None
    shares = {state: p for state, p in entries.items() if state != SD_KEY}
    if states is None or set(shares) != set(states):
        return None, ()
    total = math.fsum(shares.values())
    if abs(total - 1) > SUM_TOLERANCE:
        where = Source(path, line_at(node, "distribution"))
        return None, (
            Problem(where, f"{subject}: probabilities do not sum to one", f"{total:.7g}", "1 (within 0.000001)"),
        )
    return Distribution({state: shares[state] for state in states}, entries.get(SD_KEY)), ()
