"""When a forecast is not reliable, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.posterior.weights import Weights, not_reliable, reasons

FIT = {"r_hat_max": 1.01, "ess_bulk_min": 400.0, "ess_tail_min": 400.0, "divergences": 0.0, "sampled": 5000.0}
SIZES = {"peace": 100.0, "other": 3000.0}
ERRORS = {"peace": 0.01, "other": 0.01}


def _weights(k: float = 0.7, size: float = 400.0) -> Weights:
    return Weights(np.full(2, 0.5), k, size)


def test_at_every_limit_a_forecast_is_reliable() -> None:
    """The limits themselves will do: R-hat, ESS, divergences, Pareto k, effective size, ESS of each scenario."""
    assert () == reasons(FIT, _weights(), SIZES, ERRORS)
    assert "" == not_reliable(())


def test_reasons_name_value_and_limit() -> None:
    """Sampler, weights and scenarios are looked at together; of the scenarios the one that rests on least is named."""
    found = reasons(
        FIT | {"r_hat_max": 1.093, "divergences": 2.0}, _weights(0.83, 210.4), {**SIZES, "other": 63.04}, ERRORS
    )
    assert found == (
        "R-hat is 1.093, above 1.01",
        "divergences are 2, none is allowed",
        "Pareto k of the weights is 0.83, above 0.7",
        "effective size of the weights is 210.4, below 400",
        "ESS of 'other' is 63.04, below 100",
    )


def test_reasons_in_a_sentence() -> None:
    """One sentence says that the forecast is not reliable, and all that speaks against it."""
    assert "The forecast is not reliable: a is 1; b is 2." == not_reliable(["a is 1", "b is 2"])


@pytest.mark.parametrize("k", [np.inf, np.nan])
def test_what_is_not_known_is_not_trusted(k: float) -> None:
    """A Pareto k that is infinite or no number is a reason."""
    assert (f"Pareto k of the weights is {k}, above 0.7",) == reasons(FIT, _weights(k=k), SIZES, ERRORS)


@given(k=st.floats(-1.0, 2.0), size=st.floats(1.0, 4000.0), least=st.floats(1.0, 4000.0))
def test_reliable_weights_are_those_without_a_reason(k: float, size: float, least: float) -> None:
    """There are as many reasons as numbers past their limits; the choice of draws looks at the weights' alone."""
    weights = _weights(k, size)
    assert weights.reliable == (k <= 0.7 and size >= 400.0)
    found = reasons(FIT, weights, {"a": least, "b": 4000.0}, {"a": 0.01, "b": 0.01})
    assert (k > 0.7) + (size < 400.0) + (least < 100.0) == len(found)


def test_what_is_known_to_its_finest_digit_rests_on_enough() -> None:
    """A scenario whose error moves no printed digit needs no more draws, however few it rests on."""
    assert () == reasons(FIT, _weights(), {"peace": 3.0, "other": 3000.0}, {"peace": 1e-9, "other": 0.01})
    assert 1 == len(reasons(FIT, _weights(), {"peace": 3.0, "other": 3000.0}, {"peace": 0.001, "other": 0.01}))
