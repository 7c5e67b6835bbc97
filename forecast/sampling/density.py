"""A PyMC model as the function that the sampler calls: log density and gradient in one vector, compiled and cached.

nutpie's own way from a PyMC model compiles a C callback anew at every fit, for many seconds. PyTensor keeps the machine
code of a graph on disk; calling that from Python costs a few microseconds beside a gradient of some hundred. The
function lets go of Python's lock while it runs, so that chains on several threads do not wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
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


STEP = 1e-4  # of the differences of the gradient, on the unconstrained scale
LEAST_CURVATURE = 0.05  # along a variable, beside the prior's 1: flatter ones are not stretched further
LEAST_RATIO = 1e-4  # of a direction's curvature to that of its variables: longer ridges stay ridges
LONG = 2.0  # ratio of curvatures from which on a direction is stretched by itself
MOST = 64  # directions that are: each costs every gradient two products


def whitened(density: Density, seed: int) -> Density:
    """Return the same distribution over y, x = mode + scale * (y + sum_j (stretch_j - 1) d_j (d_j . y)).

    `scale` is one over the root of the curvature at the mode along each variable, the d_j are directions that still
    have a curvature under 1 / LONG or over LONG, the MOST unlike 1 of them, `stretch_j` one over its root. Any linear
    map gives the same draws in law (its constant log determinant is left out); this one makes trajectories short:
    Laplace's approximation as a preconditioner, never as an answer (Neal 2011, section 4.1, in the Handbook of Markov
    Chain Monte Carlo).
    """
    from scipy.optimize import minimize

    def down(x: Array) -> tuple[float, Array]:
        value, gradient = density.value_and_gradient(x)
        return -value, -gradient

    mode = minimize(down, density.start(seed), jac=True, method="L-BFGS-B").x
    at_mode = down(mode)[1]
    curvature = np.array([(down(mode + STEP * unit)[1] - at_mode) / STEP for unit in np.eye(density.n)])
    curvature = (curvature + curvature.T) / 2.0
    scale = 1.0 / np.sqrt(np.maximum(np.diag(curvature), LEAST_CURVATURE))
    values, vectors = np.linalg.eigh(curvature * scale * scale[:, np.newaxis])
    ratio = np.abs(np.log(np.maximum(values, LEAST_RATIO)))
    unlike = np.argsort(-ratio, kind="stable")[: min(MOST, int((ratio > np.log(LONG)).sum()))]
    directions = np.ascontiguousarray(vectors[:, unlike].T)
    stretch = 1.0 / np.sqrt(np.maximum(values[unlike], LEAST_RATIO)) - 1.0

    def stretched(y: Array) -> Array:
        # Without BLAS: its threads cost more than so small a product, where two chains have the two cores already.
        along = np.einsum("...i,ji->...j", y, directions)
        back: Array = np.einsum("...j,ji->...i", along * stretch, directions)
        return y + back

    def value_and_gradient(y: Array) -> tuple[float, Array]:
        value, gradient = density.value_and_gradient(mode + scale * stretched(y))
        return value, stretched(scale * gradient)

    def start(seed: int) -> Array:
        return np.random.default_rng(seed).uniform(-1.0, 1.0, density.n)

    def variables(y: Array) -> dict[str, Array]:
        return density.variables(mode + scale * stretched(y))

    return replace(density, value_and_gradient=value_and_gradient, start=start, variables=variables)
