"""One past date forecast again, from what was known on it."""

from __future__ import annotations

import csv
import io
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from forecast.analysis.asked import DayShare, QuestionAnswers
from forecast.ledger.outcome import Diagnostics, EstimateRow, Outcome, as_row, diagnostics, outcome
from forecast.model.layout import lay_out
from forecast.plain import as_data, spread
from forecast.posterior.by_date import QUESTION_QUANTILES, QuestionEstimate
from forecast.posterior.kinds import JointEstimate, taken_by_day
from forecast.posterior.posterior import ContradictionError, Posterior, posterior
from forecast.sampling.draws import NotSampledError
from forecast.sampling.spec import PriorSpec, active_statements, known_resolution
from forecast.store.entries import Place, place_of
from forecast.store.program import installed_versions, program
from forecast.workers import OtherProgramError
from forecast.workspace.csv_text import load_json, parse_csv
from forecast.workspace.names import seen_on
from forecast.workspace.problems import Problem, Source, WorkspaceProblems
from forecast.workspace.read_benchmarks import BASE_RATE, OWN
from forecast.workspace.read_questions import NO, YES
from forecast.workspace.records import AnyQuestion, Benchmark, DateQuestion, Item, NumberQuestion, Resolved, Workspace


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
        decisions=(),
        questions=tuple(question for question in seen.questions if question.opens <= as_of),
        further=tuple(question for question in seen.further if question.opens <= as_of),
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
class BinForecast:
    """P(a bin) of a number: the values below one; called by its words."""

    bin: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class ReplayDistribution:
    """The forecast of a date or a number that was open, by one of three.

    P(taken by the end of each day) of a date, on straight lines between them; of a number P(each bin) in order, or
    (level, quantile).
    """

    id: str
    bins: tuple[BinForecast, ...] = ()
    quantiles: tuple[tuple[float, float], ...] = ()
    days: tuple[DayShare, ...] = ()


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
    distributions: tuple[ReplayDistribution, ...] = ()


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


def open_questions(workspace: Workspace, as_of: date) -> tuple[AnyQuestion, ...]:
    """Return the questions that are open on a date: the last day is still to come, and no resolution is known."""
    ended = {resolution.subject for resolution in workspace.resolutions if resolution.undone is None}
    return tuple(
        question for question in workspace.asked if question.opens <= as_of < question.by and question.id not in ended
    )


def _posterior(job: Job) -> Posterior:
    layout = lay_out(job.workspace.network)
    return posterior(layout, job.workspace, job.as_of, job.seed, job.draws, _silent, may_sample=False)


def _silent(_doing: str) -> None:
    """A date tells nothing while it is computed."""


def _line(job: Job, posterior: Posterior) -> ReplayLine:
    workspace, layout = job.workspace, posterior.asked.network.layout
    table = outcome(workspace, layout, job.as_of, job.seed, posterior)
    asked = open_questions(workspace, job.as_of)
    dates = {one.id: one for one in asked if isinstance(one, DateQuestion)}
    answers = QuestionAnswers.of(table, [one for one in asked if one.id not in dates])
    told = [answers.events.get(one.id) or answers.joints.get(one.id) for one in workspace.asked]
    return ReplayLine(
        as_of=job.as_of,
        known_until=posterior.asked.network.known.until,
        seed=job.seed,
        version=installed_versions(["forecast"])["forecast"],
        draws=posterior.draws.digest,
        scenarios=tuple(
            ReplayScenario(id=name, estimate=as_row(estimate)) for name, estimate in table.scenarios.items()
        ),
        questions=tuple(line for estimate in told if estimate is not None for line in _question(estimate)),
        diagnostics=diagnostics(table),
        distributions=tuple(
            _date(dates[question.id], table) if question.id in dates else _number(question, answers)
            for question in workspace.asked
            if question.id in dates or question.id in answers.numbers
        ),
    )


def _question(estimate: QuestionEstimate | JointEstimate) -> Iterator[ReplayQuestion]:
    """Yield the line of a question; of one whose condition could no longer come true there is none."""
    if estimate.probability is None or estimate.quantiles is None or estimate.mcse is None:
        return
    yield ReplayQuestion(
        id=estimate.question,
        probability=estimate.probability,
        quantiles={str(p): value for p, value in zip(QUESTION_QUANTILES, estimate.quantiles, strict=True)},
        mcse=estimate.mcse,
        decided=estimate.is_decided,
    )


def _date(question: DateQuestion, table: Outcome) -> ReplayDistribution:
    shares = taken_by_day(table.workspace, table.layout, table.as_of, table.posterior, question)
    return ReplayDistribution(
        id=question.id, days=tuple(DayShare(day=day, probability=probability) for day, probability in shares)
    )


