"""What is kept beside the forecasts reaches the page: replay, benchmarks, scores, calibration, the list of updates."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.posterior_calibration import stands
from forecast.ledger.differences import Edited, edited
from forecast.ledger.entries import Line
from forecast.plain import as_data
from forecast.publish import ReportRequest, elsewhere, material, report_days, write_index
from forecast.report.page import ListedForecast, index_page, report_files, spark
from forecast.report.section import recorded_in
from forecast.report.sections.checks import calibration_of, posterior_calibration_of
from forecast.report.sections.history import (
    APART,
    JUMP,
    JUMPS,
    PERIODS,
    TICKS_APART,
    WIDTH,
    EvidenceDay,
    binned,
    chart,
    history_of,
)
from forecast.report.sections.scores import not_drawn, scored
from forecast.scoring.score_table import score_table
from forecast.workspace.problems import WorkspaceProblems
from forecast.workspace.records import Benchmark
from tests.ledgers import update
from tests.report.drawn import Drawn, elements
from tests.report.kept import BENCHMARK, COLUMNS, QUESTION, replay_rows
from tests.report.outcomes import AS_OF, asked, world
from tests.worlds import HERE

KEPT_RUN: dict[str, Any] = {"date": "2025-08-01", "worlds": 200, "quantities": []}


def test_history_uses_nothing_later(recorded: Drawn) -> None:
    """The replay is shown up to the as-of date, and a benchmark with the last number known on it."""
    past = recorded.page["history"]
    for row in past["scenarios"]:
        days = [point["day"] for point in row["replay"]]
        assert days
        assert max(days) <= AS_OF.isoformat()
        assert ["2025-01-01", "2025-06-01", "2025-09-01"] == [point["day"] for point in row["updates"]]
    (row,) = past["questions"]
    assert [("Market", "2025-03-01", "12.5\u202f%")] == [(o["forecaster"], o["day"], o["shown"]) for o in row["others"]]
    assert "3.1\u202f%" == row["base_shown"]
    assert {row["reported"] for row in recorded.page["evidence"]} == {day["day"] for day in past["evidence"]}
    assert "The market asks for less." in recorded.html


def test_questions_whose_day_has_passed_are_not_open(answered: Path) -> None:
    """They stand apart, nobody is said to disagree on them, and own judgements are called what they are."""
    over = replace(QUESTION, id="q-over", question="Over?", by=date(2025, 8, 31), benchmarks=("q-over",))
    rare = replace(QUESTION, id="q-rare", question="Rare?", benchmarks=("q-rare",))
    day = date(2025, 3, 1)
    others = {
        "q-over": Benchmark("q-over", ((day, "Market", 0.9999),), HERE),
        "q-rare": Benchmark("q-rare", ((day, "Market", 1e-6), (day, "judgement", 0.5)), HERE),
        "q-truce": Benchmark("q-truce", ((day, "Market", 0.99),), HERE),
    }
    asks = replace(world(), questions=(QUESTION, over, rare), benchmarks=others)
    drawn = report_files(material(asked(asks, answered), lambda _: None), lambda _: None)
    page, html = json.loads(drawn["report.json"]), " ".join(drawn["report.html"].decode().split())
    assert "3 dated questions, 2 open, 1 whose day has passed without an outcome entered and 0 with one" in html
    assert "1 question whose day has passed, no outcome entered" in html
    assert "own judgement 50" in html
    told = page["caveats"]
    assert ("q-truce", "q-rare") == (told["disagreement"]["question"], told["in_odds"]["question"])
    assert "in odds most on “Rare?” (Market" in page["confidence"]["reasons"][1]["text"]


def test_chart_names_stand_apart(recorded: Drawn) -> None:
    """The first point is at the left end, the last at the right, higher probabilities higher, names apart."""
    past = recorded.page["history"]
    place = chart(history_of(material(recorded.about, lambda _: None), ()), recorded.page["axis_to"])
    labels = sorted(row.label_y for row in place.rows)
    assert all(after - before_ >= APART - 1e-9 for before_, after in itertools.pairwise(labels))
    for row, drawn in zip(past["scenarios"], place.rows, strict=True):
        assert 0.0 == drawn.dots[0][0]
        assert drawn.dots[-1][0] == pytest.approx(WIDTH)
        shares = [point["probability"] for point in row["updates"]]
        heights = [-y for _, y in drawn.dots]
        assert np.argsort(shares).tolist() == np.argsort(heights).tolist()


def test_jumps_are_told_with_what_became_known(drawn: Drawn) -> None:
    """The largest jumps of the updates, one a day, each with the evidence that became known since the day before."""
    past = drawn.page["history"]
    expected: dict[str, tuple[float, str, str]] = {}
    for row in past["scenarios"]:
        for before, after in itertools.pairwise(row["replay"] or row["updates"]):
            size = abs(after["probability"] - before["probability"])
            expected[after["day"]] = max(expected.get(after["day"], (0.0, "", "")), (size, row["id"], before["day"]))
    told = {jump["day"]: jump for jump in past["jumps"]}
    assert {day for day, (size, _, _) in expected.items() if size >= JUMP} == set(told)
    assert 0 < len(told) <= JUMPS
    section = drawn.html.split('<h2 id="history"', 1)[1].split("</section>", 1)[0]
    for day, jump in told.items():
        size, scenario, since = expected[day]
        assert (scenario, since) == (jump["scenario"], jump["since"])
        assert size == pytest.approx(abs(jump["to"] - jump["from"]))
        known = [row for row in drawn.page["evidence"] if since < row["reported"] <= day]
        assert len(known) == jump["items"]
        assert set(jump["headlines"]) <= {row["headline"] for row in known}
        assert bool(known) == bool(jump["headlines"])
        assert f"<b>{day}: {jump['name']} {jump['from_shown']} → {jump['to_shown']}.</b>" in section


@pytest.mark.parametrize(
    ("questions", "bins", "uncertainty", "why"),
    [
        (19, 3, 0.2, "19 resolved questions are fewer than 20"),
        (1, 1, 0.0, "1 resolved question is fewer"),
        (40, 1, 0.2, "one group"),
        (40, 3, 0.0, "ended in the same way"),
        (20, 2, 0.2, None),
    ],
)
def test_calibration_is_drawn_where_it_shows_something(
    questions: int, bins: int, uncertainty: float, why: str | None
) -> None:
    """Of few questions, of one group and of one outcome there is a sentence and no figure."""
    said = not_drawn(questions, bins, uncertainty)
    assert said is None if why is None else why in (said or "")


def test_scores_are_those_of_the_replay(recorded: Drawn) -> None:
    """Scores, skill and calibration are what the score table says of the replay, and are on the page."""
    rows = replay_rows()
    table = score_table({name: [row[name] for row in rows] for name in COLUMNS})
    expected = scored(table)
    assert as_data(expected) == recorded.page["scores"]
    assert 40 == expected.resolved
    assert {"Market", "base rate"} == {row.name for row in expected.beside}
    for row in expected.beside:
        assert (row.brier, row.brier_theirs) == pytest.approx((0.01, 0.25))
        assert row.shown["interval"] in recorded.html
    assert "better than Market (40 questions)" in expected.sentence
    assert recorded.page["confidence"]["reasons"][-1]["numbers"]["resolved"] == 40


def test_better_and_worse_are_claimed_only_with_the_whole_interval() -> None:
    """An interval that holds zero does not tell two apart; one that is above it says worse."""
    skill = {
        "measure": "skill", "of": "brier", "forecaster": "forecast", "benchmark": "Market", "n_questions": 12,
        "score": 0.2, "benchmark_score": 0.1,
        "anytime": {"mean": 0.1, "low": -0.1, "high": 0.4, "more": 20},
        "heaviest": {
            "question": "q1", "score": 1.2, "benchmark_score": 0.9,
            "score_without": 0.1, "benchmark_score_without": 0.05,
        },
    }  # fmt: skip
    table: dict[str, Any] = {"n_questions": {"resolved": 12}, "definitions": {}, "scores": [skill]}
    found = scored(table)
    assert "Too few are answered by both to tell it apart from Market (12 questions)." == found.sentence
    assert "20" == found.beside[0].shown["more"]
    assert not found.beside[0].is_worse
    assert "50\u202f% is the question “q1”" in found.heaviest
    assert "without it the means are 0.100 and 0.050" in found.heaviest
    told = {**skill, "anytime": {"mean": 0.1, "low": 0.01, "high": 0.2, "more": 0}}
    worse = scored({**table, "scores": [told]})
    assert "By the Brier score this forecast is worse than Market (12 questions)." == worse.sentence
    assert worse.beside[0].is_worse


def test_without_a_record_it_is_said() -> None:
    """No replay, or no resolved question: not yet."""
    assert scored(None).text.startswith("Not yet")
    assert scored({"n_questions": {"resolved": 0}, "scores": []}).text.startswith("Not yet")


def test_calibration_run_is_shown(recorded: Drawn) -> None:
    """A stored run is told with its date and worlds, and its ranks are drawn."""
    run = recorded.page["calibration"]
    assert "Run on 1 August 2025 on 200 simulated worlds of a made-up network: not this one." in run["text"]
    assert "No quantity's ranks are uneven" in run["text"]
    assert 'aria-label="Ranks of simulated truths' in recorded.html
    assert (
        "as often as they were forecast: “other”, the furthest off, 139 times where 141.8 were expected" in run["text"]
    )
    assert "has not yet been run" in calibration_of(None).text
    assert "a model that the file does not name" in calibration_of({**KEPT_RUN, "worlds": 2}).text


def test_posterior_calibration_says_what_it_ran_on(recorded: Drawn) -> None:
    """Never run, run with too few refits, with chains that did not agree."""
    none = posterior_calibration_of(None, "now", "these")
    assert not none.run
    assert "has not been run" in none.text
    assert "python -m benchmarks.posterior_calibration" in none.text
    run = {**KEPT_RUN, "as_of": "2025-07-01", "draws": "now", "refits": 120, "doubtful": 0}
    own = posterior_calibration_of(run, "now", "these").text
    assert "Run on 1 August 2025, 120 refits of the forecast as of 1 July 2025: this forecast's own model" in own
    assert "No quantity's ranks are uneven" in own
    few = posterior_calibration_of({**run, "refits": 7, "doubtful": 2}, "now", "these").text
    assert "100 are wanted" in few
    assert "In 2 of them the chains did not agree" in few
    assert recorded.page["posterior_calibration"]["same_inputs"] is None
    assert "the file does not say of which inputs" in recorded.html
    assert 'aria-label="Ranks of drawn parameters in refits' in recorded.html


@pytest.mark.parametrize(
    ("draws", "inputs", "same", "said"),
    [
        ("now", "these", True, "this forecast's own model, statements and draws"),
        ("now", None, True, "this forecast's own model, statements and draws"),
        ("then", "these", True, "statements as they are now, drawn by another version of the program"),
        ("then", "those", False, "another model, other statements or another anchor"),
        ("then", None, None, "other draws than this forecast's, and the file does not say of which inputs"),
    ],
)
def test_a_run_of_an_older_program_is_no_run_of_other_statements(
    draws: str, inputs: str | None, same: bool | None, said: str
) -> None:
    """The same draws, the same inputs by another program, other inputs, and a file that does not say of which."""
    told = {"as_of": "2025-07-01", "refits": 120, "doubtful": 0} | ({} if inputs is None else {"inputs": inputs})
    run = posterior_calibration_of({**KEPT_RUN, **told, "draws": draws}, "now", "these")
    assert (draws == "now", same) == (run.current, run.same_inputs)
    assert said in run.text


def test_a_finished_run_stands_for_its_inputs() -> None:
    """It stands for its draws or inputs, not for others or where refits are missing; of a riddle nothing is made."""
    run = {"draws": "now", "inputs": "these", "refits": 100}
    assert stands(run, "now", "these", 100)
    assert stands(run, "later", "these", 100)
    assert not stands(run, "later", "those", 100)
    assert not stands(run, "now", "these", 101)
    del run["inputs"]
    assert stands(run, "now", "these", 100)
    with pytest.raises(click.UsageError, match="does not say of which inputs"):
        stands(run, "later", "these", 100)


def test_scenarios_that_came_about_too_often_are_told() -> None:
    """A scenario more than 2.58 standard errors away is said to be off; without counts nothing is said of scenarios."""
    kept: dict[str, Any] = {"date": "2025-08-01", "worlds": 200, "quantities": []}
    assert "came true" not in calibration_of(kept).text
    kept["scenarios"] = [{"name": "peace", "came": 90, "expected": 58.25, "z": 5.1}]
    assert (
        "Probabilities are off: “peace” came true 90 times where 58.2 were expected (+5.1" in calibration_of(kept).text
    )


@pytest.mark.parametrize(
    ("file", "content", "named"),
    [
        ("calibration", "{", "no JSON"),
        ("calibration", "[]", "no JSON object"),
        ("calibration", '{"date": "2025-01-01"}', "no worlds"),
        ("posterior-calibration", '{"date": "2025-01-01"}', "no as_of"),
        ("posterior-calibration", json.dumps({**KEPT_RUN, "as_of": 3, "draws": "", "refits": 1, "doubtful": 0}), "as "),
    ],
)
def test_mistakes_in_a_calibration_file_are_named(answered: Path, file: str, content: str, named: str) -> None:
    """A file that is no run of calibration is a problem with its path, not a traceback."""
    (answered / "reports" / f"{file}.json").write_text(content, encoding="utf-8")
    about = asked(world(), answered)
    with pytest.raises(WorkspaceProblems, match=rf"reports/{file}\.json:1") as raised:
        material(about, lambda _: None)
    assert named in str(raised.value)


def test_answers_are_asked_once(tmp_path: Path) -> None:
    """What the engine answered is kept under its digest: a second report asks nothing, another forecast does."""
    about = asked(world(), tmp_path)
    said: list[str] = []
    first = material(about, said.append)
    assert said
    said.clear()
    assert first.answers == material(about, said.append).answers
    assert [] == said
    other = replace(about, recorded=replace(about.recorded, line=replace(about.recorded.line, seed=7)))
    material(other, said.append)
    assert said


def test_questions_are_never_those_of_before(answered: Path) -> None:
    """What is kept of the questions counts only as long as they and what others say of them are the same."""
    about = asked(world(), answered)
    assert () == material(about, lambda _: None).questions
    workspace = replace(about.outcome.workspace, questions=(QUESTION,), benchmarks={BENCHMARK.id: BENCHMARK})
    other = replace(about, outcome=replace(about.outcome, workspace=workspace))
    (row,) = material(other, lambda _: None).questions
    assert [0.125] == [number.probability for number in row.benchmarks]
    later = replace(BENCHMARK, points=((date(2025, 3, 1), "Market", 0.25),))
    again = replace(workspace, benchmarks={BENCHMARK.id: later})
    (row,) = material(replace(about, outcome=replace(about.outcome, workspace=again)), lambda _: None).questions
    assert [0.25] == [number.probability for number in row.benchmarks]


def test_report_before_is_the_latest_earlier_one(tmp_path: Path) -> None:
    """A report links to the latest one before its own date that is there."""
    about = asked(world(), tmp_path)
    assert [("All updates", "../index.html")] == elsewhere(tmp_path, about.outcome)
    for day in ("2025-05-01", "2025-08-01", "2025-09-01", "2025-10-01", "2025-08-15"):
        folder = tmp_path / "reports" / day
        folder.mkdir(parents=True)
        if day != "2025-08-15":
            (folder / "report.html").write_text("", encoding="utf-8")
    assert ["2025-05-01", "2025-08-01", "2025-09-01", "2025-10-01"] == report_days(tmp_path)
    earlier = ("Report before", "../2025-08-01/report.html")
    assert [earlier, ("All updates", "../index.html")] == elsewhere(tmp_path, about.outcome)
    write_index(tmp_path, about.outcome, about.ledger)
    html = (tmp_path / "reports" / "index.html").read_text(encoding="utf-8")
    assert 'href="2025-09-01/report.html"' in html
    shutil.rmtree(tmp_path / "reports" / "2025-09-01")
    write_index(tmp_path, about.outcome, about.ledger)
    assert 'href="2025-09-01/report.html"' not in (tmp_path / "reports" / "index.html").read_text(encoding="utf-8")


def test_index_lists_every_update(drawn: Drawn) -> None:
    """Each date of the ledger stands with every scenario's share, the latest first; hostile notes are text."""
    lines = [
        ListedForecast(as_of=day, note="<script>alert(1)</script>", shares={"a": (p, None)})
        for day, p in (("2025-03-01", 0.25), ("2025-05-01", 0.5), ("2025-05-01", 0.75))
    ]
    html = index_page("T <b>", {"a": "A <i>", "gone": "Gone"}, lines, ["2025-05-01"])
    parsed = elements(html)
    assert set() == {tag for tag, _ in parsed.found} & {"script", "b", "i"} - {"b"}
    text = " ".join(parsed.texts)
    assert text.index("1 May 2025") < text.index("1 March 2025")
    assert 2 == text.count("75\u202f%")
    assert "25\u202f%" in text
    assert "Gone" not in text
    assert "2025-09-01" in drawn.html or "1 September 2025" in drawn.html


