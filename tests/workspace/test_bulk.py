"""Evidence in tables: the same records and the same messages as in YAML, row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.workspace.csv_text import _parsed_rows, _rows
from forecast.workspace.names import Frame
from forecast.workspace.nodes import Cursor
from forecast.workspace.problems import Problem, Source
from forecast.workspace.read_evidence import KEYS, EvidenceReader, PlainRows, as_node
from forecast.workspace.records import Claim, Item, Likelihood, Settled, Support
from tests.workspace.writing import BULK_HEADER, BULK_PATH, TODAY, example, messages, read, write_bulk

ROW = "r1,2026-07-01,newspaper,2,A report.,demand,,low=.3;high=.6,,,,"


def bulk(root: Path) -> list[Item]:
    """Return the items of the table, by line."""
    return sorted((item for item in read(root).items if item.source.path == BULK_PATH), key=lambda item: item.source)


def test_a_row_is_an_item(tmp_path: Path) -> None:
    """Each row is one item on one event, in one of the four ways, at its line; empty cells are absent keys."""
    write_bulk(
        tmp_path,
        ROW,
        "r2,2026-07-02,forum,,Second.,success,,,slight,yes,,2026-09-30",
        "r3,2026-07-03,newspaper,1,Third.,prototype,shown,,,,,",
        '"r4",2026-07-03,newspaper,1,"Fourth, ""quoted""\nand long.",launch,,,,,limited,',
        "r5,2026-07-04,newspaper,1,Fifth.,launch,,,strong,at_least=limited,,",
    )
    found = bulk(tmp_path)
    nowhere = Source("", 0)
    parts: list[Any] = [item.bears_on[0] for item in found]
    said = [replace(part, source=nowhere) for part in parts]
    assert said == [
        Likelihood("demand", {"low": 0.3, "high": 0.6}, None, nowhere),
        Support("success", "slight", ("yes",), date(2026, 9, 30), nowhere),
        Settled("prototype", "shown", nowhere),
        Claim("launch", "limited", nowhere),
        Support("launch", "strong", ("limited", "general"), None, nowhere),
    ]
    assert [(item.id, item.credibility, item.source.line) for item in found] == [
        ("r1", 2, 2), ("r2", 6, 3), ("r3", 1, 4), ("r4", 1, 5), ("r5", 1, 7),
    ]  # fmt: skip
    assert found[3].headline == 'Fourth, "quoted"\nand long.'


CELLS = {
    "id": ["a", "", "b c", "1", "x" * 101],
    "reported": ["2026-07-01", "", "01.07.2026", "2026-02-30", "2025-01-01", "2027-01-01", "2026-06-01"],
    "happened": ["", "2026-06-15", "2026-07-02", "2020-01-01", "soon"],
    "source": ["newspaper", "newspapr", ""],
    "credibility": ["", "1", "6", "7", "2.0", "high"],
    "rho": ["", ".5", "1", "x"],
    "headline": ["A headline.", "", "h" * 20_001],
    "url": ["", "https://example.org/"],
    "group": ["", "g", "g g"],
    "event": ["demand", "launch", "success", "lunch", ""],
    "settled": ["", "", "high", "general", "none", "maybe"],
    "likelihood": ["low=.3;high=.6", "", "high=1; low=0;", "low=nan;high=1", "low=-1;high=1", "low=0;high=0",
                   "low;high=1", "low=1;low=2;high=1", "none=1;limited=1;general=1e-3", "low=1", "=;"],
    "support": ["", "slight", "huge"],
    "for": ["", "high", "low;high", "at_least=limited", "at_least=none", ";", "limited;general"],
    "claims": ["", "", "general", "high"],
    "until": ["", "2026-09-01", "2026-01-01", "later"],
    "retracted": ["", "2026-08-01", "2026-01-01", "2027-01-01"],
    "supersedes": ["", "waiting-list", "nobody", "? ?"],
}  # fmt: skip


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> Frame:
    """What the rows of the example's tables are read against."""
    from forecast.workspace import files, names
    from forecast.workspace.yaml_text import parse_yaml

    root = example(tmp_path_factory.mktemp("example"))
    workspace = read(root)
    network, scenarios, experts, sources = (
        parse_yaml((root / path).read_bytes(), path)[0]
        for path in (files.NETWORK, files.SCENARIOS, files.EXPERTS, files.SOURCES)
    )
    paths = (files.NETWORK, files.SCENARIOS)
    known = names.collect_names(network, scenarios, experts, sources, paths)
    return Frame(known, workspace.network, TODAY)


