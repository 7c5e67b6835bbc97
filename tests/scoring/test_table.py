"""Tables of forecasts: what is read, and every mistake at its line, all in one run."""

from __future__ import annotations

import csv
from collections.abc import Sized
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.scoring.world import DEFAULT_LEVEL, ExpertForecast, ForecastTable, read_table
from forecast.workspace.problems import Source, WorkspaceProblems

TODAY = date(2026, 11, 23)
EMPTY = "t.csv:1: the file is empty; an unused file is deleted"
BROKEN = 't.csv:3: not readable as CSV; got \'b,"q"x,.5\'; cells that hold , or " are quoted whole, '
BROKEN += "and a quote within them is doubled"
LATIN = "t.csv:3: not UTF-8 text; got byte 0xff; save the file as UTF-8"
BOTH = "t.csv:2: the row needs one probability; got both; write it under 'probability' or under 'best'"
SEMICOLONS = "t.csv:1: cells are separated by semicolons; got 'expert;question;probability'; commas"
TWICE = "t.csv:1: column 'expert' appears twice; each column stands once"


def _write(folder: Path, *lines: str) -> Path:
    path = folder / "t.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _read(folder: Path, *lines: str) -> ForecastTable:
    return read_table(_write(folder, *lines), TODAY)


def _problems(folder: Path, *lines: str) -> list[str]:
    path = _write(folder, *lines)
    with pytest.raises(WorkspaceProblems) as found:
        read_table(path, TODAY)
    return [str(problem).removeprefix(f"{folder.as_posix()}/") for problem in found.value.problems]


def test_every_column_is_read(tmp_path: Path) -> None:
    """Each column ends in the field of its name; empty cells are what a missing column is."""
    table = _read(
        tmp_path,
        "question,expert,probability,best,low,high,level,outcome,date,group,weight",
        "rain,ann,0.7,,,,,1.0,2026-01-02,met,2",
        "",
        '"snow, or\nsleet",bob,,.2,.1,.4,.8,,,,',
    )
    place = table.path
    expected = (
        ExpertForecast(
            expert="ann",
            question="rain",
            best=0.7,
            level=DEFAULT_LEVEL,
            outcome=1,
            group="met",
            weight=2.0,
            source=Source(place, 2),
        ),
        ExpertForecast(
            expert="bob",
            question="snow, or\nsleet",
            best=0.2,
            low=0.1,
            high=0.4,
            level=0.8,
            source=Source(place, 4),
        ),
    )
    assert (expected, {"rain": 1, "snow, or\nsleet": None}) == (table.forecasts, table.questions)


def test_certainties_are_read_at_the_nearest_value_and_told_once(tmp_path: Path) -> None:
    """0 and 1 are .001 and .999, ends of intervals too; one note counts them at the first row that has one."""
    head = "expert,question,probability,low,high"
    rows = ("a,q,.5,,", "b,q,0,0,.2", "c,q,1,,", "d,q,.0004,0,.1", "e,q,.7,.2,1", "f,q,.0004,,")
    table = _read(tmp_path, head, *rows)
    found = [(row.best, row.low, row.high) for row in table.forecasts]
    interval = [(0.001, 0.001, 0.2), (0.0004, 0.0004, 0.1), (0.7, 0.2, 0.999)]
    none = (None, None)
    assert [(0.5, *none), interval[0], (0.999, *none), *interval[1:], (0.0004, *none)] == found
    told = "t.csv:3: warning: probabilities of 0 or 1; got 5 numbers in 4 rows; they are read as 0.001 and 0.999: "
    told += "a certainty has no log-odds"
    assert [told] == [str(problem).removeprefix(f"{tmp_path.as_posix()}/") for problem in table.warnings]


@pytest.mark.parametrize("number", ["-0.001", "1.001", "100", "inf", "-inf", "1e-400x"])
def test_beyond_certainty_there_is_nothing(tmp_path: Path, number: str) -> None:
    """What lies below 0 or above 1 is not a probability."""
    assert 1 == len(_problems(tmp_path, "expert,question,probability", f"a,q,{number}"))


def test_an_interval_of_one_certainty_is_none(tmp_path: Path) -> None:
    """Ends that are read as one number are no interval."""
    found = _problems(tmp_path, "expert,question,probability,low,high", "a,q,0,0,0", "b,q,0,0,.0001")
    wrong = [one.split(";")[0] for one in found if "warning" not in one]
    assert [
        "t.csv:2: the interval does not hold its probability",
        "t.csv:3: the interval does not hold its probability",
    ] == wrong


def test_outcome_may_stand_in_any_row_of_its_question(tmp_path: Path) -> None:
    """A question's outcome is known if one of its rows gives it; questions keep the order of the file."""
    table = _read(tmp_path, "expert,question,probability,outcome", "a,z,.5,", "b,z,.5,0", "a,y,.5,", "c,z,.5,")
    assert [("z", 0), ("y", None)] == list(table.questions.items())


