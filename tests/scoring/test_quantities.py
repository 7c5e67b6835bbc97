"""CRPS: by hand, against its definition as an integral, and against scoringrules."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from forecast.scoring.rules import (
    bin_of_outcome,
    crps_of_distribution,
    crps_of_draws,
    crps_of_quantiles,
    fair_crps_of_draws,
)
from forecast.scoring.score_table import score_table

DRAWS = st.lists(st.floats(-100, 100), min_size=1, max_size=12).map(sorted)


@given(draws=DRAWS, outcome=st.floats(-120, 120))
def test_crps_of_draws_is_its_energy_form(draws: list[float], outcome: float) -> None:
    """Of m draws it is the mean distance from the outcome less half the mean distance of all m^2 pairs."""
    x = np.array(draws)
    expected = np.abs(x - outcome).mean() - np.abs(x[:, np.newaxis] - x).mean() / 2
    assert expected == pytest.approx(crps_of_draws(x[np.newaxis], np.array([outcome]))[0], abs=1e-9)


@given(draws=DRAWS.filter(lambda draws: len(draws) > 1), outcome=st.floats(-120, 120))
def test_fair_crps_leaves_a_draw_beside_itself_out(draws: list[float], outcome: float) -> None:
    """Of m draws it is the mean distance from the outcome less half the mean distance of the m (m - 1) pairs of two."""
    x = np.array(draws)
    apart = [abs(a - b) for at, a in enumerate(draws) for b in draws[:at]]
    expected = np.abs(x - outcome).mean() - np.mean(apart) / 2
    found = fair_crps_of_draws(x[np.newaxis], np.array([outcome]))[0]
    assert expected == pytest.approx(found, abs=1e-9)
    assert 0.0 <= found


def test_fair_crps_does_not_depend_on_the_number_of_draws() -> None:
    """The mean of the fair CRPS of 2, 5 or 50 draws is the CRPS of their distribution; the plain one falls with m."""
    import scoringrules  # it compiles for seconds: in the process that needs it

    rng = np.random.default_rng(4)
    exact = float(scoringrules.crps_normal(10.0, 10.0, 3.0))
    for m, n in ((2, 40_000), (5, 20_000), (50, 4_000)):
        draws = np.sort(rng.normal(10, 3, (n, m)))
        fair, plain = (score(draws, np.full(n, 10.0)) for score in (fair_crps_of_draws, crps_of_draws))
        error = 4.0 * fair.std() / np.sqrt(n)
        assert exact == pytest.approx(fair.mean(), abs=error)
        assert exact + 3.0 / np.sqrt(np.pi) / m == pytest.approx(plain.mean(), abs=error)


def test_fair_crps_of_a_single_draw_is_not_defined() -> None:
    """One draw has no pair."""
    np.testing.assert_array_equal([np.nan], fair_crps_of_draws(np.array([[4.0]]), np.array([6.5])))


def test_one_draw_scores_its_distance() -> None:
    """A point forecast scores the absolute error."""
    assert [2.5] == crps_of_draws(np.array([[4.0]]), np.array([6.5])).tolist()


def test_quantiles_by_hand() -> None:
    """Twice the mean pinball loss: .25*4, .5*2 and .25*3 for quantiles 2, 4, 9 of an outcome of 6."""
    found = crps_of_quantiles(np.array([[2.0, 4.0, 9.0]]), np.array([0.25, 0.5, 0.75]), np.array([6.0]))
    assert [2 * (1.0 + 1.0 + 0.75) / 3] == pytest.approx(found.tolist())


def test_many_quantiles_come_near_the_integral() -> None:
    """With a thousand even levels of a normal distribution it is the integral of (F(x) - 1{y <= x})^2."""
    levels = (np.arange(1000) + 0.5) / 1000
    found = crps_of_quantiles(norm.ppf(levels)[np.newaxis], levels, np.array([0.7]))[0]
    expected = quad(lambda x: norm.cdf(x) ** 2, -10, 0.7)[0] + quad(lambda x: norm.sf(x) ** 2, 0.7, 10)[0]
    assert expected == pytest.approx(found, abs=1e-3)


def test_against_scoringrules() -> None:
    """All three are what scoringrules computes; its estimators "fair" and "pwm" are one number."""
    import scoringrules  # as above

    rng = np.random.default_rng(3)
    draws, outcome = np.sort(rng.normal(size=(30, 9))), rng.normal(size=30)
    for estimator in ("fair", "pwm"):
        expected = scoringrules.crps_ensemble(outcome, draws, estimator=estimator, backend="numpy")
        assert expected.tolist() == pytest.approx(fair_crps_of_draws(draws, outcome).tolist())
    levels = np.sort(rng.uniform(size=9))
    expected = scoringrules.crps_ensemble(outcome, draws, estimator="nrg", backend="numpy")
    assert expected.tolist() == pytest.approx(crps_of_draws(draws, outcome).tolist())
    expected = scoringrules.crps_quantile(outcome, draws, levels, backend="numpy")
    assert expected.tolist() == pytest.approx(crps_of_quantiles(draws, levels, outcome).tolist())


@given(draws=st.lists(st.integers(-9, 9), min_size=1, max_size=6), rng=st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=20)
def test_draws_stand_in_any_order(draws: list[int], rng: Random) -> None:
    """A table whose rows are draws scores the same in any order of its rows."""

    def scores(values: list[int]) -> object:
        table = {"question": "q", "forecaster": "ann", "time": "2026-01-01", "outcome": 5, "opens": "2026-01-01",
                 "closes": "2026-01-20"}  # fmt: skip
        columns = {key: [value] * len(values) for key, value in table.items()}
        return score_table({**columns, "value": values}, by_question=True)["questions"]

    shuffled = rng.sample(draws, len(draws))
    assert scores(sorted(draws)) == scores(shuffled)


STATED = st.lists(st.integers(-40, 40), min_size=2, max_size=7, unique=True).map(sorted)


@st.composite
def functions(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Values, and two distribution functions at them."""
    values = np.array(draw(STATED), dtype=float)
    levels = st.lists(st.floats(0, 1), min_size=values.size, max_size=values.size).map(sorted)
    return values, np.array([draw(levels), draw(levels)])


