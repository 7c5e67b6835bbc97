"""What must hold between statements, items and events; each rule is a function, all run over everything readable."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from forecast.workspace.frame import Frame
from forecast.workspace.problems import Problem, choice, shown
from forecast.workspace.records import (
    Count,
    Distribution,
    Event,
    Expert,
    Item,
    Probability,
    Settled,
    Statement,
    Word,
)
from forecast.workspace.verbal import read_word

LEAST_CODED_SD = 1.0  # log-odds; nobody puts a sharper number on somebody else's words


@dataclass(frozen=True)
class Readable:
    """Everything that could be read, wrong parts left out."""

    frame: Frame
    experts: Mapping[str, Expert]
    statements: tuple[Statement, ...]
    items: tuple[Item, ...]
    item_ids: tuple[str, ...]  # also of items that could not be read


Rule = Callable[[Readable], Iterator[Problem]]


def student_t4_quantile(p: float) -> float:
    """Return the quantile of Student's t with 4 degrees of freedom, in closed form (Shaw 2006, section 2.3)."""
    alpha = 4 * p * (1 - p)
    q = math.cos(math.acos(math.sqrt(alpha)) / 3) / math.sqrt(alpha)
    return math.copysign(2 * math.sqrt(max(q - 1, 0.0)), p - 0.5)


def interval_sd(low: float, high: float, level: float) -> float:
    """Return the scale, in log-odds, of the t with 4 degrees of freedom whose central `level` interval is low..high."""
    width = math.log(high / (1 - high)) - math.log(low / (1 - low))
    return width / (2 * student_t4_quantile((1 + level) / 2))


def statement_sd(statement: Statement, expert: Expert) -> float | None:
    """Return the sd, in log-odds, that a statement's own numbers imply; None for readings that have none."""
    match statement.reading:
        case Probability(low=low, high=high, level=level) if low is not None and high is not None:
            return interval_sd(low, high, level)
        case Probability(sd=sd) | Distribution(sd=sd):
            return sd if sd is not None else expert.default_sd
        case Word(term=term, scale=scale):
            word = read_word(term, scale)
            return interval_sd(word.low, word.high, word.level)
    return None


def coded_too_sharply(all_: Readable) -> Iterator[Problem]:
    """Warn of a number that an editor put on somebody's words with a smaller sd than is granted."""
    for statement in all_.statements:
        expert = all_.experts.get(statement.expert)
        if statement.coded_by is None or expert is None:
            continue
        sd = statement_sd(statement, expert)
        if sd is not None and sd < LEAST_CODED_SD:
            what = (
                f"statement {shown(statement.id)}: coded by {shown(statement.coded_by)} with an sd below 1 in log-odds"
            )
            yield Problem(statement.source, what, f"{sd:.2f}", "it is raised to 1; widen the interval", "warning")


def events_without_marginal(all_: Readable) -> Iterator[Problem]:
    """Warn of an event that no unconditional statement speaks about: its prior is the default."""
    spoken = {
        statement.about.condition.event
        for statement in all_.statements
        if statement.about.condition
        and not statement.about.given
        and isinstance(statement.reading, Probability | Word | Count | Distribution)
    }
    for event in all_.frame.events.values():
        if event.id not in spoken:
            what = f"event {shown(event.id)}: no statement gives its probability or a base rate"
            allowed = "its prior is the default; add a statement without 'given'"
            yield Problem(event.source, what, "", allowed, "warning")


def supersessions(all_: Readable) -> Iterator[Problem]:
    """An item supersedes an earlier one that exists; this cannot go in a circle."""
    items = {item.id: item for item in all_.items}
    for item in all_.items:
        old_id = item.supersedes
        if old_id is None:
            continue
        subject, old = f"item {shown(item.id)}", items.get(old_id)
        if old_id == item.id:
            yield Problem(item.source, f"{subject}: supersedes itself", "", "name an earlier item")
        elif old_id not in all_.item_ids:
            others = [name for name in all_.item_ids if name != item.id]
            what = f"{subject}: supersedes unknown item {shown(old_id)}"
            yield Problem(item.source, what, "", choice("items", old_id, others))
        elif old is not None and old.reported > item.reported:
            what = f"{subject}: supersedes a later item {shown(old_id)}"
            yield Problem(item.source, what, f"reported {old.reported}", f"until {item.reported}")
        elif old is not None and (circle := _circle(item, items)):
            what = "items supersede each other in a circle: " + " -> ".join((*circle, circle[0]))
            # Said once, at the item that comes first by id.
            if item.id == min(circle):
                yield Problem(item.source, what, "", "the latest one supersedes the others")


