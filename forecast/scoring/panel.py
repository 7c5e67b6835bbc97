"""The model of a panel: experts' log-odds around a consensus of each question, and what the consensus is worth.

What experts said is one normal distribution given each expert's noise, so bias, slope and noise of every expert are
integrated out, and an expert is a multivariate t of two by two matrices. Left are the questions' consensus and a
few numbers of the whole panel (docs/pool.md has the model in words).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]

# Priors, all in log-odds. Their sources, and what they imply for a panel, are in docs/pool.md.
DEGREES_OF_FREEDOM = 5.0  # of experts' variances around the mean variance of the panel
PERSISTENT = 0.75  # share of an expert's variance on a question that a second forecast of theirs has again
SHARE_KNOWN = 0.3  # of the scatter: private knowledge and not noise, the centre of what stretches a consensus
SPREAD, SPREAD_WORTH = 1.2, 8.0  # sd of first consensus among questions; it counts as if seen on so many
MOVE, MOVE_WORTH = 0.07, 8.0  # sd of what a consensus moves in one day, likewise
MOST_KNOTS, READINGS_A_KNOT = 4, 5  # of a consensus that moves


@dataclass(frozen=True)
class Normal:
    """A normal prior of one number of the panel, on the scale that is sampled."""

    name: str
    mean: float
    sd: float


# Sampled numbers of the whole panel, in the order of the vector.
PRIORS = (
    Normal("consensus_mean", 0.0, 1.0),
    Normal("log_scatter", float(np.log(1.1)), 0.4),
    Normal("log_bias_share", float(np.log(0.1)), 1.0),  # variance of biases over the noise variance
    Normal("log_slope_share", float(np.log(0.03)), 1.0),  # the same of slopes
    Normal("log_group_share", float(np.log(0.5)), 0.4),  # sd of what a group shares over the scatter
    Normal("intercept", 0.0, 0.4),
    Normal("log_stretch", float(np.log(1.15)), 0.3),  # times 1 + SHARE_KNOWN scatter^2 / consensus' variance
)
N_PANEL = len(PRIORS)
MEAN, SCATTER, BIAS, SLOPE, GROUP, INTERCEPT, STRETCH = range(N_PANEL)
_CENTRE = np.array([prior.mean for prior in PRIORS])
_SD = np.array([prior.sd for prior in PRIORS])


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What a panel said, as numbers. A pair is an expert on a question; its readings lie one after the other.

    Args:
        said: (readings,) log-odds; `variance` relative to the expert's noise variance; `age` in days before the last
            forecast on the question.
        pair_of: (readings,) the pair of each reading, rising.
        expert, question: (pairs,) pairs are sorted by expert.
        shared: (pairs,) which deviation of a group on a question the pair has, -1 for none.
        outcome: (questions,) 1, 0, or NaN where it is not known.
    """

    said: Array
    variance: Array
    age: Array
    pair_of: Index
    expert: Index
    question: Index
    shared: Index
    outcome: Array
    n_experts: int
    n_shared: int

    def without_outcome(self, question: int) -> Panel:
        """Return the same panel not knowing the outcome of a question."""
        outcome = self.outcome.copy()
        outcome[question] = np.nan
        return replace(self, outcome=outcome)


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


