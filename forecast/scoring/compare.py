"""Forecasters against benchmarks: on the questions that both answered, over the time that both forecasts stood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from forecast.scoring.cells import Floats, Ints, Mask, ranges
from forecast.scoring.measures import StatedForms
from forecast.scoring.rules import ForecasterAnswers
from forecast.scoring.sequence import MeanDifference, ScoreDifferences, mean_difference

# Two forecasters on the questions that both answered: differences and skill, with a bootstrap over questions.

Array = NDArray[np.float64]

SKILL_RESAMPLES = 2000
LEVEL = 0.9
QUESTIONS_AT_ONCE = 4_000_000  # resamples times questions held in memory
TAILS = ((1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0)


@dataclass(frozen=True)
class ScoreDifference:
    """Mean of the differences of two scores over `n` questions, with its bootstrap interval at `level`."""

    n: int
    mean: float
    low: float
    high: float
    level: float


def paired_difference(scores: Array, others: Array, rng: np.random.Generator) -> ScoreDifference:
    """Compute the mean of `scores - others` and the percentile interval of its bootstrap over questions.

    Questions are taken as exchangeable: those that share a cause make the true interval wider.

    Args:
        scores: (n,) one score a question, n at least 1.
        others: (n,) the other forecaster's scores of the same questions.
        rng: of the resamples.

    Raises:
        ValueError: there is no question.

    Source: Efron and Tibshirani (1993), section 13.3.
    """
    if not scores.size:
        msg = "a difference needs at least one question"
        raise ValueError(msg)
    differences = scores - others
    resampled = differences[rng.integers(differences.size, size=(SKILL_RESAMPLES, differences.size))].mean(axis=1)
    low, high = np.quantile(resampled, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return ScoreDifference(differences.size, float(differences.mean()), float(low), float(high), LEVEL)


@dataclass(frozen=True)
class Compared:
    """Mean scores of a forecaster and a benchmark over n questions, and 1 - mean / benchmark with its interval.

    NaN where nothing can be said: the benchmark's mean is 0 or infinite, or some resample's is.
    """

    n: int
    mean: float
    benchmark_mean: float
    skill: float
    low: float
    high: float
    difference: float
    difference_low: float
    difference_high: float
    level: float


def resampled_means(scores: Floats, seed: int) -> Floats:
    """Return the means of resamples of questions, (RESAMPLES, k), for k columns of scores (n, k) together.

    Questions are taken as exchangeable: those that share a cause make the true interval wider.

    Raises:
        ValueError: there is no question.

    Source: Efron and Tibshirani (1993), section 13.3.
    """
    if not scores.size:
        msg = "resampling needs at least one question"
        raise ValueError(msg)
    return np.concatenate([shares @ scores for shares in _resamples(scores.shape[0], seed)])


def compared(scores: Floats, benchmark: Floats, resampled: Floats) -> Compared:
    """Compute the skill 1 - S / S_ref and the percentile interval of its paired bootstrap over questions.

    Args:
        scores: (n,) one score a question, lower being better.
        benchmark: (n,) the benchmark's scores of the same questions.
        resampled: (r, 2) their means in r resamples, from `resampled_means`.

    Source: Murphy (1988).
    """
    mean, reference = float(scores.mean()), float(benchmark.mean())
    skill = 1.0 - mean / reference if 0.0 < reference < np.inf else np.nan
    own, others = resampled.T
    interval = difference = (np.nan, np.nan)
    finite = bool(np.isfinite(scores).all() and np.isfinite(benchmark).all())
    if finite:
        low, high = np.quantile(own - others, TAILS).tolist()
        difference = low, high
    if finite and (others > 0.0).all():
        low, high = np.quantile(1.0 - own / others, TAILS).tolist()
        interval = low, high
    both_infinite = np.isinf(mean) and np.isinf(reference)
    off = np.nan if both_infinite else mean - reference
    return Compared(scores.size, mean, reference, skill, *interval, off, *difference, LEVEL)


def _resamples(n: int, seed: int) -> Iterator[Floats]:
    """Yield resamples of n questions, as the share of each question in each of them."""
    step = max(1, QUESTIONS_AT_ONCE // n)
    for begin in range(0, SKILL_RESAMPLES, step):
        yield _shares(n, seed, begin, min(step, SKILL_RESAMPLES - begin))


@lru_cache(maxsize=8)  # forecasters who answered equally many questions are compared on the same resamples
def _shares(n: int, seed: int, begin: int, size: int) -> Floats:
    chosen = np.random.default_rng((seed, begin)).integers(n, size=(size, n), dtype=np.int32)
    chosen += n * np.arange(size, dtype=np.int32)[:, np.newaxis]
    return np.asarray(np.bincount(chosen.ravel(), minlength=size * n).reshape(size, n) / n)


# Measures whose scores are comparable between equal numbers of draws, and between equal levels.
NOT_ALIKE: tuple[str, ...] = ("crps", "crps_quantiles")
WITHIN_ONE = ("brier", "rps")  # measures whose scores lie between 0 and 1


@dataclass(frozen=True)
class ComparedSide:
    """Forecasts of one side of several comparisons: k forecasts `row` (k,), each for as long as `weight` (k,).

    `at` (k,) is the comparison, from 0 to n - 1, that a forecast takes part in.
    """

    row: Ints
    at: Ints
    weight: Floats


@dataclass(frozen=True)
class AtCommonLevels:
    """Mean losses of both sides (n,), NaN where no level is common; `level` (c,) is one that `comparison` (c,) uses."""

    own: Floats
    others: Floats
    comparison: Ints
    level: Ints

    def levels(self, stated: StatedForms) -> dict[int, tuple[float, ...]]:
        """Return the levels that each comparison uses, rising, of those that have any."""
        starts = np.flatnonzero(np.diff(self.comparison, prepend=-1))
        used = np.split(stated.levels[self.level], starts[1:])
        return {at: tuple(one.tolist()) for at, one in zip(self.comparison[starts].tolist(), used, strict=False)}


def at_common_levels(stated: StatedForms, own: ComparedSide, others: ComparedSide, n: int) -> AtCommonLevels:
    """Compute time-weighted means of twice the pinball loss over the levels that all forecasts of both sides state.

    Args:
        stated: what the forecasts consist of, all quantiles.
        own: one side of n comparisons, all weights above 0.
        others: the other side.
        n: how many comparisons there are.
    """
    n_levels = max(stated.levels.size, 1)
    of_own, of_others = _entries(stated, own), _entries(stated, others)
    keys = [at * n_levels + stated.level[entry] for entry, at, _ in (of_own, of_others)]
    pairs, place, counts = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
    # A forecast states a level once: one that as many entries state as there are forecasts is common to all.
    n_forecasts = np.bincount(own.at, minlength=n) + np.bincount(others.at, minlength=n)
    common = counts == n_forecasts[pairs // n_levels]
    n_common = np.bincount(pairs[common] // n_levels, minlength=n)
    used = np.split(common[place], [keys[0].size])

    def mean(side: ComparedSide, entries: tuple[Ints, Ints, Floats], chosen: Ints) -> Floats:
        entry, at, weight = entries
        total = np.bincount(at[chosen], (weight * stated.loss[entry])[chosen], minlength=n)
        weights = np.bincount(side.at, side.weight, minlength=n) * n_common
        return np.where(n_common > 0, total / np.where(n_common > 0, weights, 1.0), np.nan)

    means = mean(own, of_own, np.flatnonzero(used[0])), mean(others, of_others, np.flatnonzero(used[1]))
    return AtCommonLevels(*means, pairs[common] // n_levels, pairs[common] % n_levels)


def _entries(stated: StatedForms, side: ComparedSide) -> tuple[Ints, Ints, Floats]:
    """Return the entries of a side's forecasts, and of each its comparison and weight."""
    width = stated.width[side.row]
    entry = ranges(stated.first[side.row], width)
    return entry, np.repeat(side.at, width), np.repeat(side.weight, width)


