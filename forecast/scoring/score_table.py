"""Everything that scores say about a table of forecasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.scoring.answers import ForecasterAnswers, answers
from forecast.scoring.calibration import auc, decomposition, reliability
from forecast.scoring.compare import BenchmarkPair, pairs
from forecast.scoring.forms import stated, unlike
from forecast.scoring.groups import different, means
from forecast.scoring.measures import Grouping, Series, all_series, groupings
from forecast.scoring.per_forecast import OF_NUMBERS, ForecastScores, per_forecast
from forecast.scoring.read import from_columns
from forecast.scoring.sheet import (
    CalibrationScore,
    Interval,
    MeanScore,
    QuestionScores,
    ScoreSheet,
    SkillScore,
    UnlikeCounts,
    UnlikeMeasure,
    UnlikePair,
)
from forecast.scoring.table import Forecasts, resolved

if TYPE_CHECKING:
    from pandas import DataFrame


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
    return [_skill_of(pair, names, counts) for pair in compared], unlike_pairs


def _skill_of(pair: BenchmarkPair, names: Sequence[str], unlike_counts: Mapping[Key, UnlikeCounts]) -> SkillScore:
    result = pair.compared
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
        questions={kind: resolutions.count(kind) for kind in ("resolved", "open", "void")},
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
            outcome=_outcome(question.outcome, question.options),
            n_forecasts=counts[at],
            coverage=coverage[at],
            scores={name: scores[at] for name, applies, scores in of_answers if applies[at]},
        )


def _outcome(outcome: float | None, options: tuple[str, ...]) -> float | int | str | None:
    if outcome is None or not options:
        return outcome
    return int(outcome) if options == ("no", "yes") else options[int(outcome)]
