"""A workspace in which nobody has said anything yet."""

from __future__ import annotations

import numpy as np

from forecast.model.layout import lay_out
from forecast.sampling.model import build_model
from forecast.sampling.op import run_draws
from forecast.sampling.program import record_program
from forecast.sampling.spec import prior_spec
from tests.worlds import OPENS, event, network, workspace


def test_the_prior_of_the_rows_is_all_there_is() -> None:
    """Without statements the model has no observation, and its program no output."""
    net = network(event("a"), event("b", "status", ("x", "y"), ["a"]))
    spec = prior_spec(lay_out(net), workspace(net), OPENS)
    program = record_program(spec)
    model = build_model(spec, program)
    assert (["alpha", "beta", "epsilon"], []) == ([v.name for v in model.free_RVs], model.observed_RVs)
    assert run_draws(np.zeros((3, spec.rows.n_coordinates)), program).shape == (3, 0)
