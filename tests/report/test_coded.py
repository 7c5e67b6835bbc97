"""How a statement's coding is written on the page."""

from __future__ import annotations

from datetime import date

import pytest

from forecast.words import THIN_SPACE
from forecast.workspace.records import Count, Probability, Quantiles, Reading
from forecast.workspace.statement_forms import statement_form


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (Quantiles(((0.05, 0.1), (0.5, 0.305)), "beta"), "5 % below 10 %, 50 % below 30.5 % (beta fit)"),
        (Probability(0.75, None, None, 0.9, None, "odds 3:1 on"), "odds 3:1 on: 75 %"),
        (
            Probability(0.75, 2 / 3, 0.9, 0.8, None, "odds 3:1 on (2:1 on to 9:1 on)"),
            "odds 3:1 on (2:1 on to 9:1 on): 75 % (66.7 %–90 %, at 80 %)",
        ),
        (Probability(0.7, None, None, 0.9, 0.35, "high confidence"), "high confidence: 70 % (sd 0.35 log-odds)"),
        (Count(0, 3, "window", None, date(2024, 12, 31)), "0 of 3 per window, cases until 2024-12-31"),
        (Count(0, 3, "year", None), "0 of 3 per year"),
    ],
)
def test_what_was_said_is_written_as_it_was_said(reading: Reading, expected: str) -> None:
    """Quantiles, odds, confidence and the day of the last case stand on the page as they were stated."""
    assert expected == statement_form(reading).words(reading, {}, {}).replace(THIN_SPACE, " ")
