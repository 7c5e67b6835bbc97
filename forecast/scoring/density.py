"""The model of a panel: experts' log-odds around a consensus of each question, and what the consensus is worth.

What experts said is one normal distribution given each expert's noise, so bias, slope and noise of every expert are
integrated out, and an expert is a multivariate t of two by two matrices. Left are the questions' consensus and a
few numbers of the whole panel (docs/pool.md has the model in words). Loops over readings, pairs and experts are
compiled: a panel is small, and a hundred calls of numpy would take most of the time of a gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from forecast.scoring.panel import (
    BIAS,
    CENTRE,
    DEGREES_OF_FREEDOM,
    GROUP,
    INTERCEPT,
    MEAN,
    MOST_KNOTS,
    MOVE,
    MOVE_WORTH,
    N_PANEL,
    PERSISTENT,
    READINGS_A_KNOT,
    SCATTER,
    SD,
    SHARE_KNOWN,
    SLOPE,
    SPREAD,
    SPREAD_WORTH,
    STRETCH,
    Panel,
    least_scatter,
)

Array = NDArray[np.float64]
Index = NDArray[np.intp]

_compiled: Callable[..., Any] = numba.njit(cache=True, nogil=True, error_model="numpy")


@dataclass(frozen=True)
class _Levels:
    """The consensus of each question at its knots: its last forecast, then ages that share its readings evenly.

    Args:
        last, first: (questions,) the level on the day of the last forecast, and that at the greatest age.
        younger, older, part: (readings,) the levels between which a reading lies, and how far towards the older one.
        root: (levels - questions,) root of the days from each level but the last ones to the younger level before it.
    """

    last: Index
    first: Index
    younger: Index
    older: Index
    part: Array
    moved: Index
    root: Array


def _levels(panel: Panel) -> _Levels:
    of = panel.question[panel.pair_of]
    younger, part = np.zeros(of.size, dtype=np.intp), np.zeros(of.size)
    last, first, moved, root, at = list[int](), list[int](), list[int](), list[float](), 0
    for rows in np.split(np.argsort(of, kind="stable"), np.cumsum(np.bincount(of))[:-1]):
        ages = panel.age[rows]
        n_knots = min(MOST_KNOTS, -(-rows.size // READINGS_A_KNOT))
        knots = np.unique(np.append(0.0, np.quantile(ages, np.arange(1, n_knots + 1) / n_knots)))
        days = np.append(np.diff(knots), np.inf)
        place = np.searchsorted(knots, ages, side="right") - 1
        younger[rows], part[rows] = at + place, (ages - knots[place]) / days[place]
        last.append(at)
        moved += range(at + 1, at + knots.size)
        root += np.sqrt(days[:-1]).tolist()
        at += knots.size
        first.append(at - 1)
    older = np.where(part > 0.0, younger + 1, younger)
    index = [np.array(places, dtype=np.intp) for places in (last, first, moved)]
    return _Levels(index[0], index[1], younger, older, part, index[2], np.array(root))


class _Said(NamedTuple):
    """A panel as the compiled loops read it.

    Args:
        said, younger, older, part, weight: (readings,) what was said, where it lies between levels, and the precision
            of what is its own, relative to the expert's.
        pair_of: (readings,) the pair of each reading, rising.
        expert, question, shared, precision, total: (pairs,) `total` is the weight of a pair's readings, `precision`
            that of their mean, with what a pair's readings have in common summed out.
        readings: (experts,) how many there are of each.
        last, first: (questions,) `moved`, `root`: as `_Levels` has them.
        outcome: (questions,) 1, 0 or NaN.
        rounding: variance that the scatter's comes on top of.
    """

    said: Array
    younger: Index
    older: Index
    part: Array
    weight: Array
    pair_of: Index
    expert: Index
    question: Index
    shared: Index
    precision: Array
    total: Array
    readings: Array
    last: Index
    first: Index
    moved: Index
    root: Array
    outcome: Array
    rounding: float


@_compiled
def _stretched(x: Array, d: _Said) -> tuple[float, float, float]:
    """Return by how much a consensus is stretched, and two numbers of its derivative.

    These are d log stretch / d log scatter, and minus what times a question's distance from the mean is that by its
    consensus.
    """
    squares = SPREAD_WORTH * SPREAD * SPREAD
    for level in d.last:
        squares += (x[N_PANEL + level] - x[MEAN]) ** 2
    known = SHARE_KNOWN * np.exp(2.0 * x[SCATTER]) * (SPREAD_WORTH + d.last.size) / squares
    part = 2.0 * known / (1.0 + known)
    return np.exp(x[STRETCH]) * (1.0 + known), part, part / squares


@_compiled
def _residuals(x: Array, d: _Said, r: Array, mean: Array, within: Array, c: Array) -> None:
    """Fill in what was said less consensus; by pair its mean, what is left, and the consensus less the panel's."""
    n_levels = d.last.size + d.moved.size
    common = np.exp(x[GROUP] + x[SCATTER])
    for p in range(c.size):
        c[p] = x[N_PANEL + d.last[d.question[p]]] - x[MEAN]
        mean[p] = within[p] = 0.0
    for i in range(r.size):
        p = d.pair_of[i]
        level = (1.0 - d.part[i]) * x[N_PANEL + d.younger[i]] + d.part[i] * x[N_PANEL + d.older[i]]
        r[i] = d.said[i] - level
        if d.shared[p] >= 0:
            r[i] -= common * x[N_PANEL + n_levels + d.shared[p]]
        mean[p] += d.weight[i] / d.total[p] * r[i]
    for i in range(r.size):
        p = d.pair_of[i]
        within[p] += d.weight[i] * (r[i] - mean[p]) ** 2


