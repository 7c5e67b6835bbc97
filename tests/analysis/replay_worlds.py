"""Random worlds with statements and questions, and anything at all that may happen to them after a date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from forecast.workspace.records import (
    BaseRate,
    Benchmark,
    Condition,
    Event,
    Expert,
    Item,
    Publication,
    Question,
    ReportSource,
    Resolution,
    Resolved,
    Roll,
    Settled,
    Statement,
    Workspace,
)
from forecast.workspace.renames import DEFAULT_GRADES
from tests.oracle.random_worlds import random_bearing, random_world, some_day
from tests.worlds import HERE, HORIZON, OPENS, item, statement, target

LAST = HORIZON - timedelta(days=60)
BOOK = Publication("book", None, None)


def world(seed: int, n_events: int) -> Workspace:
    """A random world; somebody has said something of each event at the opening, some of it resolved since."""
    known, rng = random_world(seed, n_events).workspace, np.random.default_rng(seed + 1)
    said = [
        replace(
            statement(f"said-{name}", target(name, event.states[-1]), float(rng.uniform(0.1, 0.9))),
            resolved=Resolution(event.states[0], some_day(rng), None) if rng.random() < 0.3 else None,
        )
        for name, event in known.network.events.items()
    ]
    return replace(
        known,
        statements=tuple(sorted(said, key=lambda one: one.id)),
        questions=tuple(question(event, HORIZON - timedelta(days=120)) for event in known.network.events.values()),
        benchmarks={"crowd": Benchmark("crowd", ((OPENS, "crowd", 0.3),), HERE)},
    )


def question(event: Event, by: date) -> Question:
    """Whether an event is in its last state by a day."""
    rate = BaseRate(0.2, BOOK, "one of five")
    about = Condition(event.id, event.states[-1:])
    return Question(
        id=f"ask-{event.id}",
        question="?",
        about=about,
        by=by,
        opens=OPENS,
        topic="topic",
        resolves="by decree",
        base_rate=rate,
        benchmarks=("crowd",),
        source=HERE,
    )


def with_later(known: Workspace, as_of: date, rng: np.random.Generator) -> Workspace:
    """Add much that is dated after a day: items, statements, retractions, resolutions, prices, a roll, a source."""
    events = list(known.network.events.values())
    later = [_later_item(known, events, as_of, rng, number) for number in range(4)]
    said = [_later_statement(events, as_of, rng, number) for number in range(2)]
    day = _after(as_of, rng)
    crowd = known.benchmarks["crowd"]
    return replace(
        known,
        network=replace(known.network, rolled=(Roll(day, HORIZON + timedelta(days=200), None, HERE),)),
        experts={
            **known.experts,
            "late": Expert(id="late", name="late", role="expert", group="a", default_sd=0.8, weight=1.0, source=HERE),
        },
        sources={**known.sources, "aaa-late": ReportSource("aaa-late", "late", "C", DEFAULT_GRADES["C"], HERE)},
        statements=tuple(sorted([*(_resolved_later(one, day) for one in known.statements), *said], key=lambda s: s.id)),
        items=tuple(sorted([*(_retracted_later(one, as_of, day) for one in known.items), *later], key=lambda i: i.id)),
        questions=(*known.questions, replace(known.questions[0], id="late", opens=day)),
        benchmarks={"crowd": replace(crowd, points=(*crowd.points, (day, "crowd", 0.9)))},
        resolutions=(Resolved(subject=known.questions[0].id, state="yes", on=day, known=day, url=None, source=HERE),),
    )


def _after(as_of: date, rng: np.random.Generator) -> date:
    return some_day(rng, as_of + timedelta(days=1), HORIZON - timedelta(days=1))


def _later_item(known: Workspace, events: list[Event], as_of: date, rng: np.random.Generator, number: int) -> Item:
    """Named so that it stands anywhere among the others, in a group of theirs, perhaps in the place of one."""
    event, day = events[int(rng.integers(len(events)))], _after(as_of, rng)
    older = [one.id for one in known.items]
    name = f"{rng.choice(['a', 'report', 'settled', 'z'])}-late-{number}"
    return item(
        name,
        day,
        Settled(event.id, event.states[-1], HERE) if rng.random() < 0.3 else random_bearing(rng, event, day),
        source=str(rng.choice(["wire", "aaa-late"])),
        credibility=int(rng.integers(1, 7)),
        group=str(rng.choice(["north", "south"])),
        supersedes=str(rng.choice(older)) if older and rng.random() < 0.5 else None,
    )


def _later_statement(events: list[Event], as_of: date, rng: np.random.Generator, number: int) -> Statement:
    event = events[int(rng.integers(len(events)))]
    about = target(event.id, event.states[0])
    name, expert = f"{rng.choice(['a', 'z'])}-late-{number}", str(rng.choice(["ann", "late"]))
    return statement(name, about, float(rng.uniform(0.1, 0.9)), expert=expert, day=_after(as_of, rng))


def _retracted_later(one: Item, as_of: date, day: date) -> Item:
    """Only what nobody has retracted yet can be."""
    return one if one.retracted and one.retracted <= as_of else replace(one, retracted=day)


def _resolved_later(one: Statement, day: date) -> Statement:
    return one if one.resolved else replace(one, resolved=Resolution(None, day, None))
