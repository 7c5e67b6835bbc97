"""Mistakes in files of coders: each is located, all in one run, and none is a small count."""

from __future__ import annotations

from datetime import date

import pytest

from forecast.workspace.feeds import feeds_of
from forecast.workspace.feeds.coded_table import Coder, File, condition, read_coded
from tests.workspace.feeds.coded_files import bounds, counted, said, sample, ucdp_text

THREE_DAYS = date(2026, 4, 1), date(2026, 4, 3)


ACLED_MISTAKES = [
    (",fatalities,", ",fatalites,", "1.csv:1: ACLED has a column 'fatalities', which is missing; columns are "),
    (",fatalities,", ",fatalites,", "did you mean 'fatalites'?"),
    (",tags,", ",tagz,", "1.csv:1: warning: column 'tagz' is not read; ACLED has 31 columns; did you mean 'tags'?"),
    (",tags,", ",notes,", "1.csv:1: column 'notes' appears twice"),
    ('world.",3,', 'world.",-3,', "1.csv:3: fatalities is not a count; got '-3'; a whole number, 0 or more"),
    ('world.",3,', 'world.",NaN,', "1.csv:3: fatalities is not a count; got 'NaN'"),
    ('world.",3,', 'world.",,', "1.csv:3: fatalities is not a count; got ''"),
    ("01 April 2026", "31 April 2026", "1.csv:3: event_date is not a date; got '31 April 2026'; written "),
    ("01 April 2026", "01 Aprl 2026", "1.csv:3: event_date is not a date; got '01 Aprl 2026'"),
    ("SMP2", "SMP1", "1.csv:3: event_id_cnty 'SMP1' appears twice; first at 1.csv:2; it would count twice"),
    ("SMP2", "", "1.csv:3: event_id_cnty is empty"),
    ("2026,2,Political", "2026,7,Political", "1.csv:5: time_precision is no precision; got '7'"),
    ("SMP7,20 April 2026", "SMP7,20 Ap", "1.csv:9: event_date is not a date"),
    ("1778457600", "yesterday", "1.csv:2: timestamp is not a count; got 'yesterday'"),
    ("1778457600", "999999999999999", "1.csv:2: timestamp is not a time; got '999999999999999'; seconds since 1970"),
]
UCDP_MISTAKES = [
    (",5,9,3,", ",2,9,3,", "1.csv:4: best lies outside low and high; got '2'; from 3 to 9"),
    ("2026-04-03 00", "2026-03-03 00", "1.csv:3: date_end lies before date_start 2026-03-28"),
    ("2026-04-02 00:00:00.000", "02/04/2026", "1.csv:4: date_start is not a date; got '02/04/2026'"),
    (",code_status,", ",status,", "1.csv:1: UCDP GED has a column 'code_status', which is missing"),
]


@pytest.mark.parametrize(
    ("form", "old", "new", "says"),
    [*(("acled", *one) for one in ACLED_MISTAKES), *(("ucdp-ged", *one) for one in UCDP_MISTAKES)],
)
def test_a_mistake_is_located(form: str, old: str, new: str, says: str) -> None:
    """A wrong cell or column is a problem at its line, with what was found and what is allowed."""
    text = sample(form)
    assert old in text
    found = [line for line in said(counted(form, text.replace(old, new, 1))) if says in line]
    assert len(found) == 1
    assert found[0].startswith("1.csv:")


def test_a_row_of_no_day_is_read_to_its_end() -> None:
    """What else is wrong in a row that cannot be dated is told in the same run."""
    text = sample("acled").replace("01 April 2026", "31 April 2026").replace('world.",3,', 'world.",-3,')
    told = [line.split("; ")[0] for line in said(counted("acled", text))]
    assert ["1.csv:3: event_date is not a date", "1.csv:3: fatalities is not a count"] == told


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("20260402\t", "20260431\t", "1.csv:2: SQLDATE is not a date; got '20260431'; written 20260503"),
        ("20260402001500", "2 April", "1.csv:2: DATEADDED is not a date; got '2 April'"),
        ("\t-9.0\t", "\tnan\t", "1.csv:6: GoldsteinScale is no number; got 'nan'; a finite number"),
        ("\t20260403181500\thttps://example.org/sample", "", "1.csv:6: a row that is not of GDELT 2.0; got 59 cells"),
        ("800002", "800001", "1.csv:2: GLOBALEVENTID '800001' appears twice"),
    ],
)
def test_a_mistake_in_gdelt_is_located(old: str, new: str, says: str) -> None:
    """A table without a header is checked by its number of cells, and cell by cell."""
    text = sample("gdelt")
    assert old in text
    where = ["GoldsteinScale<=-1"]
    found = counted("gdelt", text.replace(old, new, 1), of="events", window=THREE_DAYS, where=where)
    assert [True] == [line.startswith(says) for line in said(found)]


