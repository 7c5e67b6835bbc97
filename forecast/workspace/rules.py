"""What must hold between statements, items and events; each rule is a function, all run over everything readable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import prod
from operator import itemgetter

from forecast.digits import fraction, share
from forecast.workspace.evidence_forms import evidence_form
from forecast.workspace.family_sizes import large_families
from forecast.workspace.fits import WORST_MISFIT, misfit
from forecast.workspace.names import Readable, horizon_on
from forecast.workspace.problems import Problem, Source, choice, one_form, shown
from forecast.workspace.read_network import can_move
from forecast.workspace.records import (
    Condition,
    DatedCondition,
    Event,
    Item,
    OnScenarios,
    Settled,
    Statement,
    events_of,
)
from forecast.workspace.renames import DatedRates
from forecast.workspace.statement_forms import (
    LEAST_CODED_SD,
    fit_of,
    is_read_at_opening,
    stated_sd,
    statement_form,
    targets_of,
)
from forecast.workspace.unspoken import unspoken_rows

# What must hold of settled states: with each other, and with the statements made after they were known.


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
    for item in all_.items if all_.settled else ():
        if item.supersedes is not None:
            replaced[item.supersedes] = min(item.reported, replaced.get(item.supersedes, date.max))
    steps: dict[str, list[SettledStep]] = defaultdict(list)
    for item, settled in all_.settled:
        ends = min(item.retracted or date.max, replaced.get(item.id, date.max))
        day = item.happened or item.reported
        steps[settled.event].append(SettledStep(settled, day, item.reported, ends, item.id))
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


def misfits(statements: Iterable[Statement]) -> Iterator[Problem]:
    """Warn of every statement where a fitted level is off by more than `WORST_MISFIT`, with all the numbers."""
    for statement, reading in [(one, reading) for one in statements for reading in one.readings]:
        fitted_to = fit_of(reading)
        if fitted_to is None:
            continue
        points, fit, what, instead = fitted_to
        if misfit(points, fit) > WORST_MISFIT:
            places = " / ".join(fraction(p) for _, p in points)
            stated = " / ".join(fraction(level) for level, _ in points)
            fitted = " / ".join(share(level, 3) for level in fit.fitted)
            got = f"below {places}: stated {stated}, fitted {fitted}"
            allowed = f"differences up to {WORST_MISFIT:g}; {instead}"
            subject = f"statement {shown(statement.id)}: {what} misses what was stated"
            yield Problem(statement.source, subject, got, allowed, "warning")


ALIKE = 0.9  # ratio of difflib from which two headlines are the same in other words
ENDS = 12  # characters at either end of a headline; one end must be the same for two headlines to be compared
LONGEST = 300  # characters of a headline that are compared


def copied_reports(all_: Readable) -> Iterator[Problem]:
    """Warn of an item with the address of another one on its event, or with its headline on its event and day.

    Of the earlier items at an address, or beginning or ending like this one, the first of two groups are compared: the
    time is linear in the items. A copy whose headline differs at both ends is not seen.
    """
    by_url: dict[tuple[str, str], list[Item]] = {}
    by_headline: dict[tuple[str, date, str], list[Item]] = {}
    for item in all_.items:
        headline = _plain(item)
        ends = "<" + headline[:ENDS], ">" + headline[-ENDS:]
        for bearing in item.bears_on:
            if isinstance(bearing, Settled):
                continue
            is_reported = False
            for event in events_of(bearing):
                same_url = by_url.setdefault((item.url, event), []) if item.url else []
                begins, finishes = (by_headline.setdefault((event, item.reported, end), []) for end in ends)
                copied = next((other for other in same_url if _apart(item, other)), None)
                how = "the same address as" if copied is not None else "nearly the headline of"
                if copied is None:
                    others = [one for one in (*begins, *finishes) if _apart(item, one)]
                    copied = next((one for one in others if _alike(headline, _plain(one))), None)
                if copied is not None and not is_reported:
                    what = f"item {shown(item.id)}: bears on {shown(event)} with {how} item {shown(copied.id)}"
                    allowed = f"that is at {copied.source}; give both one group if they restate each other"
                    yield Problem(bearing.source, what, "", allowed, "warning")
                    is_reported = True  # of all events of the scenarios: one copy
                for known in (same_url, begins, finishes):
                    if len(known) < 2:
                        _remember(known, item)


def _remember(known: list[Item], item: Item) -> None:
    """Keep the first item of two groups; an item without one is in no group that another could share."""
    if not known or (len(known) == 1 and known[0].group is not None and known[0].group != item.group):
        known.append(item)


def _apart(item: Item, other: Item) -> bool:
    is_grouped = item.group is not None and item.group == other.group
    # One that appears twice is told of as that.
    return other.id != item.id and not is_grouped and item.supersedes != other.id and other.supersedes != item.id


def _plain(item: Item) -> str:
    return " ".join(one_form(item.headline[:LONGEST]).casefold().split())


def _alike(first: str, second: str) -> bool:
    """Say whether the ratio of difflib is at least ALIKE; what both begin and end with decides most cases."""
    shorter, total = min(len(first), len(second)), len(first) + len(second)
    begin = _shared(first, second)
    end = min(_shared(first[::-1], second[::-1]), shorter - begin)
    if 2 * (begin + end) >= ALIKE * total:
        return True
    from difflib import SequenceMatcher  # 5 ms of every command, and hardly any headlines come so far

    matcher = SequenceMatcher(None, first, second, autojunk=False)
    return matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE


def _shared(first: str, second: str) -> int:
    """Return how many characters two texts share at their beginning."""
    return next(
        (at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


# Of the events of an item on scenarios: with 4000 draws and 8 bytes a table of 130 MB, as large as is still quick.
MOST_JOINT_STATES = 4096
Rule = Callable[[Readable], Iterator[Problem]]


def coded_too_sharply(all_: Readable) -> Iterator[Problem]:
    """Warn of a number that an editor put on somebody's words with a smaller sd than is granted."""
    for statement in all_.statements:
        expert = all_.experts.get(statement.expert)
        if expert is None:
            continue
        for coder, reading in zip(
            statement.coders, statement.readings, strict=False
        ):  # nobody where it is the expert's
            sd = stated_sd(reading, expert)
            if sd is not None and sd < LEAST_CODED_SD:
                what = f"statement {shown(statement.id)}: coded by {shown(coder)} with an sd below 1 in log-odds"
                yield Problem(statement.source, what, f"{sd:.2f}", "it is raised to 1; widen the interval", "warning")


