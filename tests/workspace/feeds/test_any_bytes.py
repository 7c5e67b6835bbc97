"""Files damaged in any way are read to the end: problems with a place, or numbers, and never an exception."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.workspace.feeds import feeds_of
from forecast.workspace.feeds.coded_table import Coder, File
from forecast.workspace.feeds.counted import Wanted, count
from forecast.workspace.feeds.histories import Crowd, as_csv, last_of_days, merged, read_points
from forecast.workspace.read_benchmarks import read_benchmark
from tests.workspace.feeds.coded_files import APRIL, FILES, REPORTED, SAMPLES
from tests.workspace.writing import TODAY

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC).timestamp()
PIECES = [b'"', b"\n", b"\t", b",", b"{", b"[", b"NaN", b"1e999", b"-1"]
DAMAGE = st.tuples(st.integers(0, 10_000), st.integers(0, 60), st.binary(max_size=12) | st.sampled_from(PIECES))


def damaged(content: bytes, damages: list[tuple[int, int, bytes]]) -> bytes:
    """Return a file with some stretches taken out and others put in."""
    for place, length, new in damages:
        at = place % (len(content) + 1)
        content = content[:at] + new + content[at + length :]
    return content


@pytest.mark.parametrize("form", FILES)
@given(st.lists(DAMAGE, min_size=1, max_size=4))
def test_a_damaged_table_is_counted_or_refused(form: str, damages: list[tuple[int, int, bytes]]) -> None:
    """Counts stay in order and from 0 on, and every problem is at a line of the file."""
    content = damaged((SAMPLES / FILES[form]).read_bytes(), damages)
    found = count([File("f", content)], feeds_of(Coder)[form], Wanted("events", *APRIL, REPORTED, (), is_whole=True))
    assert 0 <= found.low <= found.best <= found.high
    lines = content.count(b"\n") + 1
    assert [] == [str(one) for one in found.problems if not 1 <= one.source.line <= lines]


@pytest.mark.parametrize("form", feeds_of(Crowd))
@given(st.lists(DAMAGE, min_size=1, max_size=4))
def test_a_damaged_history_is_read_or_refused(form: str, damages: list[tuple[int, int, bytes]]) -> None:
    """What is read of a history is a series that a workspace can read."""
    content = damaged((SAMPLES / f"{form}.json").read_bytes(), damages)
    points, problems = read_points(content, "f", feeds_of(Crowd)[form], NOW)
    rows, _ = merged(None, form, last_of_days(points, TODAY)[0])
    again, wrong = read_benchmark(as_csv(rows), "f", TODAY)
    assert (rows, ()) == (again.points, wrong)
    assert points or problems
