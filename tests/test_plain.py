"""Records of answers as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from forecast.plain import as_data


@dataclass(frozen=True, kw_only=True)
class _End:
    from_: float
    on: date | None


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
