"""Scoring rules: a probability, probabilities of states, or a distribution against what happened. Lower is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.scoring.cells import Floats, Ints, Mask, runs
from forecast.scoring.rows import MICROSECONDS_A_DAY, Forecasts

Array = NDArray[np.float64]


def brier_score(p_event: ArrayLike, outcome: ArrayLike) -> Array:
    """Compute the Brier score (p - o)^2 of each forecast, from 0 to 1; a constant 1/2 scores .25.

    Half of the sum over both outcomes that Brier wrote down, which goes from 0 to 2.

    Args:
        p_event: (n,) probabilities that the event happens.
        outcome: (n,) 1 where it happened, 0 where it did not.

    Source: Brier (1950).
    """
    return np.asarray(np.square(np.asarray(p_event, dtype=float) - np.asarray(outcome, dtype=float)))


def log_score(p_event: ArrayLike, outcome: ArrayLike) -> Array:
    """Compute the logarithmic score -ln P(what happened) of each forecast; a constant 1/2 scores .693.

    Infinite for a forecast that had ruled out what happened.

    Args:
        p_event: (n,) probabilities that the event happens.
        outcome: (n,) 1 where it happened, 0 where it did not.

    Source: Good (1952).
    """
    p = np.asarray(p_event, dtype=float)
    with np.errstate(divide="ignore"):  # an infinite score is the score of a certainty that was wrong
        return np.asarray(-np.log(np.where(np.asarray(outcome) == 1, p, 1.0 - p)))


# By the name that they have in every table.
BINARY_SCORES: Mapping[str, Callable[[Any, Any], Array]] = {"brier": brier_score, "log": log_score}


def brier_sum(probabilities: Floats, outcome: Ints) -> Floats:
    """Compute the Brier score in its summed form, sum over states of (p - o)^2, from 0 to 2 (lower is better).

    For two states it is twice (p - o)^2.

    Args:
        probabilities: (n, K).
        outcome: (n,) the place of the state that came true.

    Source: Brier (1950).
    """
    happened = np.arange(probabilities.shape[1]) == outcome[:, np.newaxis]
    return np.asarray(np.square(probabilities - happened).sum(axis=1))


def ranked_probability_score(probabilities: Floats, outcome: Ints) -> Floats:
    """Compute the ranked probability score of ordered states, divided by K - 1: from 0 to 1 (lower is better).

    The mean of the Brier scores (0 to 1) of the K - 1 questions "at most state k".

    Args:
        probabilities: (n, K), the states in their order.
        outcome: (n,) the place of the state that came true.

    Source: Epstein (1969); divided as in Murphy (1971).
    """
    at_most = np.cumsum(probabilities, axis=1)[:, :-1]
    happened = np.arange(at_most.shape[1]) >= outcome[:, np.newaxis]
    return np.asarray(np.square(at_most - happened).mean(axis=1))


def crps_of_draws(draws: Floats, outcome: Floats) -> Floats:
    """Compute the CRPS of the empirical distribution of m draws, E|X - y| - E|X - X'| / 2.

    In its quantile form: 2/m times the sum of the pinball losses of the draws in order at levels (i - 1/2)/m. Nothing
    is corrected for the number of draws: the distribution that is scored is the one that was handed in.

    Args:
        draws: (n, m), rising along the last axis.
        outcome: (n,) what came true.

    Source: Laio and Tamea (2007); Jordan, Krueger and Lerch (2019), section 2.
    """
    m = draws.shape[1]
    return crps_of_quantiles(draws, (np.arange(m) + 0.5) / m, outcome)


def fair_crps_of_draws(draws: Floats, outcome: Floats) -> Floats:
    """Compute the fair CRPS of m draws: E|X - y| less half the mean distance of the m (m - 1) pairs of two draws.

    Its expectation is the CRPS of the distribution that independent draws come from, whatever their number. NaN of a
    single draw, which has no pair. Never negative.

    Args:
        draws: (n, m), rising along the last axis.
        outcome: (n,) what came true.

    Source: Ferro (2014); Ferro, Richardson and Weigel (2008).
    """
    m = draws.shape[1]
    if m == 1:
        return np.full(outcome.size, np.nan)
    off = draws - outcome[:, np.newaxis]
    # The distances of all pairs, from draws in order: each lies above i of them and below m - 1 - i.
    apart = off @ (2.0 * np.arange(m) - (m - 1.0)) / (m * (m - 1.0))
    # Two draws on either side of the outcome score 0, which rounding must not take below it.
    return np.asarray(np.maximum(np.abs(off).mean(axis=1) - apart, 0.0))


def crps_of_quantiles(quantiles: Floats, levels: Floats, outcome: Floats) -> Floats:
    """Compute twice the mean pinball loss over the levels, which approximates the CRPS.

    The nearer, the more levels there are and the more evenly they lie; at other levels it is another score. With the
    median and levels in pairs around it it is the weighted interval score.

    Args:
        quantiles: (n, m), rising along the last axis.
        levels: (m,) between 0 and 1.
        outcome: (n,) what came true.

    Source: Gneiting and Raftery (2007), section 6; Bracher, Ray, Gneiting and Reich (2021).
    """
    return np.asarray(2.0 * pinball_loss(quantiles, levels, outcome[:, np.newaxis]).mean(axis=1))


def crps_of_distribution(values: Floats, at_most: Floats, outcome: float, *, whole_days: bool) -> Floats:
    """Compute the CRPS of distribution functions between the ends of what is stated, in the unit of the values.

    The squared distance of the function from the step at the outcome: of a date of whole days summed over the days, the
    first and the last included; of a number, or of moments, integrated. The function is linear between the values, on
    days too. It is the CRPS of the quantity moved to the ends where it lies beyond them, and proper.

    Args:
        values: (m,) rising; of days whole numbers.
        at_most: (n, m) P(at most each value) by n forecasts of one question.
        outcome: what came true.
        whole_days: whether the quantity is a day, whose probability is that of its end.

    Returns:
        (n,) scores, 0 for who was certain of the outcome.

    Source: Matheson and Winkler (1976); restricted to a range as in Gneiting and Ranjan (2011).
    """
    # Up to here the step is 0: of days, to the end of the day before the outcome.
    last = np.floor(outcome) - 1.0 if whole_days else outcome
    edges = np.unique(np.append(values, last)) if values[0] < last < values[-1] else values
    place = np.clip(np.searchsorted(values, edges, side="right") - 1, 0, values.size - 2)
    part = (edges - values[place]) / (values[place + 1] - values[place])
    each = at_most[:, place] * (1.0 - part) + at_most[:, place + 1] * part
    step = (edges[:-1] >= last).astype(float)
    low, high = each[:, :-1] - step, each[:, 1:] - step
    if not whole_days:
        # The integral of the square of a line over a stretch, by its values at both ends.
        return np.asarray((low * low + low * high + high * high) @ np.diff(edges) / 3.0)
    # The sum of (low + j rise)^2 over the days j = 1 ... n of a stretch, and the first day of all.
    n = np.diff(edges)
    rise = (high - low) / n
    stretches = n * low**2 + n * (n + 1.0) * low * rise + n * (n + 1.0) * (2.0 * n + 1.0) / 6.0 * rise**2
    return np.asarray(np.square(at_most[:, 0] - float(values[0] > last)) + stretches.sum(axis=1))


def bin_of_outcome(values: Floats, outcome: float) -> int:
    """Return in which of the bins that m rising values part a number lies: 0 below the first, m above the last.

    Bins hold their upper end; the first between two values holds both of its ends (Metaculus).
    """
    if outcome < values[0]:
        return 0
    return max(1, int(np.searchsorted(values, outcome, side="left")))


def pinball_loss(quantiles: Floats, levels: Floats, outcome: Floats) -> Floats:
    """Compute the pinball loss of quantiles at their levels, arrays that broadcast: level or 1 - level per unit off.

    Source: Koenker and Bassett (1978).
    """
    beyond = outcome - quantiles
    return np.where(beyond >= 0.0, levels * beyond, (levels - 1.0) * beyond)


# Answers: one forecaster on one question over time, each forecast standing until the next; peer scores of them.


@dataclass(frozen=True)
class ForecasterAnswers:
    """a answers, of which n forecasts are made.

    `question`, `forecaster`, `closes`, `first`, `last` (a,): whose it is, when its question closes, and its first and
    last forecast; `n_forecasts` (a,);
    `window_days` (a,) from the opening to the scheduled close (the close, where none is given), `coverage` (a,) the
    share of it in which a forecast stands; `stays` (a,) whether one does at the close. `of`
    (n,) is the answer of a forecast, `begins` and `ends` (n,) between which moments it stands (microseconds since
    1970): until it is withdrawn, the next one or the close. `days` (n,) is how long that is, `withdrawn` (n,) whether
    none stands then, and `utc_days` (n,) on how many days of the calendar it is the latest one.
    """

    question: Ints
    forecaster: Ints
    closes: Ints
    first: Ints
    last: Ints
    n_forecasts: Ints
    window_days: Floats
    coverage: Floats
    stays: Mask
    of: Ints
    begins: Ints
    ends: Ints
    days: Floats
    withdrawn: Mask
    utc_days: Floats

    def spot(self, scores: Floats) -> Floats:
        """(a,) the score (n,) of the forecast that stands at the close; NaN where it was withdrawn."""
        return np.where(self.stays, scores[self.last], np.nan)

    def time_weighted(self, scores: Floats) -> Floats:
        """(a,) the mean of scores (n,) over the time that forecasts stand; NaN where that is not a time."""
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


def answers(forecasts: Forecasts) -> ForecasterAnswers:
    """Gather forecasts, sorted by question, forecaster and time, into answers."""
    n = forecasts.question.size
    starts = runs([forecasts.question, forecasts.forecaster])[1]
    first = np.flatnonzero(starts)
    last = np.append(first[1:], n)[: first.size] - 1
    windows = np.array([question.scheduled_close - question.opens for question in forecasts.questions], dtype=np.int64)
    closes, time = forecasts.closes, forecasts.time
    ends = closes.copy()
    ends[:-1] = np.where(starts[1:], closes[:-1], time[1:])
    withdrawn = forecasts.until < ends
    ends = np.minimum(ends, forecasts.until)
    # The last day is the one that holds the last moment before the close.
    day, after_last = time // MICROSECONDS_A_DAY, (closes - 1) // MICROSECONDS_A_DAY + 1
    next_day = after_last.copy()
    next_day[:-1] = np.where(starts[1:], after_last[:-1], np.minimum(day[1:], after_last[1:]))
    next_day = np.minimum(next_day, (ends - 1) // MICROSECONDS_A_DAY + 1)
    window = windows[forecasts.question[first]]
    return ForecasterAnswers(
        question=forecasts.question[first],
        forecaster=forecasts.forecaster[first],
        closes=closes[first],
        first=first,
        last=last,
        n_forecasts=last - first + 1,
        window_days=window / MICROSECONDS_A_DAY,
        coverage=(np.add.reduceat(ends - time, first) if n else first) / window,
        stays=forecasts.until[last] > closes[last],
        of=np.cumsum(starts) - 1,
        begins=time,
        ends=ends,
        days=(ends - time) / MICROSECONDS_A_DAY,
        withdrawn=withdrawn,
        utc_days=np.maximum(next_day - day, 0).astype(float),
    )


# Peer score: 100 N/(N-1) ln(p / geometric mean of all N) = 100 (ln p - mean of ln p over the other N-1). Where somebody
# gave 0 to what came true, ln p is -inf: their own score is then -inf, everybody else's +inf; NaN where two such meet.


@dataclass(frozen=True)
class OutcomeLogs:
    """ln of the probabilities that n forecasts gave to what came true, -inf allowed.

    `absent` (n,) are forecasts from when that was no option: what they gave to `other` counts for it. `other` (n,) is
    ln of what each gave to `other`. While a forecast stands that does not know the option, the geometric mean is that
    of everybody's `other`, as on Metaculus.
    """

    own: Floats
    other: Floats
    absent: Mask


def spot_peer(answers: ForecasterAnswers, logs: OutcomeLogs) -> Floats:
    """Compute the peer score of each answer at the close (higher is better); NaN where nobody else answered.

    Who alone still stands then scores 0; NaN of a forecast that was withdrawn.

    Args:
        answers: a answers, whose last forecasts stand at the close unless they were withdrawn.
        logs: of the n forecasts.

    Returns:
        (a,) scores; where all know the same options, those of one question add up to 0.

    Source: Metaculus, scores FAQ.
    """
    stays, last, question = answers.stays, answers.last, answers.question
    own = np.where(stays, logs.own[last], 0.0)  # who has left counts nowhere
    mixed = np.bincount(question, stays & logs.absent[last])[question] > 0.0
    said = np.where(stays & mixed, logs.other[last], own)
    infinite, out = np.isneginf(said), np.isneginf(own)
    n_all = np.bincount(question, stays)[question]
    several = np.bincount(question)[question] > 1
    total = np.bincount(question, np.where(infinite, 0.0, said))[question]
    n_infinite = np.bincount(question, infinite)[question]
    others = np.maximum(n_all - 1.0, 1.0)
    score = 100.0 * (n_all * np.where(out, 0.0, own) - total) / others
    own_part = ~mixed | logs.absent[last]
    against = np.where(n_infinite > own_part, np.nan, -np.inf)
    score = np.where(out, against, np.where(n_infinite > 0, np.inf, score))
    return np.where(several & stays, np.where(n_all > 1.0, score, 0.0), np.nan)


def time_weighted_peer(answers: ForecasterAnswers, logs: OutcomeLogs) -> Floats:
    """Compute the mean of the peer score over the window of its question, 0 while absent or alone (higher is better).

    The window goes to the scheduled close; after an early close the score is 0, and so it is after everybody left.

    Coverage is thus part of it. NaN where nobody else ever answered the question.

    Args:
        answers: a answers with the times between which their n forecasts stand.
        logs: as in `spot_peer`.

    Returns:
        (a,) scores; where all know the same options, those of one question add up to 0.

    Source: Metaculus, scores FAQ.
    """
    ruled_out, other_out = np.isneginf(logs.own), np.isneginf(logs.other)
    finite = np.where(ruled_out, 0.0, logs.own)
    line = _TimeLine(answers)
    n_standing = line.standing(np.ones(finite.size))
    together = n_standing > 1.0
    others = np.where(together, n_standing - 1.0, 1.0)
    total, n_out = line.standing(finite), line.standing(ruled_out.astype(float))
    mixed = np.zeros(total.size, dtype=bool)
    if logs.absent.any():
        mixed = line.standing(logs.absent.astype(float)) > 0.0
        total = np.where(mixed, line.standing(np.where(other_out, 0.0, logs.other)), total)
        n_out = np.where(mixed, line.standing(other_out.astype(float)), n_out)
    # While a forecast stands: 100 (N ln p - sum of all ln p) / (N - 1), integrated over the time that others stand too.
    own = line.integral(np.where(together, n_standing / others, 0.0))
    everybody = line.integral(np.where(together, total / others, 0.0))
    parts = 100.0 * (finite * own - everybody)
    undefined = line.ever(together & (n_out > 1.0))
    undefined |= ~logs.absent & line.ever(together & mixed & (n_out > 0.0))
    against_out = np.where(undefined, np.nan, np.where(line.ever(together), -np.inf, 0.0))
    parts = np.where(ruled_out, against_out, np.where(line.ever(together & (n_out > 0.0)), np.inf, parts))
    with np.errstate(invalid="ignore"):  # infinite for some of the time and minus infinite for some: not defined
        sums = np.add.reduceat(parts, answers.first) if parts.size else parts
    several = np.bincount(answers.question)[answers.question] > 1
    return np.where(several, sums / answers.window_days, np.nan)


class _TimeLine:
    """The m moments at which anything changes on any question, by question and time; n forecasts stand between them."""

    def __init__(self, answers: ForecasterAnswers) -> None:
        n = answers.of.size
        of_forecast = answers.question[answers.of]
        gone = np.flatnonzero(answers.withdrawn)
        question = np.append(of_forecast, of_forecast[gone])
        order, starts = runs([question, np.append(answers.begins, answers.ends[gone])])
        moment = np.empty(order.size, dtype=np.int64)
        moment[order] = np.cumsum(starts) - 1
        is_last = np.zeros(n, dtype=bool)
        is_last[answers.last] = True
        firsts = order[starts]  # one change of each moment
        self._opening = runs([question[firsts]])[1]
        behind = np.append(np.flatnonzero(self._opening)[1:], firsts.size)[np.cumsum(self._opening) - 1]
        # A forecast stands until it is withdrawn, the moment of the answer's next one, or until behind its question's
        # last moment.
        self._begin = moment[:n]
        self._end = np.where(is_last, behind[self._begin], np.append(self._begin[1:], 0))
        self._end[gone] = moment[n:]
        # What ends at a moment is taken away there; of an answer that goes on, the next forecast begins there too.
        self._gone, self._follows = gone, np.flatnonzero(~is_last & ~answers.withdrawn)
        self._order = order
        self._moment_in_order = moment[order]
        closes = answers.closes[answers.of]
        closing = np.append(closes, closes[gone])[firsts]
        at = np.append(answers.begins, answers.ends[gone])[firsts]
        ends = closing.copy()
        ends[:-1] = np.where(self._opening[1:], closing[:-1], at[1:])
        self._lengths: Ints = ends - at  # microseconds

    def standing(self, amounts: Floats) -> Floats:
        """(m,) the sum of amounts (n,) over the forecasts that stand from each moment on."""
        changes = amounts.copy()
        changes[self._follows + 1] -= amounts[self._follows]
        changes = np.append(changes, -amounts[self._gone])
        by_moment = np.bincount(self._moment_in_order, changes[self._order], minlength=self._opening.size)
        summed = np.append(0.0, np.cumsum(by_moment))
        starts = np.flatnonzero(self._opening)
        return np.asarray(summed[1:] - np.repeat(summed[starts], np.diff(np.append(starts, by_moment.size))))

    def integral(self, rates: Floats) -> Floats:
        """(n,) the integral of rates (m,), in days, over the time that each forecast stands."""
        summed = np.append(0.0, np.cumsum(rates * (self._lengths / MICROSECONDS_A_DAY)))
        return np.asarray(summed[self._end] - summed[self._begin])

    def ever(self, holds: Mask) -> Mask:
        """(n,) whether what holds from some moments (m,) on does so for any time that each forecast stands."""
        summed = np.append(0, np.cumsum(np.where(holds, self._lengths, 0)))  # whole numbers: nothing is rounded away
        return np.asarray(summed[self._end] > summed[self._begin])
