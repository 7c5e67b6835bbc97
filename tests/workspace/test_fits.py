"""Distributions fitted to stated quantiles, and what is said about those that miss them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats

from forecast.workspace.fits import (
    FITS,
    FitKind,
    NoBeta,
    Points,
    beta_cdf,
    beta_log_odds,
    expit,
    fit_quantiles,
    interval_fit,
    logit,
    misfit,
    t4_cdf,
    t4_quantile,
)
from forecast.workspace.statement_forms.odds import read_odds
from tests.workspace.writing import example as write_example
from tests.workspace.writing import messages, read, replace

OUTSIDE = "priors/statements/outside.yaml"
INTERVAL = "probability: {low: 0.04, best: 0.15, high: 0.5, level: 0.9}"
PARAMETERS = st.floats(0.05, 500.0)


def points(levels: list[float], probabilities: list[float]) -> Points:
    """Quantiles as records hold them."""
    return tuple(zip(levels, probabilities, strict=True))


@st.composite
def quantiles(draw: st.DrawFn) -> Points:
    """Two to five rising levels with rising probabilities, no two of them close."""
    n = draw(st.integers(2, 5))
    steps = st.lists(st.floats(0.1, 1.0), min_size=n + 1, max_size=n + 1)
    levels = np.cumsum(draw(steps))
    places = draw(st.floats(-3.0, 3.0)) + draw(st.floats(0.1, 3.0)) * np.cumsum(draw(steps))
    return points((levels / levels[-1])[:-1].tolist(), special.expit(places[:-1]).tolist())


@pytest.mark.parametrize(
    ("quartiles", "parameters", "fitted"),
    [
        ((0.50, 0.55, 0.60), (24.889, 20.409), (0.251, 0.499, 0.751)),
        ((0.22, 0.30, 0.35), (6.202, 14.734), (0.231, 0.541, 0.719)),
    ],
)
def test_published_betas(
    quartiles: tuple[float, ...], parameters: tuple[float, float], fitted: tuple[float, ...]
) -> None:
    """Quartiles give the beta, and the misfit, that SHELF gives."""
    found = fit_quantiles(points([0.25, 0.5, 0.75], list(quartiles)), "beta")
    assert parameters == pytest.approx(found.beta, abs=6e-4)
    assert fitted == pytest.approx(found.fitted, abs=6e-4)


@given(st.floats(-30.0, 30.0), PARAMETERS, PARAMETERS)
def test_distribution_function_of_the_beta(log_odds: float, a: float, b: float) -> None:
    """The continued fraction is the regularised incomplete beta function, also near 1."""
    # Near 1 the point itself is not exact as a number, its distance from 1 is.
    near_one = log_odds > 0.0
    expected = 1.0 - special.betainc(b, a, expit(-log_odds)) if near_one else special.betainc(a, b, expit(log_odds))
    assert expected == pytest.approx(beta_cdf(log_odds, a, b), abs=1e-11)


@given(st.floats(0.001, 0.999), PARAMETERS, PARAMETERS)
def test_quantile_of_the_beta(level: float, a: float, b: float) -> None:
    """The quantile is where the distribution function has its level."""
    assert level == pytest.approx(beta_cdf(beta_log_odds(level, a, b), a, b), abs=1e-9)


@given(st.floats(-60.0, 60.0))
def test_distribution_function_of_t(t: float) -> None:
    """The closed form is the distribution function of Student's t with 4 degrees of freedom."""
    assert stats.t.cdf(t, 4) == pytest.approx(t4_cdf(t), abs=1e-14)


@settings(deadline=None, max_examples=30)
@given(quantiles())
@example(points([0.05, 0.25, 0.5, 0.9], [0.1, 0.2, 0.3, 0.5]))
@example(
    points([0.022, 0.27, 0.646, 0.724], [0.349, 0.557, 0.675, 0.991])
)  # from the line alone the fit ends elsewhere
def test_least_squares_of_t(stated: Points) -> None:
    """No t that a general minimiser finds, from many starts, is nearer to the stated levels."""
    levels, places = np.array([q for q, _ in stated]), np.array([logit(p) for _, p in stated])
    found = fit_quantiles(stated, "logit")
    assert [t4_cdf((x - found.location) / found.scale) for x in places] == pytest.approx(list(found.fitted))

    def residuals(at: np.ndarray) -> np.ndarray:
        return np.asarray(stats.t.cdf((places - at[0]) / np.exp(at[1]), 4) - levels)

    starts = [(place, math.log(found.scale) + wider) for place in (found.location, *places) for wider in (-1.0, 0.0)]
    costs = [optimize.least_squares(residuals, start).cost for start in starts]
    assert 0.5 * sum((f - q) ** 2 for f, q in zip(found.fitted, levels, strict=True)) <= min(costs) + 1e-9


