"""Posterior simulation-based calibration: are parameters ranked evenly, on a workspace's own statements?

    python -m benchmarks.posterior_calibration [--refits N] [--workers N] [WORKSPACE]

writes WORKSPACE/reports/posterior-calibration.json, which the report shows. Each refit draws parameters from the
forecast (weights included), lets everybody state anew what they stated, and fits the model to both: the statements as
they are and these. The evidence stays as it is, in the sampler (the forecast's anchor) and in the weights. The rank of
what was drawn among the draws of the refit is even if sampling, weights and inference are right where this workspace
has its posterior (Säilynoja, Schmitt, Bürkner and Vehtari 2025).

A refit is the forecast's own model, whole: nothing in it is approximated. It is shorter, because ranks need fewer draws
than forecasts do, and because its sampler begins where the forecast's draws are, in units of their spread. That changes
how soon the chains agree and not what they agree on. Where they do not (R-hat and effective size of what is ranked)
they are drawn twice as long, and again; where that is not enough the refit counts all the same, and the file says how
many these are.

What is stored is kept after every refit: run again, it goes on. Where all refits are stored it only completes what the
file says of them (a file of an earlier version lacks the digest of the inputs). A finished run of the same inputs by
another version of the program stands; a run of other inputs begins anew, and so does any with --anew. A file that does
not say of which inputs it is, and whose draws are not those of this program, is left alone without --anew.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.measured import ROOT, table
from forecast.files import replace_file
from forecast.model.layout import lay_out
from forecast.posterior.posterior import Posterior, evaluate, evidence_of, posterior
from forecast.posterior.replicates import heard_twice, inputs_digest, replicates
from forecast.posterior.sources import draw_reliabilities
from forecast.posterior.weights import effective_size, ess, weigh_draws
from forecast.sampling.draws import chains_of
from forecast.sampling.likelihood import log_likelihood
from forecast.sampling.model import Density, build_model, compile_density
from forecast.sampling.op import run_draws
from forecast.sampling.program import record_program, record_theta
from forecast.sampling.settings import CHAINS, Effort
from forecast.sampling.spec import SD_EXPERT
from forecast.session import DEFAULT_SEED
from forecast.store.program import installed_versions
from forecast.workers import Workers
from forecast.workspace.read import load
from forecast.workspace.records import Workspace

Array = NDArray[np.float64]
Fit = Mapping[str, Array]

STORED = "reports/posterior-calibration.json"
REFITS = 100
RANKED = 99  # the largest rank
BINS = 10  # of the ranks, for the test of evenness
EFFORT = Effort(sampled_per_chain=150, tune=150, quantities=False)
LONGEST = 4  # times that, where chains do not agree
MOST_R_HAT, LEAST_SIZE = 1.05, 100.0  # of every ranked quantity: looser than for a forecast, enough for a rank


@dataclass(frozen=True)
class Task:
    """A refit: of which workspace, date and seed, and which one."""

    root: str
    as_of: str
    seed: int
    number: int


@dataclass(frozen=True)
class Refit:
    """The ranks of one, its worst R-hat and effective size among the ranked, how often as long, and the seconds."""

    number: int
    ranks: dict[str, int]
    r_hat: float
    size: float
    weights_size: float
    pareto_k: float
    divergences: int
    times: int
    seconds: float

    @property
    def doubtful(self) -> bool:
        """Say whether its chains did not agree at last."""
        return not (self.r_hat <= MOST_R_HAT and self.size >= LEAST_SIZE)


@dataclass(frozen=True)
class Base:
    """The forecast that is tested: its workspace, its posterior, and the fit of its draws."""

    workspace: Workspace
    found: Posterior
    fit: Fit


@cache
def base(root: str, as_of: str, seed: int) -> Base:
    """Return the forecast of a workspace; its draws are sampled if they are not kept."""
    folder, day = Path(root), date.fromisoformat(as_of)
    workspace = load(folder, day)
    layout = lay_out(workspace.network)
    found = posterior(layout, workspace, day, seed, folder / "reports" / ".cache", lambda _doing: None)
    return Base(workspace, found, found.draws.fit()[0])


def run(task: Task) -> Refit:
    """Draw parameters, state everything anew, fit to both, and rank the parameters."""
    begun = time.perf_counter()
    of = base(task.root, task.as_of, task.seed)
    rng = np.random.default_rng([task.seed, task.number, 2025])
    weights = of.found.weights.weights
    drawn = int(rng.choice(weights.size, p=weights))
    again = replicates(of.found.spec, one_draw(of.fit, drawn), rng)
    spec = heard_twice(of.found.spec, again)
    truth = {name: float(values[drawn]) for name, values in reference(task.root, task.as_of, task.seed).items()}
    density = warm(compile_density(build_model(spec, record_program(spec))), of.fit)
    seed = int(rng.integers(2**31))
    times = 1
    while True:
        x, sampler = chains_of(density, seed, lambda _doing: None, EFFORT, times * EFFORT.sampled_per_chain)
        values, weighed, k = refitted(of, density.variables(x), task.seed)
        r_hat, size = agreement([values[name] for name in truth])
        if (r_hat <= MOST_R_HAT and size >= LEAST_SIZE) or times >= LONGEST:
            break
        times *= 2
    ranks = {name: rank(rng, values[name], weighed, truth[name]) for name in truth}
    divergences = int(np.sum(sampler["diverging"]))
    seconds = time.perf_counter() - begun
    return Refit(task.number, ranks, r_hat, size, effective_size(weighed), k, divergences, times, seconds)


def one_draw(fit: Fit, draw: int) -> dict[str, Array]:
    """Return one draw of a fit, as a fit."""
    return {name: values.reshape(-1, values.shape[-1])[np.newaxis, [draw]] for name, values in fit.items()}


@cache
def reference(root: str, as_of: str, seed: int) -> dict[str, Array]:
    """Compute what is ranked in every draw of the forecast: all that varies."""
    of = base(root, as_of, seed)
    found = quantities(of, of.found.evaluation.scenarios, of.found.evaluation.log_evidence, of.fit)
    return {name: values for name, values in found.items() if np.ptp(values) > 0.0}


def refitted(of: Base, sampled: Fit, seed: int) -> tuple[dict[str, Array], Array, float]:
    """Weigh the draws of a refit by the evidence as a forecast does; return what is ranked, weights and Pareto k."""
    found, spec = of.found, of.found.spec
    parts = [sampled[part] for part in ("alpha", "beta", "epsilon") if part in sampled]
    coordinates = np.concatenate(parts, axis=2).reshape(-1, spec.rows.n_coordinates)
    theta = np.ascontiguousarray(run_draws(coordinates, record_theta(spec.rows)).T)
    implied = run_draws(coordinates, record_program(spec))[:, : spec.quantities.n_rows]
    fit = {**sampled, "quantity": implied.reshape(*parts[0].shape[:2], -1)}
    network = found.asked.network
    sources = draw_reliabilities(network, of.workspace.sources, theta, seed)
    evaluation = evaluate(found.asked, theta, sources)
    log_anchor = 0.0 if spec.anchor is None else evidence_of(spec.anchor, theta)
    weights = weigh_draws(evaluation.log_evidence + sources.log_correction - log_anchor, evaluation.scenarios)
    values = quantities(of, evaluation.scenarios, evaluation.log_evidence, fit)
    return values, weights.weights, float(weights.pareto_k)


def quantities(of: Base, scenarios: Array, log_evidence: Array, fit: Fit) -> dict[str, Array]:
    """Return what is ranked, (draws) each: forecasts, parameters together, and how probable the data are."""
    names = [*(rule.id for rule in of.workspace.scenarios), "other"]
    # Rounded: what is certain in every draw is a tie, whatever its last digit.
    found = {f"P({name} | evidence)": scenarios[s].round(12) for s, name in enumerate(names)}
    found["P(evidence)"] = log_evidence.round(9)
    found["p(statements)"] = log_likelihood(of.found.spec, fit, of.found.spec.statement_ids)
    for name, of_all in (("alpha", "levels"), ("beta", "effects"), ("deviation", "deviations"), ("omega", "noise")):
        if name in fit:
            found[f"{of_all} ({name})"] = np.square(fit[name].reshape(log_evidence.size, -1)).sum(axis=1)
    return found


def warm(density: Density, fit: Fit) -> Density:
    """Return a density in units of the spread of kept draws; its chains begin at one of these each.

    Statements that are heard again have coordinates of their own, which stand at their prior.
    """
    sizes = {name: values.shape[-1] for name, values in density.variables(np.zeros((1, 1, density.n))).items()}
    flat = {name: unconstrained(name, fit[name].reshape(-1, fit[name].shape[-1])) for name in sizes}
    n_draws = next(iter(flat.values())).shape[0]
    rng = np.random.default_rng(1)
    columns = []
    for name, size in sizes.items():
        if more := size - flat[name].shape[1]:
            columns.append(np.concatenate([flat[name], prior_of(name, (n_draws, more), rng)], axis=1))
        else:
            columns.append(flat[name])
    kept = np.concatenate(columns, axis=1)
    centre, unit = kept.mean(axis=0), kept.std(axis=0)

    def value_and_gradient(z: Array) -> tuple[float, Array]:
        value, gradient = density.value_and_gradient(centre + unit * z)
        return value, gradient * unit

    def start(seed: int) -> Array:
        return np.asarray((kept[np.random.default_rng(seed).integers(n_draws)] - centre) / unit)

    return Density(density.n, value_and_gradient, start, lambda z: density.variables(centre + unit * z))


def unconstrained(name: str, values: Array) -> Array:
    """Take a variable of a fit to the scale on which it is sampled."""
    if name == "omega":  # the normal score of a half-normal
        return np.asarray(stats.norm.isf(stats.norm.sf(values / SD_EXPERT)))
    return np.log(values) if name in ("slope", "spread") else values


def prior_of(name: str, size: tuple[int, int], rng: np.random.Generator) -> Array:
    """Draw what belongs to one statement alone from its prior, on the scale on which it is sampled."""
    return np.log(rng.gamma(2.0, 0.5, size)) if name == "spread" else rng.standard_normal(size)


def agreement(values: Sequence[Array]) -> tuple[float, float]:
    """Return the worst R-hat, and the least effective size, of what is ranked."""
    from arviz_stats.base import array_stats

    by_chain = np.stack([one.reshape(CHAINS, -1) for one in values])
    r_hat = float(np.max(array_stats.rhat(by_chain, chain_axis=1, draw_axis=2)))
    return r_hat, float(np.min(ess(by_chain.reshape(len(values), -1))))


def rank(rng: np.random.Generator, draws: Array, weights: Array, truth: float) -> int:
    """Return the rank of a value among weighted draws, from 0 to RANKED; ties are broken by chance.

    Of N equal draws with k below it is the share (k + u)/(N + 1), u uniform: exactly even if the value is one of the
    same distribution. With weights N is their effective size.
    """
    size = effective_size(weights)
    below, level = float(weights[draws < truth].sum()), float(weights[draws == truth].sum())
    place = (size * (below + rng.uniform() * level) + rng.uniform()) / (size + 1.0)
    return min(int(place * (RANKED + 1)), RANKED)


def evenness(ranks: Sequence[int]) -> float:
    """Compute the p value of a chi-square test of ranks 0 to RANKED in BINS bins of equal size."""
    counts = np.bincount(np.array(ranks) * BINS // (RANKED + 1), minlength=BINS)
    return float(stats.chisquare(counts).pvalue)


def as_stored(of: Base, task: Task, refits: Sequence[Refit]) -> dict[str, Any]:
    """Return what is stored: of which forecast, the ranks of each quantity, and how the refits went."""
    done = sorted(refits, key=lambda one: one.number)
    names = list(done[0].ranks)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "model": of.workspace.network.title,
        "as_of": task.as_of,
        "draws": of.found.draws.digest,
        "inputs": inputs_digest(of.found.spec),
        "version": installed_versions(["forecast"])["forecast"],
        "seed": task.seed,
        "refits": len(done),
        "doubtful": sum(one.doubtful for one in done),
        "drawn_longer": sum(one.times > 1 for one in done),
        "divergences": sum(one.divergences for one in done),
        "seconds": round(sum(one.seconds for one in done)),
        "quantities": [
            {"name": name, "ranks": ranks, "of": RANKED, "p_value": evenness(ranks)}
            for name in names
            for ranks in [[one.ranks[name] for one in done]]
        ],
        "runs": [{name: value for name, value in vars(one).items() if name != "ranks"} for one in done],
    }


def refits_in(content: Mapping[str, Any]) -> list[Refit]:
    """Return the refits of a stored run."""
    ranks = [{one["name"]: one["ranks"][i] for one in content["quantities"]} for i in range(content["refits"])]
    return [Refit(**told, ranks=own) for told, own in zip(content["runs"], ranks, strict=True)]


def stands(content: Mapping[str, Any], draws: str, inputs: str, refits: int) -> bool:
    """Say whether a stored run has all refits of these draws, or of these inputs by another version of the program.

    Raises click.UsageError for a run of other draws that does not say of which inputs it is.
    """
    if content["draws"] != draws and "inputs" not in content:
        raise click.UsageError(
            f"{STORED} holds {content['refits']} refits of other draws and does not say of which inputs: run this with"
            " the version of the program that made them, which adds it, or begin again with --anew"
        )
    whole, same = content["refits"] >= refits, content["draws"] == draws or content["inputs"] == inputs
    return bool(whole and same)


@click.command()
@click.argument("workspace", type=click.Path(exists=True, file_okay=False, path_type=Path), default=ROOT)
@click.option("--refits", default=REFITS, show_default=True, help="How many in all; those that are stored count.")
@click.option("--workers", default=2, show_default=True, help="Processes at once.")
@click.option("--as-of", help="Date of the forecast (default: today).")
@click.option("--seed", default=DEFAULT_SEED, show_default=True)
@click.option("--anew", is_flag=True, help="Begin again, whatever is stored.")
def main(workspace: Path, refits: int, workers: int, as_of: str | None, seed: int, anew: bool) -> None:
    """Refit a workspace to its statements and replicates of them; store and print whether ranks are even."""
    path = workspace / STORED
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() and not anew else None
    if content is not None and content["refits"] < refits:
        as_of = as_of or content["as_of"]  # what was begun goes on with the evidence of then
    task = Task(str(workspace.resolve()), as_of or datetime.now(UTC).date().isoformat(), seed, -1)
    of = base(task.root, task.as_of, task.seed)
    draws, inputs = of.found.draws.digest, inputs_digest(of.found.spec)

    def store(found: Mapping[str, Any]) -> None:
        replace_file(path, (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode())

    if content is not None and stands(content, draws, inputs, refits):
        if "inputs" not in content:
            content = {**content, "inputs": inputs}
            store(content)
        tell(content)
        if content["draws"] != draws:
            print("by another version of the program, of the same inputs: --anew runs it with this one")
        return
    done = refits_in(content) if content is not None and content["draws"] == draws else []
    left = [n for n in range(refits) if n not in {one.number for one in done}]

    def arrived(_task: Task, one: Refit) -> None:
        done.append(one)
        store(as_stored(of, task, done))
        told = f"{one.seconds:.0f} s, R-hat {one.r_hat:.3f}, ESS {one.size:.0f}, {one.times} times as long"
        print(f"refit {one.number}: {told}", file=sys.stderr, flush=True)

    Workers(workers).map(run, [Task(task.root, task.as_of, task.seed, n) for n in left], arrived)
    if not done:
        raise click.UsageError("no refits")
    tell(as_stored(of, task, done))


def tell(found: Mapping[str, Any]) -> None:
    """Print what a run has found."""
    table([("ranks of", "p value of evenness")] + [(q["name"], f"{q['p_value']:.3f}") for q in found["quantities"]])
    print(f"{found['refits']} refits, {found['doubtful']} whose chains did not agree")


if __name__ == "__main__":
    main()