@dataclass(frozen=True)
class Heaviest:
    """The question (its number) that the forecaster's mean score rests on most: their scores, and means without it."""

    question: int
    score: float
    benchmark_score: float
    mean_without: float
    benchmark_mean_without: float


@dataclass(frozen=True)
class BenchmarkPair:
    """What a forecaster and a benchmark made of the questions that both answered, by one measure.

    `anytime` is the difference as a confidence sequence over the questions in the order of their ends, of scores that
    lie between 0 and 1; `heaviest` is None of a single question.
    """

    forecaster: int
    benchmark: int
    measure: str
    n_forecasts: int
    n_benchmark_forecasts: int
    compared: Compared
    anytime: MeanDifference | None
    heaviest: Heaviest | None


@dataclass(frozen=True)
class Apart:
    """Questions that two forecasters answered with unlike forecasts: at other levels, or with other numbers of draws.

    Of `n_questions` such questions `n_compared` are compared by `measure`, at the levels that both state; `levels` are
    the different sets of these.
    """

    forecaster: int
    benchmark: int
    measure: str
    n_questions: int
    n_compared: int
    levels: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class _Beside:
    """Answers beside those of one benchmark to the same questions.

    `theirs` (a,) is the benchmark's answer to the question of each answer, -1 if there is none; `own` and `others` (a,)
    by measure the mean scores of both from when both stand on, NaN where there is none. `unlike` (a,) by measure says
    where they are of other levels, or other numbers of draws; `levels` are those in common, by the answer.
    """

    theirs: Ints
    own: Mapping[str, Floats]
    others: Mapping[str, Floats]
    unlike: Mapping[str, Mask]
    levels: Mapping[int, tuple[float, ...]]


