"""The density of a panel against dense matrices, its gradient against differences, and the laws of its priors."""

from __future__ import annotations

from dataclasses import replace
from math import lgamma

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.scoring import panel as model
from forecast.scoring.density import PanelDensity
from forecast.scoring.panel import N_PANEL, PRIORS, Panel

Array = NDArray[np.float64]


def _panel(seed: int, *, returning: bool, grouped: bool, n_questions: int = 5, n_experts: int = 4) -> Panel:
    """Draw what some experts said, on most questions, once or several times."""
    rng = np.random.default_rng(seed)
    readings, pairs = list[tuple[float, float, float, int]](), list[tuple[int, int]]()
    for e in range(n_experts):
        for q in range(n_questions):
            if rng.uniform() < 0.7 or q == e % n_questions or e == q % n_experts:
                ages = np.sort(rng.uniform(0.0, 40.0, rng.integers(1, 4))) if returning else np.zeros(1)
                readings += [(rng.normal(0.0, 2.0), rng.uniform(0.8, 2.0), age, len(pairs)) for age in ages.tolist()]
                pairs.append((e, q))
    said, variance, age, pair_of = (np.array(column) for column in zip(*readings, strict=True))
    expert, question = np.array(pairs, dtype=np.intp).T
    return Panel(
        said=said,
        variance=variance,
        age=age,
        pair_of=pair_of.astype(np.intp),
        expert=expert,
        question=question,
        shared=np.where(expert < 2, question, -1) if grouped else np.full(expert.size, -1),
        outcome=rng.choice(np.array([0.0, 1.0, np.nan]), n_questions),
        n_experts=n_experts,
        n_shared=n_questions if grouped else 0,
    )


def _densely(of: PanelDensity, x: Array) -> float:
    """Compute the log density with every covariance as a matrix, and every expert's t by its definition."""
    panel, levels, dof = of.panel, of.levels, model.DEGREES_OF_FREEDOM
    number = {prior.name: value for prior, value in zip(PRIORS, x[:N_PANEL], strict=True)}
    level, z = x[N_PANEL : N_PANEL + of.n_levels], x[N_PANEL + of.n_levels :]
    m, mu, scatter2 = level[levels.last], number["consensus_mean"], np.exp(2.0 * number["log_scatter"])
    total = sum(-0.5 * ((number[prior.name] - prior.mean) / prior.sd) ** 2 for prior in PRIORS) - 0.5 * float(z @ z)
    first = level[levels.first] - mu
    total -= 0.5 * (8.0 + first.size) * np.log(8.0 * 1.2**2 + first @ first)
    moved = (level[levels.moved - 1] - level[levels.moved]) / levels.root
    total -= 0.5 * (8.0 + moved.size) * np.log(8.0 * 0.07**2 + moved @ moved)
    variance = (8.0 * 1.2**2 + np.square(m - mu).sum()) / (8.0 + m.size)
    stretch = np.exp(number["log_stretch"]) * (1.0 + model.SHARE_KNOWN * scatter2 / variance)
    for q, outcome in enumerate(panel.outcome):
        if not np.isnan(outcome):
            total -= np.log1p(np.exp(-(2.0 * outcome - 1.0) * (number["intercept"] + stretch * m[q])))
    at = (1.0 - levels.part) * level[levels.younger] + levels.part * level[levels.older]
    for e in range(panel.n_experts):
        rows = np.flatnonzero(panel.expert[panel.pair_of] == e)
        pair = panel.pair_of[rows]
        r = panel.said[rows] - at[rows]
        if panel.n_shared and e < 2:
            r -= np.exp(number["log_group_share"] + number["log_scatter"]) * z[panel.shared[pair]]
        same = pair[:, np.newaxis] == pair
        least = np.array([panel.variance[panel.pair_of == p].min() for p in pair])
        again = model.PERSISTENT * least * (same.sum(axis=0) > 1)
        c = m[panel.question[pair]] - mu
        v = np.diag(panel.variance[rows] - again) + same * again
        v += np.exp(number["log_bias_share"]) + np.exp(number["log_slope_share"]) * np.outer(c, c)
        scale = scatter2 * (dof - 2.0) / dof * v
        n = rows.size
        total += lgamma(0.5 * (dof + n)) - lgamma(0.5 * dof) - 0.5 * n * np.log(dof * np.pi)
        total -= 0.5 * np.linalg.slogdet(scale)[1]
        total -= 0.5 * (dof + n) * np.log1p(r @ np.linalg.solve(scale, r) / dof)
    return float(total)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), returning=st.booleans(), grouped=st.booleans())
def test_density_is_that_of_dense_matrices(seed: int, returning: bool, grouped: bool) -> None:
    """Differences of the log density are those of multivariate t distributions written out."""
    of = PanelDensity(_panel(seed, returning=returning, grouped=grouped))
    x, y = (of.start(s) + np.random.default_rng(s).normal(0.0, 0.3, of.n) for s in (seed, seed + 1))
    found = of.value_and_gradient(x)[0] - of.value_and_gradient(y)[0]
    assert _densely(of, x) - _densely(of, y) == pytest.approx(found, rel=1e-9, abs=1e-8)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), returning=st.booleans(), grouped=st.booleans())
