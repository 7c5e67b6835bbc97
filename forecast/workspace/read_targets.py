"""Read what a statement is about: an event in some states, or a scenario; given others; by a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated

from pydantic import Field

from forecast.workspace.names import (
    OTHER,
    Frame,
    chosen,
    last_horizon,
    unknown_choice,
    unknown_conditions,
    unknown_event,
    unknown_name,
)
from forecast.workspace.nodes import Choice, Cursor, Dated, DatedShape, Day, MapNode, Name, Shape, States
from forecast.workspace.problems import Problem, shown
from forecast.workspace.records import Condition, DatedCondition, Event, Target


class TargetShape(Shape):
    """An event in some states, or a scenario; given others, or by a day."""

    event: Name | None = None
    state: States | None = None
    scenario: Name | None = None
    given: Annotated[dict[Name, Dated], Field(min_length=1)] | None = None
    by: Day | None = None


def target_references(at: Cursor, seconds: Sequence[tuple[str, ...]], frame: Frame) -> Iterator[Problem]:
    """Report unknown events, states and scenarios in every target of a statement, however wrong the rest of it is.

    `seconds` are the steps to the targets that stand beside `about`.
    """
    for steps in (("about",), *seconds):
        if at.child(*steps) is not None:
            inherited = None if steps == ("about",) else at.text("about", "event")
            yield from _target_references(at.at(*steps).under(".".join(steps)), inherited, frame)


def _target_references(at: Cursor, inherited: str | None, frame: Frame) -> Iterator[Problem]:
    if not isinstance(at.node, MapNode):
        return
    event, scenario = at.text("event"), at.text("scenario")
    if event is not None:
        yield from unknown_event(frame.names, event, at.at("event"))
    if scenario is not None and frame.names.scenarios is not None:
        yield from unknown_name((*frame.names.scenarios, OTHER), scenario, at.at("scenario"), "scenario")
    meant = event if at.has("event") else inherited  # one that cannot be read has unknown states
    yield from unknown_choice(frame.names, meant, at, "state")
    if at.has("given"):
        yield from unknown_conditions(frame.names, at.at("given").under("given"))


def inherit(shape: TargetShape, about: TargetShape, frame: Frame) -> TargetShape:
    """Return a second target with what it leaves out taken from `about`: the event, its states, and the day.

    States are taken over for the same event alone, the day for any event. A constant has no day, but its conditions
    have one; a scenario is always at the horizon. Conditions are never taken over: `against: {}` is the same thing
    without them."""
    if shape.scenario is not None or (shape.event is None and about.scenario is not None and shape.state is None):
        return shape.model_copy(update={"scenario": shape.scenario or about.scenario})
    event = shape.event or about.event
    is_same = event == about.event
    is_timeless = all(_is_constant(frame, name) for name in (event, *(shape.given or ())))
    update = {
        "event": event,
        "state": about.state if is_same and shape.state is None else shape.state,
        "by": about.by if shape.by is None and not is_timeless else shape.by,
    }
    return shape.model_copy(update=update)


def _is_constant(frame: Frame, name: str | None) -> bool:
    event = frame.events.get(name or "")
    return event is not None and event.kind == "constant"


def build_target(
    shape: TargetShape, at: Cursor, frame: Frame, *, whole_event: bool = False
) -> tuple[Target | None, tuple[Problem, ...]]:
    """Return the target (None where a name in it is unknown) and the problems in it.

    `whole_event`: the statement gives a probability to every state, so `about` names none of them."""
    problems = (*_contents(shape, at, whole_event), *_day(shape, at, frame), *_times(shape, at, frame))
    condition: Condition | None = None
    if shape.event is not None:
        states = frame.names.states(shape.event)
        wanted = shape.state or (Choice(states, False) if whole_event and states else None)
        meant = chosen(frame.names, shape.event, wanted) if wanted else None
        condition = Condition(shape.event, meant) if meant else None
    given = {event: chosen(frame.names, event, _states(wanted)) for event, wanted in (shape.given or {}).items()}
    problems += tuple(_idle(None if whole_event else condition, given, at, frame))
    if problems or (condition is None and shape.scenario is None) or any(states is None for states in given.values()):
        return None, problems
    times = shape.given or {}
    conditions = tuple(_condition(event, states, times[event]) for event, states in given.items() if states is not None)
    problems += tuple(_own_past(condition, conditions, at, frame))
    return None if problems else Target(condition, shape.scenario, conditions, shape.by), problems


def _states(wanted: Choice | DatedShape) -> Choice:
    return wanted.states if isinstance(wanted, DatedShape) else wanted


def _condition(event: str, states: tuple[str, ...], wanted: Choice | DatedShape) -> Condition:
    """Return a condition, with its own time where it has one."""
    if isinstance(wanted, DatedShape) and (wanted.held_by is not None or wanted.when == "at_once"):
        return DatedCondition(event, states, wanted.held_by)
    return Condition(event, states)


def _contents(shape: TargetShape, at: Cursor, whole_event: bool) -> Iterator[Problem]:
    allowed = "{event: ..., state: ...} or {scenario: ...}"
    if shape.scenario is not None:
        if whole_event:
            yield at.at("scenario").problem("a distribution is about an event", "a scenario", "{event: ...}")
        for key in ("event", "state", "by"):
            if at.has(key):
                yield at.at(key).problem(f"'{key}' beside 'scenario'", "", allowed)
    elif shape.event is None:
        yield at.problem("names no event and no scenario", "", allowed)
    elif shape.state is None and not whole_event:
        yield at.problem("missing key 'state'", "", allowed)
    elif shape.state is not None and whole_event:
        yield at.at("state").problem("'state' beside a distribution over all states", "", "leave it out")
    own = (shape.given or {}).get(shape.event or "")
    if own is not None and not (isinstance(own, DatedShape) and (own.held_by or own.when == "at_once")):
        what = f"event {shown(shape.event)} is given itself"
        allowed = "conditions are other events, or its own earlier state (held_by, or when: at_once)"
        yield at.at("given").problem(what, "", allowed)


def _day(shape: TargetShape, at: Cursor, frame: Frame) -> Iterator[Problem]:
    if shape.by is None or not at.has("by"):  # a day that was taken over is looked at where it stands
        return
    by, network = at.at("by"), frame.network
    if network is not None and not network.opens < shape.by <= last_horizon(network):
        allowed = f"after the opening {network.opens}, not after the horizon {last_horizon(network)}"
        yield by.problem("by lies outside the window", str(shape.by), allowed)
    if _is_constant(frame, shape.event):
        yield by.problem("'by' on an event of kind constant", "", "it holds all window long; leave it out")


def _times(shape: TargetShape, at: Cursor, frame: Frame) -> Iterator[Problem]:
    """Report times of conditions that cannot be, or say nothing."""
    for event, wanted in (shape.given or {}).items():
        if not isinstance(wanted, DatedShape):
            continue
        place = at.at("given", event).under(f"given.{event}")
        key = "held_by" if wanted.held_by is not None else "when"
        if wanted.held_by is not None and wanted.when is not None:
            yield place.key("when").problem("'when' beside 'held_by'", "", "one of them")
        if _is_constant(frame, event) and (wanted.held_by is not None or wanted.when is not None):
            what = f"'{key}' on an event of kind constant"
            yield place.key(key).problem(what, "", "it holds all window long; leave it out")
        elif wanted.when is not None and wanted.held_by is None:
            yield from _when(wanted, shape, place, frame.events.get(event))
        elif wanted.held_by is not None:
            yield from _held_by(wanted.held_by, shape, place.at("held_by"), frame)


def _when(wanted: DatedShape, shape: TargetShape, place: Cursor, event: Event | None) -> Iterator[Problem]:
    if wanted.when == "at_horizon" and shape.by is not None:
        what = "'when: at_horizon' beside 'by'"
        allowed = f"without 'when' it holds on {shape.by} too; of another day say held_by"
        yield place.key("when").problem(what, "", allowed)
    is_several = wanted.states.and_later or len(wanted.states.states) > 1
    if wanted.when == "at_once" and event is not None and event.kind == "status" and is_several:
        what = "a status comes into one state at once"
        yield place.at("is").problem(what, "several", "name one of them, or say held_by a day")


def _held_by(day: date, shape: TargetShape, place: Cursor, frame: Frame) -> Iterator[Problem]:
    network = frame.network
    if network is not None and not network.opens < day <= last_horizon(network):
        allowed = f"after the opening {network.opens}, not after the horizon {last_horizon(network)}"
        yield place.problem("held_by lies outside the window", str(day), allowed)
    elif shape.by is not None and day > shape.by:
        yield place.problem("held_by lies after the day that the statement is about", str(day), f"until {shape.by}")


def _own_past(condition: Condition | None, given: Sequence[Condition], at: Cursor, frame: Frame) -> Iterator[Problem]:
    """Report a state that an earlier one of the same event decides: steps are never undone."""
    own = next((one for one in given if condition is not None and one.event == condition.event), None)
    event = frame.events.get(own.event) if own else None
    if own is None or condition is None or event is None or event.kind != "reached":
        return
    open_states = event.states[event.states.index(own.states[0]) :]
    meant = [state for state in open_states if state in condition.states]
    if not meant or len(meant) == len(open_states):
        word = "certain" if meant else "impossible"
        what = f"{shown(' or '.join(condition.states))} is {word} once {shown(own.event)} is {shown(own.states[0])}"
        yield at.at("given", own.event).problem(what, "", f"still open then: {', '.join(map(shown, open_states))}")


def _idle(
    condition: Condition | None, given: dict[str, tuple[str, ...] | None], at: Cursor, frame: Frame
) -> Iterator[Problem]:
    """Report states that leave nothing open: naming all of them says nothing."""
    places = [(condition.event, condition.states, at.at("state"))] if condition else []
    places += [(event, states, at.at("given", event)) for event, states in given.items() if states is not None]
    for event, states, place in places:
        if states == frame.names.states(event):
            what = f"every state of {shown(event)} is named, which is certain"
            yield place.problem(what, "", "name the states that are meant")