def _index(root: Path, about: ReportRequest, ledger: tuple[Line, ...]) -> str:
    write_index(root, about.outcome, ledger)
    return (root / "reports" / "index.html").read_text(encoding="utf-8")


def test_index_lists_every_page(tmp_path: Path) -> None:
    """A page without a ledger line, of a day on which nothing was new, is listed with its own numbers."""
    about = asked(world(), tmp_path)
    folder = tmp_path / "reports" / "2025-09-02"
    folder.mkdir(parents=True)
    rows = [{"id": "peace", "probability": 0.432, "mcse": 0.0001}]
    (folder / "forecast.json").write_text(json.dumps({"scenarios": rows}), encoding="utf-8")
    ledger = about.ledger
    assert "2 September" not in _index(tmp_path, about, ledger)
    (folder / "report.html").write_text("", encoding="utf-8")
    html = _index(tmp_path, about, ledger)
    assert '<a href="2025-09-02/report.html">2 September 2025</a>' in html
    assert "43.2\u202f%" in html
    assert "nothing new: no line in the ledger" in html
    (folder / "forecast.json").unlink()
    assert '<a href="2025-09-02/report.html">2 September 2025</a>' in _index(tmp_path, about, ledger)


def _line(day: str, items: int = 1, number: int | None = None, note: str | None = None) -> Line:
    return update(day, number=number, known_until="2025-09-01", inputs={"items": items}, note=note)


