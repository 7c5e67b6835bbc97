"""Remarks that several people coded: the codings scatter about one reading, and are not so many readings."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, logit

from forecast.model.layout import lay_out
from forecast.sampling.draws import draws_digest
from forecast.sampling.likelihood import log_likelihood, log_likelihood_given_noise, log_likelihood_ratio
from forecast.sampling.model import build_model
from forecast.sampling.program import record_program
from forecast.sampling.readings import CODER_VARIANCE, MEDIAN_CODER, SD_LOG_CODER, log_of_contrasts, numbers, of_coders
from forecast.sampling.spec import Codings, PriorSpec, prior_kappa, prior_spec
from forecast.workspace.records import Coding, Probability, Statement
from forecast.workspace.statement_forms.form import StatedNumber
from tests.sampling.interpreter import interpret
from tests.worlds import HORIZON, event, network, statement, target, workspace

Array = NDArray[np.float64]
NET = network(event("a", "constant"), event("b", "constant"))


def coded(name: str, *probabilities: float, expert: str = "ann", sd: float = 0.5, about: str = "a") -> Statement:
    """A remark with a number of each of some coders, `ed`, `eve`, `max`, ..."""
    coders = ("ed", "eve", "max", "kim", "lea")[: len(probabilities)]
    first, *others = (Probability(p, None, None, 0.9, sd) for p in probabilities)
    codings = tuple(Coding(coder, one, "because") for coder, one in zip(coders[1:], others, strict=True))
    return replace(statement(name, target(about, "yes"), first, expert=expert, coded_by="ed"), codings=codings)


def spec_of(*said: Statement) -> PriorSpec:
    """The compiled statements."""
    return prior_spec(lay_out(NET), workspace(NET, statements=said), HORIZON)


def codings_of(spec: PriorSpec) -> Codings:
    """What is compiled of several codings."""
    assert spec.codings is not None
    return spec.codings


def test_mean_and_width() -> None:
    """Of m codings that agree the mean counts; the coders' part of the variance is less than an mth."""
    said = numbers(coded("s", 0.3, 0.3, 0.3), workspace(NET).experts, NET)
    assert isinstance(said, StatedNumber)
    assert (logit(0.3), 1.0 - CODER_VARIANCE * (1.0 - 4.0 / 6.0 / 3.0)) == pytest.approx((said.location, said.scale**2))
    apart = numbers(coded("s", 0.2, 0.4, 0.7), workspace(NET).experts, NET)
    assert isinstance(apart, StatedNumber)
    assert np.mean(logit([0.2, 0.4, 0.7])) == pytest.approx(apart.location)
    assert apart.scale > said.scale


def test_mean_of_the_variance_between_coders() -> None:
    """What a lone coding is taken to hold is the prior mean of kappa squared."""
    kappa = stats.lognorm(SD_LOG_CODER, scale=MEDIAN_CODER)
    assert kappa.moment(2) == pytest.approx(CODER_VARIANCE)
    drawn = np.log(prior_kappa(np.random.default_rng(1), 4000))
    assert np.log(MEDIAN_CODER) == pytest.approx(drawn.mean(), abs=4 * SD_LOG_CODER / sqrt(4000))


def test_one_coder_leaves_the_draws_as_they_were() -> None:
    """Where every remark has one coder nothing is compiled of it, and the key of the draws hangs on nothing new."""
    one = statement("s", target("a", "yes"), 0.2, coded_by="ed")
    spec = spec_of(one)
    assert spec.codings is None
    assert draws_digest(spec, 1) == draws_digest(spec_of(coded("s", 0.2)), 1)
    assert draws_digest(spec, 1) != draws_digest(spec_of(coded("s", 0.2, 0.2)), 1)


def test_errors_of_coders() -> None:
    """Contrasts and, given them, the mean of m errors are together the multivariate t of the errors."""
    rng = np.random.default_rng(3)
    for m in (1, 2, 3, 5):
        found, expected = [], []
        for _ in range(4):
            kappa, x = rng.uniform(0.2, 2.0), rng.normal(size=m)
            apart = float(np.square(x - x.mean()).sum())
            mean = stats.t.logpdf(x.mean(), 3 + m, 0.0, sqrt(of_coders(1.0 / m, kappa**2, apart)))
            found.append(mean + float(log_of_contrasts(np, m, kappa, apart)))
            expected.append(float(stats.multivariate_t.logpdf(x, np.zeros(m), kappa**2 * np.eye(m), df=4)))
        np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-9)