@settings(deadline=None, max_examples=15)
@given(quantiles())
@example(points([1 / 11, 5 / 11, 8 / 11], [0.8807970779778823, 0.9820137900379085, 0.9859363729567544]))
@example(points([0.069, 0.3448, 0.6034, 0.8793], [0.8808, 0.98201, 0.98594, 0.99807]))  # it bends
def test_least_squares_of_beta(stated: Points) -> None:
    """No beta that a general minimiser finds is nearer to the stated levels."""
    levels, places = np.array([q for q, _ in stated]), np.array([p for _, p in stated])
    found = fit_quantiles(stated, "beta")
    assert found.beta is not None

    def residuals(at: np.ndarray) -> np.ndarray:
        return np.asarray(stats.beta.cdf(places, *np.exp(np.clip(at, -8.0, 12.0))) - levels)

    centre = np.log(found.beta)
    costs = [optimize.least_squares(residuals, centre + shift).cost for shift in (0.0, -1.0, 1.0, (0.7, -0.7))]
    assert 0.5 * sum((f - q) ** 2 for f, q in zip(found.fitted, levels, strict=True)) <= min(costs) + 1e-9


@given(st.floats(-3.0, 3.0), st.floats(0.1, 2.0), st.sampled_from(FITS))
def test_two_quantiles_are_met(location: float, scale: float, kind: FitKind) -> None:
    """Two quantiles are met exactly by either fit."""
    stated = points([0.2, 0.7], [expit(location - scale), expit(location + scale)])
    assert [0.2, 0.7] == pytest.approx(list(fit_quantiles(stated, kind).fitted), abs=1e-6)


@pytest.mark.parametrize("kind", FITS)
@pytest.mark.parametrize("apart", [0.01, 0.3, 0.45])
def test_an_even_interval_is_met(kind: FitKind, apart: float) -> None:
    """A median of one half, with ends equally far from it, is met exactly: nothing special happens at an even one."""
    levels = [0.1, 0.5, 0.9]
    found = fit_quantiles(points(levels, [0.5 - apart, 0.5, 0.5 + apart]), kind)
    assert levels == pytest.approx(list(found.fitted), abs=1e-6)
    assert found.location == pytest.approx(0.0, abs=1e-6)


def test_two_far_quantiles_are_met_by_a_beta() -> None:
    """Two low levels are met too, by a U-shaped beta far from the first guess."""
    stated = points([0.0513, 0.0614], [0.1824, 0.288])
    assert [0.0513, 0.0614] == pytest.approx(list(fit_quantiles(stated, "beta").fitted), abs=1e-6)


@given(st.floats(-3.0, 3.0), st.floats(0.1, 2.0))
def test_what_is_a_t_comes_back(location: float, scale: float) -> None:
    """Quantiles of a t in log-odds give that t, however many there are."""
    levels = [0.05, 0.25, 0.5, 0.75, 0.95]
    stated = points(levels, [expit(location + scale * t4_quantile(q)) for q in levels])
    found = fit_quantiles(stated, "logit")
    assert (location, scale) == pytest.approx((found.location, found.scale), abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(quantiles(), st.sampled_from(FITS))
def test_the_other_way_round(stated: Points, kind: FitKind) -> None:
    """What is said of an event and the mirror image said of its opposite are one judgement."""
    mirrored = points([1 - q for q, _ in stated][::-1], [expit(-logit(p)) for _, p in stated][::-1])
    one, other = fit_quantiles(stated, kind), fit_quantiles(mirrored, kind)
    # Two fits that are equally good may differ where the points bend; then only their misfit is the same.
    assert misfit(stated, one) == pytest.approx(misfit(mirrored, other), abs=1e-4)
    if misfit(stated, one) < 0.02:
        assert (one.location, one.scale) == pytest.approx((-other.location, other.scale), abs=1e-4)


def test_a_beta_is_read_by_its_median_and_width() -> None:
    """The t that stands for a beta has its median and the width of its 90 % interval, in log-odds."""
    found = fit_quantiles(points([0.25, 0.5, 0.75], [0.22, 0.3, 0.35]), "beta")
    assert found.beta is not None
    low, median, high = (logit(float(p)) for p in np.asarray(stats.beta.ppf([0.05, 0.5, 0.95], *found.beta)))
    assert (median, (high - low) / (2 * stats.t.ppf(0.95, 4))) == pytest.approx((found.location, found.scale))


def test_beta_fits_are_integrals() -> None:
    """The fitted levels are integrals of the beta's density."""
    found = fit_quantiles(points([0.1, 0.5, 0.8], [0.1, 0.25, 0.5]), "beta")
    a, b = found.beta or (0.0, 0.0)
    area = [integrate.quad(lambda p: p ** (a - 1) * (1 - p) ** (b - 1), 0, end)[0] for end in (0.1, 0.25, 0.5, 1.0)]
    assert [part / area[-1] for part in area[:-1]] == pytest.approx(list(found.fitted))


@pytest.mark.parametrize(
    "stated", [((0.4, 0.5), (0.6, 0.5 + 1e-9)), ((0.1, 1e-12), (0.9, 1e-10)), ((0.45, 1e-15), (0.55, 1 - 1e-15))]
)
def test_no_beta(stated: Points) -> None:
    """Quantiles closer together, further apart or nearer to an end than a judgement's have no beta."""
    with pytest.raises(NoBeta):
        fit_quantiles(stated, "beta")


def test_an_interval_is_centred_on_its_best_value() -> None:
    """Without a fit, an interval keeps its best value and its width; what its ends then miss is known."""
    found = interval_fit(0.1, 0.3, 0.5, 0.9)
    scale = (logit(0.5) - logit(0.1)) / (2 * stats.t.ppf(0.95, 4))
    assert (logit(0.3), scale) == pytest.approx((found.location, found.scale))
    expected = [float(stats.t.cdf((logit(p) - logit(0.3)) / scale, 4)) for p in (0.1, 0.3, 0.5)]
    assert expected == pytest.approx(list(found.fitted))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3:1 on", (3.0, 1.0)),
        ("3:1", (3.0, 1.0)),
        ("3:1 against", (1.0, 3.0)),
        (" 7 / 2  on ", (7.0, 2.0)),
        ("1.5:1", (1.5, 1.0)),
        ("0:1", (0.0, 1.0)),
        *((wrong, None) for wrong in ("3", "3-1", "3:1 off", "-3:1", "evens", "", "1e3:1", "3:1 on against")),
    ],
)
def test_odds(text: str, expected: tuple[float, float] | None) -> None:
    """Odds on are for the event, odds against are against it, and odds without a word are on."""
    assert expected == read_odds(text)