def test_gradient_is_that_of_differences(seed: int, returning: bool, grouped: bool) -> None:
    """The gradient is the limit of differences, along every number."""
    of = PanelDensity(_panel(seed, returning=returning, grouped=grouped))
    x, h = of.start(seed), 1e-5
    up, down = (np.array([of.value_and_gradient(x + s * h * unit)[0] for unit in np.eye(of.n)]) for s in (1.0, -1.0))
    assert (up - down) / (2.0 * h) == pytest.approx(of.value_and_gradient(x)[1], rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("alone", [True, False])
def test_equal_numbers_are_read_with_rounding(alone: bool) -> None:
    """Where experts agree, or one always says the same, the density stays finite as the scatter goes to zero.

    Its gradient is the limit of differences, and its experts' noise never falls below the rounding by much.
    """
    panel = _panel(1, returning=False, grouped=False, n_questions=40, n_experts=1 if alone else 4)
    equal = replace(panel, said=np.full(panel.said.size, 1.5), variance=np.ones(panel.said.size))
    assert (model.ROUNDING, 0.0) == (model.least_scatter(equal), model.least_scatter(panel))
    of = PanelDensity(equal)
    x, h = of.start(1), 1e-5
    x[model.SCATTER] = -4.0
    up, down = (np.array([of.value_and_gradient(x + s * h * unit)[0] for unit in np.eye(of.n)]) for s in (1.0, -1.0))
    assert (up - down) / (2.0 * h) == pytest.approx(of.value_and_gradient(x)[1], rel=1e-4, abs=1e-4)
    # Nobody scatters: only the prior of the scatter, and the consensus, say how small it is.
    x[N_PANEL:] = 1.5
    at = []
    for scatter in (-20.0, -30.0):
        x[model.SCATTER] = scatter
        at.append(of.value_and_gradient(x)[0] + 0.5 * ((scatter - model.CENTRE[model.SCATTER]) / 0.4) ** 2)
    assert at[0] == pytest.approx(at[1], abs=1e-6)


def test_few_equal_numbers_are_read_as_they_are() -> None:
    """Three experts who agree on one question, or two on five, say little about a scatter."""
    for n_experts, n_questions in ((3, 1), (2, 5), (1, 8)):
        panel = _panel(1, returning=False, grouped=False, n_questions=n_questions, n_experts=n_experts)
        assert 0.0 == model.least_scatter(replace(panel, said=np.zeros(panel.said.size)))


@given(seed=st.integers(0, 10**6))
def test_the_complement_has_the_same_density(seed: int) -> None:
    """No prior prefers yes to no: with everything said and every outcome turned round, the density is the same."""
    panel = _panel(seed, returning=True, grouped=False)
    turned = replace(panel, said=-panel.said, outcome=1.0 - panel.outcome)
    of, other = PanelDensity(panel), PanelDensity(turned)
    x = of.start(seed)
    y = x.copy()
    y[[model.MEAN, model.INTERCEPT]] *= -1.0
    y[N_PANEL:] *= -1.0
    assert other.value_and_gradient(y)[0] == pytest.approx(of.value_and_gradient(x)[0], rel=1e-12)


def test_what_cannot_be_computed_has_no_density() -> None:
    """Where doubles do not hold a number the density is zero, not an exception."""
    of = PanelDensity(_panel(1, returning=True, grouped=True))
    value, gradient = of.value_and_gradient(np.full(of.n, 1e4))
    assert (-np.inf, True) == (value, bool((gradient == 0.0).all()))


def test_experts_are_drawn_given_all_else() -> None:
    """The mean of an expert's drawn variance, bias and slope is the closed form of a normal and inverse gamma."""
    of = PanelDensity(_panel(3, returning=False, grouped=False))
    x = of.start(1)
    x[[model.MEAN, model.INTERCEPT, model.STRETCH]] = 0.0
    noise, bias, slope = of.experts(np.tile(x, (4000, 1)), np.random.default_rng(1))
    stretch = of.stretch(x[np.newaxis])[0]
    e = of._given(x)
    prior = (model.DEGREES_OF_FREEDOM - 2.0) * np.exp(2.0 * x[model.SCATTER])
    variance = (prior + e.square) / (model.DEGREES_OF_FREEDOM + of.readings - 2.0)
    error = 5.0 / np.sqrt(4000.0)
    assert np.square(noise).mean(axis=1) == pytest.approx(variance, rel=4.0 * error)
    assert np.all(np.abs(bias.mean(axis=1) - e.bias) < error * np.sqrt(variance * e.m00))
    assert np.all(np.abs(slope.mean(axis=1) * stretch - 1.0 - e.slope) < error * np.sqrt(variance * e.m11))


def test_the_prior_scatters_as_panels_do() -> None:
    """A priori the noise of 90 % of panels lies between .55 and 2.2 log-odds: real panels scatter .8 to 1.6.

    The stretch of a usual panel (scatter and spread at their centres) is 1.1 to 2.0 in two thirds of the cases.
    """
    centre = {prior.name: prior for prior in PRIORS}
    scatter = centre["log_scatter"]
    low, high = np.exp(scatter.mean + 1.645 * scatter.sd * np.array([-1.0, 1.0]))
    assert 0.5 < low < 0.8 < 1.6 < high < 2.3
    ratio = (np.exp(scatter.mean) / model.SPREAD) ** 2
    stretch = centre["log_stretch"]
    likely = np.exp(stretch.mean + stretch.sd * np.array([-1.0, 0.0, 1.0])) * (1.0 + model.SHARE_KNOWN * ratio)
    assert [1.07, 1.44, 1.95] == pytest.approx(likely, abs=0.02)