def test_a_page_shows_the_line_of_its_own_forecast() -> None:
    """The line has the date and the inputs of the forecast; another date's line is named as such and not shown."""
    first, second = _line("2025-09-01", 1, 1, "one"), _line("2025-09-05", 2, 2, "two")
    of_first = recorded_in(_line("2025-09-01"), (first, second))
    assert (1, "one", "line 1") == (of_first.number, of_first.line.note, of_first.sentence)
    quiet = recorded_in(_line("2025-09-07", 2), (first, second))
    assert (None, (2, "2025-09-05")) == (quiet.number, quiet.same)
    assert "no line of its own: nothing is new since line 2, of 5 September 2025" == quiet.sentence
    unknown = recorded_in(_line("2025-09-03", 3), (first, second))
    assert (None, None, "no line: this forecast is not recorded") == (unknown.number, unknown.same, unknown.sentence)
    again = recorded_in(_line("2025-09-01"), (first, second, _line("2025-09-01", 1, 3, "anew")))
    assert (3, "anew") == (again.number, again.line.note)


def test_a_page_says_what_it_is_compared_with() -> None:
    """The update that it was compared with, or that nothing is new since one, or that it is the first."""
    quiet = recorded_in(_line("2025-09-07"), (_line("2025-09-01", 1, 1), _line("2025-09-09", 2, 2)))
    assert "Nothing new since 1 September 2025" == quiet.compared(None)
    assert "Changes since 5 August 2025 (ledger line 1)" == quiet.compared("5 August 2025 (ledger line 1)")
    # What is dated later is none of its past.
    first = recorded_in(_line("2025-09-01"), (_line("2025-09-01", 1, 1), _line("2025-09-09", 2, 2)))
    assert "First forecast: nothing to compare with" == first.compared(None)