@_compiled
def _experts(x: Array, d: _Said, mean: Array, within: Array, c: Array, found: Array) -> None:
    """Fill in `_Experts`, (7, experts), from the residuals of pairs."""
    found[:] = 0.0
    for p in range(c.size):
        e, w = d.expert[p], d.precision[p]
        found[0, e] += w
        found[1, e] += w * c[p]
        found[2, e] += w * c[p] * c[p]
        found[3, e] += w * mean[p]
        found[4, e] += w * c[p] * mean[p]
        found[5, e] += w * mean[p] * mean[p] + within[p]
    for e in range(found.shape[1]):
        a00, a01 = found[0, e] + np.exp(-x[BIAS]), found[1, e]
        a11, t0, t1 = found[2, e] + np.exp(-x[SLOPE]), found[3, e], found[4, e]
        det = a00 * a11 - a01 * a01
        m00, m01, m11 = a11 / det, -a01 / det, a00 / det
        bias, slope = m00 * t0 + m01 * t1, m01 * t0 + m11 * t1
        square = found[5, e] - bias * t0 - slope * t1
        found[0, e], found[1, e], found[2, e] = m00, m01, m11
        found[3, e], found[4, e], found[5, e] = bias, slope, square
        found[6, e] = np.log(det) + x[BIAS] + x[SLOPE]


@_compiled
def _normal(parts: Array, sd: float, worth: float) -> tuple[float, float]:
    """Return the log density of normal numbers, variance integrated out, and its slope by one over minus that one."""
    squares, n = worth * sd * sd + np.sum(parts * parts), worth + parts.size
    return -0.5 * n * np.log(squares), n / squares


