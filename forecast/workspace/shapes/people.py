"""The shapes of those who speak: `priors/experts.yaml` and `evidence/sources.yaml`, and of `evidence/watch.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from forecast.workspace.grades import Letter
from forecast.workspace.shapes.common import Name, PastDay, Positive, Shape, Text, UnitProbability


class ExpertShape(Shape):
    """Somebody whose statements are coded."""

    name: Text
    role: Text | None = None
    group: Name | None = None
    default_sd: Positive = 1.0  # log-odds: about a factor of 5 in odds either way, at 90 %
    weight: Positive = 1.0
    exact: bool = False


class ReportSourceShape(Shape):
    """Who reports, with an Admiralty grade."""

    name: Text
    reliability: Letter


class GradeShape(Shape):
    """The Beta prior of a source's reliability."""

    mean: UnitProbability
    certainty: Annotated[float, Field(ge=1.0, le=1000.0, allow_inf_nan=False)]


class GradesShape(Shape):
    """What the grades mean here; one that is left out keeps its default."""

    A: GradeShape | None = None
    B: GradeShape | None = None
    C: GradeShape | None = None
    D: GradeShape | None = None
    E: GradeShape | None = None
    F: GradeShape | None = None


class WatchShape(Shape):
    """Until when somebody checked the news."""

    format: Literal[1] | None = None
    watched_until: PastDay