@given(functions(), st.floats(-50, 50))
@settings(deadline=None, max_examples=40)
def test_crps_of_a_distribution_is_its_integral(stated: tuple[np.ndarray, np.ndarray], outcome: float) -> None:
    """Of a number it is the integral of (F - step)^2 over what is stated, by numerical integration."""
    values, at_most = stated
    found = crps_of_distribution(values, at_most, outcome, whole_days=False)
    for row, score in zip(at_most, found, strict=True):
        edges = sorted({*values.tolist(), *([outcome] if values[0] < outcome < values[-1] else [])})
        parts = [
            quad(lambda x, row=row: (np.interp(x, values, row) - (x >= outcome)) ** 2, low, high)[0]
            for low, high in pairwise(edges)
        ]
        assert sum(parts) == pytest.approx(score, abs=1e-9)


@given(functions(), st.integers(-50, 50), st.floats(0, 0.99))
def test_crps_of_days_is_the_sum_over_days(stated: tuple[np.ndarray, np.ndarray], day: int, time_of_day: float) -> None:
    """Of a day it is the sum of (F - step)^2 over the days of what is stated, both ends included, day by day."""
    values, at_most = stated
    found = crps_of_distribution(values, at_most, day + time_of_day, whole_days=True)
    for row, score in zip(at_most, found, strict=True):
        days = range(int(values[0]), int(values[-1]) + 1)
        assert sum((np.interp(d, values, row) - (d >= day)) ** 2 for d in days) == pytest.approx(score, abs=1e-9)


