"""Sampling stage 1: NUTS by nutpie on the PyMC model. Imported only when draws are not cached."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.sampling.diagnostics import distrust
from forecast.sampling.settings import (
    CHAINS,
    CORES,
    LONGEST,
    TARGET_ACCEPT,
    WHITENED_ACCEPT,
    Effort,
    SampledFit,
    kept,
)
from forecast.sampling.spec import PriorSpec

if TYPE_CHECKING:
    from forecast.sampling.density import Density

Array = NDArray[np.float64]
Arrays = dict[str, Array]
Numbers = dict[str, float]
Progress = Callable[[str], None]


FULL = Effort()


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
        from forecast.sampling.density import compile_density, whitened
        from forecast.sampling.model import build_model
        from forecast.sampling.op import run_draws
        from forecast.sampling.program import record_program, record_theta

        program = record_program(spec)
        progress("compiling the model (slow the first time on a machine)")
        density = compile_density(build_model(spec, program))
        if effort.whiten:
            progress("looking for the mode and its curvature")
            density = whitened(density, seed)
    times, sampled, stats, diagnostics = _agreeing(density, seed, progress, effort)
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


def _agreeing(density: Density, seed: int, progress: Progress, effort: Effort) -> tuple[int, Arrays, Arrays, Numbers]:
    """Sample until the chains agree, or are LONGEST times as long; return how long, draws, statistics, diagnostics."""
    times = 1
    while True:
        n_draws = times * effort.sampled_per_chain
        x, stats = _chains(density, seed, progress, effort, n_draws)
        progress("checking convergence")
        sampled = density.variables(x)
        diagnostics = convergence(sampled, stats) | {"sampled": float(CHAINS * n_draws)}
        doubts = distrust({**diagnostics, "divergences": 0.0})  # longer chains have no fewer
        if not doubts or times >= LONGEST:
            return times, sampled, stats, diagnostics
        times *= 2
        progress(f"the chains do not agree yet ({'; '.join(doubts)}): drawing {times} times as long")


def _chains(density: Density, seed: int, progress: Progress, effort: Effort, n_draws: int) -> tuple[Array, Arrays]:
    """Draw the chains: x (chain, draw, n), and the sampler's statistics (chain, draw)."""
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
        target_accept=WHITENED_ACCEPT if effort.whiten else TARGET_ACCEPT,
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
