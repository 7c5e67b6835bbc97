"""A count of incidents as an evidence item: the state that the event's thresholds make of it, and its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from forecast.workspace.feeds.coded_table import Coder, File
from forecast.workspace.feeds.counted import IncidentCount, Wanted, state_of
from forecast.workspace.nodes import MapNode, Node, Scalar, mapping, text
from forecast.workspace.problems import Problem, Source
from forecast.workspace.records import Counts, Event

Way = Literal["claims", "settled", "support"]
BOUNDS = ("low", "best", "high")


@dataclass(frozen=True)
class Filed:
    """What the item says beside the count."""

    item_id: str
    source: str
    credibility: str | None
    group: str | None
    url: str | None
    way: Way
    strength: str | None  # of support


def states_of(event: Event, counts: Counts, counted: IncidentCount) -> dict[str, str]:
    """Return the state that each bound of a count means."""
    return {bound: state_of(event, counts, getattr(counted, bound)) for bound in BOUNDS}


def state_problems(
    event: Event, counted: IncidentCount, states: dict[str, str], way: Way, where: Source
) -> Iterator[Problem]:
    """Warn where the bounds mean different states; refuse to report that a reached event is at its beginning."""
    if len(set(states.values())) > 1:
        said = ", ".join(f"{bound} {getattr(counted, bound)} is '{states[bound]}'" for bound in BOUNDS)
        what = f"the bounds of the count are different states of '{event.id}'"
        yield Problem(where, what, said, "the item says the best; its credibility can say how sure that is", "warning")
    if event.kind == "reached" and states["best"] == event.states[0] and way != "support":
        what = f"the count says that '{event.id}' is still '{event.states[0]}', which is no news"
        yield Problem(where, what, str(counted.best), "of a reached event silence counts without an item")


def item_fields(
    coder: Coder,
    event: Event,
    counts: Counts,
    counted: IncidentCount,
    wanted: Wanted,
    filed: Filed,
    files: Sequence[File],
) -> tuple[dict[str, Node], MapNode]:
    """Return the keys of the item in the order in which they are written, and what it says about the event."""
    state = state_of(event, counts, counted.best)
    spread = f" ({counted.low} to {counted.high})" if counted.low < counted.high else ""
    where = f", {', '.join(map(str, wanted.conditions))}" if wanted.conditions else ""
    headline = f"{coder.title} counts {counted.best} {counts.of}{spread} from {wanted.first} to {wanted.last}{where}."
    names = ", ".join(sorted(file.name for file in files))
    given: dict[str, str | None] = {
        "id": filed.item_id,
        "reported": str(wanted.reported),
        "happened": str(wanted.last),
        "source": filed.source,
        "credibility": filed.credibility,
        "group": filed.group,
        "headline": headline,
        "url": filed.url,
        "why": f"By its thresholds {_range(event, counts, state)}; counted in {names}.",
    }
    fields: dict[str, Node] = {
        key: Scalar(int(value), value, 1) if key == "credibility" else text(value)
        for key, value in given.items()
        if value is not None
    }
    said = {"support": filed.strength or "", "for": state} if filed.way == "support" else {filed.way: state}
    return fields, mapping({"event": text(event.id), **{key: text(value) for key, value in said.items()}})


def _range(event: Event, counts: Counts, state: str) -> str:
    """Say in words from which count to which an event is in a state."""
    names = list(counts.states)
    low = counts.states.get(state)
    after = names.index(state) + 1 if low is not None else 0
    most = counts.states[names[after]] - 1 if after < len(names) else None
    numbers = f"from {low or 0} to {most}" if most is not None else f"from {low or 0} on"
    return f"{event.id} is '{state}' {numbers} {counts.of} in {counts.window_days} days"
