"""Prior and likelihood of stage 1 as numbers of each draw, against scipy's distributions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
from scipy.integrate import quad
from scipy.stats import binom, gamma, halfnorm, kstest, lognorm, multivariate_t, norm, t

from forecast.posterior.densities import log_prior, log_record, log_statements, prior_fit
from forecast.sampling.spec import SD_BIAS, SD_EXPERT, SD_SLOPE
from tests.posterior.test_replicates import LEAST_P, one, prior, spec_of

DRAWS = 4000


def test_log_prior_is_the_density_of_each_parameter() -> None:
    """Normal coordinates, half-normal noise, normal bias, log-normal slope, gamma precision; of readings nothing."""
    rng = np.random.default_rng(8)
    fit = {
        "alpha": rng.standard_normal((2, 3, 4)),
        "deviation": rng.standard_normal((2, 3, 2)),
        "omega": np.abs(rng.standard_normal((2, 3, 2))),
        "bias": rng.standard_normal((2, 3, 1)),
        "slope": np.exp(rng.standard_normal((2, 3, 1))),
        "spread": rng.gamma(2.0, size=(2, 3, 2)),
        "case_noise": rng.standard_normal((2, 3, 1)),
        "quantity": rng.standard_normal((2, 3, 5)),
    }
    expected = {
        "alpha": norm.logpdf(fit["alpha"]),
        "deviation": norm.logpdf(fit["deviation"]),
        "omega": halfnorm.logpdf(fit["omega"], scale=SD_EXPERT),
        "bias": norm.logpdf(fit["bias"], scale=SD_BIAS),
        "slope": lognorm.logpdf(fit["slope"], SD_SLOPE),
        "spread": gamma.logpdf(fit["spread"], 2.0, scale=0.5),
        "case_noise": norm.logpdf(fit["case_noise"]),
    }
    found = log_prior(fit)
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(values.reshape(6, -1).sum(axis=1), found[name], rtol=1e-12)


def test_log_statements_are_densities() -> None:
    """Every form with its constants, so that leave-one-out compares densities; a record is a Bernoulli trial each."""
    spec, rng = spec_of(), np.random.default_rng(9)
    at, fit = prior(rng, 1)
    draw = one(at, fit, 0)
    found = dict(zip(spec.statement_ids, log_statements(spec, draw)[:, 0], strict=True))
    heard = at[0] + (spec.deviations @ fit["deviation"][0].T)[:, 0]
    bias, slope, omega = fit["bias"][0, 0, 0], fit["slope"][0, 0, 0], fit["omega"][0, 0]
    heard[3] += (slope - 1.0) * at[0, 3] + bias
    of_ann = np.sqrt((spec.stated.scale[0] ** 2 + omega[0] ** 2) / 2)
    np.testing.assert_allclose(t.logpdf(0.4, 4, heard[0], of_ann), found["ann-1"], rtol=1e-10)
    np.testing.assert_allclose(norm.logpdf(0.1, heard[2], 0.9), found["rule-1"], rtol=1e-10)
    spread = np.eye(2) * (0.7**2 + omega[0] ** 2) / 2
    expected = multivariate_t.logpdf([0.3, -0.2], heard[4:6], spread, df=4)
    np.testing.assert_allclose(expected, found["ann-spread"], rtol=1e-10)
    log_odds = np.log(-np.expm1(heard[6])) - heard[6]

    def of_class(z: float) -> float:
        return float(binom.pmf(2, 9, 1.0 / (1.0 + np.exp(-log_odds - 0.7 * z))) * norm.pdf(z))

    np.testing.assert_allclose(np.log(quad(of_class, -9.0, 9.0)[0]), found["bob-count"], rtol=1e-6)
    np.testing.assert_allclose(-np.log1p(np.exp(-heard[7] / 0.5)), found["ann-order"], rtol=1e-10)
    p = 1.0 / (1.0 + np.exp(-(spec.record.location - bias) / slope))
    came = np.where(spec.record.happened == 1, p, 1.0 - p)
    np.testing.assert_allclose(np.log(came), log_record(spec, draw)[:, 0], rtol=1e-10)


def test_prior_draws_have_the_prior() -> None:
    """Each parameter's draws are distributed as `log_prior` says; what the spec lacks is not there."""
    spec = spec_of()

    class Rows:
        alpha, beta, epsilon = ("a",), ("b", "c"), ()

    rng = np.random.default_rng(10)
    coordinates = rng.standard_normal((3, DRAWS))
    fit = prior_fit(replace(spec, rows=cast("Any", Rows())), coordinates, rng)
    assert {"alpha", "beta", "deviation", "omega", "bias", "slope", "spread", "case_noise"} == fit.keys()
    np.testing.assert_array_equal(coordinates[1:], fit["beta"][0].T)
    for name, distribution in {
        "deviation": norm(),
        "omega": halfnorm(scale=SD_EXPERT),
        "bias": norm(scale=SD_BIAS),
        "slope": lognorm(SD_SLOPE),
        "spread": gamma(2.0, scale=0.5),
        "case_noise": norm(),
    }.items():
        assert kstest(fit[name][0, :, 0], distribution.cdf).pvalue > LEAST_P, name
