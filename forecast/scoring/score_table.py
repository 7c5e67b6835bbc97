"""Everything that scores say about a table of forecasts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.scoring.calibration import LEVEL, Bin, Decomposition, auc, decomposition, reliability
from forecast.scoring.cells import different, means
from forecast.scoring.compare import BenchmarkPair, pairs
from forecast.scoring.measures import (
    GROUPINGS,
    MEASURES,
    OF_NUMBERS,
    TIMINGS,
    ForecastScores,
    Grouping,
    Series,
    all_series,
    groupings,
    outcome_in_words,
    per_forecast,
    stated,
    unlike,
)
from forecast.scoring.read import from_columns
from forecast.scoring.rows import RESOLUTIONS, Forecasts, TableQuestion, resolved
from forecast.scoring.rules import ForecasterAnswers, answers
from forecast.scoring.sequence import MeanDifference

if TYPE_CHECKING:
    from pandas import DataFrame


# What scoring a table gives: typed records, which tables read, and as JSON (docs/scores.md).

Json = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class MeanScore:
    """The mean of a measure at a timing over a group: a forecaster, and of these a topic or a horizon (`part`).

    A mean that is not defined is NaN. `infinite` and `clipped` (the mean by the clip) are of measures that can be
    infinite, `coverage` is of means over time.
    """

    measure: str
    timing: str
    grouping: str
    forecaster: str
    part: str | None
    mean: float
    n_questions: int
    n_forecasts: int
    infinite: int | None = None
    clipped: Mapping[float, float] | None = None
    coverage: float | None = None

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        row: Json = {"measure": self.measure, "timing": self.timing, "grouping": self.grouping}
        row["forecaster"] = self.forecaster
        if self.part is not None:
            row[self.grouping] = self.part
        row |= {"mean": plain_number(self.mean), "n_questions": self.n_questions, "n_forecasts": self.n_forecasts}
        if self.clipped is not None:
            row |= {"infinite": self.infinite, "clipped": {str(clip): mean for clip, mean in self.clipped.items()}}
        return row if self.coverage is None else row | {"coverage": self.coverage}


@dataclass(frozen=True, kw_only=True)
class CalibrationScore:
    """A forecaster's yes-or-no forecasts taken together: CORP, and the AUC (None without both outcomes)."""

    forecaster: str
    auc: float | None
    parts: Decomposition
    bins: tuple[Bin, ...]
    n_questions: int
    n_forecasts: int

    def as_json(self) -> tuple[Json, Json]:
        """Return what JSON can hold, one object for each of both measures."""
        head = {"timing": "each", "grouping": "forecaster", "forecaster": self.forecaster}
        counts = {"n_questions": self.n_questions, "n_forecasts": self.n_forecasts}
        parts = {key: plain_number(value) for key, value in asdict(self.parts).items() if key != "n"}
        corp: Json = {"measure": "corp", **head, **parts, **counts, "bins": [asdict(part) for part in self.bins]}
        return {"measure": "auc", **head, "mean": self.auc, **counts}, corp


@dataclass(frozen=True, kw_only=True)
class UnlikeCounts:
    """On how many questions two forecasters' forecasts are not alike, on how many of these they are compared.

    `levels` are the sets of levels at which quantiles are compared; None of draws.
    """

    n_questions: int
    n_compared: int
    levels: tuple[tuple[float, ...], ...] | None

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        counts: Json = {"n_questions": self.n_questions, "n_compared": self.n_compared}
        return counts if self.levels is None else counts | {"levels": [list(levels) for levels in self.levels]}


@dataclass(frozen=True, kw_only=True)
class UnlikePair:
    """Two forecasters whose forecasts are not all alike under a measure."""

    forecaster: str
    benchmark: str
    measure: str
    counts: UnlikeCounts

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        return {
            "forecaster": self.forecaster,
            "benchmark": self.benchmark,
            "of": self.measure,
            **self.counts.as_json(),
        }


