"""What is referred to and read against: names, read leniently; the window and its horizons; all that could be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from forecast.workspace.nodes import (
    FORMAT,
    Choice,
    Cursor,
    ListNode,
    MapNode,
    Node,
    Scalar,
    child,
    mapping,
    text,
    text_at,
)
from forecast.workspace.problems import Problem, Source, choice, known, near, shown
from forecast.workspace.records import Event, Expert, Item, Network, Scenario, Settled, Statement, Workspace

OTHER = "other"  # the scenario where no rule matches


@dataclass(frozen=True)
class Names:
    """What can be referred to. None where the file that defines it could not be read: then nothing is reported."""

    events: dict[str, tuple[str, ...] | None] | None  # the states of each event, None where unreadable
    scenarios: tuple[str, ...] | None
    experts: tuple[str, ...] | None
    sources: tuple[str, ...] | None
    at: dict[str, Source]  # where events and scenarios (one namespace) stand

    def states(self, event: str) -> tuple[str, ...] | None:
        """Return the states of an event, or None where they are not known."""
        return (self.events or {}).get(event)


def list_of(node: Node | None) -> tuple[Node, ...]:
    """Return the items of a file that holds a list, or a single map."""
    if isinstance(node, ListNode):
        return node.items
    return (node,) if isinstance(node, MapNode) else ()


def map_of(node: Node | None) -> dict[str, Node]:
    """Return the named entries of a file that holds a map of names."""
    return {k: v for k, v in node.entries.items() if k != FORMAT} if isinstance(node, MapNode) else {}


def collect_names(
    network: Node | None, scenarios: Node | None, experts: Node | None, sources: Node | None, paths: tuple[str, str]
) -> Names:
    """Return every name that the four files define; `paths` are those of network and scenarios."""
    events_node = child(network, "events")
    events: dict[str, tuple[str, ...] | None] | None = None
    at: dict[str, Source] = {}
    if isinstance(events_node, MapNode):
        events = {event: _states(node) for event, node in events_node.entries.items()}
        at = {event: Source(paths[0], line) for event, line in events_node.key_lines.items()}
    ids = [(text_at(item, "id"), child(item, "id")) for item in list_of(scenarios)]
    for name, node in ids:
        if name is not None and node is not None:
            at.setdefault(name, Source(paths[1], node.line))
    return Names(
        events,
        None if scenarios is None else tuple(name for name, _ in ids if name is not None),
        None if experts is None else tuple(map_of(experts)),
        None if sources is None else tuple(map_of(sources)),
        at,
    )


def _states(event: Node) -> tuple[str, ...] | None:
    states = child(event, "states")
    if not isinstance(states, ListNode):
        return None
    names = tuple(item.value for item in states.items if isinstance(item, Scalar) and isinstance(item.value, str))
    return tuple(dict.fromkeys(names)) if len(names) == len(states.items) and names else None


def unknown_event(names: Names, event: str, at: Cursor) -> Iterator[Problem]:
    """Report an event that the network does not hold."""
    if names.events is not None and event not in names.events:
        hint = "that is a scenario; " if event in (names.scenarios or ()) else ""
        yield at.problem(f"unknown event {shown(event)}", "", hint + choice("events", event, names.events))


def unknown_state(names: Names, event: str | None, state: str, at: Cursor) -> Iterator[Problem]:
    """Report a state that the event does not have (nothing where the event itself is unknown)."""
    states = names.states(event) if event is not None else None
    if states is not None and state not in states:
        yield at.problem(f"event '{event}' has no state {shown(state)}", "", choice("states", state, states))


def unknown_name(known: Sequence[str] | None, name: str, at: Cursor, what: str) -> Iterator[Problem]:
    """Report a name that is not among the known ones; `what` is the kind of name, in the singular."""
    if known is not None and name not in known:
        yield at.problem(f"unknown {what} {shown(name)}", "", choice(f"{what}s", name, known))


def unknown_choice(names: Names, event: str | None, at: Cursor, key: str) -> Iterator[Problem]:
    """Report each unknown state that a key of a map names: a state, a list of states or `{at_least: state}`."""
    node = at.child(key)
    if node is None:
        return
    there = at.at(key, "at_least") if isinstance(node, MapNode) else at.at(key)
    for state, place in there.texts():
        yield from unknown_state(names, event, state, place)


def unknown_conditions(names: Names, at: Cursor) -> Iterator[Problem]:
    """Report unknown events and states in a map of events to states."""
    for event in at.keys:
        yield from unknown_event(names, event, at.key(event))
        is_dated = at.at(event).has("is")
        yield from unknown_choice(names, event, at.at(event) if is_dated else at, "is" if is_dated else event)


def unnumbered(
    known: Sequence[str], at: Cursor, what: str, number: str, plural: str, beside: Sequence[str] = ()
) -> Iterator[Problem]:
    """Report each of the known names that a map of numbers leaves out; names that are none stand for some of them."""
    missing = [name for name in known if not at.has(name)]
    strangers = [name for name in at.keys if name not in (*known, *beside)]
    if len(strangers) >= len(missing):
        return  # each is reported by itself, with the names that there are
    meant = {near(name, missing) for name in strangers}
    for name in missing:
        if name not in meant:
            yield at.problem(f"{what}'{name}' has no {number}", "", choice(plural, "", known))


def chosen(names: Names, event: str, wanted: Choice) -> tuple[str, ...] | None:
    """Return the states meant, in the event's order; None where one of them (or the event) is not known."""
    states = names.states(event)
    if states is None or not set(wanted.states) <= set(states):
        return None
    if wanted.and_later:
        return states[states.index(wanted.states[0]) :]
    return tuple(state for state in states if state in wanted.states)


