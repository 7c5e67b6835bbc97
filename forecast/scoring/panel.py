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


@dataclass(frozen=True)
class Normal:
    """A normal prior of one number of the panel, on the scale that is sampled."""

    name: str
    mean: float
    sd: float


# Sampled numbers of the whole panel, in the order of the vector.
PRIORS = (
    Normal("consensus_mean", 0.0, 1.0),
    Normal("log_consensus_sd", float(np.log(1.2)), 0.5),
    Normal("log_scatter", float(np.log(1.1)), 0.4),
    Normal("log_bias_share", float(np.log(0.1)), 1.0),  # variance of biases over the noise variance
    Normal("log_slope_share", float(np.log(0.03)), 1.0),  # the same of slopes
    Normal("log_drift", float(np.log(0.01)), 1.0),  # variance a day of age, over the noise variance
    Normal("log_group_share", float(np.log(0.5)), 0.4),  # sd of what a group shares over the scatter
    Normal("intercept", 0.0, 0.4),
    Normal("log_stretch", float(np.log(1.15)), 0.3),  # times 1 + SHARE_KNOWN scatter^2 / consensus sd^2
)
N_PANEL = len(PRIORS)
MEAN, SD, SCATTER, BIAS, SLOPE, DRIFT, GROUP, INTERCEPT, STRETCH = range(N_PANEL)
_CENTRE = np.array([prior.mean for prior in PRIORS])
_PRECISION = np.array([prior.sd**-2 for prior in PRIORS])


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
class _Pairs:
    """Readings of each pair as one: mean, precision, and by the drift's logarithm their derivatives."""

    mean: Array
    precision: Array
    within: Array  # sum of squares of a pair's readings around their mean, weighed
    log_norm: float  # -1/2 log determinant
    mean_slope: Array
    precision_slope: Array
    within_slope: Array
    log_norm_slope: float


