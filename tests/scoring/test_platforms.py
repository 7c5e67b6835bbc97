"""What platforms do to questions: shares, options that come and go, withdrawals, early closes, outcomes known early."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from math import log, log2
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.scoring.read import read_forecasts
from forecast.scoring.score_table import score, score_table
from forecast.scoring.world import read_table
from forecast.workspace.problems import WorkspaceProblems

DATA = Path(__file__).parent / "data"
WINDOW = {"opens": "2026-01-01", "closes": "2026-01-11"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file for tables."""
    return tmp_path_factory.mktemp("around") / "f.csv"


def _rows(*rows: Mapping[str, object], **same: object) -> dict[str, list[object]]:
    """Return rows as columns; what stands in `same` is in all of them."""
    every = [{**same, **row} for row in rows]
    names = dict.fromkeys(name for row in every for name in row)
    return {name: [row.get(name, "") for row in every] for name in names}


def _answers(table: Mapping[str, object]) -> dict[str, dict[str, Any]]:
    """Return the scores of a table of one question by forecaster."""
    found = score_table(table, by_question=True)
    return {row["forecaster"]: row for row in found["questions"]}


def _mean(found: Mapping[str, Any], measure: str, timing: str, forecaster: str = "ann") -> float:
    (row,) = [
        row
        for row in found["scores"]
        if (row["measure"], row["timing"], row["grouping"], row["forecaster"])
        == (measure, timing, "forecaster", forecaster)
    ]
    return float(row["mean"])


@pytest.mark.parametrize("tables", ["metaculus", "metaculus-continuous"])
def test_scores_are_those_of_metaculus(tables: str) -> None:
    """Baseline and peer, over time and at the close, are those of Metaculus' own code to 1e-9.

    The tables of `metaculus-forecasts.csv` have options that come and go, withdrawals and early closes; those of
    `metaculus-continuous-forecasts.csv` distribution functions of numbers and dates, with open and closed ends, values
    on a logarithmic scale, and outcomes between, on and beyond the values. The numbers of `*-scores.csv` were computed
    by `scoring/score_math.py` and `utils/the_math/formulas.py` of github.com/Metaculus/metaculus at commit
    100c4088f3d37ab0720d987ee70bc59e0514692e, the close being the time of the spot score. Where it gives no score,
    because the forecaster had left by then, there is none here.
    """
    found = score(read_forecasts([DATA / f"{tables}-forecasts.csv"]), by_question=True).as_json()
    ours = {(row["question"], row["forecaster"]): row for row in found["questions"]}
    with (DATA / f"{tables}-scores.csv").open(encoding="utf-8", newline="") as file:
        theirs = list(csv.DictReader(file))
    assert sorted(ours) == sorted((row["question"], row["forecaster"]) for row in theirs)
    for row in theirs:
        of = ours[row["question"], row["forecaster"]]
        for name in ("coverage", "baseline.time_weighted", "baseline.spot", "peer.time_weighted", "peer.spot"):
            expected = None if row[name] == "" else pytest.approx(float(row[name]), abs=1e-9)
            assert (name, of.get(name)) == (name, expected), (row["question"], row["forecaster"])


def test_the_table_of_metaculus_holds_what_it_is_for() -> None:
    """Its questions have options that come and go, withdrawals, early closes, and who left before the close."""
    read = read_forecasts([DATA / "metaculus-forecasts.csv"])
    assert any(question.closes < question.scheduled_close for question in read.questions)
    assert (read.entries != read.entries).any()
    assert (read.until < read.closes).sum() > 10


