"""How stage 1 is sampled, and what a fit consists of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CHAINS, SAMPLED_PER_CHAIN, TUNE, CORES = 4, 1250, 400, 2
# The chains are judged on all draws; four of five are kept, for they are what every update weighs.
KEPT = np.arange(SAMPLED_PER_CHAIN) % 5 != 4
TARGET_ACCEPT = 0.7
# Raise when the model changes in a way that the compiled numbers do not show: cached draws of before are then unused.
MODEL_VERSION = 7


@dataclass(frozen=True)
class Fit:
    """Draws of stage 1.

    `theta` (n_theta, draws), chain after chain; `posterior` and `sample_stats` by variable (chain, draw, ...);
    `diagnostics`: r_hat_max, ess_bulk_min, ess_tail_min, divergences, over all parameters and all draws sampled.
    """

    theta: Array
    posterior: dict[str, Array]
    sample_stats: dict[str, Array]
    diagnostics: dict[str, float]
