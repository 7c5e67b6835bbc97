"""GDELT 2.0: the table of events, which has no header (Leetaru and Schrodt 2013; Event Codebook 2.0, 2015)."""

from __future__ import annotations

from datetime import date
from typing import override

from forecast.workspace.feeds.coded_table import (
    CodedRow,
    Coder,
    Span,
    compact_day,
    compact_quarter,
    names,
)

_ACTOR = names("""
    Code Name CountryCode KnownGroupCode EthnicCode Religion1Code Religion2Code Type1Code Type2Code Type3Code
""")
_PLACE = names("Type FullName CountryCode ADM1Code ADM2Code Lat Long FeatureID")
COLUMNS = (
    *names("GLOBALEVENTID SQLDATE MonthYear Year FractionDate"),
    *(f"Actor{number}{part}" for number in (1, 2) for part in _ACTOR),
    *names("IsRootEvent EventCode EventBaseCode EventRootCode QuadClass GoldsteinScale"),
    *names("NumMentions NumSources NumArticles AvgTone"),
    *(f"{whose}Geo_{part}" for whose in ("Actor1", "Actor2", "Action") for part in _PLACE),
    *names("DATEADDED SOURCEURL"),
)
OTHERS = {
    57: "GDELT 1.0 (before April 2013)",
    58: "GDELT 1.0",
    16: "the table of mentions of GDELT 2.0",
    27: "the knowledge graph of GDELT 2.0",
}  # by their number of columns: tables that are easily taken for that of events


class Gdelt(Coder):
    """One day an incident, no fatalities; rows are added in every quarter of an hour."""

    name = "gdelt"
    title = "GDELT 2.0"
    on_page = (
        "2.0 event export: 61 columns separated by tabs, without a header",
        "`GLOBALEVENTID`",
        "`SQLDATE`",
        "none: `of: events` alone",
        "`DATEADDED`",
    )
    columns = COLUMNS
    needed = COLUMNS
    key = "GLOBALEVENTID"
    has_header = False
    others = OTHERS
    counts_deaths = False
    is_daily = True

    @override
    def span(self, row: CodedRow) -> Span | None:
        day = row.day("SQLDATE", compact_day, "written 20260503")
        return None if day is None else (day, day)

    @override
    def added(self, row: CodedRow) -> date | None:
        return row.day("DATEADDED", compact_day, "written 20260503141500")

    @override
    def quarter(self, row: CodedRow) -> int | None:
        return compact_quarter(row.text("DATEADDED"))


FEEDS = (Gdelt(),)