def test_all_mistakes_are_told_in_one_run() -> None:
    """Every wrong row of every file is named, a half line included."""
    first = sample("ucdp-ged").replace(",5,9,3,", ",5,9,x,").replace(",2,2,0,", ",2,NaN,0,")
    second = ucdp_text([(1, date(2026, 4, 1), date(2026, 4, 1), 0, 1, 1)])
    found = counted("ucdp-ged", first, second + sample("ucdp-ged").splitlines()[1][:40])
    assert [
        "1.csv:4: low is not a count; got 'x'; a whole number, 0 or more",
        "1.csv:5: high is not a count; got 'NaN'; a whole number, 0 or more",
        "2.csv:3: a row that does not fit the header; got 5 cells beginning with '900001'; 49 cells, as the header has",
    ] == [line for line in said(found) if "warning" not in line]


def test_a_wrong_byte_is_located() -> None:
    """A byte that is no UTF-8 is named at its line, and the rest of the file is still read."""
    for form in ("acled", "gdelt"):
        content = sample(form).encode().replace(b"Sample", b"Sampl\xe9", 1).replace(b"SAMPLE", b"SAMPL\xe9", 1)
        table, problems = read_coded(File("f", content), feeds_of(Coder)[form])
        assert table is not None
        assert ["f:1: not UTF-8 text; got byte 0xe9; save the file as UTF-8"] == [
            str(problem).replace("f:2", "f:1") for problem in problems
        ]


def test_a_part_of_the_window_is_a_problem() -> None:
    """Files whose rows do not reach both ends of the window are refused, unless the user says that they do."""
    text = "\n".join(line for line in sample("acled").splitlines() if "01 May" not in line and "30 April" not in line)
    got = "1.csv:1: the files hold only a part of the window; got rows from 2026-03-31 to 2026-04-20; "
    assert [True] == [line.startswith(got) for line in said(counted("acled", text)) if "warning" not in line]
    assert counted("acled", text, is_whole=True).is_right
    header = sample("acled").splitlines()[0]
    assert not counted("acled", header, where=()).is_right
    assert (0, 0, 0) == bounds(counted("acled", header, where=(), is_whole=True))


def test_a_day_without_rows_is_missing_from_gdelt() -> None:
    """A coder that adds rows every day has lost a file where a day has none, although later rows tell of that day."""
    text = sample("gdelt").replace("20260402001500", "20260403001500")
    found = said(counted("gdelt", text, of="events", window=THREE_DAYS, where=()))
    expected = "1.csv:1: 1 day of the window has no rows; got 2026-04-02; GDELT 2.0 adds rows every day"
    assert [True] == [line.startswith(expected) for line in found if "quarters" not in line]


def test_what_was_not_public_is_refused() -> None:
    """A file with rows coded after the day of report was not the one that was public then."""
    found = [said(counted(form, sample(form), reported=date(2026, 5, 5))) for form in ("acled", "ucdp-ged")]
    firsts = [[line for line in lines if "warning" not in line] for lines in found]
    until = "after the day on which the count was reported"
    allowed = "got 2026-05-05; --reported: the day from which these files were public"
    expected = [
        f"1.csv:2: a row of 2026-05-11, {until} (8 such rows); {allowed}",
        f"1.csv:8: a row of 2026-05-10, {until} (1 such rows); {allowed}",
    ]
    assert [[line] for line in expected] == firsts


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("contry=Sampleland", "1.csv:1: --where: no column 'contry'; columns are "),
        ("country=Samplelnd", "--where: no row has country=Samplelnd; values of country are 'Otherland', 'Sampleland'"),
        ("country=Samplelnd", "did you mean 'Sampleland'?"),
        ("country>=3", "1.csv:2: country is no number; got 'Sampleland'"),
    ],
)  # fmt: skip
def test_a_condition_that_meets_nothing_is_a_problem(where: str, says: str) -> None:
    """A misspelt column or value is named with the near one instead of counting nothing."""
    assert any(says in line for line in said(counted("acled", sample("acled"), where=[where])))


@pytest.mark.parametrize("text", ["country", "=x", "country=", "fatalities<=many", "fatalities<3"])
def test_what_is_no_condition(text: str) -> None:
    """A condition has a column, a sign and a value, and a bound is a number."""
    with pytest.raises(ValueError, match="is not a condition"):
        condition(text)


def test_gdelt_counts_no_fatalities() -> None:
    """A coder that codes no deaths cannot fill thresholds of fatalities."""
    found = said(counted("gdelt", sample("gdelt"), window=THREE_DAYS, where=()))
    assert [True] == ["1.csv:1: GDELT 2.0 does not count fatalities" in line for line in found]