def pairs(
    answers: ForecasterAnswers, scores: Mapping[str, Floats], stated: StatedForms, benchmarks: Sequence[int], seed: int
) -> tuple[list[BenchmarkPair], list[Apart]]:
    """Compare every forecaster with every benchmark, by every measure that applies to a question of both.

    Where their quantiles are of other levels, both are scored at the levels that both state; where their draws are of
    other numbers, `crps` does not apply.

    Args:
        answers: a answers made of n forecasts.
        scores: (n,) by measure, NaN where it does not apply.
        stated: what the forecasts consist of.
        benchmarks: which forecasters the others are compared with.
        seed: of the bootstrap over questions; pairs with equally many questions share their resamples.

    Returns:
        The comparisons, and what was unlike in them; of the latter one for both directions.
    """
    compared_pairs: list[BenchmarkPair] = []
    apart: list[Apart] = []
    standing = _Standing(answers)
    for done, benchmark in enumerate(benchmarks):
        beside = _beside(standing, scores, stated, benchmark)
        # What was compared the other way round, with an earlier benchmark, is not computed twice.
        skipped = {benchmark, *benchmarks[:done]}
        for forecaster in sorted(set(answers.forecaster.tolist()) - skipped):
            chosen = answers.forecaster == forecaster
            for measures, places in _alike(beside, chosen):
                of_pair = _pair(answers, beside, (forecaster, benchmark), measures, places, seed)
                compared_pairs += [row for row in of_pair if row.benchmark in benchmarks]
            apart += _apart(beside, (forecaster, benchmark), chosen)
    return compared_pairs, apart


def _apart(beside: _Beside, who: tuple[int, int], chosen: Mask) -> Iterator[Apart]:
    """Yield what is unlike in one pair, by measure."""
    for measure, unlike in beside.unlike.items():
        places = np.flatnonzero(unlike & chosen)
        if places.size:
            levels = {beside.levels[at] for at in places.tolist() if at in beside.levels}
            n_compared = int((~np.isnan(beside.own[measure][places])).sum())
            yield Apart(*who, measure, places.size, n_compared, tuple(sorted(levels)))


