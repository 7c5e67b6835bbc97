"""One past date forecast again, from what was known on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from forecast.ledger.outcome import outcome
from forecast.ledger.tables import Diagnostics, EstimateRow, as_row, diagnostics
from forecast.model.layout import lay_out
from forecast.plain import spread
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
    statements = tuple(known_resolution(active_statement, as_of) for active_statement in active_statements(seen, as_of))
    speakers, reporters = {statement.expert for statement in statements}, {item.report_source for item in items}
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
        resolutions=tuple(
            _not_yet_undone(resolution, as_of) for resolution in seen.resolutions if resolution.known <= as_of
        ),
    )


def _not_yet_retracted(item: Item, as_of: date) -> Item:
    return replace(item, retracted=None) if item.retracted and item.retracted > as_of else item


def _not_yet_undone(line: Resolved, as_of: date) -> Resolved:
    return replace(line, undone=None) if line.undone and line.undone > as_of else line


def _until(series: Benchmark, as_of: date) -> Benchmark:
    return replace(series, points=tuple(point for point in series.points if point[0] <= as_of))


@dataclass(frozen=True, kw_only=True)
class ReplayQuestion:
    """The forecast of a question that was open; `decided`: everything that it depends on is known."""

    id: str
    probability: float
    quantiles: Mapping[str, float]
    mcse: float
    decided: bool


@dataclass(frozen=True, kw_only=True)
class ReplayScenario:
    """The forecast of a scenario."""

    id: str
    estimate: EstimateRow = spread()


@dataclass(frozen=True, kw_only=True)
class ReplayLine:
    """The forecast of a past date, as a line of reports/replay.jsonl holds it; `draws`: their digest."""

    as_of: date
    known_until: date
    seed: int
    version: str
    draws: str
    scenarios: tuple[ReplayScenario, ...]
    questions: tuple[ReplayQuestion, ...]
    diagnostics: Diagnostics


@dataclass(frozen=True, kw_only=True)
class ImpossibleDay:
    """A past date whose evidence was impossible together: the ids of its items."""

    as_of: date
    impossible: tuple[str, ...]


Replayed = ReplayLine | ImpossibleDay


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


def replay_day(job: Job) -> Replayed | Waiting:
    """Compute the forecast of a date with all draws at hand, as the line of the replay that it becomes.

    Evidence that was impossible together on that date gives a line that names the items and forecasts nothing.
    Raises OtherProgramError.
    """
    if job.program != program_digest():
        raise OtherProgramError
    try:
        weighed = _posterior(job)
    except NotSampledError as missing:
        return Waiting(missing.digest)
    except ContradictionError as error:
        return ImpossibleDay(as_of=job.as_of, impossible=tuple(item.id for item in error.items))
    return _line(job, weighed)


def awaited(job: Job) -> PriorSpec | None:
    """Return what has to be sampled before a date can be forecast; None if all draws are at hand."""
    try:
        _posterior(job)
    except NotSampledError as missing:
        return missing.spec
    return None


def open_questions(workspace: Workspace, as_of: date) -> tuple[Question, ...]:
    """Return the questions that are open on a date: the last day is still to come, and no resolution is known."""
    ended = {resolution.subject for resolution in workspace.resolutions if resolution.undone is None}
    return tuple(
        question
        for question in workspace.questions
        if question.opens <= as_of < question.by and question.id not in ended
    )


def _posterior(job: Job) -> Posterior:
    layout = lay_out(job.workspace.network)
    return posterior(layout, job.workspace, job.as_of, job.seed, job.draws, _silent, may_sample=False)


def _silent(_doing: str) -> None:
    """A date tells nothing while it is computed."""


def _line(job: Job, posterior: Posterior) -> ReplayLine:
    workspace, layout = job.workspace, posterior.asked.network.layout
    table = outcome(workspace, layout, job.as_of, job.seed, posterior)
    numbers = question_probabilities(workspace, layout, job.as_of, posterior, open_questions(workspace, job.as_of))
    return ReplayLine(
        as_of=job.as_of,
        known_until=posterior.asked.network.known.until,
        seed=job.seed,
        version=installed_versions(["forecast"])["forecast"],
        draws=posterior.draws.digest,
        scenarios=tuple(
            ReplayScenario(id=name, estimate=as_row(estimate)) for name, estimate in table.scenarios.items()
        ),
        questions=tuple(_question(estimate) for estimate in numbers),
        diagnostics=diagnostics(table),
    )


def _question(estimate: QuestionEstimate) -> ReplayQuestion:
    return ReplayQuestion(
        id=estimate.question,
        probability=estimate.probability,
        quantiles={str(p): value for p, value in zip(QUESTION_QUANTILES, estimate.quantiles, strict=True)},
        mcse=estimate.mcse,
        decided=estimate.is_decided,
    )
