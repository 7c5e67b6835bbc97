"""A discrete Bayesian network as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.workspace.problems import Problem


@dataclass(frozen=True)
class DiscreteNetwork:
    """Variables with named states, and one conditional probability table each.

    `names` are the variables in file order; `tables[v]` has one axis for each of `parents[v]`, in that order, and
    last one for the states of v; every row (last axis) sums to one. `warnings` tell what the reader had to mend.
    """

    names: tuple[str, ...]
    states: Mapping[str, tuple[str, ...]]
    parents: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, NDArray[np.float64]]
    warnings: tuple[Problem, ...]
