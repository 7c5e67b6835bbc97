"""Records of answers as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.plain import as_data, from_data


@dataclass(frozen=True, kw_only=True)
class _End:
    from_: float
    on: date | None


@dataclass(frozen=True, kw_only=True)
class _Middle:
    on: date | None
    from_: float


@dataclass(frozen=True, kw_only=True)
class _Answer:
    name: str
    ends: tuple[_End, ...]
    shares: dict[str, float]


def test_a_record_is_its_fields_in_their_order() -> None:
    """Records inside records, dates in ISO form, tuples as lists; a field `from_` stands under `from`."""
    answer = _Answer(
        name="a", ends=(_End(from_=0.25, on=date(2026, 7, 1)), _End(from_=1.0, on=None)), shares={"x": 0.5}
    )
    expected = {
        "name": "a",
        "ends": [{"from": 0.25, "on": "2026-07-01"}, {"from": 1.0, "on": None}],
        "shares": {"x": 0.5},
    }
    assert expected == as_data(answer)
    assert ["name", "ends", "shares"] == list(as_data(answer))


def test_plain_data_stays_as_it_is() -> None:
    """What holds no record comes back equal."""
    table: dict[str, list[object]] = {"rows": [1, 2.5, None, "text", True, {"deep": []}]}
    assert table == as_data(table)


@dataclass(frozen=True, kw_only=True)
class _Kept:
    answers: tuple[_Answer, ...]
    of: Mapping[str, tuple[int, ...] | None]
    steps: tuple[_End | _Middle, ...]
    pair: tuple[int, str]
    last: _End | None
    plain: Any


@given(
    kept=st.builds(
        _Kept,
        answers=st.lists(st.builds(_Answer, name=st.text(), ends=st.just(()), shares=st.just({"x": 0.5}))).map(tuple),
        of=st.dictionaries(st.text(), st.none() | st.lists(st.integers()).map(tuple)),
        steps=st.lists(
            st.builds(_End, from_=st.floats(0, 1), on=st.none() | st.dates())
            | st.builds(_Middle, from_=st.floats(0, 1), on=st.none() | st.dates())
        ).map(tuple),
        pair=st.tuples(st.integers(), st.text()),
        last=st.none() | st.builds(_End, from_=st.floats(0, 1), on=st.dates()),
        plain=st.just({"deep": [1, {"b": None}]}),
    )
)
def test_a_record_comes_back_from_its_plain_data(kept: _Kept) -> None:
    """What a record was turned into, written as JSON and read, is turned back into an equal record."""
    assert kept == from_data(_Kept, json.loads(json.dumps(as_data(kept))))


@pytest.mark.parametrize("wrong", [{"from": 0.5}, {"on": "soon", "from": 0.5}, [1]])
def test_other_data_is_no_record(wrong: object) -> None:
    """Data with a key less, no date where one stands, or of another kind is refused."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_data(_End, wrong)