def _circle(item: Item, items: Mapping[str, Item]) -> tuple[str, ...]:
    trail = [item.id]
    while (old := items.get(trail[-1])) is not None and old.supersedes is not None:
        if old.supersedes == item.id:
            return tuple(trail)
        if old.supersedes in trail:
            return ()
        trail.append(old.supersedes)
    return ()


@dataclass(frozen=True)
class _Step:
    """A settled state with its day, and the days on which its item counts."""

    settled: Settled
    day: date
    known: date
    ends: date  # no longer counts from this day on
    item: str


def _settled_steps(all_: Readable) -> dict[str, list[_Step]]:
    replaced: dict[str, date] = {}
    for item in all_.items:
        if item.supersedes is not None:
            replaced[item.supersedes] = min(item.reported, replaced.get(item.supersedes, date.max))
    steps: dict[str, list[_Step]] = defaultdict(list)
    for item in all_.items:
        ends = min(item.retracted or date.max, replaced.get(item.id, date.max))
        for bearing in item.bears_on:
            if isinstance(bearing, Settled):
                day = item.happened or item.reported
                steps[bearing.event].append(_Step(bearing, day, item.reported, ends, item.id))
    return {event: sorted(of, key=lambda s: (s.day, s.known, s.item)) for event, of in sorted(steps.items())}


def settled_contradictions(all_: Readable) -> Iterator[Problem]:
    """Settled states of one event fit together: no way back, no two statuses on a day, one state of a constant."""
    for event_id, steps in _settled_steps(all_).items():
        event = all_.frame.events.get(event_id)
        if event is None:
            continue
        for number, later in enumerate(steps):
            for earlier in steps[:number]:
                # Only what counts on some same day can contradict each other.
                if max(earlier.known, later.known) < min(earlier.ends, later.ends) and (
                    why := _clash(event, earlier, later)
                ):
                    state = shown(later.settled.state)
                    what = f"item {shown(later.item)}: event {shown(event_id)} cannot be {state} on {later.day}"
                    got = f"{shown(earlier.settled.state)} on {earlier.day} at {earlier.settled.source}"
                    yield Problem(later.settled.source, what, got, f"{why}; retract or supersede one of them")
                    break


def _clash(event: Event, earlier: _Step, later: _Step) -> str | None:
    before, after = earlier.settled.state, later.settled.state
    if before == after or before not in event.states or after not in event.states:
        return None
    if event.kind == "constant":
        return "a constant has one state all window long"
    if event.kind == "status":
        return "a status has one state on one day" if earlier.day == later.day else None
    is_back = event.states.index(after) < event.states.index(before) and earlier.day < later.day
    return "a step that was reached is never undone" if is_back else None


def lowest_settled_early(all_: Readable) -> Iterator[Problem]:
    """That a step has not been reached is settled at the horizon only."""
    network = all_.frame.network
    for event_id, steps in _settled_steps(all_).items():
        event = all_.frame.events.get(event_id)
        if event is None or network is None or event.kind != "reached":
            continue
        for step in steps:
            if step.settled.state == event.states[0] and step.day < network.horizon:
                what = (
                    f"item {shown(step.item)}: settles {shown(event_id)} as {shown(event.states[0])} before the horizon"
                )
                allowed = f"it can still be reached until {network.horizon}; silence counts without an item"
                yield Problem(step.settled.source, what, str(step.day), allowed)


def copied_reports(all_: Readable) -> Iterator[Problem]:
    """Warn of two items with one address on one event that are not in one group: they would count twice."""
    seen: dict[tuple[str, str], Item] = {}
    for item in all_.items:
        for bearing in item.bears_on:
            if item.url is None or isinstance(bearing, Settled):
                continue
            first = seen.setdefault((item.url, bearing.event), item)
            if first is not item and (item.group is None or item.group != first.group) and item.supersedes != first.id:
                what = (
                    f"item {shown(item.id)}: bears on {shown(bearing.event)} with the address of item {shown(first.id)}"
                )
                allowed = f"that is at {first.source}; give both one group if they restate each other"
                yield Problem(bearing.source, what, "", allowed, "warning")


RULES: tuple[Rule, ...] = (
    coded_too_sharply,
    events_without_marginal,
    supersessions,
    settled_contradictions,
    lowest_settled_early,
    copied_reports,
)
