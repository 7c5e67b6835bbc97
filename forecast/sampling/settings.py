"""How stage 1 is sampled, and what a fit consists of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CHAINS, SAMPLED_PER_CHAIN, TUNE, CORES = 4, 1250, 500, 2
LONGEST = 4  # where chains do not agree they are drawn twice as long, and again, up to so many times the usual length
# Lower than the usual 0.8: the longer steps keep trajectories at 15 under the wide prior of parents' effects.
TARGET_ACCEPT = 0.7
DEEPEST = 10


def kept(n_draws: int, times: int = 1) -> NDArray[np.intp]:
    """Return which draws of a chain are kept: it is judged on all, and four of five are what every update weighs.

    A chain that was drawn so many `times` as long as `n_draws` keeps as many, evenly spread.
    """
    n_kept = n_draws - n_draws // 5
    return np.arange(n_kept) * (n_draws * times) // n_kept


@dataclass(frozen=True)
class Effort:
    """How long to sample, how far, and what to keep.

    `quantities`: keep what each statement was a reading of (draws x statements numbers). `deepest` trajectories have
    2^deepest - 1 steps.
    `sampled_per_chain` is the usual length; chains that do not agree are drawn up to LONGEST times as long.
    """

    sampled_per_chain: int = SAMPLED_PER_CHAIN
    tune: int = TUNE
    deepest: int = DEEPEST
    quantities: bool = True


@dataclass(frozen=True)
class SampledFit:
    """Draws of stage 1.

    `theta` (n_theta, draws), chain after chain; `posterior` and `sample_stats` by variable (chain, draw, ...);
    `diagnostics`: r_hat_max, ess_bulk_min, ess_tail_min, divergences, over all parameters and all draws sampled, and
    how many these are, `sampled`.
    """

    theta: Array
    posterior: dict[str, Array]
    sample_stats: dict[str, Array]
    diagnostics: dict[str, float]