@given(functions(), st.integers(-45, 45))
def test_crps_of_days_is_that_of_the_day_moved_to_the_ends(stated: tuple[np.ndarray, np.ndarray], day: int) -> None:
    """It is the energy form of the distribution on whole days, whatever comes later standing on the day after."""
    values, at_most = stated
    days = np.arange(values[0], values[-1] + 2)
    for row in at_most:
        mass = np.diff([0.0, *np.interp(days[:-1], values, row), 1.0])
        outcome = np.clip(day, days[0], days[-1])
        expected = mass @ np.abs(days - outcome) - mass @ np.abs(days - days[:, np.newaxis]) @ mass / 2
        (found,) = crps_of_distribution(values, row[np.newaxis], float(day), whole_days=True)
        assert expected == pytest.approx(found, abs=1e-8)


def test_crps_of_a_long_range_by_closed_form() -> None:
    """Of a date that is uniform over n days, on its last one, it is (n - 1)(2n - 1) / 6n, in every size of n."""
    for n in (2, 10, 365, 400_000, 3_000_000):
        values, at_most = np.array([0.0, n]), np.array([[0.0, 1.0]])
        (found,) = crps_of_distribution(values, at_most, float(n), whole_days=True)
        assert (n - 1) * (2 * n - 1) / (6 * n) == pytest.approx(found, rel=1e-9)


@given(functions())
def test_crps_of_a_distribution_is_proper(stated: tuple[np.ndarray, np.ndarray]) -> None:
    """Whoever states the distribution that the day comes from has the least score on average."""
    values, (truth, other) = stated
    days = np.arange(values[0], values[-1] + 2)
    mass = np.diff([0.0, *np.interp(days[:-1], values, truth), 1.0])
    scores = [
        crps_of_distribution(values, np.stack([truth, other]), float(day), whole_days=True) for day in days.tolist()
    ]
    honest, off = mass @ np.array(scores)
    assert honest <= off + 1e-9


def test_bins_hold_their_upper_end_and_the_first_both() -> None:
    """Below the first value is bin 0, on it bin 1; above the last is the last bin."""
    values = np.array([0.0, 1.0, 2.0])
    outcomes = (-0.1, 0.0, 0.5, 1.0, 1.1, 2.0, 2.1)
    assert [0, 1, 1, 1, 2, 2, 3] == [bin_of_outcome(values, outcome) for outcome in outcomes]


DATE_ROWS = [
    *(("ann", day, p) for day, p in (("2026-01-01", 0), ("2026-02-01", 0.5), ("2026-03-01", 0.8))),
    *(("bob", day, p) for day, p in (("2026-01-01", 0), ("2026-03-01", 0.6))),
]


def _dates(outcome: str, rows: Sequence[tuple[str, str, float]] = DATE_ROWS) -> dict[str, dict[str, Any]]:
    """The scores of a table about a date, by forecaster."""
    n = len(rows)
    who, values, probabilities = zip(*rows, strict=True)
    table = {"question": ["q"] * n, "forecaster": who, "time": ["2026-01-01"] * n, "value": values,
             "probability": probabilities, "outcome": [outcome] * n, "opens": ["2026-01-01"] * n,
             "closes": ["2026-01-20"] * n}  # fmt: skip
    return {row["forecaster"]: row for row in score_table(table, by_question=True)["questions"]}


@pytest.mark.parametrize(("outcome", "day"), [("2026-02-10", 40), ("later", 10**6), ("2027-01-01", 365)])
def test_a_date_is_scored_by_the_day(outcome: str, day: int) -> None:
    """Day by day from the first to the last one stated; between what is stated by straight lines; `later` is after all.

    What one forecaster leaves out between the ends lies on the line, so that both are asked about the same days.
    """
    found = _dates(outcome)
    for who, at, p in (("ann", [0, 31, 59], [0, 0.5, 0.8]), ("bob", [0, 59], [0, 0.6])):
        expected = sum((np.interp(d, at, p) - (d >= day)) ** 2 for d in range(60))
        assert expected == pytest.approx(found[who]["crps_cdf.spot"], abs=1e-9)
    assert "later" == found["ann"]["outcome"] if day > 59 else outcome == found["ann"]["outcome"]
    assert found["ann"]["peer.spot"] == pytest.approx(-found["bob"]["peer.spot"])
