"""The hierarchical pool: stage 1 on the workspace that a table says, and without a question's own outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.model.layout import Index, lay_out
from forecast.posterior.weights import MAX_PARETO_K, smooth
from forecast.sampling.diagnostics import distrust
from forecast.sampling.settings import Effort
from forecast.sampling.spec import PriorSpec, TrackRecord, prior_spec
from forecast.scoring.pool_table import ForecastTable
from forecast.scoring.world import STATES, YES, as_workspace, folded_deviations, shared_sides

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
    from forecast.sampling.sample import sample

    spec = prepared.spec
    sampled = sample(spec, seed, progress, EFFORT)
    layout = spec.layout
    yes = [layout.theta_index(v, 0, STATES.index(YES)) for v in range(len(prepared.questions))]
    n_draws = sampled.theta.shape[1]

    def by_expert(name: str) -> Array:
        return sampled.posterior[name].reshape(n_draws, -1).T if name in sampled.posterior else np.empty((0, n_draws))

    return PoolFit(sampled.theta[yes], by_expert("omega"), by_expert("bias"), by_expert("slope"), sampled.diagnostics)


@dataclass(frozen=True)
class LeftOut:
    """A pooled probability without the question's own outcome; `p_event` is from a fit of its own if `refitted`.

    `reliable`: the weights' Pareto k is at most 0.7, or nothing is to be said against the draws of the refit.
    """

    p_event: float
    pareto_k: float
    refitted: bool
    reliable: bool


@dataclass(frozen=True)
class LeaveOut:
    """What leaving out gave, by question, with the seconds that weighing and refitting took."""

    by_question: Mapping[str, LeftOut]
    seconds_weighing: float
    seconds_refitting: float


def leave_out(
    prepared: Prepared, fitted: PoolFit, outcomes: Mapping[str, int | None], seed: int, progress: Progress, refit: bool
) -> LeaveOut:
    """Pool every question with a known outcome without the terms of that outcome in anybody's track record.

    The draws of the whole fit are weighed by 1 / P(those terms), smoothed by PSIS (Vehtari, Gelman and Gabry 2017);
    where that fails (k above 0.7) and `refit` is set, the model is sampled anew without them. The forecasts of the
    question remain: what is left out is what became known later.
    """
    start = time.perf_counter()
    log_likelihood = outcome_log_likelihood(prepared, fitted)
    left_out: dict[str, LeftOut] = {}
    for row, question in enumerate(prepared.questions):
        if outcomes[question] is not None:
            smoothed = smooth(-log_likelihood[row])
            k = smoothed.pareto_k
            left_out[question] = LeftOut(float(fitted.p_event[row] @ smoothed.weights), k, False, k <= MAX_PARETO_K)
    weighed = time.perf_counter()
    weak = [question for question, left in left_out.items() if not left.reliable] if refit else []
    for number, question in enumerate(weak, start=1):
        progress(f"sampling without the outcome of a question: {number} of {len(weak)}")
        row = prepared.questions.index(question)
        again = fit(without_outcome(prepared, row), seed, _silent)
        is_reliable = not distrust(again.diagnostics)
        left_out[question] = LeftOut(float(again.p_event[row].mean()), left_out[question].pareto_k, True, is_reliable)
    return LeaveOut(left_out, weighed - start, time.perf_counter() - weighed)


def outcome_log_likelihood(prepared: Prepared, fitted: PoolFit) -> Array:
    """Compute ln P(the outcome terms of each question | draw): (questions, draws), 0 where there are none."""
    record = prepared.spec.record
    sign = np.where(record.happened == 1, 1.0, -1.0)[:, np.newaxis]
    total = np.zeros_like(fitted.p_event)
    for row in np.unique(prepared.record_of):
        terms = prepared.record_of == row
        by = record.expert[terms]
        logit = (record.location[terms, np.newaxis] - fitted.bias[by]) / fitted.slope[by]
        total[row] = -np.logaddexp(0.0, -sign[terms] * logit).sum(axis=0)
    return total


def without_outcome(prepared: Prepared, row: int) -> Prepared:
    """Return the same model without the outcome terms of a question. Who has a track record stays the same."""
    record, kept = prepared.spec.record, prepared.record_of != row
    less = TrackRecord(location=record.location[kept], happened=record.happened[kept], expert=record.expert[kept])
    return replace(prepared, spec=replace(prepared.spec, record=less), record_of=prepared.record_of[kept])


def _silent(doing: str) -> None:
    """Show nothing: the fits of single questions are counted, not followed."""
    del doing