def test_the_continuous_table_of_metaculus_holds_what_it_is_for() -> None:
    """Its outcomes lie below, on, between and above the values, which are numbers and dates; ends are open or not."""
    read = read_forecasts([DATA / "metaculus-continuous-forecasts.csv"])
    assert {"distribution"} == {question.kind for question in read.questions}
    assert {True, False} == {question.dated for question in read.questions}
    places = {
        "below"
        if outcome < values[0]
        else "above"
        if outcome > values[-1]
        else "on"
        if outcome in values
        else "between"
        for question in read.questions
        for values, outcome in [(question.values, question.outcome or 0.0)]
    }
    assert {"below", "on", "between", "above"} == places
    lowest = [float(read.entries[at]) for at in read.first.tolist()]
    assert (min(lowest), True) == (0.0, max(lowest) > 0.0)
    assert (read.until < read.closes).any()


def test_an_outcome_of_a_share_has_expected_scores() -> None:
    """Of a question that resolved to 35 % a score is .35 that of yes and .65 that of no; calibration leaves it out."""
    table = _rows({"forecaster": "ann", "probability": 0.5}, {"forecaster": "bob", "probability": 0.3},
                  question="q", time="2026-01-01", outcome=0.35, **WINDOW)  # fmt: skip
    found = score_table(table, by_question=True)
    for who, p in (("ann", 0.5), ("bob", 0.3)):
        brier = 0.65 * p**2 + 0.35 * (1 - p) ** 2
        logs = -(0.35 * log(p) + 0.65 * log(1 - p))
        assert [brier, logs] == pytest.approx([_mean(found, name, "each", who) for name in ("brier", "log")])
        assert brier == pytest.approx((p - 0.35) ** 2 + 0.35 * 0.65)
        assert 100 * (1 - logs / log(2)) == pytest.approx(_mean(found, "baseline", "spot", who))
    peer = 100 * (0.35 * log(0.5 / 0.3) + 0.65 * log(0.5 / 0.7))
    assert [peer, -peer] == pytest.approx([_mean(found, "peer", "spot", who) for who in ("ann", "bob")])
    assert (1, [0.35, 0.35]) == (found["n_expected"], [row["outcome"] for row in found["questions"]])
    assert [] == [row for row in found["scores"] if row["measure"] in {"auc", "corp"}]


def test_a_pool_does_not_learn_from_a_share(file: Path) -> None:
    """The question is pooled as one that is open, and a warning says so."""
    file.write_text("expert,question,probability,outcome\nann,q,0.4,0.35\nann,r,0.4,1\n", encoding="utf-8")
    table = read_table(file, date(2026, 11, 30))
    assert {"q": None, "r": 1} == table.questions
    assert ["outcomes between 0 and 1 are not used"] == [warning.what for warning in table.warnings]


def test_several_options_may_share_the_outcome() -> None:
    """An outcome "a=0.5; c=0.5" is half that of a and half that of c, also in the ranked score."""
    said = {"a": 0.6, "b": 0.1, "c": 0.3}
    rows = [{"state": state, "probability": p, "order": at} for at, (state, p) in enumerate(said.items())]
    same = {"question": "q", "forecaster": "ann", "time": "2026-01-01", **WINDOW}
    found = {outcome: score_table(_rows(*rows, **same, outcome=outcome)) for outcome in ("a", "c", "a=0.5; c=0.5")}
    for measure in ("brier", "log", "rps"):
        each = [_mean(one, measure, "each") for one in found.values()]
        assert (each[0] + each[1]) / 2 == pytest.approx(each[2])


def test_an_option_that_came_later_was_part_of_other() -> None:
    """Before c was an option, what was given to `other` counts for it, among the options of then."""
    rows = [("01", "a", 0.6), ("01", "other", 0.4), ("05", "a", 0.5), ("05", "c", 0.3), ("05", "other", 0.2)]
    table = _rows(*({"time": f"2026-01-{day}", "state": state, "probability": p} for day, state, p in rows),
                  question="q", forecaster="ann", outcome="c", **WINDOW)  # fmt: skip
    found = score_table(table)
    early, late = (0.6**2 + 0.6**2) / 2, (0.5**2 + 0.7**2 + 0.2**2) / 2
    assert [late, (early + late) / 2] == pytest.approx([_mean(found, "brier", name) for name in ("spot", "each")])
    assert -(log(0.4) + log(0.3)) / 2 == pytest.approx(_mean(found, "log", "each"))
    baseline = 0.4 * 100 * (1 + log2(0.4)) + 0.6 * 100 * log(0.3 * 3) / log(3)
    assert baseline == pytest.approx(_mean(found, "baseline", "time_weighted"))


