"""The shape of `priors/network.yaml`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from forecast.workspace.shapes.common import Day, Name, Positive, Shape, Text

KINDS = ("reached", "status", "constant")
# What readers call an event: it stands in nodes of the network and in the heads of tables.
EventTitle = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
CPT_KINDS = ("shared", "table", "noisy_or", "noisy_max", "logistic")


class CptShape(Shape):
    """How an event's rows hang together; `leak` is the convention of a noisy_or's links."""

    kind: Literal["shared", "table", "noisy_or", "noisy_max", "logistic"]
    leak: Literal["net", "compound"] | None = None


def _read_cpt(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


CptKindName = Literal["shared", "table", "noisy_max", "logistic"]
NamedCpt = Annotated[CptShape, BeforeValidator(_read_cpt, json_schema_input_type=CptKindName | CptShape)]


class CountsShape(Shape):
    """From which count in a window of days on the event is in which state, for feeds of coded incidents."""

    of: Literal["fatalities", "events"]
    window_days: Annotated[int, Field(gt=0)]
    states: Annotated[dict[Name, Annotated[int, Field(ge=0)]], Field(min_length=1)]


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
