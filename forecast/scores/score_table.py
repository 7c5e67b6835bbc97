"""Everything that scores say about a table of forecasts, as plain values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.scores.answers import ForecasterAnswers, answers
from forecast.scores.calibration import LEVEL, auc, decomposition, reliability
from forecast.scores.compare import Apart, Pair, pairs
from forecast.scores.forms import stated, unlike
from forecast.scores.groups import different, means
from forecast.scores.measures import GROUPINGS, MEASURES, TIMINGS, Grouping, Series, all_series, groupings
from forecast.scores.per_forecast import OF_NUMBERS, ForecastScores, per_forecast
from forecast.scores.read import from_columns
from forecast.scores.table import Forecasts, resolved

if TYPE_CHECKING:
    from pandas import DataFrame


Row = dict[str, Any]


def plain(row: Row) -> Row:
    """Return a row that JSON can hold."""
    return {key: plain_number(value) if isinstance(value, float) else value for key, value in row.items()}


def plain_number(value: float) -> float | str | None:
    """Return a number, "Infinity" or "-Infinity", or None for one that is not defined."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else "Infinity" if value > 0.0 else "-Infinity"


COMPARED = 10  # forecasters; more are not all compared with each other unless benchmarks are named
COMPARED_BY = ("brier", "log", "rps", *OF_NUMBERS)

Key = tuple[int, int, str]  # forecaster, benchmark, measure


def skill_rows(
    forecasts: Forecasts, gathered: ForecasterAnswers, scored: ForecastScores, benchmarks: Sequence[str], seed: int
) -> tuple[list[Row], list[Row]]:
    """Compare forecasters of resolved questions.

    Returns:
        One row for each forecaster, benchmark and measure, and one for each pair whose forecasts are not all alike:
        on how many questions, on how many of these they are compared, and at which levels.
    """
    names = forecasts.forecasters
    chosen = [names.index(name) for name in benchmarks]
    if not benchmarks and len(names) <= COMPARED:
        chosen = list(range(len(names)))
    by = {name: scored.scores[name] for name in COMPARED_BY if not np.isnan(scored.scores[name]).all()}
    found, apart = pairs(gathered, by, stated(forecasts), chosen, seed)
    differing: dict[Key, Apart] = {}
    for one in apart:
        differing[one.forecaster, one.benchmark, one.measure] = one
        differing[one.benchmark, one.forecaster, one.measure] = one
    found.sort(key=lambda pair: (pair.forecaster, pair.benchmark, COMPARED_BY.index(pair.measure)))
    return list(_rows(found, names, differing)), [_apart(one, names) for one in apart]


def unlike_rows(forecasts: Forecasts, apart: Sequence[Row]) -> list[Row]:
    """Return one row for each measure whose forecasts are not all alike: who states what, and the pairs it touches."""
    return [
        {
            "measure": one.measure,
            "text": str(one.warning),
            "forecasts": [
                {("levels" if form.levels else "draws"): list(form.levels) or form.width, "forecasters": list(who)}
                for form, who in one.forms
            ],
            "pairs": [row for row in apart if row["of"] == one.measure],
        }
        for one in unlike(forecasts)
    ]


def _apart(one: Apart, names: Sequence[str]) -> Row:
    return {"forecaster": names[one.forecaster], "benchmark": names[one.benchmark], "of": one.measure, **_counts(one)}


def _counts(one: Apart) -> Row:
    counts: Row = {"n_questions": one.n_questions, "n_compared": one.n_compared}
    return counts if one.measure == "crps" else counts | {"levels": [list(levels) for levels in one.levels]}


