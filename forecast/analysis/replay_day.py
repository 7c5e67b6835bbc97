"""One past date forecast again, from what was known on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from forecast.ledger.outcome import outcome
from forecast.ledger.tables import as_row, diagnostics
from forecast.model.layout import lay_out
from forecast.posterior.by_date import QUESTION_QUANTILES, QuestionEstimate, question_probabilities
from forecast.posterior.evaluate import ContradictionError
from forecast.posterior.posterior import Posterior, posterior
from forecast.sampling.draws import NotSampledError
from forecast.sampling.spec import PriorSpec, active_statements, known_resolution
from forecast.store.entries import Place, place_of
from forecast.store.program import program
from forecast.store.versions import installed_versions
from forecast.workspace.names import seen_on
from forecast.workspace.records import Benchmark, Item, Question, Resolved, Workspace


def known_on(workspace: Workspace, as_of: date) -> Workspace:
    """Return the workspace as it was known on a date, day included.

    Items, statements, questions and points of benchmarks dated later are gone, and so are experts and sources that only
    they name; later retractions, resolutions, undoings and rolls of the horizon have not happened. A forecast as of the
    date is the same from both workspaces, bit for bit: the engine reads nothing later, and here there is nothing later.
    """
    seen = seen_on(workspace, as_of)
    items = tuple(_not_yet_retracted(item, as_of) for item in seen.items if item.reported <= as_of)
    statements = tuple(known_resolution(one, as_of) for one in active_statements(seen, as_of))
    speakers, reporters = {one.expert for one in statements}, {item.report_source for item in items}
    return replace(
        seen,
        network=replace(seen.network, rolled=tuple(roll for roll in seen.network.rolled if roll.on <= as_of)),
        experts={name: expert for name, expert in seen.experts.items() if name in speakers},
        statements=statements,
        sources={name: source for name, source in seen.sources.items() if name in reporters},
        items=items,
        watched_until=None if seen.watched_until is None else min(seen.watched_until, as_of),
        digests={},
        questions=tuple(question for question in seen.questions if question.opens <= as_of),
        benchmarks={name: _until(series, as_of) for name, series in seen.benchmarks.items()},
        resolutions=tuple(_not_yet_undone(one, as_of) for one in seen.resolutions if one.known <= as_of),
    )


def _not_yet_retracted(item: Item, as_of: date) -> Item:
    return replace(item, retracted=None) if item.retracted and item.retracted > as_of else item


def _not_yet_undone(line: Resolved, as_of: date) -> Resolved:
    return replace(line, undone=None) if line.undone and line.undone > as_of else line


def _until(series: Benchmark, as_of: date) -> Benchmark:
    return replace(series, points=tuple(point for point in series.points if point[0] <= as_of))


Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A date to forecast: what was known on it, the seed, the folder of kept draws, and the digest of the program."""

    workspace: Workspace
    as_of: date
    seed: int
    draws: Path
    program: str

    @property
    def place(self) -> Place:
        """Where the forecast is kept, by all that decides it; prices and rates beside it are no part of that."""
        decisive = replace(self.workspace, root="", benchmarks={})
        return place_of(self.draws, "replay", decisive, self.as_of, self.seed, self.program)


@dataclass(frozen=True)
class Waiting:
    """A date whose draws have to be sampled first: their digest."""

    digest: str


class OtherProgramError(RuntimeError):
    """A worker has another version of the program than the one that sent it a date."""

    def __init__(self) -> None:
        super().__init__("a worker runs another version of this program, or of what it is built on; install the same")


def job(workspace: Workspace, as_of: date, seed: int, draws: Path) -> Job:
    """Cut a workspace to what was known on a date."""
    return Job(known_on(workspace, as_of), as_of, seed, draws, program_digest())


def program_digest() -> str:
    """Compute the digest of the program that forecasts a date: its code, and the versions of what it is built on."""
    return program("replay")


def replay_day(one: Job) -> Row | Waiting:
    """Compute the forecast of a date with all draws at hand, as the line of the replay that it becomes.

    Evidence that was impossible together on that date gives a line that names the items and forecasts nothing.
    Raises OtherProgramError.
    """
    if one.program != program_digest():
        raise OtherProgramError
    try:
        found = _posterior(one)
    except NotSampledError as missing:
        return Waiting(missing.digest)
    except ContradictionError as error:
        return {"as_of": one.as_of.isoformat(), "impossible": [item.id for item in error.items]}
    return _line(one, found)


def awaited(one: Job) -> PriorSpec | None:
    """Return what has to be sampled before a date can be forecast; None if all draws are at hand."""
    try:
        _posterior(one)
    except NotSampledError as missing:
        return missing.spec
    return None


def open_questions(workspace: Workspace, as_of: date) -> tuple[Question, ...]:
    """Return the questions that are open on a date: the last day is still to come, and no resolution is known."""
    ended = {one.subject for one in workspace.resolutions if one.undone is None}
    return tuple(one for one in workspace.questions if one.opens <= as_of < one.by and one.id not in ended)


def _posterior(one: Job) -> Posterior:
    layout = lay_out(one.workspace.network)
    return posterior(layout, one.workspace, one.as_of, one.seed, one.draws, _silent, may_sample=False)


def _silent(_doing: str) -> None:
    """A date tells nothing while it is computed."""


def _line(one: Job, found: Posterior) -> Row:
    workspace, layout = one.workspace, found.asked.network.layout
    table = outcome(workspace, layout, one.as_of, one.seed, found)
    asked = question_probabilities(workspace, layout, one.as_of, found, open_questions(workspace, one.as_of))
    return {
        "as_of": one.as_of.isoformat(),
        "known_until": found.asked.network.known.until.isoformat(),
        "seed": one.seed,
        "version": installed_versions(["forecast"])["forecast"],
        "draws": found.draws.digest,
        "scenarios": [{"id": name, **as_row(estimate)} for name, estimate in table.scenarios.items()],
        "questions": [_question_row(estimate) for estimate in asked],
        "diagnostics": diagnostics(table),
    }


def _question_row(estimate: QuestionEstimate) -> Row:
    return {
        "id": estimate.question,
        "probability": estimate.probability,
        "quantiles": {str(p): value for p, value in zip(QUESTION_QUANTILES, estimate.quantiles, strict=True)},
        "mcse": estimate.mcse,
        "decided": estimate.is_decided,
    }
