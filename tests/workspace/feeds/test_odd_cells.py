"""Cells, points and columns as other programs write them: read as what they are, or told at their line."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.workspace.feeds import feeds_of
from forecast.workspace.feeds.histories import Crowd, HistorySelection, read_points
from forecast.workspace.numbers import number_in
from tests.workspace.feeds.coded_files import counted, said, sample
from tests.workspace.feeds.test_coded_mistakes import THREE_DAYS

NOW = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
START = 1775001600  # 2026-04-01
HEADER = (
    *("Question ID", "Forecaster Username", "Start Time", "End Time", "Forecaster Count"),
    *("Probability Yes", "Probability Yes Per Category"),
)
FIRST = ("7", "recency_weighted", "2026-04-01 06:00:00+00:00", "2026-04-02 06:00:00+00:00", "3", "0.4", "")
SECOND = ("7", "recency_weighted", "2026-04-02 06:00:00+00:00", "", "4", "0.5", "")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_the_number_that_was_written(number: float) -> None:
    """Every finite number is read back as the same double, with and without an exponent."""
    assert number == number_in(repr(number))
    assert number == number_in(f"{number:.17e}")


@given(st.text("0123456789._-+eEnaif٣ ,%", max_size=6))
def test_what_is_no_number_is_none(text: str) -> None:
    """Nothing is read that people do not write for a number: no 1_0, nan, inf, blanks, or digits of other scripts."""
    number = number_in(text)
    assert number is None or (math.isfinite(number) and number == float(text))
    assert number is None or not set(text) & set("_naif٣ ,%")


def history(form: str, content: object, **more: Any) -> tuple[list[float], list[str]]:
    """Return the probabilities of a file, and what is said of it."""
    data = content if isinstance(content, bytes) else json.dumps(content, indent=1).encode()
    points, problems = read_points(data, "f", feeds_of(Crowd)[form], NOW, HistorySelection(**more))
    return [point.probability for point in points], [str(problem) for problem in problems]


@pytest.mark.parametrize("end", ["0,45", "2026-04-01", "1775088000", True, [], float("nan")])
def test_an_end_that_cannot_be_read_is_told(end: object) -> None:
    """An end of a value is not passed over: with it goes the warning that the value had ended."""
    value = {"start_time": START, "end_time": end, "centers": [0.3]}
    _, (told,) = history("metaculus", {"aggregations": {"recency_weighted": {"history": [value]}}})
    assert told.startswith("f:5: end_time is not a time; got ")


def test_an_end_before_its_start_is_told() -> None:
    """A value ends behind its start; a start that is wrong itself is told alone."""
    values = [{"start_time": start, "end_time": START, "centers": [0.3]} for start in (START + 1, START * 1000)]
    _, told = history("metaculus", {"aggregations": {"recency_weighted": {"history": values}}})
    assert ["f:5: end_time lies before start_time", "f:12: start_time is not a time of a history"] == [
        line.split(";")[0] for line in told
    ]


@pytest.mark.parametrize("before", ["0.4", -0.1, True, [], float("inf")])
def test_what_was_before_a_bet_is_read_or_told(before: object) -> None:
    """By it bets of one instant are put in order."""
    bet = {"id": "a", "contractId": "c", "probBefore": before, "probAfter": 0.4, "createdTime": START * 1000}
    _, told = history("manifold", [bet])
    assert ["f:2: probBefore is not a probability"] == [line.split(";")[0] for line in told]


def test_one_id_that_says_different_things_is_told_whatever_its_form() -> None:
    """Ids that are numbers are ids."""
    bets = [{"id": 7, "probAfter": value, "createdTime": START * 1000} for value in (0.4, 0.5)]
    _, (told,) = history("manifold", bets)
    assert told.startswith("f:7: id 7 appears twice, with another time or probability")


def test_a_percentage_is_told_as_one() -> None:
    """What is meant by 45 is said."""
    _, (told,) = history("polymarket", {"history": [{"t": START, "p": 45}]})
    assert told.endswith("p is not a probability; got 45; one number from 0 to 1; 45 % is written 0.45")


@pytest.mark.parametrize("form", feeds_of(Crowd))
@pytest.mark.parametrize("content", [b"", b" \r\n\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_told_as_one(form: str, content: bytes) -> None:
    """Not as a mistake within it."""
    assert ([], ["f:1: the file is empty; a whole JSON file"]) == history(form, content)


@pytest.mark.parametrize("price", ["0.4_5", "45%", "0,45", "nan", "٠.٥"])
def test_a_price_is_a_plain_number(price: str) -> None:
    """A price is written as a text, and not everything that Python would take for a number is one."""
    _, (told,) = history("kalshi", {"candlesticks": [{"end_period_ts": START, "price": {"close_dollars": price}}]})
    assert "price is not a probability" in told


def export(*rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> bytes:
    """Return a table of the export."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((header, *rows))
    return text.getvalue().encode()


