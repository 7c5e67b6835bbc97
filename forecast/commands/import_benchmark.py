"""`forecast import benchmark`: the history of a crowd or a market as a series of a workspace."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands.import_shown import Imported

if TYPE_CHECKING:
    from forecast.workspace.problems import Problem
    from forecast.workspace.records import Workspace

SHOWN_ROWS = 5  # at either end of a long series


def import_benchmark(
    content: bytes, file: str, root: Path, *, form: str, benchmark_id: str, question: str | None, name: str | None
) -> Imported:
    """Read the last value of each day from a file's content, as `priors/benchmarks/ID.csv` beside what that holds.

    Raises UsageError and WorkspaceProblems.
    """
    from forecast.workspace.feeds.histories import Crowd, as_csv, last_of_days, merged, read_points
    from forecast.workspace.feeds.registry import feeds_of
    from forecast.workspace.files import BENCHMARKS, TABLE
    from forecast.workspace.problems import Problem, Source, WorkspaceProblems
    from forecast.workspace.read import load
    from forecast.workspace.read_benchmarks import read_benchmark
    from forecast.workspace.shapes import NAME_PATTERN

    if not re.fullmatch(NAME_PATTERN, benchmark_id):
        msg = f"--id '{benchmark_id}': letters, digits, '_', '.' and '-', beginning with a letter or digit"
        raise click.UsageError(msg)
    forecaster = (form if name is None else name).strip()
    if not forecaster:
        msg = "--name is empty"
        raise click.UsageError(msg)
    now = datetime.now(UTC)
    path = f"{BENCHMARKS}{benchmark_id}{TABLE}"
    workspace = load(root, now.date())
    problems = _unnamed(workspace, question, benchmark_id)
    points, wrong = read_points(content, file, feeds_of(Crowd)[form], now.timestamp())
    new, twice = last_of_days(points, now.date())
    before = None
    if (root / path).exists():
        before, more = read_benchmark((root / path).read_bytes(), path, now.date())
        wrong += more
    rows, changed = merged(before, forecaster, new)
    wrong += (*twice, *changed)
    if not new and not wrong:
        wrong = (Problem(Source(file, 1), "no value from before today", "", "a day counts once it is over (UTC)"),)
    if wrong:
        raise WorkspaceProblems(wrong)
    table = as_csv(rows)
    numbers = {"rows": len(rows), "new": len(rows) - len(before.points if before else ())}
    return Imported(workspace, path, table, problems, numbers, _ends(table.decode()))


def _unnamed(workspace: Workspace, question: str | None, benchmark_id: str) -> tuple[Problem, ...]:
    """Return a warning where the question does not name the benchmark. Raises UsageError for an unknown question."""
    from forecast.workspace.problems import Problem, choice

    if question is None:
        return ()
    known = {question.id: question for question in workspace.questions}
    if question not in known:
        msg = f"there is no question '{question}'; {choice('questions', question, known)}"
        raise click.UsageError(msg)
    if benchmark_id in known[question].benchmarks:
        return ()
    what = f"question '{question}' does not name the benchmark '{benchmark_id}'"
    return (Problem(known[question].source, what, "", f"benchmarks: [{benchmark_id}]", "warning"),)


def _ends(text: str) -> str:
    lines = text.splitlines(keepends=True)
    left = len(lines) - 1 - 2 * SHOWN_ROWS
    if left < 2:
        return text
    return "".join((*lines[: 1 + SHOWN_ROWS], f"... {left} more rows\n", *lines[-SHOWN_ROWS:]))