def test_the_page_of_a_quiet_day(answered: Path) -> None:
    """Of a forecast without a line the page shows none, and its history has no day that lies after it."""
    about = asked(world(), answered)
    line = about.ledger[-1]
    later = replace(line, as_of=date(2025, 10, 1), inputs={"items": 1}, note="of October", number=2)
    before = replace(line, as_of=date(2025, 8, 20), note="of August", number=1)
    ledger = (before, later)
    table = about.forecast.table
    quiet = replace(
        about, ledger=ledger, recorded=recorded_in(replace(line, note=None), ledger), start=None,
        forecast=replace(about.forecast, table=replace(table, head=replace(table.head, compared_with=None))),
    )  # fmt: skip
    files = report_files(material(quiet, lambda _: None), lambda _: None)
    page, html = json.loads(files["report.json"]), files["report.html"].decode()
    assert (None, None) == (page["reproduce"]["number"], page["reproduce"]["line"])
    assert "no line of its own: nothing is new since line 1, of 20 August 2025" in html
    assert "of October" not in html
    assert "<li>Nothing new since 20 August 2025</li>" in html
    assert "First forecast" not in html + files["report.md"].decode()
    for row in page["history"]["scenarios"]:
        assert ["2025-01-01", "2025-08-20", "2025-09-01"] == [point["day"] for point in row["updates"]]


