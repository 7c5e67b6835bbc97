"""The shape of `priors/network.yaml`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from forecast.workspace.shapes.common import Day, Name, Positive, Shape, Text

KINDS = ("reached", "status", "constant")


class EventShape(Shape):
    """A question with a deadline."""

    question: Text
    kind: Literal["reached", "status", "constant"]
    states: Annotated[list[Name], Field(min_length=2, max_length=50)]
    resolves: Text
    parents: list[Name] | None = None
    role: Literal["driver", "plan", "consequence"] = "driver"
    initial: Name | None = None
    persistence_days: Positive | None = None


class NetworkHead(Shape):
    """The file without a look at its events, which are read one by one."""

    format: Literal[1] | None = None
    title: Text
    opens: Day
    horizon: Day
    events: Annotated[dict[Name, Any], Field(min_length=1)]


class NetworkShape(NetworkHead):
    """The whole file."""

    events: Annotated[dict[Name, EventShape], Field(min_length=1)]
