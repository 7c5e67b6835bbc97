"""Simulated experts: do 90 % intervals hold what was simulated in 85 to 95 % of the cases?

    python benchmarks/recovery.py [WORLDS]      writes docs/recovery.csv, one row for each world and kind of number

A world is drawn from the model itself, by its seed: questions, bias, slope and noise of six experts, what the members
of a group have in common, stated intervals, and outcomes of most questions. Worlds share no number, so many of them are
fitted as one table; a seed that was run is a seed that is reported.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from benchmarks.measured import ROOT, table
from forecast.cpt.additive import SD_ALPHA
from forecast.sampling.draws import sample
from forecast.sampling.model import SD_BIAS, SD_SLOPE
from forecast.sampling.readings import DEGREES_OF_FREEDOM
from forecast.sampling.spec import SD_DEVIATION, SD_EXPERT
from forecast.scoring.pool import EFFORT, Prepared, prepare
from forecast.scoring.world import ExpertForecast, ForecastTable
from forecast.workspace.fits import t4_quantile
from forecast.workspace.problems import Source

Array = NDArray[np.float64]

STORED = ROOT / "docs" / "recovery.csv"
COLUMNS = ("date", "seed", "number", "n", "held")
WORLDS, WORLDS_A_FIT = 200, 20
LEVEL = 0.9
ALLOWED = (0.85, 0.95)
GROUPS = ("first", "first", "second", "second", None, None)  # of the six experts; None: a group of their own
RESOLVED, OPEN = 12, 6  # questions of a world
STATED_SD = 0.3  # of each statement, in log-odds


@dataclass(frozen=True)
class World:
    """What was drawn: log-odds of each question, per expert omega, bias and slope, deviations by (group, question)."""

    seed: int
    logit: Array
    omega: Array
    bias: Array
    slope: Array
    deviation: dict[tuple[str, int], float]
    stated: Array  # (experts, questions), log-odds


def simulate(seed: int) -> World:
    """Draw a world from the model of stage 1."""
    rng = np.random.default_rng(seed)
    n_experts, n_questions = len(GROUPS), RESOLVED + OPEN
    logit = rng.normal(0.0, SD_ALPHA, n_questions)
    omega = np.abs(rng.normal(0.0, SD_EXPERT, n_experts))
    bias, slope = rng.normal(0.0, SD_BIAS, n_experts), np.exp(rng.normal(0.0, SD_SLOPE, n_experts))
    names = [group or f"alone {e}" for e, group in enumerate(GROUPS)]
    deviation = {
        (name, q): float(rng.normal(0.0, SD_DEVIATION)) for name in dict.fromkeys(names) for q in range(n_questions)
    }
    shared = np.array([[deviation[name, q] for q in range(n_questions)] for name in names])
    noise = rng.standard_t(DEGREES_OF_FREEDOM, (n_experts, n_questions)) * np.hypot(STATED_SD, omega)[:, np.newaxis]
    stated = bias[:, np.newaxis] + slope[:, np.newaxis] * logit + shared + noise
    return World(seed, logit, omega, bias, slope, deviation, stated)


def expert(world: World, e: int) -> str:
    """Name an expert so that the names of all worlds sort as worlds and experts do."""
    return f"{world.seed:04} {e}"


def question(world: World, q: int) -> str:
    """Name a question, likewise."""
    return f"{world.seed:04} {q:02}"


def rows_of(world: World) -> Iterator[ExpertForecast]:
    """Write what the experts of a world state as rows of a table."""
    half = STATED_SD * t4_quantile((1.0 + LEVEL) / 2.0)
    for e, group in enumerate(GROUPS):
        for q, at in enumerate(world.stated[e]):
            low, best, high = (float(1.0 / (1.0 + np.exp(-x))) for x in (at - half, at, at + half))
            named = None if group is None else f"{world.seed:04} {group}"
            yield ExpertForecast(
                expert=expert(world, e),
                question=question(world, q),
                best=best,
                low=low,
                high=high,
                level=LEVEL,
                group=named,
                source=Source("", 1),
            )


def prepared_worlds(worlds: Sequence[World]) -> Prepared:
    """Compile worlds as one table and draw the outcomes of their resolved questions, each expert's by itself.

    That is how the model takes them; a table has one outcome a question, so they are put in afterwards.
    """
    forecasts = tuple(row for world in worlds for row in rows_of(world))
    known = {question(world, q): 0 if q < RESOLVED else None for world in worlds for q in range(RESOLVED + OPEN)}
    prepared = prepare(ForecastTable(path="", forecasts=forecasts, questions=known, warnings=()), date(2026, 1, 1))
    record = prepared.spec.record
    bias, slope = (np.concatenate([getattr(world, name) for world in worlds]) for name in ("bias", "slope"))
    chance = 1.0 / (1.0 + np.exp(-(record.location - bias[record.expert]) / slope[record.expert]))
    rng = np.random.default_rng([world.seed for world in worlds])
    happened = (rng.uniform(size=chance.size) < chance).astype(np.intp)
    return replace(prepared, spec=replace(prepared.spec, record=replace(record, happened=happened)))


def recovered(worlds: Sequence[World], seed: int) -> Iterator[tuple[int, str, int, int]]:
    """Fit worlds; yield for each and each kind of number (seed, kind, how many, how many in their 90 % interval)."""
    prepared = prepared_worlds(worlds)
    spec = prepared.spec
    fit = sample(spec, seed, lambda _doing: None, EFFORT)
    n_draws = fit.theta.shape[1]
    draws = {name: fit.posterior[name].reshape(n_draws, -1).T for name in ("omega", "bias", "slope", "deviation")}
    yes = [spec.layout.theta_index(v, 0, 1) for v in range(len(prepared.questions))]
    draws["logit"] = np.log(fit.theta[yes]) - np.log1p(-fit.theta[yes])
    weight = np.zeros(len(spec.deviation_labels))
    weight[spec.deviations.column] = spec.deviations.weight  # the same for all readings of a question
    draws["deviation"] = weight[:, np.newaxis] * draws["deviation"]
    label = {name: i for i, name in enumerate(spec.deviation_labels)}
    for i, world in enumerate(worlds):
        experts = slice(i * len(GROUPS), (i + 1) * len(GROUPS))
        questions = slice(i * (RESOLVED + OPEN), (i + 1) * (RESOLVED + OPEN))
        for kind, of in (("logit", questions), ("omega", experts), ("bias", experts), ("slope", experts)):
            yield (world.seed, kind, *held(draws[kind][of], getattr(world, kind)))
        shared = {key: value for key, value in world.deviation.items() if key[0] in GROUPS}
        at = [label[f"group group {world.seed:04} {name}: {question(world, q)}[0]"] for name, q in shared]
        yield (world.seed, "deviation", *held(draws["deviation"][at], np.array(list(shared.values()))))


def held(draws: Array, truth: Array) -> tuple[int, int]:
    """Count numbers, and those that lie in the central 90 % of their draws (numbers, draws)."""
    low, high = np.quantile(draws, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0], axis=1)
    return truth.size, int(((low <= truth) & (truth <= high)).sum())


def coverage(rows: Sequence[tuple[int, str, int, int]]) -> dict[str, float]:
    """Compute the share of numbers held, by kind, over all worlds."""
    kinds = dict.fromkeys(kind for _, kind, _, _ in rows)
    return {
        kind: sum(held for _, name, _, held in rows if name == kind) / sum(n for _, name, n, _ in rows if name == kind)
        for kind in kinds
    }


def main(n_worlds: int) -> None:
    """Run every seed from 0 on, store what came out, and print the coverage."""
    rows: list[tuple[int, str, int, int]] = []
    for start in range(0, n_worlds, WORLDS_A_FIT):
        seeds = range(start, min(start + WORLDS_A_FIT, n_worlds))
        rows += recovered([simulate(seed) for seed in seeds], seed=start)
        print(f"worlds {seeds.start} to {seeds.stop - 1}", file=sys.stderr, flush=True)
    day = datetime.now(UTC).date().isoformat()
    with STORED.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((day, *row) for row in rows)
    low, high = ALLOWED
    table([(f"{n_worlds} worlds", f"held by 90 % intervals (allowed {low:g} to {high:g})")]
          + [(kind, f"{share:.3f}") for kind, share in coverage(rows).items()])  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else WORLDS)
