"""Simulated panels: do 90 % intervals hold what was simulated in 85 to 95 % of the cases?

    python benchmarks/recovery.py [WORLDS]      writes docs/recovery.csv, one row for each world and kind of number

A world is drawn from the model of `forecast pool` itself, by its seed: the numbers of a panel, the consensus of its
questions, six experts, what groups share, and the outcomes of most questions. A seed that was run is a seed that is
reported.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from benchmarks.measured import ROOT, table
from forecast.scoring import panel as model
from forecast.scoring.pool import expit, fit

Array = NDArray[np.float64]

STORED = ROOT / "docs" / "recovery.csv"
COLUMNS = ("date", "seed", "number", "n", "held")
WORLDS = 40
LEVEL = 0.9
ALLOWED = (0.85, 0.95)
EXPERTS, GROUPED = 6, 4  # the first two are one group, the next two another, the others alone
RESOLVED, OPEN = 12, 6  # questions of a world


@dataclass(frozen=True)
class World:
    """What was drawn: a panel, and by kind the numbers that its fit shall find again."""

    seed: int
    panel: model.Panel
    truth: Mapping[str, Array]


def simulate(seed: int) -> World:
    """Draw a world from the model."""
    rng = np.random.default_rng(seed)
    n_questions, dof = RESOLVED + OPEN, model.DEGREES_OF_FREEDOM
    number = {prior.name: rng.normal(prior.mean, prior.sd) for prior in model.PRIORS}
    scatter = np.exp(number["log_scatter"])
    spread = model.SPREAD * np.sqrt(model.SPREAD_WORTH / rng.chisquare(model.SPREAD_WORTH))
    c = rng.normal(0.0, spread, n_questions)
    m = number["consensus_mean"] + c
    # The sd among questions as the model takes it: estimated from their consensus.
    worth = model.SPREAD_WORTH * model.SPREAD**2 + float(c @ c)
    known = model.SHARE_KNOWN * scatter**2 * (model.SPREAD_WORTH + n_questions) / worth
    stretch = np.exp(number["log_stretch"]) * (1.0 + known)
    logit = number["intercept"] + stretch * m
    noise = scatter * np.sqrt((dof - 2.0) / rng.chisquare(dof, EXPERTS))
    at_mean = noise * np.exp(0.5 * number["log_bias_share"]) * rng.normal(size=EXPERTS)
    slope = 1.0 + noise * np.exp(0.5 * number["log_slope_share"]) * rng.normal(size=EXPERTS)
    n_groups = GROUPED // 2
    common = np.exp(number["log_group_share"]) * scatter * rng.normal(size=(n_groups, n_questions))
    expert, question = (index.ravel() for index in np.indices((EXPERTS, n_questions)))
    shared = np.where(expert < GROUPED, expert // 2 * n_questions + question, -1)
    said = (m[question] + at_mean[expert] + (slope[expert] - 1.0) * c[question]
            + np.append(common.ravel(), 0.0)[shared] + noise[expert] * rng.normal(size=expert.size))  # fmt: skip
    happened = (rng.uniform(size=n_questions) < expit(logit)).astype(float)
    panel = model.Panel(
        said=said,
        variance=np.ones(said.size),
        age=np.zeros(said.size),
        pair_of=np.arange(said.size),
        expert=expert,
        question=question,
        shared=shared,
        outcome=np.where(np.arange(n_questions) < RESOLVED, happened, np.nan),
        n_experts=EXPERTS,
        n_shared=n_groups * n_questions,
    )
    bias = at_mean - (slope - 1.0) * number["consensus_mean"] - slope * number["intercept"] / stretch
    truth = {"logit": logit, "omega": noise, "bias": bias, "slope": slope / stretch, "stretch": np.array([stretch])}
    return World(seed, panel, truth)


def recovered(worlds: Sequence[World], seed: int) -> Iterator[tuple[int, str, int, int]]:
    """Fit worlds; yield for each and each kind of number (seed, kind, how many, how many in their 90 % interval)."""
    for world in worlds:
        found = fit(world.panel, seed, lambda _doing: None)
        draws = {"logit": found.log_odds, "omega": found.omega, "bias": found.bias, "slope": found.slope,
                 "stretch": found.stretch[np.newaxis]}  # fmt: skip
        for kind, truth in world.truth.items():
            yield (world.seed, kind, *held(draws[kind], truth))


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
    for seed in range(n_worlds):
        rows += recovered([simulate(seed)], seed)
        print(f"world {seed}", file=sys.stderr, flush=True)
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
