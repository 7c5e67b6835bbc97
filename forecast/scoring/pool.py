"""`forecast pool` as one function: a table in, pooled probabilities with their scores out."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from math import isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.posterior.weights import MAX_PARETO_K, smooth, weighted_quantiles
from forecast.sampling.draws import agreeing, distrust
from forecast.sampling.settings import Effort, kept
from forecast.scoring.compare import ScoreDifference, paired_difference
from forecast.scoring.density import PARTS, PanelDensity
from forecast.scoring.panel import Panel
from forecast.scoring.rules import BINARY_SCORES
from forecast.scoring.world import ExpertForecast, ForecastTable, NamedPanel, as_panel
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
    return float(expit(_mean_logit(p_event, weights)))


def extremised(p_event: Array, weights: Array) -> float:
    """Compute the mean log-odds, stretched away from 1/2 by the factor for the effective number of forecasts."""
    return float(expit(extremising_factor(effective_number(weights)) * _mean_logit(p_event, weights)))


def _mean_logit(p_event: Array, weights: Array) -> Array:
    return np.asarray(np.average(np.log(p_event) - np.log1p(-p_event), weights=weights))


def expit(log_odds: Array) -> Array:
    """Compute probabilities of log-odds."""
    return np.exp(-np.logaddexp(0.0, -log_odds))


# By the name that they have in every table.
PLAIN_POOLS: Mapping[str, Callable[[Array, Array], float]] = {
    "mean": mean,
    "median": median,
    "mean_log_odds": mean_log_odds,
    "extremised": extremised,
}


# The hierarchical pool: draws of the panel's model, and without a question's own outcome.

Progress = Callable[[str], None]

# Shorter than a forecast's: with the experts integrated out a panel is close to a normal distribution.
EFFORT = Effort(sampled_per_chain=750, tune=250, deepest=6)


@dataclass(frozen=True)
class PoolFit:
    """Draws of the pool.

    `log_odds` (questions, draws), knowing all outcomes. By expert: `omega`, a standard deviation, `bias` and `slope`
    (experts, draws). `stretch` (draws,) by which the consensus is moved. `diagnostics` as of every fit of stage 1.
    `least_scatter` of experts that the panel was read with.
    """

    log_odds: Array
    omega: Array
    bias: Array
    slope: Array
    stretch: Array
    diagnostics: dict[str, float]
    least_scatter: float


def fit(panel: Panel, seed: int, progress: Progress) -> PoolFit:
    """Sample the pool. Raises KeyboardInterrupt if it is interrupted."""
    of = PanelDensity(panel)
    times, sampled, _, diagnostics = agreeing(of, seed, progress, EFFORT)
    parts = [sampled[name][:, kept(EFFORT.sampled_per_chain, times)] for name in PARTS]
    x = np.concatenate(parts, axis=2).reshape(-1, of.n)
    omega, bias, slope = of.experts(x, np.random.default_rng(seed))
    return PoolFit(of.log_odds(x), omega, bias, slope, of.stretch(x), diagnostics, of.least_scatter)


@dataclass(frozen=True)
class LeftOut:
    """A pooled probability without the question's own outcome, with the 5 % and 95 % quantiles of its draws.

    `refitted`: from a fit of its own. `reliable`: the weights' Pareto k is at most 0.7, or nothing is to be said
    against the draws of the refit.
    """

    p_event: float
    low: float
    high: float
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
    named: NamedPanel, fitted: PoolFit, seed: int, progress: Progress, refit: bool, workers: Workers = ALONE
) -> LeaveOut:
    """Pool every question with a known outcome without that outcome.

    The draws of the whole fit are weighed by 1 / P(outcome), smoothed by PSIS (Vehtari, Gelman and Gabry 2017);
    where that fails (k above 0.7) and `refit` is set, the model is sampled anew without it. The forecasts of the
    question remain: what is left out is what became known later.
    """
    start = time.perf_counter()
    left_out: dict[str, LeftOut] = {}
    for row in np.flatnonzero(~np.isnan(named.panel.outcome)).tolist():
        log_odds = fitted.log_odds[row]
        sign = 1.0 if named.panel.outcome[row] else -1.0
        smoothed = smooth(np.logaddexp(0.0, -sign * log_odds))
        left_out[named.questions[row]] = _left_out(log_odds, smoothed.weights, smoothed.pareto_k)
    weighed = time.perf_counter()
    weak = [question for question, left in left_out.items() if not left.reliable] if refit else []
    jobs = [Without(named.panel, named.questions.index(name), left_out[name].pareto_k, seed) for name in weak]
    done: list[Without] = []

    def arrived(job: Without, _: LeftOut) -> None:
        done.append(job)
        progress(f"sampling without the outcome of a question: {len(done)} of {len(jobs)}")

    if jobs:
        progress(f"sampling without the outcome of a question: 0 of {len(jobs)}")
    left_out |= zip(weak, workers.map(sample_without, jobs, arrived), strict=True)
    return LeaveOut(left_out, weighed - start, time.perf_counter() - weighed)


def _left_out(log_odds: Array, weights: Array, k: float) -> LeftOut:
    low, high = expit(weighted_quantiles(log_odds[np.newaxis], weights, np.array(INTERVAL))[0])
    return LeftOut(float(expit(log_odds) @ weights), float(low), float(high), k, False, k <= MAX_PARETO_K)


@dataclass(frozen=True)
class Without:
    """A question (its row) to sample without its outcome, the Pareto k of the weights that failed, and the seed."""

    panel: Panel
    row: int
    pareto_k: float
    seed: int


def sample_without(job: Without) -> LeftOut:
    """Sample the pool without the outcome of a question."""
    again = fit(job.panel.without_outcome(job.row), job.seed, _silent)
    draws = again.log_odds[job.row]
    found = _left_out(draws, np.full(draws.size, 1.0 / draws.size), job.pareto_k)
    return replace(found, refitted=True, reliable=not distrust(again.diagnostics))


def _silent(doing: str) -> None:
    """Show nothing: the fits of single questions are counted, not followed."""
    del doing


HIERARCHICAL = "hierarchical"
INTERVAL = (0.05, 0.95)  # quantiles of the draws


@dataclass(frozen=True)
class PooledQuestion:
    """One question: n forecasters, the hierarchical pool with the 5 % and 95 % quantiles of its draws, plain pools.

    Where there is an outcome the hierarchical pool does not know it, and `left_out` says how it was left out.
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
        """All pools by name; none of them knew the outcome."""
        return {HIERARCHICAL: self.p_event, **self.plain}