def _number(question: AnyQuestion, answers: QuestionAnswers) -> ReplayDistribution:
    number = answers.numbers[question.id]
    if number.bins:
        named = zip(bins_of(question), number.bins, strict=True)
        return ReplayDistribution(id=question.id, bins=tuple(BinForecast(bin=name, probability=p) for name, p in named))
    levels = tuple((level, number.distribution.quantile(level)) for level in SCORED_LEVELS)
    return ReplayDistribution(id=question.id, quantiles=levels)


def bins_of(question: AnyQuestion) -> tuple[str, ...]:
    """Return the bins by which a number is scored, in order; none of anything else."""
    if isinstance(question, NumberQuestion) and question.bins:
        return (*(f"below {edge:g}" for edge in question.bins), f"{question.bins[-1]:g} or more")
    return ()


def outcome_in_table(question: AnyQuestion, ended: Resolved) -> str:
    """Return how a question turned out as `forecast score` reads it: of a date its day, or `later`; of bins its own."""
    if isinstance(question, DateQuestion) and ended.state is not None:
        return ended.on.isoformat() if ended.state == YES else LATER
    if ended.value is None:
        return OUTCOMES[ended.state]
    names = bins_of(question)
    if isinstance(question, NumberQuestion) and names:
        return names[bisect_right(question.bins, ended.value)]
    return repr(ended.value)


# The replay as files: every forecast of every open question on every date, written and read back.

COLUMNS = ("question", "forecaster", "time", "probability", "outcome", "opens", "closes", "topic")
FURTHER_COLUMNS = ("state", "order", "value", "quantile")  # where a question asks for a date or a number
SCORED_LEVELS = tuple((place + 0.5) / 20 for place in range(20))  # at which the quantile score is nearest to the CRPS
VOID, LATER = "void", "later"  # the latter of a date: after the last day, or never
OUTCOMES = {YES: "1", NO: "0", None: VOID}  # an ambiguous question is not scored either


class Ended(NamedTuple):
    """When forecasts of a question end, and how it turned out: `1`, `0`, `void`, or nothing yet."""

    closes: date
    outcome: str


def replay_csv(workspace: Workspace, rows: Sequence[Replayed]) -> bytes:
    """Write forecasts in the columns that `forecast score` reads, by question, forecaster and date.

    A question is forecast on the dates from its opening until the day before it ended: the day on which it was
    resolved as of, or its last day. On each date a benchmark stands as last published by then
    since the opening. Outcomes are those known
    today: a forecast never saw them, its score has to.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    has_more = any(isinstance(question, DateQuestion | NumberQuestion) for question in workspace.asked)
    writer.writerow((*COLUMNS, *FURTHER_COLUMNS) if has_more else COLUMNS)
    blank = [""] * (len(FURTHER_COLUMNS) if has_more else 0)
    for question in workspace.asked:
        ended = how_ended(workspace, question)
        window = (question.opens.isoformat(), ended.closes.isoformat())
        if isinstance(question, DateQuestion | NumberQuestion):
            for day, probability, *more in _distributions(question, ended, rows):
                writer.writerow([question.id, OWN, day, probability, ended.outcome, *window, question.topic, *more])
            continue
        lines = [line for row in rows for line in _forecasts(workspace, question, ended, row)]
        for forecaster, day, probability in sorted(lines):
            head = [question.id, forecaster, day, probability, ended.outcome, *window, question.topic]
            writer.writerow([*head, *blank])
    return text.getvalue().encode()


def how_ended(workspace: Workspace, question: AnyQuestion) -> Ended:
    """Return how a question ended by what is known now; undone resolutions do not count."""
    standing = [
        resolution
        for resolution in workspace.resolutions
        if resolution.subject == question.id and resolution.undone is None
    ]
    if not standing:
        return Ended(question.by, "")
    last = standing[-1]
    closes = min(question.by, last.on)
    return Ended(closes, outcome_in_table(question, last) if last.has_outcome else VOID)


def _distributions(
    question: AnyQuestion, ended: Ended, rows: Sequence[Replayed]
) -> Iterator[tuple[str, str | float, str, str | int, str | float, str | float]]:
    """Yield day, probability, state, order, value and level of each row of a date or a number."""
    for row in rows:
        if not isinstance(row, ReplayLine) or not question.opens <= row.as_of < ended.closes:
            continue
        for told in (one for one in row.distributions if one.id == question.id):
            for order, one in enumerate(told.bins, 1):
                yield row.as_of.isoformat(), one.probability, one.bin, order, "", ""
            for level, value in told.quantiles:
                yield row.as_of.isoformat(), "", "", "", value, level
            for share in told.days:
                yield row.as_of.isoformat(), share.probability, "", "", share.day.isoformat(), ""


def _forecasts(
    workspace: Workspace, question: AnyQuestion, ended: Ended, row: Replayed
) -> Iterator[tuple[str, str, float]]:
    day, written = row.as_of, row.as_of.isoformat()
    if not question.opens <= day < ended.closes:
        return
    own = {share.id: share.probability for share in row.questions} if isinstance(row, ReplayLine) else {}
    if question.id in own:
        yield OWN, written, own[question.id]
    if question.base_rate is not None:
        yield BASE_RATE, written, question.base_rate.probability
    for forecaster, probability in _standing(workspace, question, day).items():
        yield forecaster, written, probability


def _standing(workspace: Workspace, question: AnyQuestion, day: date) -> dict[str, float]:
    """Return the latest number of each forecaster by a day, none from before the question opened.

    A number given half a year earlier knew too little to stand for its author's opinion at the opening.
    """
    points = sorted(point for name in question.benchmarks for point in workspace.benchmarks[name].points)
    return {forecaster: probability for on, forecaster, probability in points if question.opens <= on <= day}


def replay_jsonl(rows: Sequence[Replayed]) -> bytes:
    """Write one line for each date: scenarios, questions, diagnostics, the digest of the draws."""
    return "".join(json.dumps(as_data(row), ensure_ascii=False, allow_nan=False) + "\n" for row in rows).encode()


# What a value of another kind than `forecast backtest` writes ends in.
WRONG = (AttributeError, KeyError, TypeError, ValueError)
TABLE, LINES = "reports/replay.csv", "reports/replay.jsonl"

Points = tuple[tuple[date, float], ...]


@dataclass(frozen=True)
class Course:
    """A probability over as-of dates, with the 5 % and 95 % quantiles of its distribution on each."""

    days: tuple[date, ...]
    probability: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def scenario_courses(root: Path) -> dict[str, Course]:
    """Read each scenario's course off the replay of a workspace; empty where nothing has been replayed."""
    return _courses(root, "scenarios")