def _rows(found: Iterable[Pair], names: Sequence[str], differing: Mapping[Key, Apart]) -> Iterator[Row]:
    for pair in found:
        result = pair.compared
        difference = {"mean": result.difference, "low": result.difference_low, "high": result.difference_high}
        row: Row = {
            "measure": "skill",
            "of": pair.measure,
            "timing": "shared_time",
            "grouping": "pair",
            "forecaster": names[pair.forecaster],
            "benchmark": names[pair.benchmark],
            "mean": result.skill,
            "low": result.low,
            "high": result.high,
            "level": result.level,
            "score": result.mean,
            "benchmark_score": result.benchmark_mean,
            "difference": {key: plain_number(value) for key, value in difference.items()},
            "n_questions": result.n,
            "n_forecasts": pair.n_forecasts,
            "n_benchmark_forecasts": pair.n_benchmark_forecasts,
        }
        one = differing.get((pair.forecaster, pair.benchmark, pair.measure))
        yield row if one is None else row | {"unlike": _counts(one)}


DEFAULT_SEED = 1


def score_table(
    columns: Mapping[str, Any] | DataFrame,
    *,
    ordered: bool = False,
    benchmarks: Sequence[str] = (),
    seed: int = DEFAULT_SEED,
    by_question: bool = False,
) -> Row:
    """Score a pandas table, or a mapping of columns, with the columns of docs/table.md. Returned as by `score`.

    Raises:
        WorkspaceProblems: the table holds mistakes.
        ValueError: a benchmark is no forecaster of the table.
    """
    forecasts = from_columns(columns, ordered=ordered)
    return score(forecasts, benchmarks=benchmarks, seed=seed, by_question=by_question)


def score(
    forecasts: Forecasts, *, benchmarks: Sequence[str] = (), seed: int = DEFAULT_SEED, by_question: bool = False
) -> Row:
    """Compute every score of every grouping.

    Args:
        forecasts: of any questions; those that are open or void are counted and not scored.
        benchmarks: forecasters that all others are compared with. Without any, up to COMPARED forecasters are all
            compared with each other.
        seed: of bootstrap and consistency bands.
        by_question: whether each forecaster's scores on each question are wanted too.

    Returns:
        What JSON can hold, in full precision: counts; definitions; `unlike`, what may not be compared; `scores`, one
        object for each measure, timing and group; `questions`, one for each question and forecaster, if they are
        wanted. An infinite number is "Infinity" or "-Infinity", one that is not defined None.

    Raises:
        ValueError: a benchmark is no forecaster of the table.
    """
    if unknown := [name for name in benchmarks if name not in forecasts.forecasters]:
        msg = f"no forecaster is called {unknown}"
        raise ValueError(msg)
    known = resolved(forecasts)
    scored, gathered = per_forecast(known), answers(known)
    series = all_series(gathered, scored)
    skill, apart = skill_rows(known, gathered, scored, benchmarks, seed)
    resolutions = [one.resolution for one in forecasts.questions]
    rows = [
        *_means(known, gathered, series),
        *_auc_and_corp(known, scored, seed),
        *skill,
    ]
    used = {row["measure"] for row in rows}
    return {
        "seed": seed,
        "level": LEVEL,
        "n_questions": {kind: resolutions.count(kind) for kind in ("resolved", "open", "void")},
        "n_forecasts": int(known.question.size),
        "definitions": {
            name: {"text": one.text, "range": one.span, "better": one.better, "source": one.source}
            for name, one in MEASURES.items()
            if name in used
        },
        "timings": dict(TIMINGS),
        "groupings": dict(GROUPINGS),
        "unlike": unlike_rows(forecasts, apart),
        "scores": [plain(row) for row in rows],
    } | ({"questions": [plain(row) for row in _questions(known, gathered, series)]} if by_question else {})


def _means(forecasts: Forecasts, gathered: ForecasterAnswers, series: Sequence[Series]) -> Iterator[Row]:
    for grouping in groupings(forecasts, gathered):
        for one in series:
            if one.timing in grouping.timings:
                yield from _by_group(one, grouping, gathered)


