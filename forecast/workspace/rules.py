"""What must hold between statements, items and events; each rule is a function, all run over everything readable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod

from forecast.workspace.copies import copied_reports
from forecast.workspace.misfits import misfits
from forecast.workspace.problems import Problem, choice, shown
from forecast.workspace.readable import Readable
from forecast.workspace.records import (
    Claim,
    Count,
    Distribution,
    Item,
    OnScenarios,
    Probability,
    Quantiles,
    Settled,
    Word,
    events_of,
)
from forecast.workspace.settled_rules import SETTLED_RULES
from forecast.workspace.spread import LEAST_CODED_SD, stated_sd
from forecast.workspace.timing_rules import impossible_steps, spoken_of_no_time

# Of the events of an item on scenarios: with 4000 draws and 8 bytes a table of 130 MB, as large as is still quick.
MOST_JOINT_STATES = 4096

Rule = Callable[[Readable], Iterator[Problem]]


def coded_too_sharply(all_: Readable) -> Iterator[Problem]:
    """Warn of a number that an editor put on somebody's words with a smaller sd than is granted."""
    for statement in all_.statements:
        expert = all_.experts.get(statement.expert)
        if statement.coded_by is None or expert is None:
            continue
        sd = stated_sd(statement.reading, expert)
        if sd is not None and sd < LEAST_CODED_SD:
            what = (
                f"statement {shown(statement.id)}: coded by {shown(statement.coded_by)} with an sd below 1 in log-odds"
            )
            yield Problem(statement.source, what, f"{sd:.2f}", "it is raised to 1; widen the interval", "warning")


def fits_that_miss(all_: Readable) -> Iterator[Problem]:
    """Warn of a fit that cannot honour what was stated."""
    return misfits(all_.statements)


def events_without_marginal(all_: Readable) -> Iterator[Problem]:
    """Warn of an event that no unconditional statement speaks about: its prior is the default.

    Not where a statement could not be read: it may be the one."""
    if not all_.is_every_statement_read:
        return
    spoken = {
        statement.about.condition.event
        for statement in all_.statements
        if statement.about.condition
        and not statement.about.given
        and isinstance(statement.reading, Probability | Quantiles | Word | Count | Distribution)
    }
    for event in all_.frame.events.values():
        if event.id not in spoken:
            what = f"event {shown(event.id)}: no statement gives its probability or a base rate"
            allowed = "its prior is the default; add a statement without 'given'"
            yield Problem(event.source, what, "", allowed, "warning")


def claims_of_nothing(all_: Readable) -> Iterator[Problem]:
    """Warn of a claim that a reached event is in its lowest state or a later one: that is always so."""
    for item in all_.items:
        for bearing in item.bears_on:
            if not isinstance(bearing, Claim):
                continue
            event = all_.frame.events.get(bearing.event)
            if event is None or event.kind != "reached":
                continue
            if bearing.state == event.states[0]:
                what = f"item {shown(item.id)}: the claim that {shown(event.id)} is {shown(bearing.state)} says nothing"
                allowed = "a reached event is claimed to be in a state or a later one; give a likelihood, or support"
                yield Problem(bearing.source, what, "", allowed, "warning")


def items_on_too_much(all_: Readable) -> Iterator[Problem]:
    """An item on scenarios has a number for each joint state of all its events; there are limits to that."""
    for item in all_.items:
        first = next((part for part in item.bears_on if isinstance(part, OnScenarios)), None)
        if first is None:
            continue
        parts = [part for part in item.bears_on if not isinstance(part, Settled)]
        events = dict.fromkeys(event for part in parts for event in events_of(part))
        size = prod(len(all_.frame.events[event].states) for event in events if event in all_.frame.events)
        if size > MOST_JOINT_STATES:
            what = f"item {shown(item.id)}: the {len(events)} events that it bears on have too many joint states"
            allowed = f"at most {MOST_JOINT_STATES}; rules on fewer events, or a likelihood on an event"
            yield Problem(first.source, what, str(size), allowed)


def supersessions(all_: Readable) -> Iterator[Problem]:
    """An item supersedes an earlier one that exists; this cannot go in a circle."""
    items, ids = {item.id: item for item in all_.items}, frozenset(all_.item_ids)
    circles = _circles(items)
    for one in all_.superseding:
        subject, item, old = f"item {shown(one.item)}", items.get(one.item), items.get(one.old)
        if one.old == one.item:
            yield Problem(one.source, f"{subject}: supersedes itself", "", "name an earlier item")
        elif one.old not in ids:
            others = [name for name in all_.item_ids if name != one.item]
            what = f"{subject}: supersedes unknown item {shown(one.old)}"
            yield Problem(one.source, what, "", choice("items", one.old, others))
        elif item is None or old is None:
            continue
        elif old.reported > item.reported:
            what = f"{subject}: supersedes a later item {shown(one.old)}"
            yield Problem(one.source, what, f"reported {old.reported}", f"until {item.reported}")
        elif (circle := circles.get(item.id)) is not None:
            what = "items supersede each other in a circle: " + " -> ".join((*circle, circle[0]))
            yield Problem(one.source, what, "", "the latest one supersedes the others")


def _circles(items: Mapping[str, Item]) -> dict[str, tuple[str, ...]]:
    """Return each circle of supersessions, under the one of its items that comes first by id and beginning there."""
    circles: dict[str, tuple[str, ...]] = {}
    walked: set[str] = set()
    for start in items:
        trail: dict[str, None] = {}
        at: str | None = start
        while at is not None and at in items and at not in trail and at not in walked:
            trail[at] = None
            at = items[at].supersedes
        if at is not None and at in trail:
            names = list(trail)
            circle = names[names.index(at) :]
            first = circle.index(min(circle))
            circles[circle[first]] = (*circle[first:], *circle[:first])
        walked.update(trail)
    return circles


RULES: tuple[Rule, ...] = (
    coded_too_sharply,
    fits_that_miss,
    events_without_marginal,
    claims_of_nothing,
    items_on_too_much,
    supersessions,
    copied_reports,
    *SETTLED_RULES,
    impossible_steps,
    spoken_of_no_time,
)
