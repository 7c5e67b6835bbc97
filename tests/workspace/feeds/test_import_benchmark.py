"""`forecast import benchmark`: histories of crowds and markets as series of a workspace."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from forecast.commands.import_ import import_
from forecast.workspace.feeds import feeds_of
from forecast.workspace.feeds.histories import Crowd, Point, as_csv, last_of_days, merged, read_points
from forecast.workspace.problems import Source, WorkspaceProblems
from forecast.workspace.read_benchmarks import read_benchmark
from tests.workspace.feeds.coded_files import SAMPLES
from tests.workspace.writing import TODAY, example

SERIES = {
    "metaculus": "2026-04-01,metaculus,0.35\n2026-04-03,metaculus,0.5\n",
    "polymarket": "2026-04-01,polymarket,0.12\n2026-04-02,polymarket,0.13\n2026-04-04,polymarket,1.0\n",
    "manifold": "2026-04-01,manifold,0.4\n2026-04-02,manifold,0.55\n",
    "kalshi": "2026-04-01,kalshi,0.135\n2026-04-03,kalshi,0.11\n2026-04-04,kalshi,1.0\n",
}
HEADER = "date,forecaster,probability\n"
NOW = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC).timestamp()
POINTS = st.lists(
    st.tuples(st.integers(0, 5 * 86400), st.floats(0.0, 1.0)), min_size=1, max_size=20, unique_by=lambda pair: pair[0]
)


def imported(root: Path, form: str, value: object = None, *more: str) -> tuple[int, str]:
    """Import a value as JSON, or a sample; return exit status, and output or the problems."""
    file = SAMPLES / f"{form}.json"
    if value is not None:
        file = root / "given.json"
        file.write_text(value if isinstance(value, str) else json.dumps(value, indent=1), encoding="utf-8")
    arguments = ["benchmark", str(file), "-C", str(root), "--format", form, "--id", "crowd", "--yes", *more]
    result = CliRunner().invoke(import_, arguments)
    return result.exit_code, str(result.exception) if isinstance(result.exception, WorkspaceProblems) else result.output


@pytest.mark.parametrize("form", SERIES)
def test_the_last_value_of_each_day_counts(tmp_path: Path, form: str) -> None:
    """A sample becomes one row for each UTC day with a value, a certainty among them as it is."""
    status, _ = imported(example(tmp_path), form)
    assert (0, HEADER + SERIES[form]) == (
        status,
        (tmp_path / "priors/benchmarks/crowd.csv").read_text(encoding="utf-8"),
    )


def test_forecasters_share_a_file(tmp_path: Path) -> None:
    """A second forecaster is added to the series of the first, by day and name; the same history again adds nothing."""
    example(tmp_path)
    for form, name in (("metaculus", "Metaculus crowd"), ("manifold", "manifold"), ("manifold", "manifold")):
        assert 0 == imported(tmp_path, form, None, "--name", name)[0]
    found, problems = read_benchmark((tmp_path / "priors/benchmarks/crowd.csv").read_bytes(), "crowd.csv", TODAY)
    rows = [(day.day, who, value) for day, who, value in found.points]
    expected = [(1, "Metaculus crowd", 0.35), (1, "manifold", 0.4), (2, "manifold", 0.55), (3, "Metaculus crowd", 0.5)]
    assert (expected, ()) == (rows, problems)


def test_a_day_that_was_another_value_is_a_problem(tmp_path: Path) -> None:
    """What stands in a series is not written over."""
    imported(example(tmp_path), "polymarket")
    before = (tmp_path / "priors/benchmarks/crowd.csv").read_bytes()
    status, said = imported(tmp_path, "polymarket", {"history": [{"t": 1775001600, "p": 0.2}]})
    assert (1, before) == (status, (tmp_path / "priors/benchmarks/crowd.csv").read_bytes())
    assert (
        "given.json:3: polymarket on 2026-04-01 differs from the value in priors/benchmarks/crowd.csv; got 0.2" in said
    )


@given(POINTS, st.randoms(use_true_random=False))
def test_order_is_of_no_matter_and_every_digit_is_kept(pairs: list[tuple[int, float]], rng: Any) -> None:
    """The series holds the latest value of each day, in whatever order points stand, and is read back as written."""
    points = [Point(seconds + 1.0, value, Source("f", line)) for line, (seconds, value) in enumerate(pairs, 1)]
    rng.shuffle(points)
    last, problems = last_of_days(points, TODAY)
    days = {date(1970, 1, 1) + timedelta(days=int(point.seconds // 86400)) for point in points}
    expected = tuple(
        (day, "x", max((p for p in points if _day(p) == day), key=lambda p: p.seconds).probability)
        for day in sorted(days)
    )
    rows, _ = merged(None, "x", last)
    assert ((), expected) == (problems, rows)
    assert expected == read_benchmark(as_csv(rows), "f.csv", TODAY)[0].points


def _day(point: Point) -> date:
    return datetime.fromtimestamp(point.seconds, UTC).date()


def test_today_is_not_over(tmp_path: Path) -> None:
    """A value of today is left for tomorrow, when the day has a last one."""
    at = datetime.now(UTC).timestamp()
    status, said = imported(example(tmp_path), "polymarket", {"history": [{"t": at, "p": 0.2}]})
    assert (1, True) == (status, "no value from before today" in said)


BET = {"createdTime": 1775001600000, "probAfter": 0.5, "contractId": "a"}
QUESTION = {
    "type": "binary",
    "aggregations": {"recency_weighted": {"history": [{"start_time": 1e9, "centers": [0.5]}]}},
}


@pytest.mark.parametrize(
    ("form", "value", "says"),
    [
        ("polymarket", '{"history": [{"t": 1775001600, "p"', "given.json:1: no JSON: "),
        ("polymarket", {"histori": []}, "no list at history; got keys are 'histori'; prices-history of one outcome"),
        ("polymarket", {"history": []}, "given.json:1: the history is empty"),
        ("polymarket", {"history": [{"t": 1, "prob": 0.5}]}, "given.json:3: a point without 'p'; keys are 't', 'prob'"),
        ("polymarket", {"history": [{"t": 1e9, "p": -0.1}]}, "given.json:3: p is not a probability; got -0.1"),
        ("polymarket", {"history": [{"t": 1e9, "p": "0.5"}]}, "given.json:3: p is not a probability; got '0.5'"),
        ("polymarket", '{"history": [{"t": 1e9, "p": NaN}]}', "given.json:1: p is not a probability; got nan"),
        ("polymarket", {"history": [{"t": 1775001600000, "p": 0.5}]}, "is not a time of a history; got 1775001600000"),
        ("manifold", [{**BET, "createdTime": 1775001600}], "is not a time of a history; got 1775001600"),
        ("polymarket", {"history": [{"t": "1 May", "p": 0.5}]}, "t is not a time; got '1 May'"),
        ("polymarket", {"history": [7]}, "given.json:3: not a point of a history; got 7"),
        (
            "polymarket",
            {"history": [{"t": 1775001600, "p": 0.5}, {"t": 1775001600, "p": 0.6}]},
            "given.json:7: two values at the last moment of 2026-04-01; got 0.5 and 0.6; the other at given.json:3",
        ),
        ("manifold", {"bets": [BET]}, "no list at the top; got keys are 'bets'; a list of bets"),
        ("manifold", [BET, {**BET, "contractId": "b"}], "given.json:7: contractId differs from the points before"),
        ("manifold", [{**BET, "answerId": "x"}, BET], "given.json:8: answerId differs from the points before"),
        ("metaculus", {**QUESTION, "type": "numeric"}, "the question is not binary; got 'numeric'"),
        ("metaculus", {"question": {"id": 1}}, "no list at question.aggregations.recency_weighted.history; got "),
        ("metaculus", json.dumps(QUESTION).replace("[0.5]", "[0.5, 0.2]"), "centers is not a probability; got a list"),
    ],
)  # fmt: skip
def test_a_mistake_is_located(tmp_path: Path, form: str, value: object, says: str) -> None:
    """A wrong file is a problem at the line of the point, and nothing is written."""
    status, said = imported(example(tmp_path), form, value)
    assert (1, True, False) == (status, says in said, (tmp_path / "priors/benchmarks").exists())


def test_all_mistakes_are_told_in_one_run(tmp_path: Path) -> None:
    """Each wrong point of a file has its line."""
    history = [{"t": 1e9, "p": 2}, {"t": 1.1e9, "p": 0.5}, {"t": None, "p": 0.5}, {"t": 1e9}]
    _, said = imported(example(tmp_path), "polymarket", {"history": history})
    assert ["given.json:3", "given.json:11", "given.json:15"] == [line.split(": ")[0] for line in said.splitlines()]


def test_a_question_may_stand_alone_and_have_times_in_words() -> None:
    """A Metaculus question without its post is read, and ISO times with an offset are."""
    text = json.dumps(QUESTION).replace("1000000000.0", '"2001-09-09T03:46:40+02:00"')
    points, problems = read_points(text.encode(), "f", feeds_of(Crowd)["metaculus"], NOW)
    assert ([1e9], ()) == ([point.seconds for point in points], problems)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--id", "../crowd"], "letters, digits"),
        (["--name", " "], "--name is empty"),
        (["--question", "nobody_asked"], "there is no question 'nobody_asked'"),
    ],
)
def test_wrong_usage(tmp_path: Path, more: list[str], says: str) -> None:
    """An id that is no name, an empty forecaster and an unknown question are wrong usage."""
    status, said = imported(example(tmp_path), "manifold", None, *more)
    assert (2, True, False) == (status, says in said, (tmp_path / "priors/benchmarks").exists())
