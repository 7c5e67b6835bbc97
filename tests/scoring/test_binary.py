"""Binary scores against known numbers, and the law that makes them proper."""

from __future__ import annotations

from math import inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.scoring.rules import BINARY_SCORES, brier_score, log_score

CHANCES = st.floats(0.01, 0.99)


def test_brier_is_the_form_from_0_to_1() -> None:
    """The Brier score is the squared distance from the outcome: half of the two-outcome sum of 1950."""
    p, outcome = np.array([0.0, 0.5, 0.9, 0.9, 1.0]), np.array([1, 1, 1, 0, 1])
    two_sided = (p - outcome) ** 2 + ((1 - p) - (1 - outcome)) ** 2
    assert [1.0, 0.25, 0.01, 0.81, 0.0] == pytest.approx(brier_score(p, outcome).tolist())
    assert (two_sided / 2).tolist() == pytest.approx(brier_score(p, outcome).tolist())


def test_log_score_is_minus_the_natural_logarithm() -> None:
    """The log score is -ln of the probability of what happened, infinite where that was ruled out."""
    p, outcome = np.array([0.5, 0.8, 0.8, 0.0, 0.0]), np.array([0, 1, 0, 0, 1])
    assert [log(2), -log(0.8), -log(0.2), 0.0, inf] == pytest.approx(log_score(p, outcome).tolist())


@pytest.mark.parametrize("name", BINARY_SCORES)
@given(truth=CHANCES, said=CHANCES)
def test_the_truth_scores_best(name: str, truth: float, said: float) -> None:
    """No report has a lower expected score than the probability that the event really has."""

    def expected(report: float) -> float:
        both = BINARY_SCORES[name](np.array([report, report]), np.array([1, 0]))
        return float(truth * both[0] + (1 - truth) * both[1])

    assert expected(truth) <= expected(said) + 1e-12