@dataclass(frozen=True, kw_only=True)
class UnlikeMeasure:
    """A measure whose forecasts are not all alike: who states which levels, or how many draws, and the pairs."""

    measure: str
    text: str
    forms: tuple[tuple[tuple[float, ...] | int, tuple[str, ...]], ...]
    pairs: tuple[UnlikePair, ...]

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        forms = [
            {"draws": form, "forecasters": list(who)}
            if isinstance(form, int)
            else {"levels": list(form), "forecasters": list(who)}
            for form, who in self.forms
        ]
        pairs = [pair.as_json() for pair in self.pairs]
        return {"measure": self.measure, "text": self.text, "forecasts": forms, "pairs": pairs}


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A number with the ends of its bootstrap interval, NaN where there is none."""

    mean: float
    low: float
    high: float

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        return {key: plain_number(value) for key, value in asdict(self).items()}


@dataclass(frozen=True, kw_only=True)
class HeaviestQuestion:
    """The question that a mean score rests on most: the scores of both on it, and their means without it."""

    question: str
    score: float
    benchmark_score: float
    score_without: float
    benchmark_score_without: float

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        return {key: one if isinstance(one, str) else plain_number(one) for key, one in asdict(self).items()}


@dataclass(frozen=True, kw_only=True)
class SkillScore:
    """A forecaster against a benchmark by a measure, on the questions of both; `level` is that of the intervals.

    `anytime` is the interval of the difference that holds whenever it is looked at (forecast.scoring.sequence).
    """

    measure: str
    forecaster: str
    benchmark: str
    skill: Interval
    level: float
    score: float
    benchmark_score: float
    difference: Interval
    n_questions: int
    n_forecasts: int
    n_benchmark_forecasts: int
    unlike: UnlikeCounts | None
    anytime: MeanDifference | None
    heaviest: HeaviestQuestion | None

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        row: Json = {"measure": "skill", "of": self.measure, "timing": "shared_time", "grouping": "pair"}
        row |= {"forecaster": self.forecaster, "benchmark": self.benchmark, **self.skill.as_json()}
        row |= {"level": self.level, "score": plain_number(self.score)}
        row |= {"benchmark_score": plain_number(self.benchmark_score), "difference": self.difference.as_json()}
        row |= {"n_questions": self.n_questions, "n_forecasts": self.n_forecasts}
        row["n_benchmark_forecasts"] = self.n_benchmark_forecasts
        row |= {"anytime": asdict(self.anytime)} if self.anytime is not None else {}
        row |= {"heaviest": self.heaviest.as_json()} if self.heaviest is not None else {}
        return row if self.unlike is None else row | {"unlike": self.unlike.as_json()}


@dataclass(frozen=True, kw_only=True)
class QuestionScores:
    """A forecaster's scores on one question, by measure and timing."""

    question: str
    forecaster: str
    topic: str
    outcome: float | str | Mapping[str, float] | None
    n_forecasts: int
    coverage: float
    scores: Mapping[str, float]

    def as_json(self) -> Json:
        """Return what JSON can hold."""
        row: Json = {"question": self.question, "forecaster": self.forecaster}
        row |= {"topic": self.topic} if self.topic else {}
        row |= {"outcome": self.outcome, "n_forecasts": self.n_forecasts, "coverage": self.coverage}
        return row | {name: plain_number(score) for name, score in self.scores.items()}


