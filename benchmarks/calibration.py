"""Simulation-based calibration: are truths that were simulated from the model spread evenly among its draws?

    python benchmarks/calibration.py [WORLDS]      writes reports/calibration.json, which the report shows

A world is drawn forward by its seed (tests/oracle/simulated.py) and forecast as any workspace is: stage 1 sampled from
its statements, reweighted by its evidence, sampled again with the evidence inside where the weights fail. The rank of
each truth among 99 of the weighted draws is even if the whole is right (Talts, Betancourt, Simpson, Vehtari and Gelman
2018). No world is left out; a seed that was run is a seed that is reported.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.measured import ROOT, table
from forecast.model.asof import compile_workspace
from forecast.posterior.posterior import Posterior, evaluate, posterior, query
from forecast.workers import Workers
from tests.oracle.simulated import AS_OF, SOURCES, Simulated, simulate
from tests.posterior.standing import standing_at

Array = NDArray[np.float64]

STORED = ROOT / "reports" / "calibration.json"
MODEL = "a made-up network of three events, with two sources and four statements: not this workspace"
WORLDS = 200
RANKED = 99  # draws that a truth is ranked among
BINS = 10  # of the ranks, for the test of evenness
PROCESSES = 2


@dataclass(frozen=True)
class Run:
    """Of one world: the rank of each quantity, P(scenario) and whether it came about, and how often it was sampled."""

    seed: int
    ranks: dict[str, int]
    probabilities: dict[str, float]
    came: str
    fits: int


def run(seed: int) -> Run:
    """Forecast a simulated world and rank the truth."""
    world = simulate(seed)
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        found = posterior(world.layout, world.workspace, AS_OF, seed, cache, lambda _doing: None)
        fits = len(list((cache / "draws").iterdir()))
    rng = np.random.default_rng([seed, 7])
    weights = found.weights.weights
    chosen = rng.choice(weights.size, RANKED, p=weights)
    names = [*(rule.id for rule in world.workspace.scenarios), "other"]
    draws, truth = _quantities(world, found, names)
    ranks = {name: _rank(rng, draws[name][chosen], truth[name]) for name in draws}
    forecast = found.evaluation.scenarios @ weights
    return Run(seed, ranks, dict(zip(names, forecast.tolist(), strict=True)), _came(world), fits)


def _quantities(world: Simulated, found: Posterior, names: Sequence[str]) -> tuple[dict[str, Array], dict[str, float]]:
    """Return each quantity in the draws and in truth: scenarios, evidence, sources, one row of a cause."""
    drawn = found.reliabilities
    # A source that reports nothing may stand anywhere.
    at_truth = standing_at({name: world.reliability.get(name, 0.5) for name in drawn.sources})
    asked = query(compile_workspace(world.layout, world.workspace, AS_OF), world.workspace.scenarios)
    true = evaluate(asked, world.theta, at_truth)
    # Rounded: what is certain in every draw is a tie, whatever its last digit.
    draws = {f"P({name} | evidence)": found.evaluation.scenarios[s].round(12) for s, name in enumerate(names)}
    truth = {f"P({name} | evidence)": float(true.scenarios[s, 0].round(12)) for s, name in enumerate(names)}
    draws["P(evidence)"], truth["P(evidence)"] = found.evaluation.log_evidence, float(true.log_evidence[0])
    for name in SOURCES:
        draws[f"reliability of {name}"] = drawn.reliability[drawn.sources.index(name)]
        truth[f"reliability of {name}"] = world.reliability[name]
    will = world.layout.theta_index(0, 0, 1)
    draws["P(will)"], truth["P(will)"] = found.draws.theta[will], float(world.theta[will, 0])
    return draws, truth


def _rank(rng: np.random.Generator, draws: Array, truth: float) -> int:
    """Return how many draws lie below the truth; one that is as large lies on either side by chance."""
    below, level = int((draws < truth).sum()), int((draws == truth).sum())
    return below + int(rng.integers(level + 1))


def _came(world: Simulated) -> str:
    rules = world.workspace.scenarios
    true = (rule.id for rule in rules if all(world.states[when.event] in when.states for when in rule.when))
    return next(true, "other")


def evenness(ranks: Sequence[int]) -> float:
    """Compute the p value of a chi-square test of ranks 0 to RANKED in BINS bins of equal size."""
    counts = np.bincount(np.array(ranks) * BINS // (RANKED + 1), minlength=BINS)
    return float(stats.chisquare(counts).pvalue)


def as_table(runs: Sequence[Run]) -> dict[str, Any]:
    """Return what is stored: the ranks of each quantity, and how often each scenario came about and should have."""
    quantities = [
        {"name": name, "ranks": ranks, "of": RANKED, "p_value": evenness(ranks)}
        for name in runs[0].ranks
        for ranks in [[one.ranks[name] for one in runs]]
    ]
    came = []
    for name in runs[0].probabilities:
        p = np.array([one.probabilities[name] for one in runs])
        times = sum(one.came == name for one in runs)
        z = (times - p.sum()) / np.sqrt((p * (1.0 - p)).sum())
        came.append({"name": name, "came": times, "expected": float(p.sum()), "z": float(z)})
    day = datetime.now(UTC).date().isoformat()
    return {
        "date": day,
        "model": MODEL,
        "worlds": len(runs),
        "refitted": sum(one.fits > 1 for one in runs),
        "quantities": quantities,
        "scenarios": came,
    }


def _tell(_seed: int, one: Run) -> None:
    print(f"world {one.seed}: {one.fits} fits", file=sys.stderr, flush=True)


def main(n_worlds: int) -> None:
    """Run every seed from 0 on, store what came out, and print it."""
    runs = Workers(PROCESSES).map(run, range(n_worlds), _tell)
    found = as_table(runs)
    STORED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    table([("ranks of", "p value of evenness")] + [(q["name"], f"{q['p_value']:.3f}") for q in found["quantities"]])
    came = [(s["name"], str(s["came"]), f"{s['expected']:.1f}", f"{s['z']:+.2f}") for s in found["scenarios"]]
    table([("scenario", "came", "expected", "z"), *came])
    print(f"{found['worlds']} worlds, {found['refitted']} of them sampled again with the evidence inside")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else WORLDS)
