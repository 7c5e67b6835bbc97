"""Every measure at every timing, as one column of scores each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from forecast.scores.answers import Answers
from forecast.scores.cells import Floats, Mask
from forecast.scores.peer import spot_peer, time_weighted_peer
from forecast.scores.per_forecast import CLIPS, Scored, baseline, clipped, minus_log


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


def all_series(answers: Answers, scored: Scored) -> tuple[Series, ...]:
    """Compute every measure that applies to anything, at every timing."""
    found = [*_plain(answers, scored), *_baseline(answers, scored), *_peer(answers, scored)]
    return tuple(one for one in found if one.applies.any())


def _plain(answers: Answers, scored: Scored) -> Iterator[Series]:
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


def _baseline(answers: Answers, scored: Scored) -> Iterator[Series]:
    each = baseline(scored.p_outcome, scored.n_options)
    clips = {clip: baseline(clipped(scored.p_outcome, clip), scored.n_options) for clip in CLIPS}
    applies = ~np.isnan(scored.p_outcome[answers.first])
    for timing, over in (("spot", answers.spot), ("time_weighted", answers.over_window)):
        yield Series("baseline", timing, over(each), applies, {clip: over(one) for clip, one in clips.items()})


def _peer(answers: Answers, scored: Scored) -> Iterator[Series]:
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
