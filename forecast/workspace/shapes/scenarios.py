"""The shape of `priors/scenarios.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from forecast.workspace.shapes.common import Name, Shape, States, Text


class ScenarioShape(Shape):
    """A named region: every event listed is in one of the states given at the horizon."""

    format: Literal[1] | None = None
    id: Name
    name: Text | None = None
    summary: Text | None = None
    when: Annotated[dict[Name, States], Field(min_length=1)]
