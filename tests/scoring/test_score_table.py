"""The whole of a table's scores: numbers by hand, groups, infinite scores, and what JSON can hold."""

from __future__ import annotations

import json
from math import log, log2
from typing import Any

import pandas as pd
import pytest

from forecast.scoring.measures import GROUPINGS, MEASURES, TIMINGS, WARNINGS_LISTED, certainties
from forecast.scoring.read import from_columns
from forecast.scoring.rows import MICROSECONDS_A_DAY, known_at
from forecast.scoring.score_table import COMPARED, score_table
from tests.scoring.naive import Asked, Said, rows

DAY = 24
QUESTIONS = {
    "rain": Asked(1, 0, 10 * DAY),
    "snow": Asked(0, 0, 10 * DAY),
}
FORECASTS = [
    *(Said("rain", "ann", 0, 0.5), Said("rain", "ann", 5 * DAY, 0.8), Said("rain", "bob", 5 * DAY, 0.4)),
    *(Said("snow", "ann", 2 * DAY + 12, 0.1), Said("snow", "bob", 0, 0.3)),
]


def _table(questions: dict[str, Asked], forecasts: list[Said]) -> pd.DataFrame:
    return pd.DataFrame(list(rows(questions, forecasts)))


def _one(found: dict[str, Any], measure: str, timing: str, forecaster: str, **group: str) -> dict[str, Any]:
    wanted = {"measure": measure, "timing": timing, "forecaster": forecaster, **group}
    wanted.setdefault("grouping", "forecaster")
    (row,) = [row for row in found["scores"] if wanted == {key: row.get(key) for key in wanted}]
    return dict(row)


BY_HAND = {
    ("brier", "each"): (0.25 + 0.04 + 0.01) / 3,
    ("brier", "spot"): (0.04 + 0.01) / 2,
    ("brier", "time_weighted"): (0.145 + 0.01) / 2,
    ("brier_sum", "each"): 2 * (0.25 + 0.04 + 0.01) / 3,
    ("brier_sum", "daily"): 2 * (0.145 + 0.01) / 2,
    ("log", "each"): -(log(0.5) + log(0.8) + log(0.9)) / 3,
    ("baseline", "spot"): 100 * ((1 + log2(0.8)) + (1 + log2(0.9))) / 2,
    ("baseline", "time_weighted"): 100 * (0.5 * (1 + log2(0.8)) + 0.75 * (1 + log2(0.9))) / 2,
    ("peer", "spot"): 100 * (log(0.8 / 0.4) + log(0.9 / 0.7)) / 2,
    ("peer", "time_weighted"): 100 * (0.5 * log(0.8 / 0.4) + 0.75 * log(0.9 / 0.7)) / 2,
    ("auc", "each"): 1.0,
}


@pytest.mark.parametrize(("measure", "timing"), BY_HAND)
def test_scores_by_hand(measure: str, timing: str) -> None:
    """Each measure at each timing is what a pocket calculator gives, over two questions and three forecasts."""
    found = _one(score_table(_table(QUESTIONS, FORECASTS)), measure, timing, "ann")
    assert BY_HAND[measure, timing] == pytest.approx(found["mean"])
    assert (2, 3) == (found["n_questions"], found["n_forecasts"])


def test_peer_is_the_published_formula() -> None:
    """With three forecasters it is 100 N/(N-1) ln(p / geometric mean of all three)."""
    said = {"ann": 0.9, "bob": 0.5, "cem": 0.2}
    found = score_table(_table({"rain": Asked(1, 0, 10)}, [Said("rain", who, 0, p) for who, p in said.items()]))
    geometric = (0.9 * 0.5 * 0.2) ** (1 / 3)
    expected = {who: 100 * 3 / 2 * log(p / geometric) for who, p in said.items()}
    assert expected == pytest.approx({who: _one(found, "peer", "spot", who)["mean"] for who in said})


def test_baseline_of_several_options() -> None:
    """Among K options it is 100 ln(p K) / ln K."""
    table = pd.DataFrame({"state": ["a", "b", "c"], "probability": [0.5, 0.3, 0.2]})
    table = table.assign(question="q", forecaster="ann", time="2026-01-01", outcome="a")
    found = score_table(table.assign(opens="2026-01-01", closes="2026-01-02"))
    assert 100 * log(0.5 * 3) / log(3) == pytest.approx(_one(found, "baseline", "time_weighted", "ann")["mean"])
    assert [] == [row for row in found["scores"] if row["measure"] in {"rps", "peer", "auc", "corp"}]