def test_hindsight_does_not_count() -> None:
    """A forecast made once the outcome was known is left out; the scheduled close stays where it was."""
    rows = [("ann", "2026-01-01", 0.5), ("ann", "2026-01-06", 0.99), ("bob", "2026-01-01", 0.6)]
    table = _rows(*({"forecaster": who, "time": time, "probability": p} for who, time, p in rows),
                  question="q", outcome=1, resolved="2026-01-06", **WINDOW)  # fmt: skip
    found = _answers(table)
    assert [0.25, 0.16] == pytest.approx([found[who]["brier.spot"] for who in ("ann", "bob")])
    assert (1, 0.5) == (found["ann"]["n_forecasts"], found["ann"]["coverage"])
    assert 100 * 0.5 * (1 + log2(0.6)) == pytest.approx(found["bob"]["baseline.time_weighted"])


def test_a_question_that_was_known_before_it_opened_is_not_scored() -> None:
    """Nothing that was said of it is a forecast."""
    table = _rows({"question": "q", "forecaster": "ann", "time": "2026-01-01", "probability": 0.9, "outcome": 1,
                   "known": "2025-12-31", **WINDOW})  # fmt: skip
    found = score_table(table)
    assert ({"resolved": 0, "known": 1}, 0) == (
        {name: found["n_questions"][name] for name in ("resolved", "known")},
        found["n_forecasts"],
    )


def test_who_left_is_not_scored_and_alone_nobody_has_peers() -> None:
    """After a withdrawal a forecaster has no score, who stays alone has 0, and after everybody left it is 0."""
    both = [("ann", 0.8, "2026-01-06"), ("bob", 0.4, "2026-01-03")]
    table = _rows(*({"forecaster": who, "probability": p, "end_time": end} for who, p, end in both),
                  question="q", time="2026-01-01", outcome=1, **WINDOW)  # fmt: skip
    found = _answers(table)
    assert [0.5, 0.2] == [found[who]["coverage"] for who in ("ann", "bob")]
    assert [] == [name for row in found.values() for name in row if name.endswith(".spot")]
    assert 50 * (1 + log2(0.8)) == pytest.approx(found["ann"]["baseline.time_weighted"])
    peers = [found[who]["peer.time_weighted"] for who in ("ann", "bob")]
    assert [20 * log(0.8 / 0.4), 20 * log(0.4 / 0.8)] == pytest.approx(peers)
    stays = _answers({**table, "end_time": ["", "2026-01-03"]})
    assert (0.0, False) == (stays["ann"]["peer.spot"], "peer.spot" in stays["bob"])


def test_skill_compares_the_time_that_both_stand() -> None:
    """With a gap in one's forecasts, the other is compared before and after it alone."""
    rows = [("ann", "2026-01-01", 0.9, "2026-01-03"), ("ann", "2026-01-07", 0.7, ""),
            ("bob", "2026-01-01", 0.5, ""), ("bob", "2026-01-04", 0.1, ""), ("bob", "2026-01-08", 0.8, "")]  # fmt: skip
    table = _rows(*({"forecaster": who, "time": time, "probability": p, "end_time": end} for who, time, p, end in rows),
                  question="q", outcome=1, **WINDOW)  # fmt: skip
    (row,) = [row for row in score_table(table)["scores"]
              if row["measure"] == "skill" and (row["of"], row["forecaster"]) == ("brier", "ann")]  # fmt: skip
    ann, bob = (2 * 0.01 + 4 * 0.09) / 6, (2 * 0.25 + 1 * 0.81 + 3 * 0.04) / 6
    assert [ann, bob] == pytest.approx([row["score"], row["benchmark_score"]])


