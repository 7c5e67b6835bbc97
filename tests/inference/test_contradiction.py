"""Minimal contradicting sets against all subsets, and their cost."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.inference.elimination import minimal_contradiction


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 60), st.lists(st.sets(st.integers(0, 59), min_size=1, max_size=5), min_size=1, max_size=4))
def test_what_is_named_is_impossible_and_no_part_of_it_is(n: int, conflicts: list[set[int]]) -> None:
    """The items named contradict each other, any of them left out does not, and they stand in order."""
    conflicts = [{item % n for item in conflict} for conflict in conflicts]
    checks = []

    def is_possible(items: Sequence[int]) -> bool:
        assert sorted(items) == list(items)
        checks.append(items)
        return not any(conflict <= {*items} for conflict in conflicts)

    found = minimal_contradiction(range(n), is_possible)
    assert sorted(found) == found
    k = len(found)
    assert len(checks) <= 2 * k * log2(n / k) + 4 * k + 1
    assert not is_possible(found)
    assert all(is_possible([item for item in found if item != left_out]) for left_out in found)


def test_two_among_many() -> None:
    """Two items among 2,200 that contradict each other are found in less than fifty checks."""
    checks = 0

    def is_possible(items: Sequence[int]) -> bool:
        nonlocal checks
        checks += 1
        return not {700, 2100} <= {*items}

    assert [700, 2100] == minimal_contradiction(range(2200), is_possible)
    assert checks < 50


def test_nothing_is_named_where_nothing_helps() -> None:
    """Where not even no item at all is possible, no item is to blame."""
    assert [] == minimal_contradiction([1, 2], lambda _: False)
