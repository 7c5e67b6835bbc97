"""Counts of incidents over a window, against counts by hand and by a second way."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.workspace.feeds.counted import state_of
from forecast.workspace.records import Counts
from tests.workspace.feeds.coded_files import APRIL, bounds, counted, said, sample, ucdp_text
from tests.workspace.writing import example, read

THREE_DAYS = date(2026, 4, 1), date(2026, 4, 3)
DAYS = st.integers(-10, 40).map(lambda number: APRIL[0] + timedelta(days=number))
SPANS = st.tuples(DAYS, st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + timedelta(days=pair[1])))
DEATHS = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)).map(lambda numbers: tuple(sorted(numbers)))
ROWS = st.lists(st.tuples(SPANS, DEATHS), min_size=1, max_size=12).map(
    lambda rows: [(key, *span, *deaths) for key, (span, deaths) in enumerate(rows)]
)


@pytest.mark.parametrize(
    ("form", "of", "where", "expected"),
    [
        ("acled", "fatalities", ["country=Sampleland"], (13, 13, 13)),
        ("acled", "events", ["country=Sampleland"], (5, 5, 5)),
        ("acled", "events", ["country=Sampleland", "event_type=Battles"], (3, 3, 3)),
        ("acled", "events", ["country=Sampleland", "event_type=Battles", "event_type=Protests"], (4, 4, 4)),
        ("acled", "events", ["country=Sampleland", "fatalities>=4"], (2, 2, 2)),
        ("acled", "fatalities", ["country=Otherland"], (90, 90, 90)),
        # Low: what lies wholly in April. Best: what ends in it. High: what touches it.
        ("ucdp-ged", "fatalities", ["country=Sampleland"], (3, 17, 39)),
        ("ucdp-ged", "events", ["country=Sampleland"], (2, 3, 4)),
        ("ucdp-candidate", "fatalities", ["country=Sampleland"], (3, 17, 39)),
        ("ucdp-ged", "fatalities", [], (53, 77, 109)),
    ],
)
def test_a_month_counted_by_hand(form: str, of: str, where: list[str], expected: tuple[int, int, int]) -> None:
    """The sample of a coder has the number of fatalities and incidents in April that a reader finds in it."""
    assert expected == bounds(counted(form, sample(form), of=of, where=where))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (["ActionGeo_CountryCode=XS", "EventRootCode=18", "EventRootCode=19"], 3),
        (["ActionGeo_CountryCode=XS", "GoldsteinScale<=-9.5"], 2),
        (["ActionGeo_CountryCode=XS"], 4),
        ([], 5),  # a report of today about the same day a year ago is not of the window
    ],
)
def test_gdelt_counted_by_hand(where: list[str], expected: int) -> None:
    """A row of GDELT counts on the day that it tells of, not on the day on which it was added."""
    assert (expected,) * 3 == bounds(counted("gdelt", sample("gdelt"), of="events", window=THREE_DAYS, where=where))


@given(ROWS, st.randoms(use_true_random=False))
def test_order_and_files_are_of_no_matter(rows: list[tuple[int, date, date, int, int, int]], rng: object) -> None:
    """Rows in another order, and in two files instead of one, give the same count."""
    shuffled = list(rows)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis types its random source as object
    half = len(rows) // 2
    once = counted("ucdp-ged", ucdp_text(rows), is_whole=True)
    parts = [ucdp_text(part) for part in (shuffled[:half], shuffled[half:])]
    assert bounds(once) == bounds(counted("ucdp-ged", *parts, is_whole=True, where=()))


@given(ROWS)
def test_the_count_is_that_of_a_second_way(rows: list[tuple[int, date, date, int, int, int]]) -> None:
    """Low adds rows within the window, best those that end in it, high those that touch it, day by day."""
    days = {APRIL[0] + timedelta(days=number) for number in range(30)}
    spans = {key: {first + timedelta(days=n) for n in range((last - first).days + 1)} for key, first, last, *_ in rows}
    low = sum(row[3] for row in rows if spans[row[0]] <= days)
    best = sum(row[4] for row in rows if row[2] in days)
    high = sum(row[5] for row in rows if spans[row[0]] & days)
    assert (low, best, high) == bounds(counted("ucdp-ged", ucdp_text(rows), is_whole=True))


@given(ROWS, st.integers(1, 29))
def test_windows_add_up(rows: list[tuple[int, date, date, int, int, int]], cut: int) -> None:
    """The best counts of two parts of a window add up to that of the whole."""
    middle = APRIL[0] + timedelta(days=cut)
    windows = [(APRIL[0], middle - timedelta(days=1)), (middle, APRIL[1]), APRIL]
    first, second, whole = (
        counted("ucdp-ged", ucdp_text(rows), window=window, is_whole=True).best for window in windows
    )
    assert whole == first + second


def test_uncertain_rows_are_named() -> None:
    """A warning counts rows that reach over the window, are dated to a week, or are still checked by their coder."""
    candidate, acled = (counted(form, sample(form)) for form in ("ucdp-candidate", "acled"))
    straddles = "begins before the window or ends after it; it counts where it ends (2 of those that count)"
    checked = "coded with status 'Check deaths', so it may be dropped or changed (1 of those that count)"
    dated = "dated to a week or a month, and taken on its event_date (1 of those that count)"
    assert [
        f"1.csv:3: warning: an incident {straddles}",
        f"1.csv:5: warning: an incident {checked}",
    ] == said(candidate)
    assert [f"1.csv:5: warning: an incident {dated}"] == said(acled)


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "raised"), (3, "raised"), (4, "kept"), (19, "kept"), (20, "cut"), (999, "cut")]
)
def test_a_state_holds_from_its_threshold_on(tmp_path: Path, number: int, expected: str) -> None:
    """A count means the state of the last threshold that it reaches."""
    event = read(example(tmp_path)).network.events["budget"]
    counts = Counts("events", 30, {"raised": 0, "kept": 4, "cut": 20})
    assert expected == state_of(event, counts, number)
    assert state_of(event, Counts("events", 30, {"raised": 1000}), number) == event.states[0]
