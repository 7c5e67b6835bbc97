"""The shapes of `evidence/*.yaml`, and of the map beside a table of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from forecast.workspace.shapes.common import Day, Name, PastDay, Shape, States, Text

BEARINGS = ("settled", "likelihood", "support", "claims")  # ways to speak of an event
SCENARIOS = "scenarios"  # the way to speak of all scenarios

Ratio = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class BearingShape(Shape):
    """What an item says about one event, in exactly one of four ways, or about the scenarios."""

    one_of: ClassVar[tuple[str, ...]] = (*BEARINGS, SCENARIOS)
    beside: ClassVar[Mapping[str, str]] = dict.fromkeys(BEARINGS, "event")

    event: Name | None = None
    settled: Name | None = None
    likelihood: Annotated[dict[Name, Ratio], Field(min_length=1)] | None = None
    support: Literal["slight", "moderate", "strong", "very_strong"] | None = None
    for_: Annotated[States | None, Field(alias="for")] = None
    claims: Name | None = None
    scenarios: Annotated[dict[Name, Ratio], Field(min_length=1)] | None = None
    until: Day | None = None


class ItemShape(Shape):
    """One evidence item."""

    format: Literal[1] | None = None
    id: Name
    reported: PastDay
    source: Name
    headline: Text
    bears_on: Annotated[list[BearingShape], Field(min_length=1)]
    happened: PastDay | None = None
    credibility: Annotated[int, Field(ge=1, le=6)] | None = None
    group: Name | None = None
    rho: Annotated[float, Field(ge=0, lt=1)] = 0.9
    url: Text | None = None
    why: Text | None = None
    retracted: PastDay | None = None
    supersedes: Name | None = None


class ColumnMapShape(Shape):
    """Which columns of a table of evidence are read, by key, and what is the same in every row."""

    format: Literal[1] | None = None
    columns: dict[Name, Text]
    always: Annotated[dict[Name, Text | int | float], Field(default_factory=dict)]