@given(data=st.data())
def test_the_short_way_is_the_long_way(frame: Frame, data: st.DataObject) -> None:
    """A row that is taken by the short way is without a problem by the long way, and the same item.

    But for its source: that is asked for by itself.
    """
    # Mostly the first choice, so that rows come through.
    cells = {
        key: data.draw(st.one_of(st.just(values[0]), st.just(values[0]), st.sampled_from(values)))
        for key, values in CELLS.items()
    }
    short = PlainRows(frame).item([cells.get(key, "") for key in KEYS], Source(BULK_PATH, 2))
    if short is not None:
        reading = EvidenceReader(frame)
        reading.add(Cursor.over(as_node(cells, 2), BULK_PATH), 1)
        assert [short] == reading.items
        unknown = [] if short.report_source in (frame.names.sources or ()) else ["unknown source 'newspapr'"]
        assert unknown == [problem.what.removeprefix(": ") for problem in reading.problems]


@given(
    text=st.lists(st.sampled_from(["a", "b c", ",", ",", "\n", "\n", "\r\n", "\r", '"', '""', " ", "é"]), max_size=40)
)
def test_a_row_without_a_quote_is_a_line(text: list[str]) -> None:
    """Rows that commas part are those that the parser of CSV gives, up to the first quote and behind it."""
    lines = "".join(text).split("\n")
    by_commas: list[Problem] = []
    parsed: list[Problem] = []
    # Of a line without anything the parser gives no cell, and commas part one empty cell: neither is a row.
    rows = [(line, cells) for line, cells in _rows(lines, "t.csv", by_commas) if any(cells)]
    assert rows == [(line, cells) for line, cells in _parsed_rows(lines, 0, "t.csv", parsed) if any(cells)]
    assert parsed == by_commas


WRONG = [
    ("r1,2026-07-01,newspapr,2,A.,demand,,low=.3;high=.6,,,,", "item 'r1': unknown source 'newspapr'"),
    ("r1,01.07.2026,newspaper,2,A.,demand,,low=.3;high=.6,,,,", "item 'r1': reported is not a date"),
    ("r1,2026-07-01,newspaper,2,A.,demand,,low=nan;high=.6,,,,", "item 'r1': likelihood.low must be a number"),
    ("r1,2026-07-01,newspaper,2,A.,demand,,low=-1;high=.6,,,,", "item 'r1': likelihood.low is out of range"),
    ("r1,2026-07-01,newspaper,2,A.,demand,,low=0;high=0,,,,", "item 'r1': likelihood is 0 in every state"),
    ("r1,2026-07-01,newspaper,2,A.,demand,,low:1;high=1,,,,", "item 'r1': likelihood is not readable; got 'low:1'"),
    ("r1,2026-07-01,newspaper,2,A.,demand,high,low=1;high=1,,,,", "item 'r1': 'likelihood' beside 'settled'"),
    ("r1,2026-07-01,newspaper,2," + "h" * 1_000_000 + ",demand,,low=1;high=1,,,,", "item 'r1': headline is too long"),
    ("r1,2026-07-01,newspaper", "a row that does not fit the header; got 3 cells beginning with 'r1'; 12 cells"),
    ('r1,2026-07-01,newspaper,2,"A.,demand,,low=1;high=1,,,,', "a quote is opened and not closed"),
    ('r1,2026-07-01,newspaper,2,"A."x,demand,,low=1;high=1,,,,', "not readable as CSV"),
    (",2026-07-01,newspaper,2,A.,demand,,low=1;high=1,,,,", "item number 1: missing key 'id'"),
]