SAID = (
    coded("s1", 0.2, 0.5, 0.6),
    coded("s2", 0.7, about="b"),
    coded("s3", 0.4, 0.3, expert="bob", sd=1.4),
    statement("s4", target("b", "yes"), 0.3, expert="bob"),
)
N = 6


@cache
def a_fit() -> dict[str, Array]:
    """Some draws of the variables that the density of the statements hangs on."""
    spec, rng = spec_of(*SAID), np.random.default_rng(5)
    return {
        "quantity": rng.normal(size=(1, N, spec.quantities.n_rows)),
        "deviation": rng.normal(size=(1, N, len(spec.deviation_labels))),
        "omega": np.abs(rng.normal(0.0, 0.25, (1, N, 2))),
        "kappa": prior_kappa(rng, N),
    }


def by_scipy(spec: PriorSpec, said: Statement, draw: int, omega: float, kappa: float) -> float:
    """The log density of one remark, from all of its codings and their common covariance."""
    fit, row = a_fit(), spec.statement_ids.index(said.id)
    labels = {label: fit["deviation"][0, draw, i] for i, label in enumerate(spec.deviation_labels)}
    condition = said.about.condition
    assert condition is not None
    sign = 1.0 if spec.deviations.weight[0] > 0.0 else -1.0  # of the second of two states in the basis

    def deviation(kind: str, name: str) -> float:
        return float(sign * 0.4 * labels[f"{kind} {name}: {condition.event}[0]"])

    heard = fit["quantity"][0, draw, row] + deviation("group", said.expert[0])
    own = [float(reading.sd or 0.0) for reading in said.readings if isinstance(reading, Probability)]
    x = np.array([logit(reading.best) for reading in said.readings if isinstance(reading, Probability)])
    if not said.coders:
        return float(stats.t.logpdf(x[0], 4, heard, np.hypot(own[0], omega)))
    m, x = len(x), x - [deviation("coder", coder) for coder in said.coders]
    errors = stats.multivariate_t.logpdf(x - x.mean(), np.zeros(m), kappa**2 * np.eye(m), df=4)
    # Of errors that sum to zero the density is that of the contrasts, times that of a mean of zero.
    apart = float(np.square(x - x.mean()).sum())
    scale = sqrt((4.0 * kappa**2 + apart) / (3.0 + m) / m)
    contrasts = errors - stats.t.logpdf(0.0, 3 + m, 0.0, scale)
    expert = np.mean(np.square(np.maximum(own, 1.0))) - CODER_VARIANCE + omega**2
    return float(contrasts + stats.t.logpdf(x.mean(), 4, heard, np.hypot(sqrt(expert), scale)))


def test_likelihood_of_draws() -> None:
    """On kept draws every remark has the density of all of its codings, by itself and with its expert's noise out."""
    spec, fit = spec_of(*SAID), a_fit()
    found = log_likelihood_given_noise(spec, fit, spec.statement_ids)
    experts = {"ann": 0, "bob": 1}
    for said in SAID:
        expected = [
            by_scipy(spec, said, d, fit["omega"][0, d, experts[said.expert]], fit["kappa"][0, d, 0]) for d in range(N)
        ]
        np.testing.assert_allclose(np.diff(expected), np.diff(found[said.id]), rtol=1e-9)
    whole = log_likelihood(spec, fit, {"s1", "s2"})
    omegas = np.linspace(0.0, 1.5, 301)
    expected = []
    for d in range(N):
        kappa = fit["kappa"][0, d, 0]
        terms = [np.exp(sum(by_scipy(spec, said, d, omega, kappa) for said in SAID[:2])) for omega in omegas]
        density = np.array(terms) * stats.halfnorm.pdf(omegas, scale=0.25)
        expected.append(float(np.log(np.trapezoid(density, omegas))))
    np.testing.assert_allclose(np.diff(expected), np.diff(whole), atol=1e-5)


