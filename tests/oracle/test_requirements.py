"""What events require: the compiled network, the tape and simulated histories against enumeration and closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.inference.engine import ImpossibleEvidenceError
from forecast.sampling.rows_prior import rows_prior, theta_draws
from tests.oracle.agreement import assert_enumerated, assert_read, enumerated
from tests.oracle.engine import answer
from tests.oracle.enumeration import AsOf
from tests.oracle.random_worlds import named, random_world, some_day, timed
from tests.oracle.statements import Reader, random_statements
from tests.sampling.cpt_worlds import with_random_cpts
from forecast.model.layout import lay_out
from tests.worlds import HORIZON


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.booleans(), st.booleans())
def test_random_worlds(seed: int, n_events: int, by_a_date: bool, has_timing: bool) -> None:
    """Rows, history and forecast are those of the enumeration; evidence is impossible where it says so."""
    world = random_world(seed, n_events, has_requirements=True)
    rng = np.random.default_rng(seed + 1)
    world = timed(rng, world) if has_timing else world
    as_of = some_day(rng)
    on = some_day(rng, as_of) if by_a_date else None
    with np.errstate(divide="ignore", invalid="ignore"):
        log_evidence, _, _ = enumerated(AsOf(world.workspace, world.theta, as_of, on))
        if np.isneginf(log_evidence).any():
            with pytest.raises(ImpossibleEvidenceError):
                answer(world.workspace, world.flat, as_of, on)
        else:
            assert_enumerated(world, as_of, on)
