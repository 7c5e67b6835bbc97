"""Draws of stage 1 by the digest of all that decides them: the same numbers with the store or without it."""

from __future__ import annotations

import json
import os
import platform
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from forecast.digits import past
from forecast.model.asof import AsOfNetwork
from forecast.sampling.settings import (
    CHAINS,
    CORES,
    LONGEST,
    SAMPLED_PER_CHAIN,
    TARGET_ACCEPT,
    TUNE,
    Effort,
    SampledFit,
    kept,
)
from forecast.sampling.spec import PriorSpec
from forecast.store.entries import Part, Place, Sealed, alone, is_kept, keep, key_of, load, remove_leftovers
from forecast.store.program import installed_versions

Environment = dict[str, str]

FEATURES = ("fma", "avx2", "avx512f", "avx512_vnni", "neon", "asimd", "sve")  # of a processor, as Linux names them
# Settings that give a processor another compiler target, BLAS kernel or vector loop than its own.
OVERRIDES = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES")


@cache
def environment() -> Environment:
    """Return what this process computes on: `processor`, `c_library`, `blas`, `python`."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return {
        "processor": " ".join([platform.machine(), *_features()]),
        "c_library": " ".join(filter(None, platform.libc_ver())) or platform.system(),
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "python": platform.python_version(),
    }


def overrides() -> Environment:
    """Return the settings of this process's environment under which a processor is not taken as it is."""
    return {name: os.environ[name] for name in OVERRIDES if name in os.environ}