class PanelDensity:
    """The log density of a panel over one vector.

    Unnormalised. The `n` numbers: PRIORS, the consensus of each question at its knots, then standard normal scores of
    what groups share.
    """

    def __init__(self, panel: Panel) -> None:
        self.panel, self.levels = panel, _levels(panel)
        self.n_questions, self.n_levels = panel.outcome.size, panel.outcome.size + self.levels.moved.size
        self.n = N_PANEL + self.n_levels + panel.n_shared
        n_pairs, n_experts = panel.expert.size, panel.n_experts
        self.first = np.flatnonzero(np.diff(panel.pair_of, prepend=-1))  # reading of each pair
        self.starts = np.searchsorted(panel.expert, np.arange(n_experts))
        self.readings = np.bincount(panel.expert[panel.pair_of], minlength=n_experts).astype(float)
        self.shares = np.flatnonzero(panel.shared >= 0)
        self.known = np.flatnonzero(~np.isnan(panel.outcome))
        self.sign = np.where(panel.outcome == 1.0, 1.0, -1.0)[self.known]
        # What an expert's forecasts on a question have in common is one number more, summed out; the rest is each's.
        persistent = PERSISTENT * np.minimum.reduceat(panel.variance, self.first)
        single = np.bincount(panel.pair_of) == 1
        self.weight = 1.0 / (panel.variance - np.where(single, 0.0, persistent)[panel.pair_of])
        self.total = np.add.reduceat(self.weight, self.first)
        self.precision = 1.0 / (np.where(single, 0.0, persistent) + 1.0 / self.total)
        self.is_single = panel.said.size == n_pairs

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Compute the log density and its gradient (n,) at x (n,); -inf where doubles do not hold it."""
        with np.errstate(all="ignore"):
            value, gradient = self._value_and_gradient(x)
        if np.isfinite(value) and np.isfinite(gradient).all():
            return value, gradient
        return -np.inf, np.zeros_like(x)

    def _value_and_gradient(self, x: Array) -> tuple[float, Array]:
        panel, levels = self.panel, self.levels
        numbers, level, z = self._parts(x)
        m = level[levels.last]
        pull = (numbers - _CENTRE) / _SD
        value = -0.5 * float(pull @ pull + z @ z)
        gradient = -x
        g_numbers, g_level, g_z = self._parts(gradient)
        g_numbers[:] = -pull / _SD
        g_level[:] = 0.0

        # First consensus and moves: normal, their variances integrated out.
        first = level[levels.first] - numbers[MEAN]
        moved = (level[levels.moved - 1] - level[levels.moved]) / levels.root
        for parts, sd, worth in ((first, SPREAD, SPREAD_WORTH), (moved, MOVE, MOVE_WORTH)):
            squares, n = worth * sd * sd + float(parts @ parts), worth + parts.size
            value -= 0.5 * n * float(np.log(squares))
            if parts is first:
                g_level[levels.first] -= n / squares * first
                g_numbers[MEAN] += n / squares * float(first.sum())
            else:
                by_move = n / squares * moved / levels.root
                g_level[levels.moved] += by_move
                g_level[levels.moved - 1] -= by_move
        g_m = np.zeros_like(m)

        # Outcomes: log-odds intercept + stretch * consensus.
        if self.known.size:
            stretch, d_numbers, d_m = self._stretch(x)
            at = numbers[INTERCEPT] + stretch * m[self.known]
            value -= float(np.logaddexp(0.0, -self.sign * at).sum())
            d_at = self.sign / (1.0 + np.exp(self.sign * at))
            g_m[self.known] = stretch * d_at
            g_numbers[INTERCEPT] += float(d_at.sum())
            d_log = stretch * float(d_at @ m[self.known])
            g_numbers += d_log * d_numbers
            g_m += d_log * d_m

        # Experts: a multivariate t each, of residuals with design (1, consensus - its mean).
        e = self._experts(x)
        half, of = 0.5 * (DEGREES_OF_FREEDOM + self.readings), panel.expert
        prior = (DEGREES_OF_FREEDOM - 2.0) * np.exp(2.0 * numbers[SCATTER])
        total = prior + e.square
        value += 0.5 * DEGREES_OF_FREEDOM * panel.n_experts * float(np.log(prior))
        value -= 0.5 * float(e.log_det.sum()) + float(half @ np.log(total))
        d_square = -half / total  # by an expert's sum of squares
        g_numbers[SCATTER] += DEGREES_OF_FREEDOM * panel.n_experts + 2.0 * prior * float(d_square.sum())
        for place, at, spread, own in ((BIAS, e.bias, e.share_bias, e.m00), (SLOPE, e.slope, e.share_slope, e.m11)):
            g_numbers[place] -= float((0.5 * (1.0 - own / spread) + d_square * np.square(at) / spread).sum())
        by = d_square[of]
        slope = e.slope[of]
        d_mean = 2.0 * by * self.precision * (e.mean - e.bias[of] - slope * e.c)
        d_c = -d_mean * slope - self.precision * (e.m01[of] + e.m11[of] * e.c)
        g_m += np.bincount(panel.question, d_c, self.n_questions)
        g_numbers[MEAN] -= float(d_c.sum())
        g_level[levels.last] += g_m
        if self.is_single:
            d_r = d_mean
        else:
            pair = panel.pair_of
            d_r = self.weight * ((d_mean / self.total)[pair] + 2.0 * by[pair] * (e.r - e.mean[pair]))
        g_level -= np.bincount(levels.younger, (1.0 - levels.part) * d_r, self.n_levels)
        g_level -= np.bincount(levels.older, levels.part * d_r, self.n_levels)
        if panel.n_shared:
            to_shared = np.bincount(panel.shared[self.shares], -d_mean[self.shares], panel.n_shared)
            to_shared *= np.exp(numbers[GROUP] + numbers[SCATTER])
            g_z += to_shared
            g_numbers[[GROUP, SCATTER]] += float(to_shared @ z)
        return value, gradient

    def _parts(self, x: Array) -> tuple[Array, Array, Array]:
        shared = N_PANEL + self.n_levels
        return x[..., :N_PANEL], x[..., N_PANEL:shared], x[..., shared:]

    def _stretch(self, x: Array) -> tuple[float, Array, Array]:
        """Return by how much a consensus is stretched, and the derivatives of its logarithm.

        They are by the numbers of the panel, and by the consensus of each question.
        """
        numbers, level, _ = self._parts(x)
        c, n = level[self.levels.last] - numbers[MEAN], SPREAD_WORTH + self.n_questions
        squares = SPREAD_WORTH * SPREAD * SPREAD + float(c @ c)
        known = SHARE_KNOWN * np.exp(2.0 * numbers[SCATTER]) * n / squares
        part = 2.0 * known / (1.0 + known)
        by = -part * c / squares
        slope = np.zeros(N_PANEL)
        slope[[MEAN, SCATTER, STRETCH]] = -by.sum(), part, 1.0
        return float(np.exp(numbers[STRETCH]) * (1.0 + known)), slope, by

    def _experts(self, x: Array) -> _Experts:
        panel, levels, w = self.panel, self.levels, self.precision
        numbers, level, z = self._parts(x)
        r = panel.said - (1.0 - levels.part) * level[levels.younger] - levels.part * level[levels.older]
        c = level[levels.last][panel.question] - numbers[MEAN]
        if panel.n_shared:
            common = np.zeros_like(c)
            common[self.shares] = np.exp(numbers[GROUP] + numbers[SCATTER]) * z[panel.shared[self.shares]]
            r -= common[panel.pair_of]
        mean, within = r, np.zeros_like(c)
        if not self.is_single:
            mean = np.add.reduceat(self.weight * r, self.first) / self.total
            within = np.add.reduceat(self.weight * np.square(r - mean[panel.pair_of]), self.first)

        def summed(values: Array) -> Array:
            return np.add.reduceat(values, self.starts)

        share_bias, share_slope = float(np.exp(numbers[BIAS])), float(np.exp(numbers[SLOPE]))
        w_mean, wc = w * mean, w * c
        a00, a01, a11 = summed(w) + 1.0 / share_bias, summed(wc), summed(wc * c) + 1.0 / share_slope
        t0, t1 = summed(w_mean), summed(wc * mean)
        det = a00 * a11 - a01 * a01
        m00, m01, m11 = a11 / det, -a01 / det, a00 / det
        bias, slope = m00 * t0 + m01 * t1, m01 * t0 + m11 * t1
        square = summed(w_mean * mean + within) - bias * t0 - slope * t1
        log_det = np.log(det) + numbers[BIAS] + numbers[SLOPE]
        return _Experts(r, mean, c, share_bias, share_slope, m00, m01, m11, bias, slope, square, log_det)

    def start(self, seed: int) -> Array:
        """Return a random point near the centre of the prior, with the consensus near the means of what was said."""
        rng = np.random.default_rng(seed)
        numbers = _CENTRE + 0.5 * rng.uniform(-1.0, 1.0, N_PANEL) * _SD
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
        return dict(zip(PARTS, self._parts(x), strict=True))

    def log_odds(self, x: Array) -> Array:
        """Compute the log-odds (questions, draws) that the panel is worth from vectors x (draws, n)."""
        return np.array([self._log_odds(row) for row in x]).T

    def stretch(self, x: Array) -> Array:
        """Compute by how much a consensus is stretched, (draws,), from vectors x (draws, n)."""
        return np.array([self._stretch(row)[0] for row in x])

    def _log_odds(self, x: Array) -> Array:
        return np.asarray(x[INTERCEPT] + self._stretch(x)[0] * self._parts(x)[1][self.levels.last])

    def experts(self, x: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Draw noise, bias and slope of every expert, (experts, draws) each, given vectors x (draws, n).

        The noise is a standard deviation. Bias and slope are against the log-odds that the panel is worth: an expert
        says bias + slope * log-odds, and noise.
        """
        drawn = [self._drawn(row, rng) for row in x]
        noise, bias, slope = (np.array(part).T for part in zip(*drawn, strict=True))
        return noise, bias, slope

    def _drawn(self, x: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        numbers, e = x[:N_PANEL], self._experts(x)
        prior = (DEGREES_OF_FREEDOM - 2.0) * np.exp(2.0 * numbers[SCATTER])
        noise = np.sqrt((prior + e.square) / rng.chisquare(DEGREES_OF_FREEDOM + self.readings))
        # The root of a two by two covariance.
        first, second = rng.standard_normal((2, noise.size))
        root = np.sqrt(e.m00)
        off = e.m01 / root
        at_mean = e.bias + noise * root * first
        slope = 1.0 + e.slope + noise * (off * first + second / np.sqrt(e.m00 / (e.m00 * e.m11 - e.m01 * e.m01)))
        stretch = self._stretch(x)[0]
        # said = m + at_mean + (slope - 1) (m - mean), m = (log-odds - intercept) / stretch
        bias = at_mean - (slope - 1.0) * numbers[MEAN] - slope * numbers[INTERCEPT] / stretch
        return noise, bias, slope / stretch


PARTS = ("panel", "consensus", "shared")  # of a vector, in order


@dataclass(frozen=True)
class _Experts:
    """Residuals, and what they say of experts.

    `r` (readings), `mean` and `c` (pairs): what was said less consensus, a pair's mean of it, the consensus less the
    panel's. Given an expert's noise variance s^2, bias and slope are normal around `bias`, `slope` with covariance
    s^2 m; `square` is the sum of squares that is left, `log_det` the logarithm of the covariance's determinant.
    """

    r: Array
    mean: Array
    c: Array
    share_bias: float
    share_slope: float
    m00: Array
    m01: Array
    m11: Array
    bias: Array
    slope: Array
    square: Array
    log_det: Array