def test_density_of_the_model() -> None:
    """The sampler's density moves as that of the codings, of what is implied, and of the prior of kappa."""
    spec = spec_of(*SAID)
    program = record_program(spec)
    model = build_model(spec, program)
    rng = np.random.default_rng(2)
    log_density = model.compile_logp(mode="FAST_COMPILE")
    found, expected = [], []
    for _ in range(4):
        point = {name: rng.normal(size=value.shape) for name, value in model.initial_point(0).items()}
        found.append(float(log_density(point)))
        x = np.concatenate([point[name] for name in ("alpha", "beta", "epsilon") if name in point])
        omega = stats.halfnorm.isf(stats.norm.sf(point["omega_score__"]), scale=0.25)
        fit = {
            "quantity": np.array(interpret(program, x.tolist()))[np.newaxis, np.newaxis],
            "deviation": point["deviation"][np.newaxis, np.newaxis],
            "omega": omega[np.newaxis, np.newaxis],
            "kappa": np.exp(point["kappa_log__"])[np.newaxis, np.newaxis],
        }
        said = log_likelihood_given_noise(spec, fit, spec.statement_ids)
        normal = [point[name] for name in ("alpha", "beta", "epsilon", "deviation", "omega_score__") if name in point]
        prior = np.sum(stats.norm.logpdf(np.concatenate(normal)))
        prior += stats.norm.logpdf(point["kappa_log__"][0], np.log(MEDIAN_CODER), SD_LOG_CODER)
        expected.append(float(prior + np.sum([float(one[0]) for one in said.values()])))
    np.testing.assert_allclose(np.diff(expected), np.diff(found), rtol=1e-8)


def test_leaving_out_who_was_coded_twice() -> None:
    """Without the remarks of several coders, draws that know how coders differ are weighed for the convention again."""
    spec, fit = spec_of(*SAID), a_fit()
    few = spec_of(coded("s1", 0.2), *SAID[1:2], coded("s3", 0.4, expert="bob", sd=1.4), SAID[3])
    theta = np.exp(np.random.default_rng(8).normal(size=(lay_out(NET).n_theta, N)))
    ratio = log_likelihood_ratio(spec, few, theta, fit)
    assert ratio is not None
    assert np.isfinite(ratio).all()
    assert log_likelihood_ratio(few, spec, theta, fit) is None


GRID = np.linspace(-12.0, 12.0, 1201)


def spread_of(*said: Statement) -> float:
    """The sd of an implied log-odds with a flat prior, given some statements about one event, kappa summed out."""
    spec = spec_of(*said)
    kappas = np.exp(np.log(MEDIAN_CODER) + SD_LOG_CODER * stats.norm.ppf((np.arange(41) + 0.5) / 41))
    total = np.zeros(GRID.size)
    for kappa in kappas if spec.codings else kappas[:1]:
        fit = {
            "quantity": np.repeat(GRID[np.newaxis, :, np.newaxis], spec.quantities.n_rows, axis=2),
            "deviation": np.zeros((1, GRID.size, len(spec.deviation_labels))),
            "kappa": np.full((1, GRID.size, 1), kappa),
        }
        total += np.exp(log_likelihood(spec, fit, spec.statement_ids))
    mean = float((GRID * total).sum() / total.sum())
    return sqrt(float((np.square(GRID - mean) * total).sum() / total.sum()))


def test_coders_are_no_experts() -> None:
    """A second coder narrows a reading by far less than a second expert, and no number of them beyond the expert."""
    one, two, five = (spread_of(coded("s", *[0.3] * m)) for m in (1, 2, 5))
    experts = spread_of(coded("s", 0.3), coded("t", 0.3, expert="bob"))
    assert experts < two < one
    assert one - two < (one - experts) / 2.0
    assert five > one * sqrt(1.0 - CODER_VARIANCE)


def test_disagreement_widens() -> None:
    """The farther the codings of a remark lie apart, the wider it is read: they tell how little its words fix."""
    widths = [spread_of(coded("s", float(expit(-d)), float(expit(d)))) for d in (0.0, 0.5, 1.0, 2.0, 3.0)]
    assert sorted(widths) == widths


def test_simulated_remarks_are_covered() -> None:
    """Where experts err once and coders each anew, intervals of the mean hold the truth about as often as they say.

    Taken for so many statements the codings would be too sure of themselves.
    """
    rng, n, m = np.random.default_rng(7), 4000, 3

    def tails(size: int) -> Array:
        return np.sqrt(4.0 / rng.chisquare(4, size))

    own = rng.normal(0.0, sqrt(1.0 - CODER_VARIANCE), n) * tails(n)
    errors = rng.normal(0.0, sqrt(CODER_VARIANCE), (n, m)) * tails(n)[:, np.newaxis]
    codings = own[:, np.newaxis] + errors
    mean, apart = codings.mean(axis=1), codings.var(axis=1) * m
    sd = np.sqrt(1.0 - CODER_VARIANCE + of_coders(1.0 / m, CODER_VARIANCE, apart))
    half = stats.t.ppf(0.95, 4)
    held, as_experts = (float(np.mean(np.abs(mean) < half * one)) for one in (sd, 1.0 / sqrt(m)))
    assert 0.9 == pytest.approx(held, abs=0.025)  # the sum of two t of 4 degrees has somewhat lighter tails
    assert as_experts < 0.85
