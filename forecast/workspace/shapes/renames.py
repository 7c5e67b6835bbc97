"""The shape of a line of `priors/renames.jsonl`."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from forecast.workspace.shapes.common import Name, PastDay, Shape

Kind = Literal["question", "event", "state", "scenario", "expert", "source", "statement", "item"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class RenameShape(Shape):
    """One line: what was renamed, and how many lines the appended files had by then."""

    format: Literal[1] | None = None
    kind: Kind
    event: Name | None = None
    old: Name
    new: Name
    on: PastDay
    lines: dict[str, Annotated[int, Field(ge=0)]] | None = None
