"""What must hold of an event's `timing`: with its kind, with the window, and with what is settled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from forecast.workspace.checked import exactly_one
from forecast.workspace.horizons import horizon_on, last_horizon
from forecast.workspace.nodes import Mapping, Node, child, line_at, text_at
from forecast.workspace.problems import Problem, Source, shown
from forecast.workspace.readable import Readable
from forecast.workspace.records import EDITORS, Count, Event, Network
from forecast.workspace.settled_rules import settled_steps, targets_of
from forecast.workspace.shapes.network import KINDS, TimingShape
from forecast.workspace.timing import DatedRates, Timing, Weibull

NOT_REACHED = {
    "status": "'persistence_days' sets the pace of a status; only the steps of a reached event have a timing",
    "constant": "a constant holds all window long; only the steps of a reached event have a timing",
}

LARGEST_RATE = 1e9  # beyond it the days before lose their share to rounding, and at last the sum is infinite


def timing_of(shape: TimingShape | None) -> Timing | None:
    """Return the timing of a shape in which nothing is wrong; None for a constant hazard."""
    if shape is not None and shape.weibull is not None:
        return Weibull(shape.weibull.shape)
    if shape is not None and shape.steps is not None:
        return DatedRates(tuple((step.from_, step.rate) for step in shape.steps))
    return None


def timing_problems(node: Node, path: str, subject: str) -> Iterator[Problem]:
    """Report a timing on what is no reached event, both ways at once or none, and steps whose dates do not rise."""
    timing, kind = child(node, "timing"), text_at(node, "kind")
    if not isinstance(node, Mapping) or not isinstance(timing, Mapping):
        return
    if kind in KINDS and kind in NOT_REACHED:
        what = f"{subject}: 'timing' on an event of kind {kind}"
        yield Problem(Source(path, node.key_lines["timing"]), what, "", NOT_REACHED[kind])
    yield from exactly_one(TimingShape, timing, path, f"{subject}: timing")
    dates = [(text_at(step, "from"), step.line) for step in getattr(child(timing, "steps"), "items", ())]
    before: str | None = None
    for day, line in dates:
        # Days written YYYY-MM-DD are in the order of their texts.
        if day is not None and before is not None and day <= before:
            yield Problem(
                Source(path, line), f"{subject}: timing: the steps' dates do not rise", day, f"after {before}"
            )
        before = day or before


def timing_in_window(events: Node | None, network: Network, path: str) -> Iterator[Problem]:
    """Report steps outside the window, and rates that leave no day of it on which anything could happen."""
    for event in network.events.values():
        if not isinstance(event.timing, DatedRates):
            continue
        subject, last = f"event {shown(event.id)}: timing", last_horizon(network)
        for number, (start, rate) in enumerate(event.timing.steps):
            if events is not None and rate > LARGEST_RATE:
                where = Source(path, line_at(events, event.id, "timing", "steps", number, "rate"))
                what = f"{subject}.steps[{number + 1}].rate is out of range"
                yield Problem(where, what, f"{rate:g}", f"at most {LARGEST_RATE:g}")
            if events is not None and not network.opens <= start <= last:
                where = Source(path, line_at(events, event.id, "timing", "steps", number, "from"))
                allowed = f"from the opening {network.opens} until the horizon {last}"
                yield Problem(where, f"{subject}: a step lies outside the window", str(start), allowed)
        if events is not None and not _can_move(event.timing, network.opens, network.window_ends):
            where = Source(path, line_at(events, event.id, "timing", "steps"))
            what = f"{subject}: the rate is 0 on every day of the window"
            allowed = f"a rate above 0 somewhere from {network.opens} to {network.window_ends}"
            yield Problem(where, what, "", allowed)


def _can_move(timing: DatedRates, after: date, until: date) -> bool:
    """Say whether there is a day after one date, and not after another, on which the rate is above 0."""
    first = after + timedelta(days=1)
    inside = [start for start, _ in timing.steps if first < start <= until]
    return any(timing.on(day) > 0.0 for day in (first, *inside) if day <= until)


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
        is_early = isinstance(statement.reading, Count) or statement.expert == EDITORS
        day = network.opens if is_early else max(network.opens, statement.date)
        for target in targets_of(statement):
            until = target.by or horizon_on(network, statement.date)
            for condition in (*((target.condition,) if target.condition else ()), *target.given):
                event = all_.frame.events.get(condition.event)
                timing = event.timing if event else None
                if isinstance(timing, DatedRates) and until > day and not _can_move(timing, day, until):
                    what = f"statement {shown(statement.id)}: event {shown(condition.event)} cannot move by its timing"
                    got = f"rate 0 on every day after {day} until {until}"
                    yield Problem(statement.source, what, got, "a later 'by', or a rate above 0 before it")


def _impossible(event: Event, item: str, state: str, day: date, source: Source) -> Problem:
    what = f"item {shown(item)}: {shown(event.id)} cannot reach {shown(state)} on {day}: impossible by its timing"
    return Problem(source, what, "rate 0 on that day", "a rate above 0 there, or 'happened' on another day")
