"""The shapes of `priors/questions.yaml` and of a line of `priors/resolutions.jsonl`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from forecast.workspace.shapes.common import Day, Name, PastDay, Shape, States, Text, UnitProbability
from forecast.workspace.shapes.statements import PublicationShape


class AboutShape(Shape):
    """The event, and its states that mean yes."""

    event: Name
    state: States


class BaseRateShape(Shape):
    """A forecast that knows nothing but how often such a thing happens."""

    probability: UnitProbability
    source: PublicationShape
    why: Text


class QuestionShape(Shape):
    """A dated question about one event."""

    format: Literal[1] | None = None
    id: Name
    question: Text
    about: AboutShape
    by: Day
    resolves: Text
    opens: Day | None = None
    topic: Text | None = None
    source: PublicationShape | None = None
    base_rate: BaseRateShape | None = None
    benchmarks: Annotated[list[Name], Field(min_length=1)] | None = None
    caution: Text | None = None


class ResolutionShape(Shape):
    """One line: how a question ended, which state an event is settled in, or that an earlier line is undone."""

    one_of: ClassVar[tuple[str, ...]] = ("question", "event", "undo")

    format: Literal[1] | None = None
    question: Name | None = None
    event: Name | None = None
    undo: Name | None = None
    state: Name | None = None
    void: Literal[True] | None = None
    ambiguous: Literal[True] | None = None
    on: PastDay | None = None
    known: PastDay
    source: Text | None = None
    note: Text | None = None
