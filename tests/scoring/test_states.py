"""Scores over states: by hand, against scoringrules, and their relation to yes or no."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.scoring.rules import brier_score, brier_sum, ranked_probability_score

SAID = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])


def test_summed_brier_score_by_hand() -> None:
    """The summed form is the sum over all states of (p - o)^2."""
    assert [0.04 + 0.25 + 0.49, 0.16 + 0.09 + 0.01] == pytest.approx(brier_sum(SAID, np.array([2, 0])).tolist())


def test_ranked_probability_score_by_hand() -> None:
    """The RPS is the mean over the K - 1 cuts of the squared distance of cumulated probability and outcome."""
    expected = [(0.2**2 + 0.7**2) / 2, (0.4**2 + 0.1**2) / 2]
    assert expected == pytest.approx(ranked_probability_score(SAID, np.array([2, 0])).tolist())


def test_the_worst_ranked_probability_score_is_1() -> None:
    """Certainty of the first state where the last came true scores 1, whatever the number of states."""
    for k in (2, 3, 7):
        assert [1.0] == ranked_probability_score(np.eye(k)[:1], np.array([k - 1])).tolist()


@settings(deadline=None)  # the first run also compiles scoringrules' kernels
@given(k=st.integers(2, 6), seed=st.integers(0, 10_000))
def test_against_scoringrules(k: int, seed: int) -> None:
    """The RPS is scoringrules', whose observation counts from 1, divided by K - 1."""
    import scoringrules  # it compiles for seconds: in the process that needs it

    rng = np.random.default_rng(seed)
    p, outcome = rng.dirichlet(np.ones(k), size=20), rng.integers(k, size=20)
    expected = scoringrules.rps_score(outcome + 1, p) / (k - 1)
    assert expected.tolist() == pytest.approx(ranked_probability_score(p, outcome).tolist())


@given(p=st.floats(0, 1), outcome=st.integers(0, 1))
def test_two_states_are_yes_or_no(p: float, outcome: int) -> None:
    """Of two states the RPS is the Brier score from 0 to 1, and the summed form its double."""
    both = np.array([[1 - p, p]])
    brier = brier_score([p], [outcome])[0]
    assert [brier, 2 * brier] == pytest.approx(
        [ranked_probability_score(both, np.array([outcome]))[0], brier_sum(both, np.array([outcome]))[0]]
    )
