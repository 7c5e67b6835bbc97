"""Convergence on this repository's workspace: R-hat <= 1.01, ESS >= 400 in bulk and tail, no divergences.

    python benchmarks/sampling.py [SEED ...]        default: seeds 1 to 5, about a minute each

For the fit on the statements alone and for the one that the forecast rests on; parameters, and forecasts: P(scenario)
and P(state of each event) given each draw, chain by chain.
"""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.measured import table, workspace
from forecast import pipeline
from forecast.ledger.outcome import prior_outcome
from forecast.posterior.posterior import Evaluation
from forecast.sampling.draws import Draws, convergence
from forecast.sampling.settings import CHAINS, SAMPLED_PER_CHAIN
from forecast.session import Session

HEADING = ("", "R-hat", "ESS bulk", "ESS tail", "divergences", "draws")
LIMITS = ("limit", "1.01", "400", "400", "0", f"{CHAINS * SAMPLED_PER_CHAIN}")


def forecasts(evaluation: Evaluation, draws: Draws) -> dict[str, float]:
    """Compute the diagnostics of what is forecast, as those of parameters are computed."""
    values = np.concatenate([evaluation.scenarios, *evaluation.events])
    _, stats = draws.fit()
    return convergence({"forecast": values.reshape(len(values), CHAINS, -1).transpose(1, 2, 0)}, stats)


def row(name: str, found: dict[str, float], drawn: str = "") -> tuple[str, ...]:
    """Format one fit's diagnostics, and how many draws it took: more than usual where chains disagreed at first."""
    ess = (f"{found[key]:.0f}" for key in ("ess_bulk_min", "ess_tail_min", "divergences"))
    return name, f"{found['r_hat_max']:.4f}", *ess, drawn


def main(seeds: list[int]) -> None:
    """Print one line for each seed, fit and kind of quantity."""
    rows = []
    with workspace(cached=True) as root:
        for seed in seeds:
            found = pipeline.conclude(Session(root, seed=seed), attribute=False).outcome
            posterior, prior = found.posterior, prior_outcome(found).posterior
            fits = {"statements": prior}
            if posterior.anchor:
                fits[f"with the evidence of {posterior.anchor}"] = posterior
            for name, fit in fits.items():
                rows.append(
                    row(
                        f"seed {seed}, {name}: parameters",
                        fit.draws.diagnostics,
                        f"{fit.draws.diagnostics['sampled']:.0f}",
                    )
                )
                rows.append(row(f"seed {seed}, {name}: forecasts", forecasts(fit.evaluation, fit.draws)))
    table([HEADING, *rows, LIMITS])


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [1, 2, 3, 4, 5])
