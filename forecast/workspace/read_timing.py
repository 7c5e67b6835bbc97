"""Read an event's `timing`, and hold it against the kind of the event and the window."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from forecast.workspace.cpt import KINDS
from forecast.workspace.frame import last_horizon
from forecast.workspace.nodes import MapNode, Node, child, line_at, text_at
from forecast.workspace.problems import Problem, Source, shown
from forecast.workspace.records import Network
from forecast.workspace.shapes import Day, Positive, Shape, exactly_one
from forecast.workspace.timing import DatedRates, Timing, Weibull


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
    "status": "when a status changes is said by 'persistence_days'; only the steps of a reached event have a timing",
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
    if not isinstance(node, MapNode) or not isinstance(timing, MapNode):
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