def _features() -> list[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []  # no Linux: the kind of machine must do
    known = {word for line in text.splitlines() if line.startswith(("flags", "Features")) for word in line.split()}
    return [name for name in FEATURES if name in known]


def unlike(told: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """Name what two environments (or tables of versions) differ in, each with both values."""
    names = [name for name in sorted({*told, *here}) if told.get(name) != here.get(name)]
    return [
        f"{name.replace('_', ' ')} {told.get(name, 'not recorded')}, here {here.get(name, 'none')}" for name in names
    ]


Array = NDArray[np.float64]
SAMPLING_PACKAGES = ("numba", "numpy", "nutpie", "pymc", "pytensor")


Groups = tuple[dict[str, Array], dict[str, Array]]


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Draws of theta (n_theta, draws), the digest of all that decides them, and diagnostics.

    `store` is the folder where what is computed from them is kept; `fit()` reads the whole fit: the posterior and the
    sampler's statistics, each {variable: (chain, draw, ...)}. Nobody can write to theta: what rows and histories are on
    these draws is computed once for all questions about them.
    """

    theta: Array
    digest: str
    diagnostics: dict[str, float]
    store: Path
    fit: Callable[[], Groups]

    def __post_init__(self) -> None:
        self.theta.flags.writeable = False


def versions() -> dict[str, str]:
    """Return the versions of the packages that the draws depend on."""
    return installed_versions(SAMPLING_PACKAGES)


def draws_digest(spec: PriorSpec, seed: int) -> str:
    """Compute the digest of everything that decides the draws: compiled numbers, settings, seed, code, versions."""

    def numbers(network: AsOfNetwork) -> tuple[object, ...]:
        return (network.rows, network.causes, network.history, network.fixed)

    layout = spec.layout
    return key_of(
        "draws",
        [layout.cards, layout.parents, [event.kind for event in layout.events]],
        [[event.cpt for event in layout.events], spec.rows.eta, spec.rows.recipes, spec.rows.certain],
        [numbers(network) for network in spec.networks],
        spec.sides,
        [spec.quantities, spec.deviations, spec.stated, spec.distributions, spec.distribution_of],
        [spec.counted, spec.ordered, list(spec.experts)],
        [list(spec.rated), spec.rated_of, spec.is_biased, spec.record],
        None if spec.anchor is None else numbers(spec.anchor),
        *([] if spec.codings is None else [spec.codings]),  # without several codings the key is what it was
        [seed, CHAINS, SAMPLED_PER_CHAIN, LONGEST, TUNE, TARGET_ACCEPT],
    )


class NotSampledError(LookupError):
    """Draws are not in the cache, and may not be sampled where they were asked for: their spec, and their digest."""

    def __init__(self, spec: PriorSpec, digest: str) -> None:
        self.spec, self.digest = spec, digest
        super().__init__(digest)


def prior_draws(
    spec: PriorSpec,
    seed: int,
    cache: Path,
    progress: Callable[[str], None],
    *,
    refit: bool = False,
    may_sample: bool = True,
) -> Draws:
    """Return the draws of a spec from the store, or sample them and keep them there. `refit` ignores the store.

    What another process samples at the same time is waited for. Raises NotSampledError if they would have to be sampled
    and that is not allowed.
    """
    place = Place(cache, "draws", draws_digest(spec, seed))

    def sampled() -> SampledFit:
        return _sampled(spec, seed, place, progress)

    found = None if refit else _load(place, sampled)
    if found is None and not may_sample:
        raise NotSampledError(spec, place.key)
    if found is None:
        with alone(place):
            found = None if refit else _load(place, sampled)
            if found is None:
                fit = sampled()
                found = _load(place, sampled) or _unkept(place, fit)
    return found


def is_drawn(spec: PriorSpec, seed: int, cache: Path) -> bool:
    """Say whether the draws of a spec are in the store."""
    return is_kept(Place(cache, "draws", draws_digest(spec, seed)))


def cached_draws(spec: PriorSpec, seed: int, cache: Path) -> Draws | None:
    """Return the draws of a spec if they are in the store."""
    place = Place(cache, "draws", draws_digest(spec, seed))
    return _load(place, lambda: _sampled(spec, seed, place, lambda _: None))


def _sampled(spec: PriorSpec, seed: int, place: Place, progress: Callable[[str], None]) -> SampledFit:

    fit = sample(spec, seed, progress)
    keep(place, _parts(fit))
    if place.folder.name == ".cache":
        remove_leftovers(place.folder.parent)  # it takes a moment; sampling took many
    return fit


def _load(place: Place, sampled: Callable[[], SampledFit]) -> Draws | None:
    """Read draws, and later their whole fit; where that turns out to be damaged, it is `sampled` again."""

    def groups() -> Groups:
        found = load(place, _groups)
        if found is None:
            again = sampled()
            found = again.posterior, again.sample_stats
        return found

    def read(entry: Sealed) -> Draws:
        diagnostics = json.loads(entry.text("diagnostics"))
        return Draws(
            theta=entry.array("theta"), digest=place.key, diagnostics=diagnostics, store=place.folder, fit=groups
        )

    return load(place, read)


def _groups(entry: Sealed) -> Groups:
    groups: Groups = ({}, {})
    for part in entry.parts:
        group, _, variable = part.partition("/")
        if variable:
            groups[group == "sample_stats"][variable] = entry.array(part)
    return groups


def _parts(fit: SampledFit) -> dict[str, Part]:
    where = {**environment(), **overrides(), **versions()}
    return {
        "theta": fit.theta,
        "diagnostics": json.dumps(fit.diagnostics, sort_keys=True).encode(),
        "environment": json.dumps(where, sort_keys=True).encode(),
        **{f"posterior/{name}": values for name, values in fit.posterior.items()},
        **{f"sample_stats/{name}": values for name, values in fit.sample_stats.items()},
    }


def _unkept(place: Place, fit: SampledFit) -> Draws:
    return Draws(
        theta=fit.theta,
        digest=place.key,
        diagnostics=fit.diagnostics,
        store=place.folder,
        fit=lambda: (fit.posterior, fit.sample_stats),
    )


# When draws are not to be relied on: R-hat, effective sample sizes, divergences.

# Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021): R-hat at most 1.01, and 100 effective draws a chain.
MAX_R_HAT = 1.01
LEAST_ESS = 100.0 * CHAINS  # of all chains together, in the bulk and in the tails
LEAST = {"ess_bulk_min": "bulk", "ess_tail_min": "tail"}


def distrust(diagnostics: Mapping[str, float]) -> tuple[str, ...]:
    """Say why draws are not reliable, each reason with its value and its limit; empty where they are.

    Args:
        diagnostics: `r_hat_max`, `ess_bulk_min`, `ess_tail_min`, `divergences`, of all parameters, as
            `forecast.sampling.draws.convergence` computes them. A number that is not finite is a reason.
    """
    reasons = []
    if not diagnostics["r_hat_max"] <= MAX_R_HAT:
        reasons.append(f"R-hat is {past(diagnostics['r_hat_max'], MAX_R_HAT)}, above {MAX_R_HAT:g}")
    for key, part in LEAST.items():
        if not diagnostics[key] >= LEAST_ESS:
            reasons.append(f"{part} ESS is {past(diagnostics[key], LEAST_ESS)}, below {LEAST_ESS:g}")
    if diagnostics["divergences"] != 0.0:
        reasons.append(f"divergences are {diagnostics['divergences']:.0f}, none is allowed")
    return tuple(reasons)


# Sampling stage 1: NUTS by nutpie on the PyMC model. Imported only when draws are not cached.

Arrays = dict[str, Array]
Numbers = dict[str, float]
Progress = Callable[[str], None]


FULL = Effort()


class Sampleable(Protocol):
    """A log density over one vector of `n` numbers, such as forecast.sampling.model.Density, which says more."""

    @property
    def n(self) -> int: ...  # noqa: D102

    def value_and_gradient(self, x: Array, /) -> tuple[float, Array]: ...  # noqa: D102

    def start(self, seed: int, /) -> Array: ...  # noqa: D102

    def variables(self, x: Array, /) -> dict[str, Array]: ...  # noqa: D102


def sample(spec: PriorSpec, seed: int, progress: Progress, effort: Effort = FULL) -> SampledFit:
    """Draw theta from the posterior of the statements (and the anchor's evidence).

    The fit's `quantity` is what each single number, coordinate, count and order was a reading of, if it is kept.

    Chains that do not agree (R-hat and effective sizes, forecast.sampling.settings) are drawn anew twice as long, and
    once more, up to LONGEST times the usual length. Their first draws are the same, and as many are kept as of a usual
    fit.

    Raises KeyboardInterrupt if it is interrupted: an unfinished chain is never used.
    """
    progress("opening the sampler")
    with warnings.catch_warnings():
        # Third-party start-up warnings are not the forecaster's business; ours are raised as errors in the tests.
        warnings.simplefilter("ignore")
        from forecast.sampling.model import build_model, compile_density
        from forecast.sampling.op import run_draws
        from forecast.sampling.program import record_program, record_theta

        program = record_program(spec)
        progress("compiling the model (slow the first time on a machine)")
        density = compile_density(build_model(spec, program))
    times, sampled, stats, diagnostics = agreeing(density, seed, progress, effort)
    weighed = kept(effort.sampled_per_chain, times)
    posterior = {name: values[:, weighed] for name, values in sampled.items()}
    stats = {name: values[:, weighed] for name, values in stats.items()}
    parts = [posterior[part] for part in ("alpha", "beta", "epsilon") if part in posterior]
    coordinates = np.concatenate(parts, axis=2).reshape(-1, spec.rows.n_coordinates)
    if effort.quantities:
        outputs = run_draws(coordinates, program)[:, : spec.quantities.n_rows]
        posterior["quantity"] = outputs.reshape(CHAINS, weighed.size, -1)
    # By the tape and not by numpy, whose loops for the processor at hand have other last digits.
    theta = np.ascontiguousarray(run_draws(coordinates, record_theta(spec.rows)).T)
    return SampledFit(theta, posterior, stats, diagnostics)


def agreeing(density: Sampleable, seed: int, progress: Progress, effort: Effort) -> tuple[int, Arrays, Arrays, Numbers]:
    """Sample until the chains agree, or are LONGEST times as long; return how long, draws, statistics, diagnostics."""
    times = 1
    while True:
        n_draws = times * effort.sampled_per_chain
        x, stats = chains_of(density, seed, progress, effort, n_draws)
        progress("checking convergence")
        sampled = density.variables(x)
        diagnostics = convergence(sampled, stats) | {"sampled": float(CHAINS * n_draws)}
        doubts = distrust({**diagnostics, "divergences": 0.0})  # longer chains have no fewer
        if not doubts or times >= LONGEST:
            return times, sampled, stats, diagnostics
        times *= 2
        progress(f"the chains do not agree yet ({'; '.join(doubts)}): drawing {times} times as long")


def chains_of(density: Sampleable, seed: int, progress: Progress, effort: Effort, n_draws: int) -> tuple[Array, Arrays]:
    """Draw the chains, each of so many draws: x (chain, draw, n), and the sampler's statistics (chain, draw)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        import nutpie
        from nutpie.compiled_pyfunc import from_pyfunc

    total = CHAINS * (effort.tune + n_draws)

    def report(chains: Any) -> None:
        done = sum(chain.finished_draws for chain in chains)
        progress(f"sampling: {100 * done // total} % of {CHAINS} chains")

    trace = nutpie.sample(
        from_pyfunc(
            density.n,
            lambda: density.value_and_gradient,
            lambda _seed, _other_seed, _chain: lambda x: {"x": x},
            [np.dtype(np.float64)],
            [(density.n,)],
            ["x"],
            make_initial_point_fn=density.start,
        ),
        draws=n_draws,
        tune=effort.tune,
        chains=CHAINS,
        cores=CORES,
        seed=seed,
        target_accept=TARGET_ACCEPT,
        maxdepth=effort.deepest,
        save_warmup=False,
        progress_bar=False,
        progress_callback=report,
    )
    x = np.asarray(trace["posterior"]["x"].values)
    if x.shape[:2] != (CHAINS, n_draws):
        raise KeyboardInterrupt
    stats = {
        str(name): np.asarray(values.values)
        for name, values in trace["sample_stats"].data_vars.items()
        if name in {"diverging", "energy", "n_steps", "step_size", "depth"}
    }
    return x, stats


def convergence(posterior: dict[str, Array], stats: dict[str, Array]) -> dict[str, float]:
    """Compute the worst rank-normalised R-hat, bulk and tail ESS over all parameters, and count divergences.

    Source: Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021).
    """
    from arviz_stats.base import array_stats

    flat = [values.reshape(*values.shape[:2], -1) for name, values in sorted(posterior.items())]
    draws = np.moveaxis(np.concatenate(flat, axis=2), 2, 0)
    varying = draws[draws.reshape(draws.shape[0], -1).std(axis=1) > 0.0]
    axes = {"chain_axis": 1, "draw_axis": 2}
    return {
        "r_hat_max": float(np.max(array_stats.rhat(varying, **axes))),
        "ess_bulk_min": float(np.min(array_stats.ess(varying, method="bulk", **axes))),
        "ess_tail_min": float(np.min(array_stats.ess(varying, method="tail", prob=(0.05, 0.95), **axes))),
        "divergences": float(np.sum(stats["diverging"])),
    }
