"""Stage 1 in PyMC: CPT rows, deviations and noise, and the statements as observations of implied probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from forecast.inference.program import Program
from forecast.prior.op import program_outputs
from forecast.prior.readings import DEGREES_OF_FREEDOM
from forecast.prior.spec import SD_COUNT, SD_EXPERT, Noisy, PriorSpec


def build_model(spec: PriorSpec, program: Program) -> pm.Model:
    """Build the model of the statements (and of the anchor's evidence, if the spec has one).

    `program` computes the spec's quantities from the rows' coordinates (forecast.prior.program).

    Free variables: alpha, beta, epsilon (coordinates of the CPT rows, standard normal: rows_prior), deviation
    (standard normal coordinates), omega (one an expert), case_noise (one a count), spread (one a distribution).
    A distribution over K states is one multivariate t with 4 degrees of freedom, written as a normal with a common
    gamma-distributed precision, so that no order of the states is preferred.
    """
    coords = {
        "alpha_coordinate": spec.rows.alpha,
        "beta_coordinate": spec.rows.beta,
        "epsilon_coordinate": spec.rows.epsilon,
        "deviation_coordinate": spec.deviation_labels,
        "expert": spec.experts,
    }
    with pm.Model(coords={name: list(labels) for name, labels in coords.items() if labels}) as model:
        parts = [
            pm.Normal(part, dims=f"{part}_coordinate")
            for part in ("alpha", "beta", "epsilon")
            if getattr(spec.rows, part)
        ]
        if not spec.sides and not spec.anchor:
            return model  # nothing was said and nothing is known: the prior of the rows
        outputs = program_outputs(pt.concatenate(parts), program, lambda array, name: pm.Data(name, array))
        if spec.anchor:
            pm.Potential("anchored_evidence", outputs[-1])
        if spec.sides:
            _observe(spec, outputs[: spec.quantities.n_rows])
    return model


def _observe(spec: PriorSpec, quantity: Any) -> None:
    heard = quantity
    if spec.deviation_labels:
        deviation = pm.Normal("deviation", dims="deviation_coordinate")
        # A product and a sum: a matrix product costs numba most of a minute to compile.
        weights = pm.Data("deviations", spec.deviations.dense(len(spec.deviation_labels)))
        heard = quantity + (weights * deviation).sum(axis=1)
    omega = pm.HalfNormal("omega", SD_EXPERT, dims="expert")
    ends = np.cumsum([0, spec.stated.location.size, spec.distributions.location.size, len(spec.counted)])

    def scale(noisy: Noisy) -> Any:
        return pt.sqrt(noisy.scale**2 + omega[noisy.expert] ** 2)

    if spec.stated.location.size:
        pm.StudentT(
            "stated",
            nu=DEGREES_OF_FREEDOM,
            mu=heard[ends[0] : ends[1]],
            sigma=scale(spec.stated),
            observed=spec.stated.location,
        )
    if spec.distributions.location.size:
        half = DEGREES_OF_FREEDOM / 2.0
        precision = pm.Gamma("spread", half, half, shape=int(spec.distribution_of.max()) + 1)
        pm.Normal(
            "stated_distribution",
            mu=heard[ends[1] : ends[2]],
            sigma=scale(spec.distributions) / pt.sqrt(precision[spec.distribution_of]),
            observed=spec.distributions.location,
        )
    if len(spec.counted):
        log_none = heard[ends[2] : ends[3]]  # ln of the probability that one case does not happen
        case_noise = pm.Normal("case_noise", shape=len(spec.counted))
        pm.Binomial(
            "counted",
            n=spec.counted[:, 1].astype(int),
            logit_p=pt.log(-pt.expm1(log_none)) - log_none + SD_COUNT * case_noise,
            observed=spec.counted[:, 0].astype(int),
        )
    if spec.ordered.size:
        pm.Bernoulli(
            "ordered",
            logit_p=heard[ends[3] :] / spec.ordered,
            observed=np.ones(spec.ordered.size, dtype=int),
        )