INTERVAL_MISSES = "the interval about its best value misses what was stated"


@pytest.mark.parametrize(
    ("reading", "what", "got", "instead"),
    [
        (
            "quantiles: {0.25: 0.22, 0.5: 0.3, 0.75: 0.35, fit: beta}",
            "the beta fit misses what was stated",
            "0.22 / 0.3 / 0.35: stated 0.25 / 0.5 / 0.75, fitted 0.231 / 0.541 / 0.719",
            "state other quantiles, or fit: logit",
        ),
        (
            "quantiles:\n    0.25: 0.22\n    0.5: 0.3\n    0.75: 0.35",
            "the logit fit misses what was stated",
            "0.22 / 0.3 / 0.35: stated 0.25 / 0.5 / 0.75, fitted 0.228 / 0.542 / 0.716",
            "state other quantiles, or fit: beta",
        ),
        (
            "probability: {low: 0.1, best: 0.3, high: 0.5}",
            INTERVAL_MISSES,
            "0.1 / 0.3 / 0.5: stated 0.05 / 0.5 / 0.95, fitted 0.029 / 0.500 / 0.912",
            "move one end, or state quantiles",
        ),
        (
            "odds: {best: '3:1 against', low: '9:1 against', high: '2:1 against'}",
            INTERVAL_MISSES,
            "0.1 / 0.25 / 0.333: stated 0.05 / 0.5 / 0.95, fitted 0.018 / 0.500 / 0.843",
            "move one end, or state quantiles",
        ),
    ],
)
def test_a_fit_that_misses_says_so(tmp_path: Path, reading: str, what: str, got: str, instead: str) -> None:
    """A fit that cannot honour what was stated is a warning with the stated and the fitted numbers."""
    replace(write_example(tmp_path), OUTSIDE, INTERVAL, reading)
    says = f"statement 'editors-success': {what}; got below {got}; differences up to 0.02; {instead}"
    assert [f"{OUTSIDE}:25: warning: {says}"] == messages(tmp_path, "warning")
    assert read(tmp_path).statements


@pytest.mark.parametrize(
    "reading",
    [
        "quantiles: {0.1: 0.05, 0.9: 0.4}",
        "quantiles: {0.25: 0.5, 0.5: 0.55, 0.75: 0.6, fit: beta}",
        "probability: {low: 0.1, best: 0.23, high: 0.45, fit: logit}",
        "odds: 3:1 on",
    ],
)
def test_a_fit_that_holds_says_nothing(tmp_path: Path, reading: str) -> None:
    """A fit within the tolerance gives no warning."""
    replace(write_example(tmp_path), OUTSIDE, INTERVAL, reading)
    assert [] == messages(tmp_path, "warning") + messages(tmp_path)
