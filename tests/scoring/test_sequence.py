"""The confidence sequence of a mean score difference: against its source, against outcomes that are known, and laws."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammainc, gammaln

from forecast.scoring.sequence import ScoreDifferences, ends, interval, mean_difference


def _brier(p: np.ndarray, q: np.ndarray, y: np.ndarray | float) -> np.ndarray:
    return np.square(p - y) - np.square(q - y)


def _told(p: np.ndarray, q: np.ndarray, y: np.ndarray) -> ScoreDifferences:
    """The mean Brier difference of each time, (times, questions) each."""
    ends = np.stack([_brier(p, q, 0.0), _brier(p, q, 1.0)])
    return ScoreDifferences(
        difference=_brier(p, q, y).mean(axis=1), low=ends.min(axis=0).mean(axis=1), high=ends.max(axis=0).mean(axis=1)
    )


def _log_gamma_exponential(gap: float, variance: float, rho: float) -> float:
    """The log of the gamma-exponential mixture of Howard et al. (2021), proposition 9, with c = 1."""
    shape = rho
    a = variance + rho
    z = gap + variance + rho
    prefactor = shape * log(rho) - gammaln(rho) - np.log(gammainc(rho, rho))
    return float(prefactor + gammaln(a) + np.log(gammainc(a, z)) - a * log(z) + gap + variance)


@pytest.mark.parametrize("n", [20, 200, 2000])
def test_it_is_nearly_as_narrow_as_the_published_mixture(n: int) -> None:
    """The gamma-exponential mixture, which the source recommends, is within a third of the discrete one."""
    rng = np.random.default_rng(n)
    difference = np.where(rng.random(n) < 0.5, 0.15, -0.05)
    bound = np.full(n, 1.0)
    ours = interval(ScoreDifferences(difference=difference, low=-bound, high=bound), 0.1)
    before = np.concatenate([[0.0], np.cumsum(difference)[:-1]]) / np.maximum(1, np.arange(n))
    # In units of the largest deviation from what was expected, 2.
    variance = float(np.square((difference - before) / 2.0).sum())
    low, high = 0.0, float(n)
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _log_gamma_exponential(middle, variance, 1.0) < log(20.0) else (low, middle)
    theirs = 2.0 * high / n
    assert 0.0 < (ours[1] - ours[0]) / 2.0 < 1.34 * theirs


def test_the_mixture_is_a_supermartingale_by_enumeration() -> None:
    """Over all outcomes of five times the chance of ever missing what was to be expected is at most one minus level."""
    n, alpha = 5, 0.5
    rng = np.random.default_rng(3)
    p, q, chance = rng.uniform(0.05, 0.95, (3, n, 1))
    missed = 0.0
    for code in range(2**n):
        y = np.array([code >> bit & 1 for bit in range(n)], dtype=float)[:, np.newaxis]
        probability = float(np.where(y == 1.0, chance, 1.0 - chance).prod())
        told = _told(p, q, y)
        expected = (chance * _brier(p, q, 1.0) + (1.0 - chance) * _brier(p, q, 0.0))[:, 0]
        ends = [interval(told.of(range(k)), alpha) for k in range(1, n + 1)]
        means = np.cumsum(expected) / np.arange(1, n + 1)
        missed += probability * any(not low <= m <= high for (low, high), m in zip(ends, means, strict=True))
    assert missed <= alpha


N_WORLDS, N_TIMES, N_QUESTIONS = 50, 12, 20


@pytest.mark.parametrize("lag", [1, 3])
def test_a_simulated_year_of_worlds_is_covered_after_every_month(lag: int) -> None:
    """Of 50 worlds of dependent questions, at least 90 % have what was to be expected in the interval every month."""
    rng = np.random.default_rng(lag)
    covered = 0
    for _ in range(N_WORLDS):
        # A shock of the month moves all questions together, and the month before moves the next one.
        shock = np.cumsum(rng.normal(0.0, 0.7, N_TIMES))[:, np.newaxis]
        chance = 1.0 / (1.0 + np.exp(-(rng.normal(-1.5, 1.0, (N_TIMES, N_QUESTIONS)) + shock)))
        y = (rng.random((N_TIMES, 1)) < chance).astype(float)  # one draw for all: they are as dependent as can be
        p = np.clip(chance * rng.uniform(0.5, 1.5, chance.shape), 0.01, 0.99)
        q = np.full_like(p, 0.2)
        told = _told(p, q, y)
        expected = (chance * _brier(p, q, 1.0) + (1.0 - chance) * _brier(p, q, 0.0)).mean(axis=1)
        found = [ends(told.of(range(n)), lag=lag) for n in range(1, N_TIMES + 1)]
        means = np.cumsum(expected) / np.arange(1, N_TIMES + 1)
        covered += all(low <= mean <= high for (low, high), mean in zip(found, means, strict=True))
    assert covered >= 0.9 * N_WORLDS


def test_enough_times_tell_and_the_count_says_how_many() -> None:
    """A forecaster who is plainly better is told apart after as many times more as was said before."""
    rng = np.random.default_rng(1)
    p, q = np.full((400, 5), 0.1), np.full((400, 5), 0.5)
    y = (rng.random((400, 5)) < 0.1).astype(float)
    told = _told(p, q, y)
    few, many = mean_difference(told.of(range(2))), mean_difference(told)
    assert few.low < 0.0 < few.high
    assert few.more is not None
    assert 0 < few.more < 100
    assert many.high < 0.0
    assert 0 == many.more


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0.001, 0.999), st.floats(0.001, 0.999), st.booleans()), min_size=1, max_size=30),
    st.integers(1, 4),
)
def test_the_interval_holds_the_mean_and_swaps_with_the_forecasters(
    rows: list[tuple[float, float, bool]], lag: int
) -> None:
    """The mean lies in its interval, which is within what could have been; the other way round it is mirrored."""
    p, q, y = (np.array(column, dtype=float)[:, np.newaxis] for column in zip(*rows, strict=True))
    one, other = (mean_difference(_told(*pair, y), lag=lag) for pair in ((p, q), (q, p)))
    told = _told(p, q, y)
    assert one.low - 1e-12 <= one.mean <= one.high + 1e-12
    assert one.low >= told.low.mean() - 1e-12
    assert one.high <= told.high.mean() + 1e-12
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)
    assert one.more == other.more


def test_forecasters_who_say_the_same_are_never_told_apart() -> None:
    """Where both said the same the difference is zero, with an interval of no width, and no number of times tells."""
    p = np.full((6, 2), 0.3)
    found = mean_difference(_told(p, p, np.ones((6, 2))))
    assert (0.0, 0.0, 0.0, None) == (found.mean, found.low, found.high, found.more)


def test_no_time_has_no_mean() -> None:
    """A mean of nothing is refused."""
    with pytest.raises(ValueError, match="no differences"):
        mean_difference(_told(np.zeros((0, 1)), np.zeros((0, 1)), np.zeros((0, 1))))
