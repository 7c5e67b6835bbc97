"""Tables of forecasts: what is read from them, and every mistake with its place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.scoring.cells import COLUMNS
from forecast.scoring.read import from_columns, read_forecasts
from forecast.scoring.rows import MICROSECONDS_A_DAY, Forecasts
from forecast.workspace.problems import WorkspaceProblems

HEADER = "question,forecaster,time,probability,outcome,opens,closes"
WINDOW = "2026-01-01,2026-01-11"
GOOD = f"rain,ann,2026-01-02,0.5,1,{WINDOW}"
STATES = "question,forecaster,time,state,probability,outcome,opens,closes"
NUMBERS = "question,forecaster,time,quantile,value,outcome,opens,closes"


def _read(tmp_path: Path, *lines: str, header: str = HEADER, ordered: bool = False) -> Forecasts:
    path = tmp_path / "f.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return read_forecasts([path], ordered=ordered, base=tmp_path)


def _problems(tmp_path: Path, *lines: str, header: str = HEADER) -> list[str]:
    with pytest.raises(WorkspaceProblems) as found:
        _read(tmp_path, *lines, header=header)
    return str(found.value).splitlines()


ONE_MISTAKE = {
    "rain,ann,2026-01-02,1.2,1,{w}": "probability is out of range; got 1.2; write a number from 0 to 1",
    "rain,ann,2026-01-02,70 %,1,{w}": "probability is not a number; got '70 %'; write a number from 0 to 1",
    "rain,ann,2026-01-02,nan,1,{w}": "probability is not a number; got 'nan'",
    "rain,ann,2026-01-02,,1,{w}": "the row has no forecast; got nothing; write a probability, or a value",
    ",ann,2026-01-02,.5,1,{w}": "question is empty; got nothing; each row names its question",
    "rain,,2026-01-02,.5,1,{w}": "forecaster is empty; got nothing; each row names its forecaster",
    "rain,ann,,.5,1,{w}": "time is empty; got nothing; each row names its time",
    "rain,ann,2026-13-02,.5,1,{w}": "time is not an ISO 8601 date or date-time; got '2026-13-02'; write 2026-03-01",
    "rain,ann,2026-01-02T00:00:00+02:00,.5,1,{w}": "time is not in UTC; got '2026-01-02T00:00:00+02:00'; convert it",
    "rain,ann,2025-12-31T23:59:59Z,.5,1,{w}": "the forecast was made before its question opens; got 2025-12-31T23:59:5",
    "rain,ann,2026-01-11T00:00:01Z,.5,1,{w}": "the forecast was made after its question closes; got 2026-01-11T00:00:0",
    "rain,ann,2026-01-02,.5,2,{w}": "outcome is neither 1 nor 0; got '2'; 1 is yes, 0 is no",
    "rain,ann,2026-01-02,.5,viod,{w}": "outcome is neither 1 nor 0; got 'viod'; 1 is yes, 0 is no, 0.35 a "
    "resolution to 35 %, empty is an open question, void counts nowhere; did you mean 'void'?",
    "rain,ann,2026-01-02,.5,1,,2026-01-11": "question 'rain' has no 'opens'; got nothing; one row of a question",
    "rain,ann,2026-01-05,.5,1,2026-01-11,2026-01-01": "question 'rain' closes before it opens; got opens 2026-01-11",
    "rain,ann,2026-01-02": "a row that does not fit the header; got 3 cells beginning with 'rain'; 7 cells",
}


@pytest.mark.parametrize("line", ONE_MISTAKE)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    """A row that is wrong is named by its line, with what was got and what is allowed."""
    found = _problems(tmp_path, f"snow,bob,2026-01-02,.5,1,{WINDOW}", line.format(w=WINDOW))
    expected = f"f.csv:3: {ONE_MISTAKE[line]}"
    assert [] == [problem for problem in found if not problem.startswith("f.csv:3: ")]
    assert [expected] == [problem[: len(expected)] for problem in found if problem.startswith(expected)]


TWO_ROWS = {
    f"rain,bob,2026-01-03,.5,0,{WINDOW}": "question 'rain' has two outcomes; got '0', at line 2 '1'; keep one",
    f"rain,bob,2026-01-03,.5,void,{WINDOW}": "question 'rain' has two outcomes; got 'void', at line 2 '1'; keep one",
    "rain,bob,2026-01-03,.5,1,2026-01-01,2026-02-01": "question 'rain' has two ends (closes); got '2026-02-01', "
    "at line 2 '2026-01-11'; keep one",
    "rain,bob,2026-01-03,.5,1,2025-01-01,2026-01-11": "question 'rain' has two openings (opens); got '2025-01-01', "
    "at line 2 '2026-01-01'; keep one",
    f"rain,ann,2026-01-02T00:00:00Z,.6,1,{WINDOW}": "forecaster 'ann' forecasts question 'rain' twice at one time; "
    "got 2026-01-02, first at line 2; one forecast at a time",
}


@pytest.mark.parametrize("line", TWO_ROWS)
def test_what_rows_say_against_each_other(tmp_path: Path, line: str) -> None:
    """A question has one outcome and one window, a forecaster one forecast at a time; the other line is named."""
    assert [f"f.csv:3: {TWO_ROWS[line]}"] == _problems(tmp_path, GOOD, line)


OF_STATES = {
    ("q,ann,2026-01-02,a,.5,c,{w}", "q,ann,2026-01-02,b,.5,,{w}"): "f.csv:2: outcome is none of the options; got 'c'; "
    "options are 'a', 'b'",
    (
        "q,ann,2026-01-02,a,.5,a,{w}",
        "q,ann,2026-01-02,b,.6,,{w}",
    ): "f.csv:2: probabilities of a forecast of question 'q' do not add up to 1; got 1.1; 1 up to 0.001",
    (
        "q,ann,2026-01-02,a,.5,a,{w}",
        "q,ann,2026-01-02,b,.5,,{w}",
        "q,bob,2026-01-02,a,1,,{w}",
    ): "f.csv:4: a forecast of question 'q' leaves states out; got 1 of 2 states; write every state",
    (
        "q,ann,2026-01-02,a,.5,a,{w}",
        "q,ann,2026-01-02,a,.5,,{w}",
    ): "f.csv:3: forecaster 'ann' forecasts question 'q' twice",
    ("q,ann,2026-01-02,a,1,a,{w}", "q,bob,2026-01-02,,.5,,{w}"): "f.csv:3: question 'q' is forecast in two ways; got "
    "yes_no, at line 2 states",
}


@pytest.mark.parametrize("lines", OF_STATES)
def test_mistakes_about_states(tmp_path: Path, lines: tuple[str, ...]) -> None:
    """A forecast of states names each of them once, adds up to 1, and one of them comes true."""
    found = _problems(tmp_path, *(line.format(w=WINDOW) for line in lines), header=STATES)
    assert [OF_STATES[lines]] == [problem[: len(OF_STATES[lines])] for problem in found]


OF_ORDER = {
    (
        "q,ann,2026-01-02,a,1,.5,a,{w}",
        "q,ann,2026-01-02,b,1,.5,,{w}",
    ): "f.csv:3: two states of question 'q' have one place; got 1, the place of 'a' at line 2",
    ("q,ann,2026-01-02,a,1,.5,a,{w}", "q,ann,2026-01-02,b,,.5,,{w}"): "f.csv:3: state 'b' of question 'q' has no order",
    (
        "q,ann,2026-01-02,a,1,1,a,{w}",
        "q,bob,2026-01-02,a,2,1,,{w}",
    ): "f.csv:3: state 'a' of question 'q' has two places; got 2, at line 2 1",
    ("q,ann,2026-01-02,,1,.5,1,{w}",): "f.csv:2: an order without a state; got '1'",
}


@pytest.mark.parametrize("lines", OF_ORDER)
def test_mistakes_about_order(tmp_path: Path, lines: tuple[str, ...]) -> None:
    """Where one state of a question has a place, each has one of its own."""
    header = STATES.replace("state,", "state,order,")
    found = _problems(tmp_path, *(line.format(w=WINDOW) for line in lines), header=header)
    assert [OF_ORDER[lines]] == [problem[: len(OF_ORDER[lines])] for problem in found]


OF_NUMBERS = {
    ("q,ann,2026-01-02,.1,4,3,{w}", "q,ann,2026-01-02,.9,2,3,{w}"): "f.csv:3: quantiles cross; got 2 at level 0.9",
    ("q,ann,2026-01-02,1,4,3,{w}",): "f.csv:2: quantile is out of range; got 1; a level lies between 0 and 1",
    ("q,ann,2026-01-02,.1,4,yes,{w}",): "f.csv:2: outcome is not a number; got 'yes'; a number",
    (
        "q,ann,2026-01-02,.1,4,3,{w}",
        "q,ann,2026-01-02,.1,5,3,{w}",
    ): "f.csv:3: forecaster 'ann' forecasts question 'q' twice",
    ("q,ann,2026-01-02,.1,inf,3,{w}",): "f.csv:2: value is not a number; got 'inf'",
}


@pytest.mark.parametrize("lines", OF_NUMBERS)
def test_mistakes_about_numbers(tmp_path: Path, lines: tuple[str, ...]) -> None:
    """Quantiles have levels between 0 and 1 and rise with them; values and outcomes are numbers."""
    found = _problems(tmp_path, *(line.format(w=WINDOW) for line in lines), header=NUMBERS)
    assert [OF_NUMBERS[lines]] == [problem[: len(OF_NUMBERS[lines])] for problem in found]


EARLY = {
    ("2026-01-10",): "f.csv:2: question 'rain' closes after its scheduled close; got closes 2026-01-11, "
    "scheduled_close 2026-01-10; closes <= scheduled_close; a date is its 00:00 UTC",
    ("2026-02-01", "2026-02-02"): "f.csv:3: question 'rain' has two scheduled ends; got '2026-02-02', at line 2 "
    "'2026-02-01'; keep one",
    ("February",): "f.csv:2: scheduled_close is not an ISO 8601 date or date-time; got 'February'; write 2026-03-01",
    ("2026-02-01T00:00:00+01:00",): "f.csv:2: scheduled_close is not in UTC; got '2026-02-01T00:00:00+01:00'; convert",
}


@pytest.mark.parametrize("scheduled", EARLY)
def test_mistakes_about_the_scheduled_close(tmp_path: Path, scheduled: tuple[str, ...]) -> None:
    """A scheduled close is a time in UTC, not before the close, and one for the question."""
    lines = [f"rain,f{at},2026-01-02,.5,1,{WINDOW},{cell}" for at, cell in enumerate(scheduled)]
    found = _problems(tmp_path, *lines, header=f"{HEADER},scheduled_close")
    assert [EARLY[scheduled]] == [problem[: len(EARLY[scheduled])] for problem in found]


def test_a_scheduled_close_stands_in_any_row_or_none(tmp_path: Path) -> None:
    """One row is enough; without one a question was to close when it did."""
    lines = [f"rain,ann,2026-01-02,.5,1,{WINDOW},", f"rain,bob,2026-01-02,.5,1,{WINDOW},2026-02-01"]
    read = _read(tmp_path, *lines, f"snow,bob,2026-01-02,.5,1,{WINDOW},", header=f"{HEADER},scheduled_close")
    days = [(one.scheduled_close - one.closes) // MICROSECONDS_A_DAY for one in read.questions]
    assert [21, 0] == days


def test_levels_are_equal_but_for_rounding(tmp_path: Path) -> None:
    """.3 and .1 + .2 are one level, which a forecast states once."""
    lines = [f"q,ann,2026-01-02,{level},4,3,{WINDOW}" for level in ("0.3", repr(0.1 + 0.2))]
    (found,) = _problems(tmp_path, *lines, header=NUMBERS)
    expected = "f.csv:3: forecaster 'ann' forecasts question 'q' twice at one time"
    assert expected == found[: len(expected)]


def test_the_edge_of_the_tolerance_belongs_to_it(tmp_path: Path) -> None:
    """Probabilities that add up to 1.001 as written pass, whatever their sum in floating point."""
    cells = zip("abcd", ("0.1005", "0.2335", "0.3335", "0.3335"), strict=True)
    lines = [f"q,ann,2026-01-02,{state},{p},a,{WINDOW}" for state, p in cells]
    assert 4 == _read(tmp_path, *lines, header=STATES).entries.size
    lines[0] = lines[0].replace("0.1005", "0.1006")
    (found,) = _problems(tmp_path, *lines, header=STATES)
    assert "do not add up to 1; got 1.0011" in found


MANY_ROWS = {
    "probabilities of a forecast of question 'q0' do not add up to 1; got 1.1; 1 up to 0.001; 29 more rows": (
        STATES,
        [f"q{n},ann,2026-01-02,{state},{p},a,{WINDOW}" for n in range(30) for state, p in (("a", 0.5), ("b", 0.6))],
    ),
    "quantile is out of range; got 10, 50, 90; a level lies between 0 and 1, such as 0.05; 89 more rows": (
        NUMBERS,
        [f"n{n},ann,2026-01-02,{level},{level},3,{WINDOW}" for n in range(30) for level in (10, 50, 90)],
    ),
    "question 'rain' closes before it opens; got opens 2026-02-01, closes 2026-01-11; opens < closes": (
        HEADER,
        [f"rain,e{n},2026-01-04,.5,1,2026-02-01,2026-01-11" for n in range(30)],
    ),
    "question 'rain' has two ends (closes); got '2026-01-11', at line 2 '2025-01-11'; keep one; 28 more rows": (
        HEADER,
        [f"rain,e{n},2026-01-04,.5,1,2026-01-01,{2026 if n else 2025}-01-11" for n in range(30)],
    ),
}


@pytest.mark.parametrize("expected", MANY_ROWS)
def test_one_mistake_is_one_message(tmp_path: Path, expected: str) -> None:
    """However many questions have it, and whatever else would be wrong because of it."""
    header, lines = MANY_ROWS[expected]
    (found,) = _problems(tmp_path, *lines, header=header)
    assert expected == found.partition(": ")[2][: len(expected)]


@pytest.mark.parametrize(
    ("name", "strange"),
    [
        ("\u0430nn", "U+0430 (cyrillic small letter a)"),
        ("ann\u200b", "U+200B (zero width space)"),
        ("\u200eann", "U+200E (left-to-right mark)"),
        ("\uff41nn", "U+FF41 (fullwidth latin small letter a)"),
    ],
)
def test_names_that_look_alike(tmp_path: Path, name: str, strange: str) -> None:
    """Two forecasters whom nobody could tell apart in a table of scores are two, with a warning."""
    found = _read(tmp_path, GOOD, GOOD.replace("ann", name))
    (warning,) = map(str, found.warnings)
    shown = name if name.isprintable() else name.encode("ascii", "backslashreplace").decode()
    what = f"forecaster '{shown}' looks like 'ann' and is another one; got {strange}; write both alike if one is meant"
    assert (f"f.csv:3: warning: {what}", ("ann", name)) == (warning, tuple(found.forecasters))


@pytest.mark.parametrize("name", ["\u0418\u0440\u0438\u043d\u0430", "an\u00b2n", "\u00e1nn", "Ann", "anna"])
def test_names_that_can_be_told_apart(tmp_path: Path, name: str) -> None:
    """Names in any script, with accents or in other letters, are themselves."""
    assert () == tuple(_read(tmp_path, GOOD, GOOD.replace("ann", name)).warnings)


def test_a_table_without_a_header_is_one_message(tmp_path: Path) -> None:
    """Its first row is not taken for seven columns that are missing."""
    (found,) = _problems(tmp_path, GOOD, header=GOOD.replace("ann", "bob"))
    assert found.startswith("f.csv:1: the first row names no column of a table of forecasts; the file has no header")


def test_all_mistakes_in_one_run(tmp_path: Path) -> None:
    """Mistakes of cells, of rows together and of the form are all named, in the order of lines."""
    found = _problems(
        tmp_path, "rain,ann,x,2,1,2026-01-01,2026-01-11", "a,b", "rain,bob,2026-01-02,.5,0,2026-01-01,1.1."
    )
    whats = [problem.partition("; ")[0] for problem in found]
    assert [
        "f.csv:2: probability is out of range",
        "f.csv:2: time is not an ISO 8601 date or date-time",
        "f.csv:3: a row that does not fit the header",
        "f.csv:4: closes is not an ISO 8601 date or date-time",
        "f.csv:4: question 'rain' has two outcomes",
    ] == whats


def test_zones(tmp_path: Path) -> None:
    """Z and +00:00 are one zone; a date-time without one is refused beside others, and alone read with a warning."""
    same = ("rain,ann,2026-01-02T06:00:00Z,.5,1,", "rain,bob,2026-01-02T06:00:00+00:00,.5,1,")
    assert 1 == len(set(_read(tmp_path, *(line + WINDOW for line in same)).time.tolist()))
    bare = f"rain,cem,2026-01-02T06:00:00,.5,1,{WINDOW}"
    expected = (
        "f.csv:3: time has no time zone; got '2026-01-02T06:00:00', and other rows have a zone; all times are UTC; end"
    )
    assert [expected] == [problem[: len(expected)] for problem in _problems(tmp_path, same[0] + WINDOW, bare)]
    (warning,) = _read(tmp_path, bare).warnings
    assert "f.csv:2: warning: a date-time without a time zone is read as UTC; end it with Z to say so" == str(warning)


def test_columns(tmp_path: Path) -> None:
    """A missing column is an error with the near miss; one that is not used a warning with it."""
    (missing,) = _problems(tmp_path, GOOD, header=HEADER.replace("forecaster", "forcaster"))
    expected = "f.csv:1: column 'forecaster' is missing; got 'question', 'forcaster'"
    assert expected == missing[: len(expected)]
    assert "it is needed, and may be called 'expert'; did you mean 'forcaster'?" == missing.partition("closes'; ")[2]
    (unused,) = _read(tmp_path, f"{GOOD},x", header=f"{HEADER},topics").warnings
    assert "f.csv:1: warning: column 'topics' is not used" == str(unused).partition("; ")[0]
    assert "did you mean 'topic'?" == str(unused).rpartition("; ")[2]


def test_two_files_are_one_table(tmp_path: Path) -> None:
    """Files are read together: what one says of a question holds in the other, and a clash names both places."""
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text(f"{HEADER}\n{GOOD}\n", encoding="utf-8")
    second.write_text("closes,question,forecaster,time,probability,outcome,opens\n,rain,bob,2026-01-03,0.4,,\n")
    read = read_forecasts([first, second], base=tmp_path)
    assert (("ann", "bob"), [0.5, 0.4]) == (read.forecasters, read.entries.tolist())
    second.write_text(f"{HEADER}\nrain,bob,2026-01-03,.5,0,{WINDOW}\n", encoding="utf-8")
    with pytest.raises(
        WorkspaceProblems, match=r"b\.csv:2: question 'rain' has two outcomes; got '0', at line 2 of a\.csv"
    ):
        read_forecasts([first, second], base=tmp_path)


def test_the_edges_of_the_window_belong_to_it(tmp_path: Path) -> None:
    """A forecast at the opening, and one at the close, are within the window."""
    read = _read(tmp_path, f"rain,ann,2026-01-01,.5,1,{WINDOW}", f"rain,ann,2026-01-11T00:00:00Z,.5,1,{WINDOW}")
    assert [read.questions[0].opens, read.questions[0].closes] == read.time.tolist()


def test_resolutions(tmp_path: Path) -> None:
    """A question is resolved by any row that says so; without one it is open; void is void."""
    lines = ["a,ann,2026-01-02,.5,,", "a,bob,2026-01-02,.5,1.0,", "b,ann,2026-01-02,.5,,", "c,ann,2026-01-02,.5,void,"]
    read = _read(tmp_path, *(line + WINDOW for line in lines))
    assert ["resolved", "open", "void"] == [one.resolution for one in read.questions]
    assert [1.0, None, None] == [one.outcome for one in read.questions]


def test_order_of_states(tmp_path: Path) -> None:
    """States are in the order of their places if they have any, else of their first rows; --ordered makes it count."""
    header = STATES.replace("state,", "state,order,")
    lines = [f"q,ann,2026-01-02,{cells},c,{WINDOW}" for cells in ("a,3,.1", "b,1,.2", "c,2,.7")]
    (question,) = _read(tmp_path, *lines, header=header).questions
    assert (("b", "c", "a"), True, 1.0) == (question.options, question.ordered, question.outcome)
    plain = [f"q,ann,2026-01-02,{cells},c,{WINDOW}" for cells in ("a,.1", "b,.2", "c,.7")]
    found = [_read(tmp_path, *plain, header=STATES, ordered=ordered).questions[0] for ordered in (False, True)]
    assert [(("a", "b", "c"), False), (("a", "b", "c"), True)] == [(one.options, one.ordered) for one in found]


def test_a_pandas_table_is_a_file() -> None:
    """Days, timestamps, numbers and missing cells of a table are read as their texts in a file are."""
    table = pd.DataFrame(
        {
            "question": ["rain", "snow"],
            "forecaster": ["ann", "ann"],
            "time": pd.to_datetime(["2026-01-02T06:00:00Z", "2026-01-03"], utc=True, format="ISO8601"),
            "probability": [0.25, 0.5],
            "outcome": [1.0, np.nan],
            "opens": [date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)],
            "closes": ["2026-01-11", "2026-01-11T00:00:00Z"],
            "topic": [None, "weather"],
        }
    )
    read = from_columns(table)
    assert ([0.25, 0.5], ["resolved", "open"], ["", "weather"]) == (
        read.entries.tolist(),
        [one.resolution for one in read.questions],
        [one.topic for one in read.questions],
    )
    assert ({10 * MICROSECONDS_A_DAY}, ()) == ({one.closes - one.opens for one in read.questions}, read.warnings)


def test_columns_of_different_length_are_a_wrong_call() -> None:
    """Columns of a mapping have one length."""
    with pytest.raises(ValueError, match="different lengths"):
        from_columns({column: ["x"] for column in COLUMNS} | {"closes": []})


CELLS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(["0.5", "1", "2026-01-02", "void", "a"])


@given(rows=st.lists(st.lists(CELLS, min_size=len(COLUMNS), max_size=len(COLUMNS)), max_size=4))
def test_any_table_is_read_or_its_mistakes_named(rows: list[list[str]]) -> None:
    """Whatever cells hold, a table is read, or its mistakes are named at places that exist."""
    columns = {name: [row[at] for row in rows] for at, name in enumerate(COLUMNS)}
    try:
        from_columns(columns)
    except WorkspaceProblems as found:
        lines = [problem.source.line for problem in found.problems]
    else:
        lines = []
    assert [] == [line for line in lines if not 1 <= line <= len(rows)]
