"""Read `evidence/*.yaml`: dated reports, and what each says about the events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from forecast.workspace.evidence_forms.form import Entry
from forecast.workspace.evidence_forms.registry import FORMS, BearingShape, evidence_form
from forecast.workspace.files import RESOLUTIONS
from forecast.workspace.names import Frame, Superseding, last_horizon, unknown_event, unknown_name
from forecast.workspace.nodes import Cursor, MapNode, Node
from forecast.workspace.problems import Problem, Source, quoted, shown
from forecast.workspace.read_resolutions import headline, prefix
from forecast.workspace.records import CANNOT_BE_JUDGED, DEFAULT_RHO, Bearing, Item, OnEvent, OnScenarios, Settled
from forecast.workspace.renames import Former
from forecast.workspace.shapes import Name, PastDay, Shape, Text, exactly_one, hold


class ItemShape(Shape):
    """One evidence item."""

    format: Literal[1] | None = None
    id: Name
    reported: PastDay
    source: Name
    headline: Text
    bears_on: Annotated[list[BearingShape], Field(min_length=1)]
    happened: PastDay | None = None
    credibility: Annotated[int, Field(ge=1, le=CANNOT_BE_JUDGED)] | None = None
    group: Name | None = None
    rho: Annotated[float, Field(ge=0, lt=1)] = DEFAULT_RHO
    url: Text | None = None
    why: Text | None = None
    retracted: PastDay | None = None
    supersedes: Name | None = None


@dataclass(frozen=True)
class EvidenceRead:
    """The items of one file that are right, every id with its place, and the problems found."""

    items: tuple[Item, ...]
    ids: tuple[tuple[str, Source], ...]
    superseding: tuple[Superseding, ...]
    problems: tuple[Problem, ...]


def read_evidence(node: Node, path: str, frame: Frame) -> EvidenceRead:
    """Read one file of evidence: one item or a list of them."""
    reading = EvidenceReading(frame)
    for number, entry in enumerate(Cursor.over(node, path).items(), 1):
        reading.add(entry, number)
    return reading.result()


class EvidenceReading:
    """The items of one file, read one after the other: from trees, or (where they are right) as they come."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.items: list[Item] = []
        self.ids: list[tuple[str, Source]] = []
        self.superseding: list[Superseding] = []
        self.problems: list[Problem] = []

    def add(self, entry: Cursor, number: int) -> None:
        """Read an item from a tree; `number` names it where it has no id."""
        item_id, old_id = entry.text("id"), entry.text("supersedes")
        if item_id is not None:
            self.ids.append((item_id, entry.at("id").source))
        if old_id is not None:
            self.superseding.append(Superseding(item_id or "", old_id, entry.at("supersedes").source))
        subject = f"item {shown(item_id)}" if item_id else f"item number {number}"
        item, found = _read_item(entry.called(subject), self.frame)
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


def _read_item(at: Cursor, frame: Frame) -> tuple[Item | None, tuple[Problem, ...]]:
    checked = hold(ItemShape, at, frame.today)
    problems = list(checked.problems)
    if (source := at.text("source")) is not None:
        problems += unknown_name(frame.names.sources, source, at.at("source"), "source")
    for number, part in enumerate(at.items_at("bears_on"), 1):
        problems += _bearing_problems(part.under(f"bears_on[{number}]"), frame)
    shape = checked.shape
    if shape is None:
        return None, tuple(problems)
    problems += _dates(shape, checked.at, frame)
    if shape.group is None and checked.at.has("rho"):
        what, allowed = "rho without a group has no effect", "beside `group` alone"
        problems.append(checked.at.at("rho").problem(what, str(shape.rho), allowed, "warning"))
    bearings: list[Bearing] = []
    for said, part in zip(shape.bears_on, checked.at.items_at("bears_on"), strict=True):
        built = _bearing(said, part.source, frame)
        if built is None:
            continue
        problems += _repeated(bearings, built, at.subject)
        bearings.append(built)
    item = Item(
        id=shape.id,
        reported=shape.reported,
        happened=shape.happened,
        report_source=shape.source,
        credibility=shape.credibility or CANNOT_BE_JUDGED,
        group=shape.group,
        rho=shape.rho,
        headline=shape.headline,
        url=shape.url,
        why=shape.why or "",
        bears_on=tuple(bearings),
        retracted=shape.retracted,
        supersedes=shape.supersedes,
        source=at.source,
    )
    return item, tuple(problems)


