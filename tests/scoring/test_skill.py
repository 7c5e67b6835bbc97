"""Skill: by hand, with the interval that theory gives, and over the time that both forecasts stood."""

from __future__ import annotations

from math import inf, isnan
from typing import Any

import numpy as np
import pytest

from forecast.scoring.compare import compared, resampled_means
from forecast.scoring.score_table import score_table
from tests.scoring.naive import Asked, Said, rows

SEED = 3


def _compared(scores: Any, benchmark: Any) -> Any:
    own, others = np.array(scores, dtype=float), np.array(benchmark, dtype=float)
    finite = np.nan_to_num(np.stack([own, others], axis=1), posinf=0.0)
    return compared(own, others, resampled_means(finite, SEED))


def test_skill_by_hand() -> None:
    """Half of the benchmark's score is a skill of .5, a difference of the same sign everywhere an interval above 0."""
    found = _compared([0.1, 0.2, 0.3], [0.3, 0.4, 0.5])
    assert (0.5, -0.2, 3) == pytest.approx((found.skill, found.difference, found.n))
    assert 0.0 < found.low <= 0.5 <= found.high < 1.0
    assert (-0.2, -0.2) == pytest.approx((found.difference_low, found.difference_high))


def test_interval_is_the_delta_methods_for_many_questions() -> None:
    """With many questions the interval is -+ 1.645 standard errors of the ratio of means."""
    rng = np.random.default_rng(8)
    benchmark = rng.uniform(0.2, 0.6, 3000)
    scores = 0.7 * benchmark + rng.uniform(-0.1, 0.1, 3000)
    found = _compared(scores, benchmark)
    ratio = scores.mean() / benchmark.mean()
    half = 1.6449 * np.std(scores - ratio * benchmark) / benchmark.mean() / np.sqrt(3000)
    assert (1 - ratio - half, 1 - ratio + half) == pytest.approx((found.low, found.high), abs=0.08 * half)


def test_resamples_do_not_depend_on_the_company() -> None:
    """A column's resampled means are the same whatever columns stand beside it, and for every seed others."""
    columns = np.random.default_rng(1).uniform(size=(20, 3))
    together = resampled_means(columns, SEED)
    assert together[:, 1].tolist() == pytest.approx(resampled_means(columns[:, 1:2], SEED)[:, 0].tolist())
    assert not np.allclose(together, resampled_means(columns, SEED + 1))


def test_nothing_is_said_against_a_perfect_or_infinite_benchmark() -> None:
    """Against a score of 0 or infinity there is no skill; an infinite own score has skill minus infinity."""
    assert (True, True) == (isnan(_compared([0.1], [0.0]).skill), isnan(_compared([0.1], [inf]).skill))
    found = _compared([inf, 0.1], [0.1, 0.1])
    assert (-inf, True) == (found.skill, isnan(found.low))


def test_no_question_is_a_wrong_call() -> None:
    """Without a question there is nothing to resample."""
    with pytest.raises(ValueError, match="at least one question"):
        resampled_means(np.empty((0, 2)), SEED)


def _pairs(forecasts: list[Said], questions: dict[str, Asked], **options: Any) -> dict[tuple[str, str], dict[str, Any]]:
    table = list(rows(questions, forecasts))
    found = score_table({key: [row[key] for row in table] for key in table[0]}, **options)
    chosen = [row for row in found["scores"] if row["grouping"] == "pair" and row["of"] == "brier"]
    return {(row["forecaster"], row["benchmark"]): row for row in chosen}


WORLD = {"rain": Asked(1, 0, 100), "snow": Asked(0, 0, 100)}
FORECASTS = [
    *(Said("rain", "ann", 0, 0.1), Said("rain", "ann", 50, 0.5), Said("rain", "ann", 75, 0.9)),
    *(Said("rain", "bob", 50, 0.4), Said("snow", "bob", 0, 0.2), Said("snow", "cem", 100, 0.3)),
]


def test_only_the_time_that_both_stood_counts() -> None:
    """From hour 50 on ann scores .25 and then .01, bob .36 throughout; what ann said before is left out."""
    found = _pairs(FORECASTS, WORLD)
    assert (0.13, 0.36, 1, 3, 1) == pytest.approx(
        tuple(
            found["ann", "bob"][key]
            for key in ("score", "benchmark_score", "n_questions", "n_forecasts", "n_benchmark_forecasts")
        )
    )
    assert 1 - 0.36 / 0.13 == pytest.approx(found["bob", "ann"]["mean"])


def test_whoever_came_at_the_close_is_compared_there() -> None:
    """Where both stand at the close alone, the scores there are compared."""
    found = _pairs(FORECASTS, WORLD)["cem", "bob"]
    assert (0.09, 0.04) == pytest.approx((found["score"], found["benchmark_score"]))


def test_forecasters_without_a_common_question_are_no_pair() -> None:
    """Only pairs that answered the same question are compared."""
    assert {("ann", "bob"), ("bob", "ann"), ("bob", "cem"), ("cem", "bob")} == set(_pairs(FORECASTS, WORLD))


def test_benchmarks_are_those_named() -> None:
    """With benchmarks named, all others are compared with these and nobody else; the numbers stay the same."""
    every, named = _pairs(FORECASTS, WORLD), _pairs(FORECASTS, WORLD, benchmarks=["bob"])
    assert {pair: every[pair] for pair in [("ann", "bob"), ("cem", "bob")]} == named


def test_an_unknown_benchmark_is_a_wrong_call() -> None:
    """A benchmark is a forecaster of the table."""
    with pytest.raises(ValueError, match="no forecaster is called"):
        _pairs(FORECASTS, WORLD, benchmarks=["dan"])