def test_every_mistake_at_its_line_in_one_run(tmp_path: Path) -> None:
    """All mistakes of all rows are reported together: where, what, got, allowed."""
    outcomes = "1 is yes, 0 is no, 0.35 a resolution to 35 %, empty is an open question, void counts nowhere"
    times = "write 2026-03-01, 2026-03-01T12:00:00Z or 2026-03-01T12:00:00+00:00"
    once = "keep the latest, or give each its date"
    between = "write a number from 0 to 1, with a point and without '%': 0.7, not 70 %"
    found = _problems(
        tmp_path,
        "expert,question,best,low,high,level,outcome,date,group,weight",
        "a,q1,1.01,,,,,,,",
        "a,q2,70%,,,,,,,",
        "a,q3,7,,,,,,,",
        "a,q4,.5,.6,.7,,,,,",
        "a,q5,.5,.4,,,,,,",
        "a,q6,.5,.4,.7,90,,,,",
        "a,q7,.5,,,,maybe,,,",
        "a,q8,.5,,,,,23.11.2026,,",
        "a,q9,.5,,,,,2026-11-24,,",
        "a,q9,.5,,,,,,,",
        "b,q1,.5,,,,1,,g,",
        "b,q2,nan,,,,,,h,-1",
        "c,q1,,,,,0,,,",
        ",q1,.5,,,,,,,",
        "d,,.5,,,,,,,",
        "e,q1,.5",
    )
    assert found == [
        f"t.csv:2: best is out of range; got 1.01; {between}",
        f"t.csv:3: best is not a number; got '70%'; {between}; 70% is written 0.7",
        f"t.csv:4: best is out of range; got 7; {between}",
        "t.csv:5: the interval does not hold its best; got 0.6, 0.5, 0.7; low <= best <= high, and low < high",
        "t.csv:6: half an interval; got low alone; write low and high",
        "t.csv:7: level is out of range; got 90; a level lies between 0 and 1, such as 0.9",
        f"t.csv:8: outcome is neither 1 nor 0; got 'maybe'; {outcomes}",
        f"t.csv:9: date is not an ISO 8601 date or date-time; got '23.11.2026'; {times}",
        "t.csv:10: date lies in the future; got 2026-11-24; today is 2026-11-23",
        f"t.csv:11: expert 'a' forecasts question 'q9' twice; got first at line 10; {once}",
        f"t.csv:13: best is not a number; got 'nan'; {between}",
        "t.csv:13: expert 'b' has two groups; got 'h', at line 12 'g'; keep one",
        "t.csv:13: weight is out of range; got -1; a weight is a positive number",
        "t.csv:14: question 'q1' has two outcomes; got '0', at line 12 '1'; keep one",
        "t.csv:14: the row has no forecast; got nothing; write a probability, or a value",
        "t.csv:15: expert is empty; got nothing; each row names its expert",
        "t.csv:16: question is empty; got nothing; each row names its question",
        "t.csv:17: a row that does not fit the header; got 3 cells beginning with 'e'; 10 cells, as the header has",
    ]


def test_missing_column_with_the_near_miss(tmp_path: Path) -> None:
    """A missing column is named with the column that may have been meant."""
    found = _problems(tmp_path, "Expert,question,probabilty", "a,q,.5")
    got = "got 'Expert', 'question', 'probabilty'; it is needed, and may be called"
    assert found == [
        f"t.csv:1: column 'forecaster' is missing; {got} 'expert'; did you mean 'Expert'?",
        f"t.csv:1: column 'probability' is missing; {got} 'best'; did you mean 'probabilty'?",
    ]


KNOWN = "expert,question,probability,outcome,date,known"


def test_hindsight_is_not_pooled(tmp_path: Path) -> None:
    """What was said once everybody could know the outcome is no forecast: it is left out, and told once a question."""
    rows = ["ann,q,.5,1,2026-01-01,", "ann,q,.99,1,2026-02-02,2026-02-01", "bob,q,.6,1,2026-02-01,", "bob,r,.6,,,"]
    table = _read(tmp_path, KNOWN, *rows)
    assert {("ann", "q", 0.5), ("bob", "r", 0.6)} == {(row.expert, row.question, row.best) for row in table.forecasts}
    assert () == table.earlier
    expected = "t.csv:3: warning: question 'q': 2 forecasts made once the outcome was known; got 2026-02-02, "
    expected += "known 2026-02-01; only what was forecast before counts"
    assert [expected] == [str(one).removeprefix(f"{tmp_path.as_posix()}/") for one in table.warnings]


