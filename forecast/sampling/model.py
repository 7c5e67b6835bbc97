"""Stage 1 in PyMC: CPT rows, deviations and noise, and the statements as observations of implied probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform

from forecast.inference.tape import Program
from forecast.sampling.noise import as_rated, case_log_odds, reading_variance
from forecast.sampling.op import program_outputs
from forecast.sampling.readings import DEGREES_OF_FREEDOM
from forecast.sampling.spec import SD_EXPERT, Noisy, PriorSpec


class NormalScores(Transform):  # type: ignore[misc]  # PyMC ships no types
    """Between a half-normal scale s (`sd` its parameter) and its normal score z, P(S < s) = P(Z < z).

    A priori z is standard normal. With the logarithm instead, a posterior that reaches zero has an exponential tail to
    the left and a narrow flank to the right, and the sampler's steps are as short as the flank.
    """

    name = "score"

    def __init__(self, sd: float) -> None:
        self.sd = sd

    def forward(self, value: Any, *_inputs: Any) -> Any:
        """Compute z from s. Upper tails are compared, which doubles can tell apart far out."""
        return np.sqrt(2.0) * pt.erfcinv(2.0 * pt.erfc(value / (self.sd * np.sqrt(2.0))))

    def backward(self, value: Any, *_inputs: Any) -> Any:
        """Compute s from z."""
        return self.sd * np.sqrt(2.0) * pt.erfcinv(pt.erfc(value / np.sqrt(2.0)) / 2.0)

    def log_jac_det(self, value: Any, *_inputs: Any) -> Any:
        """Compute ln ds/dz: the difference of the two log densities."""
        scale = self.backward(value)
        return np.log(self.sd / 2.0) + (scale / self.sd) ** 2 / 2.0 - value**2 / 2.0


# Of an expert's bias (log-odds) and of the logarithm of the slope, before the track record.
SD_BIAS, SD_SLOPE = 0.5, 0.35


def build_model(spec: PriorSpec, program: Program) -> pm.Model:
    """Build the model of the statements (and of the anchor's evidence, if the spec has one).

    `program` computes the spec's quantities from the rows' coordinates (forecast.sampling.program).

    Free variables: alpha, beta, epsilon (coordinates of the CPT rows, standard normal: rows_prior), deviation
    (standard normal coordinates), omega (one an expert), case_noise (one a count), spread (one a distribution), bias
    and slope (one for each expert with a track record).
    A distribution over K states is one multivariate t with 4 degrees of freedom, written as a normal with a common
    gamma-distributed precision, so that no order of the states is preferred.
    """
    coords = {
        "alpha_coordinate": spec.rows.alpha,
        "beta_coordinate": spec.rows.beta,
        "epsilon_coordinate": spec.rows.epsilon,
        "deviation_coordinate": spec.deviation_labels,
        "expert": spec.experts,
        "rated": spec.rated,
        "count": range(len(spec.counted)),
        "distribution": range(spec.n_distributions),
    }
    with pm.Model(coords={name: list(labels) for name, labels in coords.items() if labels}) as model:
        parts = [
            pm.Normal(part, dims=f"{part}_coordinate")
            for part in ("alpha", "beta", "epsilon")
            if getattr(spec.rows, part)
        ]
        if not spec.sides and not spec.anchor:
            return model  # nothing was said and nothing is known: the prior of the rows
        outputs = program_outputs(pt.concatenate(parts), program, _data)
        if spec.anchor:
            pm.Potential("anchored_evidence", outputs[-1])
        if spec.sides:
            _observe(spec, outputs)
    return model


def _as_rated(spec: PriorSpec, implied: Any) -> Any:
    """Return what experts with a track record would have stated: bias + slope * what the model implies.

    A resolved forecast s of such an expert came true with probability expit((logit s - bias) / slope).
    """
    bias = pm.Normal("bias", 0.0, SD_BIAS, dims="rated")
    slope = pm.LogNormal("slope", 0.0, SD_SLOPE, dims="rated")
    by, said = _data(spec.record.expert, "record_expert"), _data(spec.record.location, "record_location")
    happened = _data(spec.record.happened, "record_happened")
    # With the quotients taken once an expert, and one logarithm a forecast: a long table is mostly this.
    came_true = (1.0 / slope)[by] * said - (bias / slope)[by]
    pm.CustomDist("record", came_true, logp=_log_bernoulli, observed=happened)
    of = _data(spec.rated_of, "rated_of")
    biases, slopes = (pt.concatenate([[of_nobody], own])[of] for of_nobody, own in ((0.0, bias), (1.0, slope)))
    return as_rated(biases, slopes, _data(spec.is_biased, "is_biased"), implied)


def _log_bernoulli(happened: Any, logit: Any) -> Any:
    """Compute the log probability of 0 or 1: Bernoulli's own density has both branches computed for every term."""
    return -pt.softplus((1.0 - 2.0 * happened) * logit)


def _data(values: Any, name: str) -> Any:
    """Register an array as data: a number that stands in the graph itself is compiled anew when it changes."""
    return pm.Data(name, values)


def _observe_numbers(said: Noisy, implied: Any, sd: Any) -> None:
    """Read numbers: of people with the tails of a t, which a fit may leave far out, of rules with those of a normal."""
    people = np.flatnonzero(said.scatters)
    if people.size == said.location.size:
        location = _data(said.location, "stated_location")
        pm.StudentT("stated", nu=DEGREES_OF_FREEDOM, mu=implied, sigma=sd, observed=location)
        return
    rules = np.flatnonzero(said.scatters == 0.0)
    for name, at in (("stated", people), ("stated_exactly", rules)):
        if at.size:
            which, location = _data(at, f"{name}_of"), _data(said.location[at], f"{name}_location")
            if name == "stated":
                pm.StudentT(name, nu=DEGREES_OF_FREEDOM, mu=implied[which], sigma=sd[which], observed=location)
            else:
                pm.Normal(name, mu=implied[which], sigma=sd[which], observed=location)


def _observe(spec: PriorSpec, outputs: Any) -> None:
    sizes = [spec.stated.location.size, spec.distributions.location.size, len(spec.counted), spec.ordered.size]
    ends: Any = _data(np.cumsum([0, *sizes]), "block_ends")
    implied = outputs[: ends[-1]]
    deviations: Any = pt.zeros_like(implied)
    if spec.deviation_labels:
        deviation = pm.Normal("deviation", dims="deviation_coordinate")
        # The few deviations of each reading, taken by position: as a matrix most of it would be zeros.
        columns, weights = (_data(array, f"deviation_{i}") for i, array in enumerate(spec.deviations.padded()))
        deviations = (weights * deviation[columns]).sum(axis=1)
    heard = implied + deviations
    stated, distributed, counted, ordered = (heard[ends[i] : ends[i + 1]] for i in range(4))
    if spec.rated:
        stated = _as_rated(spec, implied[ends[0] : ends[1]]) + deviations[ends[0] : ends[1]]
    omega = pm.HalfNormal("omega", SD_EXPERT, dims="expert", default_transform=NormalScores(SD_EXPERT))

    def scale(noisy: Noisy, name: str) -> Any:
        return pt.sqrt(
            reading_variance(
                _data(noisy.scatters, f"{name}_scatters"),
                omega[_data(noisy.expert, f"{name}_expert")],
                _data(noisy.scale, f"{name}_sd"),
                _data(noisy.weight, f"{name}_weight"),
            )
        )

    if spec.stated.location.size:
        _observe_numbers(spec.stated, stated, scale(spec.stated, "stated"))
    if spec.distributions.location.size:
        half = DEGREES_OF_FREEDOM / 2.0
        spread = pm.Gamma("spread", half, half, dims="distribution")
        precision = spread[_data(spec.distribution_of, "distribution_of")]
        if not spec.distributions.scatters.all():  # that of a rule is 1: then the t is a normal distribution
            precision = pt.where(_data(spec.distributions.scatters > 0.0, "distribution_has_tails"), precision, 1.0)
        pm.Normal(
            "stated_distribution",
            mu=distributed,
            sigma=scale(spec.distributions, "distribution") / pt.sqrt(precision),
            observed=_data(spec.distributions.location, "distribution_location"),
        )
    if len(spec.counted):
        log_none = counted  # ln of the probability that one case does not happen
        case_noise = pm.Normal("case_noise", dims="count")
        pm.Binomial(
            "counted",
            n=_data(spec.counted[:, 1].astype(int), "cases"),
            logit_p=case_log_odds(pt, log_none) + _data(spec.counted[:, 3], "case_sd") * case_noise,
            observed=_data(spec.counted[:, 0].astype(int), "happened"),
        )
    if spec.ordered.size:
        pm.Bernoulli(
            "ordered",
            logit_p=ordered / _data(spec.ordered, "order_scale"),
            observed=_data(np.ones(spec.ordered.size, dtype=int), "order_held"),
        )