def test_a_date_is_an_answer() -> None:
    """Quantiles of a date are scored in days, and the outcome is shown as a date."""
    rows = [(0.25, "2026-03-01"), (0.5, "2026-03-05"), (0.75, "2026-03-09T12:00:00Z")]
    table = _rows(*({"quantile": level, "value": value} for level, value in rows),
                  question="q", forecaster="ann", time="2026-01-01", outcome="2026-03-07", **WINDOW)  # fmt: skip
    found = score_table(table, by_question=True)
    pinball = [0.25 * 6, 0.5 * 2, 0.25 * 2.5]
    assert 2 * sum(pinball) / 3 == pytest.approx(_mean(found, "crps_quantiles", "each"))
    assert "2026-03-07" == found["questions"][0]["outcome"]


COLUMNS = ("question", "forecaster", "time", "state", "probability", "outcome", "opens", "closes", "known", "end_time")
CLEAN = [
    ["rain", who, time, "", p, "1", "2026-01-01", "2026-01-11", "", end]
    for who, time, p, end in (("ann", "2026-01-01", "0.5", ""), ("bob", "2026-01-02", "0.7", "2026-01-05"))
] + [
    ["vote", "ann", "2026-01-03", state, p, "a", "2026-01-01", "2026-01-11", "2026-01-09", ""]
    for state, p in (("a", "0.2"), ("b", "0.5"), ("other", "0.3"))
]
BROKEN = ["snow", "ann", "2026-01-03", "", "0.4", "0", "2026-01-01", "2026-01-11", "", ""]
CELLS = st.sampled_from(
    ["", "x", "80", "-1", "nan", "1e999", "void", "voyd", "2026-01-02", "2026-13-01", "2027-01-01",
     "2026-01-02T06:00:00Z", "2026-01-02T06:00:00+02:00", "a=0.5; b=0.5", "a=", "\N{REPLACEMENT CHARACTER}", "other"]
)  # fmt: skip


