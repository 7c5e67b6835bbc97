"""Stage 1 in PyMC: CPT rows, deviations and noise, and the statements as observations of implied probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.logprob.transforms import Transform
from pymc.logprob.utils import ParameterValueError
from pymc.pytensorf import rewrite_pregrad
from pytensor.compile.maker import function as compile_function
from pytensor.compile.mode import Mode, get_mode
from pytensor.compile.sharedvalue import shared
from pytensor.configdefaults import config
from pytensor.gradient import grad
from pytensor.graph.replace import clone_replace
from pytensor.link.numba.dispatch.basic import numba_njit
from pytensor.link.numba.linker import NumbaLinker

from forecast.inference.tape import Program
from forecast.sampling.op import program_outputs
from forecast.sampling.readings import (
    DEGREES_OF_FREEDOM,
    MEDIAN_CODER,
    SD_LOG_CODER,
    as_rated,
    case_log_odds,
    log_of_contrasts,
    of_coders,
    reading_variance,
)
from forecast.sampling.spec import SD_BIAS, SD_EXPERT, SD_SLOPE, Codings, Noisy, PriorSpec


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


def build_model(spec: PriorSpec, program: Program) -> pm.Model:
    """Build the model of the statements (and of the anchor's evidence, if the spec has one).

    `program` computes the spec's quantities from the rows' coordinates (forecast.sampling.program).

    Free variables: alpha, beta, epsilon (coordinates of the CPT rows, standard normal: rows_prior), deviation
    (standard normal coordinates), omega (one an expert), case_noise (one a count), spread (one a distribution), bias
    and slope (one for each expert with a track record), kappa (one, where a remark was coded by several).
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
        "coded": ("again",) if spec.codings else (),
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
        # Weighed by 0 or 1, with an anchor or without: both kinds of fit have one graph, which is compiled once.
        is_evidence = np.zeros(program.outputs.size)
        is_evidence[spec.quantities.n_rows :] = 1.0
        pm.Potential("anchored_evidence", (outputs * _data(is_evidence, "is_evidence")).sum())
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


def _observe_codings(codings: Codings, deviation: Any) -> Any:
    """Read how far the codings of each remark are apart; return what coders add to the variance of every reading."""
    kappa = pm.LogNormal("kappa", log(MEDIAN_CODER), SD_LOG_CODER, dims="coded")
    contrasts: Any = _data(codings.location, "contrasts")
    if deviation is not None:
        columns, weights = (_data(array, f"contrast_{i}") for i, array in enumerate(codings.deviations.padded()))
        contrasts = contrasts - (weights * deviation[columns]).sum(axis=1)
    apart = (_data(codings.belongs, "contrast_belongs") * contrasts**2).sum(axis=1)
    m = _data(1.0 + codings.belongs.sum(axis=1), "coders")  # 1 where there is no contrast: a density of one
    pm.Potential("contrasts_between_coders", log_of_contrasts(pt, m, kappa[0], apart).sum())
    return of_coders(_data(codings.shares, "shares"), kappa[0] ** 2, apart) - _data(codings.held, "held")


def _observe(spec: PriorSpec, outputs: Any) -> None:
    sizes = [spec.stated.location.size, spec.distributions.location.size, len(spec.counted), spec.ordered.size]
    ends: Any = _data(np.cumsum([0, *sizes]), "block_ends")
    implied = outputs[: ends[-1]]
    deviations: Any = pt.zeros_like(implied)
    deviation: Any = None
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
    n_stated = spec.stated.location.size
    beyond = None if spec.codings is None else _observe_codings(spec.codings, deviation)

    def scale(noisy: Noisy, name: str, rows: slice) -> Any:
        return pt.sqrt(
            reading_variance(
                _data(noisy.scatters, f"{name}_scatters"),
                omega[_data(noisy.expert, f"{name}_expert")],
                _data(noisy.scale, f"{name}_sd"),
                _data(noisy.weight, f"{name}_weight"),
                None if beyond is None else beyond[rows],
            )
        )

    if n_stated:
        _observe_numbers(spec.stated, stated, scale(spec.stated, "stated", slice(n_stated)))
    if spec.distributions.location.size:
        half = DEGREES_OF_FREEDOM / 2.0
        spread = pm.Gamma("spread", half, half, dims="distribution")
        precision = spread[_data(spec.distribution_of, "distribution_of")]
        if not spec.distributions.scatters.all():  # that of a rule is 1: then the t is a normal distribution
            precision = pt.where(_data(spec.distributions.scatters > 0.0, "distribution_has_tails"), precision, 1.0)
        pm.Normal(
            "stated_distribution",
            mu=distributed,
            sigma=scale(spec.distributions, "distribution", slice(n_stated, None)) / pt.sqrt(precision),
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


# A PyMC model as the function that the sampler calls: log density and gradient in one vector, compiled and cached.
#
# nutpie's own way from a PyMC model compiles a C callback anew at every fit, for many seconds. PyTensor keeps the
# machine code of a graph on disk; calling that from Python costs a few microseconds beside a gradient of some
# hundred. The function lets go of Python's lock while it runs, so that chains on several threads do not wait for each
# other.

Array = NDArray[np.float64]
START_WITHIN = 1.0  # chains start at uniform distance of the prior's centre, on the unconstrained scale


class _UnlockedLinker(NumbaLinker):
    """PyTensor's own linker, but to a function that releases the lock."""

    def jit_compile(self, fn_and_cache: Any) -> Any:
        fn, cache_key = fn_and_cache
        return numba_njit(fn.py_func, final_function=True, cache=cache_key is not None, nogil=True)


@dataclass(frozen=True)
class Density:
    """The log density of a model over one vector x (n,) of its unconstrained variables.

    `value_and_gradient(x)`; `start(seed)` a random starting point; `variables(x)` maps vectors (chain, draw, n) to the
    model's free variables by name, each (chain, draw, ...).
    """

    n: int
    value_and_gradient: Callable[[Array], tuple[float, Array]]
    start: Callable[[int], Array]
    variables: Callable[[Array], dict[str, Array]]


def compile_density(model: pm.Model) -> Density:
    """Compile the log density of a model, all of whose free variables are continuous vectors."""
    point = model.initial_point(0)
    log_density = rewrite_pregrad(model.logp())
    slopes: Any = grad(log_density, model.value_vars)
    gradient = pt.concatenate([slope.ravel() for slope in slopes])
    sizes = [point[variable.name].size for variable in model.value_vars]
    x, ends = pt.vector("x", dtype="float64"), shared(np.cumsum([0, *sizes]), "variable_ends")
    # The ends are data: sizes in the graph itself would be compiled anew for every new statement.
    parts = {variable: x[ends[i] : ends[i + 1]] for i, variable in enumerate(model.value_vars)}
    outputs = clone_replace([log_density, gradient], replace=parts)
    compiled, held = _compiled([x], outputs)

    def value_and_gradient(x: Array) -> tuple[float, Array]:
        try:
            value, gradient = compiled(x, *held)
        except (ParameterValueError, ZeroDivisionError):
            # A wild step of the tuning, to where a scale is infinite as a double or a probability zero: an exception
            # would end the sampler.
            return nowhere(x)
        return (float(value), gradient) if np.isfinite(value) and np.isfinite(gradient).all() else nowhere(x)

    def nowhere(x: Array) -> tuple[float, Array]:
        return -np.inf, np.zeros_like(x)

    centre = np.concatenate([np.ravel(point[variable.name]) for variable in model.value_vars])

    def start(seed: int) -> Array:
        return centre + np.random.default_rng(seed).uniform(-START_WITHIN, START_WITHIN, centre.size)

    def variables(x: Array) -> dict[str, Array]:
        found: dict[str, Array] = {}
        end = 0
        for variable in model.value_vars:
            begin, end = end, end + point[variable.name].size
            rv = model.values_to_rvs[variable]
            values = x[..., begin:end]
            if transform := model.rvs_to_transforms[rv]:
                values = _transformed(transform, rv.owner.inputs, values)
            found[rv.name] = values.reshape(*x.shape[:-1], *point[variable.name].shape)
        return found

    return Density(centre.size, value_and_gradient, start, variables)


def _compiled(inputs: list[Any], outputs: list[Any]) -> tuple[Callable[..., Any], list[Array]]:
    """Compile a graph by numba, strictly: the same operations in the same order on every processor.

    PyTensor's own default, numba's fastmath, lets the compiler contract and reorder them for the processor at hand, and
    a last digit of the gradient is another course of the sampler. Returns the function and the shared values, which it
    takes after the inputs.
    """
    mode = get_mode("NUMBA")
    with config.change_flags(numba__fastmath=False):
        function: Any = compile_function(inputs, outputs, mode=Mode(linker=_UnlockedLinker(), optimizer=mode.optimizer))
        compiled = function.vm.jit_fn
    return compiled, [np.array(variable.get_value()) for variable in function.get_shared()]


def _transformed(transform: Any, parameters: Any, values: Array) -> Array:
    """Take all draws of a variable from the unconstrained scale to its own, by the same strict compiler."""
    # As an input, not a constant: draws in the graph itself would be compiled into it.
    y = pt.vector("y", dtype="float64")
    compiled, held = _compiled([y], [transform.backward(y, *parameters)])
    (transformed,) = compiled(np.ascontiguousarray(values).ravel(), *held)
    return np.asarray(transformed).reshape(values.shape)
