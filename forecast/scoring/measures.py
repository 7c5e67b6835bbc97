"""Every measure: what it is in words, at every timing a column of scores, and the groups that are averaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from forecast.scoring.answers import ForecasterAnswers, spot_peer, time_weighted_peer
from forecast.scoring.cells import Floats, Ints, Mask
from forecast.scoring.per_forecast import CLIPS, ForecastScores, baseline, clipped, minus_log
from forecast.scoring.table import MICROSECONDS_A_DAY, Forecasts

TIMINGS: Mapping[str, str] = {
    "each": "mean over all forecasts, each counted once",
    "spot": "mean over questions of the score of the forecast that stands at the close",
    "time_weighted": "mean over questions of the mean over time; a forecast stands until the forecaster's next one or "
    "the close. Baseline and peer: over the whole window, to the scheduled close where one is given, 0 before the "
    "first forecast and after an early close, so that coverage counts",
    "daily": "mean over questions of the mean over UTC days of the day's latest standing forecast, from the first on "
    "(with Brier 0-2 as the Good Judgment Project did)",
    "shared_time": "mean over questions that both answered of the mean over the time that both forecasts stand; where "
    "that is the close alone, the score there",
}
GROUPINGS: Mapping[str, str] = {
    "forecaster": "everything of one forecaster",
    "topic": "a forecaster's questions of one topic",
    "horizon": "a forecaster's forecasts by the days from forecast to close",
    "pair": "a forecaster and a benchmark, on the questions that both answered",
}
HORIZON_DAYS = (7, 30, 90, 365)  # from forecast to close: where one group ends and the next begins
HORIZONS = ("under 7 days", "7 to 30 days", "30 to 90 days", "90 to 365 days", "365 days and more")


@dataclass(frozen=True)
class Definition:
    """A measure: its name in tables, what it is, its range, whether lower or higher is better, its source."""

    heading: str
    text: str
    span: str
    better: str
    source: str


MEASURES: Mapping[str, Definition] = {
    "brier": Definition(
        "Brier 0-1",
        "(p - o)^2 of yes or no; of several states half of the summed form",
        "0 to 1; always 1/2: .25",
        "lower",
        "Brier (1950), halved",
    ),
    "brier_sum": Definition(
        "Brier 0-2",
        "sum over the options, yes and no or the states, of (p - o)^2",
        "0 to 2; always 1/2: .5",
        "lower",
        "Brier (1950)",
    ),
    "log": Definition(
        "log",
        "-ln of the probability of what came true; infinite where that was 0, and then also with "
        "probabilities moved into [.01, .99] and [.001, .999]",
        "0 to infinity; always 1/2: .693",
        "lower",
        "Good (1952)",
    ),
    "rps": Definition(
        "RPS",
        "ranked probability score of ordered states: squared distances of cumulated probabilities, divided by K - 1",
        "0 to 1",
        "lower",
        "Epstein (1969), Murphy (1971)",
    ),
    "crps": Definition(
        "CRPS",
        "continuous ranked probability score of the empirical distribution of draws, in the quantity's unit",
        "0 to infinity",
        "lower",
        "Matheson and Winkler (1976)",
    ),
    "crps_fair": Definition(
        "fair CRPS",
        "CRPS of draws without what their small number adds: an unbiased estimate for the distribution they come from, "
        "if they are independent; none of a single draw",
        "0 to infinity",
        "lower",
        "Ferro (2014)",
    ),
    "crps_quantiles": Definition(
        "CRPS of quantiles",
        "twice the mean pinball loss over the stated levels, an approximation of the CRPS, in the quantity's unit; "
        "to be compared between equal levels alone",
        "0 to infinity",
        "lower",
        "Bracher et al. (2021)",
    ),
    "baseline": Definition(
        "baseline",
        "100 ln(p K) / ln K of the probability of what came true among K options; yes or no: 100 (1 + log2 p)",
        "minus infinity to 100; equal probabilities: 0",
        "higher",
        "Metaculus",
    ),
    "peer": Definition(
        "peer",
        "100 N/(N-1) ln(p / geometric mean of all N) among those who forecast the question at that time; "
        "those of a question add up to 0",
        "unbounded; like the others: 0",
        "higher",
        "Metaculus",
    ),
    "auc": Definition(
        "AUC",
        "chance that a forecast of a question that came true is above one of a question that did not, ties half",
        "0 to 1; blind: .5",
        "higher",
        "Mason and Graham (2002)",
    ),
    "corp": Definition(
        "CORP",
        "Brier 0-1 of all yes-or-no forecasts = MCB - DSC + UNC: miscalibration (lower is better), discrimination "
        "(higher is better), uncertainty of the outcomes; recalibrated by pooling adjacent violators",
        "0 to 1 each",
        "lower",
        "Dimitriadis, Gneiting and Jordan (2021)",
    ),
    "skill": Definition(
        "skill",
        "1 - S / S of the benchmark, on the questions that both answered, each over the time that both forecasts "
        "stood; quantiles at the levels that both state",
        "minus infinity to 1; like the benchmark: 0",
        "higher",
        "Murphy (1988)",
    ),
}


@dataclass(frozen=True)
class Series:
    """Scores by one measure: (n,) of forecasts if `timing` is "each", else (a,) of answers.

    `applies` says where there is a score: among these NaN is one that is not defined. `clipped` holds the same with
    probabilities moved into [clip, 1 - clip], for measures that can be infinite.
    """

    measure: str
    timing: str
    scores: Floats
    applies: Mask
    clipped: Mapping[float, Floats] = field(default_factory=dict)


def all_series(answers: ForecasterAnswers, scored: ForecastScores) -> tuple[Series, ...]:
    """Compute every measure that applies to anything, at every timing."""
    series = [*_plain(answers, scored), *_baseline(answers, scored), *_peer(answers, scored)]
    return tuple(scores for scores in series if scores.applies.any())


def _plain(answers: ForecasterAnswers, scored: ForecastScores) -> Iterator[Series]:
    clipped_logs = {clip: minus_log(clipped(scored.p_outcome, clip)) for clip in CLIPS}
    timings: Mapping[str, Callable[[Floats], Floats]] = {
        "each": np.asarray,
        "spot": answers.spot,
        "time_weighted": answers.time_weighted,
        "daily": answers.daily,
    }
    for measure, each in scored.scores.items():
        for timing, over in timings.items():
            scores = over(each)
            clips = {clip: over(logs) for clip, logs in clipped_logs.items()} if measure == "log" else {}
            yield Series(measure, timing, scores, ~np.isnan(scores), clips)


def _baseline(answers: ForecasterAnswers, scored: ForecastScores) -> Iterator[Series]:
    each = baseline(scored.p_outcome, scored.n_options)
    clips = {clip: baseline(clipped(scored.p_outcome, clip), scored.n_options) for clip in CLIPS}
    applies = ~np.isnan(scored.p_outcome[answers.first])
    for timing, over in (("spot", answers.spot), ("time_weighted", answers.over_window)):
        yield Series("baseline", timing, over(each), applies, {clip: over(one) for clip, one in clips.items()})


def _peer(answers: ForecasterAnswers, scored: ForecastScores) -> Iterator[Series]:
    """Yield peer scores, which apply where several answered a question about options."""
    options = ~np.isnan(scored.p_outcome)
    several = np.bincount(answers.question)[answers.question] > 1 if answers.question.size else np.zeros(0, dtype=bool)
    applies = several & options[answers.first]
    p_outcome = np.where(options, scored.p_outcome, 1.0)  # a question about a number meets no other in any sum
    log_p = -minus_log(p_outcome)
    clips = {clip: -minus_log(clipped(p_outcome, clip)) for clip in CLIPS}
    for timing, over in (("spot", spot_peer), ("time_weighted", time_weighted_peer)):
        scores = over(answers, log_p)
        yield Series("peer", timing, scores, applies, {clip: over(answers, one) for clip, one in clips.items()})


@dataclass(frozen=True)
class Grouping:
    """Groups by what `labels` say. `of_forecast` (n,) and `of_answer` (a,) are places in labels, -1 for no group."""

    name: str
    labels: Sequence[Mapping[str, str]]
    of_forecast: Ints
    of_answer: Ints
    timings: frozenset[str]


def groupings(forecasts: Forecasts, answers: ForecasterAnswers) -> Iterator[Grouping]:
    """Yield the groups by forecaster, by topic where there are any, and by horizon."""
    names = forecasts.forecasters
    by_forecaster = [{"forecaster": name} for name in names]
    every = frozenset({"each", "spot", "time_weighted", "daily"})
    yield Grouping("forecaster", by_forecaster, forecasts.forecaster, answers.forecaster, every)
    topics = sorted({question.topic for question in forecasts.questions} - {""})
    if topics:
        places = {topic: place for place, topic in enumerate(topics)}
        topic = np.array([places.get(question.topic, -1) for question in forecasts.questions], dtype=np.int64)
        of_forecast = _product(forecasts.forecaster, topic[forecasts.question], len(topics))
        of_answer = _product(answers.forecaster, topic[answers.question], len(topics))
        labels = [{"forecaster": name, "topic": topic} for name in names for topic in topics]
        yield Grouping("topic", labels, of_forecast, of_answer, every)
    # Days are whole microseconds until here: a forecast of exactly 7 days falls into the second group.
    ahead = forecasts.closes - forecasts.time
    horizon = np.searchsorted(np.array(HORIZON_DAYS) * MICROSECONDS_A_DAY, ahead, side="right")
    of_forecast = _product(forecasts.forecaster, horizon, len(HORIZONS))
    labels = [{"forecaster": name, "horizon": label} for name in names for label in HORIZONS]
    yield Grouping("horizon", labels, of_forecast, np.full(answers.first.size, -1), frozenset({"each"}))


def _product(forecaster: Ints, part: Ints, n_parts: int) -> Ints:
    return np.where(part >= 0, forecaster * n_parts + part, -1)
