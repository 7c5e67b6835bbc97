"""Mistakes of a whole file are one message, and what is missing from the files, or stands in two of them, is seen."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.workspace.feeds.coded_table import GAPS
from forecast.workspace.feeds.formats.gdelt import COLUMNS as GDELT
from forecast.workspace.feeds.formats.ucdp import UcdpGed
from tests.workspace.feeds.coded_files import APRIL, bounds, counted, sample, ucdp_text
from tests.workspace.feeds.coded_files import said as all_said
from tests.workspace.feeds.test_coded_mistakes import THREE_DAYS

DAYS = [THREE_DAYS[0] + timedelta(days=number) for number in range(3)]
SLOTS = [(day, quarter) for day in DAYS for quarter in range(96)]


def said(*arguments: object, **more: object) -> list[str]:
    """The problems of a count as a user reads them."""
    return all_said(counted(*arguments, **more))  # type: ignore[arg-type]  # handed on as they are


def gdelt(rows: list[tuple[date, int]], width: int = len(GDELT), first: int = 1) -> str:
    """A file of GDELT: a row in each of some quarters of an hour, of so many cells."""
    lines = []
    for key, (day, quarter) in enumerate(rows, first):
        cells = ["1"] * len(GDELT)
        cells[0], cells[1] = str(key), f"{day:%Y%m%d}"
        cells[-2:] = f"{day:%Y%m%d}{quarter // 4:02}{quarter % 4 * 15:02}00", "https://example.org"
        lines.append("\t".join((cells * 2)[:width]))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("width", "what"),
    [
        (58, "every row has 58 cells: that is GDELT 1.0"),
        (57, "every row has 57 cells: that is GDELT 1.0 (before April 2013)"),
        (16, "every row has 16 cells: that is the table of mentions of GDELT 2.0"),
        (60, "every row has 60 cells"),
        (1, "every row has 1 cell"),
    ],
)
def test_another_table_is_one_message(width: int, what: str) -> None:
    """A file whose rows all have another number of cells is said once, and what it is where that is known."""
    expected = (
        f"1.csv:1: {what}; got a row beginning with '1'; GDELT 2.0 has 61 cells, separated by tabs, without a header"
    )
    assert [expected] == said("gdelt", gdelt(SLOTS, width), of="events", window=THREE_DAYS, where=())


def test_rows_of_two_versions_are_counted_apart() -> None:
    """Of a file that is partly of another version the number of its rows is told."""
    text = gdelt(SLOTS) + gdelt(SLOTS[:40], 58, 1000)
    (found,) = said("gdelt", text, of="events", window=THREE_DAYS, where=())
    assert found.startswith(
        "1.csv:289: 40 of 328 rows have 58 cells: that is GDELT 1.0; got a row beginning with '1000'"
    )


def test_a_header_that_gdelt_does_not_have() -> None:
    """A row of column names is one message, not one for each column that is read."""
    found = said("gdelt", "\t".join(GDELT) + "\n" + gdelt(SLOTS), of="events", window=THREE_DAYS, where=())
    what = "a row of column names, which GDELT 2.0 does not have; got 'GLOBALEVENTID'; delete this line"
    assert [f"1.csv:1: {what}"] == found


def test_a_table_without_its_header_is_one_message() -> None:
    """A first row of data, and the table of another coder, are named as what they are."""
    text = ucdp_text([(key, *APRIL, 0, 1, 1) for key in range(9)])
    headless = text.split("\n", 1)[1]
    first = "the first row names no column of UCDP GED; the file has no header, or is another one; got '0', '', '', ..."
    (found,) = said("ucdp-ged", headless)
    assert found.startswith(f"1.csv:1: {first}; needed are 'id', 'code_status'")
    (found,) = said("acled", text)
    assert found.startswith("1.csv:1: these are the columns of UCDP GED, not of ACLED; got 'id', 'relid', 'year', ...")


def test_a_mistake_of_every_row_is_one_message() -> None:
    """A mistake that more than five rows have is told at the first with their number; of fewer each is told."""
    rows = [(key, *APRIL, 0, 1, 1) for key in range(30)]
    text = ucdp_text(rows).replace(",1,1,0,", ",1,x,0,")
    expected = "1.csv:2: high is not a count; got 'x'; a whole number, 0 or more; 29 more rows are like it, to line 31"
    assert [expected] == said("ucdp-ged", text)
    few = ucdp_text(rows[:5]).replace(",1,1,0,", ",1,x,0,")
    one = "high is not a count; got 'x'; a whole number, 0 or more"
    assert [f"1.csv:{line}: {one}" for line in range(2, 7)] == said("ucdp-ged", few)
    twice = said("ucdp-ged", ucdp_text(rows) + ucdp_text(rows).split("\n", 1)[1])
    allowed = "first at 1.csv:2; it would count twice; 29 more rows are like it, to line 61"
    assert [f"1.csv:32: id '0' appears twice; {allowed}"] == twice


def test_whole_numbers_with_decimals() -> None:
    """1.0 is the whole number 1, as a program writes it that holds a column with gaps; 1.5 is none."""
    text = sample("acled")
    decimals = re.sub(r'(world\."),(\d+),', r"\1,\2.0,", re.sub(r",2026,([123]),", r",2026,\1.0,", text))
    decimals = decimals.replace("1778457600", "1778457600.0")
    assert text.count(".0,") + 10 < decimals.count(".0,")
    assert (bounds(counted("acled", text)), all_said(counted("acled", text))) == (
        bounds(counted("acled", decimals)),
        all_said(counted("acled", decimals)),
    )
    (found,) = [line for line in said("acled", text.replace('world.",3,', 'world.",3.5,')) if "warning" not in line]
    assert "1.csv:3: fatalities is not a count; got '3.5'; a whole number, 0 or more" == found


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(SLOTS), max_size=60), st.randoms(use_true_random=False))
def test_missing_quarters_of_an_hour(missing: set[tuple[date, int]], rng: object) -> None:
    """Quarters of an hour without rows are counted over the window: a few with a warning, more as a problem."""
    rows = [slot for slot in SLOTS if slot not in missing]
    rng.shuffle(rows)  # type: ignore[attr-defined]  # hypothesis types its random source as object
    found = counted("gdelt", gdelt(rows), of="events", window=THREE_DAYS, where=())
    lacking = [day for day in DAYS if any(day == other for other, _ in missing)]
    have, days = "has" if len(missing) == 1 else "have", "day" if len(lacking) == 1 else "days"
    what = f"{len(missing)} of 288 quarters of an hour {have} no rows, on {len(lacking)} {days} of the window"
    assert [
        f"{what}; got {', '.join(f'{day} lacks {sum(d == day for d, _ in missing)} of 96' for day in lacking)}"
    ] * bool(missing) == ["; ".join(line.split(": ")[-1].split("; ")[:2]) for line in all_said(found)]
    assert (len(missing) <= GAPS * 288, (len(rows),) * 3) == (found.is_right, bounds(found))


@pytest.mark.parametrize(("missing", "is_right"), [(0, True), (1, True), (28, True), (29, False)])
def test_a_tenth_of_the_quarters_may_be_missing(missing: int, is_right: bool) -> None:
    """Of the 288 quarters of three days 28 may lack with a warning, and no 29."""
    assert is_right == counted("gdelt", gdelt(SLOTS[missing:]), of="events", window=THREE_DAYS, where=()).is_right


def test_days_that_are_missing() -> None:
    """Days without rows at either end are a part of the window, in the middle missing days; `--whole` takes both."""
    window = THREE_DAYS[0] - timedelta(days=1), THREE_DAYS[1] + timedelta(days=1)
    (found,) = said("gdelt", gdelt(SLOTS), of="events", window=window, where=())
    part = "the files hold only a part of the window; got rows added from 2026-04-01 to 2026-04-03"
    assert found.startswith(f"1.csv:1: {part}; from 2026-03-31 to 2026-04-04; --whole says")
    (found,) = said("gdelt", gdelt(SLOTS[:96] + SLOTS[-96:]), of="events", window=THREE_DAYS, where=())
    assert found.startswith("1.csv:1: 1 day of the window has no rows; got 2026-04-02; ")
    assert [] == said("gdelt", gdelt(SLOTS[:5]), of="events", window=window, where=(), is_whole=True)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 29), max_size=29), st.integers(0, 29), st.integers(0, 12))
def test_a_stretch_without_rows(quiet: set[int], begin: int, length: int) -> None:
    """The longest stretch without rows is told of where the other days make it improbable."""
    quiet = (quiet if length % 2 else set()) | {*range(begin, min(29, begin + length))}
    with_rows = [day for day in range(30) if day not in quiet - {0, 29}]
    rows = [(day, APRIL[0] + timedelta(days=day), APRIL[0] + timedelta(days=day), 0, 1, 1) for day in with_rows]
    stretches = [(b - a - 1, a + 1) for a, b in pairwise(with_rows)]
    longest, at = max(stretches, key=lambda one: (one[0], -one[1]))
    others = 30 - longest
    is_told = longest > 0 and (len(rows) + 1) * comb(others, len(rows)) < 1e-3 * comb(30, len(rows))
    first, last = APRIL[0] + timedelta(days=at), APRIL[0] + timedelta(days=at + longest - 1)
    expected = (
        f"1.csv:1: warning: no rows from {first} to {last}, of whatever place; got rows on {len(rows)} of the other"
    )
    found = said("ucdp-ged", ucdp_text(rows), of="events")
    assert ([expected] if is_told else []) == [line[: len(expected)] for line in found]
    assert [] == said("ucdp-ged", ucdp_text(rows), of="events", is_whole=True)


def test_an_incident_of_many_days_covers_them() -> None:
    """Days within an incident are not without rows, and a file of a few incidents is not called incomplete."""
    day = [APRIL[0] + timedelta(days=number) for number in range(30)]
    rows = [(number, day[number], day[number], 0, 1, 1) for number in range(30) if not 10 <= number < 20]
    (found,) = said("ucdp-ged", ucdp_text(rows), of="events")
    assert "no rows from 2026-04-11 to 2026-04-20, of whatever place; got rows on 20 of the other 20 days" in found
    assert [] == said("ucdp-ged", ucdp_text([*rows, (99, day[9], day[20], 0, 1, 1)]), of="events")
    assert [] == said("ucdp-ged", ucdp_text([rows[0], rows[4], rows[-1]]), of="events")


def test_rows_without_a_time_of_day() -> None:
    """Where a day's rows do not say their time, a warning says that missing quarters do not show."""
    text = re.sub(r"(2026040\d)\d{6}\t", r"\1\t", gdelt(SLOTS))
    (found,) = said("gdelt", text, of="events", window=THREE_DAYS, where=())
    what = "3 days of the window have rows without a time of day, so a missing quarter of an hour would not be noticed"
    assert f"1.csv:1: warning: {what}; got 2026-04-01, 2026-04-02, 2026-04-03" == found


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(0, 12), st.integers(0, 12))
def test_files_that_overlap(number: int, begin: int, end: int) -> None:
    """Rows that stand in two files count once, with a warning that counts them."""
    rows = [(key, *APRIL, 0, 1 + key, 50) for key in range(number)]
    again = rows[begin:end]
    found = counted("ucdp-ged", ucdp_text(rows), ucdp_text(again) if again else ucdp_text(rows[:0]))
    assert bounds(counted("ucdp-ged", ucdp_text(rows))) == bounds(found)
    many = "1 row" if len(again) == 1 else f"{len(again)} rows"
    expected = [f"2.csv:2: warning: the files overlap: {many} of 1.csv again; each counts once"]
    assert expected * bool(again) == all_said(found)


def test_two_versions_of_a_row_are_a_problem() -> None:
    """A row that stands in two files with other cells is refused: nobody says which of them holds."""
    first, second = (ucdp_text([(1, *APRIL, 0, best, 9)]) for best in (1, 2))
    assert ["2.csv:2: id '1' appears twice; first at 1.csv:2; it would count twice"] == said("ucdp-ged", first, second)
    assert len(UcdpGed.columns) == first.split("\n")[0].count(",") + 1
