"""Scores of pools and experts on the questions whose outcome is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.pooling.pool import HIERARCHICAL, Pool
from forecast.scores.binary import BINARY_SCORES
from forecast.scores.paired import Difference, paired_difference

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """Mean scores of a forecaster over its `n` resolved questions, and against the hierarchical pool on the same.

    A difference below 0 says that the forecaster was better than the pool; None for the pool itself.
    """

    name: str
    n: int
    means: Mapping[str, float]
    against_pool: Mapping[str, Difference] | None


@dataclass(frozen=True)
class Scores:
    """Scores of the pools (the hierarchical one first) and of the experts, by name. Empty without an outcome."""

    pools: tuple[Scored, ...]
    experts: tuple[Scored, ...]


def scores(pool: Pool) -> Scores:
    """Score all pools and experts. The hierarchical pool of a question is the one that did not know its outcome."""
    resolved = [question for question in pool.questions if question.outcome is not None]
    if not resolved:
        return Scores((), ())
    outcome = {question.name: question.outcome for question in resolved}
    pooled = {question.name: question.to_score for question in resolved}
    hierarchical = {name: by_rule[HIERARCHICAL] for name, by_rule in pooled.items()}

    def scored(name: str, said: Mapping[str, float]) -> Scored:
        happened = np.array([outcome[question] for question in said])
        p_event, p_pool = np.array(list(said.values())), np.array([hierarchical[question] for question in said])
        means, against = {}, {}
        for measure, score in BINARY_SCORES.items():
            own = score(p_event, happened)
            means[measure] = float(own.mean())
            # The same resamples for everybody: equal forecasts get equal intervals.
            rng = np.random.default_rng(pool.seed)
            against[measure] = paired_difference(own, score(p_pool, happened), rng)
        return Scored(name, len(said), means, None if name == HIERARCHICAL else against)

    rules = pooled[resolved[0].name]
    of_pools = tuple(scored(rule, {name: by_rule[rule] for name, by_rule in pooled.items()}) for rule in rules)
    by_expert: dict[str, dict[str, float]] = {}
    for forecast in pool.table.forecasts:
        if forecast.question in outcome:
            by_expert.setdefault(forecast.expert, {})[forecast.question] = forecast.best
    return Scores(of_pools, tuple(scored(name, said) for name, said in sorted(by_expert.items())))
