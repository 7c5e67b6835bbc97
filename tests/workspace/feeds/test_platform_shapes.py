"""The shapes in which platforms give their histories, small ones made here.

Metaculus: `questions/serializers/aggregate_forecasts.py`, `posts/serializers.py` and `utils/csv_utils.py` of
github.com/Metaculus/metaculus at commit 100c4088f3d37ab0720d987ee70bc59e0514692e. Kalshi: the OpenAPI document of its
trade API, version 3.20.0, and the cents of earlier ones. Polymarket: `prices-history` of docs.polymarket.com.
Manifold: `bets` and `market` of docs.manifold.markets.
"""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from forecast.commands.import_ import import_
from forecast.workspace.feeds import feeds_of
from forecast.workspace.feeds.histories import Crowd, HistorySelection, Point, last_of_days, read_points
from forecast.workspace.problems import Source, WorkspaceProblems
from tests.workspace.writing import ASKED, TODAY, example, messages

DAY = 86400
START = 1775001600  # 2026-04-01


def _imported(root: Path, form: str, files: Sequence[object], *more: str) -> tuple[int, str, list[str]]:
    """Import values as JSON files, or bytes as they are; return exit status, what is said, and the rows."""
    paths = []
    for at, value in enumerate(files):
        path = root / f"page{at}.json"
        path.write_bytes(value if isinstance(value, bytes) else json.dumps(value, indent=1).encode())
        paths.append(str(path))
    arguments = ["benchmark", *paths, "-C", str(root), "--format", form, "--id", "crowd", "--yes", *more]
    result = CliRunner().invoke(import_, arguments)
    table = root / "priors/benchmarks/crowd.csv"
    rows = table.read_text(encoding="utf-8").splitlines()[1:] if table.exists() else []
    said = str(result.exception) if isinstance(result.exception, WorkspaceProblems) else result.output
    return result.exit_code, said, [row.replace(f",{form},", " ").removeprefix("2026-04-") for row in rows]


def _history(*centers: object, every: int = DAY, **more: object) -> dict[str, object]:
    """Return an aggregation with a point a day."""
    points = [
        {"start_time": START + at * every, "end_time": START + (at + 1) * every, "centers": one, **more}
        for at, one in enumerate(centers)
    ]
    return {"history": points, "latest": None, "score_data": {}}


def _question(number: int, *centers: object, kind: str = "binary", **more: object) -> dict[str, object]:
    aggregations = {"recency_weighted": _history(*centers), "unweighted": _history([0.9])}
    return {"id": number, "type": kind, "aggregations": aggregations, **more}


YES, NO = _question(7001, [0.3]), _question(7002, [0.6])
GROUP = {"id": 1, "group_of_questions": {"questions": [{**YES, "label": "by May"}, {**NO, "label": "by June"}]}}
CONDITION = {"id": 2, "conditional": {"question_yes": YES, "question_no": NO, "condition": {"id": 9}}}
CHOICE = _question(
    7003, [0.2, None, 0.8], [0.2, 0.3, 0.5], kind="multiple_choice", options=["red", "blue", "other"],
    all_options_ever=["red", "blue", "other"],
)  # fmt: skip
NUMBER = {
    "id": 7004, "type": "numeric", "scaling": {"continuous_range": [0.0, 10.0, 20.0]},
    "aggregations": {"recency_weighted": _history([0.4], forecast_values=[0.1, 0.5, 0.9])},
}  # fmt: skip


@pytest.mark.parametrize(
    ("value", "more", "rows"),
    [
        ({"id": 1, "question": YES}, [], ["01 0.3"]),
        (YES, ["--aggregation", "unweighted"], ["01 0.9"]),
        (GROUP, ["--pick", "by June"], ["01 0.6"]),
        (GROUP, ["--pick", "7001"], ["01 0.3"]),
        (CONDITION, ["--pick", "no"], ["01 0.6"]),
        ({"results": [{"id": 1, "question": YES}, {"id": 2, "question": NO}]}, ["--pick", "7002"], ["01 0.6"]),
        (CHOICE, ["--pick", "blue"], ["02 0.3"]),
        (CHOICE, ["--pick", "other"], ["01 0.8", "02 0.5"]),
        (NUMBER, ["--above", "10"], ["01 0.5"]),
        (NUMBER, ["--above", "15"], ["01 0.30000000000000004"]),
        (_question(1, [0.3], None, [None], [0.4]), [], ["01 0.3", "04 0.4"]),
    ],
)
def test_metaculus(tmp_path: Path, value: object, more: list[str], rows: list[str]) -> None:
    """A post, a question, a group, a condition, a page of posts, an option, a number above a limit, null centres."""
    assert (0, rows) == _imported(example(tmp_path), "metaculus", [value], *more)[::2]


