"""A panel as numbers: what experts said of questions, and the priors of the few numbers that are the panel's own.

Its density is in `density.py`; docs/pool.md has the model in words.
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
# A scatter of experts below this is rounding: whole percents and fives are a few hundredths of log-odds apart.
ROUNDING = 0.05


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
CENTRE = np.array([prior.mean for prior in PRIORS])
SD = np.array([prior.sd for prior in PRIORS])


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


def least_scatter(panel: Panel) -> float:
    """Return the least scatter that a panel is read with: 0, or ROUNDING where a guess of it is below that.

    Many equal numbers have no scatter to learn: the density grows without end as it shrinks, until no step of a
    sampler is small enough. So it does where the experts agree with each other, and where each says one number
    whatever the question is.
    """
    of, by = panel.question[panel.pair_of], panel.expert[panel.pair_of]
    n_questions, n_experts = panel.outcome.size, panel.n_experts
    guesses = _guess(panel, by, of, n_questions), _guess(panel, by, by, 2 * n_experts)  # two: bias and slope
    return ROUNDING if min(guesses) < ROUNDING else 0.0


def _guess(panel: Panel, by: Index, within: Index, n_free: int) -> float:
    """Return the scatter, on a grid, at which residuals are likeliest, with what numbers that are free add to it.

    `by` (readings,) the expert of each; `within` (readings,) of whose median it is a residual.
    """
    order = np.argsort(within, kind="stable")
    parts = np.split(panel.said[order], np.cumsum(np.bincount(within))[:-1])
    residual = panel.said - np.array([np.median(part) for part in parts])[within]
    n, square = np.bincount(by), np.bincount(by, np.square(residual) / panel.variance)
    log_scatter = np.linspace(np.log(1e-6), np.log(10.0), 200)
    value = -0.5 * np.square((log_scatter - CENTRE[SCATTER]) / SD[SCATTER])
    value += (DEGREES_OF_FREEDOM * n.size + n_free) * log_scatter
    prior = (DEGREES_OF_FREEDOM - 2.0) * np.exp(2.0 * log_scatter)
    value -= np.array([0.5 * (DEGREES_OF_FREEDOM + n) @ np.log(one + square) for one in prior])
    return float(np.exp(log_scatter[np.argmax(value)]))
