"""The prior and the likelihood of stage 1 as numbers of each draw: what power-scaling and leave-one-out need."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb, lgamma, log, pi

import numpy as np
from numpy.typing import NDArray

from forecast.sampling.likelihood import log_likelihood_given_noise, statement_columns
from forecast.sampling.readings import DEGREES_OF_FREEDOM, MEDIAN_CODER, SD_LOG_CODER
from forecast.sampling.spec import SD_BIAS, SD_EXPERT, SD_SLOPE, PriorSpec, prior_kappa

Array = NDArray[np.float64]
Fit = Mapping[str, Array]

HALF = DEGREES_OF_FREEDOM / 2.0  # shape and rate of the precision of a distribution
LOG_ROOT = 0.5 * log(2.0 * pi)


def prior_fit(spec: PriorSpec, coordinates: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Draw the parameters of stage 1 before any statement, {variable: (1, draws, ...)}, those that have entries.

    Args:
        spec: the statements, of which only who made them is used.
        coordinates: those of the CPT rows, (n, draws), independent standard normals.
        rng: source of all other parameters.
    """
    n = coordinates.shape[1]
    ends = np.cumsum([len(spec.rows.alpha), len(spec.rows.beta)])
    fit = dict(zip(("alpha", "beta", "epsilon"), np.split(coordinates.T, ends, axis=1), strict=True))
    fit["deviation"] = rng.standard_normal((n, len(spec.deviation_labels)))
    fit["omega"] = np.abs(rng.normal(0.0, SD_EXPERT, (n, len(spec.experts))))
    fit["kappa"] = prior_kappa(rng, n if spec.codings is not None else 0)[0]
    fit["bias"] = rng.normal(0.0, SD_BIAS, (n, len(spec.rated)))
    fit["slope"] = np.exp(rng.normal(0.0, SD_SLOPE, (n, len(spec.rated))))
    fit["spread"] = rng.gamma(HALF, 1.0 / HALF, (n, spec.n_distributions))
    fit["case_noise"] = rng.standard_normal((n, len(spec.counted)))
    return {name: values[np.newaxis] for name, values in fit.items() if values.size}


def log_prior(fit: Fit) -> dict[str, Array]:
    """Compute the log prior density of each parameter of stage 1 in every draw, summed over its entries: (draws) each.

    Densities are those of the parameters on their own scale, not on that on which they are sampled. What is read of
    them (`quantity`) has none.
    """
    found = {}
    for name, values in fit.items():
        x = values.reshape(-1, values.shape[-1])
        if name == "omega":
            density = log(2.0) + _log_normal(x, SD_EXPERT)
        elif name == "kappa":
            density = _log_normal(np.log(x / MEDIAN_CODER), SD_LOG_CODER) - np.log(x)
        elif name == "bias":
            density = _log_normal(x, SD_BIAS)
        elif name == "slope":
            density = _log_normal(np.log(x), SD_SLOPE) - np.log(x)
        elif name == "spread":
            density = HALF * log(HALF) - lgamma(HALF) + (HALF - 1.0) * np.log(x) - HALF * x
        elif name == "quantity":
            continue
        else:
            density = _log_normal(x, 1.0)
        found[name] = np.asarray(density.sum(axis=1))
    return found


def _log_normal(x: Array, sd: float) -> Array:
    return np.asarray(-0.5 * np.square(x / sd) - log(sd) - LOG_ROOT)


def log_statements(spec: PriorSpec, fit: Fit) -> Array:
    """Compute the log density of each statement in every draw (statements, draws), in the order of `statement_ids`.

    Given the CPT rows, the deviations and the noise of its expert; what is a statement's own is integrated out. Numbers
    have densities in log-odds, counts and orders probabilities.
    """
    logs = log_likelihood_given_noise(spec, fit, spec.statement_ids)
    constants = _constants(spec)
    return np.array([logs[name] + constants[name] for name in spec.statement_ids])


def _constants(spec: PriorSpec) -> dict[str, float]:
    """Return what `log_likelihood_given_noise` leaves out of each statement's density."""
    n, m = spec.stated.location.size, spec.stated.location.size + spec.distributions.location.size
    found = {}
    for name, rows in statement_columns(spec).items():
        first, size = rows[0], len(rows)
        if first < m:
            noisy, start = (spec.stated, 0) if first < n else (spec.distributions, n)
            tails = lgamma(HALF + size / 2.0) - lgamma(HALF) - size / 2.0 * log(DEGREES_OF_FREEDOM * pi)
            found[name] = tails if noisy.scatters[first - start] > 0.0 else -size * LOG_ROOT
        elif first - m < len(spec.counted):
            happened, of = spec.counted[first - m, :2].astype(int).tolist()
            found[name] = log(comb(of, happened))
        else:
            found[name] = 0.0
    return found


def log_record(spec: PriorSpec, fit: Fit) -> Array:
    """Compute the log probability of each resolved forecast of an expert with a track record (forecasts, draws)."""
    bias, slope = (fit[name].reshape(-1, len(spec.rated))[:, spec.record.expert] for name in ("bias", "slope"))
    log_odds = (spec.record.location - bias) / slope
    return np.asarray(-np.logaddexp(0.0, (1.0 - 2.0 * spec.record.happened) * log_odds).T)