def test_sparkline_runs_from_left_to_right() -> None:
    """Days are to scale, and a higher share stands higher."""
    place = spark([("2025-01-01", 0.0), ("2025-01-11", 0.5), ("2025-01-21", 1.0)])
    (x, y), (x2, y2), (x3, y3) = place.dots
    assert x2 - x == pytest.approx(x3 - x2)
    assert y > y2 > y3


def test_history_of_a_first_forecast(drawn: Drawn) -> None:
    """Without replay or questions, history holds the opening and the updates, and says that nothing else is there."""
    about = drawn.about
    past = history_of(replace(material(about, lambda _: None), ledger=()), ())
    for row in past.scenarios:
        assert [] == row.replay
        assert 2 == len(row.updates)
    assert "No question has a benchmark" in drawn.html


def test_what_was_edited_is_named_by_its_files() -> None:
    """Files that hold what differs between two lines are named where both are known, records in any case."""
    inputs = {
        "network": "n",
        "scenarios": "s",
        "experts": {},
        "sources": {},
        "items": {},
        "statements": {"a": "1"},
        "retracted": [],
    }
    before = replace(update("2025-09-01"), inputs=inputs)
    after = replace(before, inputs=inputs | {"network": "m", "statements": {"a": "1", "b": "2"}, "items": {"i": "3"}})
    now = {
        "priors/network.yaml": "2",
        "priors/scenarios.yaml": "2",
        "priors/statements/x.yaml": "2",
        "evidence/i.yaml": "2",
    }
    then = {"priors/network.yaml": "1", "priors/scenarios.yaml": "1", "priors/statements/y.yaml": "1"}
    found = edited(after, before, now, then)
    # The scenarios' file differs, but not what it says.
    assert ("priors/network.yaml", "priors/statements/x.yaml", "priors/statements/y.yaml") == found.files
    assert ("new statement b", "network") == found.records
    assert () == edited(after, before, now, {}).files
    assert Edited() == edited(before, before, now, now)


