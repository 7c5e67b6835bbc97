"""Read those who speak: `priors/experts.yaml`, `evidence/sources.yaml` and `grades.yaml`; and `evidence/watch.yaml`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from forecast.workspace.nodes import Cursor, Name, Node, PastDay, Positive, Shape, Text, UnitProbability, Width, hold
from forecast.workspace.problems import Problem, shown
from forecast.workspace.records import Expert, ReportSource
from forecast.workspace.renames import DEFAULT_GRADES, LETTERS, SAME_DAY_RHO, Grade, Letter

DEFAULT_SD = 1.0  # log-odds: about a factor of 5 in odds either way, at 90 %
# Of what follows from a rule: a tenth of the odds, less than two people would read differently, and wide enough for the
# sampler, whose steps are as short as the narrowest reading.
EXACT_SD = 0.1


class ExpertShape(Shape):
    """Somebody whose statements are coded."""

    name: Text
    role: Text | None = None
    group: Name | None = None
    default_sd: Width | None = None
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


class SameDayShape(Shape):
    """Reports of one day, by several sources, on one event and for the same states, that stand in no group."""

    rho: Annotated[float, Field(ge=0, lt=1)]
    why: Text | None = None


class GradesShape(Shape):
    """What the grades mean here; one that is left out keeps its default."""

    A: GradeShape | None = None
    B: GradeShape | None = None
    C: GradeShape | None = None
    D: GradeShape | None = None
    E: GradeShape | None = None
    F: GradeShape | None = None
    same_day: SameDayShape | None = None


class WatchShape(Shape):
    """Until when somebody checked the news."""

    format: Literal[1] | None = None
    watched_until: PastDay


def read_experts(node: Node, path: str, today: date) -> tuple[dict[str, Expert], tuple[Problem, ...]]:
    """Return the experts that are right, in id order, and the problems found."""
    experts: dict[str, Expert] = {}
    problems: list[Problem] = []
    for expert_id, entry in sorted(Cursor.over(node, path).named().items()):
        checked = hold(ExpertShape, entry.called(f"expert {shown(expert_id)}"), today)
        problems += checked.problems
        if (shape := checked.shape) is not None:
            # Somebody without a group is a group of their own.
            group = shape.group or expert_id
            experts[expert_id] = Expert(
                id=expert_id,
                name=shape.name,
                role=shape.role or "",
                group=group,
                default_sd=shape.default_sd or (EXACT_SD if shape.exact else DEFAULT_SD),
                weight=shape.weight,
                source=entry.source,
                exact=shape.exact,
            )
    return experts, tuple(problems)


class Grades(NamedTuple):
    """What each grade means, and the correlation of reports of one day that stand in no group."""

    of: dict[Letter, Grade]
    same_day_rho: float


def read_grades(node: Node, path: str, today: date) -> tuple[Grades, tuple[Problem, ...]]:
    """Return what each grade means: the defaults, and what the file puts in their place."""
    checked = hold(GradesShape, Cursor.over(node, path, "grades"), today)
    stated = {letter: getattr(checked.shape, letter, None) for letter in LETTERS}
    own = {letter: Grade(shape.mean, shape.certainty) for letter, shape in stated.items() if shape is not None}
    same_day = checked.shape.same_day if checked.shape else None
    return Grades(DEFAULT_GRADES | own, same_day.rho if same_day else SAME_DAY_RHO), checked.problems


def read_sources(
    node: Node, grades: Grades, path: str, today: date
) -> tuple[dict[str, ReportSource], tuple[Problem, ...]]:
    """Return the sources that are right, in id order, and the problems found."""
    sources: dict[str, ReportSource] = {}
    problems: list[Problem] = []
    for source_id, entry in sorted(Cursor.over(node, path).named().items()):
        checked = hold(ReportSourceShape, entry.called(f"source {shown(source_id)}"), today)
        problems += checked.problems
        if (shape := checked.shape) is not None:
            grade = grades.of[shape.reliability]
            sources[source_id] = ReportSource(
                source_id, shape.name, shape.reliability, grade, entry.source, grades.same_day_rho
            )
    return sources, tuple(problems)


def read_watch(node: Node, path: str, opens: date | None, today: date) -> tuple[date | None, tuple[Problem, ...]]:
    """Return until when somebody checked the news."""
    at = Cursor.over(node, path, "watch")
    checked = hold(WatchShape, at, today)
    until = checked.shape.watched_until if checked.shape else None
    if until is None or opens is None or until >= opens:
        return until, checked.problems
    where, allowed = at.at("watched_until").source, f"from {opens} on"
    return until, (*checked.problems, Problem(where, "watched_until lies before the opening", str(until), allowed))
