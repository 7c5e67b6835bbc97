"""Read `evidence/*.yaml`: dated reports, and what each says about the events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from forecast.workspace.checked import exactly_one, hold
from forecast.workspace.frame import Frame
from forecast.workspace.horizons import last_horizon
from forecast.workspace.names import (
    chosen,
    list_of,
    unknown_choice,
    unknown_event,
    unknown_name,
    unknown_state,
)
from forecast.workspace.nodes import Mapping, Node, Scalar, child, line_at, text_at
from forecast.workspace.problems import Problem, Source, choice, shown
from forecast.workspace.read_on_scenarios import all_zero, no_event, on_scenarios, scenario_problems
from forecast.workspace.readable import Superseding
from forecast.workspace.records import Bearing, Claim, Item, Likelihood, OnScenarios, Settled, Support
from forecast.workspace.shapes.evidence import SCENARIOS, BearingShape, ItemShape

CANNOT_BE_JUDGED = 6  # credibility of an item that gives none


@dataclass(frozen=True)
class EvidenceRead:
    """The items of one file that are right, every id with its place, and the problems found."""

    items: tuple[Item, ...]
    ids: tuple[tuple[str, Source], ...]
    superseding: tuple[Superseding, ...]
    problems: tuple[Problem, ...]


def read_evidence(node: Node, path: str, frame: Frame) -> EvidenceRead:
    """Read one file of evidence: one item or a list of them."""
    reading = Reading(path, frame)
    for number, entry in enumerate(list_of(node), 1):
        reading.add(entry, number)
    return reading.result()


class Reading:
    """The items of one file, read one after the other: from trees, or (where they are right) as they come."""

    def __init__(self, path: str, frame: Frame) -> None:
        self.path, self.frame = path, frame
        self.items: list[Item] = []
        self.ids: list[tuple[str, Source]] = []
        self.superseding: list[Superseding] = []
        self.problems: list[Problem] = []

    def add(self, entry: Node, number: int) -> None:
        """Read an item from a tree; `number` names it where it has no id."""
        path = self.path
        item_id = text_at(entry, "id")
        if item_id is not None:
            self.ids.append((item_id, Source(path, line_at(entry, "id"))))
        old_id = text_at(entry, "supersedes")
        if old_id is not None:
            where = Source(path, line_at(entry, "supersedes"))
            self.superseding.append(Superseding(item_id or "", old_id, where))
        subject = f"item {shown(item_id)}" if item_id else f"item number {number}"
        item, found = _read_item(entry, path, subject, self.frame)
        self.problems += found
        if item is not None:
            self.items.append(item)

    def add_right(self, item: Item) -> None:
        """Take an item in which nothing is wrong."""
        self.ids.append((item.id, item.source))
        if item.supersedes is not None:
            self.superseding.append(Superseding(item.id, item.supersedes, item.source))
        self.items.append(item)

    def result(self) -> EvidenceRead:
        """Return what was read."""
        return EvidenceRead(tuple(self.items), tuple(self.ids), tuple(self.superseding), tuple(self.problems))


def _read_item(entry: Node, path: str, subject: str, frame: Frame) -> tuple[Item | None, tuple[Problem, ...]]:
    checked = hold(ItemShape, entry, path, subject, frame.today)
    problems = list(checked.problems)
    source = text_at(entry, "source")
    if source is not None:
        problems += unknown_name(frame.names.sources, source, Source(path, line_at(entry, "source")), subject, "source")
    for number, bearing in enumerate(list_of(child(entry, "bears_on")), 1):
        problems += _bearing_problems(bearing, path, f"{subject}: bears_on[{number}]", frame)
    shape = checked.shape
    if shape is None:
        return None, tuple(problems)
    problems += _dates(shape, checked.node, path, subject, frame)
    if shape.group is None and (rho := child(checked.node, "rho")) is not None:
        what = f"{subject}: rho without a group has no effect"
        problems.append(Problem(Source(path, rho.line), what, str(shape.rho), "beside `group` alone", "warning"))
    bearings: list[Bearing] = []
    for bearing_shape, bearing in zip(shape.bears_on, list_of(child(checked.node, "bears_on")), strict=True):
        built = _bearing(bearing_shape, Source(path, bearing.line), frame)
        if built is None:
            continue
        problems += _repeated(bearings, built, subject)
        bearings.append(built)
    item = Item(
        shape.id,
        shape.reported,
        shape.happened,
        shape.source,
        shape.credibility or CANNOT_BE_JUDGED,
        shape.group,
        shape.rho,
        shape.headline,
        shape.url,
        shape.why or "",
        tuple(bearings),
        shape.retracted,
        shape.supersedes,
        Source(path, entry.line),
    )
    return item, tuple(problems)


def _dates(shape: ItemShape, node: Node, path: str, subject: str, frame: Frame) -> Iterator[Problem]:
    def at(key: str) -> Source:
        return Source(path, line_at(node, key))

    reported, happened, network = shape.reported, shape.happened, frame.network
    if network is not None and happened is not None and happened < network.opens:
        yield Problem(
            at("happened"), f"{subject}: happened before the opening", str(happened), f"from {network.opens} on"
        )
    elif network is not None and reported < network.opens:
        allowed = f"from {network.opens} on; what was known before belongs into statements"
        yield Problem(at("reported"), f"{subject}: reported before the opening", str(reported), allowed)
    if happened is not None and happened > reported:
        yield Problem(at("happened"), f"{subject}: happened after it was reported", str(happened), f"until {reported}")
    if shape.retracted is not None and shape.retracted < reported:
        yield Problem(
            at("retracted"), f"{subject}: retracted before it was reported", str(shape.retracted), f"from {reported} on"
        )
    settles = any(bearing.settled is not None for bearing in shape.bears_on)
    if network is not None and settles and (happened or reported) > last_horizon(network):
        got, key = str(happened or reported), "happened" if happened else "reported"
        yield Problem(at(key), f"{subject}: settles an event after the horizon", got, f"until {last_horizon(network)}")
    for number, bearing in enumerate(shape.bears_on):
        if bearing.until is not None and bearing.until < reported:
            where = Source(path, line_at(node, "bears_on", number, "until"))
            yield Problem(where, f"{subject}: until lies before reported", str(bearing.until), f"from {reported} on")


def _bearing_problems(node: Node, path: str, subject: str, frame: Frame) -> Iterator[Problem]:
    """Report everything wrong in one entry of `bears_on`, however wrong the rest of the item is."""
    if not isinstance(node, Mapping):
        return
    yield from exactly_one(BearingShape, node, path, subject)
    yield from no_event(node, path, subject)
    yield from scenario_problems(node, path, subject, frame)
    event = text_at(node, "event")
    if event is not None:
        yield from unknown_event(frame.names, event, Source(path, line_at(node, "event")), subject)
    for key in ("settled", "claims"):
        state = text_at(node, key)
        if state is not None:
            yield from unknown_state(frame.names, event, state, Source(path, line_at(node, key)), subject)
    yield from unknown_choice(frame.names, event, child(node, "for"), path, subject)
    if "support" in node.entries and "for" not in node.entries:
        what = f"{subject}: missing key 'for'"
        yield Problem(
            Source(path, node.line), what, "", "support is for a state, a list of states, or {at_least: state}"
        )
    if "for" in node.entries and "support" not in node.entries:
        yield Problem(
            Source(path, node.key_lines["for"]), f"{subject}: 'for' without 'support'", "", "give its strength"
        )
    if "until" in node.entries and not {"likelihood", "support", SCENARIOS} & set(node.entries):
        what = f"{subject}: 'until' on something that does not decay"
        yield Problem(Source(path, node.key_lines["until"]), what, "", "only with likelihood, support or scenarios")
    yield from _supported(node, event, path, subject, frame)
    yield from all_zero(node, "likelihood", "state", path, subject)
    yield from all_zero(node, SCENARIOS, "scenario", path, subject)
    yield from _ratios(child(node, "likelihood"), event, path, subject, frame)


def _supported(node: Mapping, event: str | None, path: str, subject: str, frame: Frame) -> Iterator[Problem]:
    states = frame.names.states(event) if event else None
    wanted = child(node, "for")
    named = {item.value for item in _scalars(wanted)}
    is_lowest = isinstance(wanted, Mapping) and states is not None and text_at(wanted, "at_least") == states[0]
    if states is not None and (named == set(states) or is_lowest):
        what = f"{subject}: support for every state of {shown(event)} says nothing"
        yield Problem(Source(path, line_at(node, "for")), what, "", "name the states that are meant")


def _scalars(node: Node | None) -> tuple[Scalar, ...]:
    items = getattr(node, "items", (node,)) if not isinstance(node, Mapping) else ()
    return tuple(item for item in items if isinstance(item, Scalar))


def _ratios(node: Node | None, event: str | None, path: str, subject: str, frame: Frame) -> Iterator[Problem]:
    states = frame.names.states(event) if event else None
    if not isinstance(node, Mapping) or states is None:
        return
    for state in node.entries:
        yield from unknown_state(
            frame.names, event, state, Source(path, node.key_lines[state]), f"{subject}: likelihood"
        )
    for state in states:
        if state not in node.entries:
            what = f"{subject}: likelihood: event '{event}': state '{state}' has no number"
            yield Problem(Source(path, node.line), what, "", choice("states", "", states))


def _bearing(shape: BearingShape, source: Source, frame: Frame) -> Bearing | None:
    if shape.scenarios is not None:
        return on_scenarios(shape, source, frame)
    states = frame.names.states(shape.event) if shape.event is not None else None
    if shape.event is None or states is None:
        return None
    if shape.settled is not None:
        return Settled(shape.event, shape.settled, source) if shape.settled in states else None
    if shape.claims is not None:
        return Claim(shape.event, shape.claims, source) if shape.claims in states else None
    if shape.likelihood is not None:
        ratios = shape.likelihood
        in_order = {state: ratios[state] for state in states} if set(ratios) == set(states) else None
        return Likelihood(shape.event, in_order, shape.until, source) if in_order else None
    if shape.support is not None and shape.for_ is not None:
        wanted = chosen(frame.names, shape.event, shape.for_)
        return Support(shape.event, shape.support, wanted, shape.until, source) if wanted else None
    return None


def _repeated(earlier: list[Bearing], bearing: Bearing, subject: str) -> Iterator[Problem]:
    # Something public and hard may stand beside a judgement of what it means for the states still open.
    for other in earlier:
        if isinstance(other, OnScenarios) or isinstance(bearing, OnScenarios):
            if type(other) is type(bearing):
                what = f"{subject}: bears twice on the scenarios"
                yield Problem(bearing.source, what, "", f"first at {other.source}; put both into one")
        elif other.event == bearing.event and isinstance(other, Settled) == isinstance(bearing, Settled):
            what = f"{subject}: bears twice on event {shown(bearing.event)}"
            yield Problem(bearing.source, what, "", f"first at {other.source}; put both into one")