def test_an_early_close_is_divided_by_the_scheduled_duration() -> None:
    """.9 over the whole of a question that closed half-way scores 42.4, covers .5; who came late half of that."""
    early = {"rain": Asked(1, 0, 5 * DAY, 10 * DAY)}
    found = score_table(_table(early, [Said("rain", "ann", 0, 0.9), Said("rain", "bob", 2 * DAY + 12, 0.6)]))
    half, quarter = (_one(found, "baseline", "time_weighted", who) for who in ("ann", "bob"))
    assert (42.4, 0.5) == pytest.approx((half["mean"], half["coverage"]), abs=0.002)
    assert (25 * (1 + log2(0.6)), 0.25) == pytest.approx((quarter["mean"], quarter["coverage"]))
    peers = [_one(found, "peer", "time_weighted", who)["mean"] for who in ("ann", "bob")]
    assert [25 * log(0.9 / 0.6), 25 * log(0.6 / 0.9)] == pytest.approx(peers)


def test_a_scheduled_close_touches_nothing_else() -> None:
    """At the close, by Brier, log and skill, a question scores as if nothing had been scheduled."""
    early = {"rain": Asked(1, 0, 5 * DAY, 10 * DAY), "snow": Asked(0, 0, 5 * DAY, 5 * DAY)}
    plain = {name: Asked(one.outcome, one.opens, one.closes) for name, one in early.items()}
    said = [Said("rain", "ann", 0, 0.9), Said("rain", "bob", DAY, 0.6), Said("snow", "ann", DAY, 0.2)]
    tables = [score_table(_table(questions, said))["scores"] for questions in (plain, early)]
    moved = {
        (before["measure"], before["timing"])
        for before, after in zip(*tables, strict=True)
        if before.get("mean") != pytest.approx(after.get("mean"))
    }
    assert {("baseline", "time_weighted"), ("peer", "time_weighted")} == moved


def test_groups_by_topic_and_horizon() -> None:
    """Topics hold the questions of a topic, horizons the forecasts so many days before the close."""
    table = _table(QUESTIONS, FORECASTS).assign(topic=["wet", "wet", "wet", "", ""])
    found = score_table(table)
    wet = _one(found, "brier", "each", "ann", grouping="topic", topic="wet")
    assert (0.145, 1, 2) == pytest.approx((wet["mean"], wet["n_questions"], wet["n_forecasts"]))
    late = _one(found, "brier", "each", "ann", grouping="horizon", horizon="under 7 days")
    early = _one(found, "brier", "each", "ann", grouping="horizon", horizon="7 to 30 days")
    assert (0.04, 1, 1) == pytest.approx((late["mean"], late["n_questions"], late["n_forecasts"]))
    assert (0.13, 2, 2) == pytest.approx((early["mean"], early["n_questions"], early["n_forecasts"]))


def test_a_forecast_of_seven_days_falls_into_the_second_horizon() -> None:
    """Horizons hold their lower end."""
    found = score_table(_table({"rain": Asked(1, 0, 7 * DAY)}, [Said("rain", "ann", 0, 0.5)]))
    assert ["7 to 30 days"] == sorted({row["horizon"] for row in found["scores"] if "horizon" in row})


CERTAIN = [*FORECASTS, Said("snow", "bob", DAY, 1.0)]


def test_an_infinite_score_is_reported_as_such() -> None:
    """A wrong certainty makes log, baseline and own peer infinite, with the count and both clips beside."""
    found = score_table(_table(QUESTIONS, CERTAIN))
    logs = _one(found, "log", "each", "bob")
    expected = {str(clip): -(log(0.4) + log(0.7) + log(clip)) / 3 for clip in (0.01, 0.001)}
    assert ("Infinity", 1, 3) == (logs["mean"], logs["infinite"], logs["n_forecasts"])
    assert expected == pytest.approx(logs["clipped"])
    signs = [_one(found, *what)["mean"] for what in (("baseline", "spot", "bob"), ("peer", "spot", "bob"))]
    assert ["-Infinity", "-Infinity", "Infinity"] == [*signs, _one(found, "peer", "spot", "ann")["mean"]]
    assert (0.36 + 1.0) / 2 == pytest.approx(_one(found, "brier", "spot", "bob")["mean"])


