"""The shape of `priors/statements/*.yaml`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BeforeValidator, Field, PlainValidator

from forecast.workspace.fits import FITS, FitKind
from forecast.workspace.odds import read_odds
from forecast.workspace.shapes.common import (
    Day,
    Name,
    PastDay,
    Positive,
    Shape,
    States,
    Text,
    UnitProbability,
    read_probability,
    refuse,
)

READINGS = (
    "probability",
    "quantiles",
    "odds",
    "word",
    "times",
    "odds_times",
    "count",
    "more_likely_than",
    "distribution",
)


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
    """A best value with an interval, with an sd in log-odds, or with a degree of confidence."""

    best: UnitProbability
    low: UnitProbability | None = None
    high: UnitProbability | None = None
    level: UnitProbability | None = None
    sd: Positive | None = None
    confidence: Literal["high", "moderate", "low"] | None = None
    fit: FitKind | None = None


class Odds(NamedTuple):
    """Odds as they were written, and the probability that they are."""

    text: str
    probability: float


def _read_odds(value: Any) -> Odds:
    parts = read_odds(value) if isinstance(value, str) else None
    if parts is None:
        raise refuse(
            "cannot be read as odds", "'3:1 on' is three to one that it happens; '3:1 against' that it does not"
        )
    happens, fails = parts
    if happens == 0 or fails == 0:
        raise refuse("may not be 0 or infinite", "no evidence could ever move a certainty; write '99:1 on', or less")
    return Odds(" ".join(str(value).split()), happens / (happens + fails))


OddsText = Annotated[Odds, PlainValidator(_read_odds, json_schema_input_type=str)]


class OddsShape(Shape):
    """The best odds, with others as an interval."""

    best: OddsText
    low: OddsText | None = None
    high: OddsText | None = None
    level: UnitProbability | None = None


class WordShape(Shape):
    """A verbal term; `scale` is the author's own."""

    term: Text
    scale: Text | None = None


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
    until: Day | None = None


def _read_number(value: Any) -> Any:
    if isinstance(value, str):
        raise refuse(
            "is not a probability", "a number such as 0.7, without quotes or '%'; or a map with its best value"
        )
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"best": value} if is_number else value


def _read_odds_text(value: Any) -> Any:
    return {"best": value} if not isinstance(value, dict) else value


def _read_point(value: Any) -> float | str:
    if isinstance(value, str):
        if value not in FITS:
            raise refuse("is neither a probability nor a fit", f"a number between 0 and 1, or fit: {' or '.join(FITS)}")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refuse("is no probability", "a number between 0 and 1")
    return float(read_probability(value))


def _read_share(value: Any) -> Any:
    if value == 0 and not isinstance(value, bool):
        raise refuse("may not be 0", "no evidence could ever bring it back; write 0.01, or less")
    return value


NumberOrInterval = Annotated[
    ProbabilityShape, BeforeValidator(_read_number, json_schema_input_type=UnitProbability | ProbabilityShape)
]
OddsOrInterval = Annotated[OddsShape, BeforeValidator(_read_odds_text, json_schema_input_type=str | OddsShape)]
Point = Annotated[float | str, PlainValidator(_read_point, json_schema_input_type=UnitProbability | FitKind)]
Share = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_read_share)]


class ResolvedShape(Shape):
    """How what was stated turned out."""

    state: Name | None = None
    void: Literal[True] | None = None
    on: PastDay
    url: Text | None = None


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
    quantiles: Annotated[dict[str, Point], Field(min_length=1)] | None = None
    odds: OddsOrInterval | None = None
    word: WordShape | None = None
    times: TimesShape | None = None
    odds_times: TimesShape | None = None
    count: CountShape | None = None
    more_likely_than: TargetShape | None = None
    distribution: Annotated[dict[Name, Share], Field(min_length=1)] | None = None
    resolved: ResolvedShape | None = None
