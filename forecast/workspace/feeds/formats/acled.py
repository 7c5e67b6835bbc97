"""ACLED: the file of its export tool, or of its API (Raleigh and others 2010; its codebook)."""

from __future__ import annotations

from datetime import date
from typing import override

from forecast.workspace.feeds.coded_table import (
    CodedRow,
    Coder,
    Deaths,
    Span,
    day_of_seconds,
    iso_or_worded_day,
    names,
)

EARLIEST = date(2000, 1, 1)  # ACLED is not as old; milliseconds or days for seconds lie in other centuries, or in 1970


class Acled(Coder):
    """One day an incident, one number of fatalities."""

    name = "acled"
    title = "ACLED"
    on_page = (
        "CSV of the export tool or the API, 31 columns",
        "`event_id_cnty`",
        "`event_date`",
        "`fatalities`",
        "`timestamp`",
    )
    columns = names("""
        event_id_cnty event_date year time_precision disorder_type event_type sub_event_type actor1 assoc_actor_1 inter1
        actor2 assoc_actor_2 inter2 interaction civilian_targeting iso region country admin1 admin2 admin3 location
        latitude longitude geo_precision source source_scale notes fatalities tags timestamp
    """)
    sometimes = names("""
        population_1km population_2km population_5km population_best data_id event_id_no_cnty
    """)  # columns of wider and of older files
    needed = ("event_id_cnty", "event_date", "time_precision", "fatalities")
    key = "event_id_cnty"

    @override
    def span(self, row: CodedRow) -> Span | None:
        day = row.day("event_date", iso_or_worded_day, "written 2026-05-03 or 03 May 2026")
        return None if day is None else (day, day)

    @override
    def added(self, row: CodedRow) -> date | None:
        if not row.text("timestamp"):
            return None
        seconds = row.whole("timestamp")
        try:
            day = None if seconds is None else day_of_seconds(seconds)
        except ValueError:
            day = date.min
        if day is not None and day < EARLIEST:
            row.refuse("timestamp", "is not a time", f"seconds since 1970, of a day from {EARLIEST} on")
            return None
        return day

    @override
    def deaths(self, row: CodedRow) -> Deaths | None:
        deaths = row.whole("fatalities")
        return None if deaths is None else (deaths, deaths, deaths)

    @override
    def doubt(self, row: CodedRow) -> str | None:
        precision = row.code("time_precision")
        if precision not in ("1", "2", "3"):
            row.refuse("time_precision", "is no precision", "1 (day), 2 (week) or 3 (month)")
            return None
        return None if precision == "1" else "dated to a week or a month, and taken on its event_date"


FEEDS = (Acled(),)
