"""Draws of the prior of the CPT rows in the place of sampled ones, each set of its own digest's making."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from forecast.sampling.draws import Draws, NotSampledError, draws_digest
from forecast.sampling.op import run_draws
from forecast.sampling.program import record_program
from forecast.sampling.settings import CHAINS, SampledFit
from forecast.sampling.spec import SD_EXPERT, PriorSpec, theta_draws
from forecast.store.entries import Place, Sealed, keep, load

DRAWS = 120
OF_A_FIT = 4000
CONVERGED = {"r_hat_max": 1.0, "ess_bulk_min": 400.0, "ess_tail_min": 400.0, "divergences": 0.0}


def by_digest(
    spec: PriorSpec,
    seed: int,
    cache: Path,
    progress: Callable[[str], None],
    *,
    may_sample: bool = True,
    size: int = DRAWS,
    **_: Any,
) -> Draws:
    """In the place of `prior_draws`: whatever changes the digest of the draws changes every one of them."""
    digest = draws_digest(spec, seed)
    place = Place(cache, "draws", digest)
    with patch("forecast.store.entries.program", lambda kind: kind):  # other code gives the same draws here
        own = draws_digest(spec, seed)

    def read(entry: Sealed) -> Draws:
        return Draws(
            theta=entry.array("theta"), digest=digest, diagnostics=CONVERGED, store=cache, fit=lambda: ({}, {})
        )

    found = load(place, read)
    if found is None and not may_sample:
        raise NotSampledError(spec, digest)
    if found is None:
        progress("drawing")
        rng = np.random.default_rng(int(own[:16], 16))
        theta = theta_draws(spec.rows, rng.standard_normal((spec.rows.n_coordinates, size)))
        keep(place, {"theta": theta, "diagnostics": json.dumps(CONVERGED).encode()})
        found = load(place, read)
    assert found is not None
    return found


def of_the_prior(spec: PriorSpec, seed: int, _progress: Callable[[str], None]) -> SampledFit:
    """In the place of `sample`: draws of the prior, with what each statement is a reading of in them.

    They are no posterior: for laws that hold in every draw, whatever it was drawn from.
    """
    rng, rows = np.random.default_rng(seed), spec.rows
    coordinates = rng.standard_normal((rows.n_coordinates, OF_A_FIT))
    alpha, beta, epsilon = np.split(coordinates, np.cumsum([len(rows.alpha), len(rows.beta)]))
    posterior = {
        "alpha": alpha,
        "beta": beta,
        "epsilon": epsilon,
        "omega": np.abs(rng.standard_normal((len(spec.experts), OF_A_FIT))) * SD_EXPERT,
        "deviation": rng.standard_normal((len(spec.deviation_labels), OF_A_FIT)),
        "quantity": run_draws(coordinates.T, record_program(spec))[:, : spec.quantities.n_rows].T,
    }
    return SampledFit(
        theta=theta_draws(rows, coordinates),
        posterior={name: np.array(of.T.reshape(CHAINS, OF_A_FIT // CHAINS, len(of))) for name, of in posterior.items()},
        sample_stats={"diverging": np.zeros((CHAINS, OF_A_FIT // CHAINS), dtype=bool)},
        diagnostics={**CONVERGED, "sampled": float(OF_A_FIT)},
    )