def _alike(beside: _Beside, chosen: Mask) -> Iterator[tuple[list[str], Ints]]:
    """Yield measures that apply to the same of the chosen answers (a,), and these: they share their resamples."""
    by_places: dict[bytes, tuple[list[str], Ints]] = {}
    for name, own in beside.own.items():
        places = np.flatnonzero(chosen & ~np.isnan(own) & ~np.isnan(beside.others[name]))
        if places.size:
            by_places.setdefault(places.tobytes(), ([], places))[0].append(name)
    yield from by_places.values()


def _pair(
    answers: ForecasterAnswers, beside: _Beside, who: tuple[int, int], measures: Sequence[str], places: Ints, seed: int
) -> Iterator[BenchmarkPair]:
    """Yield a forecaster's comparison with a benchmark by each measure, and the benchmark's with the forecaster."""
    columns = np.stack([by[name][places] for name in measures for by in (beside.own, beside.others)], axis=1)
    # Infinite scores have no bootstrap; zeros in their place keep them out of the sums of the other columns.
    resampled = resampled_means(np.where(np.isfinite(columns), columns, 0.0), seed)
    counts = [int(answers.n_forecasts[at].sum()) for at in (places, beside.theirs[places])]
    order = np.argsort(answers.ends[answers.last[places]], kind="stable")
    for at, name in enumerate(measures):
        for first in (0, 1):
            sides = [2 * at + first, 2 * at + 1 - first]
            comparison = compared(columns[:, sides[0]], columns[:, sides[1]], resampled[:, sides])
            own, theirs = columns[order][:, sides].T
            anytime = _anytime(own - theirs) if name in WITHIN_ONE else None
            heaviest = _heaviest(answers.question[places[order]], own, theirs)
            yield BenchmarkPair(
                who[first], who[1 - first], name, counts[first], counts[1 - first], comparison, anytime, heaviest
            )


def _anytime(difference: Floats) -> MeanDifference:
    """Return the interval of a mean difference of scores between 0 and 1, whatever forecasts they came from.

    A forecast may have been made when other questions had ended, so that nothing but the range is known before.
    """
    bound = np.ones(difference.size)
    return mean_difference(ScoreDifferences(difference=difference, low=-bound, high=bound), level=LEVEL)


def _heaviest(question: Ints, own: Floats, theirs: Floats) -> Heaviest | None:
    if own.size < 2:
        return None
    at = int(own.argmax())
    rest = np.arange(own.size) != at
    return Heaviest(
        int(question[at]), float(own[at]), float(theirs[at]), float(own[rest].mean()), float(theirs[rest].mean())
    )


def _beside(standing: _Standing, scores: Mapping[str, Floats], stated: StatedForms, benchmark: int) -> _Beside:
    answers = standing.answers
    of_question = np.full(int(answers.question.max(initial=-1)) + 1, -1, dtype=np.int64)
    chosen = np.flatnonzero(answers.forecaster == benchmark)
    of_question[answers.question[chosen]] = chosen
    theirs = of_question[answers.question]
    shared = np.flatnonzero(theirs >= 0)
    # Each forecast of the benchmark once for every answer that stands beside it.
    repeats = answers.n_forecasts[theirs[shared]]
    at = np.repeat(shared, repeats)
    row = ranges(answers.first[theirs[shared]], repeats)
    every = np.arange(answers.of.size)
    size = theirs.size
    beside_ours, beside_theirs = standing.beside(every, theirs[answers.of]), standing.beside(row, at)
    # Where both stand at the close alone they are compared there: the limit of ever shorter times.
    closing = np.bincount(answers.of, beside_ours, minlength=size) == 0.0
    closing &= (theirs >= 0) & answers.stays & answers.stays[theirs]
    for weight, of_row, of in ((beside_ours, every, answers.of), (beside_theirs, row, at)):
        weight[closing[of] & (answers.last[answers.of[of_row]] == of_row)] = 1.0
    ours, against = ComparedSide(every, answers.of, beside_ours), ComparedSide(row, at, beside_theirs)
    own, others = (
        {name: _mean(each[side.row], side.weight, side.at, size) for name, each in scores.items()}
        for side in (ours, against)
    )
    unlike = _unlike(stated, ours, against, size)
    not_alike = {name: unlike & ~np.isnan(own[name]) for name in NOT_ALIKE if name in own}
    not_alike = {name: mask for name, mask in not_alike.items() if mask.any()}
    levels: dict[int, tuple[float, ...]] = {}
    if (mask := not_alike.get("crps")) is not None:
        own["crps"][mask] = others["crps"][mask] = np.nan
    if (mask := not_alike.get("crps_quantiles")) is not None:
        at_common = _at_common_levels(stated, ours, against, mask)
        own["crps_quantiles"][mask], others["crps_quantiles"][mask] = at_common.own[mask], at_common.others[mask]
        levels = at_common.levels(stated)
    return _Beside(theirs, own, others, not_alike, levels)