@pytest.mark.parametrize(
    ("value", "more", "says"),
    [
        (GROUP, [], "several questions; got 2 of them; --pick one of '7001' or 'by May'; '7002' or 'by June'"),
        (GROUP, ["--pick", "by july"], "'by july'; --pick one of '7001' or 'by May'; '7002' or 'by June'"),
        (CHOICE, [], "several options; got 3 of them; --pick one of 'red'; 'blue'; 'other'"),
        (NUMBER, [], "the question is not binary; got 'numeric'; --above NUMBER asks"),
        (NUMBER, ["--above", "30"], "a number outside the range of the question; got 30; --above lies within"),
        (YES, ["--aggregation", "unweigted"], "no such aggregation; got unweigted; --aggregation is one of"),
        (_question(1, None, [None]), [], "the history has no value"),
    ],
)
def test_what_metaculus_has_several_of_is_asked_for(tmp_path: Path, value: object, more: list[str], says: str) -> None:
    """What is to be picked is listed; nothing is written."""
    status, said, rows = _imported(example(tmp_path), "metaculus", [value], *more)
    assert (1, True, []) == (status, says in said, rows), said


def test_a_value_that_ended_is_told(tmp_path: Path) -> None:
    """A crowd that left for days is a warning: a series has no ends."""
    points = [
        {"start_time": START, "end_time": START + 3600, "centers": [0.3]},
        {"start_time": START + 5 * DAY, "end_time": None, "centers": [0.4]},
    ]
    value = {"type": "binary", "aggregations": {"recency_weighted": {"history": points}}}
    status, said, rows = _imported(example(tmp_path), "metaculus", [value])
    assert (0, ["01 0.3", "06 0.4"]) == (status, rows)
    assert "1 value ended a day or more before the next one; got the first at 2026-04-01" in said


HEADINGS = (
    "Question ID", "Forecaster ID", "Forecaster Username", "Start Time", "End Time", "Forecaster Count",
    "Probability Yes", "Probability Yes Per Category", "Continuous CDF",
)  # fmt: skip