@dataclass(frozen=True, kw_only=True)
class ScoreSheet:
    """Everything that scores say about a table. `questions` counts them by resolution.

    Of the resolved ones `n_expected` resolved to a share, and have expected scores; `n_left_out` forecasts have
    mistakes.
    """

    seed: int
    questions: Mapping[str, int]
    n_expected: int
    n_left_out: int
    n_forecasts: int
    unlike: Sequence[UnlikeMeasure]
    means: Sequence[MeanScore]
    calibration: Sequence[CalibrationScore]
    skill: Sequence[SkillScore]
    by_question: Sequence[QuestionScores] | None

    @property
    def measures(self) -> list[str]:
        """The measures that occur, in the order in which they are explained."""
        used = {mean.measure for mean in self.means}
        used |= {"auc", "corp"} if self.calibration else set()
        used |= {"skill"} if self.skill else set()
        return [name for name in MEASURES if name in used]

    def as_json(self) -> dict[str, Any]:
        """Return what JSON can hold: an infinite number is "Infinity" or "-Infinity", one that is not defined None."""
        definitions = {name: MEASURES[name] for name in self.measures}
        scores = [mean.as_json() for mean in self.means]
        scores += [row for score in self.calibration for row in score.as_json()]
        scores += [score.as_json() for score in self.skill]
        sheet: Json = {
            "seed": self.seed,
            "level": LEVEL,
            "n_questions": dict(self.questions),
            "n_expected": self.n_expected,
            "n_left_out": self.n_left_out,
            "n_forecasts": self.n_forecasts,
            "definitions": {
                name: {
                    "text": definition.text,
                    "range": definition.span,
                    "better": definition.better,
                    "source": definition.source,
                }
                for name, definition in definitions.items()
            },
            "timings": dict(TIMINGS),
            "groupings": dict(GROUPINGS),
            "unlike": [measure.as_json() for measure in self.unlike],
            "scores": scores,
        }
        if self.by_question is not None:
            sheet["questions"] = [score.as_json() for score in self.by_question]
        return sheet