def test_quantities_are_called_as_on_the_page() -> None:
    """A run's scenarios have their names, what it ranks besides has words; ids of a made-up network are readable."""
    ranked = {"ranks": [1], "of": 9, "p_value": 0.4}
    names = ("P(big_war | evidence)", "levels (alpha)", "something else")
    run = {
        "date": "2025-08-01",
        "as_of": "2025-07-01",
        "draws": "d",
        "refits": 1,
        "doubtful": 0,
        "quantities": [{"name": name, **ranked} for name in names],
    }
    own = posterior_calibration_of(run, "d", "", {"big_war": "The big war"}).quantities
    assert ["P(The big war | evidence)", "levels α", "something else"] == [row.name for row in own]
    other = calibration_of({"date": "2025-08-01", "worlds": 1, "quantities": run["quantities"]}).quantities
    assert "P(big war | evidence)" == other[0].name


def test_a_report_names_the_state_that_it_speaks_for(drawn: Drawn) -> None:
    """The state under which it is likeliest; nothing where it settles the event, and on the page behind an arrow."""
    towards = {row["id"]: [part["towards"] for part in row["bears_on"]] for row in drawn.page["evidence"]}
    expected = {"i-settled": [""], "i-said": ["general"], "i-claim": ["cut"], "i-gone": ["yes"], "i-old": ["no"]}
    assert expected == {name: towards[name] for name in expected}
    assert "→ general" in drawn.html


