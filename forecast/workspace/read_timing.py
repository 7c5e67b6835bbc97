"""Read an event's `timing`, and hold it against the kind of the event and the window."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from forecast.workspace.cpt import KINDS
from forecast.workspace.names import last_horizon
from forecast.workspace.nodes import Cursor, ListNode, MapNode
from forecast.workspace.problems import Problem, shown
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