def test_two_wrong_certainties_leave_the_peer_score_undefined() -> None:
    """Minus infinity against minus infinity is no number: null, and counted."""
    wrong = [Said("rain", "ann", 0, 0.0), Said("rain", "bob", 0, 0.0)]
    peer = _one(score_table(_table({"rain": Asked(1, 0, 10)}, wrong)), "peer", "spot", "ann")
    assert (None, 1) == (peer["mean"], peer["infinite"])


def test_a_wrong_certainty_is_named_with_its_line() -> None:
    """Each forecast that ruled out what came true is a warning at its row; many are counted."""
    (warning,) = certainties(from_columns(_table(QUESTIONS, CERTAIN)))
    assert "table:6: warning: probability 1 and the other outcome: the log score is infinite; got outcome '0'" in str(
        warning
    )
    many = {f"q{at}": Asked(1, 0, 10) for at in range(WARNINGS_LISTED + 5)}
    found = certainties(from_columns(_table(many, [Said(name, "ann", 0, 0.0) for name in many])))
    assert (WARNINGS_LISTED + 1, "5 more forecasts like it") == (len(found), found[-1].what)


def test_definitions_stand_beside_the_numbers() -> None:
    """Every measure, timing and grouping that a score names is defined in the same object."""
    found = score_table(_table(QUESTIONS, FORECASTS))
    used = [{row[key] for row in found["scores"]} for key in ("measure", "timing", "grouping")]
    assert used[0] == set(found["definitions"])
    assert (set(), set(), set()) == (used[0] - set(MEASURES), used[1] - set(TIMINGS), used[2] - set(GROUPINGS))


def test_json_can_hold_it_and_the_seed_decides_it() -> None:
    """The result is plain JSON, the same for the same seed; another seed moves intervals and nothing else."""
    table = _table(QUESTIONS, CERTAIN)
    texts = [json.dumps(score_table(table, seed=seed, by_question=True), allow_nan=False) for seed in (1, 1, 2)]
    assert texts[0] == texts[1]
    means = [[row["mean"] for row in json.loads(text)["scores"] if "mean" in row] for text in texts]
    assert means[0] == means[2]


def test_open_and_void_questions_are_counted_and_not_scored() -> None:
    """Without an outcome, or with a void one, a question is counted and scores nothing."""
    table = _table(QUESTIONS, FORECASTS).assign(outcome=["void", "void", "void", "", ""])
    found = score_table(table, by_question=True)
    assert ({"resolved": 0, "open": 1, "void": 1, "known": 0, "mistaken": 0}, 0, [], []) == (
        found["n_questions"],
        found["n_forecasts"],
        found["scores"],
        found["questions"],
    )


def test_as_of_an_earlier_day() -> None:
    """As of a day later forecasts are left out, and questions that close later are open."""
    forecasts = from_columns(_table({"rain": QUESTIONS["rain"], "snow": Asked(0, 0, 3 * DAY)}, FORECASTS))
    start = forecasts.questions[0].opens
    found = known_at(forecasts, start + 4 * MICROSECONDS_A_DAY)
    assert (["open", "resolved"], 3) == ([one.resolution for one in found.questions], found.time.size)
    edge = known_at(forecasts, start + 3 * MICROSECONDS_A_DAY)
    assert ["open", "open"] == [one.resolution for one in edge.questions]


def test_many_forecasters_are_compared_with_benchmarks_only() -> None:
    """More than COMPARED forecasters are not all compared with each other."""
    names = [f"f{at}" for at in range(COMPARED + 1)]
    table = _table({"rain": Asked(1, 0, 10)}, [Said("rain", name, 0, 0.5) for name in names])
    pairs = [[r for r in score_table(table, benchmarks=b)["scores"] if r["grouping"] == "pair"] for b in ([], ["f3"])]
    assert (0, {"f3"}) == (len(pairs[0]), {row["benchmark"] for row in pairs[1]})
    assert set(names) - {"f3"} == {row["forecaster"] for row in pairs[1]}