def question_courses(root: Path) -> dict[str, Course]:
    """Read the course of each question's own forecast, on the dates on which it was open."""
    return _courses(root, "questions")


def _courses(root: Path, kind: str) -> dict[str, Course]:
    path = root / LINES
    if not path.exists():
        return {}
    courses: dict[str, list[tuple[date, float, float, float]]] = {}
    for number, text in enumerate(_text(path, LINES).removesuffix("\n").split("\n"), 1):
        try:
            row: Mapping[str, Any] = load_json(text)
            day = date.fromisoformat(row["as_of"])
            for share in row.get(kind, ()):
                levels = share["quantiles"]
                middle, low, high = map(_probability, (share["probability"], levels["0.05"], levels["0.95"]))
                courses.setdefault(_name(share["id"]), []).append((day, middle, low, high))
        except WRONG as error:
            raise _not_as_written(LINES, number, error) from None
    return {name: Course(*zip(*points, strict=True)) for name, points in courses.items()}


def forecaster_courses(root: Path) -> dict[str, dict[str, Points]]:
    """Read every forecaster's probabilities of every question, by question, then forecaster, by day."""
    path = root / TABLE
    if not path.exists():
        return {}
    series: dict[str, dict[str, list[tuple[date, float]]]] = {}
    table, problems = parse_csv(_text(path, TABLE).encode(), TABLE)
    if table is None or problems:
        raise WorkspaceProblems(problems)
    for number, cells in table.rows:
        row = dict(zip(table.header, cells, strict=True))
        if row.get("state") or row.get("value"):
            continue  # of a date or a number, which have no single probability
        try:
            point = (date.fromisoformat(row["time"]), _probability(float(row["probability"])))
            series.setdefault(row["question"], {}).setdefault(row["forecaster"], []).append(point)
        except WRONG as error:
            raise _not_as_written(TABLE, number, error) from None
    return {
        question: {forecaster: tuple(sorted(points)) for forecaster, points in by_forecaster.items()}
        for question, by_forecaster in series.items()
    }


def _text(path: Path, name: str) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_as_written(name, content.count(b"\n", 0, error.start) + 1, error) from None


def _probability(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        msg = f"{value} is not a probability"
        raise ValueError(msg)
    return value


def _name(value: object) -> str:
    if not isinstance(value, str):
        msg = "an id that is no text"
        raise TypeError(msg)
    return value


def _not_as_written(path: str, line: int, error: Exception) -> WorkspaceProblems:
    got = f"no {error}" if isinstance(error, KeyError) else str(error)
    what, allowed = "not as a replay writes it", "`forecast backtest` writes the file again"
    return WorkspaceProblems([Problem(Source(path, line), what, got, allowed)])
