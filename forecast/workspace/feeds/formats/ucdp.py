"""UCDP: the Georeferenced Event Dataset (Sundberg and Melander 2013), and its Candidate files (Hegre et al. 2020)."""

from __future__ import annotations

from typing import override

from forecast.workspace.feeds.coded_table import (
    CodedRow,
    Coder,
    Deaths,
    Span,
    iso_day,
    names,
)
from forecast.workspace.problems import shown


class _Ucdp(Coder):
    """Incidents of several days, with three numbers of fatalities. Both files have the columns of the GED codebook."""

    on_page = (
        "CSV, 49 columns",
        "`id`",
        "`date_start` to `date_end`",
        "`low`, `best`, `high`",
        "the day of the incident",
    )
    columns = names("""
        id relid year active_year code_status type_of_violence conflict_dset_id conflict_new_id conflict_name
        dyad_dset_id
        dyad_new_id dyad_name side_a_dset_id side_a_new_id side_a side_b_dset_id side_b_new_id side_b number_of_sources
        source_article source_office source_date source_headline source_original where_prec where_coordinates
        where_description adm_1 adm_2 latitude longitude geom_wkt priogrid_gid country country_id region event_clarity
        date_prec date_start date_end deaths_a deaths_b deaths_civilians deaths_unknown best high low gwnoa gwnob
    """)
    needed = ("id", "code_status", "date_start", "date_end", "low", "best", "high")
    key = "id"

    @override
    def span(self, row: CodedRow) -> Span | None:
        allowed = "written 2026-05-03 or 2026-05-03 00:00:00.000"
        first, last = (row.day(column, iso_day, allowed) for column in ("date_start", "date_end"))
        if first is None or last is None:
            return None
        if last < first:
            row.refuse("date_end", f"lies before date_start {first}", f"{first} or later")
            return None
        return first, last

    @override
    def deaths(self, row: CodedRow) -> Deaths | None:
        low, best, high = (row.whole(column) for column in ("low", "best", "high"))
        if low is None or best is None or high is None:
            return None
        if not low <= best <= high:
            row.refuse("best", "lies outside low and high", f"from {low} to {high}")
            return None
        return low, best, high

    @override
    def doubt(self, row: CodedRow) -> str | None:
        status = row.text("code_status")
        if status in ("", "Clear"):
            return None
        return f"coded with status {shown(status)}, so it may be dropped or changed"


class UcdpGed(_Ucdp):
    """The yearly file."""

    name = "ucdp-ged"
    title = "UCDP GED"


class UcdpCandidate(_Ucdp):
    """The monthly file, before its review."""

    name = "ucdp-candidate"
    title = "UCDP Candidate"


FEEDS = (UcdpGed(), UcdpCandidate())