def test_hindsight_alone_is_one_mistake(tmp_path: Path) -> None:
    """A table in which nobody said anything before the outcome was known has nothing to pool, and says so once."""
    expected = "t.csv:2: every forecast was made once its outcome was known; forecasts from before `known`"
    assert [expected] == _problems(tmp_path, KNOWN, "ann,q,.99,1,2026-02-02,2026-02-01")


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("resolvd", "resolved"),
        ("Resolved", "resolved"),
        ("resolution date", "resolution_date"),
        ("date_resolved", "resolved_date"),
        ("Resolution-Date", "resolution_date"),
        ("endtime", "end_time"),
        ("End Time", "end_time"),
        ("schedule_close", "scheduled_close"),
    ],
)
def test_a_column_that_decides_what_counts_is_not_passed_over(tmp_path: Path, column: str, meant: str) -> None:
    """Where a heading that says which forecasts count is misspelt, hindsight would count: it is a mistake."""
    expected = f"t.csv:1: unknown column '{column}'; did you mean '{meant}'? It says which forecasts count"
    header = f"expert,question,probability,outcome,date,{column}"
    assert [expected] == _problems(tmp_path, header, "ann,q,.99,1,2026-02-02,2026-02-01")


def test_one_outcome_was_known_from_one_time_on(tmp_path: Path) -> None:
    """Two rows of a question that say different things of it are a mistake, as with its window."""
    rows = ["ann,q,.5,1,2026-01-01,2026-02-01", "bob,q,.5,1,2026-01-01,2026-02-03"]
    expected = "t.csv:3: question 'q' has two times from which its outcome was known; got '2026-02-03', at line 2 "
    assert [f"{expected}'2026-02-01'; keep one"] == _problems(tmp_path, KNOWN, *rows)


def test_column_that_is_not_used_is_a_warning(tmp_path: Path) -> None:
    """A further column is no mistake, but its name is told: it may be a mistyped one."""
    table = _read(tmp_path, "expert,question,probability,outcom", "a,q,.5,1")
    assert ["did you mean 'outcome'?"] == [str(problem).rpartition("; ")[2] for problem in table.warnings]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", EMPTY),
        (b"expert,question,probability\n\n", "t.csv:1: no forecasts; got a header alone; write one row a forecast"),
        (
            b"expert,question,probability\na,q,.5\nb,\xff,.5\n",
            "t.csv:3: not UTF-8 text; got byte 0xff; save the file as UTF-8",
        ),
        (b'expert,question,probability\na,q,.5\nb,"q"x,.5\n', BROKEN),
        (b"expert,question,probability,best\na,q,.5,.5\n", BOTH),
        (b"expert,expert,question,probability\na,a,q,.5\n", TWICE),
        (b"expert;question;probability\na;q;0,5\n", SEMICOLONS),
    ],
)
def test_file_that_holds_no_table(tmp_path: Path, content: bytes, expected: str) -> None:
    """A file that is empty, no text or no CSV is a problem at its line."""
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(WorkspaceProblems) as found:
        read_table(path, TODAY)
    assert [expected] == [str(problem).removeprefix(f"{tmp_path.as_posix()}/") for problem in found.value.problems]


def test_spreadsheet_file(tmp_path: Path) -> None:
    """A byte-order mark and carriage returns, as spreadsheets write them, change nothing."""
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfexpert,question,probability\r\na,q,0.5\r\n")
    assert ["a"] == [forecast.expert for forecast in read_table(path, TODAY).forecasts]


@given(content=st.binary(max_size=200))
def test_any_bytes_are_a_table_or_problems(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever a file holds, reading it gives a table or located problems, never another error."""
    path = tmp_path_factory.mktemp("any") / "t.csv"
    for given_content in (content, b"expert,question,probability,outcome,date,low,high\n" + content):
        path.write_bytes(given_content)
        found: Sized = ()
        try:
            found = read_table(path, TODAY).forecasts
        except WorkspaceProblems as wrong:
            found = wrong.problems
        assert len(found) > 0


def test_a_mistake_behind_many_rows(tmp_path: Path) -> None:
    """The mistake in the last of many rows is told at its line."""
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["expert", "question", "probability", "outcome"])
        rows.writerows([f"e{i % 1000}", f"q{i // 1000}", 0.5, i // 1000 % 2] for i in range(20_000))
        rows.writerow(["e0", "q0", 0.5, 0])
    with pytest.raises(WorkspaceProblems) as found:
        read_table(path, TODAY)
    assert [20_002] == [p.source.line for p in found.value.problems]


def test_an_expert_has_one_group_and_one_weight(tmp_path: Path) -> None:
    """Group and weight of an expert may stand in any row and hold for all; two weights are a problem."""
    head = "expert,question,probability,group,weight"
    table = _read(tmp_path, head, "a,q1,.5,g,", "a,q2,.5,,3", "b,q1,.5,,")
    found = [(forecast.group, forecast.weight) for forecast in table.forecasts]
    assert [("g", 3.0), ("g", 3.0), (None, 1.0)] == found
    expected = ["t.csv:3: expert 'a' has two weights; got '3', at line 2 '2'; keep one"]
    assert expected == _problems(tmp_path, head, "a,q1,.5,,2", "a,q2,.5,,3")
