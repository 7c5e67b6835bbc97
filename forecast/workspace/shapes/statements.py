"""The shape of `priors/statements/*.yaml`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from forecast.workspace.shapes.common import Day, Name, PastDay, Positive, Shape, States, Text, UnitProbability, refuse

READINGS = ("probability", "word", "times", "odds_times", "count", "more_likely_than", "distribution")


class PublicationShape(Shape):
    """Where it was published."""

    publisher: Text
    title: Text | None = None
    url: Text | None = None


class TargetShape(Shape):
    """An event in some states, or a scenario; given others, or by a day."""

    event: Name | None = None
    state: States | None = None
    scenario: Name | None = None
    given: Annotated[dict[Name, States], Field(min_length=1)] | None = None
    by: Day | None = None


class ProbabilityShape(Shape):
    """A best value with an interval, or with an sd in log-odds."""

    best: UnitProbability
    low: UnitProbability | None = None
    high: UnitProbability | None = None
    level: UnitProbability | None = None
    sd: Positive | None = None


class WordShape(Shape):
    """A verbal term; `scale` is the author's own."""

    term: Text
    scale: Name | None = None


class TimesShape(Shape):
    """So many times as probable as something else."""

    against: TargetShape
    ratio: Positive
    low: Positive | None = None
    high: Positive | None = None
    level: UnitProbability | None = None


class CountShape(Shape):
    """A reference class: it happened so often, of so many cases."""

    happened: Annotated[int, Field(ge=0)]
    of: Annotated[int, Field(ge=1)]
    per: Literal["window", "year", "opportunity"]
    opportunities: Positive | None = None


def _read_number(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"best": value} if is_number else value


def _read_share(value: Any) -> Any:
    if value == 0 and not isinstance(value, bool):
        raise refuse("may not be 0", "no evidence could ever bring it back; write 0.01, or less")
    return value


NumberOrInterval = Annotated[
    ProbabilityShape, BeforeValidator(_read_number, json_schema_input_type=UnitProbability | ProbabilityShape)
]
Share = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_read_share)]


class StatementShape(Shape):
    """What an expert said, and what it was read as (in exactly one way)."""

    one_of: ClassVar[tuple[str, ...]] = READINGS

    format: Literal[1] | None = None
    id: Name
    date: PastDay
    expert: Name
    source: PublicationShape
    says: Text
    about: TargetShape
    why: Text
    coded_by: Text | None = None
    probability: NumberOrInterval | None = None
    word: WordShape | None = None
    times: TimesShape | None = None
    odds_times: TimesShape | None = None
    count: CountShape | None = None
    more_likely_than: TargetShape | None = None
    distribution: Annotated[dict[Name, Share], Field(min_length=1)] | None = None