@_compiled
def _value_and_gradient(x: Array, d: _Said, gradient: Array) -> float:  # noqa: C901  # one density, term after term
    n_levels = d.last.size + d.moved.size
    level, g_level = x[N_PANEL : N_PANEL + n_levels], gradient[N_PANEL : N_PANEL + n_levels]
    z, g_z = x[N_PANEL + n_levels :], gradient[N_PANEL + n_levels :]
    value = -0.5 * np.sum(z * z)
    for i in range(N_PANEL):
        pull = (x[i] - CENTRE[i]) / SD[i]
        value -= 0.5 * pull * pull
        gradient[i] = -pull / SD[i]
    g_level[:] = 0.0
    g_z[:] = -z

    # First consensus and moves: normal, their variances integrated out.
    first, moved = np.empty(d.first.size), np.empty(d.moved.size)
    for q in range(first.size):
        first[q] = level[d.first[q]] - x[MEAN]
    for i in range(moved.size):
        moved[i] = (level[d.moved[i] - 1] - level[d.moved[i]]) / d.root[i]
    density, by = _normal(first, SPREAD, SPREAD_WORTH)
    value += density
    for q in range(first.size):
        g_level[d.first[q]] -= by * first[q]
        gradient[MEAN] += by * first[q]
    density, by = _normal(moved, MOVE, MOVE_WORTH)
    value += density
    for i in range(moved.size):
        g_level[d.moved[i]] += by * moved[i] / d.root[i]
        g_level[d.moved[i] - 1] -= by * moved[i] / d.root[i]

    # Outcomes: log-odds intercept + stretch * consensus.
    stretch, by_scatter, by_distance = _stretched(x, d)
    d_log = 0.0
    for q in range(d.outcome.size):
        if np.isnan(d.outcome[q]):
            continue
        sign, m = (1.0 if d.outcome[q] == 1.0 else -1.0), level[d.last[q]]
        at = sign * (x[INTERCEPT] + stretch * m)
        value -= max(0.0, -at) + np.log1p(np.exp(-abs(at)))
        d_at = sign / (1.0 + np.exp(at))
        g_level[d.last[q]] += stretch * d_at
        gradient[INTERCEPT] += d_at
        d_log += stretch * d_at * m
    gradient[STRETCH] += d_log
    gradient[SCATTER] += d_log * by_scatter
    for q in range(d.outcome.size):
        pull = d_log * by_distance * (level[d.last[q]] - x[MEAN])
        g_level[d.last[q]] -= pull
        gradient[MEAN] += pull

    # Experts: a multivariate t each, of residuals with design (1, consensus - its mean).
    n_experts = d.readings.size
    r, mean, within = np.empty(d.said.size), np.empty(d.expert.size), np.empty(d.expert.size)
    c, found, d_square = np.empty(d.expert.size), np.empty((7, n_experts)), np.empty(n_experts)
    _residuals(x, d, r, mean, within, c)
    _experts(x, d, mean, within, c, found)
    m00, m01, m11, bias, slope, square, log_det = found
    scatter = np.exp(2.0 * x[SCATTER])
    prior, part = (DEGREES_OF_FREEDOM - 2.0) * (scatter + d.rounding), scatter / (scatter + d.rounding)
    value += 0.5 * DEGREES_OF_FREEDOM * n_experts * np.log(prior)
    gradient[SCATTER] += DEGREES_OF_FREEDOM * n_experts * part
    for e in range(n_experts):
        half, total = 0.5 * (DEGREES_OF_FREEDOM + d.readings[e]), prior + square[e]
        value -= 0.5 * log_det[e] + half * np.log(total)
        d_square[e] = -half / total
        gradient[SCATTER] += 2.0 * prior * d_square[e] * part
        over_bias, over_slope = np.exp(-x[BIAS]), np.exp(-x[SLOPE])
        gradient[BIAS] -= 0.5 * (1.0 - m00[e] * over_bias) + d_square[e] * bias[e] * bias[e] * over_bias
        gradient[SLOPE] -= 0.5 * (1.0 - m11[e] * over_slope) + d_square[e] * slope[e] * slope[e] * over_slope
    d_mean = within  # what is left within pairs is done with
    common = np.exp(x[GROUP] + x[SCATTER])
    for p in range(c.size):
        e, w = d.expert[p], d.precision[p]
        d_mean[p] = 2.0 * d_square[e] * w * (mean[p] - bias[e] - slope[e] * c[p])
        d_c = -d_mean[p] * slope[e] - w * (m01[e] + m11[e] * c[p])
        g_level[d.last[d.question[p]]] += d_c
        gradient[MEAN] -= d_c
        if d.shared[p] >= 0:
            to_shared = -d_mean[p] * common
            g_z[d.shared[p]] += to_shared
            gradient[GROUP] += to_shared * z[d.shared[p]]
            gradient[SCATTER] += to_shared * z[d.shared[p]]
    for i in range(r.size):
        p = d.pair_of[i]
        d_r = d.weight[i] * (d_mean[p] / d.total[p] + 2.0 * d_square[d.expert[p]] * (r[i] - mean[p]))
        g_level[d.younger[i]] -= (1.0 - d.part[i]) * d_r
        g_level[d.older[i]] -= d.part[i] * d_r
    return float(value)