def _scores(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    found = score(read_forecasts([path], around=True), by_question=True).as_json()
    return {(row["question"], row["forecaster"]): row for row in found["questions"]}


@settings(deadline=None)  # the first run also imports what fits the calibration
@given(cells=st.dictionaries(st.integers(1, len(COLUMNS) - 1), CELLS, min_size=1, max_size=3), rows=st.integers(1, 2))
def test_a_mistake_costs_no_other_question(file: Path, cells: dict[int, str], rows: int) -> None:
    """Whatever the rows of one question hold, the others are scored as they are without it."""
    broken = [[cells.get(at, cell) for at, cell in enumerate(BROKEN)] for _ in range(rows)]
    tables = [[*CLEAN, *broken, BROKEN], CLEAN]
    found = []
    for table in tables:
        file.write_text("\n".join(map(",".join, [COLUMNS, *table])) + "\n", encoding="utf-8")
        found.append({key: row for key, row in _scores(file).items() if key[0] != "snow"})
    assert found[0] == found[1]


def test_what_a_wrong_row_says_of_its_question_counts(file: Path) -> None:
    """A row whose probability is wrong still says how its question turned out, and when it closed."""
    first = ["rain", "ann", "2026-01-01", "", "80", "1", "2026-01-01", "2026-01-11", "", ""]
    second = ["rain", "bob", "2026-01-02", "", "0.7", *[""] * 5]
    file.write_text("\n".join(map(",".join, [COLUMNS, first, second])) + "\n", encoding="utf-8")
    (row,) = _scores(file).values()
    assert ("bob", pytest.approx(0.09)) == (row["forecaster"], row["brier.spot"])


def test_a_file_that_cannot_be_used_costs_no_other_file(file: Path) -> None:
    """Of several files the others are scored; where nothing is left, the mistakes alone are told."""
    file.write_text("\n".join(map(",".join, [COLUMNS, *CLEAN])) + "\n", encoding="utf-8")
    other = file.with_name("other.csv")
    row = "rain,cem,2026-01-02,0.5,1,2026-01-01,2026-01-11,2026-01-11"
    twice = f"question,forecaster,time,probability,outcome,opens,closes,closes\n{row}\n"
    for text in ("question,forecaster\nrain,cem\n", "", twice):
        other.write_text(text, encoding="utf-8")
        read = read_forecasts([file, other], around=True)
        assert {"ann", "bob"} == {read.forecasters[at] for at in read.forecaster.tolist()}
        with pytest.raises(WorkspaceProblems):
            read_forecasts([other], around=True)


def test_who_left_elsewhere_changes_no_comparison() -> None:
    """Two are compared as before where somebody withdrew a forecast of another question."""
    rows = [
        ("rain", who, day, p, "")
        for who, day, p in (("ann", 1, 0.3), ("ann", 4, 0.6), ("bob", 2, 0.4), ("bob", 8, 0.9))
    ]
    gone = [("snow", "cem", 1, 0.5, "2026-01-03")]
    found = []
    for table in (rows, rows + gone):
        columns = _rows(*({"question": question, "forecaster": who, "time": f"2026-01-0{day}", "probability": p,
                           "end_time": end} for question, who, day, p, end in table), outcome=1, **WINDOW)  # fmt: skip
        found.append([row for row in score_table(columns)["scores"] if row["measure"] == "skill"])
    assert found[0] == found[1] != []


KNOWN_EARLY = [
    # the column, when the outcome was known, the later time, at which ann says .9, and which forecast stands at the end
    ("known", "2026-01-06", "2026-01-06", 0.5),
    ("known", "2026-01-06", "2026-01-05T23:59:59Z", 0.9),
    ("known", "2026-01-06T12:00:00Z", "2026-01-06", 0.9),
    ("known", "2026-01-06T12:00:00+00:00", "2026-01-06T12:00:00Z", 0.5),
    ("resolved", "2026-01-06", "2026-01-07", 0.5),
    ("resolution_date", "2026-01-06", "2026-01-07", 0.5),
    ("actual_resolve_time", "2026-01-06T08:00:00Z", "2026-01-06T09:00:00Z", 0.5),
    ("resolved_at", "2026-01-06", "2026-01-11", 0.5),
    ("known_at", "2026-01-10", "2026-01-09", 0.9),
    ("known", "2026-02-01", "2026-01-11", 0.9),
]


@pytest.mark.parametrize(("column", "known", "time", "stands"), KNOWN_EARLY)
def test_what_was_known_when_it_was_said_counts_nowhere(column: str, known: str, time: str, stands: float) -> None:
    """Under each name that platforms give it, to the second, and whether it was known before the close or after."""
    rows = [{"time": "2026-01-01", "probability": 0.5}, {"time": time, "probability": 0.9}]
    found = _answers(_rows(*rows, question="q", forecaster="ann", outcome=1, **{column: known}, **WINDOW))
    assert (1 - stands) ** 2 == pytest.approx(found["ann"]["brier.spot"])


OPTIONS_IN_TIME = [
    # two forecasts of options, the outcome, and the probabilities of what came true and of all else, at the end
    ({"a": 0.6, "other": 0.4}, {"a": 0.5, "c": 0.3, "other": 0.2}, "c", [0.3, 0.5, 0.2]),
    ({"a": 0.6, "Other": 0.4}, {"a": 0.5, "c": 0.3, "Other": 0.2}, "c", [0.3, 0.5, 0.2]),
    ({"a": 0.6, "other": 0.4}, {"a": 0.5, "c": 0.3, "other": 0.2}, "other", [0.2, 0.5, 0.3]),
    ({"a": 0.6, "other": 0.4}, {"a": 0.5, "c": 0.3, "other": 0.2}, "a", [0.5, 0.3, 0.2]),
    ({"a": 0.5, "b": 0.3, "other": 0.2}, {"a": 0.7, "other": 0.3}, "b", [0.3, 0.7]),
    ({"a": 0.5, "b": 0.3, "other": 0.2}, {"a": 0.7, "other": 0.3}, "a", [0.7, 0.3]),
    ({"a": 0.5, "other": 0.5}, {"b": 0.6, "other": 0.4}, "b", [0.6, 0.4]),
    ({"a": 0.5, "other": 0.5}, {"b": 0.6, "other": 0.4}, "a", [0.4, 0.6]),
    ({"Smith, J.": 0.6, "other": 0.4}, {"Smith, J.": 0.5, "Doe; K.": 0.5, "other": 0}, "Doe; K.", [0.5, 0.5, 0]),
    ({"a=b": 0.6, "other": 0.4}, {"a=b": 0.5, "c": 0.3, "other": 0.2}, "a=b", [0.5, 0.3, 0.2]),
]


@pytest.mark.parametrize(("first", "last", "outcome", "at_close"), OPTIONS_IN_TIME)
def test_options_that_come_and_go(
    first: Mapping[str, float], last: Mapping[str, float], outcome: str, at_close: list[float]
) -> None:
    """What is no option at a time is part of `other`: the Brier score is among the options of then."""
    rows = [
        {"time": time, "state": state, "probability": p}
        for time, said in (("2026-01-01", first), ("2026-01-05", last))
        for state, p in said.items()
    ]
    found = _answers(_rows(*rows, question="q", forecaster="ann", outcome=outcome, **WINDOW))
    happened, *others = at_close
    assert ((1 - happened) ** 2 + sum(p * p for p in others)) / 2 == pytest.approx(found["ann"]["brier.spot"])
    assert -log(happened) == pytest.approx(found["ann"]["log.spot"])


@pytest.mark.parametrize(
    ("outcome", "share"),
    [(0.35, 0.35), ("0.5", 0.5), (".35", 0.35), ("0.001", 0.001), ("0.999", 0.999), ("1e-2", 0.01), ("1.0", 1.0),
     ("0.0", 0.0), ("yes", 1.0), ("NO", 0.0)],
)  # fmt: skip
def test_any_share_of_yes_is_an_outcome(outcome: object, share: float) -> None:
    """A score is the mean of those of yes and no, weighted by the share; 1 and 0 may be called yes and no."""
    said = {"ann": 0.5, "bob": 0.3}
    rows = [{"forecaster": who, "probability": p} for who, p in said.items()]
    found = _answers(_rows(*rows, question="q", time="2026-01-01", outcome=outcome, **WINDOW))
    for who, p in said.items():
        assert share * (1 - p) ** 2 + (1 - share) * p**2 == pytest.approx(found[who]["brier.spot"])
        assert -share * log(p) - (1 - share) * log(1 - p) == pytest.approx(found[who]["log.spot"])


@pytest.mark.parametrize("word", ["void", "annulled", "Ambiguous", "CANCEL", "N/A"])
def test_what_platforms_call_void_counts_nowhere(word: str) -> None:
    """Whatever it is called; but an option of such a name is one, unless it is called void."""
    asked = {"question": "q", "forecaster": "ann", "time": "2026-01-01", **WINDOW}
    found = score_table(_rows({"probability": 0.5}, outcome=word, **asked))
    assert (1, 0) == (found["n_questions"]["void"], found["n_forecasts"])
    options = [{"state": state, "probability": 0.5} for state in (word, "b")]
    resolved = score_table(_rows(*options, outcome=word, **asked))["n_questions"]
    assert (word == "void", word != "void") == (bool(resolved["void"]), bool(resolved["resolved"]))
