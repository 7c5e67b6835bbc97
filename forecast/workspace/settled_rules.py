"""What must hold of settled states: with each other, and with the statements made after they were known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter

from forecast.workspace.names import Readable, horizon_on
from forecast.workspace.problems import Problem, Source, shown
from forecast.workspace.read_timing import can_move
from forecast.workspace.records import (
    Condition,
    DatedCondition,
    Event,
    Settled,
    Statement,
)
from forecast.workspace.statement_forms.registry import is_read_at_opening, statement_form, targets_of
from forecast.workspace.timing import DatedRates


@dataclass(frozen=True)
class SettledStep:
    """A settled state with its day, and the days on which its item counts."""

    settled: Settled
    day: date
    known: date
    ends: date  # no longer counts from this day on
    item: str


def settled_steps(all_: Readable) -> dict[str, list[SettledStep]]:
    """Return the settled states of each event by day, with the days from and until which their items count."""
    replaced: dict[str, date] = {}
    for item in all_.items:
        if item.supersedes is not None:
            replaced[item.supersedes] = min(item.reported, replaced.get(item.supersedes, date.max))
    steps: dict[str, list[SettledStep]] = defaultdict(list)
    for item in all_.items:
        ends = min(item.retracted or date.max, replaced.get(item.id, date.max))
        for bearing in item.bears_on:
            if isinstance(bearing, Settled):
                day = item.happened or item.reported
                steps[bearing.event].append(SettledStep(bearing, day, item.reported, ends, item.id))
    return {event: sorted(of, key=lambda s: (s.day, s.known, s.item)) for event, of in sorted(steps.items())}


def settled_contradictions(all_: Readable) -> Iterator[Problem]:
    """Settled states of one event fit together: no way back, no two statuses on a day, one state of a constant."""
    for event_id, steps in settled_steps(all_).items():
        event = all_.frame.events.get(event_id)
        if event is None:
            continue
        for earlier, later in _clashing(event, steps):
            state = shown(later.settled.state)
            what = f"item {shown(later.item)}: event {shown(event_id)} cannot be {state} on {later.day}"
            got = f"{shown(earlier.settled.state)} on {earlier.day} at {earlier.settled.source}"
            allowed = f"{_clash(event, earlier, later)}; retract or supersede one of them"
            yield Problem(later.settled.source, what, got, allowed)


def _clashing(event: Event, steps: Sequence[SettledStep]) -> Iterator[tuple[SettledStep, SettledStep]]:
    """Yield each step that contradicts an earlier one, with the first such.

    Of steps that count for good, the first to each state (of a status: on each day) speaks for all: the time is linear
    in them. Steps that were retracted or superseded are compared one by one, which is for mistakes, not for bulk.
    """
    lasting: dict[tuple[str, date | None], tuple[int, SettledStep]] = {}
    ended: list[tuple[int, SettledStep]] = []
    different: dict[tuple[str, date, date, date], tuple[int, SettledStep]] = {}
    for number, later in enumerate(steps):
        day = later.day if event.kind == "status" else None
        if later.ends == date.max:
            firsts = [lasting[state, day] for state in event.states if (state, day) in lasting]
            against = [*firsts, *ended]
        else:
            against = list(different.values())
        clashing = [
            (place, earlier)
            for place, earlier in against
            # Only what counts on some same day can contradict each other.
            if max(earlier.known, later.known) < min(earlier.ends, later.ends) and _clash(event, earlier, later)
        ]
        if clashing:
            yield min(clashing, key=itemgetter(0))[1], later
        key = (later.settled.state, later.day, later.known, later.ends)
        if key not in different:
            different[key] = number, later
            if later.ends < date.max:
                ended.append((number, later))
            else:
                lasting.setdefault((later.settled.state, day), (number, later))


def _clash(event: Event, earlier: SettledStep, later: SettledStep) -> str | None:
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
    for event_id, steps in settled_steps(all_).items():
        event = all_.frame.events.get(event_id)
        if event is None or network is None or event.kind != "reached":
            continue
        for step in steps:
            horizon = horizon_on(network, step.day)
            if step.settled.state == event.states[0] and step.day < horizon:
                what = (
                    f"item {shown(step.item)}: settles {shown(event_id)} as {shown(event.states[0])} before the horizon"
                )
                allowed = f"it can still be reached until {horizon}; silence counts without an item"
                yield Problem(step.settled.source, what, str(step.day), allowed)


def spoken_of_certainties(all_: Readable) -> Iterator[Problem]:
    """A statement made after a settled fact is not about something that this fact made certain or impossible."""
    network = all_.frame.network
    if network is None:
        return
    # What was reported before the opening is a problem of its own.
    opens, steps = network.opens, settled_steps(all_)
    steps = {event: _different([step for step in of if step.known >= opens]) for event, of in steps.items()}
    for statement in all_.statements:
        is_early = is_read_at_opening(statement, opens)
        day = opens if is_early else statement.date
        for target in targets_of(statement):
            if target.by is not None and target.by <= day:
                what = f"statement {shown(statement.id)}: 'by' is no later than the statement"
                yield Problem(statement.source, what, str(target.by), f"after {day}")
            whole = statement_form(statement.reading).is_on_whole_event and target is statement.about
            conditions = [(target.condition, whole)] if target.condition else []
            for condition, is_whole in [*conditions, *((given, False) for given in target.given)]:
                event = all_.frame.events.get(condition.event)
                if event is None:
                    continue
                known, found = [] if is_early else steps.get(event.id, []), list[Problem]()
                if isinstance(condition, DatedCondition):
                    until = target.by or horizon_on(network, statement.date)
                    found = list(_at_its_time(statement, condition, event, known, (day, until)))
                yield from found or _decided(statement, condition, is_whole, event, known, day)


def _at_its_time(
    statement: Statement, condition: DatedCondition, event: Event, steps: Sequence[SettledStep], days: tuple[date, date]
) -> Iterator[Problem]:
    """Report a condition whose own time is over or not asked about, or that is so already or cannot come at once.

    `days`: on which the statement is read, and which it is about.
    """
    name, (day, until) = f"statement {shown(statement.id)}", days
    if condition.held_by is not None:
        if not day < condition.held_by <= until:
            what = f"{name}: held_by is over, or later than what is asked"
            yield Problem(statement.source, what, str(condition.held_by), f"after {day}, until {until}")
        return
    states = [step.settled.state for step in steps if step.known <= day < step.ends]
    states = [event.initial or event.states[0], *(state for state in states if state in event.states)]
    current = states[-1] if event.kind == "status" else max(states, key=event.states.index)
    if current in condition.states:
        what = f"{name}: event {shown(event.id)} cannot come into {shown(current)} at once"
        yield Problem(
            statement.source, what, f"it is in that state on {day}", "leave the condition out, or name another state"
        )
    elif isinstance(event.timing, DatedRates) and event.timing.on(day) == 0.0:
        what = f"{name}: event {shown(event.id)} cannot move at once by its timing"
        yield Problem(statement.source, what, f"rate 0 on {day}", "say held_by, with a day of a rate above 0")


def _different(steps: Iterable[SettledStep]) -> list[SettledStep]:
    """Return the first of all steps that say the same of the same days: statements need no more."""
    first: dict[tuple[str, date, date], SettledStep] = {}
    for step in steps:
        first.setdefault((step.settled.state, step.known, step.ends), step)
    return list(first.values())


def _decided(
    statement: Statement, condition: Condition, whole: bool, event: Event, steps: Sequence[SettledStep], day: date
) -> Iterator[Problem]:
    known = [step for step in steps if step.known <= day < step.ends and step.settled.state in event.states]
    if not known or event.kind == "status":
        return
    latest = max(known, key=lambda step: event.states.index(step.settled.state))
    place = event.states.index(latest.settled.state)
    possible = event.states[place:] if event.kind == "reached" else (latest.settled.state,)
    if whole:
        impossible = [state for state in condition.states if state not in possible]
        word = f"state {shown(impossible[0])} impossible" if impossible else ""
    elif not set(condition.states) & set(possible):
        word = f"{shown(' or '.join(condition.states))} impossible"
    else:
        word = f"{shown(' or '.join(condition.states))} certain" if set(possible) <= set(condition.states) else ""
    if word:
        what = f"statement {shown(statement.id)}: item {shown(latest.item)} had made {word} for event {shown(event.id)}"
        got = f"a statement of {statement.date}, the item known from {latest.known}"
        yield Problem(statement.source, what, got, f"still open were {', '.join(map(shown, possible))}")


def impossible_steps(all_: Readable) -> Iterator[Problem]:
    """A step is not taken on a day on which its event's timing gives it no chance."""
    for event_id, steps in settled_steps(all_).items():
        event = all_.frame.events.get(event_id)
        if event is None or not isinstance(event.timing, DatedRates):
            continue
        reached = 0
        # What was retracted or superseded cannot be mended, and is not believed any more.
        for step in (step for step in steps if step.ends == date.max):
            state = event.states.index(step.settled.state) if step.settled.state in event.states else 0
            if state > reached and event.timing.on(step.day) == 0.0:
                yield _impossible(event, step.item, step.settled.state, step.day, step.settled.source)
            reached = max(reached, state)