class PanelDensity:
    """The log density of a panel over (numbers of the panel, consensus by question, what groups share).

    Unnormalised; what is left out is constant. `n` numbers: PRIORS, then the questions, then standard normal scores of
    the groups' deviations.
    """

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.n_questions = panel.outcome.size
        self.n = N_PANEL + self.n_questions + panel.n_shared
        n_pairs, n_experts = panel.expert.size, panel.n_experts
        self.first = np.flatnonzero(np.diff(panel.pair_of, prepend=-1))  # reading of each pair
        self.starts = np.searchsorted(panel.expert, np.arange(n_experts))
        self.readings = np.bincount(panel.expert[panel.pair_of], minlength=n_experts).astype(float)
        self.persistent = PERSISTENT * np.minimum.reduceat(panel.variance, self.first)
        self.has_drift = bool((panel.age > 0.0).any())
        self.is_single = panel.said.size == n_pairs
        self.shares = panel.shared >= 0
        self.still = None if self.has_drift else self._pairs(0.0)
        self.known = ~np.isnan(panel.outcome)
        self.sign = np.where(panel.outcome == 1.0, 1.0, -1.0)[self.known]

    def _pairs(self, drift: float) -> _Pairs:
        panel, first = self.panel, self.first
        aged = drift * panel.age
        if self.is_single:
            precision = 1.0 / (panel.variance + aged)
            nothing = np.zeros_like(precision)
            slope = -aged * np.square(precision)
            return _Pairs(
                panel.said, precision, nothing, float(0.5 * np.log(precision).sum()), nothing, slope, nothing,
                float(-0.5 * (aged * precision).sum()),
            )  # fmt: skip
        d = panel.variance - self.persistent[panel.pair_of] + aged
        w = 1.0 / d
        total = np.add.reduceat(w, first)
        mean = np.add.reduceat(w * panel.said, first) / total
        off = panel.said - mean[panel.pair_of]
        variance = self.persistent + 1.0 / total
        w_slope = -aged * np.square(w)
        total_slope = np.add.reduceat(w_slope, first)
        variance_slope = -total_slope / np.square(total)
        return _Pairs(
            mean,
            1.0 / variance,
            np.add.reduceat(w * np.square(off), first),
            float(-0.5 * (np.log(d).sum() + np.log(total * variance).sum())),
            np.add.reduceat(w_slope * off, first) / total,
            -variance_slope / np.square(variance),
            np.add.reduceat(w_slope * np.square(off), first),
            float(-0.5 * ((aged * w).sum() + (total_slope / total + variance_slope / variance).sum())),
        )

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Compute the log density and its gradient (n,) at x (n,); -inf where doubles do not hold it."""
        with np.errstate(all="ignore"):
            value, gradient = self._value_and_gradient(x)
        if np.isfinite(value) and np.isfinite(gradient).all():
            return value, gradient
        return -np.inf, np.zeros_like(x)

    def _value_and_gradient(self, x: Array) -> tuple[float, Array]:
        panel = self.panel
        numbers, m, z = self._parts(x)
        gradient = np.zeros_like(x)
        g_numbers, g_m, g_z = self._parts(gradient)
        pull = numbers - _CENTRE
        value = -0.5 * float(_PRECISION @ (pull * pull)) - 0.5 * float(z @ z)
        g_numbers -= _PRECISION * pull
        g_z -= z

        # The consensus of questions is normal around that of the panel.
        mu, sd2, scatter2 = numbers[MEAN], np.exp(2.0 * numbers[SD]), np.exp(2.0 * numbers[SCATTER])
        c = m - mu
        ss = float(c @ c) / sd2
        value += -0.5 * ss - m.size * numbers[SD]
        g_m -= c / sd2
        g_numbers[MEAN] += float(c.sum()) / sd2
        g_numbers[SD] += ss - m.size

        # Outcomes: log-odds intercept + stretch * consensus.
        stretch, d_sd = self._stretch(numbers)
        if self.known.any():
            at = numbers[INTERCEPT] + stretch * m[self.known]
            value -= float(np.logaddexp(0.0, -self.sign * at).sum())
            d_at = self.sign / (1.0 + np.exp(self.sign * at))
            g_m[self.known] += stretch * d_at
            g_numbers[INTERCEPT] += float(d_at.sum())
            d_log = stretch * float(d_at @ m[self.known])
            g_numbers[STRETCH] += d_log
            g_numbers[SD] += d_log * d_sd
            g_numbers[SCATTER] -= d_log * d_sd

        # Experts: a multivariate t each, of residuals r with design (1, consensus - its mean).
        pairs = self.still or self._pairs(float(np.exp(numbers[DRIFT])))
        group_sd = np.exp(numbers[GROUP] + numbers[SCATTER])
        r = pairs.mean - m[panel.question]
        if panel.n_shared:
            r[self.shares] -= group_sd * z[panel.shared[self.shares]]
        cq, w = c[panel.question], pairs.precision
        e = self._experts(r, cq, w, pairs.within, numbers)
        dof = DEGREES_OF_FREEDOM
        half = 0.5 * (dof + self.readings)
        prior = (dof - 2.0) * scatter2
        total = prior + e.square
        value += pairs.log_norm - 0.5 * float(e.log_det.sum()) - float((half * np.log(total)).sum())
        value += 0.5 * dof * panel.n_experts * float(np.log(prior))
        d_square = -half / total  # by an expert's sum of squares
        g_numbers[SCATTER] += dof * panel.n_experts + 2.0 * prior * float(d_square.sum())
        for place, at, spread, own in ((BIAS, e.bias, e.share_bias, e.m00), (SLOPE, e.slope, e.share_slope, e.m11)):
            g_numbers[place] += float((-0.5 * (1.0 - own / spread) - d_square * np.square(at) / spread).sum())
        of = panel.expert
        left = r - e.bias[of] - e.slope[of] * cq
        by = d_square[of]
        d_r = 2.0 * by * w * left
        h0, h1 = e.m00[of] + e.m01[of] * cq, e.m01[of] + e.m11[of] * cq
        d_c = -d_r * e.slope[of] - w * h1
        per_question = np.bincount(panel.question, d_c - d_r, self.n_questions)
        g_m += per_question
        g_numbers[MEAN] -= float(d_c.sum())
        if panel.n_shared:
            to_shared = np.bincount(panel.shared[self.shares], -d_r[self.shares], panel.n_shared)
            g_z += group_sd * to_shared
            d_group = group_sd * float(to_shared @ z)
            g_numbers[GROUP] += d_group
            g_numbers[SCATTER] += d_group
        if self.has_drift:
            d_w = by * np.square(left) - 0.5 * (h0 + h1 * cq)
            g_numbers[DRIFT] += pairs.log_norm_slope + float(
                d_w @ pairs.precision_slope + d_r @ pairs.mean_slope + by @ pairs.within_slope
            )
        return value, gradient

    def _parts(self, x: Array) -> tuple[Array, Array, Array]:
        end = N_PANEL + self.n_questions
        return x[:N_PANEL], x[N_PANEL:end], x[end:]

    def _stretch(self, numbers: Array) -> tuple[float, float]:
        """Return by how much a consensus is stretched, and the derivative of its logarithm by that of its sd."""
        known = SHARE_KNOWN * float(np.exp(2.0 * (numbers[SCATTER] - numbers[SD])))
        return float(np.exp(numbers[STRETCH])) * (1.0 + known), -2.0 * known / (1.0 + known)

    def _experts(self, r: Array, cq: Array, w: Array, within: Array, numbers: Array) -> _Experts:
        def summed(values: Array) -> Array:
            return np.add.reduceat(values, self.starts)

        share_bias, share_slope = float(np.exp(numbers[BIAS])), float(np.exp(numbers[SLOPE]))
        wr, wc = w * r, w * cq
        a00, a01, a11 = summed(w) + 1.0 / share_bias, summed(wc), summed(wc * cq) + 1.0 / share_slope
        t0, t1 = summed(wr), summed(wc * r)
        det = a00 * a11 - a01 * a01
        m00, m01, m11 = a11 / det, -a01 / det, a00 / det
        bias, slope = m00 * t0 + m01 * t1, m01 * t0 + m11 * t1
        square = summed(wr * r + within) - bias * t0 - slope * t1
        log_det = np.log(det) + numbers[BIAS] + numbers[SLOPE]
        return _Experts(share_bias, share_slope, m00, m01, m11, bias, slope, square, log_det)

    def start(self, seed: int) -> Array:
        """Return a random point near the centre of the prior, with consensus near the means of what was said."""
        rng = np.random.default_rng(seed)
        numbers = _CENTRE + 0.5 * rng.uniform(-1.0, 1.0, N_PANEL) * np.sqrt(1.0 / _PRECISION)
        question = self.panel.question[self.panel.pair_of]
        n = np.bincount(question, minlength=self.n_questions)
        mean = np.bincount(question, self.panel.said, self.n_questions) / (n + 1.0)
        m = mean + 0.3 * rng.uniform(-1.0, 1.0, self.n_questions)
        return np.concatenate([numbers, m, rng.uniform(-1.0, 1.0, self.panel.n_shared)])

    def variables(self, x: Array) -> dict[str, Array]:
        """Return vectors (chain, draw, n) in their parts: `panel` (PRIORS), `consensus`, `shared`."""
        end = N_PANEL + self.n_questions
        return {"panel": x[..., :N_PANEL], "consensus": x[..., N_PANEL:end], "shared": x[..., end:]}

    def log_odds(self, x: Array) -> Array:
        """Compute the log-odds (questions, draws) that the panel is worth from vectors x (draws, n)."""
        return np.array([self._log_odds(row) for row in x]).T

    def stretch(self, x: Array) -> Array:
        """Compute by how much a consensus is stretched, (draws,), from vectors x (draws, n)."""
        return np.array([self._stretch(row)[0] for row in x])

    def _log_odds(self, x: Array) -> Array:
        numbers, m, _ = self._parts(x)
        return numbers[INTERCEPT] + self._stretch(numbers)[0] * m

    def experts(self, x: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Draw noise, bias and slope of every expert, (experts, draws) each, given vectors x (draws, n).

        The noise is a standard deviation. Bias and slope are against the log-odds that the panel is worth: an expert
        says bias + slope * log-odds, and noise.
        """
        drawn = [self._drawn(row, rng) for row in x]
        noise, bias, slope = (np.array(part).T for part in zip(*drawn, strict=True))
        return noise, bias, slope

    def _drawn(self, x: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        numbers, m, z = self._parts(x)
        pairs = self.still or self._pairs(float(np.exp(numbers[DRIFT])))
        r = pairs.mean - m[self.panel.question]
        if self.panel.n_shared:
            r[self.shares] -= np.exp(numbers[GROUP] + numbers[SCATTER]) * z[self.panel.shared[self.shares]]
        c = (m - numbers[MEAN])[self.panel.question]
        e = self._experts(r, c, pairs.precision, pairs.within, numbers)
        prior = (DEGREES_OF_FREEDOM - 2.0) * np.exp(2.0 * numbers[SCATTER])
        noise = np.sqrt((prior + e.square) / rng.chisquare(DEGREES_OF_FREEDOM + self.readings))
        # The root of a two by two covariance.
        first, second = rng.standard_normal((2, noise.size))
        root = np.sqrt(e.m00)
        off = e.m01 / root
        at_mean = e.bias + noise * root * first
        slope = 1.0 + e.slope + noise * (off * first + np.sqrt(np.maximum(e.m11 - off * off, 0.0)) * second)
        stretch, _ = self._stretch(numbers)
        # said = m + at_mean + (slope - 1) (m - mean), m = (log-odds - intercept) / stretch
        bias = at_mean - (slope - 1.0) * numbers[MEAN] - slope * numbers[INTERCEPT] / stretch
        return noise, bias, slope / stretch


@dataclass(frozen=True)
class _Experts:
    """Given an expert's noise variance s^2: bias and slope are normal around `bias`, `slope`, with covariance s^2 m."""

    share_bias: float
    share_slope: float
    m00: Array
    m01: Array
    m11: Array
    bias: Array
    slope: Array
    square: Array
    log_det: Array