class PanelDensity:
    """The log density of a panel over one vector.

    Unnormalised. The `n` numbers: PRIORS, the consensus of each question at its knots, then standard normal scores of
    what groups share.
    """

    def __init__(self, panel: Panel) -> None:
        self.panel, self.levels, self.least_scatter = panel, _levels(panel), least_scatter(panel)
        self.n_questions, self.n_levels = panel.outcome.size, panel.outcome.size + self.levels.moved.size
        self.n = N_PANEL + self.n_levels + panel.n_shared
        first = np.flatnonzero(np.diff(panel.pair_of, prepend=-1))  # reading of each pair
        self.readings = np.bincount(panel.expert[panel.pair_of], minlength=panel.n_experts).astype(float)
        # What an expert's forecasts on a question have in common is one number more, summed out; the rest is each's.
        single = np.bincount(panel.pair_of) == 1
        persistent = np.where(single, 0.0, PERSISTENT * np.minimum.reduceat(panel.variance, first))
        weight = 1.0 / (panel.variance - persistent[panel.pair_of])
        total = np.add.reduceat(weight, first)
        levels = self.levels
        self._said = _Said(
            panel.said,
            levels.younger,
            levels.older,
            levels.part,
            weight,
            panel.pair_of,
            panel.expert,
            panel.question,
            panel.shared,
            1.0 / (persistent + 1.0 / total),
            total,
            self.readings,
            levels.last,
            levels.first,
            levels.moved,
            levels.root,
            panel.outcome,
            self.least_scatter**2,
        )

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Compute the log density and its gradient (n,) at x (n,); -inf where doubles do not hold it."""
        gradient = np.empty(self.n)
        value = float(_value_and_gradient(x, self._said, gradient))
        if np.isfinite(value) and np.isfinite(gradient).all():
            return value, gradient
        return -np.inf, np.zeros(self.n)

    def start(self, seed: int) -> Array:
        """Return a random point near the centre of the prior, with the consensus near the means of what was said."""
        rng = np.random.default_rng(seed)
        numbers = CENTRE + 0.5 * rng.uniform(-1.0, 1.0, N_PANEL) * SD
        question = self.panel.question[self.panel.pair_of]
        n = np.bincount(question, minlength=self.n_questions)
        mean = np.bincount(question, self.panel.said, self.n_questions) / (n + 1.0)
        level = np.zeros(self.n_levels)
        level[self.levels.last] = mean
        level[self.levels.moved] = np.repeat(mean, self.levels.first - self.levels.last)
        level += 0.3 * rng.uniform(-1.0, 1.0, self.n_levels)
        return np.concatenate([numbers, level, rng.uniform(-0.5, 0.5, self.panel.n_shared)])

    def variables(self, x: Array) -> dict[str, Array]:
        """Return vectors (chain, draw, n) in their PARTS."""
        shared = N_PANEL + self.n_levels
        return dict(zip(PARTS, (x[..., :N_PANEL], x[..., N_PANEL:shared], x[..., shared:]), strict=True))

    def log_odds(self, x: Array) -> Array:
        """Compute the log-odds (questions, draws) that the panel is worth from vectors x (draws, n)."""
        consensus = x[:, N_PANEL + self.levels.last]
        return np.asarray(x[:, INTERCEPT] + self.stretch(x) * consensus.T)

    def stretch(self, x: Array) -> Array:
        """Compute by how much a consensus is stretched, (draws,), from vectors x (draws, n)."""
        return np.array([_stretched(row, self._said)[0] for row in x])

    def experts(self, x: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Draw noise, bias and slope of every expert, (experts, draws) each, given vectors x (draws, n).

        The noise is a standard deviation. Bias and slope are against the log-odds that the panel is worth: an expert
        says bias + slope * log-odds, and noise.
        """
        drawn = [self._drawn(row, rng) for row in x]
        noise, bias, slope = (np.array(part).T for part in zip(*drawn, strict=True))
        return noise, bias, slope

    def _given(self, x: Array) -> _Experts:
        d = self._said
        r, mean, within, c = np.empty(d.said.size), *np.empty((3, d.expert.size))
        found = np.empty((7, d.readings.size))
        _residuals(x, d, r, mean, within, c)
        _experts(x, d, mean, within, c, found)
        return _Experts(*found)

    def _drawn(self, x: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        numbers, e = x[:N_PANEL], self._given(x)
        prior = (DEGREES_OF_FREEDOM - 2.0) * (np.exp(2.0 * numbers[SCATTER]) + self._said.rounding)
        noise = np.sqrt((prior + e.square) / rng.chisquare(DEGREES_OF_FREEDOM + self.readings))
        # The root of a two by two covariance.
        first, second = rng.standard_normal((2, noise.size))
        root = np.sqrt(e.m00)
        off = e.m01 / root
        at_mean = e.bias + noise * root * first
        slope = 1.0 + e.slope + noise * (off * first + second / np.sqrt(e.m00 / (e.m00 * e.m11 - e.m01 * e.m01)))
        stretch = _stretched(x, self._said)[0]
        # said = m + at_mean + (slope - 1) (m - mean), m = (log-odds - intercept) / stretch
        bias = at_mean - (slope - 1.0) * numbers[MEAN] - slope * numbers[INTERCEPT] / stretch
        return noise, bias, slope / stretch


PARTS = ("panel", "consensus", "shared")  # of a vector, in order


@dataclass(frozen=True)
class _Experts:
    """What residuals say of experts, (experts,) each.

    Given an expert's noise variance s^2, bias and slope are normal around `bias`, `slope` with covariance s^2 m;
    `square` is the sum of squares that is left, `log_det` the logarithm of the covariance's determinant.
    """

    m00: Array
    m01: Array
    m11: Array
    bias: Array
    slope: Array
    square: Array
    log_det: Array