def spoken_of_no_time(all_: Readable) -> Iterator[Problem]:
    """A statement is not about steps that the timing rules out on every day between the statement and its deadline."""
    network = all_.frame.network
    for statement in all_.statements if network else ():
        if network is None:
            continue
        day = network.opens if is_read_at_opening(statement, network.opens) else statement.date
        for target in targets_of(statement):
            until = target.by or horizon_on(network, statement.date)
            for condition in (*((target.condition,) if target.condition else ()), *target.given):
                event = all_.frame.events.get(condition.event)
                timing = event.timing if event else None
                last, key = until, "by"
                if isinstance(condition, DatedCondition):
                    last, key = condition.held_by or day, "held_by"
                if isinstance(timing, DatedRates) and last > day and not can_move(timing, day, last):
                    what = f"statement {shown(statement.id)}: event {shown(condition.event)} cannot move by its timing"
                    got = f"rate 0 on every day after {day} until {last}"
                    yield Problem(statement.source, what, got, f"a later '{key}', or a rate above 0 before it")


def _impossible(event: Event, item: str, state: str, day: date, source: Source) -> Problem:
    what = f"item {shown(item)}: {shown(event.id)} cannot reach {shown(state)} on {day}: impossible by its timing"
    return Problem(source, what, "rate 0 on that day", "a rate above 0 there, or 'happened' on another day")


SETTLED_RULES = (settled_contradictions, lowest_settled_early, spoken_of_certainties)
