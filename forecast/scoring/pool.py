"""`forecast pool` as one function: a table in, pooled probabilities with their scores out."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from math import isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.model.layout import Index, lay_out
from forecast.posterior.weights import MAX_PARETO_K, smooth
from forecast.sampling.draws import distrust
from forecast.sampling.settings import Effort
from forecast.sampling.spec import PriorSpec, TrackRecord, prior_spec
from forecast.scoring.compare import ScoreDifference, paired_difference
from forecast.scoring.rules import BINARY_SCORES
from forecast.scoring.world import (
    STATES,
    YES,
    ExpertForecast,
    ForecastTable,
    as_workspace,
    folded_deviations,
    shared_sides,
)
from forecast.workers import ALONE, Workers

# Plain pools of the probabilities that several people gave to one question. No expert is told from another.

Array = NDArray[np.float64]


def effective_number(weights: Array) -> float:
    """Compute (sum w)^2 / sum w^2 (Kong 1992): the number of forecasts for equal weights, fewer for unequal ones."""
    return float(weights.sum() ** 2 / np.square(weights).sum())


def extremising_factor(n: float) -> float:
    """Compute by how much the mean log-odds of n forecasts are stretched; 1 for one forecast, sqrt(3) for many.

    The published n (sqrt(3n^2 - 3n + 1) - 2) / (n^2 - n - 1) multiplied out, so that it has a value for every n >= 1.

    Source: Neyman and Roughgarden (2022), Are You Smarter Than a Random Expert?
    """
    return 3.0 * n / (sqrt(3.0 * n * n - 3.0 * n + 1.0) + 2.0)


def mean(p_event: Array, weights: Array) -> float:
    """Compute the weighted mean of probabilities (n,)."""
    return float(np.average(p_event, weights=weights))


def median(p_event: Array, weights: Array) -> float:
    """Compute the weighted median of probabilities (n,): half of the weight is on either side of it.

    Where exactly half of the weight ends, the mean of the two probabilities next to that place.
    """
    order = np.argsort(p_event, kind="stable")
    below = np.cumsum(weights[order])
    half = 0.5 * below[-1]
    # Sums of weights are not exact; a half that is missed by rounding alone is a half.
    rounding = 1e-12 * below[-1]
    first, last = np.searchsorted(below, [half - rounding, half + rounding])
    return float(0.5 * (p_event[order[first]] + p_event[order[last]]))


def mean_log_odds(p_event: Array, weights: Array) -> float:
    """Compute the probability whose log-odds are the weighted mean of those of the probabilities (n,)."""
    return _probability(_mean_logit(p_event, weights))


def extremised(p_event: Array, weights: Array) -> float:
    """Compute the mean log-odds, stretched away from 1/2 by the factor for the effective number of forecasts."""
    return _probability(extremising_factor(effective_number(weights)) * _mean_logit(p_event, weights))


def _mean_logit(p_event: Array, weights: Array) -> float:
    return float(np.average(np.log(p_event) - np.log1p(-p_event), weights=weights))


def _probability(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-logit)))


# By the name that they have in every table.
PLAIN_POOLS: Mapping[str, Callable[[Array, Array], float]] = {
    "mean": mean,
    "median": median,
    "mean_log_odds": mean_log_odds,
    "extremised": extremised,
}


# The hierarchical pool: stage 1 on the workspace that a table says, and without a question's own outcome.

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
    from forecast.sampling.draws import sample

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
    prepared: Prepared, fitted: PoolFit, outcomes: Mapping[str, int | None], seed: int, progress: Progress, refit: bool,
    workers: Workers = ALONE,
) -> LeaveOut:  # fmt: skip
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
    jobs = [Without(prepared, prepared.questions.index(name), left_out[name].pareto_k, seed) for name in weak]
    done: list[Without] = []

    def arrived(job: Without, _: LeftOut) -> None:
        done.append(job)
        progress(f"sampling without the outcome of a question: {len(done)} of {len(jobs)}")

    if jobs:
        progress(f"sampling without the outcome of a question: 0 of {len(jobs)}")
    left_out |= zip(weak, workers.map(sample_without, jobs, arrived), strict=True)
    return LeaveOut(left_out, weighed - start, time.perf_counter() - weighed)


@dataclass(frozen=True)
class Without:
    """A question (its row) to sample without its outcome, the Pareto k of the weights that failed, and the seed."""

    prepared: Prepared
    row: int
    pareto_k: float
    seed: int


def sample_without(job: Without) -> LeftOut:
    """Sample the pool without the outcome of a question."""
    again = fit(without_outcome(job.prepared, job.row), job.seed, _silent)
    return LeftOut(float(again.p_event[job.row].mean()), job.pareto_k, True, not distrust(again.diagnostics))


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


def pool(
    table: ForecastTable, today: date, seed: int, progress: Progress, *, refit: bool = True, workers: Workers = ALONE
) -> Pool:
    """Pool a table by the hierarchical model and by the plain rules.

    `refit`: sample anew for each question whose outcome is too influential to be weighed out of the draws, by the
    `workers`.
    """
    start = time.perf_counter()
    prepared = prepare(table, today)
    fitted = fit(prepared, seed, progress)
    seconds = time.perf_counter() - start
    left = leave_out(prepared, fitted, table.questions, seed, progress, refit, workers)
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


# A pool as tables: one object for JSON, one row a question for CSV.

CSV_COLUMNS = ("question", "n", "pooled", "low", "high", *PLAIN_POOLS, "outcome", "left_out", "pareto_k", "refitted")


def as_json(pool: Pool, scores: PoolScores) -> dict[str, Any]:
    """Return everything that pooling gave, in full precision. An infinite number is null."""
    left = pool.left_out
    return {
        "file": pool.table.path,
        "seed": pool.seed,
        "forecasts": len(pool.table.forecasts),
        "interval": INTERVAL,
        "questions": [_question(question) for question in pool.questions],
        "experts": [_expert(expert) for expert in pool.experts],
        "scores": {
            "pools": [_scored(scored) for scored in scores.pools],
            "experts": [_scored(scored) for scored in scores.experts],
        },
        "left_out": {
            "questions": len(left.by_question),
            "refitted": sum(question.refitted for question in left.by_question.values()),
            "unreliable": sum(not question.reliable for question in left.by_question.values()),
        },
        "diagnostics": {**pool.diagnostics, "reliable": not pool.distrust, "reasons": list(pool.distrust)},
        "seconds": {
            "fitting": pool.seconds_fitting,
            "leaving_out": left.seconds_weighing,
            "refitting": left.seconds_refitting,
        },
    }


def as_csv(pool: Pool) -> str:
    """Return one row a question; cells of what is not known are empty."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    for question in pool.questions:
        left = question.left_out
        of_left = ("", "", "") if left is None else (left.p_event, _finite(left.pareto_k), int(left.refitted))
        pooled = (question.p_event, question.low, question.high, *question.plain.values())
        rows.writerow([question.name, question.n, *pooled, question.outcome, *of_left])
    return text.getvalue()


def _question(question: PooledQuestion) -> dict[str, object]:
    left = question.left_out
    return {
        "question": question.name,
        "n": question.n,
        "pooled": question.p_event,
        "low": question.low,
        "high": question.high,
        **question.plain,
        "outcome": question.outcome,
        "left_out": None
        if left is None
        else {
            "probability": left.p_event,
            "pareto_k": _finite(left.pareto_k),
            "refitted": left.refitted,
            "reliable": left.reliable,
        },
    }


def _expert(expert: PooledExpert) -> dict[str, object]:
    def spread(quantity: PooledSpread | None) -> Mapping[str, float] | None:
        return None if quantity is None else asdict(quantity)

    return {
        "expert": expert.name,
        "group": expert.group,
        "n": expert.n,
        "omega": spread(expert.omega),
        "bias": spread(expert.bias),
        "slope": spread(expert.slope),
    }


def _scored(scored: MeanScores) -> dict[str, object]:
    against = scored.against_pool
    return {
        "name": scored.name,
        "n": scored.n,
        **scored.means,
        "against_pool": None if against is None else {name: asdict(difference) for name, difference in against.items()},
    }


def _finite(number: float) -> float | None:
    return number if isfinite(number) else None