def _by_group(series: Series, grouping: Grouping, gathered: ForecasterAnswers) -> Iterator[Row]:
    """Yield the mean of a series in each group that has any."""
    by_forecast = series.timing == "each"
    group = grouping.of_forecast if by_forecast else grouping.of_answer
    counted = np.flatnonzero(series.applies & (group >= 0))
    n_groups = len(grouping.labels)
    if not counted.size:
        return
    found = means(series.scores[counted], group[counted], n_groups)
    clips = {clip: means(scores[counted], group[counted], n_groups) for clip, scores in series.clipped.items()}
    answer = gathered.of[counted] if by_forecast else counted
    n_questions = different(group[counted], answer, n_groups) if by_forecast else found.n
    weights = None if by_forecast else gathered.n_forecasts[counted].astype(float)
    n_forecasts = np.bincount(group[counted], weights, minlength=n_groups)
    coverage = np.bincount(group[counted], gathered.coverage[answer], minlength=n_groups)
    for at in np.flatnonzero(found.n).tolist():
        row: Row = {
            "measure": series.measure,
            "timing": series.timing,
            "grouping": grouping.name,
            **grouping.labels[at],
        }
        row |= {"mean": float(found.mean[at]), "n_questions": int(n_questions[at]), "n_forecasts": int(n_forecasts[at])}
        if series.clipped:
            row["infinite"] = int(found.infinite[at])
            row["clipped"] = {str(clip): float(one.mean[at]) for clip, one in clips.items()}
        if series.timing == "time_weighted":
            row["coverage"] = float(coverage[at] / found.n[at])
        yield row


def _auc_and_corp(forecasts: Forecasts, scored: ForecastScores, seed: int) -> Iterator[Row]:
    """Yield what takes all yes-or-no forecasts of a forecaster together."""
    yes_no = ~np.isnan(scored.p_yes)
    for place, name in enumerate(forecasts.forecasters):
        chosen = np.flatnonzero(yes_no & (forecasts.forecaster == place))
        if not chosen.size:
            continue
        p, happened, question = scored.p_yes[chosen], scored.happened[chosen], forecasts.question[chosen]
        head = {"timing": "each", "grouping": "forecaster", "forecaster": name}
        counts = {"n_questions": int(np.unique(question).size), "n_forecasts": int(chosen.size)}
        yield {"measure": "auc", **head, "mean": auc(p, happened), **counts}
        parts = decomposition(p, happened)
        yield {
            "measure": "corp",
            **head,
            "score": parts.score,
            "miscalibration": parts.miscalibration,
            "discrimination": parts.discrimination,
            "uncertainty": parts.uncertainty,
            **counts,
            "bins": [asdict(one) for one in reliability(p, happened, question, np.random.default_rng(seed))],
        }


def _questions(forecasts: Forecasts, gathered: ForecasterAnswers, series: Sequence[Series]) -> Iterator[Row]:
    """Yield the scores of each forecaster on each question."""
    of_answers = [
        (f"{one.measure}.{one.timing}", one.applies.tolist(), one.scores.tolist())
        for one in series
        if one.timing != "each"
    ]
    questions = [forecasts.questions[place] for place in gathered.question.tolist()]
    counts, coverage = gathered.n_forecasts.tolist(), gathered.coverage.tolist()
    for at, (question, forecaster) in enumerate(zip(questions, gathered.forecaster.tolist(), strict=True)):
        row: Row = {"question": question.name, "forecaster": forecasts.forecasters[forecaster]}
        if question.topic:
            row["topic"] = question.topic
        row |= {"outcome": _outcome(question.outcome, question.options), "n_forecasts": counts[at]}
        row["coverage"] = coverage[at]
        yield row | {name: scores[at] for name, applies, scores in of_answers if applies[at]}


def _outcome(outcome: float | None, options: tuple[str, ...]) -> float | int | str | None:
    if outcome is None or not options:
        return outcome
    return int(outcome) if options == ("no", "yes") else options[int(outcome)]