@pytest.mark.parametrize(("row", "says"), WRONG, ids=[f"{n}-{says:.40}" for n, (_, says) in enumerate(WRONG)])
def test_a_wrong_row(tmp_path: Path, row: str, says: str) -> None:
    """A mistake is a problem at its row's line, and the rows after it are checked as ever."""
    write_bulk(tmp_path, row, "r2,2026-07-01,newspaper,2,B.,demnd,,low=.3;high=.6,,,,")
    found = messages(tmp_path)
    assert [True, True] == [found[0].startswith(f"{BULK_PATH}:2: {says}"), found[-1].endswith("did you mean 'demand'?")]
    assert found[-1].startswith(f"{BULK_PATH}:3: item 'r2': unknown event 'demnd'")


def test_wrong_tables(tmp_path: Path) -> None:
    """What is wrong with header or bytes is said at its line; a letter of another encoding hides nothing."""
    write_bulk(tmp_path, ROW, header=BULK_HEADER.replace("credibility", "credibilty"))
    known = "did you mean 'credibility'?"
    assert [known] == [message[-len(known) :] for message in messages(tmp_path)]
    (tmp_path / BULK_PATH).write_bytes(
        f"{BULK_HEADER}\n{ROW}\n".encode() + b"r2,2026-07-01,newspaper,2,\xe9,demand,,low=x;high=1,,,,\n"
    )
    assert messages(tmp_path) == [
        f"{BULK_PATH}:3: item 'r2': likelihood.low must be a number; got 'x'",
        f"{BULK_PATH}:3: not UTF-8 text; got byte 0xe9; save the file as UTF-8",
    ]
    (tmp_path / BULK_PATH).write_text("", encoding="utf-8")
    assert messages(tmp_path) == [f"{BULK_PATH}:1: the file is empty; an unused file is deleted"]


@pytest.mark.parametrize(("parting", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_cells_that_are_not_parted_by_commas(tmp_path: Path, parting: str, name: str) -> None:
    """A table that another program parted otherwise is one problem, not one for each missing column."""
    write_bulk(tmp_path, ROW.replace(",", parting), header="id,reported".replace(",", parting))
    assert messages(tmp_path) == [
        f"{BULK_PATH}:1: cells are separated by {name}; got 'id{parting}reported'; commas".replace("\t", "\\t")
    ]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_table_in_utf_16(tmp_path: Path, encoding: str) -> None:
    """A file in UTF-16 is one problem, not one for each of its letters."""
    write_bulk(tmp_path, ROW)
    (tmp_path / BULK_PATH).write_bytes(f"\ufeff{BULK_HEADER}\n{ROW}\n".encode(encoding))
    first = {"utf-16-le": "0xff", "utf-16-be": "0xfe"}[encoding]
    assert messages(tmp_path) == [f"{BULK_PATH}:1: UTF-16 text; got byte {first}; save the file as UTF-8"]


def test_scenarios_are_no_column(tmp_path: Path) -> None:
    """Evidence on scenarios is refused in a table, with a word on where it stands; other messages do not name it."""
    where = "evidence on scenarios stands in YAML, or is imported as a matrix (--format ach); "
    write_bulk(tmp_path, ROW + ",", header=BULK_HEADER + ",scenarios")
    assert f"{BULK_PATH}:1: unknown column 'scenarios'; {where}columns are " in messages(tmp_path)[0]
    (tmp_path / "evidence/feed.columns.yaml").write_text("columns: {scenarios: scenarios}\n", encoding="utf-8")
    assert f"unknown key 'scenarios'; {where}keys are " in messages(tmp_path)[0]
    write_bulk(other := tmp_path / "other", "r1,2026-07-01,newspaper,2,A.,demand,,,,,,")
    said = "item 'r1': says nothing; needs exactly one of 'settled', 'likelihood', 'support', 'claims'"
    assert [f"{BULK_PATH}:2: {said}"] == messages(other)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("newspapr,2,A report.,demand,,low=.3;high=.6,,,,", "unknown source 'newspapr'"),
        ("newspaper,2,A report.,demandd,,low=.3;high=.6,,,,", "unknown event 'demandd'"),
        ("newspaper,2,A report.,demand,,low=.3;hihg=.6,,,,", "'hihg'"),
        ("newspaper,2,A report.,demand,,,slihgt,high,,", "'slihgt'"),
        ("newspapr,2,A report.,demandd,,low=.3;high=.6,,,,", "unknown event 'demandd'"),
    ],
)
def test_one_mistake_in_many_rows_is_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: str, says: str
) -> None:
    """A table of any length whose rows share a mistake takes no longer than a right one, and tells of it once."""
    looked: list[str] = []
    whole = EvidenceReader.add

    def add(reader: EvidenceReader, entry: Cursor, number: int) -> None:
        looked.append(entry.path)
        whole(reader, entry, number)

    monkeypatch.setattr(EvidenceReader, "add", add)
    write_bulk(tmp_path, *(f"r{number},2026-07-0{1 + number % 3},{cells}" for number in range(60)))
    said = [line for line in messages(tmp_path) if line.startswith(BULK_PATH)]
    assert [True] == [line.startswith(f"{BULK_PATH}:2: item 'r0': ") for line in said if says in line]
    assert all("59 more rows are like it, to line 61" in line for line in said)
    assert looked.count(BULK_PATH) <= 3


