"""Sampling and reweighting: how far the draws can be trusted, parameters and forecasts alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.prior.settings import CHAINS
from forecast.prior.trusted import LEAST_ESS, MAX_R_HAT, distrust
from forecast.record.outcome import Outcome
from forecast.record.tables import diagnostics
from forecast.report.digits import percent
from forecast.report.wording import long_date, scenario_names
from forecast.reweight.trusted import not_reliable
from forecast.reweight.weights import MAX_PARETO_K, MIN_EFFECTIVE_SIZE

Array = NDArray[np.float64]


def sampling(found: Outcome) -> dict[str, Any]:
    """Describe the sampling of the parameters (worst over all of them) and of each scenario's P(s | E, theta)."""
    fit = found.posterior.draws.diagnostics
    return {
        "parameters": {
            **fit,
            "r_hat_shown": f"{fit['r_hat_max']:.3f}",
            "ess_bulk_shown": f"{fit['ess_bulk_min']:.0f}",
            "ess_tail_shown": f"{fit['ess_tail_min']:.0f}",
            "divergences_shown": f"{fit['divergences']:.0f}",
        },
        "forecasts": [_forecast_row(found, i, name) for i, name in enumerate(scenario_names(found).values())],
        "chains": CHAINS,
        "draws": int(found.posterior.weights.weights.size),
        "max_r_hat": MAX_R_HAT,
        "min_ess": LEAST_ESS,
        "good": not distrust(fit),
    }


def _forecast_row(found: Outcome, i: int, name: str) -> dict[str, Any]:
    array_stats = _array_stats()
    shares = by_chain(found.posterior.evaluation.scenarios[i])
    mcse = found.scenarios[found.scenario_ids[i]].mcse
    row: dict[str, Any] = {"name": name, "mcse": mcse, "mcse_shown": f"{100.0 * mcse:.2f} points"}
    if shares.std() == 0.0:  # a scenario that is certain or impossible has no chain to check
        return {**row, "r_hat": None, "ess_bulk": None, "ess_tail": None, "shown": ["—"] * 3}
    axes = {"chain_axis": 0, "draw_axis": 1}
    r_hat = float(array_stats.rhat(shares, **axes))
    bulk = float(array_stats.ess(shares, method="bulk", **axes))
    tail = float(array_stats.ess(shares, method="tail", prob=(0.05, 0.95), **axes))
    shown = [f"{r_hat:.3f}", f"{bulk:.0f}", f"{tail:.0f}"]
    return {**row, "r_hat": r_hat, "ess_bulk": bulk, "ess_tail": tail, "shown": shown}


def _array_stats() -> Any:
    from arviz_stats import base

    return base.array_stats


def by_chain(draws: Array) -> Array:
    """Return draws (..., draws) as (chain, draw, ...): stage 1 writes chain after chain."""
    chained = draws.reshape(*draws.shape[:-1], CHAINS, -1)
    return np.moveaxis(chained, (-2, -1), (0, 1))


def reweighting(found: Outcome) -> dict[str, Any]:
    """Describe the weights, and which evidence the sampler already knew."""
    weights, anchor = found.posterior.weights, found.posterior.anchor
    size = weights.effective_size
    n_draws = int(weights.weights.size)
    k = weights.pareto_k if weights.pareto_k > float("-inf") else None
    return {
        "pareto_k": k,
        "pareto_k_shown": "none (all draws have equal weight)" if k is None else f"{k:.2f}".replace("-", "−"),
        "max_pareto_k": MAX_PARETO_K,
        "effective_size": size,
        "effective_size_shown": f"{size:.0f} of {n_draws} ({percent(size / n_draws, None)})",
        "min_effective_size": MIN_EFFECTIVE_SIZE,
        "reliable": not (doubts := diagnostics(found)["reasons"]),
        "doubt": not_reliable(doubts),
        "anchor": anchor.isoformat() if anchor else None,
        "fit_of": f"the evidence known on {long_date(anchor)}" if anchor else "the prior",
    }
