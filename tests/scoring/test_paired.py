"""Paired differences: against the normal interval, and at their edges."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.scoring.compare import LEVEL, ScoreDifference, paired_difference


def test_interval_is_the_normal_one_for_many_questions() -> None:
    """With many questions the bootstrap interval is mean -+ 1.645 standard errors."""
    rng = np.random.default_rng(3)
    scores, others = rng.uniform(size=3000), rng.uniform(size=3000)
    found = paired_difference(scores, others, np.random.default_rng(4))
    differences = scores - others
    half = 1.6449 * differences.std() / np.sqrt(differences.size)
    expected = [differences.mean() - half, differences.mean(), differences.mean() + half]
    assert expected == pytest.approx([found.low, found.mean, found.high], abs=0.06 * half)


def test_a_forecaster_against_itself() -> None:
    """Equal scores differ by nothing, with certainty."""
    scores = np.array([0.1, 0.4, 0.2])
    assert ScoreDifference(3, 0.0, 0.0, 0.0, LEVEL) == paired_difference(scores, scores, np.random.default_rng(1))


def test_shared_difficulty_drops_out() -> None:
    """What makes a question hard for both does not widen the interval."""
    hard = np.random.default_rng(5).uniform(0, 100, 50)
    found = paired_difference(hard + 0.25, hard, np.random.default_rng(6))
    assert [0.25, 0.25, 0.25] == pytest.approx([found.low, found.mean, found.high])


def test_no_question_is_a_wrong_call() -> None:
    """Without a question in common there is no difference to speak of."""
    with pytest.raises(ValueError, match="at least one question"):
        paired_difference(np.empty(0), np.empty(0), np.random.default_rng(7))
