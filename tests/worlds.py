"""Small worlds built straight from records: networks, statements and items for the tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Literal

import numpy as np

from forecast.workspace.problems import Source
from forecast.workspace.records import (
    Bearing,
    Condition,
    Cpt,
    Event,
    Expert,
    Item,
    Kind,
    MoreLikelyThan,
    Network,
    Probability,
    Publication,
    Reading,
    ReportSource,
    Resolution,
    Scenario,
    Statement,
    Target,
    Times,
    Workspace,
)
from forecast.workspace.renames import DEFAULT_GRADES, Timing

HERE = Source("test.yaml", 1)
SHARED = Cpt("shared", None)
OPENS, HORIZON = date(2025, 1, 1), date(2027, 1, 1)


def event(
    name: str,
    kind: Kind = "reached",
    states: Sequence[str] = ("no", "yes"),
    parents: Sequence[str] = (),
    initial: str | None = None,
    persistence_days: float | None = None,
    cpt: Cpt = SHARED,
) -> Event:
    """An event; a status starts in its first state and lasts 200 days unless told otherwise."""
    if kind == "status":
        initial, persistence_days = initial or states[0], persistence_days or 200.0
    else:
        initial, persistence_days = None, None
    return Event(
        id=name,
        question=f"{name}?",
        kind=kind,
        states=tuple(states),
        resolves="by decree",
        parents=tuple(parents),
        role="driver",
        initial=initial,
        persistence_days=persistence_days,
        cpt=cpt,
        source=HERE,
    )


def timed_event(
    name: str, timing: Timing | None, states: Sequence[str] = ("no", "yes"), parents: Sequence[str] = ()
) -> Event:
    """A reached event whose hazard is spread over time."""
    return replace(event(name, "reached", states, parents), timing=timing)


def network(*events: Event, opens: date = OPENS, horizon: date = HORIZON) -> Network:
    """A network of events over two years."""
    return Network(
        title="test", opens=opens, horizon=horizon, events={event.id: event for event in events}, source=HERE
    )


def target(name: str, *states: str, given: dict[str, str] | None = None, by: date | None = None) -> Target:
    """An event in some states, given others."""
    conditions = tuple(Condition(other, (state,)) for other, state in (given or {}).items())
    return Target(Condition(name, states), None, conditions, by)


def statement(
    name: str,
    about: Target,
    reading: Reading | float,
    *,
    expert: str = "ann",
    day: date = OPENS,
    coded_by: str | None = None,
    sd: float = 0.5,
    resolved: Resolution | None = None,
) -> Statement:
    """A statement; a bare number is a point with an sd in log-odds."""
    if isinstance(reading, float):
        reading = Probability(reading, None, None, 0.9, sd)
    return Statement(
        id=name,
        date=day,
        expert=expert,
        publication=Publication("journal", None, None),
        says="says",
        about=about,
        reading=reading,
        coded_by=coded_by,
        why="because",
        resolved=resolved,
        source=HERE,
    )


def second_target(reading: Times | MoreLikelyThan) -> Target:
    """What a comparison compares with."""
    return reading.against if isinstance(reading, Times) else reading.other


def with_second(reading: Times | MoreLikelyThan, second: Target) -> Times | MoreLikelyThan:
    """The same comparison with something else."""
    return replace(reading, against=second) if isinstance(reading, Times) else replace(reading, other=second)


def item(
    name: str,
    reported: date,
    *bearings: Bearing,
    source: str = "wire",
    credibility: int = 3,
    group: str | None = None,
    rho: float = 0.9,
    happened: date | None = None,
    retracted: date | None = None,
    supersedes: str | None = None,
) -> Item:
    """An evidence item from the source `wire` (grade B)."""
    return Item(
        id=name,
        reported=reported,
        happened=happened,
        report_source=source,
        credibility=credibility,
        group=group,
        rho=rho,
        headline=name,
        url=None,
        why="because",
        bears_on=tuple(bearings),
        retracted=retracted,
        supersedes=supersedes,
        source=HERE,
    )


def workspace(
    net: Network,
    *,
    statements: Iterable[Statement] = (),
    items: Iterable[Item] = (),
    scenarios: Iterable[Scenario] = (),
    experts: dict[str, str] | None = None,
    watched_until: date | None = None,
) -> Workspace:
    """A workspace; `experts` maps expert to group (default: ann and bob of their own groups, and the editors)."""
    groups = experts or {"ann": "a", "bob": "b", "editors": "editors"}
    return Workspace(
        root=".",
        network=net,
        scenarios=tuple(scenarios),
        experts={
            name: Expert(id=name, name=name, role="expert", group=group, default_sd=0.8, weight=1.0, source=HERE)
            for name, group in groups.items()
        },
        statements=tuple(sorted(statements, key=lambda s: s.id)),
        sources={
            grade: ReportSource(name, name, letter, DEFAULT_GRADES[letter], HERE) for grade, name, letter in _SOURCES
        },
        items=tuple(sorted(items, key=lambda i: i.id)),
        watched_until=watched_until,
        digests={},
    )


_SOURCES: tuple[tuple[str, str, Literal["A", "B", "D", "F"]], ...] = (
    ("wire", "wire", "B"),
    ("blog", "blog", "D"),
    ("agency", "agency", "A"),
    ("rumour", "rumour", "F"),
)


def rule(name: str, **when: str | Sequence[str]) -> Scenario:
    """A scenario that holds when every named event is in (one of) the given states."""
    conditions = tuple(
        Condition(key, (states,) if isinstance(states, str) else tuple(states)) for key, states in when.items()
    )
    return Scenario(name, name, "", conditions, HERE)


def random_network(rng: np.random.Generator, n_events: int, *, max_parents: int = 3, max_states: int = 3) -> Network:
    """A random network of all three kinds; constants have constant parents only."""
    events: list[Event] = []
    kinds: tuple[Kind, ...] = ("reached", "status", "constant")
    for v in range(n_events):
        kind = kinds[int(rng.integers(3))]
        states = [f"s{k}" for k in range(int(rng.integers(2, max_states + 1)))]
        possible = [e.id for e in events if kind != "constant" or e.kind == "constant"]
        n_parents = min(len(possible), int(rng.integers(0, max_parents + 1)))
        parents = [str(p) for p in rng.choice(possible, size=n_parents, replace=False)] if n_parents else []
        events.append(event(f"e{v}", kind, states, parents, persistence_days=float(rng.uniform(50, 500))))
    return network(*events)