@dataclass(frozen=True)
class PooledSpread:
    """A quantity's mean and its 5 % and 95 % quantiles over the draws."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class PooledExpert:
    """What the fit found of an expert with `n` questions: noise omega, and bias and slope against the pool."""

    name: str
    group: str | None
    n: int
    omega: PooledSpread
    bias: PooledSpread
    slope: PooledSpread


@dataclass(frozen=True)
class Pool:
    """Everything that pooling a table gives. `questions` in the order of the file, `experts` by name.

    `stretch` is by how much the consensus of the panel is moved away from even odds. `least_scatter`, in log-odds, is
    what the experts' scatter is at least: 0, or more where so many numbers are equal that there is none to learn.
    """

    table: ForecastTable
    seed: int
    questions: tuple[PooledQuestion, ...]
    experts: tuple[PooledExpert, ...]
    stretch: PooledSpread
    diagnostics: Mapping[str, float]
    least_scatter: float
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


def pool(table: ForecastTable, seed: int, progress: Progress, *, refit: bool = True, workers: Workers = ALONE) -> Pool:
    """Pool a table by the hierarchical model and by the plain rules.

    `refit`: sample anew for each question whose outcome is too influential to be weighed out of the draws, by the
    `workers`.
    """
    start = time.perf_counter()
    named = as_panel(table)
    fitted = fit(named.panel, seed, progress)
    seconds = time.perf_counter() - start
    left = leave_out(named, fitted, seed, progress, refit, workers)
    return Pool(
        table,
        seed,
        _questions(table, named, fitted, left.by_question),
        _experts(table, named, fitted),
        _spread(fitted.stretch),
        fitted.diagnostics,
        fitted.least_scatter,
        left,
        seconds,
    )


def _questions(
    table: ForecastTable, named: NamedPanel, fitted: PoolFit, left: Mapping[str, LeftOut]
) -> tuple[PooledQuestion, ...]:
    answers: dict[str, list[ExpertForecast]] = {}
    for forecast in table.forecasts:
        answers.setdefault(forecast.question, []).append(forecast)
    row = {question: i for i, question in enumerate(named.questions)}
    pooled = []
    for name, outcome in table.questions.items():
        own = left.get(name)
        found = (
            _spread(expit(fitted.log_odds[row[name]])) if own is None else PooledSpread(own.p_event, own.low, own.high)
        )
        said = np.array([forecast.best for forecast in answers[name]])
        weights = np.array([forecast.weight for forecast in answers[name]])
        plain = {pool_name: rule(said, weights) for pool_name, rule in PLAIN_POOLS.items()}
        pooled.append(PooledQuestion(name, said.size, found.mean, found.low, found.high, plain, outcome, own))
    return tuple(pooled)


def _experts(table: ForecastTable, named: NamedPanel, fitted: PoolFit) -> tuple[PooledExpert, ...]:
    n = Counter(forecast.expert for forecast in table.forecasts)
    group = {forecast.expert: forecast.group for forecast in table.forecasts}
    return tuple(
        PooledExpert(
            name, group[name], n[name], _spread(fitted.omega[i]), _spread(fitted.bias[i]), _spread(fitted.slope[i])
        )
        for i, name in enumerate(named.experts)
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


def scored_beside(
    name: str, said: Mapping[str, float], happened: Mapping[str, int], pooled: Mapping[str, float] | None, seed: int
) -> MeanScores:
    """Score what a forecaster said of questions, and against the pool of the same ones (None: it is the pool itself).

    Args:
        name: the forecaster.
        said: probabilities of yes, by question.
        happened: 1 or 0, by question.
        pooled: the pool's probabilities.
        seed: of the resamples. They are the same for everybody: equal forecasts get equal intervals.

    A measure that is infinite, as the log score of a certainty that was wrong, has no difference.
    """
    outcome, p_event = np.array([happened[question] for question in said]), np.array(list(said.values()))
    means, against = {}, {}
    for measure, score in BINARY_SCORES.items():
        own = score(p_event, outcome)
        means[measure] = float(own.mean())
        if pooled is not None:
            others = score(np.array([pooled[question] for question in said]), outcome)
            if np.isfinite(own).all() and np.isfinite(others).all():
                against[measure] = paired_difference(own, others, np.random.default_rng(seed))
    return MeanScores(name, len(said), means, None if pooled is None else against)


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
    outcome = {question.name: question.outcome for question in resolved if question.outcome is not None}
    pooled = {question.name: question.to_score for question in resolved}
    hierarchical = {name: by_rule[HIERARCHICAL] for name, by_rule in pooled.items()}

    def scored(name: str, said: Mapping[str, float]) -> MeanScores:
        return scored_beside(name, said, outcome, None if name == HIERARCHICAL else hierarchical, pool.seed)

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
        "earlier": len(pool.table.earlier),
        "interval": INTERVAL,
        "questions": [_question(question) for question in pool.questions],
        "experts": [_expert(expert) for expert in pool.experts],
        "stretch": asdict(pool.stretch),
        "least_scatter": pool.least_scatter,
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
    return {
        "expert": expert.name,
        "group": expert.group,
        "n": expert.n,
        "omega": asdict(expert.omega),
        "bias": asdict(expert.bias),
        "slope": asdict(expert.slope),
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
