"""How far two forecasters' mean scores are apart, with an interval that holds however often somebody looks.

Source: Choe and Ramdas (2023), "Comparing sequential forecasters", theorem 2: the empirical-Bernstein confidence
sequence of the mean conditional score difference; with Howard, Ramdas, McAuliffe and Sekhon (2021), "Time-uniform,
nonparametric, nonasymptotic confidence sequences", theorem 4 and section 3.2, for the mixture over rates.

The scores of a time are one difference, bounded by what is known before its outcomes are. No assumption is made about
how outcomes hang together: neither those of one time, which are averaged, nor those of one time with those before. What
is covered is the mean, over the times so far, of the difference that was to be expected at each time, given all that
was known at the time before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVEL = 0.9
N_RATES = 24  # each a factor of the square root of one half below the one before
LARGEST = 0.9  # of the first rate, in units of one over the first bound: at 1 the bound of theorem 4 is infinite
STEPS, TOLERANCE = 50, 1e-12  # of Newton's method; ten steps are usual
MOST_TIMES = 100_000  # beyond so many nobody waits


@dataclass(frozen=True, kw_only=True)
class ScoreDifferences:
    """Differences of scores (times), each with the least and the largest that it could have been.

    `low` and `high` (times) are known before the outcomes of the time: for two forecasts of yes or no they follow from
    the forecasts. Zero lies between them.
    """

    difference: Array
    low: Array
    high: Array

    def of(self, times: Sequence[int]) -> ScoreDifferences:
        """Return those of some times alone."""
        at = np.asarray(times, dtype=np.intp)
        return ScoreDifferences(difference=self.difference[at], low=self.low[at], high=self.high[at])


@dataclass(frozen=True, kw_only=True)
class MeanDifference:
    """A mean difference, the ends of its interval, and how many more times like these would tell.

    `more` is 0 where the interval leaves out zero, None where no number of such times would do.
    """

    mean: float
    low: float
    high: float
    n_times: int
    more: int | None


def mean_difference(said: ScoreDifferences, *, lag: int = 1, level: float = LEVEL) -> MeanDifference:
    """Compute the interval of the mean difference after the last of at least one time.

    Args:
        said: the differences, in the order of time.
        lag: how many times before its own a forecast is made. The windows of neighbouring times then overlap, so that a
            sequence is made of every `lag`-th time, each of which begins when the one before has ended. There are
            `lag` of them, each at 1 - (1 - level) / lag, and their ends are averaged.
        level: the chance, at least, that the interval holds what it is of after every time.

    Raises ValueError where there is no time.
    """
    low, high = ends(said, lag=lag, level=level)
    n = said.difference.size
    more = 0 if low > 0.0 or high < 0.0 else _more(_clocks(said, lag), (1.0 - level) / min(lag, n))
    return MeanDifference(mean=float(said.difference.mean()), low=low, high=high, n_times=n, more=more)


def ends(said: ScoreDifferences, *, lag: int = 1, level: float = LEVEL) -> tuple[float, float]:
    """Compute the ends of the interval alone, as `mean_difference`. Raises ValueError where there is no time."""
    n = said.difference.size
    if not n:
        msg = "a mean of no differences"
        raise ValueError(msg)
    clocks = _clocks(said, lag)
    of_clocks = [interval(clock, (1.0 - level) / len(clocks)) for clock in clocks]
    shares = [clock.difference.size / n for clock in clocks]
    low, high = (sum(share * end[side] for share, end in zip(shares, of_clocks, strict=True)) for side in (0, 1))
    return low, high


def _clocks(said: ScoreDifferences, lag: int) -> list[ScoreDifferences]:
    return [said.of(range(first, said.difference.size, lag)) for first in range(min(lag, said.difference.size))]


def interval(said: ScoreDifferences, alpha: float) -> tuple[float, float]:
    """Compute the ends of the confidence sequence of one clock after its last time; each end errs with alpha / 2."""
    n, total = said.difference.size, float(said.difference.sum())
    below, above = (_gap(side, log(2.0 / alpha), 1.0) for side in _sides(said))
    # What could have been at all is known before any outcome, so it bounds the mean with certainty.
    low = max(float(said.low.mean()), (total - below) / n)
    high = min(float(said.high.mean()), (total + above) / n)
    return low, high


@dataclass(frozen=True)
class _Side:
    """The mixture that one end comes from: the logs of the weights, the rates, and the variance term of each."""

    log_weights: Array
    rates: Array
    spent: Array


def _sides(said: ScoreDifferences) -> tuple[_Side, _Side]:
    """Return the mixtures of the lower and of the upper end."""
    guess = _guesses(said)
    return _side(said.difference - guess, guess - said.low), _side(guess - said.difference, said.high - guess)


def _guesses(said: ScoreDifferences) -> Array:
    """Return what each difference was expected to be: the mean of those before it, as far as it can be that."""
    before = np.concatenate([[0.0], np.cumsum(said.difference)[:-1]]) / np.maximum(1, np.arange(said.difference.size))
    return np.clip(before, said.low, said.high)


def _side(deviation: Array, bound: Array) -> _Side:
    """Add up the mixture of rates; `deviation` (times) is never below minus `bound` (times).

    A product of exp(rate * (x - mean) - psi(rate * bound) / bound^2 * deviation^2) is a supermartingale for every rate
    with rate * bound < 1 (Fan, Grama and Liu 2015, lemma 4.1). The bound may be another at each time, as it is known
    before. A rate too large for a later bound is given up with its weight: what is left is not above one in the mean.
    """
    known = bound[bound > 0.0]
    first = float(known[0]) if known.size else 1.0
    places = np.arange(N_RATES, dtype=np.float64)
    rates: Array = LARGEST / first * np.exp2(-0.5 * places)
    weights: Array = 1.0 / ((1.0 + places) * (2.0 + places))
    kept = rates * bound.max(initial=0.0) < 1.0
    scaled = rates[kept][:, np.newaxis] * known
    # Of a difference that could only be zero nothing is to be learned; it is left out with its bound.
    squared = np.square(deviation[bound > 0.0] / known)
    spent: Array = ((-np.log1p(-scaled) - scaled) * squared).sum(axis=1)
    log_weights: Array = np.log(weights / weights.sum())
    return _Side(log_weights[kept], rates[kept], spent)


def _gap(side: _Side, threshold: float, times: float) -> float:
    """Return how far the sum may be above what was to be expected before the mixture is above a threshold (logs).

    `times`: as if all that has been seen had been seen so many times. Infinite where no rate is left.
    """
    if not side.rates.size:
        return inf
    spent = times * side.spent
    # The weights add up to one, so no single rate reaches the threshold later than the mixture does.
    gap = float(((threshold - side.log_weights + spent) / side.rates).min())
    for _ in range(STEPS):
        exponents = side.log_weights + side.rates * gap - spent
        top = exponents.max()
        parts = np.exp(exponents - top)
        total = parts.sum()
        # The log of the mixture is convex and rising, so that Newton's steps come down to the threshold and stop there.
        step = float((top + log(total) - threshold) * total / (parts @ side.rates))
        gap -= step
        if step <= TOLERANCE * gap:
            break
    return gap


def _more(parts: Sequence[ScoreDifferences], alpha: float) -> int | None:
    """Return how many more times like these would tell two apart that are not yet, or None."""
    n = sum(part.difference.size for part in parts)
    total = sum(float(part.difference.sum()) for part in parts)
    if total == 0.0:
        return None
    place = 0 if total > 0.0 else 1
    sides = [_sides(part)[place] for part in parts]
    threshold = log(2.0 / alpha)

    def tells(times: int) -> bool:
        return sum(_gap(side, threshold, times / n) for side in sides) < abs(total) * times / n

    least, most = n, 2 * n
    while not tells(most):
        least, most = most, 2 * most
        if most > MOST_TIMES:
            return None
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if tells(middle) else (middle, most)
    return most - n
