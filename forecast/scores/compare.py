"""Forecasters against benchmarks: on the questions that both answered, over the time that both forecasts stood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecast.scores.answers import Answers
from forecast.scores.cells import Floats, Ints, Mask
from forecast.scores.skill import Compared, compared, resampled_means


@dataclass(frozen=True)
class Pair:
    """What a forecaster and a benchmark made of the questions that both answered, by one measure."""

    forecaster: int
    benchmark: int
    measure: str
    n_forecasts: int
    n_benchmark_forecasts: int
    compared: Compared


@dataclass(frozen=True)
class _Beside:
    """Answers beside those of one benchmark to the same questions.

    `theirs` (a,) is the benchmark's answer to the question of each answer, -1 if there is none; `start` (a,) from when
    both stand; `own` and `others` (a,) by measure the mean scores of both from then on, NaN where there is none.
    """

    theirs: Ints
    start: Ints
    own: Mapping[str, Floats]
    others: Mapping[str, Floats]


def pairs(answers: Answers, scores: Mapping[str, Floats], benchmarks: Sequence[int], seed: int) -> Iterator[Pair]:
    """Yield every forecaster compared with every benchmark, by every measure that applies to a question of both.

    Args:
        answers: a answers made of n forecasts.
        scores: (n,) by measure, NaN where it does not apply.
        benchmarks: which forecasters the others are compared with.
        seed: of the bootstrap over questions; pairs with equally many questions share their resamples.
    """
    for done, benchmark in enumerate(benchmarks):
        beside = _beside(answers, scores, benchmark)
        # What was compared the other way round, with an earlier benchmark, is not computed twice.
        skipped = {benchmark, *benchmarks[:done]}
        for forecaster in sorted(set(answers.forecaster.tolist()) - skipped):
            for measures, places in _alike(beside, answers.forecaster == forecaster):
                found = _pair(answers, beside, (forecaster, benchmark), measures, places, seed)
                yield from (one for one in found if one.benchmark in benchmarks)


def _alike(beside: _Beside, chosen: Mask) -> Iterator[tuple[list[str], Ints]]:
    """Yield measures that apply to the same of the chosen answers (a,), and these: they share their resamples."""
    found: dict[bytes, tuple[list[str], Ints]] = {}
    for name, own in beside.own.items():
        places = np.flatnonzero(chosen & ~np.isnan(own) & ~np.isnan(beside.others[name]))
        if places.size:
            found.setdefault(places.tobytes(), ([], places))[0].append(name)
    yield from found.values()


def _pair(
    answers: Answers, beside: _Beside, who: tuple[int, int], measures: Sequence[str], places: Ints, seed: int
) -> Iterator[Pair]:
    """Yield a forecaster's comparison with a benchmark by each measure, and the benchmark's with the forecaster."""
    columns = np.stack([by[name][places] for name in measures for by in (beside.own, beside.others)], axis=1)
    # Infinite scores have no bootstrap; zeros in their place keep them out of the sums of the other columns.
    resampled = resampled_means(np.where(np.isfinite(columns), columns, 0.0), seed)
    counts = [int(answers.n_forecasts[at].sum()) for at in (places, beside.theirs[places])]
    for at, name in enumerate(measures):
        for first in (0, 1):
            sides = [2 * at + first, 2 * at + 1 - first]
            found = compared(columns[:, sides[0]], columns[:, sides[1]], resampled[:, sides])
            yield Pair(who[first], who[1 - first], name, counts[first], counts[1 - first], found)


def _beside(answers: Answers, scores: Mapping[str, Floats], benchmark: int) -> _Beside:
    of_question = np.full(int(answers.question.max(initial=-1)) + 1, -1, dtype=np.int64)
    chosen = np.flatnonzero(answers.forecaster == benchmark)
    of_question[answers.question[chosen]] = chosen
    theirs = of_question[answers.question]
    begins = answers.begins[answers.first]
    start = np.where(theirs >= 0, np.maximum(begins, begins[theirs]), -1)
    shared = np.flatnonzero(theirs >= 0)
    # Each forecast of the benchmark once for every answer that stands beside it.
    repeats = answers.n_forecasts[theirs[shared]]
    at = np.repeat(shared, repeats)
    row = answers.first[theirs[at]] + np.arange(at.size) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    every = np.arange(answers.of.size)
    own_weights, their_weights = _stands(answers, start, every, answers.of), _stands(answers, start, row, at)
    return _Beside(
        theirs,
        start,
        {name: _mean(each, own_weights, answers.of, start.size) for name, each in scores.items()},
        {name: _mean(each[row], their_weights, at, start.size) for name, each in scores.items()},
    )


def _stands(answers: Answers, start: Ints, row: Ints, at: Ints) -> Floats:
    """Return how long each forecast `row` stands from `start` (a,) of the answer `at` on."""
    stands = np.maximum(answers.ends[row] - np.maximum(answers.begins[row], start[at]), 0).astype(float)
    # Whoever first forecast at the close itself is compared there: the limit of ever shorter times.
    closing = answers.ends[answers.last] == start
    stands[closing[at] & (answers.last[answers.of[row]] == row)] = 1.0
    stands[start[at] < 0] = 0.0
    return stands


def _mean(scores: Floats, weights: Floats, at: Ints, n: int) -> Floats:
    """Return the weighted mean of scores by answer `at`, (n,); NaN where nothing has a weight."""
    total = np.bincount(at, weights, minlength=n)
    parts = np.where(weights > 0.0, scores * np.where(weights > 0.0, weights, 1.0), 0.0)
    return np.where(total > 0.0, np.bincount(at, parts, minlength=n) / np.where(total > 0.0, total, 1.0), np.nan)
