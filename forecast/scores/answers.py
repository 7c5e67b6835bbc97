"""Answers: the forecasts of one forecaster on one question, each standing until the next one or the close."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.scores.cells import Floats, Ints
from forecast.scores.runs import runs
from forecast.scores.table import MICROSECONDS_A_DAY, Forecasts


@dataclass(frozen=True)
class Answers:
    """a answers, of which n forecasts are made.

    `question`, `forecaster`, `first`, `last` (a,): whose it is, and its first and last forecast; `n_forecasts` (a,);
    `window_days` (a,) from the opening to the scheduled close (the close, where none is given), `coverage` (a,) the
    share of it from the first forecast to the close. `of`
    (n,) is the answer of a forecast, `begins` and `ends` (n,) between which moments it stands (microseconds since
    1970), `days` (n,) how long that is, and `utc_days` (n,) on how many days of the calendar it is the latest one.
    """

    question: Ints
    forecaster: Ints
    first: Ints
    last: Ints
    n_forecasts: Ints
    window_days: Floats
    coverage: Floats
    of: Ints
    begins: Ints
    ends: Ints
    days: Floats
    utc_days: Floats

    def spot(self, scores: Floats) -> Floats:
        """(a,) the score (n,) of the forecast that stands at the close."""
        return scores[self.last]

    def time_weighted(self, scores: Floats) -> Floats:
        """(a,) the mean of scores (n,) from the first forecast to the close; NaN where that is no time."""
        return self._weighted(scores, self.days)

    def over_window(self, scores: Floats) -> Floats:
        """(a,) the mean of scores (n,) over the whole window, 0 while no forecast stands: coverage counts."""
        return self._summed(scores, self.days) / self.window_days

    def daily(self, scores: Floats) -> Floats:
        """(a,) the mean over UTC days of the score (n,) of the day's latest forecast; NaN without a day."""
        return self._weighted(scores, self.utc_days)

    def _summed(self, scores: Floats, weights: Floats) -> Floats:
        # A forecast that stood for no time has no part, not even with an infinite score.
        parts = np.where(weights > 0.0, scores * np.where(weights > 0.0, weights, 1.0), 0.0)
        return np.add.reduceat(parts, self.first) if parts.size else parts

    def _weighted(self, scores: Floats, weights: Floats) -> Floats:
        total = np.add.reduceat(weights, self.first) if weights.size else weights
        # A mean over no time is none; NaN says so.
        return np.where(total > 0.0, self._summed(scores, weights) / np.where(total > 0.0, total, 1.0), np.nan)


def answers(forecasts: Forecasts) -> Answers:
    """Gather forecasts, sorted by question, forecaster and time, into answers."""
    n = forecasts.question.size
    starts = runs([forecasts.question, forecasts.forecaster])[1]
    first = np.flatnonzero(starts)
    last = np.append(first[1:], n)[: first.size] - 1
    windows = np.array([one.scheduled_close - one.opens for one in forecasts.questions], dtype=np.int64)
    closes, time = forecasts.closes, forecasts.time
    ends = closes.copy()
    ends[:-1] = np.where(starts[1:], closes[:-1], time[1:])
    # The last day is the one that holds the last moment before the close.
    day, after_last = time // MICROSECONDS_A_DAY, (closes - 1) // MICROSECONDS_A_DAY + 1
    next_day = after_last.copy()
    next_day[:-1] = np.where(starts[1:], after_last[:-1], np.minimum(day[1:], after_last[1:]))
    window = windows[forecasts.question[first]]
    return Answers(
        question=forecasts.question[first],
        forecaster=forecasts.forecaster[first],
        first=first,
        last=last,
        n_forecasts=last - first + 1,
        window_days=window / MICROSECONDS_A_DAY,
        coverage=(closes - time)[first] / window,
        of=np.cumsum(starts) - 1,
        begins=time,
        ends=ends,
        days=(ends - time) / MICROSECONDS_A_DAY,
        utc_days=np.maximum(next_day - day, 0).astype(float),
    )
