"""Forecasts that are equal but for rounding are one point: of the recalibration, its bins and bands, and the AUC."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.scoring.calibration import auc, decomposition, recalibrated, reliability
from forecast.scoring.cells import ROUNDING, Floats, points
from forecast.scoring.score_table import score_table
from tests.scoring.naive import Asked, Said, rows

STEPS = st.lists(st.sampled_from([0.0, 2e-17, 1.1e-16, 4e-16, 9e-16, 1e-15, 2e-15, 0.1]), min_size=1, max_size=30)
TENTHS = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 3), st.integers(0, 1)), min_size=2, max_size=20)


@given(steps=STEPS, seed=st.integers(0, 99))
def test_a_point_reaches_rounding_above_its_first_number(steps: list[float], seed: int) -> None:
    """From the lowest number on, a point holds what is less than ROUNDING above its first number, in any order."""
    numbers = np.cumsum(steps)
    expected: list[int] = []
    first = -1.0
    for number in numbers.tolist():
        if not expected or number - first >= ROUNDING:
            expected.append(expected[-1] + 1 if expected else 0)
            first = number
        else:
            expected.append(expected[-1])
    order = np.random.default_rng(seed).permutation(numbers.size)
    assert np.array(expected)[order].tolist() == points(numbers[order]).tolist()


def test_what_is_written_apart_is_apart() -> None:
    """Numbers that differ in the fourteenth decimal are two points."""
    assert [0, 1, 0] == points(np.array([0.3, 0.3 + 1e-14, 0.1 + 0.2])).tolist()


THREE = np.array([0.3, 0.1 + 0.2, 0.7]), np.array([0.0, 1.0, 1.0])


def test_miscalibration_by_hand() -> None:
    """Of .3 (no), .1 + .2 (yes) and .7 (yes) the pools are 1/2 and 1: MCB .67/3 - .5/3 = .0567, and not .2233."""
    parts = decomposition(*THREE)
    expected = (0.17 / 3, 2 / 9 - 0.5 / 3, 2 / 9)
    assert expected == pytest.approx((parts.miscalibration, parts.discrimination, parts.uncertainty))
    bins = reliability(*THREE, np.arange(3), np.random.default_rng(1))
    assert [(0.3, 0.1 + 0.2, 2, 0.5), (0.7, 0.7, 1, 1.0)] == [
        (one.low, one.high, one.n_forecasts, one.observed) for one in bins
    ]


def test_auc_by_hand() -> None:
    """A yes at .1 + .2 ties with a no at .3: the area is (1/2 + 1)/2."""
    assert 0.75 == auc(*THREE)


def test_from_the_table_on() -> None:
    """A table scored as a whole has the same miscalibration."""
    questions = {"rain": Asked(0, 0, 10), "snow": Asked(1, 0, 10), "vote": Asked(1, 0, 10)}
    said = [Said("rain", "ann", 0, 0.3), Said("snow", "ann", 0, 0.1 + 0.2), Said("vote", "ann", 0, 0.7)]
    table = list(rows(questions, said))
    found = score_table({key: [row[key] for row in table] for key in table[0]})["scores"]
    (corp,) = [row for row in found if row["measure"] == "corp"]
    (area,) = [row for row in found if row["measure"] == "auc"]
    assert (0.17 / 3, 0.75, 2) == pytest.approx((corp["miscalibration"], area["mean"], len(corp["bins"])))


def _rounded(tenths: list[tuple[int, int, int]]) -> tuple[Floats, Floats, Floats]:
    """Return tenths as written, the same after some arithmetic on each, and outcomes."""
    exact = np.array([one for one, _, _ in tenths]) / 10
    ways = [exact, 1.0 - (1.0 - exact), (exact + 0.1) - 0.1, exact / 3 + exact / 3 + exact / 3]
    worked = np.choose([way for _, way, _ in tenths], ways)
    return exact, np.clip(worked, 0.0, 1.0), np.array([float(happened) for _, _, happened in tenths])


@settings(deadline=None)  # the first run also imports what fits the calibration
@given(tenths=TENTHS)
def test_rounding_changes_nothing(tenths: list[tuple[int, int, int]]) -> None:
    """Tenths that went through arithmetic have the parts, the bins with their bands, and the area of plain tenths."""
    exact, worked, outcome = _rounded(tenths)
    assert recalibrated(exact, outcome).tolist() == pytest.approx(recalibrated(worked, outcome).tolist(), abs=1e-12)
    assert auc(exact, outcome) == auc(worked, outcome)
    question = np.arange(exact.size) // 2
    sides = [reliability(p, outcome, question, np.random.default_rng(1)) for p in (exact, worked)]
    shown = [
        [
            number
            for one in bins
            for number in (one.low, one.high, one.n_forecasts, one.n_questions, one.mean_forecast, one.observed)
        ]
        for bins in sides
    ]
    assert shown[0] == pytest.approx(shown[1], abs=1e-12)


def test_bands_see_one_point_too() -> None:
    """Bands of forecasts that differ by rounding are those of equal forecasts, for the same draws."""
    p = np.repeat([0.3, 0.32], 20)
    worked = np.where(np.arange(40) % 20 < 10, p, np.nextafter(p, 1.0))
    outcome = (np.arange(40) % np.repeat([5, 2], 20) == 0).astype(float)
    both = [reliability(one, outcome, np.arange(40), np.random.default_rng(1)) for one in (p, worked)]
    bands = [[(one.band_low, one.band_high) for one in bins] for bins in both]
    assert 2 == len(bands[0])
    assert bands[0] == bands[1]
