"""What differs between two lines of the ledger, name by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.ledger.differences import differences
from forecast.ledger.entries import Line
from tests.ledgers import INPUTS, update

RECORDS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2", "3"]))


def _line(known_until: str = "2026-01-01", seed: int = 1, **inputs: Any) -> Line:
    return update(known_until=known_until, seed=seed, inputs={**INPUTS, **inputs})


BEFORE = _line(items={"a": "1", "b": "1", "c": "1"}, statements={"said": "1"}, retracted=["c"], sources={"wire": "1"})
AFTER: dict[str, tuple[dict[str, Any], list[str]]] = {
    "new item": ({"items": {"a": "1", "b": "1", "c": "1", "d": "1"}}, ["new item d"]),
    "edited item": ({"items": {"a": "1", "b": "2", "c": "1"}}, ["edited item b"]),
    "item taken out": ({"items": {"a": "1", "c": "1"}}, ["taken out item b"]),
    "retraction": ({"retracted": ["b", "c"]}, ["retracted b"]),
    "retraction undone": ({"retracted": []}, ["no longer retracted c"]),
    "statement": ({"statements": {"said": "2", "more": "1"}}, ["new statement more", "edited statement said"]),
    "a source comes with its first item": ({"sources": {"wire": "1", "blog": "1"}}, []),
    "a source that is in use": ({"sources": {"wire": "2"}}, ["edited source wire"]),
    "network": ({"network": "m"}, ["network"]),
    "rules": ({"scenarios": "t"}, ["scenario rules"]),
}


@pytest.mark.parametrize("name", AFTER)
def test_each_difference_has_its_words(name: str) -> None:
    """One change of the inputs is told under its own heading and no other."""
    inputs, words = AFTER[name]
    assert words == differences(BEFORE, _line(**{**BEFORE.inputs, **inputs})).words()


def test_settings() -> None:
    """Another seed is told; time that passed only where nothing else is news."""
    assert ["another seed"] == differences(BEFORE, _line("2026-02-01", seed=2, **BEFORE.inputs)).words()
    assert ["time without news"] == differences(BEFORE, _line("2026-02-01", **BEFORE.inputs)).words()


def test_many_names_are_counted() -> None:
    """More names than fit are counted, none of them is lost in JSON."""
    found = differences(None, _line(items=dict.fromkeys("abcde", "1")))
    assert ["new 5 items: a, b, c and 2 more"] == found.words()
    assert list("abcde") == list(found.new["items"])


@given(RECORDS, RECORDS)
def test_backwards_new_is_taken_out(one: dict[str, str], other: dict[str, str]) -> None:
    """Seen from the other end, what is new has been taken out, and what is edited is edited; the same is nothing."""
    forth, back = differences(_line(items=one), _line(items=other)), differences(_line(items=other), _line(items=one))
    assert {kind: set(names) for kind, names in forth.new.items()} == {
        kind: set(names) for kind, names in back.taken_out.items()
    }
    assert {kind: set(names) for kind, names in forth.edited.items()} == {
        kind: set(names) for kind, names in back.edited.items()
    }
    assert [] == differences(_line(items=one), _line(items=one)).words()
