"""Sources whose reliability is known, the same in every draw."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

import numpy as np

from forecast.model.reliability import Grid
from forecast.posterior.sources import Reliabilities


def standing_at(reliability: Mapping[str, float], draws: int = 1) -> Reliabilities:
    """Every source at its reliability, in all draws."""
    names = tuple(sorted(reliability))
    grids = tuple(Grid(np.array([log(reliability[name] / (1.0 - reliability[name]))]), np.zeros(1)) for name in names)
    return Reliabilities(
        sources=names, grids=grids, nodes=np.zeros((len(names), draws), dtype=np.intp), log_correction=np.zeros(draws)
    )
