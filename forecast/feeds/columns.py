"""The columns of three coders of incidents, as published and in the order of their files.

ACLED: Codebook, and the file of its export tool. GDELT: Event Codebook 2.0 (2015), a table without a header. UCDP:
Georeferenced Event Dataset codebook; the Candidate files have the same columns.
"""

from __future__ import annotations


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ACLED = _names("""
    event_id_cnty event_date year time_precision disorder_type event_type sub_event_type actor1 assoc_actor_1 inter1
    actor2 assoc_actor_2 inter2 interaction civilian_targeting iso region country admin1 admin2 admin3 location
    latitude longitude geo_precision source source_scale notes fatalities tags timestamp
""")
ACLED_SOMETIMES = _names("""
    population_1km population_2km population_5km population_best data_id event_id_no_cnty
""")  # columns of wider and of older files

UCDP = _names("""
    id relid year active_year code_status type_of_violence conflict_dset_id conflict_new_id conflict_name dyad_dset_id
    dyad_new_id dyad_name side_a_dset_id side_a_new_id side_a side_b_dset_id side_b_new_id side_b number_of_sources
    source_article source_office source_date source_headline source_original where_prec where_coordinates
    where_description adm_1 adm_2 latitude longitude geom_wkt priogrid_gid country country_id region event_clarity
    date_prec date_start date_end deaths_a deaths_b deaths_civilians deaths_unknown best high low gwnoa gwnob
""")

_ACTOR = _names("""
    Code Name CountryCode KnownGroupCode EthnicCode Religion1Code Religion2Code Type1Code Type2Code Type3Code
""")
_PLACE = _names("Type FullName CountryCode ADM1Code ADM2Code Lat Long FeatureID")
GDELT = (
    *_names("GLOBALEVENTID SQLDATE MonthYear Year FractionDate"),
    *(f"Actor{number}{part}" for number in (1, 2) for part in _ACTOR),
    *_names("IsRootEvent EventCode EventBaseCode EventRootCode QuadClass GoldsteinScale"),
    *_names("NumMentions NumSources NumArticles AvgTone"),
    *(f"{whose}Geo_{part}" for whose in ("Actor1", "Actor2", "Action") for part in _PLACE),
    *_names("DATEADDED SOURCEURL"),
)
GDELT_OTHERS = {
    57: "GDELT 1.0 (before April 2013)",
    58: "GDELT 1.0",
    16: "the table of mentions of GDELT 2.0",
    27: "the knowledge graph of GDELT 2.0",
}  # by their number of columns: tables that are easily taken for that of events
