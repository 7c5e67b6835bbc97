"""The pooled probability of a question whose outcome is known, as it is without that outcome."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.pooling.fit import PoolFit, Prepared, Progress, fit
from forecast.prior.spec import TrackRecord
from forecast.prior.trusted import distrust
from forecast.reweight.psis import smooth
from forecast.reweight.weights import MAX_PARETO_K

Array = NDArray[np.float64]


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
    found: dict[str, LeftOut] = {}
    for row, question in enumerate(prepared.questions):
        if outcomes[question] is not None:
            smoothed = smooth(-log_likelihood[row])
            k = smoothed.pareto_k
            found[question] = LeftOut(float(fitted.p_event[row] @ smoothed.weights), k, False, k <= MAX_PARETO_K)
    weighed = time.perf_counter()
    weak = [question for question, left in found.items() if not left.reliable] if refit else []
    for number, question in enumerate(weak, start=1):
        progress(f"sampling without the outcome of a question: {number} of {len(weak)}")
        row = prepared.questions.index(question)
        again = fit(without_outcome(prepared, row), seed, _silent)
        is_reliable = not distrust(again.diagnostics)
        found[question] = LeftOut(float(again.p_event[row].mean()), found[question].pareto_k, True, is_reliable)
    return LeaveOut(found, weighed - start, time.perf_counter() - weighed)


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
    less = TrackRecord(record.location[kept], record.happened[kept], record.expert[kept])
    return replace(prepared, spec=replace(prepared.spec, record=less), record_of=prepared.record_of[kept])


def _silent(doing: str) -> None:
    """Show nothing: the fits of single questions are counted, not followed."""
    del doing
