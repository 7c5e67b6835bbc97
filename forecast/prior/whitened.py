"""A density in coordinates in which it looks alike in all directions: for long tables of numbers that share a ridge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from forecast.prior.density import Density

Array = NDArray[np.float64]

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