def plain_number(value: float) -> float | str | None:
    """Return a number, "Infinity" or "-Infinity", or None for one that is not defined."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else "Infinity" if value > 0.0 else "-Infinity"


COMPARED = 10  # forecasters; more are not all compared with each other unless benchmarks are named
COMPARED_BY = ("brier", "log", "rps", *OF_NUMBERS)

Key = tuple[str, str, str]  # forecaster, benchmark, measure
DEFAULT_SEED = 1


def _skill(
    forecasts: Forecasts, gathered: ForecasterAnswers, scored: ForecastScores, benchmarks: Sequence[str], seed: int
) -> tuple[list[SkillScore], list[UnlikePair]]:
    """Compare forecasters of resolved questions by every measure, and tell whose forecasts are not all alike."""
    names = forecasts.forecasters
    chosen = [names.index(name) for name in benchmarks]
    if not benchmarks and len(names) <= COMPARED:
        chosen = list(range(len(names)))
    by = {name: scored.scores[name] for name in COMPARED_BY if not np.isnan(scored.scores[name]).all()}
    compared, apart = pairs(gathered, by, stated(forecasts), chosen, seed)
    compared.sort(key=lambda pair: (pair.forecaster, pair.benchmark, COMPARED_BY.index(pair.measure)))
    unlike_pairs = [
        UnlikePair(
            forecaster=names[unlike_pair.forecaster],
            benchmark=names[unlike_pair.benchmark],
            measure=unlike_pair.measure,
            counts=UnlikeCounts(
                n_questions=unlike_pair.n_questions,
                n_compared=unlike_pair.n_compared,
                levels=None if unlike_pair.measure == "crps" else unlike_pair.levels,
            ),
        )
        for unlike_pair in apart
    ]
    counts = {
        (unlike_pair.forecaster, unlike_pair.benchmark, unlike_pair.measure): unlike_pair.counts
        for unlike_pair in unlike_pairs
    }
    counts |= {
        (unlike_pair.benchmark, unlike_pair.forecaster, unlike_pair.measure): unlike_pair.counts
        for unlike_pair in unlike_pairs
    }
    questions = [question.name for question in forecasts.questions]
    return [_skill_of(pair, names, questions, counts) for pair in compared], unlike_pairs


def _skill_of(
    pair: BenchmarkPair, names: Sequence[str], questions: Sequence[str], unlike_counts: Mapping[Key, UnlikeCounts]
) -> SkillScore:
    result, heaviest = pair.compared, pair.heaviest
    forecaster, benchmark = names[pair.forecaster], names[pair.benchmark]
    return SkillScore(
        measure=pair.measure,
        forecaster=forecaster,
        benchmark=benchmark,
        skill=Interval(mean=result.skill, low=result.low, high=result.high),
        level=result.level,
        score=result.mean,
        benchmark_score=result.benchmark_mean,
        difference=Interval(mean=result.difference, low=result.difference_low, high=result.difference_high),
        n_questions=result.n,
        n_forecasts=pair.n_forecasts,
        n_benchmark_forecasts=pair.n_benchmark_forecasts,
        unlike=unlike_counts.get((forecaster, benchmark, pair.measure)),
        anytime=pair.anytime,
        heaviest=None
        if heaviest is None
        else HeaviestQuestion(
            question=questions[heaviest.question],
            score=heaviest.score,
            benchmark_score=heaviest.benchmark_score,
            score_without=heaviest.mean_without,
            benchmark_score_without=heaviest.benchmark_mean_without,
        ),
    )


def _unlike(forecasts: Forecasts, apart: Sequence[UnlikePair]) -> list[UnlikeMeasure]:
    """Return each measure whose forecasts are not all alike: who states what, and the pairs that it touches."""
    return [
        UnlikeMeasure(
            measure=measure.measure,
            text=str(measure.warning),
            forms=tuple((form.levels or form.width, who) for form, who in measure.forms),
            pairs=tuple(pair for pair in apart if pair.measure == measure.measure),
        )
        for measure in unlike(forecasts)
    ]


def score_table(
    columns: Mapping[str, Any] | DataFrame,
    *,
    ordered: bool = False,
    benchmarks: Sequence[str] = (),
    seed: int = DEFAULT_SEED,
    by_question: bool = False,
) -> dict[str, Any]:
    """Score a pandas table, or a mapping of columns, with the columns of docs/table.md. Returned as JSON holds it.

    Raises:
        WorkspaceProblems: the table holds mistakes.
        ValueError: a benchmark is no forecaster of the table.
    """
    forecasts = from_columns(columns, ordered=ordered)
    return score(forecasts, benchmarks=benchmarks, seed=seed, by_question=by_question).as_json()


def score(
    forecasts: Forecasts, *, benchmarks: Sequence[str] = (), seed: int = DEFAULT_SEED, by_question: bool = False
) -> ScoreSheet:
    """Compute every score of every grouping.

    Args:
        forecasts: of any questions; those that are open or void are counted and not scored.
        benchmarks: forecasters that all others are compared with. Without any, up to COMPARED forecasters are all
            compared with each other.
        seed: of bootstrap and consistency bands.
        by_question: whether each forecaster's scores on each question are wanted too.

    Raises:
        ValueError: a benchmark is no forecaster of the table.
    """
    if unknown := [name for name in benchmarks if name not in forecasts.forecasters]:
        msg = f"no forecaster is called {unknown}"
        raise ValueError(msg)
    known = resolved(forecasts)
    scored, gathered = per_forecast(known), answers(known)
    series = all_series(gathered, scored)
    skill, apart = _skill(known, gathered, scored, benchmarks, seed)
    resolutions = [question.resolution for question in forecasts.questions]
    return ScoreSheet(
        seed=seed,
        questions={kind: resolutions.count(kind) for kind in RESOLUTIONS},
        n_expected=sum(bool(question.shares) and question.resolution == "resolved" for question in forecasts.questions),
        n_left_out=forecasts.n_left_out,
        n_forecasts=int(known.question.size),
        unlike=_unlike(forecasts, apart),
        means=list(_means(known, gathered, series)),
        calibration=list(_calibration(known, scored, seed)),
        skill=skill,
        by_question=list(_questions(known, gathered, series)) if by_question else None,
    )


def _means(forecasts: Forecasts, gathered: ForecasterAnswers, series: Sequence[Series]) -> Iterator[MeanScore]:
    for grouping in groupings(forecasts, gathered):
        for scores in series:
            if scores.timing in grouping.timings:
                yield from _by_group(scores, grouping, gathered)


def _by_group(series: Series, grouping: Grouping, gathered: ForecasterAnswers) -> Iterator[MeanScore]:
    """Yield the mean of a series in each group that has any."""
    by_forecast = series.timing == "each"
    group = grouping.of_forecast if by_forecast else grouping.of_answer
    counted = np.flatnonzero(series.applies & (group >= 0))
    n_groups = len(grouping.labels)
    if not counted.size:
        return
    average = means(series.scores[counted], group[counted], n_groups)
    clips = {clip: means(scores[counted], group[counted], n_groups) for clip, scores in series.clipped.items()}
    answer = gathered.of[counted] if by_forecast else counted
    n_questions = different(group[counted], answer, n_groups) if by_forecast else average.n
    weights = None if by_forecast else gathered.n_forecasts[counted].astype(float)
    n_forecasts = np.bincount(group[counted], weights, minlength=n_groups)
    coverage = np.bincount(group[counted], gathered.coverage[answer], minlength=n_groups)
    for at in np.flatnonzero(average.n).tolist():
        labels = grouping.labels[at]
        yield MeanScore(
            measure=series.measure,
            timing=series.timing,
            grouping=grouping.name,
            forecaster=labels["forecaster"],
            part=labels.get(grouping.name) if grouping.name != "forecaster" else None,
            mean=float(average.mean[at]),
            n_questions=int(n_questions[at]),
            n_forecasts=int(n_forecasts[at]),
            infinite=int(average.infinite[at]) if clips else None,
            clipped={clip: float(one.mean[at]) for clip, one in clips.items()} if clips else None,
            coverage=float(coverage[at] / average.n[at]) if series.timing == "time_weighted" else None,
        )


def _calibration(forecasts: Forecasts, scored: ForecastScores, seed: int) -> Iterator[CalibrationScore]:
    """Yield what takes all yes-or-no forecasts of a forecaster together."""
    yes_no = ~np.isnan(scored.p_yes)
    for place, name in enumerate(forecasts.forecasters):
        chosen = np.flatnonzero(yes_no & (forecasts.forecaster == place))
        if not chosen.size:
            continue
        p, happened, question = scored.p_yes[chosen], scored.happened[chosen], forecasts.question[chosen]
        yield CalibrationScore(
            forecaster=name,
            auc=auc(p, happened),
            parts=decomposition(p, happened),
            bins=reliability(p, happened, question, np.random.default_rng(seed)),
            n_questions=int(np.unique(question).size),
            n_forecasts=int(chosen.size),
        )


def _questions(forecasts: Forecasts, gathered: ForecasterAnswers, series: Sequence[Series]) -> Iterator[QuestionScores]:
    """Yield the scores of each forecaster on each question."""
    of_answers = [
        (f"{scores.measure}.{scores.timing}", scores.applies.tolist(), scores.scores.tolist())
        for scores in series
        if scores.timing != "each"
    ]
    questions = [forecasts.questions[place] for place in gathered.question.tolist()]
    counts, coverage = gathered.n_forecasts.tolist(), gathered.coverage.tolist()
    for at, (question, forecaster) in enumerate(zip(questions, gathered.forecaster.tolist(), strict=True)):
        yield QuestionScores(
            question=question.name,
            forecaster=forecasts.forecasters[forecaster],
            topic=question.topic,
            outcome=_outcome(question),
            n_forecasts=counts[at],
            coverage=coverage[at],
            scores={name: scores[at] for name, applies, scores in of_answers if applies[at]},
        )


def _outcome(question: TableQuestion) -> float | int | str | Mapping[str, float] | None:
    """Return how a question turned out: the share of yes, or by option, where it resolved to several."""
    outcome, options = question.outcome, question.options
    if question.shares and question.kind == "states":
        return dict(zip(options, question.shares, strict=True))
    if outcome is None or question.shares:
        return outcome
    outside = question.values and not question.values[0] <= outcome <= question.values[-1]
    if question.dated or outside:
        return outcome_in_words(question)
    if not options:
        return outcome
    return int(outcome) if question.kind == "yes_no" else options[int(outcome)]
