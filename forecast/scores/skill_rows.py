"""Comparisons of forecasters as plain values, and what in them is not alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from forecast.scores.alike import stated
from forecast.scores.answers import Answers
from forecast.scores.compare import Apart, Pair, pairs
from forecast.scores.per_forecast import OF_NUMBERS, Scored
from forecast.scores.plain import Row, plain_number
from forecast.scores.table import Forecasts
from forecast.scores.unlike import unlike

COMPARED = 10  # forecasters; more are not all compared with each other unless benchmarks are named
COMPARED_BY = ("brier", "log", "rps", *OF_NUMBERS)

Key = tuple[int, int, str]  # forecaster, benchmark, measure


def skill_rows(
    forecasts: Forecasts, gathered: Answers, scored: Scored, benchmarks: Sequence[str], seed: int
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