@pytest.mark.parametrize("column", range(1, len(HEADER)))
def test_a_misspelt_column_of_an_export_is_told(column: int) -> None:
    """Once, with the column that was meant; a column that may be missing would be passed over."""
    name = HEADER[column]
    header = (*HEADER[:column], f"{name[:-1]}x", *HEADER[column + 1 :])
    points, (told,) = history("metaculus", export(FIRST, SECOND, header=header))
    assert [] == points
    assert told.startswith(f"f:1: the export has a column '{name}', which is missing; columns are ")
    assert told.endswith(f"did you mean '{name[:-1]}x'?")


def test_an_export_in_another_form() -> None:
    """The order of columns, line ends, a byte order mark and blank lines mean nothing; other separators are told."""
    right = export(FIRST, SECOND)
    turned = export(*(row[::-1] for row in (FIRST, SECOND)), header=HEADER[::-1])
    for content in (right, turned, b"\xef\xbb\xbf" + right.replace(b"\n", b"\r\n"), b"\n\n" + right):
        assert ([0.4, 0.5], []) == history("metaculus", content)
    assert ([], ["f:1: column 'Probability Yes' appears twice; each column stands once"]) == history(
        "metaculus", export((*FIRST, "0.4"), header=(*HEADER, "Probability Yes"))
    )
    _, (told,) = history("metaculus", right.replace(b",", b";"))
    assert told.startswith("f:1: cells are separated by semicolons; got ")


@pytest.mark.parametrize("cell", ["0,4", "40%", "0.4_5", "nan", "None"])
def test_a_cell_of_an_export_is_a_plain_number(cell: str) -> None:
    """Anything else is told at its line, and the other rows are read."""
    points, (told,) = history("metaculus", export((*FIRST[:5], cell, ""), SECOND))
    assert ([0.5], True) == (points, told.startswith("f:2: Probability Yes is not a probability; got "))


def test_options_of_an_export_that_cannot_be_read_are_told() -> None:
    """A list that is none is not taken for a row of a hidden crowd, and a first row that is hidden hides nothing."""
    rows = [(*row[:5], "", shares) for row, shares in ((FIRST, ""), (SECOND, "[0.2, 0.8]"))]
    assert ([0.8], []) == history("metaculus", export(*rows), picks=("2",))
    broken = [(*row[:5], "", shares) for row, shares in ((FIRST, "[0.2, 0.8]"), (SECOND, "[0.2, oops]"))]
    points, (told,) = history("metaculus", export(*broken), picks=("2",))
    assert ([0.8], True) == (points, told.startswith("f:3: Probability Yes Per Category is not a probability"))


@pytest.mark.parametrize("time", ["99:99", "24:00:00", "12:60:00", "12"])
@pytest.mark.parametrize("form", ["acled", "ucdp-ged"])
def test_a_time_of_day_that_there_is_not_is_told(form: str, time: str) -> None:
    """A day with a time is read where the time is one."""
    column, day = ("event_date", "01 April 2026") if form == "acled" else ("date_end", "2026-04-03 00:00:00.000")
    text = sample(form).replace(day, f"2026-04-03 {time}", 1)
    assert [f"1.csv:3: {column} is not a date"] == [line.split(";")[0] for line in said(counted(form, text))]


@pytest.mark.parametrize("seconds", ["0", "1778457", "1778457600000"])
def test_a_time_of_coding_in_another_unit_is_told(seconds: str) -> None:
    """It would otherwise lie in 1970, and every row would have been public."""
    (told,) = said(counted("acled", sample("acled").replace("1778457600", seconds, 1)))
    assert told.startswith(f"1.csv:2: timestamp is not a time; got '{seconds}'; seconds since 1970, of a day from ")


def test_a_header_in_capitals_is_told_as_one() -> None:
    """It is not said that the file has no header."""
    header, _, rows = sample("acled").partition("\n")
    (told,) = said(counted("acled", f"{header.upper()}\n{rows}"))
    assert told.startswith("1.csv:1: the columns of ACLED are written in other letters, capitals for small ones; got ")


@pytest.mark.parametrize(("sign", "name"), [(";", "semicolons"), ("|", "bars"), (",", "commas")])
def test_other_separators_of_gdelt_are_told(sign: str, name: str) -> None:
    """They are named, and the tabs that are needed."""
    found = counted("gdelt", sample("gdelt").replace("\t", sign), of="events", window=THREE_DAYS, where=())
    (told,) = said(found)
    assert told.startswith(f"1.csv:1: cells are separated by {name}; got ")


def test_an_empty_file_of_gdelt_is_no_count_of_none() -> None:
    """Also where the files are said to be whole."""
    found = counted("gdelt", "\n\n", of="events", window=THREE_DAYS, where=(), is_whole=True)
    assert ["1.csv:1: the file is empty; the rows that GDELT 2.0 added"] == said(found)
