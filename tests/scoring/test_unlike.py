"""Forecasts of numbers that are not alike: told, compared at common levels or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from forecast.scoring.measures import unlike
from forecast.scoring.read import from_columns
from forecast.scoring.score_table import score_table
from forecast.workspace.problems import WorkspaceProblems
from tests.scoring.naive import moment

Levels = tuple[float, ...]
MANY = (0.01, 0.025, *(round(0.05 * at, 2) for at in range(1, 20)), 0.975, 0.99)
OF_ONE_NORMAL: dict[str, Levels] = {
    "three": (0.25, 0.5, 0.75),
    "median only": (0.5,),
    "many": MANY,
    "tails": (0.01, 0.025, 0.975, 0.99),
}
CLOSES = 40
OUTCOMES = (10.0, 12.0, 7.0, 10.5, 13.0, 9.0)


class Stated(NamedTuple):
    """A forecast by quantiles, or by draws (no levels); the time in hours."""

    question: str
    forecaster: str
    time: int
    levels: Levels
    values: tuple[float, ...]


def _table(said: Sequence[Stated], outcomes: dict[str, float], topics: dict[str, str] | None = None) -> dict[str, Any]:
    lines = [
        {
            "question": one.question,
            "forecaster": one.forecaster,
            "time": moment(one.time),
            "quantile": level,
            "value": value,
            "outcome": outcomes[one.question],
            "opens": moment(0),
            "closes": moment(CLOSES),
            "topic": (topics or {}).get(one.question, ""),
        }
        for one in said
        for level, value in zip(one.levels or ("",) * len(one.values), one.values, strict=True)
    ]
    return {key: [line[key] for line in lines] for key in lines[0]}


def _same_normal() -> tuple[list[Stated], dict[str, float]]:
    outcomes = {f"q{at}": outcome for at, outcome in enumerate(OUTCOMES)}
    said = [
        Stated(question, who, 0, levels, tuple(np.asarray(norm.ppf(levels, 10, 3)).tolist()))
        for question in outcomes
        for who, levels in OF_ONE_NORMAL.items()
    ]
    return said, outcomes


def _skill(found: dict[str, Any], of: str) -> dict[tuple[str, str], dict[str, Any]]:
    rows = [row for row in found["scores"] if row["measure"] == "skill" and row["of"] == of]
    return {(row["forecaster"], row["benchmark"]): row for row in rows}


def test_no_skill_over_the_same_distribution_at_other_levels() -> None:
    """Quantiles of one distribution have skill 0 over each other at the levels both state; without one no skill."""
    found = score_table(_table(*_same_normal()))
    pairs = _skill(found, "crps_quantiles")
    apart = [("three", "tails"), ("median only", "tails")]
    assert set(permutations(OF_ONE_NORMAL, 2)) - {one for pair in apart for one in (pair, pair[::-1])} == set(pairs)
    numbers = [row[key] for row in pairs.values() for key in ("mean", "low", "high")]
    assert [0.0] * len(numbers) == pytest.approx(numbers, abs=1e-12)
    assert [[0.25, 0.5, 0.75]] == pairs["many", "three"]["unlike"]["levels"]


def test_json_says_what_is_unlike() -> None:
    """The result names each set of levels with its forecasters, and each pair with what was compared."""
    (one,) = score_table(_table(*_same_normal()))["unlike"]
    assert [(list(levels), [who]) for who, levels in OF_ONE_NORMAL.items()] == [
        (row["levels"], row["forecasters"]) for row in one["forecasts"]
    ]
    pairs = {frozenset((row["forecaster"], row["benchmark"])): row for row in one["pairs"]}
    assert (6, 6) == (len(one["pairs"]), len(pairs))
    withheld = pairs[frozenset(("three", "tails"))]
    assert (6, 0, []) == (withheld["n_questions"], withheld["n_compared"], withheld["levels"])
    common = pairs[frozenset(("many", "median only"))]
    assert (6, 6, [[0.5]]) == (common["n_questions"], common["n_compared"], common["levels"])


def test_the_warning_names_forecasters_and_levels() -> None:
    """One warning, at the first row that differs, names every set of levels, its forecasters, and what is done."""
    (one,) = unlike(from_columns(_table(*_same_normal())))
    text = str(one.warning)
    expected = "table:4: warning: levels of quantiles differ: scores by crps_quantiles cannot be "
    assert expected == text[: len(expected)]
    assert [] == [f"by '{who}'" for who in OF_ONE_NORMAL if f"by '{who}'" not in text]
    assert "got 0.25, 0.5, 0.75 by 'three' against 0.5 by 'median only' against 0.01, 0.025, 0.05" in text
    expected = "skill is computed at the levels that both state, and withheld where there are none"
    assert expected == text[-len(expected) :]


def test_equal_levels_say_nothing() -> None:
    """Where all state the same levels, .3 or .1 + .2, nothing is unlike and the skill is that of all levels."""
    said = [
        Stated("q", "ann", 0, (0.1, 0.3, 0.5), (1.0, 2.0, 3.0)),
        Stated("q", "bob", 0, (0.1, 0.1 + 0.2, 0.5), (1.0, 2.5, 4.0)),
    ]
    found = score_table(_table(said, {"q": 2.0}))
    row = _skill(found, "crps_quantiles")["ann", "bob"]
    expected = 2 * fmean((0.1, 0.0, 0.5)), 2 * fmean((0.1, 0.35, 1.0))
    assert expected == pytest.approx((row["score"], row["benchmark_score"]))
    assert ([], False) == (found["unlike"], "unlike" in row)


def test_a_question_without_common_levels_is_left_out_alone() -> None:
    """Of several questions those are compared that have common levels, and each is counted."""
    three, median, tails = (OF_ONE_NORMAL[name] for name in ("three", "median only", "tails"))
    said = [
        *(Stated("same", "ann", 0, three, (1.0, 2.0, 3.0)), Stated("same", "bob", 0, three, (2.0, 3.0, 4.0))),
        *(Stated("some", "ann", 0, three, (1.0, 2.0, 3.0)), Stated("some", "bob", 0, median, (4.0,))),
        *(Stated("none", "ann", 0, median, (1.0,)), Stated("none", "bob", 0, tails, (0.0, 1.0, 5.0, 6.0))),
    ]
    found = score_table(_table(said, dict.fromkeys(("same", "some", "none"), 2.0)))
    row = _skill(found, "crps_quantiles")["ann", "bob"]
    expected = (2 * 0.5 / 3 + 0.0) / 2, (2 * (0.0 + 0.5 + 0.5) / 3 + 2.0) / 2
    assert expected == pytest.approx((row["score"], row["benchmark_score"]))
    assert (2, {"n_questions": 2, "n_compared": 1, "levels": [[0.5]]}) == (row["n_questions"], row["unlike"])


VALUES = st.lists(st.integers(-5, 5), min_size=4, max_size=4).map(sorted)
SETS = st.sets(st.sampled_from([0.1, 0.25, 0.5, 0.9]), min_size=1).map(lambda levels: tuple(sorted(levels)))


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Stated], dict[str, float]]:
    """Draw forecasts of up to three questions by three forecasters, whose levels may change with every update."""
    outcomes = {name: float(draw(st.integers(-5, 5))) for name in ("rain", "snow", "vote")[: draw(st.integers(1, 3))]}
    said = []
    for question in outcomes:
        times = st.tuples(st.sampled_from(("ann", "bob", "cem")), st.sampled_from((0, 10, 25, CLOSES)))
        for who, time in sorted(draw(st.sets(times, min_size=1, max_size=6))):
            levels = draw(SETS)
            said.append(Stated(question, who, time, levels, tuple(map(float, draw(VALUES)[: len(levels)]))))
    return said, outcomes


def _stands(said: Sequence[Stated], who: str, at: float) -> Stated | None:
    made = [one for one in said if one.forecaster == who and one.time <= at]
    return max(made, key=lambda one: one.time) if made else None


def _met(said: Sequence[Stated], sides: tuple[str, str]) -> list[tuple[Stated, Stated]]:
    """Return what both sides say hour by hour, or at the close alone where they only meet there."""

    def both(at: float) -> list[tuple[Stated, Stated]]:
        one, other = (_stands(said, who, at) for who in sides)
        return [(one, other)] if one and other else []

    return [pair for hour in range(CLOSES) for pair in both(hour + 0.5)] or both(CLOSES)


def _loss(one: Stated, levels: set[float], outcome: float) -> float:
    losses = [
        2.0 * (level * (outcome - value) if outcome >= value else (1.0 - level) * (value - outcome))
        for level, value in zip(one.levels, one.values, strict=True)
        if level in levels
    ]
    return fmean(losses)


@settings(deadline=None)  # the first run also imports what fits the calibration
@given(table=tables())
def test_common_levels_are_those_of_plain_loops(table: tuple[list[Stated], dict[str, float]]) -> None:
    """Both sides of every pair are scored at the levels that all their forecasts state while both stand, by loops."""
    said, outcomes = table
    expected: dict[tuple[str, str], tuple[float, float, int, int]] = {}
    for sides in permutations(("ann", "bob", "cem"), 2):
        scores, n_unlike = [], 0
        for question, outcome in outcomes.items():
            met = _met([one for one in said if one.question == question], sides)
            levels = set.intersection(*({*a.levels} & {*b.levels} for a, b in met)) if met else set()
            n_unlike += len({one.levels for a, b in met for one in (a, b)}) > 1
            if levels:
                scores.append([fmean(_loss(pair[side], levels, outcome) for pair in met) for side in (0, 1)])
        if scores:
            expected[sides] = fmean(one[0] for one in scores), fmean(one[1] for one in scores), len(scores), n_unlike
    pairs = _skill(score_table(_table(said, outcomes)), "crps_quantiles")
    found = {
        who: (row["score"], row["benchmark_score"], row["n_questions"], row.get("unlike", {}).get("n_questions", 0))
        for who, row in pairs.items()
    }
    assert set(expected) == set(found)
    assert [number for who in expected for number in expected[who]] == pytest.approx(
        [number for who in expected for number in found[who]], abs=1e-9
    )


def _draws(sizes: dict[str, int]) -> tuple[list[Stated], dict[str, float]]:
    outcomes = {f"q{at}": outcome for at, outcome in enumerate(OUTCOMES)}
    rng = np.random.default_rng(2)
    said = [
        Stated(question, who, 0, (), tuple(rng.normal(10, 3, size).tolist()))
        for question in outcomes
        for who, size in sizes.items()
    ]
    return said, outcomes


def test_draws_of_other_numbers_are_compared_by_the_fair_crps_alone() -> None:
    """Between 5 and 50 draws skill by crps is withheld and told; by the fair CRPS it is that of scoringrules."""
    import scoringrules  # it compiles for seconds: in the process that needs it

    said, outcomes = _draws({"ann": 5, "bob": 50, "cem": 50})
    found = score_table(_table(said, outcomes))
    assert {("bob", "cem"), ("cem", "bob")} == set(_skill(found, "crps"))
    fair = [
        np.mean(
            [
                scoringrules.crps_ensemble(
                    outcomes[one.question], np.array(one.values), estimator="fair", backend="numpy"
                )
                for one in said
                if one.forecaster == who
            ]
        )
        for who in ("ann", "bob")
    ]
    row = _skill(found, "crps_fair")["ann", "bob"]
    assert fair == pytest.approx([row["score"], row["benchmark_score"]])
    (one,) = found["unlike"]
    assert [(5, ["ann"]), (50, ["bob", "cem"])] == [(row["draws"], row["forecasters"]) for row in one["forecasts"]]
    assert [(6, 0), (6, 0)] == [(row["n_questions"], row["n_compared"]) for row in one["pairs"]]
    assert "got 5 draws by 'ann' against 50 draws by 'bob', 'cem'; skill by crps is withheld" in one["text"]


def test_a_single_draw_has_no_fair_crps() -> None:
    """A point forecast has a CRPS, its distance, and no fair one; against draws it is not compared."""
    said, outcomes = _draws({"ann": 1, "bob": 20})
    found = score_table(_table(said, outcomes))
    measures = {row["measure"] for row in found["scores"] if row["forecaster"] == "ann"}
    assert ({"crps"}, {}) == (measures, {**_skill(found, "crps"), **_skill(found, "crps_fair")})


def test_one_forecaster_with_two_sets_of_levels_is_told() -> None:
    """Means by topic or horizon of one forecaster are not alike either where levels differ between questions."""
    said = [Stated("rain", "ann", 0, (0.25, 0.75), (1.0, 2.0)), Stated("snow", "ann", 0, (0.5,), (1.0,))]
    found = score_table(_table(said, {"rain": 1.0, "snow": 2.0}, {"rain": "wet", "snow": "white"}))
    (one,) = found["unlike"]
    assert ([["ann"], ["ann"]], []) == ([row["forecasters"] for row in one["forecasts"]], one["pairs"])


def test_open_questions_are_not_told_of() -> None:
    """What is not scored is not compared: levels of open questions do not count."""
    said = [Stated("rain", "ann", 0, (0.25, 0.75), (1.0, 2.0)), Stated("snow", "ann", 0, (0.5,), (1.0,))]
    table = _table(said, {"rain": 1.0, "snow": 2.0})
    table["outcome"] = [1.0, 1.0, ""]
    assert () == unlike(from_columns(table))


def test_draws_beside_quantiles_are_a_mistake() -> None:
    """A question that one forecasts by draws and another by quantiles is refused: no score holds for both."""
    said = [Stated("rain", "ann", 0, (0.25, 0.75), (1.0, 2.0)), Stated("rain", "bob", 0, (), (1.0, 2.0))]
    with pytest.raises(
        WorkspaceProblems, match="question 'rain' is forecast in two ways; got draws, at line 1 quantiles"
    ):
        from_columns(_table(said, {"rain": 1.0}))
