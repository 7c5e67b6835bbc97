"""Read what an event `requires` of other events, and hold it against the kinds of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from forecast.workspace.names import Names, unknown_choice, unknown_event
from forecast.workspace.nodes import Cursor, ListNode, MapNode, Name, Node, Scalar, States, plain, refuse
from forecast.workspace.problems import Problem, choice, quoted, shown
from forecast.workspace.records import Condition, Event, Requirement

AT_LEAST = "at_least"
ANY_OF = "any_of"  # a reserved key: beside conditions that all hold, alternatives of which one does

Conditions = tuple[Condition, ...]
_Conditions = Annotated[dict[Name, States], Field(min_length=1)]
_Needs = dict[Name, States | Annotated[list[_Conditions], Field(min_length=1)]]


def _read(value: Any) -> Any:
    if not isinstance(value, dict) or not value:
        raise refuse("is no map of events to states", "{event: state}, {any_of: [...]}, or these for each state")
    return value


RequiresShape = Annotated[Any, PlainValidator(_read, json_schema_input_type=_Needs | dict[Name, _Needs])]


def required_events(at: Cursor) -> tuple[tuple[str, Cursor], ...]:
    """Return the events that an event requires something of, as they are written, each with its first place."""
    found: dict[str, Cursor] = {}
    for _, needs in _by_state(at):
        for conditions in _maps(needs):
            for event in conditions.keys:
                if event != ANY_OF:
                    found.setdefault(event, conditions.key(event))
    return tuple(found.items())


def requires_problems(event_id: str, at: Cursor, names: Names) -> Iterator[Problem]:
    """Report events and states that there are not, states that need nothing, and conditions that are none."""
    own, kind = at.child("states"), at.text("kind")
    states = tuple(str(getattr(item, "value", "")) for item in own.items) if isinstance(own, ListNode) else ()
    for state, needs in _by_state(at):
        if state is not None and states:
            if state not in states:
                yield from _unknown_state(at, (event_id, state), states, names)
            elif kind == "reached" and state == states[0]:
                what = f"state {shown(state)} is where the event begins, and requires nothing"
                yield at.at("requires").key(state).under("requires").problem(what, "", "name a later state")
        yield from _malformed(needs)
        for conditions in _maps(needs):
            for event in conditions.keys:
                if event != ANY_OF:
                    yield from unknown_event(names, event, conditions.key(event))
                    yield from unknown_choice(names, event, conditions, event)


def _unknown_state(at: Cursor, of: tuple[str, str], states: Sequence[str], names: Names) -> Iterator[Problem]:
    event, state = of
    place = at.at("requires").key(state).under("requires")
    if state in (names.events or {}):
        what = f"{shown(state)} is an event with a map behind it"
        yield place.problem(what, "", "{event: state}, a list of states, or {at_least: state}")
    else:
        yield place.problem(f"event {shown(event)} has no state {shown(state)}", "", choice("states", state, states))


def states_requiring(needs: Node | None) -> tuple[str | None, ...]:
    """Return the keys of a `requires` that are states, each with its own map, or None where all states are meant."""
    if not isinstance(needs, MapNode):
        return ()
    if not needs.entries:
        return ()
    maps = [value for value in needs.entries.values() if isinstance(value, MapNode)]
    return tuple(needs.entries) if any(set(one.entries) != {AT_LEAST} for one in maps) else (None,)


def _by_state(at: Cursor) -> Iterator[tuple[str | None, Cursor]]:
    """Yield what each state needs, by its name, or what all of them need (None)."""
    needs = at.at("requires").under("requires")
    for state in states_requiring(at.child("requires")):
        yield state, needs if state is None else needs.at(state).under(shown(state))


def _maps(needs: Cursor) -> Iterator[Cursor]:
    """Yield the maps of conditions: the one that always counts, and the alternatives beside it."""
    if isinstance(needs.node, MapNode):
        yield needs
        yield from (one for one in needs.items_at(ANY_OF) if isinstance(one.node, MapNode))


def _malformed(needs: Cursor) -> Iterator[Problem]:
    form = "{event: state}, a list of states, or {at_least: state}"
    if not isinstance(needs.node, MapNode) or not needs.keys:
        yield needs.problem("names no events", shown(plain(needs.node)), form)
        return
    if needs.has(ANY_OF):
        alternatives = needs.child(ANY_OF)
        if not isinstance(alternatives, ListNode) or not alternatives.items:
            allowed = "any_of: [{event: state}, {event: state}]"
            yield needs.at(ANY_OF).problem(
                "any_of is no list of alternatives", shown(plain(needs.at(ANY_OF).node)), allowed
            )
        for item in alternatives.items if isinstance(alternatives, ListNode) else ():
            if not isinstance(item, MapNode) or not item.entries:
                where = Cursor(item, needs.path, needs.subject, item.line)
                yield where.problem("an alternative of any_of is no map of events to states", shown(plain(item)), form)
    for conditions in _maps(needs):
        for event in conditions.keys:
            if event == ANY_OF and conditions is not needs and conditions.node is not needs.node:
                yield conditions.key(ANY_OF).problem("any_of within any_of", "", "list all alternatives in one")
            elif event != ANY_OF and _choice(conditions, event) is None:
                yield conditions.key(event).problem(
                    f"names no states of {shown(event)}", shown(plain(conditions.at(event).node)), form
                )


def _choice(conditions: Cursor, event: str) -> tuple[tuple[str, ...], bool] | None:
    """Return the states that a condition names, and whether all later ones are meant; None where it names none."""
    node = conditions.child(event)
    if isinstance(node, MapNode):
        first = conditions.text(event, AT_LEAST)
        return None if first is None or set(node.entries) != {AT_LEAST} else ((first,), True)
    texts = tuple(text for text, _ in conditions.at(event).texts())
    n = len(node.items) if isinstance(node, ListNode) else 1
    is_text = isinstance(node, Scalar | ListNode)
    return (texts, False) if texts and is_text and len(texts) == n else None


def requirements_of(at: Cursor, names: Names, event: Event) -> tuple[Requirement, ...]:
    """Return what each state needs, in which nothing is wrong; the states that no problem was told of are read.

    Without a state all of them need it but the first; of a status, but the one at the opening.
    """
    free = event.initial if event.kind == "status" else event.states[0]
    told: dict[str, Cursor] = {}
    for state, needs in _by_state(at):
        told |= {one: needs for one in event.states if one == state or (state is None and one != free)}
    read = {state: _alternatives(needs, names) for state, needs in told.items()}
    return tuple(Requirement(state, read[state]) for state in event.states if read.get(state))


def _alternatives(needs: Cursor, names: Names) -> tuple[Conditions, ...]:
    """Return the alternatives of which one has to hold: conditions that always count stand in each of them."""
    always = _conditions(needs, names)
    others = [_conditions(one, names) for one in _maps(needs) if one.node is not needs.node]
    if always is None or any(one is None for one in others):
        return ()
    return tuple((*always, *one) for one in others if one) if others else (always,)


def _conditions(at: Cursor, names: Names) -> Conditions | None:
    """Return the conditions of a map, None where one of them is wrong."""
    found = []
    for event in at.keys:
        if event == ANY_OF:
            continue
        states, wanted = names.states(event), _choice(at, event)
        if states is None or wanted is None or not set(wanted[0]) <= set(states):
            return None
        named, and_later = wanted
        later = states[states.index(named[0]) :] if and_later else named
        found.append(Condition(event, tuple(state for state in states if state in later)))
    return tuple(found)


def with_parents(event: Event) -> Event:
    """Return the event with what it requires among its parents, behind those that are listed."""
    required = (name for one in event.requires for name in one.events)
    return replace(event, parents=tuple(dict.fromkeys((*event.parents, *required))))


def as_reached(event: Event, events: Mapping[str, Event]) -> Event:
    """Return the event with every state of a reached event that it requires taken with all later ones.

    What was reached stays so: whoever requires a step does not mind the next one.
    """

    def whole(condition: Condition) -> Condition:
        other = events.get(condition.event)
        if other is None or other.kind != "reached":
            return condition
        first = min(other.states.index(state) for state in condition.states)
        return Condition(condition.event, other.states[first:])

    needs = (replace(one, any_of=tuple(tuple(map(whole, all_)) for all_ in one.any_of)) for one in event.requires)
    return replace(event, requires=tuple(needs))


def requirements_in_network(at: Cursor, events: Mapping[str, Event]) -> Iterator[Problem]:
    """Report requirements that no course of events can meet, that say nothing, or that leave no state to be in."""
    for event in events.values():
        if not event.requires or any(name not in events for one in event.requires for name in one.events):
            continue
        if event.initial is not None and event.initial not in event.states:
            continue  # what it begins in is not known
        place = at.at("events", event.id).called(f"event {shown(event.id)}")
        found = list(_of_constants(event, place, events)) or list(_saying_nothing(event, place, events))
        yield from found or _impossible(event, place, events)


def _requires(place: Cursor) -> Cursor:
    return place.key("requires").under("requires") if place.has("requires") else place


def _of_constants(event: Event, place: Cursor, events: Mapping[str, Event]) -> Iterator[Problem]:
    dated = sorted({name for one in event.requires for name in one.events if events[name].kind != "constant"})
    if event.kind == "constant" and dated:
        constants = [name for name, one in events.items() if one.kind == "constant" and name != event.id]
        what = f"the event is a constant and requires events that are none: {quoted(dated)}"
        allowed = f"constants are {quoted(constants)}" if constants else "a constant can require constants alone"
        yield _requires(place).problem(what, "", allowed)


def _saying_nothing(event: Event, place: Cursor, events: Mapping[str, Event]) -> Iterator[Problem]:
    told: set[str] = set()
    for one in event.requires:
        for condition in (condition for all_ in one.any_of for condition in all_):
            other = events[condition.event]
            if condition.states == other.states and condition.event not in told:
                told.add(condition.event)
                is_first = other.kind == "reached"
                why = f"{shown(other.states[0])} is where it begins" if is_first else "every state of it is named"
                what = f"the requirement of {shown(condition.event)} says nothing: {why}"
                yield _requires(place).problem(what, "", "name the states without which this cannot be")


def _impossible(event: Event, place: Cursor, events: Mapping[str, Event]) -> Iterator[Problem]:
    for one in event.requires:
        if not any(_can_hold(all_, events) for all_ in one.any_of):
            what = f"what state {shown(one.state)} requires can never hold"
            yield _requires(place).problem(what, str(one), "name states that can be together")
    if event.kind == "reached":
        return
    for states in _parents_states(event, events):
        if all(event.is_excluded(state, states) for state in event.states):
            got = ", ".join(f"{name} {state}" for name, state in states.items())
            what, allowed = "there is no state that the event could be in", "leave one state that requires less"
            yield _requires(place).problem(what, got, allowed)
            return
    opening = [states for states in _parents_states(event, events) if _is_opening(states, events)]
    if event.initial is not None and all(event.is_excluded(event.initial, states) for states in opening):
        what = f"the state at the opening, {shown(event.initial)}, lacks what it requires on that day"
        got = str(next(one for one in event.requires if one.state == event.initial))
        yield _requires(place).problem(what, got, "another 'initial', or let only other states require it")


def _parents_states(event: Event, events: Mapping[str, Event]) -> Iterator[dict[str, str]]:
    names = tuple(dict.fromkeys(name for one in event.requires for name in one.events))
    for states in product(*(events[name].states for name in names)):
        yield dict(zip(names, states, strict=True))


def _is_opening(states: Mapping[str, str], events: Mapping[str, Event]) -> bool:
    """Say whether dated events are in the states in which they begin."""
    return all(
        state == (events[name].initial or events[name].states[0])
        for name, state in states.items()
        if events[name].kind != "constant"
    )


def _can_hold(conditions: Conditions, events: Mapping[str, Event]) -> bool:
    """Say whether constants can be such that some conditions hold, with all that these require in turn.

    Dated events can be so one after the other, and are not held against each other.
    """
    allowed: dict[str, frozenset[str]] = {}
    if any(condition.event not in events for condition in conditions):
        return True  # of one that could not be read nothing can be said
    for condition in conditions:
        before = allowed.get(condition.event, frozenset(events[condition.event].states))
        allowed[condition.event] = before & frozenset(condition.states)
    return all(any(_can_be(name, state, allowed, events) for state in states) for name, states in allowed.items())


def _can_be(name: str, state: str, allowed: Mapping[str, frozenset[str]], events: Mapping[str, Event]) -> bool:
    """Say whether an event can be in a state: whether an alternative of what that requires agrees with `allowed`."""
    event = events[name]
    on_the_way = event.states[: event.states.index(state) + 1] if event.kind == "reached" else (state,)
    constants = [other for other in allowed if other != name and events[other].kind == "constant"]
    held = tuple(Condition(other, tuple(allowed[other])) for other in constants)
    needs = [one.any_of for one in event.requires if one.state in on_the_way]
    return all(any(_can_hold((*all_, *held), events) for all_ in any_of) for any_of in needs)
