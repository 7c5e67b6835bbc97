"""CRPS: by hand, against its definition as an integral, and against scoringrules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from forecast.scoring.rules import crps_of_draws, crps_of_quantiles, fair_crps_of_draws

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
