"""`forecast pool` as one function: a table in, pooled probabilities with their scores out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.posterior.weights import MAX_PARETO_K
from forecast.sampling.diagnostics import distrust
from forecast.scoring.fit import LeaveOut, LeftOut, PoolFit, Prepared, Progress, fit, leave_out, prepare
from forecast.scoring.plain import PLAIN_POOLS
from forecast.scoring.pool_table import ExpertForecast, ForecastTable
from forecast.scoring.rules import BINARY_SCORES
from forecast.scoring.skill import ScoreDifference, paired_difference

Array = NDArray[np.float64]

HIERARCHICAL = "hierarchical"
INTERVAL = (0.05, 0.95)  # quantiles of the draws


@dataclass(frozen=True)
class PooledQuestion:
    """One question: n forecasts, the hierarchical pool with the 5 % and 95 % quantiles of its draws, plain pools.

    `left_out` is the hierarchical pool without the outcome, where there is one.
    """

    name: str
    n: int
    p_event: float
    low: float
    high: float
    plain: Mapping[str, float]
    outcome: int | None
    left_out: LeftOut | None

    @property
    def to_score(self) -> Mapping[str, float]:
        """The pools that knew nothing of the outcome, by name."""
        p_event = self.p_event if self.left_out is None else self.left_out.p_event
        return {HIERARCHICAL: p_event, **self.plain}


@dataclass(frozen=True)
class PooledSpread:
    """A quantity's mean and its 5 % and 95 % quantiles over the draws."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class PooledExpert:
    """What the fit found of an expert: extra noise omega, and bias and slope of those with a track record."""

    name: str
    group: str | None
    n: int
    omega: PooledSpread
    bias: PooledSpread | None
    slope: PooledSpread | None


@dataclass(frozen=True)
class Pool:
    """Everything that pooling a table gives. `questions` in the order of the file, `experts` by name."""

    table: ForecastTable
    seed: int
    questions: tuple[PooledQuestion, ...]
    experts: tuple[PooledExpert, ...]
    diagnostics: Mapping[str, float]
    left_out: LeaveOut
    seconds_fitting: float

    @property
    def distrust(self) -> tuple[str, ...]:
        """Why the pool, or what it is scored by, is not reliable; empty where it is."""
        left = self.left_out.by_question.values()
        weak = [question.refitted for question in left if not question.reliable]
        of = f"of {len(left)} questions, scored without their own outcome,"
        reasons = [*distrust(self.diagnostics)]
        if n := weak.count(False):
            reasons.append(f"{n} {of} {'has' if n == 1 else 'have'} weights with a Pareto k above {MAX_PARETO_K:g}")
        if n := weak.count(True):
            reasons.append(f"{n} {of} {'was' if n == 1 else 'were'} sampled again, and not reliably")
        return tuple(reasons)


def pool(table: ForecastTable, today: date, seed: int, progress: Progress, *, refit: bool = True) -> Pool:
    """Pool a table by the hierarchical model and by the plain rules.

    `refit`: sample anew for each question whose outcome is too influential to be weighed out of the draws.
    """
    start = time.perf_counter()
    prepared = prepare(table, today)
    fitted = fit(prepared, seed, progress)
    seconds = time.perf_counter() - start
    left = leave_out(prepared, fitted, table.questions, seed, progress, refit)
    return Pool(
        table,
        seed,
        _questions(table, prepared, fitted, left.by_question),
        _experts(table, prepared, fitted),
        fitted.diagnostics,
        left,
        seconds,
    )


def _questions(
    table: ForecastTable, prepared: Prepared, fitted: PoolFit, left: Mapping[str, LeftOut]
) -> tuple[PooledQuestion, ...]:
    answers: dict[str, list[ExpertForecast]] = {}
    for forecast in table.forecasts:
        answers.setdefault(forecast.question, []).append(forecast)
    row = {question: i for i, question in enumerate(prepared.questions)}
    pooled = []
    for name, outcome in table.questions.items():
        draws = fitted.p_event[row[name]]
        low, high = np.quantile(draws, INTERVAL)
        said = np.array([forecast.best for forecast in answers[name]])
        weights = np.array([forecast.weight for forecast in answers[name]])
        plain = {pool_name: rule(said, weights) for pool_name, rule in PLAIN_POOLS.items()}
        mean = float(draws.mean())
        pooled.append(PooledQuestion(name, said.size, mean, float(low), float(high), plain, outcome, left.get(name)))
    return tuple(pooled)


def _experts(table: ForecastTable, prepared: Prepared, fitted: PoolFit) -> tuple[PooledExpert, ...]:
    n: dict[str, int] = {}
    group: dict[str, str | None] = {}
    for forecast in table.forecasts:
        n[forecast.expert] = n.get(forecast.expert, 0) + 1
        group[forecast.expert] = forecast.group
    rated = {name: i for i, name in enumerate(prepared.spec.rated)}
    return tuple(
        PooledExpert(
            name,
            group[name],
            n[name],
            _spread(fitted.omega[i]),
            _spread(fitted.bias[rated[name]]) if name in rated else None,
            _spread(fitted.slope[rated[name]]) if name in rated else None,
        )
        for i, name in enumerate(prepared.spec.experts)
    )


def _spread(draws: Array) -> PooledSpread:
    low, high = np.quantile(draws, INTERVAL)
    return PooledSpread(float(draws.mean()), float(low), float(high))


@dataclass(frozen=True)
class MeanScores:
    """Mean scores of a forecaster over its `n` resolved questions, and against the hierarchical pool on the same.

    A difference below 0 says that the forecaster was better than the pool; None for the pool itself.
    """

    name: str
    n: int
    means: Mapping[str, float]
    against_pool: Mapping[str, ScoreDifference] | None


@dataclass(frozen=True)
class PoolScores:
    """Scores of the pools (the hierarchical one first) and of the experts, by name. Empty without an outcome."""

    pools: tuple[MeanScores, ...]
    experts: tuple[MeanScores, ...]


def scores(pool: Pool) -> PoolScores:
    """Score all pools and experts. The hierarchical pool of a question is the one that did not know its outcome."""
    resolved = [question for question in pool.questions if question.outcome is not None]
    if not resolved:
        return PoolScores((), ())
    outcome = {question.name: question.outcome for question in resolved}
    pooled = {question.name: question.to_score for question in resolved}
    hierarchical = {name: by_rule[HIERARCHICAL] for name, by_rule in pooled.items()}

    def scored(name: str, said: Mapping[str, float]) -> MeanScores:
        happened = np.array([outcome[question] for question in said])
        p_event, p_pool = np.array(list(said.values())), np.array([hierarchical[question] for question in said])
        means, against = {}, {}
        for measure, score in BINARY_SCORES.items():
            own = score(p_event, happened)
            means[measure] = float(own.mean())
            # The same resamples for everybody: equal forecasts get equal intervals.
            rng = np.random.default_rng(pool.seed)
            against[measure] = paired_difference(own, score(p_pool, happened), rng)
        return MeanScores(name, len(said), means, None if name == HIERARCHICAL else against)

    rules = pooled[resolved[0].name]
    of_pools = tuple(scored(rule, {name: by_rule[rule] for name, by_rule in pooled.items()}) for rule in rules)
    by_expert: dict[str, dict[str, float]] = {}
    for forecast in pool.table.forecasts:
        if forecast.question in outcome:
            by_expert.setdefault(forecast.expert, {})[forecast.question] = forecast.best
    return PoolScores(of_pools, tuple(scored(name, said) for name, said in sorted(by_expert.items())))
