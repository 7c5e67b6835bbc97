"""Read what a statement is about: an event in some states, or a scenario; given others; by a day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from forecast.workspace.frame import Frame, last_horizon
from forecast.workspace.names import OTHER, chosen, unknown_choice, unknown_conditions, unknown_event, unknown_name
from forecast.workspace.nodes import MapNode, Node, child, line_at, text_at
from forecast.workspace.problems import Problem, Source, shown
from forecast.workspace.records import Condition, Target
from forecast.workspace.shapes import Choice, Day, Name, Shape, States


class TargetShape(Shape):
    """An event in some states, or a scenario; given others, or by a day."""

    event: Name | None = None
    state: States | None = None
    scenario: Name | None = None
    given: Annotated[dict[Name, States], Field(min_length=1)] | None = None
    by: Day | None = None


# Readings with a second target, and the key that holds it.
SECOND_TARGETS = {"times": ("times", "against"), "odds_times": ("odds_times", "against"), "more": ("more_likely_than",)}


def target_references(statement: Node, frame: Frame, path: str, subject: str) -> Iterator[Problem]:
    """Report unknown events, states and scenarios in every target of a statement, however wrong the rest of it is."""
    about = child(statement, "about")
    yield from _references(about, None, frame, path, f"{subject}: about")
    for steps in SECOND_TARGETS.values():
        node: Node | None = statement
        for step in steps:
            node = child(node, step)
        yield from _references(node, text_at(about, "event"), frame, path, f"{subject}: {'.'.join(steps)}")


def _references(node: Node | None, inherited: str | None, frame: Frame, path: str, subject: str) -> Iterator[Problem]:
    if not isinstance(node, MapNode):
        return
    event, scenario = text_at(node, "event"), text_at(node, "scenario")
    if event is not None:
        yield from unknown_event(frame.names, event, Source(path, line_at(node, "event")), subject)
    if scenario is not None and frame.names.scenarios is not None:
        known = (*frame.names.scenarios, OTHER)
        yield from unknown_name(known, scenario, Source(path, line_at(node, "scenario")), subject, "scenario")
    meant = event if "event" in node.entries else inherited  # one that cannot be read has unknown states
    yield from unknown_choice(frame.names, meant, child(node, "state"), path, subject)
    yield from unknown_conditions(frame.names, child(node, "given"), path, f"{subject}: given")


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
    shape: TargetShape, node: Node, frame: Frame, path: str, subject: str, *, whole_event: bool = False
) -> tuple[Target | None, tuple[Problem, ...]]:
    """Return the target (None where a name in it is unknown) and the problems in it.

    `whole_event`: the statement gives a probability to every state, so `about` names none of them."""
    problems = tuple(_contents(shape, node, path, subject, whole_event))
    problems += tuple(_day(shape, node, frame, path, subject))
    condition: Condition | None = None
    if shape.event is not None:
        states = frame.names.states(shape.event)
        wanted = shape.state or (Choice(states, False) if whole_event and states else None)
        found = chosen(frame.names, shape.event, wanted) if wanted else None
        condition = Condition(shape.event, found) if found else None
    given = {event: chosen(frame.names, event, wanted) for event, wanted in (shape.given or {}).items()}
    problems += tuple(_idle(condition, given, node, frame, path, subject, whole_event))
    if problems or (condition is None and shape.scenario is None) or any(states is None for states in given.values()):
        return None, problems
    conditions = tuple(Condition(event, states) for event, states in given.items() if states is not None)
    return Target(condition, shape.scenario, conditions, shape.by), problems


def _contents(shape: TargetShape, node: Node, path: str, subject: str, whole_event: bool) -> Iterator[Problem]:
    allowed = "{event: ..., state: ...} or {scenario: ...}"
    if shape.scenario is not None:
        if whole_event:
            what = f"{subject}: a distribution is about an event"
            yield Problem(Source(path, line_at(node, "scenario")), what, "a scenario", "{event: ...}")
        for key in ("event", "state", "by"):
            if child(node, key) is not None:
                what = f"{subject}: '{key}' beside 'scenario'"
                yield Problem(Source(path, line_at(node, key)), what, "", allowed)
    elif shape.event is None:
        yield Problem(Source(path, node.line), f"{subject}: names no event and no scenario", "", allowed)
    elif shape.state is None and not whole_event:
        yield Problem(Source(path, node.line), f"{subject}: missing key 'state'", "", allowed)
    elif shape.state is not None and whole_event:
        what = f"{subject}: 'state' beside a distribution over all states"
        yield Problem(Source(path, line_at(node, "state")), what, "", "leave it out")
    if shape.event is not None and shape.event in (shape.given or {}):
        what = f"{subject}: event {shown(shape.event)} is given itself"
        yield Problem(Source(path, line_at(node, "given")), what, "", "conditions are other events")


def _day(shape: TargetShape, node: Node, frame: Frame, path: str, subject: str) -> Iterator[Problem]:
    if shape.by is None or child(node, "by") is None:  # a day that was taken over is looked at where it stands
        return
    where = Source(path, line_at(node, "by"))
    network = frame.network
    if network is not None and not network.opens < shape.by <= last_horizon(network):
        allowed = f"after the opening {network.opens}, not after the horizon {last_horizon(network)}"
        yield Problem(where, f"{subject}: by lies outside the window", str(shape.by), allowed)
    if _is_constant(frame, shape.event):
        yield Problem(
            where, f"{subject}: 'by' on an event of kind constant", "", "it holds all window long; leave it out"
        )


def _idle(
    condition: Condition | None,
    given: dict[str, tuple[str, ...] | None],
    node: Node,
    frame: Frame,
    path: str,
    subject: str,
    whole_event: bool,
) -> Iterator[Problem]:
    """Report states that leave nothing open: naming all of them says nothing."""
    named = {condition.event: condition.states} if condition and not whole_event else {}
    places: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
    places = [(event, states, ("state",)) for event, states in named.items()]
    places += [(event, states, ("given", event)) for event, states in given.items() if states is not None]
    for event, states, steps in places:
        if states == frame.names.states(event):
            what = f"{subject}: every state of {shown(event)} is named, which is certain"
            yield Problem(Source(path, line_at(node, *steps)), what, "", "name the states that are meant")