def _unlike(stated: StatedForms, own: ComparedSide, others: ComparedSide, n: int) -> Mask:
    """Say at which of n answers the forecasts of both sides are not all of one form."""
    lowest, highest = np.full(n, len(stated.forms)), np.full(n, -1)
    if not stated.mixed:
        return highest > lowest
    for side in (own, others):
        stands = side.weight > 0.0
        form, at = stated.form[side.row[stands]], side.at[stands]
        np.minimum.at(lowest, at, form)
        np.maximum.at(highest, at, form)
    return highest > lowest


def _at_common_levels(stated: StatedForms, own: ComparedSide, others: ComparedSide, chosen: Mask) -> AtCommonLevels:
    sides = []
    for side in (own, others):
        kept = np.flatnonzero(chosen[side.at] & (side.weight > 0.0))
        sides.append(ComparedSide(side.row[kept], side.at[kept], side.weight[kept]))
    return at_common_levels(stated, sides[0], sides[1], chosen.size)


class _Standing:
    """For how long forecasts stand while another answer has a forecast that stands, too."""

    def __init__(self, answers: ForecasterAnswers) -> None:
        self.answers = answers
        lengths = answers.ends - answers.begins
        self._before = np.cumsum(lengths) - lengths  # microseconds, over all forecasts before one, of whatever answer
        self._times = np.unique(answers.begins)
        self._keys = answers.of * (self._times.size + 1) + np.searchsorted(self._times, answers.begins)

    def beside(self, row: Ints, answer: Ints) -> Floats:
        """Return for how long each forecast `row` (k,) stands beside those of `answer` (k,); 0 where that is -1."""
        until, since = (self._until(moment[row], answer) for moment in (self.answers.ends, self.answers.begins))
        return np.where(answer >= 0, until - since, 0).astype(float)

    def _until(self, moment: Ints, answer: Ints) -> Ints:
        """Return how long forecasts of an answer have stood until a moment (k,), counted from one origin."""
        there = self.answers
        if not there.withdrawn.any():  # the usual case: from the first forecast on there is always one
            return np.asarray(np.maximum(moment - there.begins[there.first[answer]], 0))
        # The answer's last forecast that begins at the moment or before it; without one, its first.
        key = answer * (self._times.size + 1) + np.searchsorted(self._times, moment, side="right") - 1
        place = np.maximum(np.searchsorted(self._keys, key, side="right") - 1, there.first[answer])
        stood = np.clip(moment - there.begins[place], 0, (there.ends - there.begins)[place])
        return np.asarray(self._before[place] + stood)


def _mean(scores: Floats, weights: Floats, at: Ints, n: int) -> Floats:
    """Return the weighted mean of scores by answer `at`, (n,); NaN where nothing has a weight."""
    total = np.bincount(at, weights, minlength=n)
    parts = np.where(weights > 0.0, scores * np.where(weights > 0.0, weights, 1.0), 0.0)
    return np.where(total > 0.0, np.bincount(at, parts, minlength=n) / np.where(total > 0.0, total, 1.0), np.nan)
