"""Everything that scores say about a table of forecasts, as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.scores.answers import Answers, answers
from forecast.scores.auc import auc
from forecast.scores.corp import LEVEL, decomposition, reliability
from forecast.scores.definitions import GROUPINGS, MEASURES, TIMINGS
from forecast.scores.groupings import Grouping, groupings
from forecast.scores.means import different, means
from forecast.scores.per_forecast import Scored, per_forecast
from forecast.scores.plain import Row, plain
from forecast.scores.read import from_columns
from forecast.scores.series import Series, all_series
from forecast.scores.skill_rows import skill_rows, unlike_rows
from forecast.scores.table import Forecasts, resolved

if TYPE_CHECKING:
    from pandas import DataFrame

DEFAULT_SEED = 1


def score_table(
    columns: Mapping[str, Any] | DataFrame,
    *,
    ordered: bool = False,
    benchmarks: Sequence[str] = (),
    seed: int = DEFAULT_SEED,
    by_question: bool = False,
) -> Row:
    """Score a pandas table, or a mapping of columns, with the columns of docs/scores.md. Returned as by `score`.

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


def _means(forecasts: Forecasts, gathered: Answers, series: Sequence[Series]) -> Iterator[Row]:
    for grouping in groupings(forecasts, gathered):
        for one in series:
            if one.timing in grouping.timings:
                yield from _by_group(one, grouping, gathered)


def _by_group(series: Series, grouping: Grouping, gathered: Answers) -> Iterator[Row]:
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


def _auc_and_corp(forecasts: Forecasts, scored: Scored, seed: int) -> Iterator[Row]:
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


def _questions(forecasts: Forecasts, gathered: Answers, series: Sequence[Series]) -> Iterator[Row]:
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