def _dates(shape: ItemShape, at: Cursor, frame: Frame) -> Iterator[Problem]:
    reported, happened, network = shape.reported, shape.happened, frame.network
    if network is not None and happened is not None and happened < network.opens:
        yield at.at("happened").problem("happened before the opening", str(happened), f"from {network.opens} on")
    elif network is not None and reported < network.opens:
        allowed = f"from {network.opens} on; what was known before belongs in statements"
        yield at.at("reported").problem("reported before the opening", str(reported), allowed)
    if happened is not None and happened > reported:
        yield at.at("happened").problem("happened after it was reported", str(happened), f"until {reported}")
    if shape.retracted is not None and shape.retracted < reported:
        what, got = "retracted before it was reported", str(shape.retracted)
        yield at.at("retracted").problem(what, got, f"from {reported} on")
    settles = any(getattr(part, form.key) is not None for part in shape.bears_on for form in FORMS if form.settles)
    if network is not None and settles and (happened or reported) > last_horizon(network):
        got, key = str(happened or reported), "happened" if happened else "reported"
        yield at.at(key).problem("settles an event after the horizon", got, f"until {last_horizon(network)}")
    for number, part in enumerate(shape.bears_on):
        if part.until is not None and part.until < reported:
            where = at.at("bears_on", number, "until")
            yield where.problem("until lies before reported", str(part.until), f"from {reported} on")


def _bearing_problems(at: Cursor, frame: Frame) -> Iterator[Problem]:
    """Report everything wrong in one entry of `bears_on`, however wrong the rest of the item is."""
    if not isinstance(at.node, MapNode):
        return
    yield from exactly_one(BearingShape, at)
    if not at.has("event") and not any(at.has(form.key) for form in FORMS if not form.is_on_event):
        yield at.problem("missing key 'event'", "", f"needed are {quoted(['event'])}")
    event = at.text("event")
    if event is not None:
        yield from unknown_event(frame.names, event, at.at("event"))
    for form in FORMS:
        if at.has(form.key) or any(map(at.has, form.beside)):
            yield from form.problems(at, event, frame)
    may_end = [form.key for form in FORMS if form.may_end]
    if at.has("until") and not any(map(at.has, may_end)):
        allowed = f"only with {', '.join(may_end[:-1])} or {may_end[-1]}"
        yield at.key("until").problem("'until' on something that does not decay", "", allowed)


def _bearing(said: BearingShape, source: Source, frame: Frame) -> Bearing | None:
    states = frame.names.states(said.event) if said.event is not None else None
    values = {
        key: getattr(said, key, getattr(said, f"{key}_", None)) for form in FORMS for key in (form.key, *form.beside)
    }
    # A part about the scenarios is read as such, whatever stands beside it.
    for form in sorted(FORMS, key=lambda form: form.is_on_event):
        if values[form.key] is not None and (states is not None or not form.is_on_event):
            entry = Entry(
                values=values, event=said.event or "", states=states or (), until=said.until, source=source, frame=frame
            )
            built: Bearing | None = form.build(entry)
            return built
    return None


def _repeated(earlier: list[Bearing], bearing: Bearing, subject: str) -> Iterator[Problem]:
    # Something public and hard may stand beside a judgement of what it means for the states still open.
    for other in earlier:
        if isinstance(other, OnScenarios) and isinstance(bearing, OnScenarios):
            what = f"{subject}: bears twice on the scenarios"
        elif (
            isinstance(other, OnEvent)
            and isinstance(bearing, OnEvent)
            and other.event == bearing.event
            and isinstance(other, Settled) == isinstance(bearing, Settled)
        ):
            what = f"{subject}: bears twice on event {shown(bearing.event)}"
        else:
            continue
        yield Problem(bearing.source, what, "", f"first at {other.source}; put both into one")


def former_item(item: Item, names: Former) -> Item:
    """Return an item with the names of then; one that settles an event by a resolution is called after the event."""
    parts: tuple[Any, ...] = tuple(evidence_form(part).former(part, names) for part in item.bears_on)
    supersedes = None if item.supersedes is None else names.name("item", item.supersedes)
    source = names.name("source", item.report_source)
    then = replace(item, bears_on=parts, supersedes=supersedes, report_source=source)
    now = item.bears_on[0]
    if item.source.path == RESOLUTIONS and isinstance(now, Settled):
        old = parts[0]
        called = prefix(old.event) + item.id.removeprefix(prefix(now.event))
        return replace(then, id=called, headline=headline(old.event, old.state))
    return replace(then, id=names.name("item", item.id))
