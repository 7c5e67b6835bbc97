"""What stands on a day: how a question was resolved by then, and the latest number of each forecaster."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from forecast.workspace.records import Question, Resolved, Workspace

Status = Literal["later", "open", "due", "resolved", "void", "ambiguous"]


def resolution_on(resolutions: Sequence[Resolved], subject: str, day: date) -> Resolved | None:
    """Return the line about a question that counts on a day, if there is one."""
    counting = [line for line in resolutions if line.subject == subject and line.counts_on(day)]
    return counting[-1] if counting else None


def status_on(question: Question, resolution: Resolved | None, day: date) -> Status:
    """Say where a question is on a day; `due`: its last day is over, and nobody has resolved it."""
    if resolution is not None:
        return "ambiguous" if resolution.is_ambiguous else "resolved" if resolution.state is not None else "void"
    if day < question.opens:
        return "later"
    return "due" if day > question.by else "open"


def latest_numbers(workspace: Workspace, question: Question, day: date) -> dict[str, tuple[date, float]]:
    """Return the latest (day, probability) of each forecaster that is not after a day, in order of the names."""
    points = [
        (when, who, probability)
        for name in question.benchmarks
        for when, who, probability in workspace.benchmarks[name].points
        if when <= day
    ]
    latest = {who: (when, probability) for when, who, probability in sorted(points)}
    return dict(sorted(latest.items()))
