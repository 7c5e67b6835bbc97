"""What colleagues say on the questions of a workspace: all numbers pooled, beside forecast and market, and scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Literal

from forecast.analysis.questions import FORECAST, Other, QuestionStatus, Status, question_table
from forecast.analysis.record import EnteredForecast, EnteredForecasts, entered_forecasts
from forecast.analysis.replay_day import forecaster_courses
from forecast.ledger.ledger import Ledger
from forecast.ledger.outcome import Outcome
from forecast.plain import as_data, from_data
from forecast.scoring.compare import ScoreDifference
from forecast.scoring.pool import MeanScores, pool, scored_beside
from forecast.scoring.world import LEAST, MOST, ExpertForecast, ForecastTable
from forecast.store.entries import once, place_of
from forecast.workspace.files import JUDGEMENTS
from forecast.workspace.problems import Source
from forecast.workspace.read_benchmarks import BASE_RATE, OWN, authors_of, judgement_id
from forecast.workspace.read_questions import NO, YES
from forecast.workspace.records import Workspace

Progress = Callable[[str], None]
Basis = Literal["today", "ledger", "replay"]
Who = Literal["pool", "author", "forecast", "benchmark", "base rate"]
POOLED = "pooled"
BASES: tuple[Basis, ...] = ("today", "ledger", "replay")
OUTCOMES = {YES: 1, NO: 0}


@dataclass(frozen=True, kw_only=True)
class OwnForecast:
    """The forecast's own number of a question on a day, and what it rests on.

    `basis`: computed as of today; a `line` of the ledger (its number), which is older than the outcome; or the replay,
    which knew no later news but was computed with statements and code of later. Quantiles are of today's alone.
    """

    date: date
    basis: Basis
    line: int | None
    probability: float
    low: float | None
    high: float | None
    mcse: float | None


@dataclass(frozen=True, kw_only=True)
class TeamPool:
    """The pool of a question: its probability, the 5 % and 95 % quantiles of its draws, and how many people it is of.

    Of a resolved question it does not know the outcome.
    """

    probability: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True)
class TeamQuestion:
    """A question that somebody judged: the latest number of each author, all pooled, and what stands beside them.

    `on`: the day of these numbers, which is the as-of date, or of a question that has ended that of the last judgement.
    `outcome`: 1 or 0, None where it is not known.
    """

    question: str
    text: str
    by: date
    status: Status
    outcome: int | None
    on: date
    authors: tuple[Other, ...]
    pooled: TeamPool
    forecast: OwnForecast | None
    benchmarks: tuple[Other, ...]
    base_rate: float | None


@dataclass(frozen=True, kw_only=True)
class TeamScore:
    """Mean scores over the `n` resolved questions that somebody has a number of, lower being better.

    `basis` tells of the forecast's own numbers which they are: those of the ledger and of the replay are never one
    mean. `log` is None where it is infinite: a certainty was wrong. `less_pooled`: the Brier score less that of the
    pool on the same questions, below 0 where it was better; None for the pool.
    """

    name: str
    who: Who
    basis: Basis | None
    n: int
    brier: float
    log: float | None
    less_pooled: ScoreDifference | None


@dataclass(frozen=True, kw_only=True)
class Team:
    """Everybody's judgements as of a date.

    `certain`: how many numbers of 0 or 1 were pooled as .001 or .999; `reasons` why the pool is not reliable;
    `not_proven`: line of the ledger -> why its numbers do not count.
    """

    as_of: date
    authors: tuple[str, ...]
    questions: tuple[TeamQuestion, ...]
    unjudged: tuple[str, ...]
    scores: tuple[TeamScore, ...]
    certain: int
    reasons: tuple[str, ...]
    not_proven: Mapping[int, str]


@dataclass(frozen=True, kw_only=True)
class KeptPool:
    """What is kept of a pool: a number for each question, in the order of the questions, and the reasons against it."""

    questions: tuple[TeamPool, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Judged:
    """A question with the judgements that count: (day, author, probability), by day."""

    row: QuestionStatus
    points: tuple[tuple[date, str, float], ...]

    @property
    def outcome(self) -> int | None:
        ended = self.row.resolution
        return None if ended is None or ended.state is None else OUTCOMES[ended.state]

    @property
    def last(self) -> date:
        """The day of the last judgement."""
        return max(day for day, _, _ in self.points)

    @property
    def latest(self) -> dict[str, tuple[date, float]]:
        """The latest number of each author, by name."""
        return dict(sorted({who: (day, probability) for day, who, probability in self.points}.items()))


def team(outcome: Outcome, ledger: Ledger, root: Path, cache: Path, progress: Progress, seed: int) -> Team:
    """Pool and score the judgements on the questions of a forecast.

    Args:
        outcome: the forecast.
        ledger: of the workspace, under the names of today.
        root: the workspace, with the replay that the forecast's own past numbers are taken from where no line of the
            ledger holds them.
        cache: the folder reports/.cache of the workspace.
        progress: told what is being done.
        seed: of the pool.

    A judgement counts from the day on which its question opened until the day before it ended. The pool's model is that
    of `forecast pool` (forecast.scoring.panel): every judgement is in it, of an author's the latest most. Forecast and
    benchmarks are never pooled. Scores compare numbers of one day, that of a question's last judgement.
    """
    workspace, table = outcome.workspace, question_table(outcome)
    judged = [one for row in table if (one := _Judged(row, _points(workspace, row, outcome.as_of))).points]
    names = {one.row.question for one in judged}
    kept = _pooled(judged, cache, progress, seed) if judged else KeptPool(questions=(), reasons=())
    ended = {one.row.question: one.last for one in judged if one.row.status not in FORECAST}
    courses = forecaster_courses(root) if ended else {}
    entered = EnteredForecasts(forecasts=(), not_proven={})
    if ended:
        entered = entered_forecasts(root, workspace, outcome.layout, outcome.as_of, ledger, ended)
    then = {one.question: _entered(one) for one in entered.forecasts}
    for name, on in ended.items():
        replayed = _replayed(dict(courses.get(name, {}).get(OWN, ())), on)
        if name not in then and replayed is not None:
            then[name] = replayed
    questions = tuple(
        _question(workspace, outcome.as_of, one, pooled, then.get(one.row.question))
        for one, pooled in zip(judged, kept.questions, strict=True)
    )
    said = authors_of(workspace.benchmarks)
    return Team(
        as_of=outcome.as_of,
        authors=tuple(sorted(said.intersection(who for one in judged for who in one.latest))),
        questions=questions,
        unjudged=tuple(row.question for row in table if row.status in FORECAST and row.question not in names),
        scores=tuple(_scores(questions, seed)),
        certain=sum(probability in {0.0, 1.0} for one in judged for _, _, probability in one.points),
        reasons=kept.reasons,
        not_proven=entered.not_proven,
    )


def _points(workspace: Workspace, row: QuestionStatus, as_of: date) -> tuple[tuple[date, str, float], ...]:
    series = workspace.benchmarks.get(judgement_id(row.question))
    ended = row.by if row.resolution is None else min(row.by, row.resolution.on)
    points = () if series is None else series.points
    return tuple(sorted(point for point in points if row.opens <= point[0] < ended and point[0] <= as_of))


def _pooled(judged: Sequence[_Judged], cache: Path, progress: Progress, seed: int) -> KeptPool:
    table = _table(judged)

    def sampled() -> KeptPool:
        made = pool(table, seed, progress)
        pools = (TeamPool(probability=one.p_event, low=one.low, high=one.high, n=one.n) for one in made.questions)
        return KeptPool(questions=tuple(pools), reasons=made.distrust)

    kept = once(place_of(cache, "team", table, seed), lambda: as_data(sampled()))
    found: KeptPool = from_data(KeptPool, kept)
    return found


def _table(judged: Sequence[_Judged]) -> ForecastTable:
    """Return judgements as a table that is pooled; 0 and 1, which have no log-odds, at the nearest that has."""
    latest, earlier = list[ExpertForecast](), list[ExpertForecast]()
    for one in judged:
        last = one.last
        for day, who, probability in one.points:
            forecast = ExpertForecast(
                expert=who,
                question=one.row.question,
                best={0.0: LEAST, 1.0: MOST}.get(probability, probability),
                outcome=one.outcome,
                age=float((last - day).days),
                source=Source(JUDGEMENTS, 1),
            )
            (latest if one.latest[who][0] == day else earlier).append(forecast)
    return ForecastTable(
        path=JUDGEMENTS,
        forecasts=tuple(latest),
        earlier=tuple(earlier),
        questions={one.row.question: one.outcome for one in judged},
        warnings=(),
    )


def _question(
    workspace: Workspace, as_of: date, one: _Judged, pooled: TeamPool, then: OwnForecast | None
) -> TeamQuestion:
    row, is_open = one.row, one.row.status in FORECAST
    on = as_of if is_open else one.last
    others = {name.id: name for name in workspace.yes_or_no}[row.question]
    series = [name for name in others.benchmarks if name != judgement_id(row.question)]
    points = sorted(point for name in series for point in workspace.benchmarks[name].points)
    latest = {who: (day, p) for day, who, p in points if row.opens <= day <= on}
    return TeamQuestion(
        question=row.question,
        text=row.text,
        by=row.by,
        status=row.status,
        outcome=one.outcome,
        on=on,
        authors=tuple(Other(forecaster=who, date=day, probability=p) for who, (day, p) in one.latest.items()),
        pooled=pooled,
        forecast=_today(row, as_of) if is_open else then,
        benchmarks=tuple(Other(forecaster=who, date=day, probability=p) for who, (day, p) in sorted(latest.items())),
        base_rate=None if row.base_rate is None else row.base_rate.probability,
    )


def _today(row: QuestionStatus, as_of: date) -> OwnForecast | None:
    if row.probability is None or row.quantiles is None:
        return None
    low, high = row.quantiles["0.05"], row.quantiles["0.95"]
    return OwnForecast(
        date=as_of, basis="today", line=None, probability=row.probability, low=low, high=high, mcse=row.mcse
    )


def _entered(one: EnteredForecast) -> OwnForecast:
    return OwnForecast(
        date=one.as_of, basis="ledger", line=one.line, probability=one.probability, low=None, high=None, mcse=None
    )


def _replayed(course: Mapping[date, float], on: date) -> OwnForecast | None:
    """Return what the replay has for the day, or the latest day before it."""
    days = [day for day in course if day <= on]
    if not days:
        return None
    probability = course[max(days)]
    return OwnForecast(
        date=max(days), basis="replay", line=None, probability=probability, low=None, high=None, mcse=None
    )


def _scores(questions: Sequence[TeamQuestion], seed: int) -> Iterator[TeamScore]:
    """Yield the scores: the pool, the authors, the forecast, the benchmarks by name, the base rate."""
    happened = {one.question: one.outcome for one in questions if one.outcome is not None}
    resolved = [one for one in questions if one.outcome is not None]
    pooled = {one.question: one.pooled.probability for one in resolved}
    said: dict[tuple[Who, str], dict[str, float]] = {("pool", POOLED): pooled}
    numbers: dict[Who, dict[str, dict[str, float]]] = {"author": {}, "forecast": {}, "benchmark": {}, "base rate": {}}
    for one in resolved:
        for other in one.authors:
            numbers["author"].setdefault(other.forecaster, {})[one.question] = other.probability
        if one.forecast is not None:
            numbers["forecast"].setdefault(one.forecast.basis, {})[one.question] = one.forecast.probability
        for other in one.benchmarks:
            numbers["benchmark"].setdefault(other.forecaster, {})[one.question] = other.probability
        if one.base_rate is not None:
            numbers["base rate"].setdefault(BASE_RATE, {})[one.question] = one.base_rate
    said |= {(who, name): of for who, by_name in numbers.items() for name, of in sorted(by_name.items())}
    for (who, name), of in said.items():
        if of:
            yield _score(who, scored_beside(name, of, happened, None if who == "pool" else pooled, seed))


def _score(who: Who, scored: MeanScores) -> TeamScore:
    log = scored.means["log"]
    is_own = who == "forecast"
    return TeamScore(
        name=OWN if is_own else scored.name,
        who=who,
        basis=next((one for one in BASES if is_own and one == scored.name), None),
        n=scored.n,
        brier=scored.means["brier"],
        log=log if isfinite(log) else None,
        less_pooled=None if scored.against_pool is None else scored.against_pool["brier"],
    )
