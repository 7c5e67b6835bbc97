"""What a row says in the form of each coder: when, how many deaths, since when it is known, what is uncertain.

ACLED: Raleigh and others 2010. GDELT: Leetaru and Schrodt 2013. UCDP: Sundberg and Melander 2013; Candidate: Hegre and
others 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from forecast.feeds.cells import Cells, compact_day, compact_quarter, day_of_seconds, iso_day, iso_or_worded_day
from forecast.feeds.columns import ACLED, ACLED_SOMETIMES, GDELT, GDELT_OTHERS, UCDP
from forecast.workspace.problems import shown

Span = tuple[date, date]
Deaths = tuple[int, int, int]


@dataclass(frozen=True)
class Coder:
    """How a coder's table is read.

    `span` gives the first and last day of an incident, `added` the day on which its row was made (None: not said),
    `deaths` low, best and high, `doubt` what is uncertain about the row; None where a cell is not readable, which is
    then reported. `quarter`: the quarter of an hour, 0 to 95, in which its row was made (None: not said), of a coder
    that adds rows in each; a quarter, or a day, without any is missing. `others`: what a table without a header is that
    has another number of columns.
    """

    title: str
    columns: tuple[str, ...]
    sometimes: tuple[str, ...]  # columns of older and wider files
    has_header: bool
    key: str
    needed: tuple[str, ...]
    span: Callable[[Cells], Span | None]
    added: Callable[[Cells], date | None]
    deaths: Callable[[Cells], Deaths | None] | None
    doubt: Callable[[Cells], str | None]
    quarter: Callable[[Cells], int | None] | None = None
    others: Mapping[int, str] = field(default_factory=dict)

    @property
    def is_daily(self) -> bool:
        """Say whether the coder adds rows every day of the year."""
        return self.quarter is not None


def _acled_span(cells: Cells) -> Span | None:
    day = cells.day("event_date", iso_or_worded_day, "written 2026-05-03 or 03 May 2026")
    return None if day is None else (day, day)


def _acled_added(cells: Cells) -> date | None:
    if not cells.text("timestamp"):
        return None
    seconds = cells.whole("timestamp")
    try:
        return None if seconds is None else day_of_seconds(seconds)
    except ValueError:
        cells.refuse("timestamp", "is no time", "seconds since 1970")
        return None


def _acled_deaths(cells: Cells) -> Deaths | None:
    deaths = cells.whole("fatalities")
    return None if deaths is None else (deaths, deaths, deaths)


def _acled_doubt(cells: Cells) -> str | None:
    precision = cells.code("time_precision")
    if precision not in ("1", "2", "3"):
        cells.refuse("time_precision", "is no precision", "1 (day), 2 (week) or 3 (month)")
        return None
    return None if precision == "1" else "dated to a week or a month, and taken on its event_date"


def _ucdp_span(cells: Cells) -> Span | None:
    allowed = "written 2026-05-03 or 2026-05-03 00:00:00.000"
    first, last = (cells.day(column, iso_day, allowed) for column in ("date_start", "date_end"))
    if first is None or last is None:
        return None
    if last < first:
        cells.refuse("date_end", f"lies before date_start {first}", f"{first} or later")
        return None
    return first, last


def _ucdp_deaths(cells: Cells) -> Deaths | None:
    low, best, high = (cells.whole(column) for column in ("low", "best", "high"))
    if low is None or best is None or high is None:
        return None
    if not low <= best <= high:
        cells.refuse("best", "lies outside low and high", f"from {low} to {high}")
        return None
    return low, best, high


def _ucdp_doubt(cells: Cells) -> str | None:
    status = cells.text("code_status")
    return None if status in ("", "Clear") else f"coded with status {shown(status)}, so it may be dropped or changed"


def _gdelt_span(cells: Cells) -> Span | None:
    day = cells.day("SQLDATE", compact_day, "written 20260503")
    return None if day is None else (day, day)


def _gdelt_added(cells: Cells) -> date | None:
    return cells.day("DATEADDED", compact_day, "written 20260503141500")


def _gdelt_quarter(cells: Cells) -> int | None:
    return compact_quarter(cells.text("DATEADDED"))


def _nothing(_: Cells) -> None:
    return None


_UCDP_NEEDED = ("id", "code_status", "date_start", "date_end", "low", "best", "high")
CODERS = {
    "acled": Coder(
        "ACLED", ACLED, ACLED_SOMETIMES, True, "event_id_cnty",
        ("event_id_cnty", "event_date", "time_precision", "fatalities"),
        _acled_span, _acled_added, _acled_deaths, _acled_doubt,
    ),
    "gdelt": Coder(
        "GDELT 2.0", GDELT, (), False, "GLOBALEVENTID", GDELT, _gdelt_span, _gdelt_added, None, _nothing,
        _gdelt_quarter, GDELT_OTHERS,
    ),
    "ucdp-ged": Coder("UCDP GED", UCDP, (), True, "id", _UCDP_NEEDED, _ucdp_span, _nothing, _ucdp_deaths, _ucdp_doubt),
    "ucdp-candidate": Coder(
        "UCDP Candidate", UCDP, (), True, "id", _UCDP_NEEDED, _ucdp_span, _nothing, _ucdp_deaths, _ucdp_doubt
    ),
}  # fmt: skip
