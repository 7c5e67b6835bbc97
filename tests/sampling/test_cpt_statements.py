"""Statements about rows of every kind: the recorded program, its gradient, and what a statement moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student_t

from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.sampling.draws import draws_digest
from forecast.sampling.op import run_draws
from forecast.sampling.program import record_program
from forecast.sampling.spec import prior_spec, rows_prior, theta_draws
from forecast.workspace.records import Cpt, Kind
from tests.oracle.enumeration import AsOf
from tests.oracle.random_worlds import named, random_world, some_day
from tests.oracle.statements import Reader, random_statements
from tests.sampling.cpt_worlds import COMPOUND, LOGISTIC, NET, NOISY_MAX, TABLE, with_random_cpts
from tests.sampling.interpreter import interpret
from tests.sampling.test_program_against_enumeration import gradient, in_order, run
from tests.worlds import HORIZON, SHARED, event, network, statement, target, workspace


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_program(seed: int, n: int) -> None:
    """With any mix of kinds the program gives the enumeration's quantities, and its gradient central differences."""
    rng = np.random.default_rng(seed)
    world = random_world(seed, n, n_reports=4).workspace
    world = replace(world, network=with_random_cpts(rng, world.network))
    layout = lay_out(world.network)
    prior = rows_prior(layout)
    x = rng.normal(size=prior.n_coordinates)
    theta = named(layout, theta_draws(prior, x[:, np.newaxis]))
    reader, anchor_day = Reader(world, theta), some_day(rng)
    statements = random_statements(rng, reader, 6)
    spoken = replace(world, statements=tuple(statements))
    spec = replace(
        prior_spec(layout, spoken, HORIZON, compile_workspace(layout, world, anchor_day)), rows=rows_prior(layout)
    )  # of x, whatever is stated
    expected = [float(q[0]) for one in in_order(spec, statements) for q in reader.implied(one)]
    expected.append(float(np.log(sum(AsOf(world, theta, anchor_day).joint.values())).item()))
    program = record_program(spec)
    np.testing.assert_allclose(expected, interpret(program, x.tolist()), rtol=0, atol=1e-9)
    np.testing.assert_allclose(expected, run(program, x)[program.outputs], rtol=0, atol=1e-9)
    direction, h = rng.normal(size=x.size), 1e-5
    ahead, behind = (run(program, x + sign * h * direction)[program.outputs] for sign in (1.0, -1.0))
    slopes = [float(gradient(program, x, output) @ direction) for output in range(program.outputs.size)]
    np.testing.assert_allclose((ahead - behind) / (2.0 * h), slopes, rtol=1e-6, atol=1e-7)


CAUSES = (event("a", "constant"), event("b", "constant"))


def test_draws_of_one_kind_are_not_taken_for_another() -> None:
    """The digest of the draws differs for each way to build the same event's CPT."""
    digests = set()
    for cpt in (SHARED, TABLE, LOGISTIC, NET, COMPOUND, NOISY_MAX):
        net = network(*CAUSES, event("it", "status", parents=["a", "b"], cpt=cpt))
        digests.add(draws_digest(prior_spec(lay_out(net), workspace(net), HORIZON), seed=1))
    assert 6 == len(digests)


@pytest.mark.parametrize("stated", [0.2, 0.97])
@pytest.mark.parametrize("kind", ["constant", "reached"])
@pytest.mark.parametrize("cpt", [SHARED, TABLE, LOGISTIC, NET, COMPOUND, NOISY_MAX], ids=str)
def test_a_statement_moves_its_row(cpt: Cpt, kind: Kind, stated: float) -> None:
    """A statement about one row takes that row most of the way from its prior to what was said, under every kind."""
    net = network(*CAUSES, event("it", kind, parents=["a", "b"], cpt=cpt))
    said = statement("said", target("it", "yes", given={"a": "yes", "b": "yes"}), stated, expert="editors", sd=0.3)
    spec = prior_spec(lay_out(net), workspace(net, statements=[said]), HORIZON)
    x = np.random.default_rng(4).normal(size=(20_000, spec.rows.n_coordinates))
    row = run_draws(x, record_program(spec))[:, 0]
    weights = student_t.pdf(np.log(stated / (1.0 - stated)), 4, row, 0.3)
    before, after = row.mean(), float(weights @ row / weights.sum())
    said_log_odds = float(np.log(stated / (1.0 - stated)))
    assert abs(after - said_log_odds) < 0.5 * abs(before - said_log_odds)
