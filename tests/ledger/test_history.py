"""The ledger as a history: each line against the one that an update of it would be compared with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forecast.ledger.differences import courses, history
from forecast.ledger.entries import Line
from tests.ledgers import INPUTS, shares, update


def _line(number: int, as_of: str, peace: float, *items: str, note: str | None = None, **more: float) -> Line:
    inputs = {**INPUTS, "items": dict.fromkeys(items, "1")}
    return replace(update(as_of, number=number, inputs=inputs, note=note), scenarios=shares(peace=peace, **more))


LEDGER = (
    _line(1, "2026-01-01", 0.25, "a"),
    _line(2, "2026-03-01", 0.5, "a", "b", note="spring"),
    _line(4, "2026-02-01", 0.375, "a", "late", war=0.125),  # a merge stands on line 3
)


def test_changes_are_since_the_latest_line_that_is_not_later() -> None:
    """A line entered afterwards for an earlier date is compared with the lines up to that date."""
    rows = history(LEDGER)
    assert [1, 2, 4] == [row.line for row in rows]
    assert [None, 1, 1] == [row.compared_with for row in rows]
    assert [[None], [0.25], [0.125, None]] == [[share.change for share in row.scenarios] for row in rows]
    assert [("new item a",), ("new item b",), ("new item late",)] == [row.news for row in rows]
    assert [None, "spring", None] == [row.note for row in rows]


def test_courses_are_by_date() -> None:
    """A course is in the order of dates, with the last update of each, and a gap where a scenario was not there."""
    again = _line(5, "2026-03-01", 0.625, "a", "b", "c")
    days, found = courses((*LEDGER, again))
    assert ["2026-01-01", "2026-02-01", "2026-03-01"] == days
    assert {"peace": [0.25, 0.375, 0.625], "war": [None, 0.125, None]} == found


@pytest.mark.parametrize("ledger", [(), LEDGER[:1]])
def test_short_ledgers(ledger: tuple[Line, ...]) -> None:
    """As many rows as lines, also without any."""
    assert len(ledger) == len(history(ledger))
