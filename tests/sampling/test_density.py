"""The sampler's function against PyMC's own log density, gradient and transforms."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from forecast.inference.tape import Program
from forecast.model.asof import compile_workspace
from forecast.sampling.model import START_WITHIN, Density, build_model, compile_density
from forecast.sampling.op import run_draws
from forecast.sampling.program import record_program
from forecast.sampling.spec import SD_EXPERT, PriorSpec, prior_spec, rows_prior, theta_draws
from tests.oracle.random_worlds import named, random_world
from tests.oracle.statements import Reader, random_statements
from tests.sampling.test_program_against_enumeration import run
from tests.worlds import HORIZON


class Compiled(NamedTuple):
    """A spec as the sampler has it: its tape, its PyMC model, and the compiled density."""

    spec: PriorSpec
    program: Program
    model: Any
    density: Density


@cache
def compiled() -> Compiled:
    """A world with reports and statements of all kinds, and an anchor: compiling it takes longest."""
    rng = np.random.default_rng(6)
    world = random_world(6, 4, n_reports=4)
    prior = rows_prior(world.layout)
    theta = named(world.layout, theta_draws(prior, rng.normal(size=(prior.n_coordinates, 1))))
    spoken = replace(world.workspace, statements=tuple(random_statements(rng, Reader(world.workspace, theta), 12)))
    anchor = compile_workspace(world.layout, spoken, HORIZON)
    spec = replace(prior_spec(world.layout, spoken, HORIZON, anchor), rows=prior)  # of x, whatever is stated
    program = record_program(spec)
    model = build_model(spec, program)
    return Compiled(spec, program, model, compile_density(model))


def test_density() -> None:
    """Value, gradient, transformed variables and starting points are PyMC's, which nothing compiles or simplifies."""
    spec, program, model, density = compiled()
    rng = np.random.default_rng(5)
    centre = np.concatenate([np.ravel(value) for value in model.initial_point(0).values()])
    start = density.start(7)
    assert np.all(np.abs(start - centre) <= START_WITHIN)
    assert np.array_equal(start, density.start(7))
    assert not np.array_equal(start, density.start(8))
    log_density, gradient = (of(mode="FAST_COMPILE") for of in (model.compile_logp, model.compile_dlogp))
    for _ in range(3):
        x = rng.normal(size=density.n)
        values = density.variables(x[np.newaxis, np.newaxis])
        found, slope = density.value_and_gradient(x)
        point, end = {}, 0
        for variable in model.value_vars:
            shape = model.initial_point(0)[variable.name].shape
            begin, end = end, end + int(np.prod(shape))
            point[variable.name] = x[begin:end].reshape(shape)
        np.testing.assert_allclose(log_density(point), found, rtol=1e-10)
        np.testing.assert_allclose(gradient(point), slope, rtol=1e-9, atol=1e-10)
        omega = stats.halfnorm.isf(stats.norm.sf(point["omega_score__"]), scale=SD_EXPERT)
        np.testing.assert_allclose(omega, values["omega"][0, 0], rtol=1e-10)
        np.testing.assert_array_equal(point["alpha"], values["alpha"][0, 0])
    rows = rng.normal(size=(2, spec.rows.n_coordinates))
    expected = [run(program, row)[program.outputs] for row in rows]
    np.testing.assert_allclose(expected, run_draws(rows, program), rtol=1e-12, atol=1e-14)


def test_no_step_ends_the_sampler() -> None:
    """However far a step goes, value and gradient are numbers, or there is no density: nothing is raised."""
    density, rng = compiled().density, np.random.default_rng(6)
    nowhere = 0
    for scale in (1.0, 30.0, 300.0, 3e3, 1e5, 1e200):
        for _ in range(20):
            value, gradient = density.value_and_gradient(scale * rng.normal(size=density.n))
            assert np.isfinite(gradient).all()
            assert np.isfinite(value) or value == -np.inf
            nowhere += value == -np.inf
    assert nowhere > 20