def test_an_update_is_named_by_its_line(recorded: Drawn, answered: Path) -> None:
    """The date of what is compared with has the line of the ledger beside it, where one of that date is there."""
    assert "Changes since 1 June 2025" == recorded.page["compared"]  # of the same inputs: no line to compare with
    request = asked(world(), answered)
    earlier = replace(request.ledger[0], inputs={**request.ledger[0].inputs, "network": "another"})
    since = material(replace(request, ledger=(earlier, request.ledger[1])), lambda _: None).since
    assert "1 June 2025 (ledger line 1)" == since


def test_figures_of_ranks_and_scores_are_computed_once(
    recorded: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same runs and the same table nothing is computed again; of other ranks the figure is drawn anew."""
    root = tmp_path / "workspace"
    shutil.copytree(recorded.about.root, root)
    about = replace(recorded.about, root=root)
    before = material(about, lambda _: None)
    assert {"pit", "posterior-pit"} == set(before.ranks)

    def again(*_: object) -> None:
        pytest.fail("it is computed again")

    with monkeypatch.context() as patch:
        patch.setattr("forecast.report.sections.checks.drawn_ranks", again)
        patch.setattr("forecast.scoring.score_table.score", again)
        same = material(about, lambda _: None)
    assert (before.ranks, before.kept.scores) == (same.ranks, same.kept.scores)
    path = root / "reports/calibration.json"
    run = json.loads(path.read_text(encoding="utf-8"))
    run["quantities"][0]["ranks"] = [50, *run["quantities"][0]["ranks"][1:]]
    path.write_text(json.dumps(run), encoding="utf-8")
    after = material(about, lambda _: None).ranks
    assert before.ranks["pit"] != after["pit"]
    assert before.ranks["posterior-pit"] == after["posterior-pit"]


@given(st.dictionaries(st.integers(0, 20_000), st.integers(1, 40)))
def test_ticks_of_evidence_stand_apart(counts: dict[int, int]) -> None:
    """Every item is counted in one tick, and a history of many years has no more ticks than can be told apart."""
    start = date(2001, 1, 1)
    evidence = [EvidenceDay(day=(start + timedelta(days=n)).isoformat(), count=of) for n, of in counts.items()]
    period, ticks = binned(evidence, start)
    assert period in PERIODS
    assert sum(counts.values()) == sum(ticks.values())
    assert len(ticks) <= WIDTH / TICKS_APART
    if len(counts) <= WIDTH / TICKS_APART:
        assert (1, counts) == (period, ticks)
