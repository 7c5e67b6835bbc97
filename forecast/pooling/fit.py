"""The hierarchical pool: stage 1 on the workspace that a table says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.compiled.layout import Index, lay_out
from forecast.pooling.condense import folded_deviations, shared_sides
from forecast.pooling.table import ForecastTable
from forecast.pooling.world import STATES, YES, as_workspace
from forecast.prior.settings import Effort
from forecast.prior.spec import PriorSpec, prior_spec

Array = NDArray[np.float64]
Progress = Callable[[str], None]

# Shorter than a forecast's: once whitened, a pool is close to a normal distribution, and its tables can be long.
EFFORT = Effort(sampled_per_chain=500, tune=200, deepest=3, quantities=False, whiten=True)


@dataclass(frozen=True)
class Prepared:
    """A table compiled. `questions` are the rows of all results; `record_of` is the question of each record term."""

    questions: tuple[str, ...]
    spec: PriorSpec
    record_of: Index


@dataclass(frozen=True)
class PoolFit:
    """Draws of the pool.

    `p_event` (questions, draws). By expert: `omega` (experts, draws), and for those with a track record `bias` and
    `slope` (rated experts, draws). `diagnostics` as of every fit of stage 1.
    """

    p_event: Array
    omega: Array
    bias: Array
    slope: Array
    diagnostics: dict[str, float]


def prepare(table: ForecastTable, today: date) -> Prepared:
    """Compile a table: stage 1's own numbers of the workspace that says the same, each computed once."""
    workspace = as_workspace(table, today)
    questions = tuple(workspace.network.events)
    spec = folded_deviations(shared_sides(prior_spec(lay_out(workspace.network), workspace, today)))
    row = {question: i for i, question in enumerate(questions)}
    resolved: dict[str, list[int]] = {}
    for statement in workspace.statements:
        if statement.resolved and statement.about.condition:
            resolved.setdefault(statement.expert, []).append(row[statement.about.condition.event])
    record_of = [question for expert in spec.rated for question in resolved[expert]]
    return Prepared(questions, spec, np.array(record_of, dtype=np.intp))


def fit(prepared: Prepared, seed: int, progress: Progress) -> PoolFit:
    """Sample the pool. Raises KeyboardInterrupt if it is interrupted."""
    from forecast.prior.sample import sample

    spec = prepared.spec
    found = sample(spec, seed, progress, EFFORT)
    layout = spec.layout
    yes = [layout.theta_index(v, 0, STATES.index(YES)) for v in range(len(prepared.questions))]
    n_draws = found.theta.shape[1]

    def by_expert(name: str) -> Array:
        return found.posterior[name].reshape(n_draws, -1).T if name in found.posterior else np.empty((0, n_draws))

    return PoolFit(found.theta[yes], by_expert("omega"), by_expert("bias"), by_expert("slope"), found.diagnostics)
