"""Every score over time, against loops over stretches of time in which nothing changes."""

from __future__ import annotations

from collections import defaultdict
from math import isfinite, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.scoring.score_table import score_table
from tests.scoring.naive import Asked, Said, answer, rows

SUMMED = {"brier_sum.spot", "log.spot"}  # scores that the loops leave out
FORECASTERS = ("ann", "bob", "cem")
PROBABILITIES = st.sampled_from([0.01, 0.2, 0.5, 0.75, 0.99])
CERTAIN = st.sampled_from([0.0, 0.3, 1.0])
World = tuple[dict[str, Asked], list[Said]]


@st.composite
def worlds(draw: st.DrawFn, probabilities: st.SearchStrategy[float] = PROBABILITIES) -> World:
    """Draw up to three questions, some closing early, each with a few forecasts, some at its very edges, some
    withdrawn."""
    questions, forecasts = {}, []
    for name in ("rain", "snow", "vote")[: draw(st.integers(1, 3))]:
        opens = draw(st.integers(0, 30))
        closes = opens + draw(st.integers(1, 80))
        scheduled = draw(st.none() | st.integers(closes, closes + 60))
        questions[name] = Asked(draw(st.integers(0, 1)), opens, closes, scheduled)
        made = draw(
            st.sets(st.tuples(st.sampled_from(FORECASTERS), st.integers(opens, closes)), min_size=1, max_size=7)
        )
        for who, time in sorted(made):
            until = draw(st.none() | st.integers(time + 1, closes + 5))
            forecasts.append(Said(name, who, time, draw(probabilities), until))
    return questions, forecasts


def _scored(world: World) -> list[dict[str, object]]:
    table = list(rows(*world))
    found = score_table({key: [row[key] for row in table] for key in table[0]}, by_question=True)
    questions: list[dict[str, object]] = found["questions"]
    return questions


def _number(value: object) -> float:
    return nan if value is None else float(str(value).replace("Infinity", "inf"))


@pytest.mark.parametrize("probabilities", [PROBABILITIES, CERTAIN], ids=["possible", "certain"])
@settings(deadline=None)  # the first run also imports what fits the calibration
@given(data=st.data())
def test_scores_over_time_are_those_of_the_loops(probabilities: st.SearchStrategy[float], data: st.DataObject) -> None:
    """At the close, over time, over the window and day by day, each answer's scores are those of the plain loops."""
    world = data.draw(worlds(probabilities))
    for row in _scored(world):
        expected = answer(*world, str(row["question"]), str(row["forecaster"]))
        assert {key for key in row if key.endswith(".spot")} <= {*expected, *SUMMED}
        found = {key: _number(row[key]) if key in row else None for key in expected}
        assert expected == pytest.approx(found, rel=1e-9, abs=1e-9, nan_ok=True)


@settings(deadline=None)  # the first run also imports what fits the calibration
@given(world=worlds())
def test_peer_scores_of_a_question_add_up_to_0(world: World) -> None:
    """Whatever is forecast when, the peer scores of a question add up to 0, at the close and over time."""
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in _scored(world):
        for key in ("peer.spot", "peer.time_weighted"):
            sums[str(row["question"]), key] += _number(row.get(key, 0.0))
    assert dict.fromkeys(sums, 0.0) == pytest.approx(dict(sums), abs=1e-9)


@settings(deadline=None)  # the first run also imports what fits the calibration
@given(world=worlds())
def test_scores_are_finite_without_a_wrong_certainty(world: World) -> None:
    """No score is infinite or undefined unless somebody ruled out what came true."""
    values = [_number(value) for row in _scored(world) for key, value in row.items() if "." in key]
    assert [] == [value for value in values if not isfinite(value)]