def rules_in_other_forms(all_: Readable) -> Iterator[Problem]:
    """What follows from a rule is a number: no word with its many readings, no counted cases, no fitted quantiles."""
    for statement in all_.statements:
        expert, reading = all_.experts.get(statement.expert), statement.reading
        form = statement_form(reading)
        if expert is not None and expert.exact and statement.codings:
            what = f"statement {shown(statement.id)}: several coders of what follows from a rule"
            yield Problem(statement.source, what, ", ".join(statement.coders), "a rule leaves nothing to code")
        if expert is not None and expert.exact and not form.may_be_exact:
            what = f"statement {shown(statement.id)}: {form.key} of an expert whose statements are exact"
            yield Problem(statement.source, what, "", "a probability, odds, times, an order or a distribution")


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
        if statement.about.condition and not statement.about.given and len(targets_of(statement)) == 1
    }
    for event in all_.frame.events.values():
        if event.id not in spoken:
            what = f"event {shown(event.id)}: no statement gives its probability or a base rate"
            allowed = "its prior is the default; add a statement without 'given'"
            yield Problem(event.source, what, "", allowed, "warning")


def tables_half_said(all_: Readable) -> Iterator[Problem]:
    """Warn of a `table` of which some rows are spoken of and others not: those keep their prior, all states alike.

    Not where a statement could not be read: it may be about the row."""
    if not all_.is_every_statement_read:
        return
    for event in all_.frame.events.values():
        if event.cpt.kind != "table" or not event.parents or not set(event.parents) <= set(all_.frame.events):
            continue
        unspoken = unspoken_rows(event, all_.frame.events, all_.statements)
        if unspoken.rows:
            half = "one half" if len(event.states) == 2 else f"1/{len(event.states)} a state"
            stays = "each step stays near one half there" if event.kind == "reached" else f"they stay near {half}"
            what = f"event {shown(event.id)}: {unspoken.told(' of its table')}; {stays}"
            allowed = "a statement given these states, or cpt 'shared', where rows learn from each other"
            yield Problem(event.source, what, "", allowed, "warning")


def parts_that_say_nothing(all_: Readable) -> Iterator[Problem]:
    """Warn of what an item says and could leave out, as the forms of evidence see it."""
    for item in all_.items:
        for bearing in item.bears_on:
            yield from evidence_form(bearing).doubts(bearing, f"item {shown(item.id)}", all_.frame.events)


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
    if not all_.superseding:
        return
    items, ids = {item.id: item for item in all_.items}, all_.item_ids
    known = None if ids is None else frozenset(ids)
    circles = _circles(items)
    for superseding in all_.superseding:
        subject, item, old = f"item {shown(superseding.item)}", items.get(superseding.item), items.get(superseding.old)
        if superseding.old == superseding.item:
            yield Problem(superseding.source, f"{subject}: supersedes itself", "", "name an earlier item")
        elif ids is not None and known is not None and superseding.old not in known:
            others = [name for name in ids if name != superseding.item]
            what = f"{subject}: supersedes unknown item {shown(superseding.old)}"
            yield Problem(superseding.source, what, "", choice("items", superseding.old, others))
        elif item is None or old is None:
            continue
        elif old.reported > item.reported:
            what = f"{subject}: supersedes a later item {shown(superseding.old)}"
            yield Problem(superseding.source, what, f"reported {old.reported}", f"until {item.reported}")
        elif (circle := circles.get(item.id)) is not None:
            what = "items supersede each other in a circle: " + " -> ".join((*circle, circle[0]))
            yield Problem(superseding.source, what, "", "the latest one supersedes the others")


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
    rules_in_other_forms,
    fits_that_miss,
    events_without_marginal,
    tables_half_said,
    parts_that_say_nothing,
    items_on_too_much,
    large_families,
    supersessions,
    copied_reports,
    *SETTLED_RULES,
    impossible_steps,
    spoken_of_no_time,
)