def test_a_claim_of_what_is_always_so(tmp_path: Path) -> None:
    """The claim that a reached event is in its lowest state or a later one is warned about, as it tells nothing."""
    header = "id,reported,source,headline,event,claims"
    write_bulk(
        tmp_path, "a,2026-07-01,forum,No launch.,launch,none", "b,2026-07-01,forum,Poor.,demand,low", header=header
    )
    said = f"{BULK_PATH}:2: warning: item 'a': the claim that 'launch' is 'none' says nothing; "
    said += "a reached event is claimed to be in a state or a later one; give a likelihood, or support"
    assert [said] == [message for message in messages(tmp_path, "warning") if BULK_PATH in message]


def test_a_column_map(tmp_path: Path) -> None:
    """A map names the columns of somebody else's table, and what is the same in every row; other columns are let be."""
    header, row = "uid,day,text,l,notes", "r1,2026-07-01,A report.,low=.3;high=.6,whatever"
    write_bulk(tmp_path, row, header=header)
    beside = tmp_path / "evidence/feed.columns.yaml"
    beside.write_text(
        "columns: {id: uid, reported: day, headline: text, likelihood: l}\n"
        "always: {source: newspaper, credibility: 2, event: demand}\n",
        encoding="utf-8",
    )
    mapped = bulk(tmp_path)
    write_bulk(tmp_path / "other", ROW)
    assert bulk(tmp_path / "other") == mapped
    beside.write_text(beside.read_text(encoding="utf-8").replace("uid", "uidd"), encoding="utf-8")
    assert messages(tmp_path)[0] == (
        "evidence/feed.columns.yaml:1: column map: evidence/feed.csv has no column 'uidd'; "
        "columns are 'uid', 'day', 'text', 'l', 'notes'; did you mean 'uid'?"
    )


def test_many_quotes_left_open(tmp_path: Path) -> None:
    """Quotes that are never closed are found on each line, and told once with their number; reading stays linear."""
    write_bulk(tmp_path, *['"r,2026'] * 501)
    first, last = messages(tmp_path)
    assert first.startswith("evidence/feed.csv:2: not readable as CSV; ")
    assert first.endswith("; 499 more rows are like it, to line 501")
    assert last.startswith("evidence/feed.csv:502: a quote is opened and not closed; ")
