"""Read those who speak: `priors/experts.yaml`, `evidence/sources.yaml`; and `evidence/watch.yaml`."""

from __future__ import annotations

from datetime import date

from forecast.workspace.checked import hold
from forecast.workspace.names import map_of
from forecast.workspace.nodes import Node, line_at
from forecast.workspace.problems import Problem, Source, shown
from forecast.workspace.records import Expert, ReportSource
from forecast.workspace.shapes.people import ExpertShape, ReportSourceShape, WatchShape


def read_experts(node: Node, path: str, today: date) -> tuple[dict[str, Expert], tuple[Problem, ...]]:
    """Return the experts that are right, in id order, and the problems found."""
    experts: dict[str, Expert] = {}
    problems: list[Problem] = []
    for expert_id, entry in sorted(map_of(node).items()):
        checked = hold(ExpertShape, entry, path, f"expert {shown(expert_id)}", today)
        problems += checked.problems
        if (shape := checked.shape) is not None:
            # Somebody without a group is a group of their own.
            group, source = shape.group or expert_id, Source(path, entry.line)
            experts[expert_id] = Expert(
                expert_id, shape.name, shape.role or "", group, shape.default_sd, shape.weight, source
            )
    return experts, tuple(problems)


def read_sources(node: Node, path: str, today: date) -> tuple[dict[str, ReportSource], tuple[Problem, ...]]:
    """Return the sources that are right, in id order, and the problems found."""
    sources: dict[str, ReportSource] = {}
    problems: list[Problem] = []
    for source_id, entry in sorted(map_of(node).items()):
        checked = hold(ReportSourceShape, entry, path, f"source {shown(source_id)}", today)
        problems += checked.problems
        if (shape := checked.shape) is not None:
            place = Source(path, entry.line)
            sources[source_id] = ReportSource(source_id, shape.name, shape.reliability, place)
    return sources, tuple(problems)


def read_watch(node: Node, path: str, opens: date | None, today: date) -> tuple[date | None, tuple[Problem, ...]]:
    """Return until when somebody checked the news."""
    checked = hold(WatchShape, node, path, "watch", today)
    until = checked.shape.watched_until if checked.shape else None
    if until is not None and opens is not None and until < opens:
        where = Source(path, line_at(node, "watched_until"))
        return until, (
            *checked.problems,
            Problem(where, "watched_until lies before the opening", str(until), f"from {opens} on"),
        )
    return until, checked.problems
