"""Read `priors/network.yaml`: events one by one, then what must hold between them, and the rolls of the horizon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from forecast.workspace.cpt import KINDS, NamedCpt, cpt_problems
from forecast.workspace.names import Names, unknown_event
from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar, child, line_at, text_at
from forecast.workspace.problems import Problem, Source, choice, one_form, quoted, shown
from forecast.workspace.read_timing import TimingShape, timing_in_window, timing_of, timing_problems
from forecast.workspace.records import Counts, Cpt, Event, Network, Roll
from forecast.workspace.shapes import Day, Name, Positive, Shape, Text, hold

# What readers call an event: it stands in nodes of the network and in the heads of tables.
EventTitle = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class CountsShape(Shape):
    """From which count in a window of days on the event is in which state, for feeds of coded incidents."""

    of: Literal["fatalities", "events"]
    window_days: Annotated[int, Field(gt=0)]
    states: Annotated[dict[Name, Annotated[int, Field(ge=0)]], Field(min_length=1)]


class EventShape(Shape):
    """A question with a deadline."""

    name: EventTitle | None = None
    question: Text
    kind: Literal["reached", "status", "constant"]
    states: Annotated[list[Name], Field(min_length=2, max_length=50)]
    resolves: Text
    parents: list[Name] | None = None
    role: Literal["driver", "plan", "consequence"] = "driver"
    initial: Name | None = None
    persistence_days: Positive | None = None
    cpt: NamedCpt | None = None
    counts: CountsShape | None = None
    timing: TimingShape | None = None


class RollShape(Shape):
    """From the day `on` on, forecasts are about another horizon."""

    on: Day
    horizon: Day
    why: Text | None = None


class NetworkHead(Shape):
    """The file without a look at its events, which are read one by one."""

    format: Literal[1] | None = None
    title: Text
    opens: Day
    horizon: Day
    rolled: list[RollShape] | None = None
    events: Annotated[dict[Name, Any], Field(min_length=1)]


class NetworkShape(NetworkHead):
    """The whole file."""

    events: Annotated[dict[Name, EventShape], Field(min_length=1)]


RESERVED_STATES = ("sd",)  # a key of `distribution:` beside the states


RESERVED_IDS = ("other", "format")


@dataclass(frozen=True)
class NetworkRead:
    """The network with the events that are right (None where title or dates are not), and the problems found."""

    network: Network | None
    problems: tuple[Problem, ...]


def read_network(node: Node, path: str, names: Names, today: date) -> NetworkRead:
    """Read the network and check it in itself."""
    head = hold(NetworkHead, node, path, "network", today)
    problems = list(head.problems)
    events: dict[str, Event] = {}
    events_node = child(node, "events")
    if isinstance(events_node, MapNode):
        for event_id, event_node in events_node.entries.items():
            event, found = _read_event(event_id, event_node, path, names, today)
            problems += found
            if event is not None:
                events[event_id] = event
        problems += _reserved(events_node, path)
        problems += _called_alike(events_node, path)
        problems += _cycles(events_node, path)
        problems += _constants_parents(events_node, path)
    if head.shape is None:
        return NetworkRead(None, tuple(problems))
    opens, horizon = head.shape.opens, head.shape.horizon
    if horizon <= opens:
        # Every date in the other files would be outside such a window: only this is said.
        where = Source(path, line_at(node, "horizon"))
        problems.append(Problem(where, "network: horizon is not after the opening", str(horizon), f"after {opens}"))
        return NetworkRead(None, tuple(problems))
    rolls, found = read_rolls(head.shape, head.node, path)
    network = Network(
        title=head.shape.title, opens=opens, horizon=horizon, events=events, source=Source(path, 1), rolled=rolls
    )
    problems += [*found, *timing_in_window(events_node, network, path)]
    return NetworkRead(network, tuple(problems))


def _read_event(
    event_id: str, node: Node, path: str, names: Names, today: date
) -> tuple[Event | None, tuple[Problem, ...]]:
    subject = f"event {shown(event_id)}"
    checked = hold(EventShape, node, path, subject, today)
    problems = [*checked.problems, *_parents(node, path, names, subject), *_states(node, path, subject)]
    problems += _status_keys(node, path, subject)
    problems += cpt_problems(node, path, subject)
    problems += count_problems(node, path, subject)
    problems += timing_problems(node, path, subject)
    shape = checked.shape
    if shape is None:
        return None, tuple(problems)
    event = Event(
        id=event_id,
        question=shape.question,
        kind=shape.kind,
        states=tuple(dict.fromkeys(shape.states)),
        resolves=shape.resolves,
        parents=tuple(dict.fromkeys(shape.parents or ())),
        role=shape.role,
        initial=shape.initial,
        persistence_days=shape.persistence_days,
        cpt=Cpt(shape.cpt.kind, shape.cpt.leak) if shape.cpt else Cpt("shared", None),
        source=Source(path, node.line),
        name=shape.name,
        counts=Counts(shape.counts.of, shape.counts.window_days, shape.counts.states) if shape.counts else None,
        timing=timing_of(shape.timing),
    )
    return event, tuple(problems)


def _texts(node: Node | None) -> Iterator[tuple[str, int]]:
    if isinstance(node, ListNode):
        for item in node.items:
            if isinstance(item, Scalar) and isinstance(item.value, str):
                yield item.value, item.line


def _twice(node: Node | None, path: str, subject: str, what: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for name, line in _texts(node):
        if name in seen:
            yield Problem(Source(path, line), f"{subject}: {what} {shown(name)} stands twice", "", "each stands once")
        seen.add(name)


def _parents(node: Node, path: str, names: Names, subject: str) -> Iterator[Problem]:
    parents = child(node, "parents")
    for name, line in _texts(parents):
        yield from unknown_event(names, name, Source(path, line), f"{subject}: parents")
    yield from _twice(parents, path, subject, "parent")


def _states(node: Node, path: str, subject: str) -> Iterator[Problem]:
    states = child(node, "states")
    yield from _twice(states, path, subject, "state")
    for name, line in _texts(states):
        if name in RESERVED_STATES:
            what = f"{subject}: a state may not be called {shown(name)}"
            yield Problem(Source(path, line), what, "", "the word has a meaning in statements")


def _called_alike(events: MapNode, path: str) -> Iterator[Problem]:
    """Yield each event with the name of an earlier one, or with its id: a reader could not tell the two apart."""
    called: dict[str, str] = {event.replace("_", " ").casefold(): event for event in events.entries}
    for event, node in events.entries.items():
        name = text_at(node, "name")
        if name is None:
            continue
        first = called.setdefault(" ".join(one_form(name).split()).casefold(), event)
        if first != event:
            what = f"event {shown(event)}: the name is also that of {shown(first)}"
            yield Problem(Source(path, line_at(node, "name")), what, shown(name), "each event has a name of its own")


def _status_keys(node: Node, path: str, subject: str) -> Iterator[Problem]:
    kind = text_at(node, "kind")
    if not isinstance(node, MapNode) or kind not in KINDS:
        return
    for key in ("initial", "persistence_days"):
        there = key in node.entries and not (isinstance(v := node.entries[key], Scalar) and v.value is None)
        if kind == "status" and not there:
            what = f"{subject}: missing key '{key}'"
            yield Problem(
                Source(path, node.line), what, "", "an event of kind status needs 'initial', 'persistence_days'"
            )
        if kind != "status" and there:
            what = f"{subject}: '{key}' on an event of kind {kind}"
            yield Problem(Source(path, node.key_lines[key]), what, "", "only an event of kind status has it")
    initial, states = text_at(node, "initial"), [name for name, _ in _texts(child(node, "states"))]
    is_readable = len(states) == len(getattr(child(node, "states"), "items", ()))
    if kind == "status" and initial is not None and states and is_readable and initial not in states:
        what = f"{subject}: initial is not one of its states"
        yield Problem(Source(path, line_at(node, "initial")), what, shown(initial), choice("states", initial, states))


def _reserved(events: MapNode, path: str) -> Iterator[Problem]:
    for name in RESERVED_IDS:
        if name in events.entries:
            what = f"an event may not be called '{name}'"
            yield Problem(Source(path, events.key_lines[name]), what, "", "the word is reserved; take another")


def _parents_of(events: MapNode) -> dict[str, list[str]]:
    names = {event: [name for name, _ in _texts(child(node, "parents"))] for event, node in events.entries.items()}
    return {event: [name for name in parents if name in names] for event, parents in names.items()}


def _cycles(events: MapNode, path: str) -> Iterator[Problem]:
    """Report each cycle of parents once, at its first event in file order."""
    parents = _parents_of(events)
    done: set[str] = set()
    for start in parents:
        trail: list[str] = []
        stack = [(start, iter(parents[start]))] if start not in done else []
        trail += [start] if stack else []
        while stack:
            event, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                done.add(event)
                stack.pop()
                trail.pop()
            elif following in trail:
                cycle = trail[trail.index(following) :]
                first = min(cycle, key=list(parents).index)
                turned = cycle[cycle.index(first) :] + cycle[: cycle.index(first)]
                what = "events are their own ancestors: " + " <- ".join((*turned, first))
                yield Problem(Source(path, events.key_lines[first]), what, "", "take one of these parents out")
            elif following not in done:
                trail.append(following)
                stack.append((following, iter(parents[following])))


def _constants_parents(events: MapNode, path: str) -> Iterator[Problem]:
    kinds = {event: text_at(node, "kind") for event, node in events.entries.items()}
    for event, parents in _parents_of(events).items():
        wrong = [p for p in parents if kinds[p] in KINDS and kinds[p] != "constant"]
        if kinds[event] == "constant" and wrong:
            what = f"event '{event}' is a constant and has parents that are none: {quoted(wrong)}"
            constants = [name for name, kind in kinds.items() if kind == "constant" and name != event]
            allowed = f"constants are {quoted(constants)}" if constants else "a constant's parents must be constants"
            yield Problem(Source(path, line_at(events, event, "parents")), what, "", allowed)


def count_problems(node: Node, path: str, subject: str) -> Iterator[Problem]:
    """Report thresholds of states that the event does not have, that do not rise, or that leave a state two ranges."""
    thresholds, listed = child(child(node, "counts"), "states"), child(node, "states")
    if not isinstance(thresholds, MapNode):
        return
    numbers = {
        state: entry.value
        for state, entry in thresholds.entries.items()
        if isinstance(entry, Scalar) and type(entry.value) is int
    }
    for (before, low), (state, high) in zip(numbers.items(), list(numbers.items())[1:], strict=False):
        if high <= low:
            where = Source(path, thresholds.entries[state].line)
            what = f"{subject}: counts: the threshold of {shown(state)} does not rise"
            yield Problem(where, what, shown(high), f"above {low}, that of {shown(before)}")
    states = [getattr(item, "value", None) for item in listed.items] if isinstance(listed, ListNode) else []
    if not states or not all(isinstance(state, str) for state in states):
        return
    for state, line in thresholds.key_lines.items():
        if state not in states:
            what = f"{subject}: counts: unknown state {shown(state)}"
            yield Problem(Source(path, line), what, "", choice("states", state, map(str, states)))
    first, lowest = states[0], next(iter(numbers.values()), 0)
    if first in numbers and lowest > 0:
        what = f"{subject}: counts: {shown(first)} holds below the lowest threshold, and has one of its own"
        allowed = "leave it out, or give 0 to the state that the lowest counts mean"
        yield Problem(Source(path, thresholds.key_lines[str(first)]), what, shown(numbers[first]), allowed)


def read_rolls(head: NetworkHead, node: Node, path: str) -> tuple[tuple[Roll, ...], tuple[Problem, ...]]:
    """Return the rolls in order, and a problem for each day that does not come after the one before."""
    rolls: list[Roll] = []
    problems: list[Problem] = []
    for number, shape in enumerate(head.rolled or ()):
        before = rolls[-1] if rolls else None
        horizon = before.horizon if before else head.horizon

        def wrong(key: str, what: str, got: date, allowed: str, number: int = number) -> None:
            where = Source(path, line_at(node, "rolled", number, key))
            problems.append(Problem(where, f"network: rolled[{number + 1}]: {what}", str(got), allowed))

        if shape.on < head.opens:
            wrong("on", "on lies before the opening", shape.on, f"from {head.opens} on")
        if before is not None and shape.on <= before.on:
            wrong("on", "on is not after that of the roll before", shape.on, f"after {before.on}")
        if shape.horizon <= horizon:
            wrong("horizon", "the horizon is no later than the one before", shape.horizon, f"after {horizon}")
        elif shape.horizon <= shape.on:
            wrong(
                "horizon", "the horizon is not after the day from which it counts", shape.horizon, f"after {shape.on}"
            )
        rolls.append(Roll(shape.on, shape.horizon, shape.why, Source(path, line_at(node, "rolled", number))))
    return tuple(rolls), tuple(problems)
