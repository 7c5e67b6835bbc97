"""Read `priors/network.yaml`: events one by one, then what must hold between them, and the rolls of the horizon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, StringConstraints

from forecast.cpt import DEFAULT, LEAKS, WITHOUT_OPTIONS, WITHOUT_PARENTS
from forecast.cpt import KINDS as CPTS
from forecast.workspace.names import OTHER, Names, last_horizon, unknown_event
from forecast.workspace.nodes import (
    FORMAT,
    Cursor,
    Day,
    ListNode,
    MapNode,
    Name,
    Node,
    Positive,
    Scalar,
    Shape,
    Text,
    exactly_one,
    hold,
)
from forecast.workspace.problems import Problem, Source, choice, is_slip, one_form, quoted, shown
from forecast.workspace.read_requires import (
    ANY_OF,
    RequiresShape,
    as_reached,
    required_events,
    requirements_in_network,
    requirements_of,
    requires_problems,
    with_parents,
)
from forecast.workspace.records import Counts, Cpt, Event, Kind, Network, Roll
from forecast.workspace.renames import DatedRates, Timing, Weibull
from forecast.workspace.statement_forms.distribution import SD_KEY

# How the rows of a CPT hang together: the shape of `cpt`, and what must hold between it and the rest of an event.

KINDS: tuple[Kind, ...] = get_args(Kind)
CPT_KINDS = tuple(CPTS)
if TYPE_CHECKING:
    type CptName = str
    type WithoutOptions = str
    type LeakName = str
else:
    CptName, WithoutOptions, LeakName = Literal[CPT_KINDS], Literal[WITHOUT_OPTIONS], Literal[LEAKS]


class CptShape(Shape):
    """How an event's rows hang together; `leak` is the convention of a noisy_or's links."""

    kind: CptName
    leak: LeakName | None = None


def _read_cpt(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


NamedCpt = Annotated[CptShape, BeforeValidator(_read_cpt, json_schema_input_type=WithoutOptions | CptShape)]


def cpt_problems(at: Cursor) -> Iterator[Problem]:
    """Report a way to build the CPT that does not fit the event, and a leak convention missing or out of place."""
    is_map = isinstance(at.child("cpt"), MapNode)
    kind = at.text("cpt", "kind") if is_map else at.text("cpt")
    if kind not in CPTS:
        return
    rules = CPTS[kind]
    cpt = at.at("cpt", "kind") if is_map else at.at("cpt")
    has_leak = at.child("cpt", "leak") is not None
    if rules.leaks and not has_leak:
        yield cpt.problem("cpt: missing key 'leak'", "", rules.leak_rule)
    if not rules.leaks and has_leak:
        allowed = f"only a {' or '.join(name for name, other in CPTS.items() if other.leaks)} has it"
        yield at.at("cpt", "leak").problem(f"cpt: 'leak' beside kind '{kind}'", "", allowed)
    states, event_kind = at.child("states"), at.text("kind")
    n_states = len(states.items) if isinstance(states, ListNode) else 0
    if event_kind in KINDS and (misfit := rules.misfit(event_kind, n_states)) is not None:
        what, use = misfit
        yield cpt.problem(f"cpt '{kind}' on an event of kind {event_kind} {what}", f"{n_states} states", use)
    parents = at.child("parents")
    if kind not in WITHOUT_PARENTS and not (isinstance(parents, ListNode) and parents.items):
        allowed = f"without parents there is one row: {quoted(WITHOUT_PARENTS)}"
        yield cpt.problem(f"cpt '{kind}' on an event without parents", "", allowed)


# Read an event's `timing`, and hold it against the kind of the event and the window.


class RateStepShape(Shape):
    """From a day on (itself included), how many times as fast things go as without any step."""

    from_: Annotated[Day, Field(alias="from")]
    rate: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class WeibullShape(Shape):
    """Exposure grows with the share of the window to the power `shape`."""

    shape: Positive


class TimingShape(Shape):
    """How the hazard of a reached event is spread over the window."""

    one_of: ClassVar[tuple[str, ...]] = ("steps", "weibull")

    steps: Annotated[list[RateStepShape], Field(min_length=1)] | None = None
    weibull: WeibullShape | None = None


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


def timing_problems(at: Cursor) -> Iterator[Problem]:
    """Report a timing on what is no reached event, both ways at once or none, and steps whose dates do not rise."""
    kind = at.text("kind")
    if not isinstance(at.child("timing"), MapNode):
        return
    if kind in KINDS and kind in NOT_REACHED:
        yield at.key("timing").problem(f"'timing' on an event of kind {kind}", "", NOT_REACHED[kind])
    timing = at.at("timing").under("timing")
    yield from exactly_one(TimingShape, timing)
    steps = timing.at("steps") if isinstance(timing.child("steps"), ListNode) else None
    before: str | None = None
    for step in steps.items() if steps else ():
        day = step.text("from")
        # Days written YYYY-MM-DD are in the order of their texts.
        if day is not None and before is not None and day <= before:
            yield step.problem("the steps' dates do not rise", day, f"after {before}")
        before = day or before


def timing_in_window(at: Cursor, network: Network) -> Iterator[Problem]:
    """Report steps outside the window, and rates that leave no day of it on which anything could happen."""
    for event in network.events.values():
        if not isinstance(event.timing, DatedRates):
            continue
        steps, last = at.at("events", event.id, "timing", "steps"), last_horizon(network)
        timing = steps.called(f"event {shown(event.id)}: timing")
        for number, (start, rate) in enumerate(event.timing.steps):
            if rate > LARGEST_RATE:
                what = f"{timing.subject}.steps[{number + 1}].rate is out of range"
                where = timing.at(number, "rate").source
                yield Problem(where, what, f"{rate:g}", f"at most {LARGEST_RATE:g}")
            if not network.opens <= start <= last:
                allowed = f"from the opening {network.opens} until the horizon {last}"
                yield timing.at(number, "from").problem("a step lies outside the window", str(start), allowed)
        if not can_move(event.timing, network.opens, network.window_ends):
            allowed = f"a rate above 0 somewhere from {network.opens} to {network.window_ends}"
            yield timing.problem("the rate is 0 on every day of the window", "", allowed)


def can_move(timing: DatedRates, after: date, until: date) -> bool:
    """Say whether there is a day after one date, and not after another, on which the rate is above 0."""
    first = after + timedelta(days=1)
    inside = [start for start, _ in timing.steps if first < start <= until]
    return any(timing.on(day) > 0.0 for day in (first, *inside) if day <= until)


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
    raises: list[Name] | None = None
    lowers: list[Name] | None = None
    role: Literal["driver", "plan", "consequence"] = "driver"
    initial: Name | None = None
    persistence_days: Positive | None = None
    cpt: NamedCpt | None = None
    counts: CountsShape | None = None
    timing: TimingShape | None = None
    requires: RequiresShape = None


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
    otherwise: Text | None = None
    rolled: list[RollShape] | None = None
    events: Annotated[dict[Name, Any], Field(min_length=1)]


class NetworkShape(NetworkHead):
    """The whole file."""

    events: Annotated[dict[Name, EventShape], Field(min_length=1)]


RESERVED_STATES = (SD_KEY,)
RESERVED_IDS = (OTHER, FORMAT, ANY_OF)


@dataclass(frozen=True)
class NetworkRead:
    """The network with the events that are right (None where title or dates are not), and the problems found."""

    network: Network | None
    problems: tuple[Problem, ...]


def read_network(node: Node, path: str, names: Names, today: date) -> NetworkRead:
    """Read the network and check it in itself."""
    at = Cursor.over(node, path, "network")
    head = hold(NetworkHead, at, today)
    at = head.meant
    problems = list(head.problems)
    events: dict[str, Event] = {}
    if isinstance(at.child("events"), MapNode):
        entries = at.at("events")
        for event_id in entries.keys:
            event, found = _read_event(event_id, entries.at(event_id).called(f"event {shown(event_id)}"), names, today)
            problems += found
            if event is not None:
                events[event_id] = event
        events = {name: as_reached(event, events) for name, event in events.items()}
        for check in (_reserved, _called_alike, _constants_parents):
            problems += check(entries)
        # In a circle nothing can be asked of what is required.
        circles = list(_cycles(entries))
        problems += circles or requirements_in_network(at, events)
    if head.shape is None:
        return NetworkRead(None, tuple(problems))
    opens, horizon = head.shape.opens, head.shape.horizon
    if horizon <= opens:
        # Every date in the other files would be outside such a window: only this is said.
        problems.append(at.at("horizon").problem("horizon is not after the opening", str(horizon), f"after {opens}"))
        return NetworkRead(None, tuple(problems))
    rolls, found = read_rolls(head.shape, head.at)
    network = Network(
        title=head.shape.title,
        opens=opens,
        horizon=horizon,
        events=events,
        source=Source(path, 1),
        rolled=rolls,
        otherwise=head.shape.otherwise,
    )
    problems += [*found, *timing_in_window(at, network)]
    return NetworkRead(network, tuple(problems))


def _read_event(event_id: str, at: Cursor, names: Names, today: date) -> tuple[Event | None, tuple[Problem, ...]]:
    checked = hold(EventShape, at, today)
    at = checked.meant
    problems = [*checked.problems, *_parents(at, names), *requires_problems(event_id, at, names)]
    problems += _directions(at, names)
    for check in (_states, _status_keys, cpt_problems, count_problems, timing_problems):
        problems += check(at)
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
        cpt=Cpt(shape.cpt.kind, shape.cpt.leak) if shape.cpt else Cpt(DEFAULT, None),
        source=at.source,
        name=shape.name,
        counts=Counts(shape.counts.of, shape.counts.window_days, shape.counts.states) if shape.counts else None,
        timing=timing_of(shape.timing),
        raises=tuple(dict.fromkeys(shape.raises or ())),
        lowers=tuple(dict.fromkeys(shape.lowers or ())),
    )
    return with_parents(replace(event, requires=requirements_of(at, names, event))), tuple(problems)


def _texts(at: Cursor, key: str) -> tuple[tuple[str, Cursor], ...]:
    """Return the texts of a list behind a key."""
    return tuple(at.at(key).texts()) if isinstance(at.child(key), ListNode) else ()


def _twice(at: Cursor, key: str, what: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for name, place in _texts(at, key):
        if name in seen:
            yield place.problem(f"{what} {shown(name)} appears twice", "", "each stands once")
        seen.add(name)


def _parents(at: Cursor, names: Names) -> Iterator[Problem]:
    for name, place in _texts(at, "parents"):
        yield from unknown_event(names, name, place.under("parents"))
    yield from _twice(at, "parents", "parent")


def _directions(at: Cursor, names: Names) -> Iterator[Problem]:
    """Report directions of what is no parent, of one parent twice, and one that the way to build the CPT excludes."""
    parents = [name for name, _ in _texts(at, "parents")]
    unknown = [] if names.events is None else [name for name in parents if name not in names.events]
    raising = {name for name, _ in _texts(at, "raises")}
    for key in ("raises", "lowers"):
        yield from _twice(at, key, f"{key}: parent")
        for name, place in _texts(at, key):
            if name in (names.events or ()) and any(is_slip(parent, name) for parent in unknown):
                continue  # the parent is what is misspelt, which was said
            if name not in parents:
                allowed = choice("parents", name, parents) if parents else "the event has no parents"
                yield place.problem(f"{key}: {shown(name)} is not a parent", "", allowed)
            elif key == "lowers" and name in raising:
                yield place.problem(f"parent {shown(name)} both raises and lowers", "", "one direction, or none")
    cpt = at.text("cpt") or at.text("cpt", "kind")
    if cpt in CPTS and not CPTS[cpt].can_lower and _texts(at, "lowers"):
        kinds = quoted(name for name, kind in CPTS.items() if kind.can_lower)
        what = f"'lowers' beside cpt {shown(cpt)}, under which no parent can lower"
        yield at.key("lowers").problem(what, "", f"ways in which one can are {kinds}")


def _states(at: Cursor) -> Iterator[Problem]:
    yield from _twice(at, "states", "state")
    for name, place in _texts(at, "states"):
        if name in RESERVED_STATES:
            what = f"a state may not be called {shown(name)}"
            yield place.problem(what, "", "the word has a meaning in statements")


def _called_alike(events: Cursor) -> Iterator[Problem]:
    """Yield each event with the name of an earlier one, or with its id: a reader could not tell the two apart."""
    called: dict[str, str] = {event.replace("_", " ").casefold(): event for event in events.keys}
    for event in events.keys:
        name = events.text(event, "name")
        if name is None:
            continue
        first = called.setdefault(" ".join(one_form(name).split()).casefold(), event)
        if first != event:
            at = events.at(event, "name").called(f"event {shown(event)}")
            yield at.problem(
                f"the name is also that of {shown(first)}", shown(name), "each event has a name of its own"
            )


def _status_keys(at: Cursor) -> Iterator[Problem]:
    kind = at.text("kind")
    if kind not in KINDS:
        return
    for key in ("initial", "persistence_days"):
        there = at.has(key) and not (isinstance(value := at.child(key), Scalar) and value.value is None)
        if kind == "status" and not there:
            allowed = "an event of kind status needs 'initial', 'persistence_days'"
            yield at.problem(f"missing key '{key}'", "", allowed)
        if kind != "status" and there:
            yield at.key(key).problem(f"'{key}' on an event of kind {kind}", "", "only an event of kind status has it")
    initial, states = at.text("initial"), [name for name, _ in _texts(at, "states")]
    is_readable = len(states) == len(getattr(at.child("states"), "items", ()))
    if kind == "status" and initial is not None and states and is_readable and initial not in states:
        allowed = choice("states", initial, states)
        yield at.at("initial").problem("initial is not one of its states", shown(initial), allowed)


def _reserved(events: Cursor) -> Iterator[Problem]:
    for name in RESERVED_IDS:
        if events.has(name):
            what = f"an event may not be called '{name}'"
            yield Problem(events.key(name).source, what, "", "the word is reserved; take another")


def _parents_of(events: Cursor) -> dict[str, list[str]]:
    names = {
        event: [
            *(name for name, _ in _texts(events.at(event), "parents")),
            *(name for name, _ in required_events(events.at(event))),
        ]
        for event in events.keys
    }
    return {event: [name for name in parents if name in names] for event, parents in names.items()}


def _cycles(events: Cursor) -> Iterator[Problem]:
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
                yield Problem(events.key(first).source, what, "", "take one of these parents out")
            elif following not in done:
                trail.append(following)
                stack.append((following, iter(parents[following])))


def _constants_parents(events: Cursor) -> Iterator[Problem]:
    kinds = {event: events.text(event, "kind") for event in events.keys}
    for event in events.keys:
        parents = [name for name, _ in _texts(events.at(event), "parents")]
        wrong = [p for p in parents if kinds.get(p) in KINDS and kinds[p] != "constant"]
        if kinds[event] == "constant" and wrong:
            what = f"event '{event}' is a constant and has parents that are none: {quoted(wrong)}"
            constants = [name for name, kind in kinds.items() if kind == "constant" and name != event]
            allowed = f"constants are {quoted(constants)}" if constants else "a constant's parents must be constants"
            yield Problem(events.at(event, "parents").source, what, "", allowed)


def count_problems(at: Cursor) -> Iterator[Problem]:
    """Report thresholds of states that the event does not have, that do not rise, or that leave a state two ranges."""
    if not isinstance(at.child("counts", "states"), MapNode):
        return
    thresholds, listed = at.at("counts", "states").under("counts"), at.child("states")
    said = {state: thresholds.child(state) for state in thresholds.keys}
    numbers = {
        state: entry.value for state, entry in said.items() if isinstance(entry, Scalar) and type(entry.value) is int
    }
    for (before, low), (state, high) in zip(numbers.items(), list(numbers.items())[1:], strict=False):
        if high <= low:
            what, allowed = f"the threshold of {shown(state)} does not rise", f"above {low}, that of {shown(before)}"
            yield thresholds.at(state).problem(what, shown(high), allowed)
    states = [getattr(item, "value", None) for item in listed.items] if isinstance(listed, ListNode) else []
    if not states or not all(isinstance(state, str) for state in states):
        return
    for state in said:
        if state not in states:
            allowed = choice("states", state, map(str, states))
            yield thresholds.key(state).problem(f"unknown state {shown(state)}", "", allowed)
    first, lowest = str(states[0]), next(iter(numbers.values()), 0)
    if first in numbers and lowest > 0:
        what = f"{shown(first)} holds below the lowest threshold, and has one of its own"
        allowed = "leave it out, or give 0 to the state that the lowest counts mean"
        yield thresholds.key(first).problem(what, shown(numbers[first]), allowed)


def read_rolls(head: NetworkHead, at: Cursor) -> tuple[tuple[Roll, ...], tuple[Problem, ...]]:
    """Return the rolls in order, and a problem for each day that does not come after the one before."""
    rolls: list[Roll] = []
    problems: list[Problem] = []
    for number, shape in enumerate(head.rolled or ()):
        before, roll = (rolls[-1] if rolls else None), at.at("rolled", number).under(f"rolled[{number + 1}]")
        horizon = before.horizon if before else head.horizon
        if shape.on < head.opens:
            what, allowed = "on lies before the opening", f"from {head.opens} on"
            problems.append(roll.at("on").problem(what, str(shape.on), allowed))
        if before is not None and shape.on <= before.on:
            what, allowed = "on is not after that of the roll before", f"after {before.on}"
            problems.append(roll.at("on").problem(what, str(shape.on), allowed))
        if shape.horizon <= horizon:
            what, allowed = "the horizon is no later than the one before", f"after {horizon}"
            problems.append(roll.at("horizon").problem(what, str(shape.horizon), allowed))
        elif shape.horizon <= shape.on:
            what, allowed = "the horizon is not after the day from which it counts", f"after {shape.on}"
            problems.append(roll.at("horizon").problem(what, str(shape.horizon), allowed))
        rolls.append(Roll(shape.on, shape.horizon, shape.why, roll.source))
    return tuple(rolls), tuple(problems)