def _table(headings: Sequence[str], *rows: Sequence[object]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([headings, *rows])
    return text.getvalue().encode()


ROWS = (
    (7001, 12, "somebody", "2026-04-01 05:00:00+00:00", "", "", 0.11, "", ""),
    (7001, "", "recency_weighted", "2026-04-01 06:00:00.5+00:00", "2026-04-01 20:00:00+00:00", 3, 0.2, "", ""),
    (7001, "", "recency_weighted", "2026-04-01 20:00:00+00:00", "", 4, 0.25, "", ""),
    (7001, "", "unweighted", "2026-04-01 20:00:00+00:00", "", 4, 0.5, "", ""),
    (7002, "", "recency_weighted", "2026-04-02 20:00:00+00:00", "", 4, "", "[0.2, None, 0.8]", ""),
    (7003, "", "recency_weighted", "2026-04-03 20:00:00+00:00", "", 4, "", "", "[0.1, 0.5, 0.9]"),
)
ABOUT = _table(
    ("Question ID", "MC Options (All)", "Continuous Range"),
    (7002, "['red', 'blue', 'other']", ""),
    (7003, "", "[0.0, 10.0, 20.0]"),
)


def _zip(forecasts: bytes, questions: bytes | None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("forecast_data.csv", forecasts)
        if questions is not None:
            file.writestr("question_data.csv", questions)
    return out.getvalue()


@pytest.mark.parametrize(
    ("more", "rows"),
    [
        (["--pick", "7001"], ["01 0.25"]),
        (["--pick", "7001", "--aggregation", "unweighted"], ["01 0.5"]),
        (["--pick", "7002", "--pick", "red"], ["02 0.2"]),
        (["--pick", "7002", "--pick", "3"], ["02 0.8"]),
        (["--pick", "7003", "--above", "5"], ["03 0.7"]),
    ],
)
def test_the_export_of_metaculus(tmp_path: Path, more: list[str], rows: list[str]) -> None:
    """In the ZIP file are the aggregations of several questions, and what their options and ranges are."""
    content = _zip(_table(HEADINGS, *ROWS), ABOUT)
    assert (0, rows) == _imported(example(tmp_path), "metaculus", [content], *more)[::2]


def test_the_table_of_the_export_alone(tmp_path: Path) -> None:
    """`forecast_data.csv` is read without its ZIP file; what is wrong in it has its line."""
    content = _table(HEADINGS, *ROWS[:4])
    assert (0, ["01 0.25"]) == _imported(example(tmp_path), "metaculus", [content])[::2]
    status, said, _ = _imported(tmp_path, "metaculus", [content.replace(b"0.25", b"25 %")])
    assert (1, True) == (status, "page0.json:4: Probability Yes is not a probability; got '25 %'" in said), said


@pytest.mark.parametrize("packed", [_table, lambda headings, *rows: _zip(_table(headings, *rows), ABOUT)])
@pytest.mark.parametrize(
    ("other", "more", "says"),
    [
        ((7009, "", "recency_weighted", "2026-04-02 06:00:00+00:00", "", 3, 0.9, "", ""), [], "7009"),
        ((7009, "", "recency_weighted", "2026-04-02 06:00:00+00:00", "", 3, 0.9, "", ""), ["--pick", "7001"], "7009"),
        ((7001, "", "unweighted", "2026-04-02 06:00:00+00:00", "", 3, 0.9, "", ""), [], "unweighted"),
        ((7001, "", "recency_weighted", "2026-04-02 06:00:00+00:00", "", 3, 0.9, "", ""), [], None),
    ],
)
def test_two_exports_are_of_one_history(
    tmp_path: Path, packed: Any, other: tuple[object, ...], more: list[str], says: str | None
) -> None:
    """Exports of two questions, or of two aggregations, are refused as pages of the API are; of one they are joined."""
    files = [packed(HEADINGS, *ROWS[:3]), packed(HEADINGS, other)]
    status, said, rows = _imported(example(tmp_path), "metaculus", files, *more)
    if says is None:
        assert (0, ["01 0.25", "02 0.9"]) == (status, rows)
    else:
        assert (1, []) == (status, rows)
        assert "another history than that of the files before" in said
        assert says in said


def test_a_broken_zip_file_is_told(tmp_path: Path) -> None:
    """What is no ZIP file, or has no forecasts, is a problem of the file."""
    whole = _zip(_table(HEADINGS, *ROWS), ABOUT)
    for content in (whole[:60], _zip(b"", None).replace(b"forecast_data", b"forecast_dato")):
        status, said, rows = _imported(example(tmp_path / str(len(content))), "metaculus", [content])
        assert (1, True, []) == (status, "ZIP file" in said, rows), said


@given(st.integers(0, 10_000), st.integers(0, 40), st.binary(max_size=8))
def test_a_damaged_zip_file_is_read_or_refused(place: int, length: int, new: bytes) -> None:
    """Points, or problems, and never an exception."""
    whole = _zip(_table(HEADINGS, *ROWS), ABOUT)
    at = place % len(whole)
    content = whole[:at] + new + whole[at + length :]
    crowd = feeds_of(Crowd)["metaculus"]
    points, problems = read_points(content, "f.zip", crowd, START + 300.0 * DAY, HistorySelection(picks=("7001",)))
    assert points or problems


TOKENS = {"history": {"111": [{"t": START + 60, "p": 0.7}], "222": [{"t": START + 60, "p": 0.3}]}}


@pytest.mark.parametrize(
    ("value", "more"),
    [
        (TOKENS, ["--pick", "111"]),
        (TOKENS, ["--pick", "222", "--complement"]),
        ({"history": [{"t": START, "p": 0.3}]}, ["--complement"]),
    ],
)
def test_both_tokens_of_polymarket(tmp_path: Path, value: object, more: list[str]) -> None:
    """The prices of either token give the same series."""
    assert (0, ["01 0.7"]) == _imported(example(tmp_path), "polymarket", [value], *more)[::2]


def _bet(second: int, before: float, after: float, **more: object) -> dict[str, object]:
    return {
        "createdTime": (START + second) * 1000, "probBefore": before, "probAfter": after, "contractId": "c", **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("bets", "last"),
    [
        ([_bet(9, 0.4, 0.5), _bet(9, 0.5, 0.45), _bet(9, 0.45, 0.7)], 0.7),
        ([_bet(1, 0.3, 0.4), _bet(9, 0.4, 0.5), _bet(9, 0.5, 0.4)], 0.4),
        ([_bet(9, 0.4, 0.5), _bet(9, 0.5, 0.45), _bet(9, 0.5, 0.45)], 0.45),
    ],
)
def test_bets_of_one_instant_are_in_order(tmp_path: Path, bets: list[dict[str, object]], last: float) -> None:
    """Whatever their order in the file, and on whichever page, each continues where another one ended."""
    for at, shuffled in enumerate((bets, bets[::-1], bets[1:] + bets[:1])):
        root = example(tmp_path / str(at))
        assert (0, [f"01 {last}"]) == _imported(root, "manifold", [shuffled[:1], shuffled[1:]])[::2]


def test_an_answer_of_several_and_a_resolution_to_a_share(tmp_path: Path) -> None:
    """`--pick` names an answer; a market that resolved MKT says to what share."""
    bets = [_bet(1, 0.3, 0.4, answerId="a"), _bet(2, 0.6, 0.7, answerId="b")]
    assert (0, ["01 0.4"]) == _imported(example(tmp_path), "manifold", [bets], "--pick", "a")[::2]
    market = {"resolution": "MKT", "resolutionProbability": 0.35, "bets": [_bet(1, 0.3, 0.4)]}
    status, said, rows = _imported(example(tmp_path / "share"), "manifold", [market])
    assert (0, ["01 0.4"]) == (status, rows)
    assert "page0.json:1: warning: the market resolved to a share, resolution MKT: 0.35 of yes" in said


@pytest.mark.parametrize(
    ("value", "more", "rows"),
    [
        ({"candlesticks": [{"end_period_ts": START + DAY, "price": {"close": 12}}]}, [], ["01 0.12"]),
        ({"candlesticks": [{"end_period_ts": START + DAY + 1, "price": {"close": 12}}]}, [], ["02 0.12"]),
        ({"trades": [{"ticker": "A", "created_time": "2026-04-01T03:00:00.5Z", "yes_price": 7}]}, [], ["01 0.07"]),
        (
            {"trades": [{"ticker": "A", "created_time": "2026-04-01T03:00:00Z", "yes_price_dollars": "0.0750"}]},
            [], ["01 0.075"],
        ),
        (
            {"market_tickers": ["A", "B"], "market_candlesticks": [
                [], [{"end_period_ts": START + 60, "price": {"close_dollars": "0.5600"}}]]},
            ["--pick", "B"], ["01 0.56"],
        ),
    ],
)  # fmt: skip
def test_kalshi(tmp_path: Path, value: object, more: list[str], rows: list[str]) -> None:
    """Candles and trades, in cents and in dollars, of a market and of an event; midnight ends the day before."""
    assert (0, rows) == _imported(example(tmp_path), "kalshi", [value], *more)[::2]


@given(
    st.lists(
        st.tuples(st.integers(0, 4 * DAY), st.floats(0.0, 1.0)), min_size=1, max_size=20, unique_by=lambda p: p[0]
    ),
    st.lists(st.integers(0, 20), max_size=3),
    st.randoms(use_true_random=False),
)
def test_pages_are_one_history(pairs: list[tuple[int, float]], cuts: list[int], rng: random.Random) -> None:
    """However a history is cut into pages that overlap by a point, and in whatever order, its days end the same."""
    points = [Point(START + at, p, Source("f", line)) for line, (at, p) in enumerate(sorted(pairs), 1)]
    edges = sorted({0, len(points), *(cut % (len(points) + 1) for cut in cuts)})
    pages = [points[max(begin - 1, 0) : end] for begin, end in pairwise(edges)]
    rng.shuffle(pages)
    gathered = [point for page in pages for point in page]
    assert last_of_days(points, TODAY) == last_of_days(gathered, TODAY)


def test_questions_may_name_a_series_before_it_is_there(tmp_path: Path) -> None:
    """An import brings the series that a question names; a mistake elsewhere in the workspace is still one."""
    example(tmp_path)
    (tmp_path / "priors/questions.yaml").write_text(ASKED, encoding="utf-8")
    assert [] != messages(tmp_path)
    history = {"history": [{"t": START, "p": 0.3}]}
    status, said, _ = _imported(tmp_path, "polymarket", [history], "--id", "another")
    assert (1, True) == (status, "market" in said)
    assert 0 == _imported(tmp_path, "polymarket", [history], "--id", "market")[0]
    assert [] == messages(tmp_path)


def test_a_pick_of_nothing_is_told(tmp_path: Path) -> None:
    """A name that no part of the file has is a problem, also where there is one history alone."""
    status, said, rows = _imported(example(tmp_path), "metaculus", [YES], "--pick", "7009")
    assert (1, True, []) == (status, "page0.json:1: nothing is called '7009'; --pick names a part" in said, rows), said


@pytest.mark.parametrize("more", [["--aggregation", "unweighted"], ["--above", "3"]])
def test_options_of_another_site_are_wrong_usage(tmp_path: Path, more: list[str]) -> None:
    """What a site does not have is no option of its files."""
    status, said, _ = _imported(example(tmp_path), "polymarket", [TOKENS], *more)
    assert (2, True) == (status, f"{more[0]}: not with --format polymarket" in said)


BET = {"id": "x", "contractId": "c", "createdTime": START * 1000, "probAfter": 0.3}
CANDLE = {"end_period_ts": START + 60, "price": {"close": 12}}


@pytest.mark.parametrize(
    ("form", "pages", "says"),
    [
        ("manifold", [[BET], [{**BET, "id": "y", "contractId": "d"}]], "page1.json:2: contractId differs"),
        ("manifold", [[BET], [{**BET, "probAfter": 0.4}]], "page1.json:2: id 'x' appears twice"),
        (
            "kalshi",
            [{"trades": [{"ticker": name, "created_time": "2026-04-01T03:00:00Z", "yes_price": 7}]} for name in "AB"],
            "page1.json:3: ticker differs",
        ),
        ("kalshi", [{"ticker": name, "candlesticks": [CANDLE]} for name in "AB"], "page1.json:1: another history than"),
        (
            "metaculus",
            [
                {
                    "id": number,
                    "aggregations": {"recency_weighted": {"history": [{"start_time": START, "centers": [0.3]}]}},
                }
                for number in (7, 8)
            ],
            "page1.json:1: another history than",
        ),
        (
            "metaculus",
            [
                {
                    "id": 7,
                    "aggregations": {name: {"history": [{"start_time": START, "centers": [0.3]}]}},
                }
                for name in ("recency_weighted", "unweighted")
            ],
            "page1.json:1: another history than",
        ),
        ("polymarket", [{"history": [{"t": START * 1000, "p": 0.3}]}], "in milliseconds it would be one"),
        ("manifold", [[{**BET, "createdTime": START}]], "in seconds it would be one"),
        ("polymarket", [{"history": [{"t": START, "p": "0.3"}]}], "got '0.3'; one number from 0 to 1, without quotes"),
        ("polymarket", [{"history": [{"t": START, "p": "0,3"}]}], "p is not a probability; got '0,3'"),
    ],
)
def test_what_is_no_page_of_one_history(tmp_path: Path, form: str, pages: list[object], says: str) -> None:
    """Pages of two markets, an id with two values, and numbers in another unit or form are refused at their place."""
    status, said, _ = _imported(example(tmp_path), form, pages)
    assert 1 == status
    assert says in said


TRADE = {"trade_id": "x", "ticker": "A", "created_time": "2026-04-01T03:00:00Z", "yes_price": 7}


def _but(entry: dict[str, Any], key: str, written: str) -> dict[str, Any]:
    """Return a point in which a key is written otherwise."""
    return {written if name == key else name: value for name, value in entry.items()}


@pytest.mark.parametrize(
    ("form", "value", "written", "key"),
    [
        ("kalshi", {"candlesticks": [CANDLE, {**CANDLE, "price": {"closee": 12}}]}, "closee", "close"),
        ("kalshi", {"candlesticks": [CANDLE, {**CANDLE, "price": {"Close": 12}}]}, "Close", "close"),
        ("kalshi", {"candlesticks": [{**CANDLE, "price": {"close_dollar": "0.1"}}]}, "close_dollar", "close_dollars"),
        ("kalshi", {"trades": [TRADE, _but(TRADE, "ticker", "tickerr")]}, "tickerr", "ticker"),
        ("kalshi", {"trades": [_but(TRADE, "created_time", "created_tme")]}, "created_tme", "created_time"),
        ("kalshi", {"trades": [_but(TRADE, "yes_price", "yes_prices")]}, "yes_prices", "yes_price"),
        ("manifold", [BET, _but(BET, "contractId", "contractid")], "contractid", "contractId"),
        ("manifold", [{**BET, "anwserId": "a"}], "anwserId", "answerId"),
        ("manifold", [{**BET, "probBefor": 0.2}], "probBefor", "probBefore"),
    ],
)
def test_a_misspelt_key_of_a_point_is_told_once(
    tmp_path: Path, form: str, value: object, written: str, key: str
) -> None:
    """A key that a point may leave out is not passed over where it is misspelt: its number would be lost."""
    status, said, _ = _imported(example(tmp_path), form, [value])
    assert (1, 1) == (status, said.count("page0.json:"))
    assert written in said
    assert f"did you mean '{key}'?" in said or f"without '{key}'" in said


def test_a_candle_without_a_trade_has_no_price(tmp_path: Path) -> None:
    """What a site says of a candle in which nothing was traded is no misspelling; the price before it stands."""
    empty = [{}, {"close": None}, {"previous": 12, "previous_dollars": "0.1200", "mean": None}]
    candles = [CANDLE, *({"end_period_ts": START + 60 + at * DAY, "price": one} for at, one in enumerate(empty, 1))]
    assert (0, ["01 0.12"]) == _imported(example(tmp_path), "kalshi", [{"candlesticks": candles}])[::2]


@pytest.mark.parametrize(
    ("text", "line", "key", "more"),
    [
        ('{"history": [{"t": 1775001600, "p": 0.1, "p": 0.2}]}', 1, "p", ""),
        ('{"history": [\n{"t": 1775001600,\n"p": 0.1,\n"\\u0070": 0.2}]}', 4, "p", "on line 3 already"),
        ('{"history": [],\n"history": [{"t": 1775001600, "p": 0.1, "p": 0.1}]}', 2, "history", "with 1 more key"),
        ('{"a": "\\"p\\":", "b": {"b": ["b"]},\n"history": [{"t": 1, "t": 1}]}', 2, "t", ""),
    ],
)
def test_a_key_that_stands_twice_is_told_at_its_place(
    tmp_path: Path, text: str, line: int, key: str, more: str
) -> None:
    """Nobody can tell which of two values of one key is meant, even where they are the same: no file is read so."""
    status, said, _ = _imported(example(tmp_path), "polymarket", [text.encode()])
    assert (1, 1) == (status, said.count("page0.json:"))
    assert f"page0.json:{line}: JSON that is not read: key '{key}' appears twice" in said
    assert more in said


def test_a_candle_of_midnight_may_be_written_with_a_point(tmp_path: Path) -> None:
    """The candle that ends at midnight belongs to the day before, however the number of its end is written."""
    candle = {**CANDLE, "end_period_ts": float(START + DAY)}
    assert (0, ["01 0.12"]) == _imported(example(tmp_path), "kalshi", [{"candlesticks": [candle]}])[::2]


def test_a_table_is_told_by_its_own_columns(tmp_path: Path) -> None:
    """A mistake in the export is named by the column that the file has."""
    header = "Question ID,Forecaster Username,Start Time,End Time,Forecaster Count,Probability Yes\n"
    (example(tmp_path) / "f.csv").write_text(
        f'{header}1,recency_weighted,2026-04-01 10:00:00,,5,"0,3"\n', encoding="utf-8"
    )
    found, problems = read_points((tmp_path / "f.csv").read_bytes(), "f.csv", feeds_of(Crowd)["metaculus"], 2e9)
    assert () == found
    assert ["Start Time is not a time", "Probability Yes is not a probability"] == [one.what for one in problems]