def duplicates(twice: list[tuple[str, Source]], what: str) -> Iterator[Problem]:
    """Report every id that appears twice, at its later places; `what` is what the id names."""
    first: dict[str, Source] = {}
    for name, source in twice:
        if name in first:
            yield Problem(
                source, f"{what} {shown(name)} appears twice", "", f"first at {first[name]}; ids are used once"
            )
        else:
            first[name] = source


@dataclass(frozen=True)
class Frame:
    """The world that statements and items refer to, as far as it could be read."""

    names: Names
    network: Network | None  # None where its dates are not readable
    today: date
    rules: tuple[Scenario, ...] = ()  # of the scenarios that could be read, in order, without names and summaries

    @property
    def events(self) -> Mapping[str, Event]:
        """The events that could be read."""
        return self.network.events if self.network else {}


def horizon_on(network: Network, day: date) -> date:
    """Return the horizon that forecasts and statements of a day are about."""
    rolled = [roll.horizon for roll in network.rolled if roll.on <= day]
    return rolled[-1] if rolled else network.window_ends


def last_horizon(network: Network) -> date:
    """Return the latest horizon that the file knows, whenever it comes into force."""
    return network.rolled[-1].horizon if network.rolled else network.window_ends


def seen_on(workspace: Workspace, day: date) -> Workspace:
    """Return the workspace with the horizon that is asked about on a day; the same object if that is its own."""
    network = workspace.network
    horizon = horizon_on(network, day)
    if horizon == network.horizon:
        return workspace
    ends = network.window_ends
    seen = replace(network, horizon=horizon, first_horizon=None if horizon == ends else ends)
    return replace(workspace, network=seen)


@dataclass(frozen=True)
class Superseding:
    """One item names another that it takes the place of."""

    item: str
    old: str
    source: Source


@dataclass(frozen=True)
class Readable:
    """Everything that could be read, wrong parts left out."""

    frame: Frame
    experts: Mapping[str, Expert]
    statements: tuple[Statement, ...]
    is_every_statement_read: bool
    items: tuple[Item, ...]
    item_ids: tuple[str, ...] | None  # also of items that could not be read; None where a whole file could not
    superseding: tuple[Superseding, ...]  # likewise

    @cached_property
    def settled(self) -> tuple[tuple[Item, Settled], ...]:
        """The parts of items that settle an event, each with its item: few of many, and several rules ask for them."""
        return tuple(
            (item, bearing) for item in self.items for bearing in item.bears_on if isinstance(bearing, Settled)
        )


def event_and_states(said: str, events: Mapping[str, Event]) -> tuple[str, Node]:
    """Read EVENT=STATE[,STATE] or EVENT>=STATE. Raises ValueError for names that there are not."""
    name, _, states = said.partition("=")
    at_least, name = name.endswith(">"), name.rstrip(">").strip()
    known(name, tuple(events), "events")
    named = [known(state.strip(), events[name].states, f"states of '{name}'") for state in states.split(",")]
    if at_least and len(named) == 1:
        return name, mapping({"at_least": text(named[0])})
    return name, text(named[0]) if len(named) == 1 else ListNode(tuple(map(text, named)), 1)
