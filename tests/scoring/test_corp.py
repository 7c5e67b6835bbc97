"""Recalibration against a brute-force one, the decomposition, and bands that hold what they promise."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.scoring.calibration import LEVEL, auc, decomposition, recalibrated, reliability

FORECASTS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.7, 1.0]), st.integers(0, 1)), min_size=1, max_size=15
)


def pooled(pairs: list[tuple[float, int]]) -> dict[float, float]:
    """Pool adjacent violators by looking for one pair at a time, until there is none."""
    values = sorted({p for p, _ in pairs})
    blocks = [([p], [float(o) for q, o in pairs if q == p]) for p in values]
    while True:
        means = [sum(outcomes) / len(outcomes) for _, outcomes in blocks]
        wrong = [at for at, (before, after) in enumerate(pairwise(means)) if before > after]
        if not wrong:
            return {p: mean for (ps, _), mean in zip(blocks, means, strict=True) for p in ps}
        at = wrong[0]
        blocks[at : at + 2] = [(blocks[at][0] + blocks[at + 1][0], blocks[at][1] + blocks[at + 1][1])]


def _arrays(pairs: list[tuple[float, int]]) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]:
    p, outcome = np.array(pairs, dtype=float).T
    return p, outcome


@settings(deadline=None)  # the first run also imports what fits the calibration
@given(pairs=FORECASTS)
def test_recalibration_pools_adjacent_violators(pairs: list[tuple[float, int]]) -> None:
    """Every forecast is put at the mean outcome of its pool, as found by pooling one pair of neighbours at a time."""
    p, outcome = _arrays(pairs)
    by_value = pooled(pairs)
    assert [by_value[one] for one in p.tolist()] == pytest.approx(recalibrated(p, outcome).tolist())


@settings(deadline=None)  # the first run also imports what fits the calibration
@given(pairs=FORECASTS)
def test_the_parts_add_up(pairs: list[tuple[float, int]]) -> None:
    """Score = miscalibration - discrimination + uncertainty to 1e-12; the first two are never negative."""
    p, outcome = _arrays(pairs)
    parts = decomposition(p, outcome)
    base = outcome.mean()
    assert float(np.mean((p - outcome) ** 2)) == pytest.approx(parts.score, abs=1e-12)
    assert base * (1 - base) == pytest.approx(parts.uncertainty, abs=1e-12)
    assert parts.score == pytest.approx(parts.miscalibration - parts.discrimination + parts.uncertainty, abs=1e-12)
    assert (True, True) == (parts.miscalibration >= -1e-12, parts.discrimination >= -1e-12)


def test_decomposition_by_hand() -> None:
    """Of .1 (no), .5 (yes), .5 (no), .9 (yes) recalibrated to 0, .5, .5, 1: MCB .005, DSC .125, UNC .25."""
    parts = decomposition(np.array([0.1, 0.5, 0.5, 0.9]), np.array([0.0, 1.0, 0.0, 1.0]))
    expected = (0.13, 0.005, 0.125, 0.25)
    assert expected == pytest.approx((parts.score, parts.miscalibration, parts.discrimination, parts.uncertainty))


@settings(deadline=None)  # the first run also imports what fits the calibration
@given(pairs=FORECASTS)
def test_bins_hold_every_forecast_once(pairs: list[tuple[float, int]]) -> None:
    """Bins follow each other, count every forecast once, and come true more and more often."""
    p, outcome = _arrays(pairs)
    bins = reliability(p, outcome, np.arange(p.size) // 2, np.random.default_rng(1))
    assert p.size == sum(one.n_forecasts for one in bins)
    steps = [(before.high, after.low, before.observed, after.observed) for before, after in pairwise(bins)]
    assert [] == [pair for pair in steps if pair[0] >= pair[1] or pair[2] >= pair[3]]
    assert sum(outcome) == pytest.approx(sum(one.observed * one.n_forecasts for one in bins))
    assert sum(p) == pytest.approx(sum(one.mean_forecast * one.n_forecasts for one in bins))


def test_bands_hold_calibrated_forecasts() -> None:
    """Of calibrated forecasts at three values, the frequencies lie within their bands about LEVEL of the time."""
    rng = np.random.default_rng(5)
    p = np.repeat([0.2, 0.5, 0.8], 60)
    inside = [
        one.band_low <= one.observed <= one.band_high
        for _ in range(150)
        for one in reliability(p, (rng.random(p.size) < p).astype(float), np.arange(p.size), rng)
    ]
    assert LEVEL == pytest.approx(np.mean(inside), abs=0.04)


def test_many_forecasts_of_one_question_are_one_outcome() -> None:
    """A question's forecasts are drawn together: forty equal ones of one question have the widest of bands."""
    p, outcome = np.full(40, 0.5), np.ones(40)
    (one,) = reliability(p, outcome, np.zeros(40, dtype=np.int64), np.random.default_rng(1))
    assert (0.0, 1.0, 1, 40) == (one.band_low, one.band_high, one.n_questions, one.n_forecasts)


@settings(deadline=None)  # the first run also imports what fits the calibration
@given(pairs=FORECASTS)
def test_auc_counts_pairs(pairs: list[tuple[float, int]]) -> None:
    """The AUC is the share of pairs of a yes and a no in which the yes had the higher forecast, ties half."""
    p, outcome = _arrays(pairs)
    yes, no = [q for q, o in pairs if o], [q for q, o in pairs if not o]
    wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a in yes for b in no]
    assert (sum(wins) / len(wins) if wins else None) == pytest.approx(auc(p, outcome))
